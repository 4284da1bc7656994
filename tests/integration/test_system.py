"""outpost in system scope, for users without a right to anything but the door where mail is handed in."""
import json
import os
import re
import subprocess
import sys
import threading
import uuid

import pytest

from outpost import CONFIG, OK, TEMPFAIL, USAGE
from peers.host import NOBODY, USERS
from peers.process import free_port, until
from starting import start

OUTPOST = '/usr/local/bin/outpost'
ALICE, BOB = USERS['alice'], USERS['bob']


@pytest.fixture(scope='module')
def installed():
    return start('host', 'system', ['libgmime-3.0-0'])


@pytest.fixture
def machine(installed, sandbox):
    installed.configure(sandbox)
    yield installed
    installed.stop()


@pytest.fixture
def serving(machine):
    machine.serve()
    return machine


@pytest.fixture
def waiting(machine):
    """The way out is shut: what is handed in stays."""
    path = machine.root.file('/etc/outpost/outpost.conf')
    with open(path) as f:
        text = f.read()
    with open(path, 'w') as f:
        f.write(re.sub('server = .*', 'server = localhost:1', text))
    machine.serve()
    return machine


def outpost(machine, *argv, uid=ALICE, **how):
    return machine.run(OUTPOST, *argv, uid=uid, **how)


def send(machine, uid=ALICE, text=b'hello\n', **how):
    needle = uuid.uuid4().hex
    result = outpost(machine, 'send', '-s', needle, 'rcpt@x.test', '--json', uid=uid, stdin=text, **how)
    return result, needle.encode()


def numbers(machine, uid, *argv):
    listed = outpost(machine, 'queue', *argv, '--json', uid=uid)
    assert listed.status == OK, listed
    return [json.loads(line)['id'] for line in listed.out.splitlines()]


def kept(sandbox, needle):
    return until(lambda: sandbox.kept(needle), 'the sandbox to keep it')


def test_text_and_files(serving, sandbox):
    serving.root.write('/home/alice/offer.txt', 'the offer\n')
    result, needle = send(serving)
    assert result.status == OK and result.err == '', result
    (got, _), = kept(sandbox, needle)
    assert b'uid %d' % ALICE in got and b'hello' in got, got
    big = b'y' * (3 * 1024 * 1024)
    serving.root.write('/home/alice/big.bin', big.decode())
    result = outpost(serving, 'send', '-s', 'files', '-A', '/home/alice/offer.txt', '-A', '/home/alice/big.bin',
                     'rcpt@x.test', stdin=b'see there\n')
    assert result.status == OK, result
    (got, _), = kept(sandbox, b'Subject: files')
    assert b'filename=offer.txt' in got.replace(b'"', b'') and len(got) > len(big), got[:2000]


def test_a_whole_message(serving, sandbox):
    needle = uuid.uuid4().hex.encode()
    result = outpost(serving, 'send', '--raw', stdin=b'To: rcpt@x.test\nSubject: %s\n\nhello\n' % needle)
    assert result.status == OK and re.match(r'Queued as \d+', result.out), result
    assert kept(sandbox, needle)[0][1]['to'] == ['rcpt@x.test']


def test_waiting_for_the_outcome(serving, sandbox):
    result, needle = send(serving)
    waited = outpost(serving, 'send', '--wait', '30', '--json', 'rcpt@x.test', stdin=b'hello\n')
    assert waited.status == OK and waited.json['outcome'] == 'delivered', waited
    kept(sandbox, needle)


@pytest.mark.parametrize('how', [{'privileges': False}, {'proc': False, 'env': {}}], ids=['no new privileges', 'early boot'])
def test_with_less_than_usual(how, serving, sandbox):
    """No /proc, no variables, a uid that has no name and no home: a whole message goes (modules are found by /proc)."""
    needle = uuid.uuid4().hex.encode()
    result = outpost(serving, 'send', '--raw', 'rcpt@x.test', uid=NOBODY, stdin=b'Subject: %s\n\nhello\n' % needle, **how)
    assert result.status == OK and result.err == '', result
    kept(sandbox, needle)


def test_several_users_at_once(serving, sandbox):
    results = []
    threads = [threading.Thread(target=lambda uid=uid: results.append((uid, *send(serving, uid=uid))))
               for uid in (0, ALICE, BOB, NOBODY) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and all(result.status == OK for _, result, _ in results), results
    for uid, _, needle in results:
        assert b'uid %d' % uid in kept(sandbox, needle)[0][0]


def test_everybody_has_his_own(waiting):
    ids = {uid: send(waiting, uid=uid)[0].json['id'] for uid in (ALICE, BOB, 0)}
    assert numbers(waiting, ALICE, 'list') == [ids[ALICE]] and numbers(waiting, BOB, 'list') == [ids[BOB]]
    assert sorted(numbers(waiting, 0, 'list')) == sorted(ids.values())
    shown = outpost(waiting, 'queue', 'show', str(ids[ALICE]))
    assert shown.status == OK and 'rcpt@x.test' in shown.out, shown
    other = outpost(waiting, 'queue', 'show', str(ids[BOB]))
    assert other.status == 1 and 'There is no message' in other.err, other
    listed = waiting.run('/usr/bin/mailq', uid=BOB)
    assert re.search(r'^%d ' % ids[BOB], listed.out, re.M) and not re.search(r'^%d ' % ids[ALICE], listed.out, re.M), listed


def test_and_removes_it_alone(waiting):
    ids = {uid: send(waiting, uid=uid)[0].json['id'] for uid in (ALICE, BOB)}
    assert outpost(waiting, 'queue', 'remove', str(ids[BOB]), '--yes').status == 1
    gone = outpost(waiting, 'queue', 'remove', '--all', '--yes')
    assert gone.status == OK and gone.out == '1 message removed.\n', gone
    assert numbers(waiting, ALICE, 'list') == [] and numbers(waiting, BOB, 'list') == [ids[BOB]]


@pytest.mark.parametrize('argv', [['status'], ['queue', 'retry', '--all'], ['queue', 'hold', '--all'],
                                  ['queue', 'release', '--all']], ids=' '.join)
def test_what_is_not_for_everybody(argv, waiting):
    """Said in words, by the daemon; nothing of the accounts is told."""
    number = send(waiting)[0].json['id']
    result = outpost(waiting, *argv)
    assert result.status == USAGE and result.out == '', result
    assert 'for root and for the user whom this outpost runs as' in result.err, result
    assert numbers(waiting, ALICE, 'list', '--state', 'held') == []
    assert numbers(waiting, 0, 'list') == [number]


@pytest.mark.parametrize('option', ['--direct', '--dry-run'])
def test_the_accounts_are_not_for_everybody(option, serving):
    result = outpost(serving, 'send', option, 'rcpt@x.test', stdin=b'hello\n')
    assert result.status == USAGE and 'are for root' in result.err, result


@pytest.mark.parametrize('argv', [[], ['account', 'list'], ['config', 'check'], ['doctor'], ['queue', 'repair']], ids=' '.join)
def test_what_wants_the_configuration(argv, serving):
    result = outpost(serving, *argv)
    assert result.status == USAGE and 'are root\'s to see and to change' in result.err, result
    assert 'Permission denied' not in result.err, result


def test_a_name_that_is_no_account(serving):
    result = outpost(serving, 'send', '-a', 'mian', 'rcpt@x.test', stdin=b'hello\n')
    assert result.status != OK and '"mian"' in result.err, result


@pytest.mark.parametrize('argv', [['send', 'rcpt@x.test'], ['queue'], ['status']], ids=' '.join)
def test_nobody_is_there(argv, machine):
    """The state is not touched, whoever asks; a message is refused when ten seconds are over."""
    result = outpost(machine, *argv, stdin=b'hello\n')
    assert result.status == TEMPFAIL and '/run/outpost/' in result.err and 'daemon_unreachable' in result.err, result
    assert not os.listdir(machine.path + '/var/lib/outpost')


def test_the_daemon_comes_later(machine, sandbox):
    results = []
    waits = threading.Thread(target=lambda: results.append(send(machine)))
    waits.start()
    waits.join(2)
    assert waits.is_alive() and not os.listdir(machine.path + '/var/lib/outpost')
    machine.serve()
    waits.join()
    (result, needle), = results
    assert result.status == OK, result
    kept(sandbox, needle)


def test_a_guest_takes_no_more_than_his_place(waiting):
    """Who only stays there leaves the daemon to the others."""
    code = ('import os, socket, sys\n'
            'folder, uid = os.open(sys.argv[1], os.O_PATH), int(sys.argv[2])\n'
            'os.setgroups([]), os.setegid(uid), os.seteuid(uid)\n'
            'def ask():\n'
            '    s = socket.socket(socket.AF_UNIX); s.settimeout(30)\n'
            '    s.connect("/proc/self/fd/%d/submit" % folder)\n'
            '    try:\n'
            '        s.sendall(b"{\\"verb\\":\\"queue list\\"}\\n")\n'
            '        return s, s.recv(1000)\n'
            '    except ConnectionError:\n'
            '        return s, b""\n'
            'print([bool(said) for s, said in [ask() for _ in range(6)]])\n'
            'sys.stdout.flush(), sys.stdin.read()\n')
    stays = subprocess.Popen([sys.executable, '-c', code, waiting.path + '/run/outpost', str(ALICE)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(stays.stdout.readline().lower()) == [True] * 4 + [False] * 2
        assert numbers(waiting, BOB, 'list') == [] and outpost(waiting, 'status', uid=0).status == OK
        assert send(waiting)[0].status == OK        # she still may send
    finally:
        stays.communicate('')
    assert numbers(waiting, ALICE, 'list')


# ---- root, in a state that is another's ----

def owners(machine, folder):
    top = machine.path + folder
    return {os.lstat(path).st_uid for path in
            (os.path.join(at, name) for at, dirs, files in os.walk(top) for name in dirs + files)}


@pytest.fixture
def empty(machine):
    """Nothing is set up."""
    os.unlink(machine.path + '/etc/outpost/outpost.conf')
    return machine


def set_up(machine, sandbox, *words):
    return outpost(machine, 'setup', sandbox.user, '--account', 'mine', '--server', 'localhost:%d' % sandbox.ports['tls'],
                   '--security', 'tls', '--ca-file', '/etc/outpost/ca.pem', '--password-stdin', '--no-input', '--no-test', *words, uid=0,
                   stdin=sandbox.password.encode() + b'\n')


def test_root_makes_nothing_that_is_roots(empty, sandbox):
    """Each command: what lies in the state is the daemon's, what lies in /etc root's."""
    commands = [
        ['account', 'secret', 'mine', 'file', '--stdin'], ['account', 'list'], ['account', 'default', 'mine'],
        ['account', 'seal', 'file'], ['user', 'add', 'printer', '--accounts', 'mine', '--no-input'],
        ['listen', 'add', 'devices', '--address', '127.0.0.1:%d' % free_port()], ['queue'], ['queue', 'retry', '--all'],
        ['queue', 'repair'], ['status'], ['status', '--health'], ['doctor', 'mine'], ['send', '--direct', '--raw', 'rcpt@x.test'],
    ]
    result = set_up(empty, sandbox)
    assert result.status == OK, result
    for argv in commands:
        result = outpost(empty, *argv, uid=0, stdin=sandbox.password.encode() + b'\n')
        assert result.status in (OK, 1, 2), (argv, result)       # found, or nothing to be done
        assert owners(empty, '/var/lib/outpost') == {USERS['outpost']}, argv
    assert owners(empty, '/etc/outpost') == {0}
    conf = os.stat(empty.path + '/etc/outpost/outpost.conf.d/mine.conf')
    assert (conf.st_gid, conf.st_mode & 0o777) == (USERS['outpost'], 0o640)
    empty.serve()                                                    # who can read all of it
    result, needle = send(empty)
    assert result.status == OK, result
    kept(sandbox, needle)
    assert owners(empty, '/var/lib/outpost') == {USERS['outpost']}


def test_while_the_daemon_runs(serving, sandbox):
    result = set_up(serving, sandbox)
    assert result.status == OK, result
    assert 'mine' in outpost(serving, 'account', 'list', uid=0).out
    assert outpost(serving, 'account', 'remove', 'mine', '--yes', uid=0).status == OK
    assert 'mine' not in outpost(serving, 'account', 'list', uid=0).out
    assert owners(serving, '/var/lib/outpost') == {USERS['outpost']}


@pytest.mark.parametrize('name', ['secrets', 'pending', 'key', 'lock', 'queue.db', 'queue.db-wal'])
def test_a_link_leads_root_nowhere(name, empty, sandbox):
    """What the daemon's user plants in its own folder is followed with its own rights."""
    empty.root.empty_folder('/etc/victim', mode=0o755)
    os.symlink('/etc/victim' if name in ('secrets', 'pending') else '/etc/victim/' + name,
               empty.path + '/var/lib/outpost/' + name)
    set_up(empty, sandbox)
    outpost(empty, 'account', 'secret', 'mine', 'file', '--stdin', uid=0, stdin=b'another\n')
    outpost(empty, 'queue', uid=0)
    assert os.listdir(empty.path + '/etc/victim') == []


def test_the_state_is_made_for_the_daemon(empty, sandbox):
    os.rmdir(empty.path + '/var/lib/outpost')
    assert set_up(empty, sandbox).status == OK
    made = os.stat(empty.path + '/var/lib/outpost')
    assert (made.st_uid, made.st_mode & 0o777) == (USERS['outpost'], 0o700)
    assert owners(empty, '/var/lib/outpost') == {USERS['outpost']}


def test_a_program_that_is_started_is_not_roots(empty, sandbox):
    """`secret = command:` gets no way back."""
    tells = 'command:| cat /proc/self/status > /told/rights; echo %s' % sandbox.password
    empty.root.empty_folder('/told', mode=0o777)
    assert set_up(empty, sandbox).status == OK
    assert outpost(empty, 'account', 'secret', 'mine', tells, uid=0).status == OK
    result = outpost(empty, 'send', '--direct', '--raw', 'rcpt@x.test', uid=0, stdin=b'Subject: x\n\nhello\n')
    assert result.status == OK, result
    with open(empty.path + '/told/rights') as f:
        ids = re.findall(r'^[UG]id:\t(.*)$', f.read(), re.M)
    assert ids == ['\t'.join([str(USERS['outpost'])] * 4)] * 2, ids


def test_the_daemon_is_not_roots(machine):
    result = outpost(machine, 'serve', '--system', uid=0)
    assert result.status == CONFIG and 'runs as that one' in result.err, result
