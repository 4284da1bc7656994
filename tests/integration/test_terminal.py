"""What a person at a terminal sees."""
import os
import re
import signal

import pytest

from outpost import OK, PROGRAM
from peers.peer import PASSWORD, USER
from peers.terminal import Terminal


def test_a_password_is_asked_for_without_echo(outpost, postfix):
    terminal = Terminal([PROGRAM, 'setup', USER, '--config', outpost.config, '--ca-file', outpost.ca, '--server',
                         'localhost:%d' % postfix.ports['tls'], '--security', 'tls', '--test-to', 'a@x.test'],
                        outpost.environment)
    terminal.until(b'assword')
    assert not terminal.echoes()
    terminal.type(PASSWORD.encode() + b'\n')
    assert terminal.end() == OK, terminal.seen.decode()
    assert PASSWORD.encode() not in terminal.seen
    assert os.path.exists(outpost.config + '.d')


def at_the_question(outpost, sandbox):
    terminal = Terminal([PROGRAM, 'setup', sandbox.user, '--config', outpost.config, '--ca-file', sandbox.ca, '--server',
                         'localhost:%d' % sandbox.ports['tls'], '--security', 'tls'], outpost.environment)
    terminal.until(b'assword')
    assert not terminal.echoes()
    return terminal


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_who_leaves_at_the_question_gets_the_terminal_back(number, outpost, sandbox):
    terminal = at_the_question(outpost, sandbox)
    terminal.type(b'half a pass')
    if number == signal.SIGINT:
        terminal.type(b'\x03')
    else:
        terminal.popen.send_signal(number)
    terminal.popen.wait(10)
    assert terminal.echoes()
    assert terminal.end() == -number
    assert b'half' not in terminal.seen
    assert not os.path.exists(outpost.config + '.d') and not os.path.exists(outpost.config)


@pytest.mark.parametrize('way', [['--direct'], []], ids=['direct', 'queue'])
def test_a_long_transfer_shows_how_far_it_is(way, outpost, postfix, tmp_path):
    outpost.account_at(postfix, 'tls')
    body = tmp_path / 'body'
    body.write_bytes(b'From: alice@example.test\r\n\r\n' + b'x' * 70 + b'\r\n' + (b'y' * 70 + b'\r\n') * 70000)
    argv = [PROGRAM, 'send', '--config', outpost.config, *way, '--raw', 'a@x.test']
    words = [b'sending'] if way else [b'queueing', b'sending']
    for term, shown in (('xterm', True), ('dumb', False)):
        with open(body) as stdin:
            terminal = Terminal(argv, {**outpost.environment, 'TERM': term}, stdin)
            assert terminal.end() == OK, terminal.seen.decode()
        for word in words:
            assert bool(re.search(word + rb' \[#{30}\] 100%', terminal.seen)) == shown, terminal.seen
        assert (b'\x1b' in terminal.seen) == shown
