"""Who hands mail in badly, or means ill: nothing of it goes on to the provider, and the others are served."""
import os
import re
import socket
import ssl
import uuid

import pytest

from daemon import queue
from gateway import USER, Gateway, Wire
from messages import message
from outpost import Outpost
from peers.process import until

SENDER, RCPT = 'alice@example.test', 'rcpt@example.test'
FREE = {'no_password_from': '127.0.0.0/8'}      # so that a test says no more than it is about
PER_ADDRESS = 256


@pytest.fixture
def gateway(outpost, postfix, leaks):
    outpost.account_at(postfix, 'starttls')
    one = Gateway(outpost, leaks)
    yield one
    one.stop()


def begin(wire, *lines):
    wire.hear()
    for line in ('EHLO me.test', *lines):
        reply = wire.ask(line)
        assert reply[0] in '23', (line, reply)
    return reply


def begin_data(wire):
    begin(wire, 'MAIL FROM:<%s>' % SENDER, 'RCPT TO:<%s>' % RCPT, 'DATA')


def still_serves(gateway, name, postfix):
    sent, needle = message('Still here.\r\n')
    wire = gateway.wire(name)
    begin_data(wire)
    wire.say(sent + b'.\r\n')
    assert wire.hear().startswith('250 ')
    postfix.await_messages(needle)
    return needle


def last_refusal(gateway, name):
    return gateway.outpost.run('listen show', name, '--json').json['refusals'][0]


# ---- whose name ----

@pytest.mark.parametrize('sender,policy,answer', [
    ('boss@elsewhere.test', 'refuse', '553 5.7.1'),
    ('boss@elsewhere.test', 'rewrite', '250 '),
    (SENDER, 'refuse', '250 '),
    ('', 'refuse', '250 '),
])
def test_who_may_send_as_whom(sender, policy, answer, gateway):
    gateway.listener('desk', other_senders=policy, **FREE)
    gateway.start()
    wire = gateway.wire('desk')
    begin(wire)
    assert wire.ask('MAIL FROM:<%s>' % sender).startswith(answer)
    if answer[0] == '5':
        refusal = last_refusal(gateway, 'desk')
        assert (refusal['cause'], refusal['stage']) == ('gateway_sender_refused', 'mail'), refusal


def test_another_sender_is_made_ours(gateway, postfix):
    gateway.listener('desk', **FREE)
    gateway.start()
    sent, needle = message(sender='boss@elsewhere.test')
    wire = gateway.wire('desk')
    begin(wire, 'MAIL FROM:<boss@elsewhere.test> BODY=8BITMIME', 'RCPT TO:<%s>' % RCPT, 'DATA')
    wire.say(sent.replace(b'\r\n.', b'\r\n..') + b'.\r\n')
    assert wire.hear().startswith('250 ')
    kept, = postfix.await_messages(needle)
    head = kept.partition(b'\n\n')[0].decode()
    assert re.search(r'^Return-Path: <%s>$' % SENDER, head, re.M), head
    assert re.search('^From: %s$' % SENDER, head, re.M), head
    assert re.search('^Reply-To: .*<boss@elsewhere.test>$', head, re.M), head


def test_the_header_names_another(gateway, postfix):
    """An envelope of ours around a From of another's, where those are refused."""
    gateway.listener('desk', other_senders='refuse', **FREE)
    gateway.start()
    sent, needle = message('x\r\n', sender='boss@elsewhere.test')
    wire = gateway.wire('desk')
    begin_data(wire)
    wire.say(sent + b'.\r\n')
    assert wire.hear().startswith('550 5.7.1')
    assert queue(gateway.outpost) == [] and not postfix.messages(needle)


# ---- how large ----

def test_too_large_is_told_with_the_number(gateway):
    """At MAIL, before a byte of it came: by the listener's size, and by the provider's."""
    gateway.listener('desk', message_size='1M', **FREE)
    gateway.listener('large', **FREE)
    with open(gateway.outpost.config) as f:
        text = f.read()
    with open(gateway.outpost.config, 'w') as f:
        f.write(text.replace('[account test]\n', '[account test]\nlimit.message_size = 2M\n'))
    gateway.start()
    for name, size in (('desk', 1024 * 1024), ('large', 2 * 1024 * 1024)):
        wire = gateway.wire(name)
        wire.hear()
        assert 'SIZE %d\r\n' % size in wire.ask('EHLO me.test')
        assert wire.ask('MAIL FROM:<%s> SIZE=%d' % (SENDER, size)).startswith('250 ')
        assert wire.ask('RSET').startswith('250 ')
        reply = wire.ask('MAIL FROM:<%s> SIZE=%d' % (SENDER, size + 1))
        assert reply.startswith('552 5.3.4 ') and str(size) in reply, reply
        assert wire.ask('MAIL FROM:<%s>' % SENDER).startswith('250 ')
        refusals = gateway.outpost.run('listen show', name, '--json').json['refusals']
        assert [(r['cause'], r['reply']) for r in refusals] == [('gateway_message_too_big', 552)]


def test_larger_than_was_said(gateway, postfix):
    """Who says no size, and sends more: read on a little, refused, and nothing of it is kept."""
    gateway.listener('desk', message_size='64K', **FREE)
    gateway.start()
    sent, needle = message(('x' * 70 + '\r\n') * 2000)
    wire = gateway.wire('desk')
    begin_data(wire)
    wire.say(sent + b'.\r\n')
    reply = wire.hear()
    assert reply.startswith('552 5.3.4 ') and '65536' in reply, reply
    assert queue(gateway.outpost) == []
    still_serves(gateway, 'desk', postfix)
    assert not postfix.messages(needle)


# ---- smuggling ----

ENDS = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\r\n\0.\r\n', '\n.\r', '\r.\n', '\r\r\n.\r\r\n']


@pytest.fixture(scope='module')
def two_doors(tmp_path_factory, authority, postfix, leaks):
    outpost = Outpost(tmp_path_factory.mktemp('gateway'), authority).account_at(postfix, 'starttls')
    one = Gateway(outpost, leaks)
    for line_ends in 'strict', 'repair':
        one.listener(line_ends, line_ends=line_ends, **FREE)
    one.start()
    yield one
    one.stop()
    leaks.saw_folder(outpost.folder)


@pytest.mark.parametrize('line_ends', ['strict', 'repair'])
@pytest.mark.parametrize('false_end', ENDS, ids=repr)
def test_smuggling(false_end, line_ends, two_doors, postfix):
    """What looks like an end to somebody is none: no second message comes of one, here or at the provider."""
    gateway = two_doors
    needle, inner = uuid.uuid4().hex, uuid.uuid4().hex
    wire = gateway.wire(line_ends)
    begin_data(wire)
    wire.say('From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nHello%s'
             'MAIL FROM:<admin@example.test>\r\nRCPT TO:<%s>\r\nDATA\r\n'
             'From: admin@example.test\r\nSubject: %s\r\n\r\nPay at once.\r\n.\r\n' %
             (SENDER, RCPT, needle, false_end, RCPT, inner))
    reply = wire.hear()
    wire.say('NOOP\r\nQUIT\r\n')
    rest = wire.all().splitlines()
    if reply[0] == '2':
        assert line_ends == 'repair'
        assert len(rest) == 2, rest     # what stood behind the false end was no command
        kept, = postfix.await_messages(needle.encode())
        assert inner.encode() in kept and b'\nMAIL FROM:<admin@example.test>\n' in kept
    else:
        assert reply.startswith('550 5.6.0 '), reply
        assert last_refusal(gateway, line_ends)['cause'] == 'malformed_message'
    marker = still_serves(gateway, line_ends, postfix)
    until(lambda: queue(gateway.outpost) == [], 'all gone')
    assert len(postfix.messages(marker)) == 1
    for message_of in (needle, inner):
        assert len(postfix.messages(message_of.encode())) == (reply[0] == '2')


# ---- lines without an end, and noise ----

@pytest.mark.parametrize('begun', ['', 'MAIL FROM:<', 'AUTH PLAIN '])
def test_an_endless_command(begun, gateway, postfix):
    """A little is read, then it is the end."""
    gateway.listener('desk', **FREE)
    gateway.start()
    wire = gateway.wire('desk')
    begin(wire)
    wire.say(begun + 'x' * 200000)
    assert wire.all() == '421 4.7.0 Line too long\r\n'
    still_serves(gateway, 'desk', postfix)


def test_an_endless_line_in_a_message(gateway, postfix):
    """It is read to its end, and refused; it lies in no memory meanwhile, and not in the queue afterwards."""
    gateway.listener('desk', **FREE)
    there = gateway.start()
    wire = gateway.wire('desk')
    begin_data(wire)
    before = memory(there)
    for _ in range(24 * 16):
        wire.say(b'x' * 65536)
    wire.say('\r\n.\r\n')
    assert wire.hear().startswith('5')
    assert memory(there) - before < 16 * 2**20
    refusal = last_refusal(gateway, 'desk')
    assert (refusal['cause'], refusal['stage']) == ('gateway_message_too_big', 'body'), refusal
    assert queue(gateway.outpost, '--all') == []
    still_serves(gateway, 'desk', postfix)


def memory(daemon):
    with open('/proc/%d/statm' % daemon.process.popen.pid) as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


@pytest.mark.parametrize('security', ['tls', 'auto', 'starttls'])
@pytest.mark.parametrize('noise', [b'\x16\x03\x01\xff\xff' + bytes(range(256)) * 8, bytes(range(255, -1, -1)) * 64,
                                   b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'\x80\x2e\x01\x03\x01' + b'\0' * 500],
                         ids=['half a handshake', 'noise', 'a browser', 'SSL 2'])
def test_garbage_before_tls(noise, security, gateway, postfix):
    gateway.listener('desk', security=security, **FREE)
    gateway.listener('plain', security='none', **FREE)
    there = gateway.start()
    wire = gateway.wire('desk')
    if security == 'starttls':
        begin(wire, 'STARTTLS')
    wire.say(noise)
    wire.socket.shutdown(socket.SHUT_WR)
    heard = wire.socket.makefile('rb').read()
    assert b'250' not in heard
    if security == 'tls':
        assert not re.match(rb'[2-5][0-9][0-9]', heard), heard      # not a word in the clear
    still_serves(gateway, 'plain', postfix)
    assert there.process.popen.poll() is None


def test_commands_behind_starttls(gateway):
    """Sent with it, in the clear: nobody runs them, not before TLS and not inside."""
    gateway.listener('desk', **FREE)
    gateway.start()
    wire = gateway.wire('desk')
    begin(wire)
    wire.say('STARTTLS\r\nMAIL FROM:<%s>\r\n' % SENDER)
    reply = wire.hear()
    try:
        wire.wrap(gateway.certificate)
        wire.say('RCPT TO:<%s>\r\n' % RCPT)
        assert wire.hear().startswith('503 ')
    except (ssl.SSLError, ConnectionError, TimeoutError):
        assert reply[0] in '25', reply
    assert queue(gateway.outpost, '--all') == []


@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_tls_that_is_too_old(gateway):
    """Refused where nobody said that it is taken, and the listener says so; taken at the fenced one."""
    gateway.listener('desk', security='tls')
    gateway.listener('fenced', host='0.0.0.0', security='tls', allow='127.0.0.0/8', tls_minimum='1.0')
    gateway.start()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.load_verify_locations(gateway.certificate_file)
    old.set_ciphers('ALL:@SECLEVEL=0')
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        Wire(gateway.ports['desk'], old)
    until(lambda: last_refusal(gateway, 'desk')['cause'] == 'gateway_tls_too_old', 'kept')
    wire = Wire(gateway.ports['fenced'], old)
    assert wire.socket.version() == 'TLSv1'
    assert wire.sign_in().startswith('235 ')


# ---- those who take their time ----

def test_many_who_say_half_a_word(gateway, postfix):
    """As many as may come from one address, each with half a command: no more come from there, others are served, and
    all of them are gone with the daemon. A balancer says from where they come; this machine's own are not counted."""
    gateway.listener('desk', **FREE)
    gateway.listener('balanced', proxy_from='127.0.0.1/32', allow='192.0.2.0/24')
    there = gateway.start()
    before = memory(there)

    def knock(address):
        wire = gateway.wire('balanced')
        wire.say('PROXY TCP4 %s 192.0.2.1 5000 587\r\n' % address)
        return wire, wire.hear()
    slow = []
    for _ in range(PER_ADDRESS):
        wire, greeting = knock('192.0.2.7')
        assert greeting.startswith('220 ')
        wire.say('EHL')
        slow.append(wire)
    assert knock('192.0.2.7')[1].startswith('421 4.7.0 ')
    assert knock('192.0.2.8')[1].startswith('220 ')
    assert knock('198.51.100.1')[1].startswith('554 5.7.1 ')
    still_serves(gateway, 'desk', postfix)
    causes = [refusal['cause'] for refusal in gateway.outpost.run('listen show', 'balanced', '--json').json['refusals']]
    assert causes == ['gateway_not_allowed', 'concurrent_limit']
    assert {row['name']: row['sessions'] for row in there.status()['listeners']}['balanced'] >= PER_ADDRESS
    assert memory(there) - before < 16 * 2**20
    assert gateway.stop() == 0
    assert all(wire.all().startswith('421 4.3.2 ') for wire in slow)


def test_who_guesses_waits(gateway, outpost):
    gateway.listener('desk')
    gateway.start()
    for _ in range(8):
        wire = Wire(gateway.ports['desk'])
        wire.hear()
        wire.ask('EHLO me.test')
        reply = wire.ask('AUTH PLAIN AHNjYW5uZXIAZ3Vlc3NlZA==')
        wire.close()
        if reply.startswith('454 4.7.0 '):
            break
    assert reply.startswith('454 4.7.0 ') and 'wait' in reply, reply
    causes = {refusal['cause'] for refusal in outpost.run('user show', USER, '--json').json['refusals']}
    assert causes == {'gateway_bad_password'}
    gateway.wire('desk').hear()     # and nobody is locked out of the door
