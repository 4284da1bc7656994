"""outpost account login --qr: what is drawn on a terminal is read by a real reader, and leads where it should."""
import pytest

from outpost import OK, PROGRAM
from peers.idp import Person
from peers.peer import USER
from peers.process import Process
from peers.terminal import Terminal
from peers.zbar import on_screen

END = b'(Ctrl-C gives up)'


@pytest.fixture
def logging_in(outpost, idp):
    """logging_in(**environment): the command, on a terminal, at the place where it waits."""
    def begin(columns=0, **environment):
        outpost.account('localhost:1', auth='oauth', secret=None, client_id='outpost', issuer=idp.issuer)
        terminal = Terminal([PROGRAM, 'account', 'login', '--config', outpost.config, '--ca-file', outpost.ca, '--flow',
                             'device', '--qr'], {**outpost.environment, **environment}, columns=columns)
        terminal.until(END)
        return terminal
    return begin


@pytest.mark.parametrize('no_color,dark', [('', True), ('', False), ('1', True)],
                         ids=['on a dark terminal', 'on a light one', 'without colours, on a dark one'])
def test_it_is_read_and_leads_to_the_page(no_color, dark, logging_in, idp, zbar):
    terminal = logging_in(TERM='xterm', NO_COLOR=no_color)
    assert (b'\x1b[30;47m' in terminal.seen) == (not no_color)
    read = zbar.read(on_screen(terminal.seen, dark))
    assert read and read.startswith(idp.issuer + '/device?user_code='), terminal.seen.decode()
    Person(idp, USER).agree_to_device(read)
    assert terminal.end() == OK, terminal.seen


@pytest.mark.parametrize('environment,why', [
    ({'TERM': 'dumb'}, b'this is no terminal that could show one'),
    ({'TERM': 'xterm', 'LC_ALL': 'C'}, b'the locale is not UTF-8'),
    ({'TERM': 'xterm', 'columns': 30}, b'the terminal is too narrow'),
])
def test_elsewhere_the_code_is_enough(environment, why, logging_in):
    terminal = logging_in(**environment)
    assert b'(No QR code: ' + why in terminal.seen and b'enter this code' in terminal.seen, terminal.seen
    assert '\u2588'.encode() not in terminal.seen
    terminal.type(b'\x03')
    terminal.popen.wait(10)


def test_a_pipe_gets_none(outpost, idp):
    outpost.account('localhost:1', auth='oauth', secret=None, client_id='outpost', issuer=idp.issuer)
    one = Process([PROGRAM, 'account', 'login', '--config', outpost.config, '--ca-file', outpost.ca, '--flow', 'device',
                   '--qr'], env={**outpost.environment, 'TERM': 'xterm'})
    one.await_line('Ctrl-C')
    one.stop()
    assert 'No QR code' in one.said and '\x1b' not in one.said and '\u2588' not in one.said, one.said
