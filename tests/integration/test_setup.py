"""outpost setup: from an address and a password to an account that has sent a message."""
import glob
import os
import re
import resource
import stat

import pytest

from daemon import Daemon
from messages import message
from outpost import CANTCREAT, IOERR, NOPERM, OK, USAGE
from peers.liar import HONEST, Liar
from peers.peer import PASSWORD, USER
from peers.process import until
from starting import names_of


def written(outpost):
    """What setup left beside the configuration, whole or not."""
    return sorted(glob.glob(outpost.config + '*') + glob.glob(outpost.config + '.d/*') +
                  glob.glob(outpost.folder + '/state/secrets/*') + glob.glob(outpost.folder + '/state/pending/*'))


def set_up(outpost, address, password, server, *words, **how):
    return outpost.run('setup', address, '--password-stdin', '--no-input', '--server', server, *words,
                       stdin=password.encode() + b'\n', **how)


@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_with_the_sandbox_then_send(security, outpost, sandbox):
    server = 'localhost:%d' % sandbox.ports[security]
    result = set_up(outpost, sandbox.user, sandbox.password, server, '--security', security, '--ca-file', sandbox.ca)
    assert result.status == OK, result
    sent, needle = message(sender=sandbox.user)

    result = outpost.send(sent, 'someone@x.test')

    assert result.status == OK, result
    kept = [open(path, 'rb').read() for path in glob.glob(sandbox.mail + '/new/*')]
    assert any(needle in m and m.replace(b'\r\n', b'\n').endswith(sent.replace(b'\r\n', b'\n')) for m in kept)


def test_with_postfix_writes_an_account_without_the_secret(outpost, postfix):
    result = set_up(outpost, USER, PASSWORD, 'localhost:%d' % postfix.ports['tls'], '--security', 'tls', '--ca-file',
                    outpost.ca, '--account', 'mine', '--test-to', 'a-test@x.test')
    assert result.status == OK, result
    assert PASSWORD not in result.out + result.err
    assert postfix.await_messages(b'a-test@x.test')
    section, secret = outpost.config + '.d/mine.conf', outpost.folder + '/state/secrets/mine'
    assert written(outpost) == sorted([outpost.config + '.d', section, secret])
    for path in (section, secret, outpost.folder + '/state/key'):
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
        assert PASSWORD.encode() not in open(path, 'rb').read(), path


def test_the_test_message_goes_on_where_the_sign_in_was(exim, outpost):
    """By a TLS ticket; and another process has none. (Postfix gives no new ticket for one that was used.)"""
    result = set_up(outpost, USER, PASSWORD, 'localhost:%d' % exim.ports['tls'], '--security', 'tls', '--ca-file',
                    outpost.ca, '--verbose', '--test-to', 'a-test@x.test')
    assert result.status == OK and re.search(r'\* TLSv1\.\d, \S+, resumed\n', result.err), result
    result = outpost.send(message()[0], '--verbose', 'someone@x.test')
    assert result.status == OK and '* TLSv1' in result.err and 'resumed' not in result.err, result


def test_wrong_password_writes_nothing(outpost, postfix):
    result = set_up(outpost, USER, 'not it', 'localhost:%d' % postfix.ports['tls'], '--security', 'tls', '--ca-file',
                    outpost.ca)
    assert result.status == NOPERM, result
    assert 'auth_bad_credentials' in result.err and 'not it' not in result.out + result.err
    assert written(outpost) == []


@pytest.mark.parametrize('address', ['me@live.com', 'me@hotmail.com', 'me@outlook.com'])
@pytest.mark.parametrize('words', [['--auth', 'password'], []], ids=['--auth password', 'a password on stdin'])
def test_a_password_is_refused_before_anything_is_sent(address, words, outpost):
    with Liar(HONEST) as server:
        result = outpost.run('setup', address, *words, '--password-stdin', '--no-input', '--connect-to',
                             '::127.0.0.1:%d' % server.port, stdin=b'hunter2\n')
    assert result.status == NOPERM, result
    assert 'auth_basic_disabled' in result.err and 'nothing was sent' in result.err, result
    assert server.calls == 0 and written(outpost) == []


def test_a_strangers_host_gets_no_password_unless_confirmed(outpost, postfix):
    """Its records name a host of another domain: --yes does not confirm that, only --server does."""
    names = names_of(['_submissions._tcp.victim.test. 60 IN SRV 0 1 465 smtp.elsewhere.test.',
                      'smtp.elsewhere.test. 60 IN A 127.0.0.1'])
    with names:
        result = outpost.run('setup', 'me@victim.test', '--password-stdin', '--no-input', '--yes', '--dns',
                             names.address, '--ca-file', outpost.ca, '--timeout', '20', '--verbose', '--connect-to',
                             ':465:127.0.0.1:%d' % postfix.ports['tls'], stdin=b'hunter2\n')
    assert result.status == USAGE and '--server' in result.err, result
    assert 'nobody confirmed' in result.out and 'AUTH' not in result.err, result
    assert written(outpost) == []


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))


def test_a_full_disk_leaves_no_half_a_file(outpost, sandbox):
    server = 'localhost:%d' % sandbox.ports['tls']
    result = set_up(outpost, sandbox.user, sandbox.password, server, '--security', 'tls', '--ca-file', sandbox.ca,
                    preexec_fn=small_files)
    assert result.status in (CANTCREAT, IOERR), result
    assert result.err.splitlines()[-1].startswith('outpost: ') and sandbox.password not in result.out + result.err
    assert [path for path in written(outpost) if not os.path.isdir(path)] == []


def test_a_password_is_wanted_and_nobody_is_there(outpost, sandbox):
    result = outpost.run('setup', sandbox.user, '--server', 'localhost:%d' % sandbox.ports['tls'], '--security', 'tls',
                         '--ca-file', sandbox.ca)
    assert result.status == USAGE, result
    assert '--password-stdin' in result.err and written(outpost) == []


def test_a_daemon_that_runs_learns_of_it(outpost, sandbox):
    """Of an account that comes, and of one that goes."""
    server = 'localhost:%d' % sandbox.ports['tls']
    words = ['--security', 'tls', '--ca-file', sandbox.ca, '--no-test']
    accounts = lambda: sorted(row['name'] for row in there.status()['accounts'])
    assert set_up(outpost, sandbox.user, sandbox.password, server, '--account', 'first', *words).status == OK
    there = Daemon(outpost)
    try:
        assert set_up(outpost, sandbox.user, sandbox.password, server, '--account', 'second', *words).status == OK
        until(lambda: accounts() == ['first', 'second'], 'the second account')
        assert outpost.run('account remove', 'first', '--yes').status == OK
        until(lambda: accounts() == ['second'], 'the first account to go')
    finally:
        assert there.stop() == 0
