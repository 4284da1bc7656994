"""Secrets where they have no business: said back by a server, in another program's hands, in a process's memory and
core. That they are in no output, file, argument or environment of the whole run is watched by leaks.py."""
import base64
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

import pytest

import sealed
from leaks import Leaks, forms
from messages import message
from outpost import NOPERM, OK, PROGRAM
from peers.liar import Liar
from peers.peer import PASSWORD, USER
from peers.process import until

NOBODY = 65534


@pytest.mark.parametrize('form', sorted(forms(PASSWORD.encode())))
def test_the_alarm_is_plugged_in(form):
    """The watch finds each form of a secret."""
    watch = Leaks('/nonexistent')
    watch.plant('a password', PASSWORD)
    watch.saw('here', b'nothing to see')
    assert watch.found == []
    watch.saw('there', b'before ' + forms(PASSWORD.encode())[form] + b' behind')
    assert [where for where, _, _ in watch.end()] == ['there']


def test_the_alarm_hears_a_whole_command():
    """As it goes over the line, behind a user's name of any length."""
    for user in ('', 'a', 'al', 'ali', USER):
        watch = Leaks('/nonexistent')
        watch.plant('a password', PASSWORD)
        watch.saw('AUTH', base64.b64encode(('\0%s\0%s' % (user, PASSWORD)).encode()))
        assert watch.end(), user


def test_the_alarm_learns_what_is_sealed(outpost):
    """What outpost seals, the tests can open; so the tokens it gets by itself are looked for, too."""
    with open(outpost.config, 'w') as f:
        f.write('[account mine]\naddress = a@x.test\nserver = localhost:25\nsecret = file\n')
    os.chmod(outpost.config, 0o600)
    assert outpost.run('account secret', 'mine', 'file', '--stdin', stdin=b'hunter22\n').status == OK
    assert sealed.opened(outpost.folder + '/state', 'secrets', 'mine') == b'hunter22'


def test_the_alarm_learns_of_tokens(outpost, idp, postfix_oauth, leaks):
    """Those that outpost got by itself: nobody planted them."""
    seed = idp.sign_in(USER)['refresh_token']
    outpost.account_at(postfix_oauth, 'starttls', auth='oauth', password=seed, client_id='outpost', issuer=idp.issuer)
    assert outpost.send(message()[0], 'a@x.test').status == OK
    kept = dict(sealed.tokens(outpost.folder + '/state'))
    assert len(kept) == 2 and all(token.encode() in leaks.planted for token in kept.values()), list(kept)
    assert kept['access token of test'] in outpost.run('account token', 'test', '--json').out
    told = outpost.run('account show', 'test', '--json').json['secrets']
    assert told[-1] == {'key': 'sign_in', 'source': 'file', 'where': 'sealed in %s/state/grants/test, with the key in '
                        '%s/state/key' % (outpost.folder, outpost.folder)}


def said_back(mechanism):
    """Everything an unkind server could say of it."""
    plain, whole = PASSWORD.encode(), base64.b64encode(('\0%s\0%s' % (USER, PASSWORD)).encode())
    words = [plain, whole, base64.b64encode(plain), base64.urlsafe_b64encode(plain),
             urllib.parse.quote(PASSWORD).encode(), urllib.parse.quote_plus(PASSWORD).encode()]
    rounds = [b'334 VXNlcm5hbWU6\r\n', b'334 UGFzc3dvcmQ6\r\n'] if mechanism == 'LOGIN' else []
    return [b'220 m\r\n', b'250-m\r\n250 AUTH %s\r\n' % mechanism.encode(), *rounds,
            b'535 5.7.8 who is ' + b', '.join(words) + b'? bye\r\n']


@pytest.mark.parametrize('mechanism', ['PLAIN', 'LOGIN'])
@pytest.mark.parametrize('words', [('--verbose',), ('--json',)])
def test_a_server_says_it_back(words, mechanism, outpost):
    with Liar(said_back(mechanism)) as server:
        outpost.account('127.0.0.1:%d' % server.port, 'none', ca_file=None, mechanisms=mechanism)
        result = outpost.send(message()[0], 'a@x.test', *words)
    assert result.status == NOPERM, result
    assert 'who is ***, ***, ***, ***, ***, ***? bye' in (result.out if '--json' in words else result.err), result


def test_a_command_gets_nothing_of_ours(outpost, postfix, leaks, tmp_path):
    """Its descriptors, arguments and environment, and what it can see of ours."""
    program, report = tmp_path / 'program', tmp_path / 'report'
    program.write_text('#!%s\n' % sys.executable + '''import os
with open(%r, 'w') as report:
    print('descriptors', *sorted(int(n) for n in os.listdir('/proc/self/fd') if n.isdigit()), file=report)
    for pid in ('self', os.getppid()):
        for part in ('cmdline', 'environ'):
            try:
                print(open('/proc/%%s/%%s' %% (pid, part)).read(), file=report)
            except PermissionError:
                print('shut', file=report)
print(%r, end='')
''' % (str(report), PASSWORD))
    program.chmod(0o700)
    outpost.account_at(postfix, 'tls', secret='command:%s' % program)
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == OK, result
    told = report.read_text()
    leaks.saw('a command', told)
    descriptors = [int(n) for n in re.match(r'descriptors ([\d ]+)', told)[1].split()]
    assert [n for n in descriptors if n > 2][2:] == [], told      # its own report and directory


# ---- memory ----

@pytest.fixture
def somebodys():
    """somebodys(argv): a process of a user with no rights, in a folder of his; and that folder."""
    if os.geteuid() != 0:
        pytest.skip('needs root, to run programs as another user')
    folder = tempfile.mkdtemp(prefix='outpost-leaks-')
    os.chmod(folder, 0o755)
    home = os.path.join(folder, 'home')
    os.mkdir(home)
    os.chown(home, NOBODY, NOBODY)
    program = shutil.copy(PROGRAM, folder)
    running = []

    def start(*argv, **how):
        argv = [program if word == PROGRAM else word for word in argv]
        running.append(subprocess.Popen(argv, user=NOBODY, group=NOBODY, extra_groups=[], cwd=home,
                                        env={'HOME': home, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'}, **how))
        return running[-1]
    yield start, home
    for process in running:
        process.kill()
        process.wait()
    shutil.rmtree(folder)


LOOK = '''
import ctypes, sys
for part in ('environ', 'mem', 'maps'):
    try:
        open('/proc/%s/%s' % (sys.argv[1], part), 'rb').read(0)
    except PermissionError:
        continue
    print(part)
PTRACE_ATTACH = 16
if ctypes.CDLL(None).ptrace(PTRACE_ATTACH, int(sys.argv[1]), 0, 0) == 0:
    print('ptrace')
'''


def seen_by_its_own_user(start, pid):
    looker = start('/usr/bin/python3', '-c', LOOK, str(pid), stdout=subprocess.PIPE)
    return looker.communicate()[0].decode().split()


def locked_kilobytes(pid):
    with open('/proc/%d/status' % pid) as f:
        return next((int(line.split()[1]) for line in f if line.startswith('VmLck')), 0)


def cores(folder):
    return [name for name in os.listdir(folder) if name.startswith('core')]


def test_memory_and_core(somebodys, leaks):
    """A process that holds a password and waits for a server that never speaks."""
    start, home = somebodys
    with Liar([b''], cut=0, stalls=True) as server:
        outpost = start(PROGRAM, 'setup', 'me@x.test', '--password-stdin', '--no-input', '--server',
                        '127.0.0.1:%d' % server.port, '--security', 'tls', stdin=subprocess.PIPE)
        outpost.stdin.write(PASSWORD.encode() + b'\n')
        outpost.stdin.close()
        until(lambda: server.calls, 'outpost to call')
        assert seen_by_its_own_user(start, outpost.pid) == []
        if 'sanitize' not in PROGRAM:       # it takes mlock() away
            assert locked_kilobytes(outpost.pid) >= 4
        outpost.send_signal(signal.SIGSEGV)
        assert outpost.wait(30) == -signal.SIGSEGV
    assert cores(home) == []


def test_what_is_shut_there_is_open_elsewhere(somebodys):
    """The same looks at a program that does nothing against it: so they would have found something."""
    with open('/proc/sys/kernel/core_pattern') as f:
        pattern = f.read().strip()
    if pattern[0] in '|/' or resource.getrlimit(resource.RLIMIT_CORE)[0] == 0:
        pytest.skip('this machine leaves no cores where they could be seen: %s' % pattern)
    start, home = somebodys
    sleeper = start('sleep', '60')
    until(lambda: os.readlink('/proc/%d/exe' % sleeper.pid).endswith('sleep'), 'sleep to begin')
    assert 'environ' in seen_by_its_own_user(start, sleeper.pid)
    sleeper.send_signal(signal.SIGCONT)
    sleeper.send_signal(signal.SIGSEGV)
    sleeper.wait(30)
    assert cores(home) != []


def test_a_program_run_for_the_person_is_as_it_would_be(outpost, tmp_path):
    """Behind `sandbox ... --` umask and limits are those we were called with."""
    def habits():
        os.umask(0o027)
        resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))
    result = outpost.run('sandbox generic', '--dir', str(tmp_path), '--', 'sh', '-c', 'umask; ulimit -Sc; ulimit -Hc',
                         preexec_fn=habits)
    assert result.status == OK, result
    assert result.out.split()[-3:] == ['0027', '8', '16'], result
