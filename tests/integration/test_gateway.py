"""Mail handed in over the network, by a real client's hands and by bad ones, and out again at a real provider."""
import re
import smtplib
import socket
import ssl
import threading

import pytest

from daemon import queue
from gateway import USER, Gateway
from messages import message
from outpost import OK
from peers.liar import HONEST, Liar
from peers.peer import without_trace
from peers.process import free_port, until

SENDER, RCPT, REFUSED = 'alice@example.test', 'rcpt@example.test', 'code550@example.test'
PLAIN_BODY = 'Two lines,\r\nand no more.\r\n'


@pytest.fixture
def gateway(outpost, postfix, leaks):
    """Before Postfix, with one listener: desk, with STARTTLS."""
    outpost.account_at(postfix, 'starttls')
    one = Gateway(outpost, leaks)
    one.listener('desk')
    yield one
    one.stop()


@pytest.fixture
def waiting(outpost, leaks):
    """The same before a provider that is not there: what was accepted, stays."""
    outpost.account('localhost:%d' % free_port(), 'starttls')
    one = Gateway(outpost, leaks)
    one.listener('desk')
    yield one
    one.stop()


def arrives(peer, needle, sent, count=1):
    kept, _ = without_trace(peer.await_messages(needle, count)[0])
    assert kept == sent.replace(b'\r\n', b'\n')
    assert len(peer.messages(needle)) == count


def refusals(outpost, kind, name):
    return outpost.run(kind + ' show', name, '--json').json['refusals']


# ---- the daemon that listens ----

def test_a_port_that_is_taken(waiting):
    """The rest of the daemon does its work; it is loud; and it listens when it can."""
    with socket.create_server(('127.0.0.1', 0)) as other:
        waiting.listener('taken', port=other.getsockname()[1])
        there = waiting.start()
        shut, = there.lines('shut')
        assert ' error ' in shut and 'listener=taken' in shut and 'in use' in shut, shut
        with waiting.signed_in('desk') as client:
            assert client.docmd('NOOP')[0] == 250
        listener, = [one for one in there.status()['listeners'] if one['name'] == 'taken']
        assert not listener['open'] and 'in use' in listener['why'], listener
        assert 'taken' in waiting.outpost.run('status').out and 'not open: listening on' in waiting.outpost.run('status').out
        health = waiting.outpost.run('status', '--health')
        assert health.status == 2 and 'listener taken is not open: listening on 127.0.0.1 port' in health.out, health
        there.hang_up()
        there.process.await_line(' reload result=good')
    there.process.await_line(' listens name=taken ')
    with waiting.signed_in('taken') as client:
        assert client.docmd('NOOP')[0] == 250
    assert waiting.outpost.run('status', '--health').status == 0
    assert waiting.outpost.run('status', '--json').json['listeners'][1]['why'] is None


def test_taken_and_delivered(gateway, postfix):
    there = gateway.start()
    sent, needle = message()
    with gateway.signed_in('desk') as client:
        code, words = client.docmd('NOOP')
        assert code == 250
        client.sendmail(SENDER, RCPT, sent, ['BODY=8BITMIME'])
    arrives(postfix, needle, sent)
    line, = there.lines('accepted')
    assert 'submitter=user:scanner' in line and 'account=test' in line and 'peer=127.0.0.1:' in line


def test_the_certificate_is_made_once(gateway):
    """At the first start, for this machine's names; a device that remembers it goes on."""
    for _ in range(2):
        there = gateway.start()
        assert 'certificate="made here"' in there.lines('listens')[0]
        with gateway.client('desk') as client:
            client.starttls(context=gateway.certificate)
            shown = client.sock.getpeercert(binary_form=True)
        assert gateway.stop() == 0
        with open(gateway.certificate_file) as f:
            pem = f.read()
        kept = ssl.PEM_cert_to_DER_cert(re.search('-----BEGIN CERT.*?END CERTIFICATE-----', pem, re.S).group())
        assert shown == kept


def test_status_tells_each_listener(gateway, outpost):
    gateway.listener('lan', host='0.0.0.0', allow='192.168.1.0/24', plaintext_auth='yes', tls_minimum='1.0')
    there = gateway.start()
    assert any('what=plaintext-passwords' in line for line in there.lines('weak')), there.process.lines
    assert any('what=old-tls' in line for line in there.lines('weak')), there.process.lines
    with gateway.client('desk') as client:
        client.noop()
        listeners = {row['name']: row for row in there.status()['listeners']}
        told = outpost.run('status').out
    desk, lan = listeners['desk'], listeners['lan']
    assert desk['open'] and desk['port'] == gateway.ports['desk'] and desk['sessions'] == 1 and desk['weak'] == [], desk
    assert lan['open'] and lan['sessions'] == 0 and lan['weak'] == ['plaintext-passwords', 'old-tls'], lan
    assert desk['security'] == 'starttls' and desk['certificate_until'] > '2030', desk
    assert re.search(r'desk .*, 1 connected', told) and 'weak: passwords may cross' in told, told
    assert gateway.stop() == 0
    listeners = {row['name']: row for row in outpost.run('status', '--json').json['listeners']}
    assert [row['open'] for row in listeners.values()] == [False, False]
    assert 'desk           127.0.0.1:%d, starttls: not open' % gateway.ports['desk'] in outpost.run('status').out


def test_a_wrong_password_is_shown(gateway, outpost):
    assert refusals(outpost, 'user', USER) is None
    assert 'does not run' in outpost.run('user show', USER).out
    gateway.start()
    assert refusals(outpost, 'user', USER) == []
    with gateway.client('desk') as client:
        client.starttls(context=gateway.certificate)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, 'sesame open')
    for kind, name in (('user', USER), ('listen', 'desk')):
        last = refusals(outpost, kind, name)[0]
        assert (last['stage'], last['cause'], last['reply']) == ('auth', 'gateway_bad_password', 535), last
        assert last['peer'].startswith('127.0.0.1:') and last['user'] == USER and last['time'], last
        told = outpost.run(kind + ' show', name).out
        assert 'Refused last' in told and 'as scanner, at auth: 535' in told and '(gateway_bad_password)' in told, told


def test_a_client_waits_for_the_provider(gateway, outpost, postfix):
    """deliver = while-waiting: the provider's own words, and no report beside them."""
    gateway.write('deliver = while-waiting')
    gateway.start()
    sent, needle = message()
    with gateway.signed_in('desk') as client:
        for rcpt, code, words in ((RCPT, 250, b'2.0.0 Ok: '), (REFUSED, 550, b'5.1.1 ')):
            assert client.mail(SENDER)[0] == client.rcpt(rcpt)[0] == 250
            told = client.data(sent)
            assert told[0] == code and told[1].startswith(words), told
    arrives(postfix, needle, sent)
    failed, = [row for row in queue(outpost, '--all') if row['state'] == 'failed']
    assert failed['recipients'][0]['address'] == REFUSED
    assert refusals(outpost, 'user', USER)[0]['cause'] == failed['recipients'][0]['cause']


def test_a_client_waits_for_no_broken_line(waiting, outpost):
    """The provider is not there: then the queue's word, and for the next one, behind which it waits, at once."""
    waiting.write('deliver = while-waiting')
    waiting.start()
    with waiting.signed_in('desk') as client:
        for number in (1, 2):
            assert client.mail(SENDER)[0] == client.rcpt(RCPT)[0] == 250
            assert client.data(message()[0]) == (250, b'2.0.0 Queued as %d' % number)


def test_no_sign_in_before_tls(gateway, outpost):
    gateway.listener('lan', host='0.0.0.0', allow='127.0.0.0/8')
    gateway.start()
    with gateway.client('lan') as client:
        client.ehlo()
        assert 'auth' not in client.esmtp_features
        assert client.docmd('AUTH PLAIN', 'AHNjYW5uZXIAYQ==')[0] == 538
    until(lambda: [r for r in refusals(outpost, 'listen', 'lan') if r['cause'] == 'gateway_plaintext_refused'], 'told')


# ---- another configuration ----

def test_a_listener_opens_while_it_runs(gateway, outpost):
    """`listen add`, `user add` and their removal are in force at once."""
    there = gateway.start()
    port = free_port()
    assert outpost.run('listen add', 'more', '--address', '127.0.0.1:%d' % port).status == OK
    gateway.ports['more'] = port
    made = outpost.run('user add', 'copier', '--json').json
    with gateway.client('more') as client:
        client.starttls(context=gateway.certificate)
        assert client.login('copier', made['password'])[0] == 235
        assert outpost.run('user remove', 'copier', '--yes').status == OK
        assert outpost.run('listen remove', 'more', '--yes').status == OK
        assert client.noop()[0] in (250, 421)       # it ends in order
    assert [row['name'] for row in there.status()['listeners']] == ['desk']
    with pytest.raises(ConnectionRefusedError):
        gateway.client('more')
    with gateway.client('desk') as client:
        client.starttls(context=gateway.certificate)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login('copier', made['password'])


def test_an_address_that_is_taken(gateway, outpost):
    there = gateway.start()
    with socket.create_server(('127.0.0.1', 0)) as other:
        result = outpost.run('listen add', 'more', '--address', '127.0.0.1:%d' % other.getsockname()[1])
    assert result.status == OK and 'goes on with its old configuration: listen more' in result.err, result
    assert 'as soon as outpost serve runs' not in result.out
    assert [row['name'] for row in there.status()['listeners']] == ['desk']


def test_reloaded_while_a_client_is_there(gateway, outpost, postfix):
    """A bad file: said, and the old one stays. A good one: whoever is there goes on, who comes has the new one."""
    there = gateway.start()
    client = gateway.signed_in('desk')
    with open(outpost.config) as f:
        good = f.read()
    gateway.write('[listen other]\nadress = 127.0.0.1:1')
    there.hang_up()
    until(lambda: [line for line in there.lines('reload') if 'kept the old' in line and 'adress' in line], 'told')
    sent, needle = message()
    client.sendmail(SENDER, RCPT, sent, ['BODY=8BITMIME'])
    arrives(postfix, needle, sent)

    with open(outpost.config, 'w') as f:
        f.write(good.replace('[listen desk]\n', '[listen desk]\nmessage_size = 1M\n'))
    there.hang_up()
    until(lambda: [line for line in there.lines('reload') if 'result=good' in line], 'told')
    sent, needle = message()
    client.sendmail(SENDER, RCPT, sent, ['BODY=8BITMIME'])
    arrives(postfix, needle, sent)
    client.ehlo()
    assert client.esmtp_features['size'] == '157286400'
    with gateway.client('desk') as new:
        new.ehlo()
        assert new.esmtp_features['size'] == '1048576'
    client.quit()


def test_reloaded_again_and_again(gateway, postfix):
    """Under load: each message once, and no doubt about any."""
    there = gateway.start()
    needles = []
    with gateway.signed_in('desk') as client:
        for n in range(30):
            sent, needle = message()
            client.sendmail(SENDER, RCPT, sent, ['BODY=8BITMIME'])
            needles.append(needle)
            if n % 3 == 0:
                there.hang_up()
    for needle in needles:
        postfix.await_messages(needle)
    until(lambda: queue(gateway.outpost) == [], 'all written down')
    assert [len(postfix.messages(needle)) for needle in needles] == [1] * 30
    assert not there.lines('unknown') and len(there.lines('delivered')) == 30


class Hesitant(Liar):
    """It has the whole message, and takes its time to say so."""

    def __init__(self):
        super().__init__(HONEST)
        self.has_it, self.may_answer = threading.Event(), threading.Event()

    def _hear(self, line, end):
        heard = super()._hear(line, end)
        if end == b'\r\n.\r\n':
            self.has_it.set()
            self.may_answer.wait(60)
        return heard


def test_reloaded_while_a_message_leaves(outpost, leaks):
    """The provider's answer is waited for: no doubt about the message, and the next one goes by the new configuration."""
    with Hesitant() as provider, Hesitant() as other:
        outpost.account('127.0.0.1:%d' % provider.port, 'none', auth='none', username=None, ca_file=None)
        gateway = Gateway(outpost, leaks)
        gateway.listener('desk', no_password_from='127.0.0.1/32')
        with open(outpost.config) as f:
            text = f.read()
        there = gateway.start()
        try:
            client = gateway.client('desk')
            client.sendmail(SENDER, RCPT, message(PLAIN_BODY)[0])
            assert provider.has_it.wait(30)
            with open(outpost.config, 'w') as f:
                f.write(text.replace(':%d\n' % provider.port, ':%d\n' % other.port))
            there.hang_up()
            until(lambda: there.lines('reload'), 'told')
            client.sendmail(SENDER, RCPT, message(PLAIN_BODY)[0])
            assert not there.lines('delivered') and not other.has_it.is_set()
            provider.may_answer.set()
            other.may_answer.set()
            until(lambda: len(there.lines('delivered')) == 2, 'both')
            assert provider.calls == other.calls == 1 and not there.lines('unknown')
        finally:
            assert gateway.stop() == 0


def test_what_holds_from_the_next_start_is_said(gateway):
    there = gateway.start()
    gateway.write('[queue]\nkeep_history = 3d')
    there.hang_up()
    until(lambda: [line for line in there.lines('reload') if 'keep_history' in line and 'next start' in line], 'told')


# ---- the end ----

def test_it_ends_in_order(gateway, postfix, outpost):
    """SIGTERM: who is in the middle of a message may end it, the others are told."""
    there = gateway.start()
    idle, busy = gateway.wire('desk'), gateway.wire('desk')
    idle.hear()
    assert busy.sign_in().startswith('235')
    sent, needle = message(PLAIN_BODY)
    for line in ('MAIL FROM:<%s>' % SENDER, 'RCPT TO:<%s>' % RCPT, 'DATA'):
        assert busy.ask(line)[0] in '23'
    there.process.popen.terminate()
    assert idle.all().startswith('421 4.3.2 ')
    with pytest.raises(ConnectionRefusedError):
        gateway.wire('desk')
    busy.say(sent + b'.\r\n')
    assert busy.hear().startswith('250 2.0.0 Queued as ')
    assert busy.all().startswith('421 ')
    assert there.stop() == 0
    outpost.run('queue retry', '--all')
    arrives(postfix, needle, sent)


def test_killed_after_the_250(waiting, outpost, postfix):
    there = waiting.start()
    sent, needle = message(PLAIN_BODY)
    client = waiting.signed_in('desk')
    client.sendmail(SENDER, RCPT, sent)
    there.kill()
    row, = queue(outpost)
    assert row['message_id'].encode() == b'<' + needle + b'@example.test>', row
    with open(outpost.config) as f:
        text = f.read()
    with open(outpost.config, 'w') as f:
        f.write(re.sub('server = .*', 'server = localhost:%d' % postfix.ports['starttls'], text))
    waiting.start()
    outpost.run('queue retry', '--all')
    arrives(postfix, needle, sent)
