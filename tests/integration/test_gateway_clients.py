"""Client × listener: one message through each to a real Postfix, compared with what was handed in."""
import email
import email.policy
import smtplib
import ssl

import pytest

from daemon import queue
from gateway import PASSWORD, USER, Gateway
from messages import message
from outpost import Outpost
from peers.clients import COMPOSING, PEERS, RAW, Way
from peers.peer import without_trace

SENDER, RCPT = 'alice@example.test', 'rcpt@example.test'
EVERYBODY = '127.0.0.0/8, ::1'
TEXT = 'Grüße vom Drucker\n.\n..\n.a dot before a word\nFrom here on\n=2E not quoted printable\n\n.\nThe end\n'

# What a person calls the listener; its settings; what the client is told.
LISTENERS = {
    '587 STARTTLS':  ({'security': 'starttls'}, 'starttls', True),
    '465 TLS':       ({'security': 'tls'}, 'tls', True),
    'auto STARTTLS': ({'security': 'auto'}, 'starttls', True),
    'auto TLS':      ({'security': 'auto'}, 'tls', True),
    'loopback':      ({'security': 'none'}, 'none', True),
    'fenced':        ({'security': 'none', 'host': '*', 'allow': EVERYBODY, 'no_password_from': EVERYBODY,
                       'line_ends': 'repair'}, 'none', False),
}
CLIENTS = ('smtplib', *RAW, *COMPOSING)


@pytest.fixture(scope='module')
def gateway(tmp_path_factory, authority, postfix, leaks):
    outpost = Outpost(tmp_path_factory.mktemp('gateway'), authority).account_at(postfix, 'starttls')
    one = Gateway(outpost, leaks)
    for name, (settings, _, _) in LISTENERS.items():
        with_tls = {} if settings['security'] == 'none' else {'tls_certificate': authority.cert(),
                                                              'tls_key': authority.key()}
        one.listener(name.replace(' ', '-').lower(), **{'host': 'localhost', **settings, **with_tls})
    one.start()
    yield one
    one.stop()
    leaks.saw_folder(outpost.folder)


def smtplib_sends(way, sender, recipient, text, authority):
    tls = ssl.create_default_context(cafile=authority.ca)
    client = smtplib.SMTP_SSL('localhost', way.port, context=tls) if way.encryption == 'tls' \
        else smtplib.SMTP('localhost', way.port)
    with client:
        if way.encryption == 'starttls':
            client.starttls(context=tls)
        if way.user:
            client.login(way.user, way.password)
        client.sendmail(sender, recipient, text, ['BODY=8BITMIME'])


def text_of(kept):
    """The text a person reads (some clients end it with another blank line), and the subject."""
    parsed = email.message_from_bytes(kept, policy=email.policy.default)
    return parsed.get_body(('plain',)).get_content().replace('\r\n', '\n').rstrip('\n'), str(parsed['Subject'])


def number_of(gateway, message_id):
    return next(row['id'] for row in queue(gateway.outpost, '--all') if row['message_id'] == message_id)


@pytest.mark.parametrize('listener', LISTENERS)
@pytest.mark.parametrize('client', CLIENTS)
def test_arrives_as_handed_in(client, listener, request, gateway, authority, postfix, record_client):
    record_client((client, listener), 'not had')
    clients = request.getfixturevalue(PEERS.get(client, 'clients')) if client != 'smtplib' else None
    record_client((client, listener), 'FAILED')
    _, encryption, signs_in = LISTENERS[listener]
    way = Way(gateway.ports[listener.replace(' ', '-').lower()], encryption, *((USER, PASSWORD) if signs_in else ()))
    sent, needle = message(sender=SENDER)
    subject = needle.decode()

    if client == 'smtplib':
        smtplib_sends(way, SENDER, RCPT, sent, authority)
    else:
        done = clients.send(client, way, SENDER, RCPT, (subject, TEXT) if client in COMPOSING else sent)
        assert done.returncode == 0, done.stdout.decode(errors='replace')

    arrived = postfix.await_messages(needle)
    kept, trace = without_trace(arrived[0])
    assert len(arrived) == 1 and 'received' in trace
    if client in COMPOSING:
        assert text_of(kept) == (TEXT.rstrip('\n'), subject)
    else:
        assert kept == sent.replace(b'\r\n', b'\n')
    number = number_of(gateway, str(email.message_from_bytes(kept)['Message-ID']))
    line, = [line for line in gateway.daemon.lines('accepted') if ' id=%d ' % number in line]
    assert 'submitter=%s ' % ('user:scanner' if signs_in else 'listener:fenced') in line
    record_client((client, listener), 'arrived')
