"""sendmail in system scope: many users, none of them with a right to anything, and a daemon that is not always there."""
import os
import signal
import subprocess
import threading
import uuid

import pytest

from outpost import OK, TEMPFAIL, USAGE
from peers.host import NOBODY, USERS
from peers.process import until
from starting import start

SENDMAIL = '/usr/sbin/sendmail'


@pytest.fixture(scope='module')
def installed():
    return start('host')


@pytest.fixture
def machine(installed, sandbox):
    installed.configure(sandbox)
    installed.syslog.clear()
    yield installed
    installed.stop()


def text():
    needle = uuid.uuid4().hex
    return ('Subject: %s\n\nhello\n' % needle).encode(), needle.encode()


def kept(sandbox, needle):
    return until(lambda: sandbox.kept(needle), 'the sandbox to keep it')


def test_several_users_at_once(machine, sandbox):
    machine.serve()
    results = []

    def send(user, sent):
        results.append(machine.run(SENDMAIL, '-i', 'rcpt@x.test', uid=USERS.get(user, NOBODY), stdin=sent))
    sent = [(user, *text()) for user in ('alice', 'bob', 'carol', 'no name', 'alice', 'bob') for _ in range(2)]
    threads = [threading.Thread(target=send, args=(user, m)) for user, m, _ in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.status for r in results] == [OK] * len(sent), results
    for user, _, needle in sent:
        (got, _), = kept(sandbox, needle)
        assert b'uid %d' % USERS.get(user, NOBODY) in got, got


def test_local_names_go_to_the_admin(machine, sandbox):
    machine.serve()
    sent, needle = text()
    assert machine.run(SENDMAIL, 'root', uid=USERS['bob'], stdin=b'From: bob\n' + sent).status == OK
    (got, envelope), = kept(sandbox, needle)
    assert envelope['to'] == ['admin@x.test'] and b'From: bob on ' in got, (got, envelope)


@pytest.mark.parametrize('how', [{'privileges': False}, {'proc': False, 'env': {}}], ids=['no new privileges', 'early boot'])
def test_with_less_than_usual(how, machine, sandbox):
    """No /proc, no variables, a uid that has no name and no home."""
    machine.serve()
    sent, needle = text()
    result = machine.run(SENDMAIL, 'rcpt@x.test', uid=NOBODY, stdin=sent, **how)
    assert result.status == OK and result.err == '', result
    kept(sandbox, needle)


def test_a_daemon_that_comes_later(machine, sandbox):
    """It is waited for, and nobody else becomes the owner."""
    sent, needle = text()
    results = []
    waits = threading.Thread(target=lambda: results.append(
        machine.run(SENDMAIL, 'rcpt@x.test', uid=USERS['alice'], stdin=sent)))
    waits.start()
    waits.join(2)
    assert waits.is_alive() and not os.listdir(machine.path + '/var/lib/outpost')
    machine.serve()
    waits.join()
    assert results[0].status == OK, results
    kept(sandbox, needle)


@pytest.mark.parametrize('uid', [0, USERS['alice'], NOBODY], ids=['root', 'alice', 'a number'])
def test_a_daemon_that_does_not_come(uid, machine, sandbox):
    result = machine.run(SENDMAIL, 'rcpt@x.test', uid=uid, stdin=text()[0])
    assert result.status == TEMPFAIL and result.err.count('\n') == 1, result
    assert 'nobody takes mail within 10 seconds: /run/outpost/submit: ' in result.err, result
    until(lambda: machine.syslog, 'a line in the system\'s log')
    assert len(machine.syslog) == 1 and 'uid %d, not queued' % uid in machine.syslog[0], machine.syslog
    assert not os.listdir(machine.path + '/var/lib/outpost')


def test_a_daemon_that_sleeps_and_wakes(machine, sandbox):
    """What was told 75 is not sent after all."""
    daemon = machine.serve()
    pid = int(machine.run('/usr/local/bin/outpost', 'status', '--json').json['daemon']['pid'])
    os.kill(pid, signal.SIGSTOP)
    lost, gone = text()
    try:
        result = machine.run(SENDMAIL, 'rcpt@x.test', uid=USERS['alice'], stdin=lost)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert result.status == TEMPFAIL, result
    sent, needle = text()
    assert machine.run(SENDMAIL, 'rcpt@x.test', uid=USERS['alice'], stdin=sent).status == OK
    kept(sandbox, needle)
    assert not sandbox.kept(gone) and len([line for line in daemon.lines if ' accepted ' in line]) == 1


def test_an_hour_has_its_messages(machine, sandbox):
    machine.configure(sandbox, messages_per_hour=2)
    machine.serve()
    statuses = [machine.run(SENDMAIL, 'rcpt@x.test', uid=USERS['alice'], stdin=text()[0]).status for _ in range(3)]
    assert statuses == [OK, OK, TEMPFAIL]
    assert machine.run(SENDMAIL, 'rcpt@x.test', uid=USERS['bob'], stdin=text()[0]).status == OK
    assert [machine.run(SENDMAIL, 'rcpt@x.test', stdin=text()[0]).status for _ in range(3)] == [OK] * 3


HOLDS = """
import socket, sys
held = [socket.socket(socket.AF_UNIX) for _ in range(250)]
for one in held:
    one.connect(sys.argv[1])
print('held', flush=True)
sys.stdin.read()
"""


def test_one_user_does_not_keep_the_others_out(machine, sandbox):
    machine.serve()
    folder = os.open(machine.path + '/run/outpost', os.O_PATH)      # which alice could not walk to, perhaps
    holder = subprocess.Popen(['/usr/bin/python3', '-c', HOLDS, '/proc/self/fd/%d/submit' % folder], user=USERS['alice'],
                              pass_fds=[folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(folder)
    assert holder.stdout.readline() == b'held\n', holder.stderr.read()
    sent, needle = text()
    assert machine.run(SENDMAIL, 'rcpt@x.test', uid=USERS['bob'], stdin=sent).status == OK
    kept(sandbox, needle)
    holder.communicate()


def test_the_whole_queue_is_roots_to_see(machine):
    machine.serve()
    assert machine.run('/usr/bin/mailq').out == 'Mail queue is empty\n'
    assert machine.run('/usr/bin/mailq', uid=USERS['outpost']).status == OK
    assert machine.run('/usr/bin/mailq', uid=USERS['alice']).out == 'Mail queue is empty\n'     # of hers
    woken = machine.run(SENDMAIL, '-q', uid=USERS['alice'])
    assert woken.status == USAGE and 'for root' in woken.err, woken


def test_waking_the_queue_wants_a_daemon(machine):
    result = machine.run(SENDMAIL, '-q')
    assert result.status == TEMPFAIL, result
