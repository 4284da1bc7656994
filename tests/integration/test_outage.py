"""The machine's daemon is away, under a real systemd: stopped, masked for seconds, for a minute, not there yet."""
import json
import os
import re
import threading

import pytest

from outpost import OK, TEMPFAIL
from peers.process import until
from starting import start
from units import ACCOUNT, SERVICE, Service

SENDMAIL = '/usr/local/lib/outpost/sendmail'
UNITS = (SERVICE, 'outpost.socket', 'outpost-control.socket')
SENDERS = {'sendmail': [SENDMAIL, '-i', 'a@b.test'], 'send': ['outpost', 'send', '--raw', 'a@b.test']}
# What an MTA's queue and cron jobs that matter do: 75 means again.
AGAIN = '''
until sendmail=$(%s -i a@b.test 2>&1 < /tmp/again.eml); do
    test $? = 75 || exit 1
    echo "$sendmail"
done
''' % SENDMAIL


@pytest.fixture(scope='module')
def enabled(machine):
    machine.sh('mkdir -p /etc/outpost')
    return Service(machine)


@pytest.fixture
def service(enabled):
    enabled.configure(ACCOUNT)
    enabled.restart()
    enabled.machine.run('outpost', 'queue', 'remove', '--all', '--yes')
    yield enabled
    enabled.machine.run('systemctl', 'unmask', '--runtime', *UNITS)
    enabled.systemctl('start', *UNITS)


class Callers:
    """Several programs of several users hand in a message each, at once."""

    def __init__(self, machine, programs=('sendmail', 'send'), uids=(0, 1, 2, 3)):
        self.machine = machine
        self.said = {}      # Message-ID: how it ended
        self.threads = [threading.Thread(target=self._call, args=(program, uid, copy))
                        for program in programs for uid in uids for copy in range(2)]
        for thread in self.threads:
            thread.start()

    def _call(self, program, uid, copy):
        name = '<%s.%d.%d@callers.test>' % (program, uid, copy)
        self.said[name] = self.machine.run(*SENDERS[program], uid=uid, stdin=b'Message-ID: %s\n\nhello\n' % name.encode())

    def wait(self, seconds=None):
        for thread in self.threads:
            thread.join(seconds)
        return self.said

    @property
    def still_wait(self):
        return [thread for thread in self.threads if thread.is_alive()]


def queued(machine):
    listed = machine.run('outpost', 'queue', 'list', '--all', '--json')
    assert listed.status == OK, listed
    rows = [json.loads(line) for line in listed.out.splitlines()]
    return sorted(row['message_id'] for row in rows if row['state'] != 'removed')


def take_away(service):
    """Nobody can start it: neither who knocks nor who asks systemd."""
    service.systemctl('mask', '--runtime', '--now', *UNITS)


def give_back(service):
    service.systemctl('unmask', '--runtime', *UNITS)
    service.systemctl('start', *UNITS)


def test_stopped_with_its_sockets_there(service):
    """The first who knocks starts it; the others wait with him, at systemd's socket."""
    service.systemctl('stop', SERVICE)
    callers = Callers(service.machine)
    said = callers.wait()
    assert all(done.status == OK for done in said.values()), said
    assert service.show('ActiveState') == 'active'
    assert queued(service.machine) == sorted(said)


def test_away_for_five_seconds(service):
    take_away(service)
    callers = Callers(service.machine)
    callers.threads[0].join(5)
    assert len(callers.still_wait) == len(callers.threads), callers.said
    give_back(service)
    said = callers.wait()
    assert all(done.status == OK for done in said.values()), said
    assert queued(service.machine) == sorted(said)


def test_away_for_a_minute(service):
    """Who calls once is told 75 after ten seconds; who tries again is there once when it is back."""
    machine = service.machine
    machine.write('/tmp/again.eml', 'Message-ID: <again@callers.test>\n\nhello\n')
    take_away(service)
    began = machine.run('date', '+%s').out.strip()
    tried = []
    again = threading.Thread(target=lambda: tried.append(machine.run('sh', '-c', AGAIN, uid=4)))
    again.start()
    said = Callers(machine).wait()
    for name, done in said.items():
        assert done.status == TEMPFAIL and done.err.count('\n') == 1, (name, done)
        assert re.match(r'outpost: nobody takes mail within 10 seconds: .*/run/outpost/submit.*refused; '
                        r'root starts it: systemctl start outpost \(daemon_unreachable\)\n$', done.err), (name, done)
    again.join(50)
    assert again.is_alive()
    give_back(service)
    again.join()
    assert tried[0].status == OK, tried
    assert queued(machine) == ['<again@callers.test>']

    lines = [entry['MESSAGE'] for entry in machine.journal('-t', 'sendmail', '--since=@' + began)]
    refused = tried[0].out.splitlines()
    assert len(refused) >= 4 and len(lines) == len(refused) + len(said) // 2, (tried, lines)
    assert all('not queued: nobody takes mail' in line for line in lines), lines


@pytest.mark.parametrize('program', SENDERS)
def test_never_enabled(program, service):
    service.machine.run('outpost', 'service', 'disable', '--system')
    service.machine.sh('rm -f /run/outpost/*')
    try:
        done = service.machine.run(*SENDERS[program], uid=1, stdin=b'\nhello\n')
        assert done.status == TEMPFAIL and '; root starts it: outpost service enable (' in done.err, done
    finally:
        enabled = service.machine.run('outpost', 'service', 'enable', '--system')
        assert enabled.status == OK, (enabled, service.machine.journal('-u', SERVICE)[-10:])
    assert service.machine.run(*SENDERS[program], uid=1, stdin=b'\nhello\n').status == OK


def test_a_configuration_that_is_not_good(service):
    """Its start fails each time somebody knocks, until systemd gives up: then the sockets are gone, too."""
    service.configure('[acount test]\n')
    service.machine.run('systemctl', 'restart', SERVICE)
    said = Callers(service.machine, uids=(1, 2)).wait()
    assert all(done.status == TEMPFAIL and re.search('; root .*systemctl', done.err) for done in said.values()), said
    service.configure(ACCOUNT)
    service.systemctl('reset-failed', SERVICE)
    service.systemctl('start', SERVICE)         # as those were told
    assert service.show('ActiveState', 'outpost.socket') == 'active'
    said = Callers(service.machine, uids=(1, 2)).wait()
    assert all(done.status == OK for done in said.values()), said


# ---- at early boot ----

EARLY = """
[Unit]
DefaultDependencies=no
Before=sysinit.target local-fs.target network-pre.target
[Service]
Type=exec
User=early-%d
NoNewPrivileges=yes
ExecStartPre=+/bin/mkdir -p -m 1777 /run/early
ExecStart=/bin/sh -c 'touch /run/early/%d; printf "Message-ID: <%d@early.test>\\n\\nhello\\n" | exec %s'
"""
# What the daemon's start waits for: they have called.
HOLD = """
[Unit]
DefaultDependencies=no
Before=outpost.service outpost.socket outpost-control.socket
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'until [ -e /run/early/1 -a -e /run/early/2 ]; do sleep 0.05; done'
"""


def arrange_early(stage):
    units, system = stage + '/etc/systemd/system', '/usr/local/lib/systemd/system/'

    def wants(target, name, where):
        folder = '%s/%s.wants' % (units, target)
        os.makedirs(folder, exist_ok=True)
        os.symlink(where + name, folder + '/' + name)

    os.makedirs(stage + '/etc/outpost')
    with open(stage + '/etc/passwd', 'w') as f:     # the machine's, which knows its users
        f.writelines('%s:x:%d:%d::/:/bin/sh\n' % user for user in
                     (('root', 0, 0), ('nobody', 65534, 65534), *(('early-%d' % uid, uid, 65534) for uid in (1, 2))))
    with open(stage + '/etc/outpost/outpost.conf', 'w') as f:
        f.write(ACCOUNT)
    texts = {'early-%d.service' % uid: EARLY % (uid, uid, uid, ' '.join(SENDERS[program]))
             for uid, program in ((1, 'sendmail'), (2, 'send'))}
    texts['hold.service'] = HOLD
    for name, text in texts.items():
        wants('sysinit.target', name, '../')
        with open('%s/%s' % (units, name), 'w') as f:
            f.write(text)
    wants('multi-user.target', SERVICE, system)
    for name in UNITS[1:]:
        wants('sockets.target', name, system)


def test_at_early_boot(tmp_path):
    """Before file systems, the network and systemd's sockets are there, and the daemon has started."""
    machine = start('machine', tmp_path, arrange_early)
    try:
        def show(key, unit):
            return machine.run('systemctl', 'show', '--value', '-p', key, unit).out.strip()

        for unit in ('early-1.service', 'early-2.service'):
            until(lambda unit=unit: show('ActiveState', unit) == 'inactive', unit)
            assert show('ExecMainStatus', unit) == '0', machine.sh('journalctl -b --no-pager').out
            assert int(show('ExecMainStartTimestampMonotonic', unit)) < int(show('ActiveEnterTimestampMonotonic', SERVICE))
        assert queued(machine) == ['<1@early.test>', '<2@early.test>']
    finally:
        machine.stop()
