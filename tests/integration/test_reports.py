"""What became of mail, told by mail: reports through the queue, against a Postfix that offers DSN and one that does not."""
import email
import email.policy
import os
import socket

import pytest

from daemon import Daemon, queue
from gateway import Gateway
from messages import message
from outpost import OK
from peers.peer import USER
from peers.process import until


@pytest.fixture
def daemon(outpost):
    running = []

    def start(*words):
        running.append(Daemon(outpost, *words))
        return running[-1]
    yield start
    for one in running:
        one.stop()


def submit(outpost, text, to, **lines):
    """Hands a message to the daemon as programs of the machine do, with wishes for reports."""
    head = ['outpost-submit 1', *('recipient ' + one for one in to),
            *('%s %s' % line for line in lines.items()), '', '']
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(os.path.join(outpost.folder, 'state', 'submit'))
        s.sendall('\n'.join(head).encode() + b'%d\n%s0\n' % (len(text), text))
        answer = b''.join(iter(lambda: s.recv(65536), b''))
    assert answer.startswith(b'0 '), answer


class Report:
    """As Python reads it, and as it arrived."""

    def __init__(self, raw):
        self.raw = raw
        self.whole = email.message_from_bytes(raw, policy=email.policy.default)
        assert self.whole.get_content_type() == 'multipart/report' and not self.whole.defects, self.whole.defects
        assert self.whole.get_param('report-type') == 'delivery-status'
        assert self.whole['Auto-Submitted'] == 'auto-replied'
        assert self.whole['From'].addresses[0].addr_spec == USER
        words, status, self.back = self.whole.iter_parts()
        self.words = words.get_content()
        assert status.get_content_type() == 'message/delivery-status'
        self.message, *self.recipients = status.get_payload()

    @property
    def action(self):
        return {str(fields['Final-Recipient']): fields['Action'] for fields in self.recipients}


def reports(peer, needle, count=1):
    """All that arrived about the message with this needle, once there are so many."""
    def found():
        texts = [text for text in peer.messages(needle) if b'multipart/report' in text]
        return len(texts) >= count and texts
    return [Report(text) for text in until(found, '%d reports of %r' % (count, needle))]


@pytest.mark.parametrize('who, status, code', [
    ('code550@x.test', '5.1.1', '550 5.1.1'),       # at RCPT
    ('late554@x.test', '5.7.1', '554 5.7.1'),       # after the message
])
def test_a_refusal(outpost, postfix, daemon, who, status, code):
    outpost.account_at(postfix, 'starttls')
    there = daemon()
    sent, needle = message()
    submit(outpost, sent, [who], envid='e17')
    report, = reports(postfix, needle)
    fields, = report.recipients
    assert report.action == {'rfc822; ' + who: 'failed'} and fields['Status'] == status
    assert code in fields['Diagnostic-Code'] and 'asked for' in fields['Diagnostic-Code']
    assert fields['Remote-MTA'] == 'dns; localhost' and report.message['Original-Envelope-Id'] == 'e17'
    assert who in report.words and 'outpost queue show' in report.words
    assert report.back.get_content_type() == 'message/rfc822'
    back = report.back.get_content()
    assert back['Subject'] == needle.decode() and '..\n' in back.get_content()
    until(lambda: queue(outpost) == [], 'all done')
    told, = there.lines('told')
    assert 'how=mail' in told
    original, made = queue(outpost, '--all')
    assert original['state'] == 'failed' and made['state'] == 'delivered'
    assert made['recipients'][0]['address'] == USER


def test_null_reverse_path(outpost, postfix, daemon):
    """Where the provider's profile says that it is taken."""
    outpost.account_at(postfix, 'starttls', provider='generic')
    daemon()
    sent, needle = message()
    submit(outpost, sent, ['code550@x.test'])
    report, = reports(postfix, needle)
    assert report.whole['Return-Path'] == '<>'


def test_who_is_told(outpost, postfix, daemon):
    """The address that was named for it; and the header alone, as RET wished."""
    outpost.account_at(postfix, 'starttls')
    with open(outpost.config, 'a') as f:
        f.write('[notify]\nreports_to = boss@x.test\n')
    daemon()
    sent, needle = message()
    submit(outpost, sent, ['code550@x.test', 'fine@x.test'], ret='headers')
    report, = reports(postfix, needle)
    assert report.whole['To'] == 'boss@x.test' and list(report.action) == ['rfc822; code550@x.test']
    assert report.back.get_content_type() == 'text/rfc822-headers' and needle.decode() in report.back.get_content()


def test_a_report_that_fails_makes_none(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    box = os.path.join(outpost.folder, 'box')
    with open(outpost.config, 'a') as f:
        f.write('[notify]\nreports_to = code550@boss.test\nmailbox = %s\n' % box)
    there = daemon()
    sent, needle = message()
    submit(outpost, sent, ['code550@x.test'])
    until(lambda: len(there.lines('told')) == 2, 'told twice, by two ways')
    until(lambda: queue(outpost) == [], 'all done')
    assert len(queue(outpost, '--all')) == 2 and not postfix.messages(needle)
    with open(box) as f:
        assert 'It was to report of message 1.' in f.read()


def test_nobody_wants_to_know(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    daemon()
    sent, needle = message()
    submit(outpost, sent, ['code550@x.test'], notify='never')
    until(lambda: queue(outpost) == [] and queue(outpost, '--all'), 'over')
    assert len(queue(outpost, '--all')) == 1


def test_wishes_are_passed_on(outpost, postfix, daemon):
    """The server offers DSN: it tells what becomes of the message, and we don't."""
    outpost.account_at(postfix, 'starttls')
    there = daemon()
    sent, needle = message()
    submit(outpost, sent, ['fine@x.test'], notify='success', envid='e18')
    found = until(lambda: [text for text in postfix.messages(needle) if b'Reporting-MTA: dns; smtp.test' in text], 'theirs')
    assert b'Original-Envelope-Id: e18' in found[0]
    until(lambda: queue(outpost) == [], 'all done')
    assert len(queue(outpost, '--all')) == 1 and not there.lines('told')


def test_last_word(outpost, postfix, daemon):
    """The server offers no DSN: we say that it was handed over."""
    outpost.account_at(postfix, 'nodsn')
    outpost.account('localhost:%d' % postfix.ports['nodsn'], 'tls')
    daemon()
    sent, needle = message()
    submit(outpost, sent, ['fine@x.test'], notify='success', envid='e19')
    report, = reports(postfix, needle)
    assert report.action == {'rfc822; fine@x.test': 'relayed'} and report.message['Original-Envelope-Id'] == 'e19'
    assert report.recipients[0]['Status'].startswith('2.') and report.back.get_content_type() == 'text/rfc822-headers'


@pytest.mark.parametrize('mode, action, status', [('R', 'failed', '5.4.7'), ('N', 'delayed', '4.2.1')])
def test_a_deadline(outpost, postfix, leaks, mode, action, status):
    """DELIVERBY, through the gateway: what is late comes back, or is told of and goes on."""
    outpost.account_at(postfix, 'starttls')
    gateway = Gateway(outpost, leaks)
    gateway.listener('desk')
    gateway.start()
    try:
        sent, needle = message()
        with gateway.signed_in('desk') as client:
            client.sendmail(USER, 'code450@x.test', sent, ['BY=2;' + mode, 'BODY=8BITMIME'])
        report, = reports(postfix, needle)
        assert report.action == {'rfc822; code450@x.test': action} and report.recipients[0]['Status'] == status
        states = [row['state'] for row in queue(outpost)]
        assert states == [] if mode == 'R' else 'deferred' in states, states
    finally:
        gateway.stop()


def test_killed_while_it_tells(outpost, postfix, daemon):
    """One report, whenever the daemon dies."""
    outpost.account_at(postfix, 'starttls')
    needles = []
    for _ in range(4):
        there = daemon()
        sent, needle = message()
        needles.append(needle)
        submit(outpost, sent, ['code550@x.test'])
        until(lambda: there.lines('failed'), 'refused')
        there.kill()
    daemon()
    outpost.run('queue release', '--state', 'unknown')      # it died before it could write down what it heard
    for needle in needles:
        reports(postfix, needle)
    until(lambda: not [row for row in queue(outpost) if row['state'] in ('queued', 'sending')], 'the rest')
    made = [row for row in queue(outpost, '--all') if row['recipients'][0]['address'] == USER]
    assert len(made) == len(needles), made


def test_what_send_told_is_not_told_again(outpost, postfix, daemon):
    outpost.account_at(postfix, 'starttls')
    sent, _ = message()
    result = outpost.run('send', '--raw', 'code550@x.test', stdin=sent)
    assert result.status != OK and 'code550@x.test' in result.err, result
    there = daemon()
    assert queue(outpost) == [] and not there.lines('told')
    story = outpost.run('queue show', '--json', '1').json
    assert [event['event'] for event in story['events']] == ['accepted', 'failed', 'told'], story
    assert len(queue(outpost, '--all')) == 1
