"""sendmail, mailq and newaliases, as programs call them: with a daemon, without one, and with one that does not answer."""
import os
import pty
import signal
import socket
import subprocess
import threading

import pytest

from daemon import Daemon, queue
from messages import message
from outpost import CONFIG, DATAERR, NOUSER, OK, PROGRAM, TEMPFAIL, USAGE
from peers.process import free_port, until
from peers.sendmail import SENDMAIL, Sendmail

NOTHING_WILL = 'queued; nothing will retry it until: outpost service enable'


@pytest.fixture
def daemon(outpost):
    running = []

    def start(*words):
        running.append(Daemon(outpost, *words))
        return running[-1]
    yield start
    for one in running:
        one.process.popen.send_signal(signal.SIGCONT)
        one.stop()


@pytest.fixture
def sendmail(outpost):
    call = Sendmail(outpost)
    yield call
    call.send_away()


@pytest.fixture
def at_sandbox(outpost, sandbox):
    outpost.account('localhost:%d' % sandbox.ports['tls'], 'tls', ca_file=sandbox.ca, password=sandbox.password,
                    username=sandbox.user, address=sandbox.user)
    return sandbox


def kept(sandbox, needle):
    return until(lambda: sandbox.kept(needle), 'the sandbox to keep it')


def text(sender='', body=b'hello\n', **fields):
    _, needle = message()
    lines = ['%s: %s' % (name.replace('_', '-'), value) for name, value in fields.items()]
    return '\n'.join(['Subject: ' + needle.decode(), *lines]).encode() + b'\n\n' + body, needle


# ---- handed in ----

def test_with_a_daemon(outpost, postfix, sendmail, daemon):
    outpost.account_at(postfix, 'tls')
    there = daemon()
    sent, needle = message(sender='alice@example.test')
    result = sendmail('-i', '-f', 'alice@example.test', '--', 'rcpt@example.test', stdin=sent.replace(b'\r\n', b'\n'))
    assert result.status == OK and result.out == result.err == '', result
    got, = postfix.await_messages(needle)
    assert got.endswith(sent.replace(b'\r\n', b'\n').split(b'\n\n', 1)[1])
    crlf, needle = message(sender='alice@example.test')
    assert sendmail('-t', stdin=crlf).status == OK
    got, = postfix.await_messages(needle)
    assert got.endswith(crlf.replace(b'\r\n', b'\n').split(b'\n\n', 1)[1])
    assert len(there.lines('accepted')) == 2
    said = sendmail('-v', 'rcpt@example.test', stdin=text()[0])
    assert said.status == OK and 'queued as 3' in said.err, said


def test_without_one(outpost, postfix, sendmail):
    """It is durable when the command ends, delivered by whoever stands in, who keeps nobody waiting by an open pipe."""
    outpost.account_at(postfix, 'tls')
    first, needle = text()
    result = sendmail('rcpt@example.test', stdin=first)         # reads its pipes to their end
    assert result.status == OK and result.out == result.err == '' and sendmail.somebody_is_there(), result
    postfix.await_messages(needle)
    second, needle = text()                                     # by the one who is there
    assert sendmail('rcpt@example.test', stdin=second).status == OK
    postfix.await_messages(needle)
    until(lambda: not os.path.exists(sendmail.submit), 'the stand-in to leave by itself')
    assert queue(outpost) == []


def test_what_stays_is_said(outpost, postfix, sendmail):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    sent, needle = text()
    result = sendmail('rcpt@example.test', stdin=sent)
    assert result.status == OK and 'message 1 ' + NOTHING_WILL in result.err, result
    assert 'connect_refused_no_listener' in result.err, result
    sendmail.send_away()
    listed = sendmail(name='mailq')
    assert listed.status == OK and 'rcpt@example.test' in listed.out and NOTHING_WILL in listed.out, listed
    assert '-- 1 Kbytes in 1 Request.' in listed.out and 'refused' in listed.out, listed
    again = sendmail('rcpt@example.test', stdin=text()[0])
    assert again.err.count(NOTHING_WILL) == 1 and 'message 2' in again.err, again      # each once
    sendmail.send_away()
    outpost.account_at(postfix, 'starttls')
    assert sendmail('-q').status == OK
    postfix.await_messages(needle)
    until(lambda: sendmail('-bp').out == 'Mail queue is empty\n', 'an empty queue')


def test_many_at_once(outpost, postfix, sendmail):
    """Nobody is there, and twenty come: one stands in for all, or some one after another."""
    outpost.account_at(postfix, 'tls')
    sent = [text() for _ in range(20)]
    results = []
    threads = [threading.Thread(target=lambda m=m: results.append(sendmail('r@example.test', stdin=m))) for m, _ in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [r.status for r in results] == [OK] * 20, results
    for _, needle in sent:
        assert len(postfix.await_messages(needle)) == 1


def test_one_after_another_as_the_stand_in_leaves(outpost, postfix, sendmail):
    """Killed between two, at any moment: the next starts another."""
    outpost.account_at(postfix, 'tls')
    needles = []
    for _ in range(5):
        sent, needle = text()
        assert sendmail('r@example.test', stdin=sent).status == OK
        needles.append(needle)
        pid = outpost.run('status', '--json').json['daemon']['pid']
        os.kill(pid, signal.SIGKILL)
    for needle in needles[:-1]:
        assert postfix.await_messages(needle)


@pytest.mark.parametrize('newline', [b'\n', b'\r\n'])
def test_a_dot_alone_ends_nothing(newline, outpost, at_sandbox, sendmail):
    sent, needle = text(body=b'one\n.\ntwo\n')
    assert sendmail('rcpt@x.test', stdin=sent.replace(b'\n', newline)).status == OK
    (got, _), = kept(at_sandbox, needle)
    assert got.replace(b'\r\n', b'\n').endswith(b'one\n.\ntwo\n')


def test_a_dot_alone_ends_what_is_typed(outpost, at_sandbox, sendmail):
    sent, needle = text(body=b'typed\n.\nnot any more\n')
    ours, theirs = pty.openpty()
    typing = subprocess.Popen([SENDMAIL, 'rcpt@x.test'], stdin=theirs, env=sendmail.environment)
    os.close(theirs)
    os.write(ours, sent)
    assert typing.wait(30) == OK
    os.close(ours)
    (got, _), = kept(at_sandbox, needle)
    assert got.rstrip().endswith(b'typed')


def test_the_envelope(outpost, at_sandbox, sendmail):
    sent, needle = text(To='to@x.test', Bcc='hidden@x.test')
    assert sendmail('-oi', '-t', '-F', 'Some One', 'more@x.test', stdin=sent).status == OK
    (got, envelope), = kept(at_sandbox, needle)
    assert sorted(envelope['to']) == ['hidden@x.test', 'more@x.test', 'to@x.test'], envelope
    assert b'hidden@' not in got and b'From: Some One <' in got, got
    for null in ('', '<>'):
        sent, needle = text()
        assert sendmail('-ti', '-f', null, 'to@x.test', stdin=sent).status == OK
        (got, envelope), = kept(at_sandbox, needle)
        assert envelope['from'] == '', envelope
    sent, needle = text(From='Somebody <somebody@elsewhere.test>')
    assert sendmail('-fsomebody@elsewhere.test', 'to@x.test', stdin=sent).status == OK
    (got, envelope), = kept(at_sandbox, needle)
    assert envelope['from'] == at_sandbox.user and b'Reply-To: Somebody <somebody@elsewhere.test>' in got, got


def test_a_big_one_is_never_held(outpost, postfix, sendmail, daemon, tmp_path):
    """29 MB pass through a program that may have 8."""
    outpost.account_at(postfix, 'tls')
    there = daemon()
    big = tmp_path / 'big'
    sent, needle = text(body=(b'x' * 71 + b'\n') * 400_000)
    big.write_bytes(sent)
    with open(big, 'rb') as f:
        subprocess.run(['sh', '-c', 'ulimit -v 8000; exec "$0" r@example.test', SENDMAIL], stdin=f, check=True,
                       env=sendmail.environment)
    got, = postfix.await_messages(needle)
    assert got.endswith(sent.split(b'\n\n', 1)[1])
    assert there.stop() == 0


def test_a_path_longer_than_a_socket_address(tmp_path, authority, leaks, postfix):
    from outpost import Outpost
    folder = tmp_path / ('a-long-name-' * 8) / ('another-long-name-' * 6)
    folder.mkdir(parents=True)
    deep = Outpost(folder, authority)
    deep.account_at(postfix, 'tls')
    call = Sendmail(deep)
    assert len(call.submit) > 200
    sent, needle = text()
    assert call('r@example.test', stdin=sent).status == OK
    postfix.await_messages(needle)
    assert deep.run('status', '--json').json['daemon']['role'] == 'stand-in'
    there = Daemon(deep)        # who stands in makes way
    sent, needle = text()
    assert call('r@example.test', stdin=sent).status == OK
    postfix.await_messages(needle)
    assert there.stop() == 0 and not call.somebody_is_there()


def test_what_was_not_taken_is_not_sent(outpost, postfix, sendmail, daemon):
    """An owner that sleeps: 75, and when it wakes it finds half a message, and drops it."""
    outpost.account_at(postfix, 'tls')
    there = daemon()
    there.process.popen.send_signal(signal.SIGSTOP)
    result = sendmail('r@example.test', stdin=text()[0])
    assert result.status == TEMPFAIL and 'does not answer' in result.err, result
    there.process.popen.send_signal(signal.SIGCONT)
    sent, needle = text()
    assert sendmail('r@example.test', stdin=sent).status == OK
    assert postfix.await_messages(needle)
    assert [row['id'] for row in queue(outpost, '--all')] == [1]


def test_nobody_at_the_door(outpost, sendmail):
    """A socket that systemd holds while the daemon is away: what lies there when it comes is no whole message."""
    outpost.account('localhost:%d' % free_port(), 'starttls')
    os.mkdir(os.path.dirname(sendmail.submit))
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sendmail.submit)
        door.listen()
        result = sendmail('r@example.test', stdin=text()[0])
        assert result.status == TEMPFAIL and 'daemon_unreachable' in result.err, result
        lies, _ = door.accept()
        left = b''.join(iter(lambda: lies.recv(65536), b''))
    os.unlink(sendmail.submit)
    assert left.startswith(b'outpost-submit 1\n') and left.endswith(b'hello\n'), left


def test_an_owner_who_goes_with_half_of_it(outpost, sendmail):
    """It had not read the end: a small message is carried to the next."""
    outpost.account('localhost:%d' % free_port(), 'starttls')
    os.mkdir(os.path.dirname(sendmail.submit))
    seen = []

    def owner(door):
        for answers in (False, True):
            caller, _ = door.accept()
            with caller:
                came = b''
                while not came.endswith(b'0\n' if answers else b'hello\n'):
                    came += caller.recv(65536)
                seen.append(came)
                if answers:
                    caller.sendall(b'0 queued as 7\n{}\n')
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(sendmail.submit)
        door.listen()
        thread = threading.Thread(target=owner, args=(door,))
        thread.start()
        result = sendmail('-v', 'r@example.test', stdin=text()[0])
        thread.join()
    os.unlink(sendmail.submit)
    assert result.status == OK and 'queued as 7' in result.err, result
    assert seen[1] == seen[0] + b'0\n', seen


# ---- refused ----

@pytest.mark.parametrize('words,stdin,status,says', [
    (['-C', '/tmp/other.cf', 'a@x.test'], b'x\n', USAGE, 'another configuration'),
    (['-C/tmp/other.cf', 'a@x.test'], b'x\n', USAGE, 'another configuration'),
    (['-oQ/tmp/q', 'a@x.test'], b'x\n', USAGE, 'another queue'),
    (['-X', '/tmp/log', '-bd'], b'', USAGE, 'outpost serve'),
    (['-bD'], b'', USAGE, 'outpost serve'),
    ([], b'x\n', USAGE, 'to whom?'),
    (['-z', 'a@x.test'], b'x\n', USAGE, 'no such flag'),
    (['a@x.test'], b'Subject: x\n\n\0\n', DATAERR, 'NUL'),
    (['a@x.test'], b'', DATAERR, 'empty'),
    (['a b@x.test'], b'x\n', DATAERR, ''),
    (['-t'], b'Subject: x\n\nnobody\n', DATAERR, ''),
])
def test_refused(words, stdin, status, says, outpost, sendmail):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    result = sendmail(*words, stdin=stdin)
    assert result.status == status and says in result.err and result.err.startswith('outpost: '), result
    assert result.err.count('\n') == 1 and not os.path.exists('/tmp/log')
    assert queue(outpost, '--all') == []


def test_a_configuration_that_is_not_good(outpost, sendmail):
    with open(outpost.config, 'w') as f:
        f.write('[account a]\nadress = a@b.test\n')
    os.chmod(outpost.config, 0o600)
    result = sendmail('a@x.test', stdin=text()[0])
    assert result.status == CONFIG and 'outpost.conf' in result.err and ':2' in result.err, result


# ---- what else it does ----

def test_smtp_on_standard_input(outpost, at_sandbox, sendmail):
    sent, needle = text()
    talk = (b'EHLO here\nMAIL FROM:<root@localhost> BODY=8BITMIME\nRCPT TO:<a@x.test>\nRCPT TO:<b@x.test>\nDATA\n' + sent +
            b'.\nMAIL FROM:<>\nRCPT TO:<nobody at all>\nRSET\nMAIL FROM:<>\nRCPT TO:<c@x.test>\nDATA\n\0\n.\nQUIT\n')
    for newline in (b'\n', b'\r\n'):
        result = sendmail('-bs', stdin=talk.replace(b'\n', newline))
        codes = [line[:3] for line in result.out.splitlines() if line[3:4] == ' ']
        assert codes == ['220', '250', '250', '250', '250', '354', '250', '250', '501', '250', '250', '250', '354', '550',
                         '221'], result
        assert result.status == OK and 'queued as' in result.out and '\r' not in result.err, result
    got = until(lambda: len(found := at_sandbox.kept(needle)) == 2 and found, 'both')
    assert sorted(got[0][1]['to']) == ['a@x.test', 'b@x.test'], got


def test_smtp_cut_off_in_the_middle(outpost, at_sandbox, sendmail):
    sent, needle = text()
    sendmail('-bs', stdin=b'EHLO x\nMAIL FROM:<>\nRCPT TO:<a@x.test>\nDATA\n' + sent)
    assert [row for row in queue(outpost, '--all')] == []


def test_aliases(outpost, sendmail, tmp_path):
    outpost.account('localhost:%d' % free_port(), 'starttls')
    aliases = tmp_path / 'aliases'
    aliases.write_text('root: me@elsewhere.test\nops: root, other@elsewhere.test\n')
    with open(outpost.config, 'a') as f:
        f.write('[local]\naliases = %s\n' % aliases)
    good = sendmail(name='newaliases')
    assert good.status == OK and '2 aliases' in good.out, good
    seen = sendmail('-bv', 'ops', 'root@localhost', 'x@far.test')
    assert seen.status == OK and seen.out.splitlines() == [
        'ops... deliverable: to other@elsewhere.test, me@elsewhere.test by the account test',
        'root@localhost... deliverable: to me@elsewhere.test by the account test',
        'x@far.test... deliverable: to x@far.test by the account test'], seen
    assert sendmail('-bv', 'a b').status == NOUSER
    aliases.write_text('root: me@elsewhere.test\nbad: |/bin/sh\n')
    bad = sendmail('-bi')
    assert bad.status == CONFIG and 'aliases:2' in bad.err, bad


def test_the_large_program_does_the_same(outpost, postfix, sendmail):
    outpost.account_at(postfix, 'tls')
    sent, needle = text()
    command = [PROGRAM, '--config', outpost.config, 'sendmail', '-oi', 'r@example.test']
    subprocess.run(command, input=sent, check=True, env=outpost.environment)
    postfix.await_messages(needle)
    link = os.path.join(outpost.folder, 'mailq')
    os.symlink(PROGRAM, link)
    listed = subprocess.run([link], capture_output=True, check=True, env=sendmail.environment)
    assert listed.stdout == b'Mail queue is empty\n', listed
    shown = subprocess.run([PROGRAM, 'sendmail', '--help'], capture_output=True, check=True, env=outpost.environment)
    assert b'usage: outpost sendmail' in shown.stdout
