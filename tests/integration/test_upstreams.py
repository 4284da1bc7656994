"""From the gateway through the queue to one real server after another: good ones, and one that fails in each way it knows."""
import smtplib

import pytest

from daemon import queue
from gateway import Gateway
from messages import message
from outpost import OK
from peers.peer import without_trace
from peers.process import until
from starting import start

SENDER, OTHERS = 'alice@example.test', ['first@x.test', 'last@x.test']


@pytest.fixture(scope='module')
def sink():
    one = start('smtp_sink')
    yield one
    one.stop()


@pytest.fixture
def gateway(outpost, leaks):
    """With a listener for this machine; its account is the test's to write before."""
    made = []

    def begin():
        made.append(Gateway(outpost, leaks))
        made[0].listener('desk', security='none', no_password_from='127.0.0.0/8')
        made[0].start()
        return made[0]
    yield begin
    for one in made:
        one.stop()


def hand_in(gateway, sent, *recipients):
    with smtplib.SMTP('127.0.0.1', gateway.ports['desk']) as client:
        client.sendmail(SENDER, recipients, sent, ['BODY=8BITMIME'])


def letters(messages):
    """Without what is said of them in reports, which come here, too."""
    return [one for one in messages if b'multipart/report' not in one]


def recipients(outpost, *states):
    words = [word for state in states for word in ('--state', state)]
    return {r['address']: r for row in queue(outpost, *words) for r in row['recipients'] if r['address'] != SENDER}


@pytest.mark.parametrize('name', ['postfix', 'exim', 'haraka', 'smtp_server'])
def test_each_recipient_has_its_outcome(name, request, outpost, gateway):
    peer = request.getfixturevalue(name)
    outpost.account_at(peer, 'starttls')
    sent, needle = message()
    hand_in(gateway(), sent, *OTHERS, 'code550@x.test', 'code450@x.test')
    as_sent = sent.replace(b'\r\n', b'\n')
    until(lambda: as_sent in [without_trace(one)[0] for one in letters(peer.messages(needle))], 'the message, as it was sent')
    until(lambda: recipients(outpost, 'deferred'), 'the one that is asked again')
    outcomes = recipients(outpost, 'deferred')
    assert {a: r['state'] for a, r in outcomes.items()} == {
        'first@x.test': 'delivered', 'last@x.test': 'delivered', 'code550@x.test': 'failed', 'code450@x.test': 'deferred'}
    assert len(letters(peer.messages(needle))) in (1, len(OTHERS))     # some keep a copy for each recipient


WAITS, UNSURE = {'queued', 'deferred'}, {'unknown'}
FAULTS = {      # smtp-sink's options: what becomes of a message meanwhile
    'hangs up when called':          (['-q', 'connect'], WAITS),
    'hangs up at EHLO':              (['-q', 'ehlo'], WAITS),
    'hangs up at MAIL':              (['-q', 'mail'], WAITS),
    'hangs up at RCPT':              (['-q', 'rcpt'], WAITS),
    'hangs up at DATA':              (['-q', 'data'], WAITS),
    'hangs up behind the dot':       (['-q', '.'], UNSURE),
    '421 when called':               (['-Q', 'connect'], WAITS),
    '421 at MAIL':                   (['-Q', 'mail'], WAITS),
    '421 at RCPT':                   (['-Q', 'rcpt'], WAITS),
    '421 at DATA':                   (['-Q', 'data'], WAITS),
    '421 behind the dot':            (['-Q', '.'], WAITS),
    'not now, when called':          (['-r', 'connect'], WAITS),
    'not now, at MAIL':              (['-r', 'mail'], WAITS),
    'not now, at RCPT':              (['-r', 'rcpt'], WAITS),
    'not now, at DATA':              (['-r', 'data'], WAITS),
    'not now, behind the dot':       (['-r', '.'], WAITS),
    'its own error, at MAIL':        (['-f', 'mail'], WAITS),        # 500 5.3.0: no word on the message
    'its own error, at RCPT':        (['-f', 'rcpt'], WAITS),
    'its own error, at DATA':        (['-f', 'data'], WAITS),
    'its own error, behind the dot': (['-f', '.'], WAITS),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_one_that_fails(fault, sink, outpost, gateway):
    """While it does, nothing is lost; when it is well again what waited arrives once - or, unsure, at least once."""
    options, states = FAULTS[fault]
    sink.clear()
    sink.start(*options)
    outpost.account('127.0.0.1:%d' % sink.port, 'none', auth='none', secret=None, username=None, ca_file=None)
    there = gateway()
    sent, needle = message()
    hand_in(there, sent, *OTHERS)

    def tried():
        rows = recipients(outpost, 'queued', 'deferred', 'failed', 'unknown', 'held', 'parked')
        accounts = there.daemon.status()['accounts']
        return rows if any(r['tries'] or r['cause'] for r in rows.values()) or accounts[0]['health'] != 'works' else None
    rows = until(tried, 'a try')
    assert {r['state'] for r in rows.values()} <= states, rows

    sink.clear()        # it keeps what it refused behind the dot, too
    sink.start()
    assert outpost.run('queue retry', '--all').status in (OK, 1)
    took = until(lambda: letters(sink.messages(needle)), 'the message')
    until(lambda: not recipients(outpost), 'the end of it')
    assert len(took) == 1
    text = took[0].replace(b'\r\n', b'\n')
    for address in OTHERS:
        assert b'X-Rcpt-Args: <%s>' % address.encode() in text or b'<%s>' % address.encode() in text
    assert text.rstrip(b'\n').endswith(sent.replace(b'\r\n', b'\n').rstrip(b'\n').rpartition(b'\n\n')[2])


def test_a_slow_one(sink, outpost, gateway):
    """Two seconds before every answer: it takes its time, and arrives."""
    sink.clear()
    sink.start('-w', '2')
    outpost.account('127.0.0.1:%d' % sink.port, 'none', auth='none', secret=None, username=None, ca_file=None)
    sent, needle = message()
    hand_in(gateway(), sent, *OTHERS)
    assert len(until(lambda: letters(sink.messages(needle)), 'the message')) == 1


def test_nobody_there_and_then_somebody(sink, outpost, gateway):
    """The provider is away when the message comes; later somebody listens, and nobody tells the daemon."""
    sink.stop()
    sink.clear()
    outpost.account('127.0.0.1:%d' % sink.port, 'none', auth='none', secret=None, username=None, ca_file=None)
    there = gateway()
    sent, needle = message()
    hand_in(there, sent, *OTHERS)
    until(lambda: there.daemon.status()['accounts'][0]['health'] != 'works', 'a try that failed')
    sink.start()
    assert len(until(lambda: letters(sink.messages(needle)), 'the message', 60)) == 1
