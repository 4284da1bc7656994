"""The peers as fixtures, and the matrix that is printed at the end."""
import resource
import signal

import pytest

from leaks import Leaks
from outpost import PROGRAM, Outpost
from peers.certs import Authority
from peers.peer import PASSWORD
from peers.process import Process
from peers.terminal import Terminal
from sandbox import Sandbox
from starting import start

# A shell without job control has its background commands ignore ^C, and so would every program that is tried here.
signal.signal(signal.SIGINT, signal.default_int_handler)

PEERS = ('postfix', 'exim', 'haraka', 'smtp_server', 'scripted')

matrix = {}     # (peer, security, mechanism): what came of it
handed_in = {}  # (client, listener): likewise
callers = {}    # (program that calls sendmail, scope): what came of it


@pytest.fixture(scope='session')
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp('authority'))


def peer_fixture(name):
    @pytest.fixture(scope='session', name=name)
    def fixture(authority, tmp_path_factory):
        folder = [tmp_path_factory.mktemp(name)] if name == 'scripted' else []
        peer = start(name, authority, *folder)
        yield peer
        peer.stop()
    return fixture


postfix, exim, haraka, smtp_server, scripted = map(peer_fixture, PEERS)


@pytest.fixture(scope='session')
def idp(authority):
    provider = start('idp', authority)
    yield provider
    provider.stop()


@pytest.fixture(scope='session')
def zbar():
    return start('zbar')


@pytest.fixture(scope='session')
def machine(tmp_path_factory):
    """A booted systemd with outpost installed (peers/machine.py)."""
    booted = start('machine', tmp_path_factory.mktemp('machine'))
    yield booted
    booted.stop()


@pytest.fixture(scope='session')
def browser():
    return start('browser')


@pytest.fixture(scope='session')
def postfix_oauth(authority, idp):
    """Postfix that takes the tokens of `idp`, by asking it about each."""
    peer = start('postfix', authority, idp)
    yield peer
    peer.stop()


@pytest.fixture(scope='session')
def submission(authority, postfix):
    peer = start('submission', authority, postfix)
    yield peer
    peer.stop()


@pytest.fixture(scope='session')
def bad_certificate(authority, tmp_path_factory):
    """bad_certificate(NAME): a peer that shows this certificate of the authority's folder."""
    peers = {}

    def with_certificate(name):
        if name not in peers:
            peers[name] = start('scripted', authority, tmp_path_factory.mktemp(name), name)
        return peers[name]
    yield with_certificate
    for peer in peers.values():
        peer.stop()


@pytest.fixture(scope='session')
def keyring():
    ring = start('keyring')
    yield ring
    ring.stop()


@pytest.fixture
def kernel_keys():
    keys = start('kernel')
    yield keys
    keys.stop()


@pytest.fixture(scope='session')
def socks():
    proxy = start('socks')
    yield proxy
    proxy.stop()


@pytest.fixture(scope='session')
def sandbox(tmp_path_factory):
    provider = Sandbox(tmp_path_factory.mktemp('sandbox'))
    yield provider
    provider.stop()


@pytest.fixture(scope='session', autouse=True)
def leaks():
    """Over all that is run: no secret comes to light. leaks.plant() adds one to look for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))      # a core that could be left, would be
    watch = Outpost.leaks = Terminal.leaks = Process.leaks = Leaks(PROGRAM)
    watch.plant('the tests\' password', PASSWORD)
    yield watch
    found = watch.end()
    Outpost.leaks = Terminal.leaks = Process.leaks = None
    assert not found, '%d secrets came to light: %s' % (len(found), found[:5])
    assert watch.looked_at


@pytest.fixture
def outpost(tmp_path, authority, leaks):
    yield Outpost(tmp_path, authority)
    leaks.saw_folder(str(tmp_path))


@pytest.fixture
def record_client():
    """Notes a cell of the matrix of those who hand mail in."""
    return handed_in.__setitem__


@pytest.fixture(scope='session')
def clients(authority):
    return start('clients', authority)


@pytest.fixture(scope='session')
def nodemailer(authority):
    return start('nodemailer', authority)


@pytest.fixture(scope='session')
def thunderbird(authority):
    peer = start('thunderbird', authority)
    yield peer
    peer.stop()


@pytest.fixture
def record():
    """Notes a cell of the matrix."""
    return matrix.__setitem__


@pytest.fixture
def record_caller():
    """Notes a cell of the matrix of those who call sendmail."""
    return callers.__setitem__


def show_callers(terminalreporter):
    scopes = list(dict.fromkeys(scope for _, scope in callers))
    terminalreporter.section('who called /usr/sbin/sendmail, and what arrived')
    terminalreporter.write_line(('%-20s ' % 'program' + ' '.join('%-22s' % s for s in scopes)).rstrip())
    for program in dict.fromkeys(program for program, _ in callers):
        cells = ' '.join('%-22s' % callers.get((program, scope), '-') for scope in scopes)
        terminalreporter.write_line(('%-20s ' % program + cells).rstrip())


def pytest_terminal_summary(terminalreporter):
    if matrix:
        show_matrix(terminalreporter)
    if handed_in:
        show_clients(terminalreporter)
    if callers:
        show_callers(terminalreporter)


def show_clients(terminalreporter):
    terminalreporter.section('what was handed in at the gateway arrived as it was')
    listeners = list(dict.fromkeys(listener for _, listener in handed_in))
    terminalreporter.write_line('%-15s ' % 'client' + ' '.join('%-14s' % listener for listener in listeners))
    for client in dict.fromkeys(client for client, _ in handed_in):
        cells = ('%-14s' % handed_in.get((client, listener), '-') for listener in listeners)
        terminalreporter.write_line('%-15s ' % client + ' '.join(cells))


def show_matrix(terminalreporter):
    say = terminalreporter.write_line
    terminalreporter.section('what was sent arrived, byte for byte')
    mechanisms = [m for m in ('PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256', 'EXTERNAL', 'XOAUTH2', 'OAUTHBEARER', 'graph', 'gmail', 'token')
                  if any(mechanism == m for _, _, mechanism in matrix)]
    say('%-19s %-18s ' % ('peer', 'port or flow') + ' '.join('%-14s' % m for m in mechanisms))
    for peer, security in dict.fromkeys((p, s) for p, s, _ in matrix):
        cells = ('%-14s' % matrix.get((peer, security, m), '-') for m in mechanisms)
        say('%-19s %-18s ' % (peer, security) + ' '.join(cells))
