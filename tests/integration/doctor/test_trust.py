"""Whom a machine trusts: the same by SMTP and by HTTPS, wherever its authorities lie."""
import os
import subprocess

import pytest

from conftest import TOKEN
from network import TARGET, WEB
from stage import Smtp
from test_probes import Web, more_certificates, stage  # noqa: F401: two fixtures

ELSEWHERE = ('/etc/pki', '/etc/ssl/cert.pem', '/etc/ssl/ca-bundle.pem')
BUNDLE = 'ca-certificates.crt'


def hash_name(certificate):
    return subprocess.run(['openssl', 'x509', '-noout', '-hash', '-in', certificate], check=True, capture_output=True,
                          text=True).stdout.strip() + '.0'


def put(folder, name, certificate):
    os.makedirs(folder, exist_ok=True)
    with open(certificate) as f, open(os.path.join(folder, name), 'w') as to:
        to.write(f.read())


# `bundle`, `hashed`: whose certificate lies there; 'dangling': a link that leads nowhere
@pytest.mark.parametrize('label,bundle,hashed,environment,cause', [
    ('a bundle alone', 'ca', None, {}, None),
    ('a directory alone', None, 'ca', {}, None),
    ('both', 'ca', 'ca', {}, None),
    ('neither', None, None, {}, 'local_ca_bundle_missing'),
    ('a bundle, and links that lead nowhere', 'ca', 'dangling', {}, None),
    ('links that lead nowhere', None, 'dangling', {}, 'local_ca_bundle_missing'),
    ('a bundle with nothing in it', 'empty', None, {}, 'local_ca_bundle_missing'),
    ('a file of its own', None, None, {'SSL_CERT_FILE': 'own/file.pem'}, None),
    ('a directory of its own', None, None, {'SSL_CERT_DIR': 'own'}, None),
    ('a directory of its own, among others', None, None, {'SSL_CERT_DIR': '/nowhere:own'}, None),
    ('a file of its own beside the directory', None, 'ca', {'SSL_CERT_FILE': 'own/stranger.pem'}, None),
    ('a file that is not there', 'ca', 'ca', {'SSL_CERT_FILE': '/nowhere/ca.pem'}, 'local_ca_bundle_missing'),
    ('a file with nothing in it', 'ca', 'ca', {'SSL_CERT_FILE': 'own/empty'}, 'local_ca_bundle_missing'),
    ('no more than a variable', 'ca', None, {'SSL_CERT_FILE': '', 'SSL_CERT_DIR': ''}, None),
    ('a stranger alone', 'by-nobody', None, {}, 'cert_untrusted_issuer'),
])
@pytest.mark.parametrize('road', ['smtp', 'https'])
def test_where_authorities_lie(label, bundle, hashed, environment, cause, road, stage, more_certificates, outpost,
                               verdict):
    certificates, own, etc = more_certificates, os.path.join(outpost.folder, 'own'), os.path.join(outpost.folder, 'certs')
    certificate = {'ca': certificates.ca, 'by-nobody': certificates.cert('stranger'), 'empty': '/dev/null'}
    for folder, name, of in ((own, 'file.pem', 'ca'), (own, hash_name(certificates.ca), 'ca'),
                             (own, 'stranger.pem', 'by-nobody'), (own, 'empty', 'empty')):
        put(folder, name, certificate[of])
    nothing = os.path.join(outpost.folder, 'nothing')
    os.mkdir(etc)
    os.mkdir(nothing)
    if bundle:
        put(etc, BUNDLE, certificate[bundle])
    if hashed == 'dangling':
        os.symlink('/nowhere/ca.crt', os.path.join(etc, hash_name(certificates.ca)))
    elif hashed:
        put(etc, hash_name(certificate[hashed]), certificate[hashed])
    del outpost.environment['OUTPOST_CA_FILE']
    outpost.ca = None
    outpost.environment.update({name: ':'.join(os.path.join(outpost.folder, part) if part.startswith('own') else part
                                               for part in value.split(':')) for name, value in environment.items()})
    cover = 'mount --bind %s /etc/ssl/certs' % etc + ''.join(
        ' && if [ -e {0} ]; then mount --bind {1} {0}; fi'.format(place, '/dev/null' if place.endswith('.pem') else nothing)
        for place in ELSEWHERE)
    outpost.inside = [*outpost.inside, 'unshare', '-m', 'sh', '-c', cover + ' && exec "$@"', 'sh']
    stage.open(TARGET, 587, Smtp())
    stage.open(WEB, 443, Web())
    if road == 'https' and cause == 'cert_untrusted_issuer':
        cause = 'tls_interception'      # Microsoft's own is trusted everywhere
    if road == 'smtp':
        result = outpost.run('doctor', 'mail.example.test:587', '--json', '--connect-timeout', '3')
    else:
        outpost.account(None, None, address='me@live.com', username=None, transport='graph', auth='token', password=TOKEN)
        result = outpost.run('doctor', '--json', '--connect-timeout', '3')
    told = verdict('%s, by %s' % (label, road), cause, result)
    assert not cause or told['stage'] == ('https' if road == 'https' else told['stage']), told
