"""Nothing is wrong, in many forms: no cause is told."""
import socket
import ssl
import struct

import pytest

from conftest import TOKEN
from network import GMAIL, TARGET, drop, reset
from sandbox import Sandbox
from scenario import Scenario
from stage import Smtp

HERE = 'mail.example.test:587'


def tls_1_2(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def tls_1_3(context):
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def torn(line, stage):
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    line.close()


def healthy(name, server=None, port=587, settings=(), **more):
    account = {'server': 'mail.example.test:%d' % port, 'security': 'tls' if server and server.tls == 'at once' else 'starttls',
               **dict(settings)}
    return Scenario('healthy: ' + name, None, account=account, target={port: server or Smtp()}, **more)


H = healthy

SERVERS = [
    # -- how it speaks
    H('no more than it must', Smtp(ehlo=['AUTH PLAIN'], clear=['STARTTLS'])),
    H('keywords in small letters', Smtp(ehlo=['auth plain login', 'size 1000000'], clear=['starttls'])),
    H('AUTH as it was written once', Smtp(ehlo=['AUTH=PLAIN LOGIN', 'AUTH PLAIN LOGIN'])),
    H('LOGIN alone', Smtp(ehlo=['AUTH LOGIN'])),
    H('mechanisms nobody knows beside one', Smtp(ehlo=['AUTH GSSAPI NTLM X-OWN PLAIN'])),
    H('AUTH offered before TLS, too', Smtp(clear=['STARTTLS', 'AUTH PLAIN LOGIN'])),
    H('a greeting of many lines', Smtp(banner='220-mail.example.test ESMTP\r\n220-No spam, please.\r\n220 It is Monday')),
    H('a greeting without a name', Smtp(banner='220 ')),
    H('a greeting of a code alone', Smtp(banner='220')),
    H('a greeting in Latin-1', Smtp(banner='220 mail.example.test Gr\xfc\xdfe')),
    H('stars in a greeting', Smtp(banner='220 *** Welcome *** mail.example.test')),
    H('every extension there is', Smtp(ehlo=['PIPELINING', 'SIZE 52428800', 'ETRN', 'VRFY', '8BITMIME', 'SMTPUTF8', 'CHUNKING', 'BINARYMIME', 'DSN',
                                            'ENHANCEDSTATUSCODES', 'DELIVERBY 3600', 'MT-PRIORITY', 'FUTURERELEASE 1 2', 'REQUIRETLS', 'LIMITS RCPTMAX=100',
                                            'AUTH PLAIN LOGIN CRAM-MD5', 'XCLIENT NAME ADDR', 'X-WHAT', 'HELP'])),
    H('a greeting that takes five seconds', Smtp(wait=5), patience=15),
    H('250 without words', Smtp(replies={'MAIL': '250', 'RCPT': '250', 'RSET': '250'})),
    H('251 for a recipient', Smtp(replies={'RCPT': '251 2.1.5 will be forwarded'})),
    H('252 for a recipient', Smtp(replies={'RCPT': '252 2.1.5 let us try'})),
    H('replies of many lines', Smtp(replies={'MAIL': '250-2.1.0 well\r\n250-2.1.0 well\r\n250 2.1.0 well'})),
    H('it hangs up at QUIT', Smtp(close=['QUIT'])),
    H('250 at QUIT, and it stays', Smtp(replies={'QUIT': '250 bye'})),
    H('250 at QUIT, and it hangs up', Smtp(replies={'QUIT': lambda line, stage: (line.sendall(b'250 bye\r\n'), line.close())})),
    H('500 at QUIT', Smtp(replies={'QUIT': '500 5.5.1 what?'})),
    H('nothing at QUIT', Smtp(replies={'QUIT': lambda line, stage: None})),
    H('a line that is reset at QUIT', Smtp(replies={'QUIT': torn})),
    # -- TLS
    H('TLS 1.2 alone', Smtp(context=tls_1_2)),
    H('TLS 1.3 alone', Smtp(context=tls_1_3)),
    H('an RSA key', Smtp(certificate='everybody-rsa')),
    H('TLS at once, on 465', Smtp('at once'), 465),
    H('TLS at once, on a port of its own', Smtp('at once'), 2587),
    H('STARTTLS on 2525', port=2525),
    H('STARTTLS on 25', port=25),
    H('an authority of the house', settings={'ca_file': 'CA'}, ca=False),
    H('signed by itself, and pinned', Smtp(certificate='everybody-self'), settings={'tls_pin': 'PIN everybody-self', 'ca_file': None}, ca=False),
    H('expired, and pinned', Smtp(certificate='everybody-expired'), settings={'tls_pin': 'PIN everybody-expired', 'ca_file': None}, ca=False),
    # -- signing in
    H('no sign-in offered, and none wanted', Smtp(ehlo=['PIPELINING']), settings={'auth': 'none', 'secret': None, 'username': None}),
    H('a token, by XOAUTH2', Smtp(ehlo=['AUTH XOAUTH2']), settings={'auth': 'token', 'password': TOKEN}),
    H('a token, by OAUTHBEARER', Smtp(ehlo=['AUTH OAUTHBEARER']), settings={'auth': 'token', 'password': TOKEN}),
    H('other senders', settings={'send_as': 'team@example.test, *@example.test'}),
    # -- the network
    H('every other port dropped', wall=[drop(25, 465, 2525, at=TARGET)]),
    H('every other port refused', wall=[reset(25, 465, 2525, at=TARGET)]),
    H('nobody else is there', wall=[drop(at=GMAIL)], world={}),
    H('both families', link='both'),
    H('IPv6 first, and dropped', settings={'server': 'both.example.test:587'}, link='both'),
]


@pytest.mark.parametrize('scenario', SERVERS, ids=lambda scenario: scenario.name)
def test_no_false_alarm(scenario, played, verdict):
    result = played(scenario)
    scenario.check(verdict(scenario.name, None, result), result)


# Each at the desk, as its profile says it is, with what it takes.
PROVIDERS = ('outlook.com', 'microsoft365', 'gmail', 'google-workspace', 'yahoo', 'aol', 'icloud', 'fastmail', 'gmx', 'web.de', 'ionos',
             'yandex', 'mail.ru', 'zoho', 'zoho-eu', 'qq.com', 'att', 'comcast', 'proton', 'amazon-ses', 'sendgrid', 'mailgun', 'brevo', 'postmark')


@pytest.mark.parametrize('provider', PROVIDERS)
def test_big_ones(provider, tmp_path, outpost, verdict):
    there = Sandbox(tmp_path / 'desk', provider)
    try:
        outpost.environment.update(OUTPOST_CONNECT_TO=','.join(there.connect_to), OUTPOST_CA_FILE=there.ca)
        outpost.ca = None
        sign_in = {'auth': 'token', 'password': there.token} if provider == 'outlook.com' else {'password': there.password}
        host, port = there.connect_to[0].split(':')[:2]
        server = {'server': host + ':' + port, 'security': 'tls' if port == '465' else 'starttls'} if provider == 'amazon-ses' else {}
        outpost.account(**{'server': None, 'security': None, **server}, address=there.user, username=there.user, provider=provider,
                        transport='smtp', **sign_in)
        told = verdict('sandbox %s, as it should be' % provider, None, outpost.run('doctor', '--json', '--connect-timeout', '10'))
        assert 'greeting-other' not in [note['note'] for note in told['notes']], told
    finally:
        there.stop()


def test_dovecots_submission(submission, outpost, verdict):
    outpost.account_at(submission, 'starttls')
    verdict('Dovecot, submission', None, outpost.run('doctor', '--json'))
