"""Real servers that are set up wrongly on purpose, each in one way; and a real proxy that inspects."""
import socket
import ssl

import pytest

import wrongly
from peers.debian import Unavailable

TLS = dict(security='tls')
CLEAR = dict(security='none', allow_plaintext='yes')


@pytest.fixture(scope='session')
def wrong_postfix(postfix, authority):
    peer = wrongly.start_postfix(postfix, authority)
    yield peer
    peer.stop()


@pytest.fixture(scope='session')
def wrong_exim(exim):
    peer = wrongly.start_exim(exim)
    yield peer
    peer.stop()


@pytest.fixture(scope='session')
def inspecting(postfix, authority):
    try:
        peer = wrongly.start_inspecting(postfix.ports['tls'], authority)
    except Unavailable as reason:
        pytest.skip('mitmproxy: %s' % reason)
    yield peer
    peer.stop()


POSTFIX = [
    ('a masked greeting without STARTTLS', 'masked', {}, 'smtp_intercepted'),
    ('no STARTTLS', 'no-starttls', {}, 'starttls_not_offered'),
    ('no sign-in', 'no-sign-in', TLS, 'auth_not_offered'),
    ('no sign-in, and none wanted', 'no-sign-in', dict(TLS, auth='none', secret=None, username=None), 'relay_denied'),
    ('a sign-in behind STARTTLS only', 'encrypted-only', {}, None),
    ('EHLO refused', 'helo', TLS, 'helo_rejected'),
    ('this machine turned away', 'client', TLS, 'banner_rejected'),
    ('the sender refused', 'sender-access', TLS, 'sender_not_owned'),
    ('every recipient refused', 'no-recipients', TLS, 'relay_denied'),
    ('every recipient put off', 'later', TLS, 'greylisted'),
    ('TLS 1.0', 'old', {}, 'tls_protocol_too_old'),
    ('an expired certificate', 'expired', TLS, 'cert_expired'),
    ('no mechanism but CRAM-MD5', 'other-mechanism', TLS, 'auth_no_common_mechanism'),
    ('Dovecot is not running', 'no-dovecot', TLS, 'connection_closed_before_banner'),
    ('a certificate that is not there', 'unclean', TLS, 'tls_handshake_incompatible'),
]


@pytest.mark.parametrize('label,port,settings,cause', POSTFIX, ids=[row[0] for row in POSTFIX])
def test_postfix(label, port, settings, cause, wrong_postfix, outpost, verdict):
    outpost.account('localhost:%d' % wrong_postfix.ports[port], **settings)
    verdict('Postfix: ' + label, cause, outpost.run('doctor', '--json', '--connect-timeout', '2'))


def test_postfix_counts_connections(wrong_postfix, authority, outpost, verdict):
    port = wrong_postfix.ports['crowded']
    context = ssl.create_default_context(cafile=authority.ca)
    with context.wrap_socket(socket.create_connection(('127.0.0.1', port)), server_hostname='localhost') as first:
        assert first.recv(1000).startswith(b'220')
        outpost.account('localhost:%d' % port, 'tls')
        verdict('Postfix: one connection too many', 'concurrent_limit', outpost.run('doctor', '--json', '--connect-timeout', '2'))


EXIM = [
    ('this machine turned away', 'client', 'banner_rejected'),
    ('EHLO refused', 'helo', 'helo_rejected'),
    ('no sign-in from here', 'no-sign-in', 'policy_rejected'),
    ('a sender that it can not verify', 'sender', 'sender_not_owned'),
    ('a wrong password', 'password', 'auth_bad_credentials'),
]


@pytest.mark.parametrize('label,port,cause', EXIM, ids=[row[0] for row in EXIM])
def test_exim(label, port, cause, wrong_exim, outpost, verdict):
    outpost.account('localhost:%d' % wrong_exim.ports[port], 'tls')
    verdict('Exim: ' + label, cause, outpost.run('doctor', '--json', '--connect-timeout', '2'))


def test_mitmproxy(inspecting, outpost, verdict):
    """It reads what is said, so nothing is: the password stays here."""
    outpost.account('localhost:%d' % inspecting.ports['tls'], 'tls')
    told = verdict('mitmproxy before Postfix', 'tls_interception', outpost.run('doctor', '--json', '--connect-timeout', '2'))
    broken, = [step for step in told['steps'] if step['ok'] is False]
    assert broken['step'] == 'tls' and 'mitmproxy' in broken['detail']['issuer'], told


def test_mitmproxy_whose_authority_is_trusted(inspecting, outpost, verdict, tmp_path):
    """Somebody has put its authority into the system's list: then it is his to read along."""
    outpost.account('localhost:%d' % inspecting.ports['tls'], 'tls', ca_file=inspecting.authority)
    verdict('mitmproxy, trusted', None, outpost.run('doctor', '--json', '--connect-timeout', '2'))
