"""Signing in by a certificate: EXTERNAL at Exim, which verifies it by GnuTLS; shown and no more at Postfix."""
import os

import pytest

from messages import message
from outpost import CONFIG, NOPERM, OK
from peers.peer import PASSWORD, USER
from test_matrix import arrived_as_sent


def with_certificate(outpost, authority, peer, security, name='client', **settings):
    """An account without a secret."""
    return outpost.account_at(peer, security, **{
        'auth': None, 'secret': None, 'username': None, 'client_certificate': authority.cert(name),
        'client_key': authority.key(name), **settings})


@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_external_arrives_as_sent(security, outpost, authority, exim, record):
    record(('exim', security, 'EXTERNAL'), 'FAILED')
    sent, needle = message()
    result = with_certificate(outpost, authority, exim, security).send(sent, '--verbose', 'someone@x.test')
    assert result.status == OK and '> AUTH EXTERNAL ***' in result.err, result
    arrived_as_sent(exim, needle, sent)
    record(('exim', security, 'EXTERNAL'), 'arrived')


def test_external_for_somebody(outpost, authority, exim):
    sent, needle = message()
    result = with_certificate(outpost, authority, exim, 'tls', username=USER).send(sent, 'someone@x.test')
    assert result.status == OK, result
    arrived_as_sent(exim, needle, sent)

    sent, needle = message()
    result = with_certificate(outpost, authority, exim, 'tls', username='mallory@example.test').send(sent, 'a@x.test')
    assert result.status == NOPERM and '(client_certificate_refused)' in result.err, result
    assert not exim.messages(needle)


def test_certificate_the_server_does_not_know(outpost, authority, exim):
    """Exim hides EXTERNAL from whom it does not know; and no password is tried in its place."""
    sent, needle = message()
    result = with_certificate(outpost, authority, exim, 'tls', 'client-stranger').send(sent, '--verbose', 'a@x.test')
    assert result.status == NOPERM and '(auth_no_common_mechanism)' in result.err, result
    assert '> AUTH' not in result.err and not exim.messages(needle), result


def test_certificate_in_place_of_a_sign_in(outpost, authority, postfix):
    sent, needle = message()
    result = with_certificate(outpost, authority, postfix, 'tls', auth='none').send(sent, 'someone@x.test')
    assert result.status == OK, result
    arrived_as_sent(postfix, needle, sent)


def test_certificate_beside_a_password(outpost, authority, exim):
    sent, needle = message()
    outpost.account_at(exim, 'tls', client_certificate=authority.cert('client'), client_key=authority.key('client'))
    result = outpost.send(sent, '--verbose', 'someone@x.test')
    assert result.status == OK and 'AUTH SCRAM-SHA-256' in result.err and PASSWORD not in result.err, result
    arrived_as_sent(exim, needle, sent)


def test_key_that_others_may_read_is_refused(outpost, authority, exim, tmp_path):
    key = tmp_path / 'open.key'
    key.write_text(open(authority.key('client')).read())
    os.chmod(key, 0o644)
    result = with_certificate(outpost, authority, exim, 'tls', client_key=str(key)).send(message()[0], 'a@x.test')
    assert result.status == CONFIG and 'chmod' in result.err and '(local_token_unreadable)' in result.err, result


@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_setup_by_certificate(security, outpost, authority, exim):
    result = outpost.run('setup', USER, '--server', 'localhost:%d' % exim.ports[security], '--security', security,
                         '--ca-file', authority.ca, '--client-certificate', authority.cert('client'),
                         '--client-key', authority.key('client'), '--no-input')
    assert result.status == OK and 'signed in by EXTERNAL' in result.out, result
    section = outpost.run('account show', 'example', '--json').json
    assert section['auth'] == 'certificate' and section['username'] is None, section
    exim.await_messages(b'outpost: it works')
    assert not os.path.exists(os.path.join(outpost.folder, 'state', 'secrets')), 'a secret was kept, and there is none'


def test_setup_wants_both_files(outpost, authority):
    for words in (['--client-certificate', authority.cert('client')], ['--client-key', authority.key('client')],
                  ['--auth', 'certificate']):
        result = outpost.run('setup', USER, '--server', 'localhost:1', '--no-input', *words)
        assert result.status == 64 and '--client-key' in result.err, result
