"""What the system's calls may do and seldom do: move less than was asked, be interrupted, be the last one."""
import os
import signal
import subprocess

import pytest

from messages import message
from outpost import OK, PROGRAM, Result
from peers import shim
from peers.debian import Unavailable
from peers.peer import PASSWORD, USER
from test_matrix import arrived_as_sent
from test_setup import set_up, written


@pytest.fixture(scope='session')
def preload():
    try:
        return shim.path_for(PROGRAM)
    except Unavailable as reason:
        pytest.skip(str(reason))


# ---- short and interrupted ----

@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_short_and_interrupted_calls_change_nothing(security, preload, outpost, postfix):
    """Files, pipes and sockets, a byte at a time: the same message arrives, and the password is the same."""
    sent, needle = message()
    outpost.account_at(postfix, security)
    result = outpost.send(sent, '--json', 'someone@x.test', 'other@x.test', env={'LD_PRELOAD': preload, 'SHIM_SHORT': '1'})
    assert result.status == OK and result.json['outcome'] == 'delivered', result
    arrived_as_sent(postfix, needle, sent)


def test_short_and_interrupted_setup(preload, outpost, sandbox):
    env = {'LD_PRELOAD': preload, 'SHIM_SHORT': '1'}
    result = set_up(outpost, sandbox.user, sandbox.password, 'localhost:%d' % sandbox.ports['tls'], '--security', 'tls',
                    '--ca-file', sandbox.ca, env=env)
    assert result.status == OK, result
    assert outpost.send(message(sender=sandbox.user)[0], 'someone@x.test', env=env).status == OK
    assert outpost.send(message(sender=sandbox.user)[0], 'someone@x.test').status == OK


def test_short_and_interrupted_queue(preload, outpost, scripted):
    """Through the queue: handed over, kept, read again; and its key stands for the same bytes as without."""
    sent, needle = message()
    sent += b'x' * 70 + b'\r\n'
    outpost.account_at(scripted, 'tls')
    words = ('send', '--raw', '--key', 'once', '--wait', '60', '--json', 'someone@x.test')
    first = outpost.run(*words, stdin=sent, env={'LD_PRELOAD': preload, 'SHIM_SHORT': '1'})
    assert first.status == OK and first.json['outcome'] == 'delivered', first
    arrived_as_sent(scripted, needle, sent)
    again = outpost.run(*words, stdin=sent)
    assert again.status == OK and again.json['id'] == first.json['id'], again


def test_short_and_interrupted_attachment(preload, outpost, scripted, tmp_path):
    """Composing reads files, and writes what it makes into one."""
    (tmp_path / 'photo.bin').write_bytes(bytes(range(256)) * 40)
    outpost.account_at(scripted, 'tls')
    words = ['-s', 'hi', '-A', str(tmp_path / 'photo.bin'), 'someone@x.test', '--dry-run', '--json']
    plain = outpost.run('send', *words, stdin=b'hello\n').json['message']
    short = outpost.run('send', *words, stdin=b'hello\n', env={'LD_PRELOAD': preload, 'SHIM_SHORT': '1'}).json['message']

    def payload(text):
        return [line for line in text.splitlines() if not line.startswith(('Message-ID', 'Date', '--', 'Content-Type'))]
    assert payload(plain) == payload(short)


# ---- killed ----

@pytest.fixture
def two(outpost, sandbox, scripted):
    """Words for setup: the same account at two servers, whose passwords differ."""
    def words(peer, user, password, ca):
        return ('mine@x.test', password, 'localhost:%d' % peer.ports['tls'], '--username', user, '--security', 'tls',
                '--ca-file', ca, '--account', 'mine', '--no-test', '--yes')
    return words(scripted, USER, PASSWORD, outpost.ca), words(sandbox, sandbox.user, sandbox.password, sandbox.ca)


def killed_at(outpost, preload, step, words):
    """True: it came to that."""
    address, password, server, *more = words
    argv = [PROGRAM, 'setup', address, '--config', outpost.config, '--password-stdin', '--no-input', '--server', server]
    done = subprocess.run(argv + more, input=password.encode() + b'\n', capture_output=True, timeout=60,
                          env={**outpost.environment, 'LD_PRELOAD': preload, 'SHIM_KILL': str(step)})
    if done.returncode == -signal.SIGKILL:
        return True
    assert done.returncode == OK, Result(done)
    return False


def server_of(outpost):
    return outpost.run('account show', 'mine', '--json').json['port']


@pytest.mark.parametrize('before', [False, True], ids=['a new account', 'one that replaces another'])
def test_killed_anywhere_account_and_secret_are_one(before, preload, outpost, two):
    """Whichever account stands then, it signs in: it has its own secret, not the other's, and not none. And the
    next setup finds nothing in its way, and leaves nothing behind."""
    first, second = two
    clean = None
    for step in range(1, 100):
        subprocess.run(['rm', '-rf', outpost.folder + '/state', outpost.config + '.d'], check=True)
        if before:
            assert set_up(outpost, *first).status == OK
        if not killed_at(outpost, preload, step, second):
            clean = written(outpost)
            break
        there = os.path.exists(outpost.config + '.d/mine.conf')
        assert there or not before, 'at step %d the account was lost' % step
        if there:
            result = outpost.send(message(sender='mine@x.test')[0], 'someone@x.test')
            assert result.status == OK, 'at step %d, with port %d: %r' % (step, server_of(outpost), result)
        result = set_up(outpost, *second)
        assert result.status == OK, 'after step %d: %r' % (step, result)
        assert [p for p in written(outpost) if '/pending/' in p] == [], 'after step %d' % step
        assert outpost.send(message(sender='mine@x.test')[0], 'someone@x.test').status == OK
    assert step > 8 and clean, 'the shim killed nobody'
    assert sorted(map(os.path.basename, clean)) == ['mine', 'mine.conf', 'outpost.conf.d']


def test_what_an_interrupted_setup_left_is_told_and_gone(preload, outpost, two):
    """Killed when its secret waits, and the account's file is not there yet; then another account is set up."""
    _, words = two
    for step in range(1, 100):
        subprocess.run(['rm', '-rf', outpost.folder + '/state', outpost.config + '.d'], check=True)
        assert killed_at(outpost, preload, step, words), 'no secret ever waited'
        if os.path.exists(outpost.folder + '/state/pending/mine') and not os.path.exists(outpost.config + '.d/mine.conf'):
            break
    other = list(words)
    other[other.index('mine')] = 'other'
    result = set_up(outpost, *other)
    assert result.status == OK and 'an interrupted setup of the account mine' in result.err, result
    assert os.listdir(outpost.folder + '/state/pending') == []
