"""Settings found in a real name server's zone and on a real web server."""
import pytest

from outpost import DATAERR, NOHOST, OK
from peers.debian import Unavailable
from peers.names import Names
from peers.web import Web

RECORDS = [
    '_submissions._tcp.srv.test. 60 IN SRV 10 1 465 backup.srv.test.',
    '_submissions._tcp.srv.test. 60 IN SRV 0 1 465 smtp.srv.test.',
    '_submission._tcp.srv.test. 60 IN SRV 0 1 587 smtp.srv.test.',
    '_submission._tcp.none.test. 60 IN SRV 0 0 0 .',
    '_submissions._tcp.none.test. 60 IN SRV 0 0 0 .',
    'google.test. 60 IN MX 1 aspmx.l.google.com.',
    'google.test. 60 IN MX 10 alt1.aspmx.l.google.com.',
    'hosted.test. 60 IN MX 10 mx.hoster.test.',
    'stranger.test. 60 IN MX 10 mail.stranger.test.',
    '_submissions._tcp.stranger.test. 60 IN SRV 0 1 465 smtp.elsewhere.test.',
    'smtp.guess.test. 60 IN A 127.0.0.1',
    'autoconfig.inside.test. 60 IN A 127.0.0.1',
]


def xml(host, port, socket):
    return ('<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x"><outgoingServer type="smtp">'
            '<hostname>%s</hostname><port>%d</port><socketType>%s</socketType><username>%%EMAILADDRESS%%</username>'
            '<authentication>password-cleartext</authentication></outgoingServer></emailProvider></clientConfig>'
            % (host, port, socket))


DATABASE = 'autoconfig.thunderbird.net'
PAGES = {
    ('autoconfig.web.test', '/mail/config-v1.1.xml'): xml('out.web.test', 587, 'STARTTLS'),
    ('autoconfig.hoster.test', '/mail/config-v1.1.xml'): xml('smtp.hoster.test', 465, 'SSL'),
    ('autoconfig.bomb.test', '/mail/config-v1.1.xml'): '<!DOCTYPE x [<!ENTITY a "aaaa">]><clientConfig>&a;</clientConfig>',
    (DATABASE, '/v1.1/listed.test'): xml('smtp.listed.test', 465, 'SSL'),
}


@pytest.fixture(scope='module')
def names():
    try:
        server = Names(RECORDS)
    except Unavailable as reason:
        pytest.skip('unbound: %s' % reason)
    yield server
    server.stop()


@pytest.fixture
def web(authority):
    hosts = sorted({host for host, _ in PAGES})
    authority.leaf('web', ','.join('DNS:' + host for host in hosts))
    server = Web(authority, PAGES, 'web')
    yield server
    server.stop()


@pytest.fixture
def settings(outpost, authority, names, web):
    def run(address, *words):
        return outpost.run('settings', address, '--json', '--dns', names.address, '--ca-file', authority.ca,
                           '--timeout', '20', '--connect-to', ':443:127.0.0.1:%d' % web.port, *words)
    return run


def found(result):
    return [(c['host'], c['port'], c['security'], c['source']) for c in result.json['candidates']]


def test_srv_records(settings):
    result = settings('me@srv.test')
    assert result.status == OK, result
    assert found(result) == [('smtp.srv.test', 465, 'tls', 'srv'), ('backup.srv.test', 465, 'tls', 'srv'),
                             ('smtp.srv.test', 587, 'starttls', 'srv')]
    assert result.json['candidates'][0]['username'] == 'me@srv.test'


@pytest.mark.parametrize('address, candidate', [
    ('me@web.test', ('out.web.test', 587, 'starttls', 'autoconfig')),
    ('me@listed.test', ('smtp.listed.test', 465, 'tls', 'ispdb')),
    ('me@hosted.test', ('smtp.hoster.test', 465, 'tls', 'mx-autoconfig')),
    ('me@google.test', ('smtp.gmail.com', 465, 'tls', 'profile-mx')),
    ('me@guess.test', ('smtp.guess.test', 465, 'tls', 'guess')),
])
def test_each_source(settings, web, address, candidate):
    result = settings(address)
    assert result.status == OK, result
    assert found(result)[0] == candidate


def test_only_the_domain_is_told_the_address(settings, web):
    settings('jane.doe@listed.test')
    assert (DATABASE, '/v1.1/listed.test') in web.asked
    assert all('jane' not in path for _, path in web.asked)


@pytest.mark.parametrize('address', ['me@none.test', 'me@gone.test', 'me@bomb.test', 'me@broken.test'])
def test_nothing_to_be_found(settings, address):
    result = settings(address)
    assert result.status == NOHOST, result
    assert result.json['candidates'] == []


def test_known_domains_are_not_asked_for(settings, web):
    result = settings('me@live.com')
    assert result.status == OK, result
    assert found(result)[0] == ('smtp-mail.outlook.com', 587, 'starttls', 'profile')
    assert result.json['candidates'][0]['auth'] == ['oauth']
    assert web.asked == []


def test_offline_asks_nobody(settings, web):
    result = settings('me@web.test', '--offline')
    assert result.status == NOHOST, result
    assert web.asked == []


def test_a_web_server_inside_is_not_visited(outpost, authority, names):
    """A name that leads to a loopback address is somebody else's idea: no request goes there."""
    result = outpost.run('settings', 'me@inside.test', '--dns', names.address, '--ca-file', authority.ca)
    assert result.status == NOHOST, result
    assert 'autoconfig.inside.test has no address on the public net' in ' '.join(result.err.split())


def test_not_an_address(settings):
    result = settings('me@@example.com')
    assert result.status == DATAERR and 'at character 4: ' in result.err and '(usage_error)' in result.err, result
