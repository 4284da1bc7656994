"""Mail through the queue: with a daemon and without one, killed and asked, against real servers."""
import json
import os
import random
import re
import signal
import socket
import subprocess

import pytest

from daemon import Daemon, queue
from messages import message
from outpost import CONFIG, NOUSER, OK, PROGRAM, TEMPFAIL, UNAVAILABLE, USAGE
from peers.process import Process, free_port, until


@pytest.fixture
def daemon(outpost):
    running = []

    def start(*words):
        running.append(Daemon(outpost, *words))
        return running[-1]
    yield start
    for one in running:
        one.stop()


def send(outpost, text, *words, **how):
    return outpost.run('send', '--raw', *words, stdin=text, **how)


def state(outpost, number):
    return outpost.run('queue show', '--json', str(number)).json['state']


# ---- without a daemon ----

def test_delivered_at_once(outpost, postfix):
    outpost.account_at(postfix, 'tls')
    sent, needle = message()
    result = send(outpost, sent, '--json', 'rcpt@example.test')
    assert result.status == OK and result.json['outcome'] == 'delivered', result
    assert postfix.await_messages(needle)
    assert queue(outpost) == []
    story = outpost.run('queue show', '--json', str(result.json['id'])).json
    assert [event['event'] for event in story['events']] == ['accepted', 'delivered'], story


def test_what_cannot_be_sent_waits(outpost):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    sent, _ = message()
    result = send(outpost, sent, 'rcpt@example.test')
    assert result.status == OK and 'Queued as 1' in result.out and 'outpost serve' in result.err, result
    row, = queue(outpost)
    cause = row['recipients'][0]['cause']
    assert row['state'] == 'deferred' and re.fullmatch('connect_refused_(no_listener|localhost_in_container)', cause), row
    assert cause in result.out, result


def test_waiting_mail_is_retried_by_hand(outpost, postfix):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    sent, needle = message()
    send(outpost, sent, 'rcpt@example.test')
    outpost.account_at(postfix, 'starttls')
    result = outpost.run('queue retry', '--all')
    assert result.status == OK, result
    assert postfix.await_messages(needle)
    assert queue(outpost) == []


def test_a_damaged_queue_is_repaired(outpost):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    assert outpost.run('queue repair').status == 1      # there is none
    for _ in range(3):
        assert send(outpost, message()[0], 'rcpt@example.test').status == OK
    with open(os.path.join(outpost.folder, 'state', 'queue.db'), 'r+b') as f:
        f.seek(f.read().rindex(b'\r\nSubject:'))
        f.write(b'\r\nobject:')    # one body is not what it was
    repaired = outpost.run('queue repair', '--json')
    assert repaired.status == OK, repaired
    assert repaired.json == {'messages': 2, 'held': 1, 'history': 0, 'unreadable': 0, 'kept': 'queue.db.damaged-1'}
    assert sorted(row['state'] for row in queue(outpost)) == ['deferred', 'deferred', 'held']


@pytest.mark.parametrize('rcpt,status,outcome', [
    (['a+550-5.1.1@x.test'], UNAVAILABLE, 'failed'),
    (['a+550-5.1.1@x.test', 'b@x.test'], NOUSER, 'partial'),
    (['a+451-4.7.1@x.test'], OK, 'queued'),
])
def test_outcomes(outpost, sandbox, rcpt, status, outcome):
    outpost.account('localhost:%d' % sandbox.ports['tls'], 'tls', ca_file=sandbox.ca, password=sandbox.password,
                    username=sandbox.user, address=sandbox.user)
    sent, _ = message(sender=sandbox.user)
    result = send(outpost, sent, '--json', *rcpt)
    assert result.status == status and result.json['outcome'] == outcome, result


def test_same_key_same_message_is_sent_once(outpost, postfix):
    outpost.account_at(postfix, 'tls')
    sent, needle = message()
    first = send(outpost, sent, '--json', '--key', 'k1', 'rcpt@example.test')
    again = send(outpost, sent, '--json', '--key', 'k1', 'rcpt@example.test')
    assert again.json['id'] == first.json['id'] and again.json['repeated'] and not first.json['repeated']
    assert len(postfix.await_messages(needle)) == 1
    other, _ = message()
    refused = send(outpost, other, '--key', 'k1', 'rcpt@example.test')
    assert refused.status != OK and queue(outpost, '--all')[-1]['id'] == first.json['id'], refused


def test_changing_verbs_need_to_know_what(outpost):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    sent, _ = message()
    send(outpost, sent, 'rcpt@example.test')
    assert outpost.run('queue hold').status == USAGE
    assert outpost.run('queue remove', '--all').status == USAGE          # nobody there to confirm
    assert outpost.run('queue hold', '77').status == 1
    assert outpost.run('queue show', '77').status == 1
    assert outpost.run('queue hold', '--dry-run', '1').status == OK and state(outpost, 1) == 'deferred'
    assert outpost.run('queue hold', '--to', '*@example.test').status == OK and state(outpost, 1) == 'held'
    assert [row['id'] for row in queue(outpost, '--state', 'held')] == [1]
    assert queue(outpost, '--older', '1h') == []
    assert outpost.run('queue list', '--state', 'hled').status == USAGE
    assert outpost.run('queue release', '1').status == OK and state(outpost, 1) != 'held'
    assert outpost.run('queue remove', '--yes', '1').status == OK and queue(outpost) == []


# ---- with one ----

def test_daemon_delivers(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    there = daemon()
    sent, needle = message()
    result = send(outpost, sent, '--json', 'rcpt@example.test')
    assert result.status == OK, result
    postfix.await_messages(needle)
    waited, needle = message()
    result = send(outpost, waited, '--json', '--wait', '30', 'rcpt@example.test')
    assert result.json['outcome'] == 'delivered', result
    assert there.lines('accepted') and there.lines('delivered')
    assert there.status()['daemon']['role'] == 'daemon'
    assert there.stop() == 0


def test_who_waits_is_answered_when_something_came_of_it(outpost, daemon):
    """And not before: nobody asks again and again."""
    provider = socket.create_server(('localhost', 0))
    outpost.account('localhost:%d' % provider.getsockname()[1], 'starttls')
    daemon()
    number = send(outpost, message()[0], '--json', 'rcpt@example.test').json['id']
    line, _ = provider.accept()     # it is called, and says nothing
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(os.path.join(outpost.folder, 'state', 'control'))
        asking.sendall(b'{"verb":"queue show","wait":true,"ids":[%d]}\n' % number)
        assert state(outpost, number) == 'sending'
        asked_on = send(outpost, message()[0], '--json', '--wait', '1', 'rcpt@example.test')
        assert asked_on.json['outcome'] == 'queued', asked_on
        line.close()
        answers = asking.makefile()
        story, last = (json.loads(answers.readline()) for _ in range(2))
    assert story['id'] == number and story['state'] == 'deferred' and last['done'], (story, last)
    provider.close()


def test_one_owner(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    daemon()
    second = outpost.run('serve')
    assert second.status == TEMPFAIL and 'another outpost owns' in second.err, second


def test_provider_away_and_back(outpost, postfix, daemon):
    """Nothing is lost while it is away, and all goes when it is back."""
    outpost.account('localhost:%d' % free_port(), 'starttls')
    there = daemon()
    needles = []
    for _ in range(5):
        sent, needle = message()
        needles.append(needle)
        assert send(outpost, sent, 'rcpt@example.test').status == OK
    until(lambda: 'deferred' in [row['state'] for row in queue(outpost)], 'a try that failed')
    assert len(queue(outpost)) == 5         # the others wait with their account
    outpost.account_at(postfix, 'starttls')
    there.hang_up()
    until(lambda: there.lines('reload'), 'the new configuration')
    assert outpost.run('queue retry', '--all').status == OK
    for needle in needles:
        postfix.await_messages(needle)


def test_bad_configuration_keeps_the_old_one(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    there = daemon()
    with open(outpost.config) as f:
        good = f.read()
    with open(outpost.config, 'a') as f:
        f.write('\n[account test2]\nadress = x\n')
    there.hang_up()
    until(lambda: [line for line in there.lines('reload') if 'kept the old' in line and 'adress' in line], 'told')
    with open(outpost.config, 'w') as f:
        f.write(good)
    sent, needle = message()
    assert send(outpost, sent, 'rcpt@example.test').status == OK
    postfix.await_messages(needle)


def test_killed_again_and_again(outpost, postfix, daemon):
    """What was answered with 0 is delivered, whenever the daemon dies: twice at most where it is called unknown."""
    outpost.account_at(postfix, 'starttls')
    dice, accepted = random.Random(1), []
    for _ in range(8):
        there = daemon()
        for _ in range(3):
            sent, needle = message()
            if send(outpost, sent, 'rcpt@example.test').status == OK:
                accepted.append(needle)
            if dice.random() < 0.4:
                break
        there.kill()
    assert len(accepted) >= 8
    there = daemon()
    until(lambda: not [row for row in queue(outpost) if row['state'] in ('queued', 'sending')], 'the rest', 60)
    assert {row['message_id'][1:-1].split('@')[0].encode() for row in queue(outpost, '--all')} == set(accepted)
    held = [row for row in queue(outpost) if row['state'] == 'held']        # it looked as if they had killed it
    assert all('three times' in row['held_text'] for row in held), held
    outpost.run('queue release', '--state', 'held')
    unknown = [row for row in queue(outpost) if row['state'] == 'unknown']
    until(lambda: len([1 for needle in accepted if postfix.messages(needle)]) + len(unknown) >= len(accepted),
          'all %d, but for %d unknown' % (len(accepted), len(unknown)))
    assert there.stop() == 0


def test_two_at_once_without_a_daemon(outpost, postfix):
    """One becomes the owner, the others hand over to it, or come after it."""
    outpost.account_at(postfix, 'tls')
    needles, running = [], []
    for _ in range(6):
        sent, needle = message()
        needles.append(needle)
        one = subprocess.Popen([PROGRAM, 'send', '--config', outpost.config, '--raw', 'rcpt@example.test'],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=outpost.environment)
        one.stdin.write(sent)
        one.stdin.close()
        running.append(one)
    assert [one.wait(60) for one in running] == [OK] * 6, [one.stderr.read() for one in running]
    outpost.run('queue retry', '--all')
    for needle in needles:
        assert postfix.await_messages(needle)


def test_half_a_message_is_none(outpost, postfix, daemon):
    """The program that hands it in dies: nothing of it is kept."""
    outpost.account_at(postfix, 'starttls')
    daemon()
    one = Process([PROGRAM, 'send', '--config', outpost.config, '--raw', 'rcpt@example.test'],
                  env=outpost.environment, stdin=subprocess.PIPE)
    one.popen.stdin.write(b'Subject: half\r\n\r\n' + b'x' * 100000)
    one.popen.stdin.flush()
    one.popen.send_signal(signal.SIGKILL)
    one.popen.wait()
    assert queue(outpost, '--all') == []


# ---- what is said ----

def test_asked_by_another_user(outpost, postfix, daemon):
    if os.getuid() != 0:
        pytest.skip('another user can be played by root only')
    outpost.account_at(postfix, 'starttls')
    there = daemon()
    sent, _ = message()
    send(outpost, sent, 'rcpt@example.test')
    assert there.status()['daemon']['role'] == 'daemon'
    state_folder = os.path.join(outpost.folder, 'state')
    assert oct(os.stat(state_folder).st_mode & 0o777) == '0o700'
    assert oct(os.stat(os.path.join(state_folder, 'control')).st_mode & 0o777) == '0o600'


def test_nothing_to_send_by(outpost):
    with open(outpost.config, 'w') as f:
        f.write('')
    os.chmod(outpost.config, 0o600)
    sent, _ = message()
    assert send(outpost, sent, 'rcpt@example.test').status == CONFIG


def test_status_speaks_to_people_and_programs(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    there = daemon()
    status = there.status()
    assert status['accounts'][0]['name'] == 'test' and status['accounts'][0]['health'] == 'ready', status
    told = outpost.run('status')
    assert 'runs since' in told.out and 'Queue     empty' in told.out, told
    assert json.loads(outpost.run('status', '--json').out)['queue']['queued'] == 0


# ---- who is told ----

def test_a_person_is_told_once(outpost, sandbox, daemon):
    """A failure, and an account that can't send: by [notify], and not again after a restart."""
    outpost.account('localhost:%d' % sandbox.ports['tls'], 'tls', ca_file=sandbox.ca, password=sandbox.password,
                    username=sandbox.user, address=sandbox.user)
    box = os.path.join(outpost.folder, 'box')
    with open(outpost.config, 'a') as f:
        f.write('[notify]\nmailbox = %s\n' % box)
    there = daemon()
    sent, _ = message(sender=sandbox.user)
    sent = b'Auto-Submitted: auto-replied\r\n' + sent     # of which no mail is made
    assert send(outpost, sent, 'a+550-5.1.1@x.test').status == OK
    until(lambda: there.lines('told'), 'told')
    with open(box) as f:
        told = f.read()
    assert 'was not delivered' in told and 'a+550-5.1.1@x.test' in told and 'as the address wishes' in told, told
    until(lambda: queue(outpost) == [], 'written down')
    assert there.stop() == 0
    with open(os.path.join(outpost.folder, 'test.secret'), 'w') as f:
        f.write('wrong')
    there = daemon()
    sent, _ = message(sender=sandbox.user)
    send(outpost, sent, 'b@x.test')
    until(lambda: there.lines('notify'), 'told')
    with open(box) as f:
        told = f.read()
    assert told.count('was not delivered') == 1 and "the account test can't send" in told, told
    row, = queue(outpost)       # and whoever looks sees why it waits
    assert row['state'] == 'parked' and row['parked_because'] == 'auth_bad_credentials', row
    assert "its account can't send" in outpost.run('queue list').out


def test_configuration_named_from_here(outpost, postfix):
    """A relative --config: the sockets beside it are found all the same."""
    outpost.account_at(postfix, 'tls')
    folder, name = os.path.split(outpost.config)
    sent, needle = message()
    done = subprocess.run([PROGRAM, 'send', '--config', os.path.join(os.path.basename(folder), name), '--raw',
                           'rcpt@example.test'], input=sent, capture_output=True, cwd=os.path.dirname(folder),
                          env=outpost.environment, timeout=60)
    assert done.returncode == OK, done
    assert postfix.await_messages(needle)


# ---- routes ----

@pytest.mark.parametrize('may', [True, False])
def test_a_route_takes_the_next_account(may, outpost, postfix):
    """By name, and as the default; but what the next account may not send in that name waits for the first."""
    outpost.account_at(postfix, 'tls', name='backup', send_as='live@example.test' if may else None)
    with open(outpost.config) as f:
        backup = f.read()
    outpost.account('localhost:%d' % free_port(), 'tls', name='live', address='live@example.test')
    with open(outpost.config, 'a') as f:
        f.write(backup + '[route alerts]\naccounts = live, backup\n[outpost]\ndefault = alerts\n')
    for words in (['-a', 'alerts'], []):
        sent, needle = message(sender='live@example.test')
        assert outpost.run('send', '--raw', *words, 'rcpt@example.test', stdin=sent).status == OK
        if may:
            assert postfix.await_messages(needle)
        else:
            row = [row for row in queue(outpost) if needle.decode() in row['message_id']][0]
            assert row['account'] == 'alerts' and row['state'] in ('queued', 'deferred'), row
            assert not postfix.messages(needle)
    result = outpost.run('send', '--raw', '--direct', '-a', 'alerts', 'rcpt@example.test', stdin=sent)
    assert result.status == CONFIG and 'alerts is a route' in result.err, result
