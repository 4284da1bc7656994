"""[log]: standard error, a real journal with its fields, and a real rsyslog behind syslog(3)."""
import json

import pytest

from daemon import Daemon
from messages import message
from outpost import CONFIG, OK
from peers.process import free_port, until

ACCOUNT = '''
[account test]
address = me@example.test
server = 127.0.0.1:1
security = none
auth = none
allow_plaintext = yes
'''
CONFIGURATION, STATE = '/root/log/outpost.conf', '/root/log/state'
RSYSLOG = '''
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="/run/systemd/journal/syslog")
template(name="whole" type="string" string="%syslogfacility-text%.%syslogseverity-text% %programname%:%msg%\\n")
mail.* action(type="omfile" file="/root/mail.log" template="whole")
'''


@pytest.fixture
def logged(machine):
    """A daemon of the machine with this [log]; a message it can't deliver; then what `found` finds."""
    def run(lines, found):
        machine.write(CONFIGURATION, '[log]\n%s\n%s' % (lines, ACCOUNT), '600')
        begun = machine.run('systemd-run', '--collect', '--unit=try', 'outpost', 'serve', '--config', CONFIGURATION)
        assert begun.status == 0, begun
        until(lambda: machine.sh('test -S %s/submit' % STATE).status == 0, 'the daemon')
        sent = machine.run('outpost', 'send', '--config', CONFIGURATION, '--raw', 'a@b.test', stdin=message()[0])
        assert sent.status == OK, sent
        return until(lambda: found(json_id(machine)), 'the log of it')
    yield run
    machine.run('systemctl', 'stop', 'try')
    machine.run('rm', '-r', '/root/log')


def json_id(machine):
    rows = machine.run('outpost', 'queue', 'list', '--json', '--config', CONFIGURATION).out.splitlines()
    return json.loads(rows[-1])['id']


@pytest.mark.parametrize('lines', ['to = journal', 'format = text'])
def test_the_journal_has_fields(lines, machine, logged):
    """Where it was chosen, and where nothing was and systemd hands over its journal as standard error."""
    def found(number):
        return machine.journal('-u', 'try', 'OUTPOST_EVENT=deferred', 'OUTPOST_ID=%d' % number)
    entry = logged(lines, found)[-1]
    assert entry['MESSAGE'].startswith('deferred id='), entry
    assert entry['OUTPOST_ACCOUNT'] == 'test' and entry['OUTPOST_RECIPIENT'] == 'a@b.test', entry
    assert entry['OUTPOST_CAUSE'] == 'connect_refused_no_listener' and entry['OUTPOST_STAGE'] == 'connect', entry
    assert entry['SYSLOG_IDENTIFIER'] == 'outpost' and entry['PRIORITY'] == '6' and entry['_TRANSPORT'] == 'journal'
    assert machine.journal('-u', 'try', 'OUTPOST_EVENT=ready')[-1]['_COMM'] == 'outpost'


def test_the_journal_has_json(machine, logged):
    entry = logged('to = journal\nformat = json', lambda number: machine.journal('OUTPOST_ID=%d' % number,
                                                                                 'OUTPOST_EVENT=deferred', '-u', 'try'))[-1]
    told = json.loads(entry['MESSAGE'])
    assert told['event'] == 'deferred' and told['account'] == 'test' and told['level'] == 'info', told


def test_syslog(machine, logged):
    machine.write('/root/rsyslog.conf', RSYSLOG)
    begun = machine.run('systemd-run', '--collect', '--unit=try-rsyslog', 'rsyslogd', '-n', '-iNONE', '-f', '/root/rsyslog.conf')
    assert begun.status == 0, begun
    until(lambda: machine.sh('test -S /run/systemd/journal/syslog').status == 0, 'rsyslog')
    try:
        line = logged('to = syslog', lambda number: [line for line in machine.read('/root/mail.log').splitlines()
                                                     if ' deferred id=%d ' % number in line])[-1]
        assert line.startswith('mail.info outpost: deferred id=') and ' cause=connect_refused_no_listener' in line, line
    finally:
        machine.run('systemctl', 'stop', 'try-rsyslog')


# ---- without any of them ----

def test_json_on_standard_error(outpost):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    with open(outpost.config, 'a') as f:
        f.write('[log]\nformat = json\n')
    daemon = Daemon(outpost, ready='"event":"ready"')
    try:
        outpost.run('send', '--raw', 'rcpt@example.test', stdin=message()[0])
        told = json.loads(daemon.process.await_line('"event":"deferred"'))
        assert told['account'] == 'test' and told['cause'] == 'connect_refused_no_listener' and told['level'] == 'info'
    finally:
        daemon.stop()


def test_another_form_after_a_reload(outpost):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    daemon = Daemon(outpost)
    try:
        with open(outpost.config, 'a') as f:
            f.write('[log]\nformat = json\n')
        daemon.hang_up()
        told = json.loads(daemon.process.await_line('^{'))
        assert told['event'] == 'reload' and told['result'] == 'good', told
    finally:
        daemon.stop()


def test_no_journal_is_said(outpost):
    """In a place without one: an empty /run."""
    outpost.account('localhost:%d' % free_port(), 'starttls')
    with open(outpost.config, 'a') as f:
        f.write('[log]\nto = journal\n')
    outpost.inside = ['/usr/bin/unshare', '--mount', '/bin/sh', '-c', 'mount -t tmpfs tmpfs /run && exec "$@"', 'sh']
    daemon = Daemon(outpost)
    try:
        assert ' warn log result="to standard error" why="no journal runs here"' in daemon.process.lines[0]
    finally:
        daemon.stop()


@pytest.mark.parametrize('line', ['to = nowhere', 'format = xml', 'level = 3'])
def test_mistyped(outpost, line):
    outpost.account('localhost:1', 'starttls')
    with open(outpost.config, 'a') as f:
        f.write('[log]\n%s\n' % line)
    assert outpost.run('config check').status == CONFIG
