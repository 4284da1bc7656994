"""What a person at a terminal sees."""
import os

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


def test_a_long_transfer_shows_how_far_it_is(outpost, postfix, tmp_path):
    outpost.account_at(postfix, 'tls')
    body = tmp_path / 'body'
    body.write_bytes(b'From: alice@example.test\r\n\r\n' + b'x' * 70 + b'\r\n' + (b'y' * 70 + b'\r\n') * 70000)
    argv = [PROGRAM, 'send', '--config', outpost.config, '--direct', '--raw', 'a@x.test']
    for term, shown in (('xterm', True), ('dumb', False)):
        with open(body) as stdin:
            terminal = Terminal(argv, {**outpost.environment, 'TERM': term}, stdin)
            assert terminal.end() == OK, terminal.seen.decode()
        assert (b'100%' in terminal.seen and b'[####' in terminal.seen) == shown, terminal.seen
        assert (b'\x1b' in terminal.seen) == shown
