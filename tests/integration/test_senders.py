"""As whom may an account send? What `outpost setup` finds out, at servers that look early, late, and never."""
import json
import os

import pytest

from outpost import OK, PROGRAM, UNAVAILABLE
from peers.peer import PASSWORD, USER
from peers.terminal import Terminal
from sandbox import Sandbox

TEAM, BOB = 'team@example.test', 'bob@example.test'     # the user's own too, and another's


def set_up(outpost, address, password, words, *more):
    result = outpost.run('setup', address, '--password-stdin', '--no-input', '--json', *words, *more,
                         stdin=password.encode() + b'\n')
    first = json.loads(result.out.splitlines()[0])
    return result, {s['address']: (s['proven'], s['by'], s['cause']) for s in first['senders']}


def at(peer, port, outpost):
    security = 'starttls' if port == 'starttls' else 'tls'
    return ['--server', 'localhost:%d' % peer.ports[port], '--security', security, '--ca-file', outpost.ca]


@pytest.mark.parametrize('name,port', [('postfix', 'owned-mail'), ('postfix', 'owned-rcpt'), ('submission', 'starttls')])
def test_a_server_that_compares(name, port, request, outpost):
    """reject_sender_login_mismatch, at MAIL and at RCPT, and behind Dovecot: nothing is sent to find it out."""
    peer = request.getfixturevalue(name)
    result, senders = set_up(outpost, USER, PASSWORD, at(peer, port, outpost), '--no-test',
                             '--send-as', TEAM, '--send-as', BOB, '--send-as', '*@example.org')
    assert result.status == UNAVAILABLE, result
    assert senders == {USER: (True, 'mail', None), TEAM: (True, 'mail', None), BOB: (False, None, 'sender_not_owned'),
                       '*@example.org': (None, None, None)}, result
    assert 'bob@example.test' in result.err and 'not owned by user' in result.err, result
    assert 'send_as = %s, %s, *@example.org' % (TEAM, BOB) in open(outpost.config + '.d/example.conf').read()
    assert not peer.messages(BOB.encode()) and not peer.messages(TEAM.encode())


@pytest.mark.parametrize('name,port', [('postfix', 'owned-mail'), ('postfix', 'owned-rcpt'), ('submission', 'starttls')])
def test_an_address_that_is_not_the_ones_who_signs_in(name, port, request, outpost):
    """No test message follows where the account's own address is refused."""
    peer = request.getfixturevalue(name)
    result, senders = set_up(outpost, BOB, PASSWORD, at(peer, port, outpost), '--username', USER)
    assert result.status == UNAVAILABLE and senders == {BOB: (False, None, 'sender_not_owned')}, result
    assert len(result.out.splitlines()) == 1 and 'sender_not_owned' in result.err, result
    assert not peer.messages(BOB.encode())


def test_a_server_that_does_not_compare(outpost, exim):
    """That it took one says nothing; and nobody is there to ask."""
    result, senders = set_up(outpost, USER, PASSWORD, at(exim, 'tls', outpost), '--send-as', BOB)
    assert result.status == OK, result
    assert senders == {USER: (None, None, None), BOB: (None, None, None)}, result
    assert 'Not proven: whether mail from %s' % BOB in result.err and 'mail from %s ' % USER not in result.err, result
    assert not exim.messages(b'From: <%s>' % BOB.encode())


def at_a_terminal(outpost, address, password, words):
    secret = os.path.join(outpost.folder, 'secret')
    with open(secret, 'w') as f:
        f.write(password)
    return Terminal([PROGRAM, 'setup', address, '--config', outpost.config, '--password-command', 'cat ' + secret, *words],
                    outpost.environment)


@pytest.mark.parametrize('answer', [b'y', b'n'])
def test_a_message_is_offered(answer, outpost, exim):
    terminal = at_a_terminal(outpost, USER, PASSWORD, [*at(exim, 'tls', outpost), '--send-as', BOB])
    terminal.until(b'Send one from it to alice@example.test? [y/N]')
    before = len(exim.messages(b'From: <bob@example.test>'))
    terminal.type(answer + b'\n')
    assert terminal.end() == OK, terminal.seen
    sent = len(exim.messages(b'From: <bob@example.test>')) - before
    assert sent == (answer == b'y')
    assert (b'took a message from bob@' in terminal.seen) == (answer == b'y'), terminal.seen
    assert (b'Not proven: whether mail from bob@' in terminal.seen) == (answer == b'n'), terminal.seen


@pytest.mark.parametrize('provider,early', [('gmx', True), ('yandex', True), ('zoho', True), ('yahoo', False)])
def test_where_the_profile_says_it_is_seen(provider, early, outpost, tmp_path):
    """Where it is seen when the sender is named, that is enough; where it is seen at the end, only a message tells."""
    desk = Sandbox(tmp_path / 'desk', provider)
    outpost.environment.update(OUTPOST_CONNECT_TO=','.join(desk.connect_to), OUTPOST_CA_FILE=desk.ca)
    other = 'other@example.org'
    result, senders = set_up(outpost, desk.user, desk.password, ['--send-as', other])
    if early:
        assert result.status == UNAVAILABLE, result
        assert senders == {desk.user: (True, 'mail', None), other: (False, None, 'sender_not_owned')}
    else:
        assert result.status == OK, result
        assert senders == {desk.user: (None, None, None), other: (None, None, None)}
        terminal = at_a_terminal(outpost, desk.user, desk.password, ['--send-as', other, '--yes'])
        terminal.until(b'[y/N]')
        terminal.type(b'y\n')
        assert terminal.end() == UNAVAILABLE, terminal.seen
        assert b'as other@example.org' in terminal.seen and b'sender_not_owned' in terminal.seen, terminal.seen
    assert len(desk.kept(b'outpost: it works')) == (1 if early else 2)
    assert not desk.kept(b'From: <other@example.org>')
    desk.stop()


def test_a_sender_that_is_no_address(outpost):
    result = outpost.run('setup', USER, '--password-stdin', '--send-as', 'bob@@x', stdin=b'x\n')
    assert result.status == 64 and '--send-as' in result.err, result
