"""outpost's units under a real systemd, as process 1 of a machine of its own and as a person's."""
import json
import re
import subprocess

import pytest

from messages import message
from outpost import OK, PROGRAM, USAGE, Result
from peers.process import free_port, until
from units import ACCOUNT, DAEMON_UID, SERVICE, Service

UNAVAILABLE = 69
LISTENER = '''
[listen submission]
address = 127.0.0.1:587
security = none
no_password_from = 127.0.0.1/32
allow = 127.0.0.1/32
'''
PAM = 'auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n'


@pytest.fixture(scope='module')
def enabled(machine):
    machine.sh('mkdir -p /etc/outpost')
    return Service(machine)


@pytest.fixture
def service(enabled):
    enabled.configure(ACCOUNT)
    enabled.machine.run('outpost', 'queue', 'remove', '--all', '--yes')    # others' mail would be tried first
    enabled.restart()
    return enabled


# ---- the system's ----

def test_enabled(enabled):
    assert enabled.enabled.status == OK and 'enabled, active (running)' in enabled.enabled.out, enabled.enabled
    assert enabled.show('ActiveState', 'outpost.socket') == 'active'
    told = enabled.machine.run('outpost', 'service', 'status', '--system', '--json')
    assert told.status == OK
    assert json.loads(told.out) == {'manager': 'systemd', 'scope': 'system', 'enabled': 'enabled', 'active': 'active',
                                    'state': 'running'}
    owners = enabled.machine.sh('stat -c "%U %a" /var/lib/outpost /run/outpost/submit /run/outpost/control; '
                                'stat -c %U /proc/$(systemctl show --value -p MainPID outpost.service)').out.split('\n')
    assert owners[:4] == ['outpost 700', 'root 666', 'root 660', 'outpost'], owners


def test_the_units_are_good(enabled):
    checked = enabled.machine.run('systemd-analyze', 'verify', '--man=no', SERVICE, 'outpost.socket', 'outpost-control.socket')
    assert checked.status == 0 and not checked.err, checked
    checked = enabled.machine.run('systemd-analyze', 'verify', '--user', '--man=no',
                                  '/usr/local/lib/systemd/user/outpost.service', env={'XDG_RUNTIME_DIR': '/tmp'})
    assert checked.status == 0 and 'outpost' not in checked.err, checked


def test_it_is_shut_in(enabled):
    """As docs/service.md says."""
    scored = enabled.machine.run('systemd-analyze', 'security', '--offline=true', '--no-pager', SERVICE)
    score = re.search(r'Overall exposure level for outpost.service: ([\d.]+)', scored.out)
    assert score and float(score.group(1)) <= 1.6, scored


def test_mail_of_anybody_and_of_root(service):
    number = service.send(DAEMON_UID)
    event = until(lambda: service.events('deferred', 'OUTPOST_ID=%d' % number), 'its trial')[0]
    assert event['OUTPOST_CAUSE'] == 'connect_refused_no_listener', event
    number = service.send(0)
    assert [entry['OUTPOST_UID'] for entry in service.events('accepted', 'OUTPOST_ID=%d' % number)] == ['0']
    refused = service.machine.run('outpost', 'status', '--system', uid=DAEMON_UID)
    assert refused.status != OK      # the control socket is the group's
    assert service.machine.run('outpost', 'status', '--system').status == OK


def test_it_is_ready_when_systemd_says_so(service):
    """systemctl start waits for it: what was started can be asked at once."""
    for _ in range(3):
        service.restart()
        health = service.machine.run('outpost', 'status', '--system', '--health')
        assert health.out.split(':')[0] in ('OK', 'WARNING') and 'no daemon' not in health.out, health


def test_mail_starts_it(service):
    """Stopped, but its sockets are there: who hands in mail waits a moment."""
    service.systemctl('stop', SERVICE)
    assert service.show('ActiveState') == 'inactive'
    service.send()
    assert service.show('ActiveState') == 'active'


def test_anybodys_command(service):
    """By the sockets alone, which start it; what is in the queue, each sees of his own."""
    service.systemctl('stop', SERVICE)
    run = service.machine.run
    queued = {uid: run('outpost', 'send', '--raw', '--json', 'a@b.test', uid=uid, stdin=message()[0]) for uid in (1, 2, 0)}
    assert all(sent.status == OK for sent in queued.values()), queued
    assert service.show('ActiveState') == 'active'
    for uid in (1, 2):
        listed = run('outpost', 'queue', '--json', uid=uid)
        mine = [json.loads(line)['id'] for line in listed.out.splitlines()]
        assert json.loads(queued[uid].out)['id'] in mine and json.loads(queued[0].out)['id'] not in mine, listed
        removed = run('outpost', 'queue', 'remove', '--all', '--yes', uid=uid)
        assert removed.status == OK and run('outpost', 'queue', uid=uid).out == 'Nothing waits.\n', removed
    assert service.machine.sh('find /var/lib/outpost ! -user outpost').out == ''


def test_killed_it_comes_back(service):
    process = service.show('MainPID')
    number = service.send()
    service.machine.run('kill', '-9', process)
    until(lambda: service.show('MainPID') not in ('0', process), 'another process')
    until(lambda: service.show('ActiveState') == 'active', 'the service')
    told = service.machine.run('outpost', 'queue', 'list', '--system', '--json')
    assert number in [json.loads(line)['id'] for line in told.out.splitlines()], told


def test_a_process_that_hangs_is_replaced(service):
    service.machine.write('/run/systemd/system/outpost.service.d/quick.conf',
                          '[Service]\nWatchdogSec=1s\nRestartSec=0\nWatchdogSignal=SIGKILL\n')
    service.systemctl('daemon-reload')
    service.restart()
    try:
        process = service.show('MainPID')
        began = int(service.show('WatchdogTimestampMonotonic'))
        until(lambda: int(service.show('WatchdogTimestampMonotonic')) > began, 'a sign of life')
        assert service.show('MainPID') == process
        service.machine.run('kill', '-STOP', process)
        until(lambda: service.show('MainPID') not in ('0', process), 'another process')
    finally:
        service.machine.run('rm', '-r', '/run/systemd/system/outpost.service.d')
        service.systemctl('daemon-reload')
        service.restart()


def test_reload(service):
    process = service.show('MainPID')
    service.configure(ACCOUNT + LISTENER)
    service.systemctl('reload', SERVICE)
    until(lambda: service.events('listens', 'OUTPOST_NAME=submission', '_PID=' + process), 'the listener')
    assert service.show('MainPID') == process and service.show('SubState') == 'running'


def test_a_port_of_the_mighty(service):
    """Below 1024, without being root."""
    service.configure(ACCOUNT + LISTENER)
    service.restart()
    greeting = service.machine.run('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/587 && read -r line <&3 && echo "$line"')
    assert greeting.out.startswith('220 '), greeting


def test_a_listener_whose_socket_is_systemds(service):
    """By its name; of another name it is closed, and said."""
    service.machine.write('/run/systemd/system/outpost-submission.socket',
                          '[Socket]\nListenStream=127.0.0.1:2525\nFileDescriptorName=submission\nService=outpost.service\n')
    service.machine.write('/run/systemd/system/outpost-other.socket',
                          '[Socket]\nListenStream=127.0.0.1:2526\nFileDescriptorName=other\nService=outpost.service\n')
    service.configure(ACCOUNT + LISTENER)
    service.systemctl('daemon-reload')
    service.systemctl('stop', SERVICE)
    service.systemctl('start', 'outpost-submission.socket', 'outpost-other.socket')
    try:
        greeting = service.machine.run('bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/2525 && read -r line <&3 && echo "$line"')
        assert greeting.out.startswith('220 '), greeting
        assert service.events('sockets', '_PID=' + service.show('MainPID'))[0]['OUTPOST_CLOSED'] == '1'
    finally:
        service.systemctl('stop', 'outpost-submission.socket', 'outpost-other.socket', SERVICE)
        service.machine.sh('rm /run/systemd/system/outpost-*.socket')
        service.systemctl('daemon-reload')
        service.systemctl('start', 'outpost.socket', 'outpost-control.socket')


def test_a_bad_configuration_is_not_tried_again(service):
    service.configure('[acount test]\n')
    failed = service.machine.run('systemctl', 'restart', SERVICE)
    assert failed.status != 0 and service.show('ActiveState') == 'failed', failed
    assert service.show('ExecMainStatus') == '78'
    service.configure(ACCOUNT)
    service.restart()


def test_a_secret_of_the_services(service):
    """Kept by the service's user, or by root, and the service's either way."""
    service.configure(ACCOUNT.replace('auth = none', 'auth = password'))
    uid = int(service.machine.run('id', '-u', 'outpost').out)
    for who in (uid, 0):
        kept = service.machine.run('outpost', 'account', 'secret', 'test', 'file', '--stdin', '--system', stdin=b'hunter2\n',
                                   uid=who)
        assert kept.status == OK, kept
    assert service.machine.sh('find /var/lib/outpost ! -user outpost').out == ''


# ---- a person's ----

@pytest.fixture(scope='module')
def person(machine):
    machine.write('/etc/pam.d/systemd-user', PAM + 'session optional pam_systemd.so\n')
    machine.write('/etc/pam.d/other', PAM)
    machine.sh('useradd --uid 1000 --create-home joe && mkdir -p /var/lib/systemd/linger && '
               'systemctl start user@1000.service')
    machine.write('/home/joe/.config/outpost/outpost.conf', ACCOUNT, '600')
    machine.sh('chown -R joe: /home/joe')

    def run(*argv, **how):
        return machine.run(*argv, uid=1000, env={'HOME': '/home/joe'}, **how)
    return run


def test_a_persons_own(person, machine):
    sent = person('outpost', 'send', '--raw', 'a@b.test', stdin=message()[0])
    assert sent.status == OK and 'until outpost runs: outpost service enable' in sent.err, sent
    result = person('outpost', 'service', 'enable')
    assert result.status == OK and 'of your systemd: enabled, active (running)' in result.out, result
    assert 'loginctl enable-linger' in result.out
    sent = person('outpost', 'send', '--raw', 'a@b.test', stdin=message()[0])
    assert sent.status == OK and 'Nothing will try it again' not in sent.err, sent
    machine.run('touch', '/var/lib/systemd/linger/joe')
    again = person('outpost', 'service', 'status')
    assert again.status == OK and 'linger' not in again.out, again

    result = person('outpost', 'service', 'disable')
    assert result.status == OK and 'inactive' in result.out and 'outpost service enable' in result.out, result
    assert person('outpost', 'service', 'status').status == 1


# ---- where it can't be done ----

def test_without_systemd(outpost):
    outpost.inside = ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh']
    outpost.account('localhost:%d' % free_port(), 'starttls')
    refused = outpost.run('service enable')
    assert refused.status == USAGE and '--user or --system' in refused.err, refused
    for command in ('enable', 'disable', 'status'):
        told = run_of_a_person(outpost, command)
        assert told.status == UNAVAILABLE and '@reboot' in told.out and 'outpost serve --user' in told.out, told


def run_of_a_person(outpost, command):
    return Result(subprocess.run([*outpost.inside, PROGRAM, 'service', command, '--user'], capture_output=True,
                                 env=outpost.environment))
