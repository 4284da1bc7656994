"""`outpost explain` on what real programs say when something is wrong: each is let loose on a server that does one thing
wrongly, and what it prints is explained."""
import socket
import subprocess

import pytest

from peers.clients import PEERS, Way
from peers.peer import USER
from peers.process import free_port
from stage import Says, Smtp, Stage
from test_scenarios import tls_1_0

FOUND = 1
MESSAGE = b'From: %s\r\nTo: bob@example.test\r\nSubject: it\r\n\r\nIt.\r\n' % USER.encode()
PROGRAMS = ['swaks', 'msmtp', 'curl', 'nodemailer', 'Net::SMTP', 'mutt', 'git send-email', 'PHPMailer', 'smtplib']
COMPOSING = ('mutt', 'git send-email', 'PHPMailer')

PYTHON = '''
import smtplib, ssl, sys
port, encryption, user, password, sender, recipient, ca = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if encryption == 'tls':
    line = smtplib.SMTP_SSL('localhost', int(port), timeout=10, context=context)
else:
    line = smtplib.SMTP('localhost', int(port), timeout=10)
if encryption == 'starttls':
    line.starttls(context=context)
if user:
    line.login(user, password)
line.sendmail(sender, [recipient], sys.stdin.buffer.read())
'''


class Desk(Stage):
    """Ports of this machine, chosen by the kernel."""

    def __init__(self, authority):
        super().__init__(self, authority)

    def listen(self, address, port):
        return socket.create_server((address, port), backlog=16)

    def open(self, server):
        super().open('127.0.0.1', 0, server)
        return self.listeners[-1].getsockname()[1]


def refuses(when, said, **how):
    return Smtp(replies={when: said}, **how)


LOCAL = dict(certificate='good', ehlo=['PIPELINING', '8BITMIME', 'AUTH PLAIN'])

# label: (server, encryption, cause): what most of them say is clear
WRONGS = {
    'nobody listens': (None, 'starttls', 'connect_refused_no_listener'),
    'TLS at once where STARTTLS is': (Smtp(**LOCAL), 'tls', 'tls_on_plaintext_port'),
    'no STARTTLS': (refuses('STARTTLS', '502 5.5.1 Error: command not implemented', tls=None), 'starttls', 'starttls_not_offered'),
    'turned away': (Smtp(banner='554 no SMTP service here'), 'starttls', 'banner_rejected'),
    'hangs up at once': (Says(), 'starttls', 'connection_closed_before_banner'),
    'an old certificate': (Smtp('at once', 'expired'), 'tls', 'cert_expired'),
    "another's certificate": (Smtp('at once', 'wrong'), 'tls', 'cert_hostname_mismatch'),
    'a certificate of its own': (Smtp('at once', 'selfsigned'), 'tls', 'cert_self_signed'),
    'a certificate of nobody': (Smtp('at once', 'by-stranger'), 'tls', 'cert_untrusted_issuer'),
    'TLS 1.0 alone': (Smtp('at once', 'rsa', context=tls_1_0), 'tls', 'tls_protocol_too_old'),
    'a wrong password': (refuses('AUTH', '535 5.7.8 Error: authentication failed: authentication failure', **LOCAL), 'starttls', 'auth_bad_credentials'),
    'basic authentication gone': (refuses('AUTH', '535 5.7.139 Authentication unsuccessful, basic authentication is disabled. '
                                          '[AM0PR04CA0012.eurprd04.prod.outlook.com 2024-09-17T08:00:00.000Z 08DCD6B1A2B3C4D5]', **LOCAL),
                                  'starttls', 'auth_basic_disabled'),
    'an app password wanted': (refuses('AUTH', '534-5.7.9 Application-specific password required. For more information, go to\r\n'
                                       '534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor x - gsmtp', **LOCAL),
                               'starttls', 'auth_app_password_required'),
    'no sign-in offered': (refuses('MAIL', '530 5.7.0 Authentication required', certificate='good', ehlo=['PIPELINING']), 'starttls', 'auth_not_offered'),
    'no mechanism in common': (refuses('MAIL', '530 5.7.0 Authentication required', certificate='good', ehlo=['AUTH GSSAPI']), 'starttls', 'auth_no_common_mechanism'),
    'not the sender': (refuses('MAIL', '553 5.7.1 <%s>: Sender address rejected: not owned by user alice' % USER, **LOCAL), 'starttls', 'sender_not_owned'),
    'no relaying': (refuses('RCPT', '554 5.7.1 <bob@example.test>: Relay access denied', **LOCAL), 'starttls', 'relay_denied'),
    'no such recipient': (refuses('RCPT', '550 5.1.1 <bob@example.test>: Recipient address rejected: User unknown in virtual mailbox table', **LOCAL),
                          'starttls', 'recipient_rejected'),
    'greylisted': (refuses('RCPT', '450 4.2.0 <bob@example.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/', **LOCAL),
                   'starttls', 'greylisted'),
    'too big': (refuses('MAIL', '552 5.3.4 Message size exceeds fixed limit', **LOCAL), 'starttls', 'message_too_big'),
    'the day is used up': (refuses('DATA', '550 5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to '
                                   'https://support.google.com/a/answer/166852 x - gsmtp', **LOCAL), 'starttls', 'rate_limit_daily'),
    'spam': (refuses('DATA', '550 5.7.1 Message rejected as spam by content filter', **LOCAL), 'starttls', 'content_rejected_spam'),
}

UNTRUSTED = {'an old certificate', 'a certificate of its own', 'a certificate of nobody'}
# Of these wrongs a program tells too little for the one cause: it must be among those named.
VAGUE = {
    'swaks': UNTRUSTED,                                         # "certificate verify failed"
    'msmtp': {'a certificate of its own'},                      # GnuTLS: "The certificate issuer is unknown"
    'curl': {'a certificate of nobody', 'basic authentication gone', 'an app password wanted',
             'no relaying'},                                    # "Login denied", "RCPT failed: 554"
    'nodemailer': {'a certificate of nobody'},                  # "unable to verify the first certificate": as where one is missing
    'Net::SMTP': UNTRUSTED,
    'mutt': UNTRUSTED | {"another's certificate"},              # "Untrusted server certificate"
    'git send-email': UNTRUSTED | {'nobody listens', 'hangs up at once'},
    'PHPMailer': {'nobody listens', 'a certificate of nobody', 'the day is used up', 'spam'},
}
# And of these it tells nothing at all, or does not mind it.
SILENT = {
    'swaks': {"another's certificate"},
    'msmtp': {'TLS 1.0 alone'},
    'curl': {'no sign-in offered', 'the day is used up'},
    'nodemailer': {'no sign-in offered', 'no mechanism in common', 'no STARTTLS'},
    'Net::SMTP': {'no STARTTLS'},
    'mutt': {'no STARTTLS', 'no sign-in offered', 'no mechanism in common', 'basic authentication gone', 'an app password wanted'},
    'git send-email': {'turned away'},
    'PHPMailer': {'hangs up at once', 'TLS at once where STARTTLS is', 'turned away', 'an old certificate', "another's certificate", 'a certificate of its own',
                  'TLS 1.0 alone', 'basic authentication gone', 'an app password wanted', 'no sign-in offered', 'no mechanism in common'},
}


def more_certificates(authority):
    authority._self_signed('stranger', 'A stranger CA', 'basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign')
    authority.leaf('by-stranger', 'DNS:localhost', issuer='stranger')
    authority.leaf('rsa', 'DNS:localhost', key=['-newkey', 'rsa:2048'])


@pytest.fixture(scope='session')
def certificates(authority):
    more_certificates(authority)


@pytest.fixture
def desk(authority):
    desk = Desk(authority)
    yield desk
    desk.close()


def smtplib(way, authority):
    return subprocess.run(['/usr/bin/python3', '-c', PYTHON, str(way.port), way.encryption, way.user, way.password, USER, 'bob@example.test',
                           authority.ca], input=MESSAGE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


@pytest.mark.parametrize('wrong,program', [(wrong, program) for wrong in WRONGS for program in PROGRAMS
                                           if wrong not in SILENT.get(program, ())])
def test_what_programs_say(wrong, program, request, certificates, desk, authority, outpost):
    server, encryption, cause = WRONGS[wrong]
    way = Way(desk.open(server) if server else free_port(), encryption, USER, 'wrongpassword')
    if program == 'smtplib':
        done = smtplib(way, authority)
    else:
        peer = request.getfixturevalue(PEERS.get(program, 'clients'))
        done = peer.send(program, way, USER, 'bob@example.test', ('it', 'It.\n') if program in COMPOSING else MESSAGE)
    assert done.returncode != 0, done
    result = outpost.run('explain', '-', '--json', stdin=done.stdout)
    told = result.json
    named = [told['cause'], *told.get('also', [])]
    assert cause in (named if wrong in VAGUE.get(program, ()) else named[:1]), '%s\n%s' % (done.stdout.decode(errors='replace'), result)


# ---- foreign text ----

REFUSED = b'535 5.7.8 Error: authentication failed: authentication failure\n'


@pytest.mark.parametrize('text', [
    b'Nov 25 10:00:00 web1 something else happens here\n' * 100000 + REFUSED, b'x' * 3000000 + b'\n' + REFUSED, b'\0' * 70000 + REFUSED,
    b'\x1b[2J\x1b]0;pwned\x07\xff\xfe\x9b' + REFUSED, b'450 a\n421 b\n' * 200000 + REFUSED,
], ids=['megabytes of a log', 'one long line', 'NULs', 'escape sequences', 'replies without end'])
def test_foreign_text(text, outpost):
    for words in ([], ['--json']):
        result = outpost.run('explain', '-', *words, stdin=text)
        assert result.status == 0 and 'auth_bad_credentials' in result.out and not result.err, result
        assert not set(result.out) & set('\x1b\x07\0\x9b'), result


def test_garbage_has_no_cause(outpost):
    for text in (b'', b'\0' * 1000, b'5' * 2000000, bytes(range(256)) * 5000, b'it is a fine day\n'):
        result = outpost.run('explain', '-', '--json', stdin=text)
        assert result.status == FOUND and set(result.json) == {'cause', 'ask'} and result.json['cause'] is None, result


# ---- outpost's own words, and another program's ----

@pytest.mark.parametrize('words', [['send', 'a@example.test'], ['send', '--json', 'a@example.test'], ['doctor'], ['doctor', '--json'],
                                   ['doctor', '--share'], ['doctor', 'nobody@nowhere.invalid'], ['send', '--no-such-option']], ids=' '.join)
def test_its_own_words(words, outpost):
    """What outpost said of a failure is explained as that failure, with its own steps."""
    said = outpost.run(*words, stdin=b'Subject: it\n\nIt.\n')
    assert said.status != 0, said
    cause = 'usage_error' if words[-1].startswith('--no') else 'no_account' if len(words) < 2 or '@nowhere' not in words[1] else 'dns_host_not_found'
    told = outpost.run('explain', '-', '--json', stdin=(said.out + said.err).encode()).json
    assert told['cause'] == cause, (said, told)
    assert (told['title'], told['fix']) == tuple(outpost.run('explain', '--json', cause).json[key] for key in ('title', 'fix')), told


def test_another_programs_settings(outpost):
    """Its configuration is not outpost's: what it means and what to do are told of that program."""
    told = outpost.run('explain', '--json', 'sh: 1: /usr/sbin/sendmail: not found').json
    assert told['cause'] == 'config_invalid' and 'outpost' not in told['title'] + told['meaning'], told
    assert not any('outpost config' in step for step in told['fix']) and any('outpost help sendmail' in step for step in told['fix']), told
    assert 'of the program that sends' in outpost.run('explain', 'sh: 1: /usr/sbin/sendmail: not found').out


# ---- what stands beside the text ----

@pytest.mark.parametrize('text,words,cause', [
    ('535 5.7.3 Authentication unsuccessful', [], 'auth_bad_credentials'),
    ('535 5.7.3 Authentication unsuccessful', ['--provider', 'outlook.com', '--mechanism', 'LOGIN'], 'auth_basic_disabled'),
    ('550 Nein', [], 'policy_rejected'),
    ('550 Nein', ['--stage', 'rcpt'], 'recipient_rejected'),
    ('550 Nein', ['--stage', 'mail'], 'sender_not_owned'),
    ('lost connection with mail.example.org[192.0.2.7] while receiving the initial server greeting', [], 'connection_closed_before_banner'),
    ('lost connection with mail.example.org[192.0.2.7] while receiving the initial server greeting', ['--port', '465'], 'plaintext_on_tls_port'),
    ('lost connection with mail.example.org[192.0.2.7]:465 while receiving the initial server greeting', [], 'plaintext_on_tls_port'),
])
def test_sharpened(text, words, cause, outpost):
    assert outpost.run('explain', '--json', *words, text).json['cause'] == cause


@pytest.mark.parametrize('words', [['--provider', 'nobody'], ['--stage', 'never'], ['--security', 'some'], ['--port', '0x'], []])
def test_asked_wrongly(words, outpost):
    result = outpost.run('explain', *words, *(['535 No'] if words else []))
    assert result.status == 64 and len(result.err.splitlines()) == 1, result


def test_what_would_tell_more(outpost):
    """Where the text keeps what is to be known to itself, the way to learn it is named, and no cause made up."""
    nothing = outpost.run('explain', '--json', 'relay=mail.example.org[192.0.2.1]:587: it did not want to')
    assert nothing.status == FOUND and nothing.json['cause'] is None
    assert nothing.json['ask'][-1].endswith(': outpost doctor mail.example.org:587')
    assert outpost.run('explain', '--quiet', 'it did not want to').out == ''
    for line in outpost.run('explain', 'it did not want to').out.splitlines()[1:]:
        assert len(line) <= 96
    guess = outpost.run('explain', '--json', 'Could not connect to SMTP host: smtp.gmail.com, port: 465')
    assert guess.status == 0 and guess.json['guess'] and guess.json['ask'] == ['outpost doctor smtp.gmail.com:465']
    assert outpost.run('explain', '--json', 'SMTP connect() failed').json['ask'] == ['outpost doctor HOST']
    assert outpost.run('explain', '--json', '535 5.7.8 Error: wrong password').json['ask'] == []
    assert 'Which?  outpost doctor smtp.gmail.com:465' in outpost.run('explain', 'Could not connect to SMTP host: smtp.gmail.com, port: 465').out


REPORT = b"""Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

I'm sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.org

Final-Recipient: rfc822; bob@example.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <bob@example.test>: Recipient address rejected: User unknown

Final-Recipient: rfc822; eve@example.test
Action: delayed
Status: 4.2.0
Diagnostic-Code: smtp; 450 4.2.0 <eve@example.test>: Recipient address rejected: Greylisted

--b--
"""


def test_a_delivery_report(outpost):
    told = outpost.run('explain', '-', '--json', stdin=REPORT).json
    assert told['cause'] == 'recipient_rejected', told
    assert told['recipients'] == [
        {'address': 'bob@example.test', 'action': 'failed', 'status': '5.1.1', 'cause': 'recipient_rejected'},
        {'address': 'eve@example.test', 'action': 'delayed', 'status': '4.2.0', 'cause': 'greylisted'}], told
    lines = outpost.run('explain', '-', stdin=REPORT).out.splitlines()
    assert [line.split() for line in lines[-2:]] == [['bob@example.test', 'failed', '5.1.1', 'recipient_rejected'],
                                                     ['eve@example.test', 'delayed', '4.2.0', 'greylisted']], lines
