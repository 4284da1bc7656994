"""outpost status --health: what a monitor hears; and that a person hears it once."""
import mailbox
import os

import pytest

from daemon import Daemon
from messages import message
from outpost import OK, USAGE
from peers.process import free_port, until

WARNING, CRITICAL = 1, 2


@pytest.fixture
def daemon(outpost):
    running = []

    def start(*words):
        running.append(Daemon(outpost, *words))
        return running[-1]
    yield start
    for one in running:
        one.stop()


def health(outpost, *words):
    return outpost.run('status', '--health', *words)


def add(outpost, text):
    with open(outpost.config, 'a') as f:
        f.write(text)


def unsigned(name):
    return '[account %s]\naddress = %s@live.com\nclient_id = one\nauth = oauth\n' % (name, name)


def test_all_is_well(outpost, daemon, postfix):
    outpost.account_at(postfix, 'tls')
    alone = health(outpost)
    assert alone.status == WARNING and alone.out.startswith('WARNING: no daemon runs | waiting=0 '), alone
    daemon()
    result = health(outpost)
    assert result.status == OK and result.out.startswith('OK: the daemon runs, nothing waits | waiting=0 disk_free=')
    assert result.out.count('\n') == 1 and not result.err
    assert health(outpost, '--json').json == {'health': 'ok', 'problems': []}
    assert health(outpost, '--quiet').out == ''


def test_what_waits_too_long(outpost, daemon):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    assert outpost.run('send', '--raw', 'rcpt@example.test', stdin=message()[0]).status == OK
    alone = health(outpost)
    assert alone.status == CRITICAL and 'no daemon runs that would try' in alone.out, alone
    daemon()
    assert health(outpost).status == OK
    until(lambda: health(outpost, '--warn-age', '1s').status == WARNING, 'a message that waits for a second')
    late = health(outpost, '--critical-age', '1s', '--warn-age', '1s')
    assert late.status == CRITICAL and '1 message waits, the oldest for ' in late.out, late


def test_a_parked_account(outpost, daemon, postfix):
    outpost.account_at(postfix, 'tls', password='wrong')
    daemon()
    outpost.run('send', '--raw', 'rcpt@example.test', stdin=message()[0])
    until(lambda: health(outpost).status == CRITICAL, 'a parked account')
    told = health(outpost, '--json').json
    assert told['health'] == 'critical' and told['problems'][0]['text'].startswith('test can\'t send: '), told


def test_a_disk_below_the_reserve(outpost, daemon, postfix):
    """No disk is wholly free: below twice half of it is a warning at least."""
    outpost.account_at(postfix, 'tls')
    add(outpost, '[queue]\nreserve = 50%\n')
    daemon()
    result = health(outpost)
    assert result.status in (WARNING, CRITICAL) and 'the disk is ' in result.out, result


def test_a_person_hears_of_a_sign_in_once(outpost, daemon, postfix, tmp_path):
    box = tmp_path / 'box'
    outpost.account_at(postfix, 'tls')
    add(outpost, unsigned('one') + '[notify]\nmailbox = %s\n' % box)
    for _ in range(2):
        result = health(outpost)
        assert result.status == CRITICAL and 'one can\'t send: nobody has signed in' in result.out, result
    assert len(mailbox.mbox(str(box))) == 1
    add(outpost, unsigned('two'))
    process = daemon()      # which tells of what is new by itself
    until(lambda: process.lines('notify'), 'a telling')
    assert health(outpost).status == CRITICAL
    process.stop()
    assert health(outpost).status == CRITICAL
    told = [entry['Subject'] for entry in mailbox.mbox(str(box))]
    assert told == ['outpost: %s cannot send: a person must sign in' % name for name in ('one', 'two')]


@pytest.mark.parametrize('text, says', [
    ('[accont live]\n', 'outpost.conf:1: '),
    ('[account live]\naddress = me@live.com\nserver = :\n', 'outpost.conf:'),
])
def test_a_bad_configuration_is_critical(outpost, text, says):
    add(outpost, text)
    os.chmod(outpost.config, 0o600)
    result = health(outpost)
    assert result.status == CRITICAL and says in result.out and result.out.count('\n') == 1, result


@pytest.mark.parametrize('words', [('--health', '--warn-age', '3'), ('--health', '--critical-age', 'soon'),
                                   ('--health', '--warn-age', '0s'), ('--warn-age', '3h')])
def test_mistyped(outpost, words):
    assert outpost.run('status', *words).status == USAGE
