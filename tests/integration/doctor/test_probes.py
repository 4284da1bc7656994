"""What the doctor looks at beside the road: clocks, chains, the machine, the owner's books, names of a domain."""
import http.server
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from email.utils import formatdate

import pytest

from daemon import Daemon
from network import FASTMAIL, GMAIL, HOME, LOGIN, NAMESERVER, OFFICE, TARGET, WEB, drop
from peers import postfix
from peers.process import until
from stage import Issuer, Smtp, Stage
from test_accounts import OURS, jwt

WEB_NAMES = 'DNS:graph.microsoft.com,DNS:gmail.googleapis.com'


def openssl(*words):
    subprocess.run(['openssl', *words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Web:
    """HTTPS that says `date` (a number; None: the right one, and `off` seconds) with everything; `heard` are the lines of
    requests."""

    def __init__(self, certificate='web', date=None, off=0):
        self.certificate, self.date, self.off, self.heard = certificate, date, off, []

    def serve(self, line, stage, home):
        authority = stage.authority
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.cert(self.certificate), authority.key(self.certificate))
        line.settimeout(30)
        line = context.wrap_socket(line, server_side=True)
        read = line.makefile('rb')
        while (said := read.readline()) not in (b'\r\n', b''):
            self.heard.append(said)
        line.sendall(b'HTTP/1.1 404 Not Found\r\nDate: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
                     % formatdate(self.date or time.time() + self.off, usegmt=True).encode())


@pytest.fixture(scope='session')
def more_certificates(certificates):
    certificates.leaf('web', WEB_NAMES)
    certificates.leaf('web-expired', WEB_NAMES, days='-1')
    certificates.leaf('web-stranger', WEB_NAMES, issuer='stranger')
    return certificates


@pytest.fixture
def stage(network, more_certificates, outpost):
    network.names(NAMESERVER)
    network.firewall()
    network.link('IPv4')
    outpost.inside = network.inside
    outpost.environment['OUTPOST_CA_FILE'] = more_certificates.ca
    open_now = Stage(network, more_certificates)
    yield open_now
    open_now.close()


def step(told, name):
    return next((step for step in told['steps'] if step['step'] == name), None)


# ---- the clock ----

@pytest.mark.parametrize('label,certificate,web,off,cause,found', [
    ('ahead, by HTTPS', 'everybody', Web(), '+2y', 'clock_wrong', {'clock:wrong', 'cert:dates-hold'}),
    ('behind, by HTTPS', 'everybody', Web(), '-2y', 'clock_wrong', {'clock:wrong', 'cert:dates-hold'}),
    ('right, and it has expired', 'everybody-expired', Web(), None, 'cert_expired', {'clock:right'}),
    ('ahead, and it had expired before', 'everybody-expired', Web(), '+2y', 'cert_expired', {'clock:wrong'}),
    ('ahead, says a stranger', 'everybody', Web('web-stranger'), '+2y', 'cert_expired', set()),
    ('right, and HTTPS expired, too', 'everybody-expired', Web('web-expired'), None, 'cert_expired', {'clock:right'}),
])
def test_clock(label, certificate, web, off, cause, found, stage, outpost, verdict):
    """The other provider does not answer here: only HTTPS can tell."""
    if off and not shutil.which('faketime'):
        pytest.skip('faketime is not installed')
    stage.ground.firewall(drop(at=GMAIL))
    stage.open(TARGET, 587, Smtp(certificate=certificate))
    stage.open(WEB, 443, web)
    if off:
        outpost.inside = [*outpost.inside, 'faketime', '-f', off]
    told = verdict('our clock: ' + label, cause, outpost.run('doctor', 'mail.example.test:587', '--json', '--connect-timeout', '2'))
    assert {fact for fact in told['found'] if fact.startswith(('clock:', 'cert:'))} == found, told
    clock = step(told, 'clock')
    assert (clock is None) == (not found), told
    if found:
        ahead = int(clock['detail']['seconds_ahead'])
        assert (abs(ahead) > 10 ** 7) == bool(off) and (ahead < 0) == (off == '-2y'), told
        assert web.heard and all(b'Authorization' not in line for line in web.heard), web.heard


HOUR = 3600
UNWELCOME = Issuer(401, b'{"error":"invalid_client"}')
BY_TIME = Issuer(401, b'{"error":"invalid_client","error_description":"AADSTS700024: Client assertion is not within its valid time range."}')


def says(hours):
    """HTTPS by whose time this machine is so far behind."""
    return Web(off=hours * HOUR)


@pytest.fixture(scope='session')
def application(certificates):
    """Settings of an application that proves itself by a certificate, whose file goes with the tests' authority."""
    proof = os.path.join(certificates.folder, 'application.both')
    certificates.leaf('application', None, key=['-newkey', 'rsa:2048'])
    with open(proof, 'w') as f:
        for part in (certificates.cert('application'), certificates.key('application')):
            f.write(open(part).read())
    return dict(auth='oauth', secret=None, transport='smtp', client_id='an-app', certificate='command:cat ' + proof)


@pytest.mark.parametrize('label,issuer,web,settings,cause,found', [
    ('an assertion, and we are behind', UNWELCOME, says(2), {}, 'clock_wrong', {'clock:wrong'}),
    ('an assertion, and we are ahead', UNWELCOME, says(-2), {}, 'clock_wrong', {'clock:wrong'}),
    ('an assertion, and our clock is right', UNWELCOME, says(0), {}, 'oauth_client_misconfigured', {'clock:right'}),
    ('an assertion, and nobody knows the time', UNWELCOME, Web('web-stranger', date=1), {}, 'oauth_client_misconfigured', set()),
    ('a secret is no matter of time', UNWELCOME, says(2), dict(certificate=None, client_secret='command:echo a-client-secret'),
     'oauth_client_misconfigured', set()),
    ('they speak of time, and it is wrong', BY_TIME, says(2), dict(provider='microsoft365', tenant='example.test'), 'clock_wrong', {'clock:wrong'}),
    ('they speak of time, and it is right', BY_TIME, says(0), dict(provider='microsoft365', tenant='example.test'),
     'oauth_client_misconfigured', {'clock:right'}),
    ("the token server's certificate, and we are ahead", Issuer(certificate='everybody-expired'), says(-48), {}, 'clock_wrong', {'clock:wrong'}),
    ("the token server's certificate has expired", Issuer(certificate='everybody-expired'), says(0), {}, 'cert_expired', {'clock:right'}),
])
def test_clock_where_a_token_is_got(label, issuer, web, settings, cause, found, stage, application, outpost, verdict):
    """The mail server is as it should be; the one that gives tokens says no."""
    theirs = 'provider' in settings
    stage.open(OFFICE if theirs else TARGET, 587, Smtp(ehlo=['AUTH LOGIN XOAUTH2']))
    stage.open(LOGIN, 443, issuer)
    stage.open(WEB, 443, web)
    account = dict(application, **settings)
    if 'client_secret' in account:
        del account['secret']       # then it is a person who has signed in
    if not theirs:
        account.update(issuer='https://login.example.test', scope='mail.send')
    outpost.account('smtp.office365.com:587' if theirs else 'mail.example.test:587', **account)
    told = verdict('the clock: ' + label, cause, outpost.run('doctor', '--json', '--connect-timeout', '3'))
    assert {fact for fact in told['found'] if fact.startswith(('clock:', 'cert:'))} == found, told
    assert (step(told, 'clock') is None) == (not found), told


@pytest.mark.parametrize('label,exp,nbf,web,cause,found', [
    ('seems good, and is spent', 1, -1, says(2), 'clock_wrong', {'token:fresh', 'clock:wrong', 'token:dates-differ'}),
    ('seems spent, and is good', -1, -9, says(-2), 'clock_wrong', {'token:expired', 'clock:wrong', 'token:dates-differ'}),
    ('seems not to be good yet', 9, 1, says(2), 'clock_wrong', {'token:not-yet-valid', 'clock:wrong', 'token:dates-differ'}),
    ('is spent', -1, -9, says(0), 'oauth_refresh_token_expired', {'token:expired', 'clock:right'}),
    ('is spent by both clocks', -9, -20, says(-2), 'oauth_refresh_token_expired', {'token:expired', 'clock:wrong'}),
    ('is good by both clocks', 9, -9, says(2), 'oauth_wrong_user', {'token:fresh', 'clock:wrong'}),
    ('is spent, says a stranger', -1, -9, Web('web-stranger', date=1), 'oauth_refresh_token_expired', {'token:expired'}),
])
def test_clock_and_a_token(label, exp, nbf, web, cause, found, stage, outpost, leaks, verdict):
    """Refused in words that are the same for all of these."""
    now = int(time.time())
    token = jwt(**dict(OURS, exp=now + exp * HOUR, nbf=now + nbf * HOUR))
    leaks.plant('a token that %s' % label, token)
    stage.open(OFFICE, 587, Smtp(ehlo=['AUTH LOGIN XOAUTH2'], replies={'AUTH': '535 5.7.3 Authentication unsuccessful [x]'}))
    stage.open(WEB, 443, web)
    outpost.account('smtp.office365.com:587', transport='smtp', auth='token', password=token)
    told = verdict('a token that ' + label, cause, outpost.run('doctor', '--json', '--connect-timeout', '3'))
    assert {fact for fact in told['found'] if fact.startswith(('clock:', 'token:'))} == found, told
    assert token.encode() not in b''.join(web.heard)


# ---- the chain ----

@pytest.fixture(scope='session')
def linked(certificates):
    """linked(name, alternatives, url): a certificate signed by one in between, which is to be had at that URL; its
    certificate in DER. That one is signed by `root`, to be had `above`."""
    at = lambda name: os.path.join(certificates.folder, name)

    def make(name, alternatives, url, root='ca', above=None):
        between = name + '-between'
        with open(at(between + '.ext'), 'w') as f:
            f.write('basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n')
            f.write('authorityInfoAccess=caIssuers;URI:%s\n' % above if above else '')
        with open(at(name + '.ext'), 'w') as f:
            f.write('subjectAltName=%s\nextendedKeyUsage=serverAuth\nauthorityInfoAccess=caIssuers;URI:%s\n' % (alternatives, url))
        for one, issuer in ((between, root), (name, between)):
            openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(one + '.key'),
                    '-subj', '/CN=' + one, '-out', at(one + '.csr'))
            openssl('x509', '-req', '-in', at(one + '.csr'), '-CA', at(issuer + '.pem'), '-CAkey', at(issuer + '.key'),
                    '-CAcreateserial', '-extfile', at(one + '.ext'), '-days', '20', '-sha256', '-out', at(one + '.pem'))
        openssl('x509', '-in', at(between + '.pem'), '-outform', 'DER', '-out', at(between + '.der'))
        with open(at(between + '.der'), 'rb') as f:
            return f.read()
    return make


class Files(http.server.ThreadingHTTPServer):
    """HTTP in the clear: {path: body, or a URL to go to, or an event until which nothing comes}; `asked` are the paths."""

    def __init__(self):
        self.pages, self.asked, self.over = {}, [], threading.Event()
        super().__init__(('127.0.0.1', 0), Page)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def instead_of(self, host, port=80):
        """Options by which it stands there."""
        return ['--connect-to', '%s:%d:127.0.0.1:%d' % (host, port, self.server_address[1])]

    def close(self):
        self.over.set()
        self.shutdown()
        self.server_close()


HELD = object()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
        if page is HELD:
            self.server.over.wait(100)
            return
        self.send_response(404 if page is None else 302 if isinstance(page, str) else 200)
        if isinstance(page, str):
            self.send_header('Location', page)
        self.end_headers()
        if isinstance(page, bytes):
            self.wfile.write(page)

    def log_message(self, *what):
        pass


class Here(Stage):
    """The same at loopback, outside of any namespace."""

    def __init__(self, authority):
        class Nowhere:
            def listen(self, address, port):
                return socket.create_server((address, port), backlog=16)
        super().__init__(Nowhere(), authority)


@pytest.fixture
def here(certificates, outpost):
    outpost.environment['OUTPOST_CA_FILE'] = certificates.ca
    outpost.ca = None
    open_now, files = Here(certificates), Files()
    open_now.files = files
    yield open_now
    open_now.close()
    files.close()


def port_of(stage, server):
    stage.open('127.0.0.1', 0, server)
    return stage.listeners[-1].getsockname()[1]


LOCAL = 'DNS:localhost,IP:127.0.0.1'


@pytest.mark.parametrize('label,root,page,cause', [
    ('left out', 'ca', 'between', 'cert_intermediate_missing'),
    ('left out by one of an authority nobody knows', 'stranger', 'between', 'cert_untrusted_issuer'),
    ('the wrong one to be had', 'ca', 'other', 'cert_untrusted_issuer'),
    ('not to be had', 'ca', None, 'cert_untrusted_issuer'),
    ('megabytes to be had', 'ca', b'\0' * 4_000_000, 'cert_untrusted_issuer'),
    ('elsewhere to be had', 'ca', 'http://169.254.169.254/latest', 'cert_untrusted_issuer'),
    ('held back', 'ca', HELD, 'cert_untrusted_issuer'),
], ids=lambda value: value if isinstance(value, str) and ' ' in value else '')
def test_chain(label, root, page, cause, here, linked, outpost, verdict):
    name = 'chain-' + label.replace(' ', '-')
    der = linked(name, LOCAL, 'http://localhost/it.der', root)
    other = linked(name + '-other', LOCAL, 'http://localhost/it.der', root) if page == 'other' else None
    page = {'between': der, 'other': other}.get(page, page) if isinstance(page, str) else page
    if page is not None:
        here.files.pages['/it.der'] = page
    port = port_of(here, Smtp('at once', certificate=name))
    told = verdict('a link of the chain: ' + label, cause,
                   outpost.run('doctor', 'localhost:%d' % port, '--security', 'tls', '--json', '--connect-timeout', '2',
                               *here.files.instead_of('localhost')))
    assert here.files.asked == ['/it.der'], here.files.asked
    assert ('cert:intermediate-missing' in told['found']) == (cause == 'cert_intermediate_missing'), told


class Trap:
    """Whoever comes by it is heard."""

    def __init__(self):
        self.heard = []

    def serve(self, line, stage, home):
        self.heard.append(line.recv(1000))


def test_chain_of_a_stranger_leads_nowhere_at_home(stage, linked, outpost, verdict):
    """A server on the net names an address in the house: nobody goes there."""
    trap = Trap()
    linked('trap', 'DNS:mail.example.test', 'http://10.77.0.10/it.der')
    stage.open(TARGET, 587, Smtp(certificate='trap'))
    stage.open(HOME, 80, trap)
    verdict('a chain that leads into the house', 'cert_untrusted_issuer',
            outpost.run('doctor', 'mail.example.test:587', '--json', '--connect-timeout', '2'))
    assert not trap.heard, trap.heard


@pytest.mark.parametrize('url', ['http://10.77.0.10/it.der', 'http://10.77.0.11/it.der', 'http://home.example.test:25/it.der',
                                 'http://home.example.test/it.der'])
def test_chain_of_one_at_home_leads_to_no_other(url, stage, linked, outpost, verdict):
    """Who answers in the house's name names another door of it, or of his own house: nobody goes there."""
    trap, name = Trap(), 'neighbour-' + url.translate({ord(c): '-' for c in ':/.'})
    linked(name, 'DNS:home.example.test', url)
    stage.open(HOME, 587, Smtp(certificate=name))
    for port in (25, 80):
        stage.open(HOME, port, trap)
    verdict('a chain that leads to %s' % url, 'cert_untrusted_issuer',
            outpost.run('doctor', 'home.example.test:587', '--json', '--connect-timeout', '2'))
    assert not any(b'GET' in heard for heard in trap.heard), trap.heard


def test_chain_leads_to_no_other_port(here, linked, outpost, verdict):
    """A GET in the clear is no word for whoever listens elsewhere."""
    here.files.pages['/it.der'] = linked('port', LOCAL, 'http://localhost:2525/it.der')
    port = port_of(here, Smtp('at once', certificate='port'))
    verdict('a chain that leads to another port', 'cert_untrusted_issuer',
            outpost.run('doctor', 'localhost:%d' % port, '--security', 'tls', '--json', '--connect-timeout', '2',
                        *here.files.instead_of('localhost', 2525)))
    assert not here.files.asked, here.files.asked


def test_chain_is_not_led_on(here, linked, outpost, verdict):
    """From where it is to be had to an address in the house, over TLS."""
    trap = Trap()
    linked('led', LOCAL, 'http://aia.example.test/it.der')
    here.open('127.0.0.1', 0, trap)
    there = 'https://127.0.0.1:%d/it.der' % here.listeners[-1].getsockname()[1]
    here.files.pages['/it.der'] = there
    port = port_of(here, Smtp('at once', certificate='led'))
    verdict('a chain that leads somewhere, and from there into the house', 'cert_untrusted_issuer',
            outpost.run('doctor', 'localhost:%d' % port, '--security', 'tls', '--json', '--connect-timeout', '2',
                        *here.files.instead_of('aia.example.test')))
    assert here.files.asked == ['/it.der'] and not trap.heard, (here.files.asked, trap.heard)


def test_chain_without_an_end(here, linked, outpost, verdict):
    """Each link is signed by one that nobody knows, and names where that is: three are looked at."""
    root = 'stranger'
    for i in range(6):
        der = linked('link-%d' % i, LOCAL, 'http://localhost/%d' % i, root, 'http://localhost/%d' % (i - 1))
        here.files.pages['/%d' % i] = der
        root = 'link-%d-between' % i
    port = port_of(here, Smtp('at once', certificate='link-5'))
    verdict('a chain without an end', 'cert_untrusted_issuer',
            outpost.run('doctor', 'localhost:%d' % port, '--security', 'tls', '--json', '--connect-timeout', '2',
                        *here.files.instead_of('localhost')))
    assert here.files.asked == ['/5', '/4', '/3'], here.files.asked


def test_chain_and_a_proxy(here, linked, outpost, verdict):
    """What a name leads to would be known to the proxy alone, and it stands in the house."""
    trap = Trap()
    linked('proxied', LOCAL, 'http://router.example.test/it.der')
    here.open('127.0.0.1', 0, trap)
    with open(outpost.config, 'w') as f:
        f.write('[outpost]\nhttps_proxy = http://127.0.0.1:%d\n' % here.listeners[-1].getsockname()[1])
    os.chmod(outpost.config, 0o600)
    port = port_of(here, Smtp('at once', certificate='proxied'))
    verdict('a chain that would be asked for through a proxy', 'cert_untrusted_issuer',
            outpost.run('doctor', 'localhost:%d' % port, '--security', 'tls', '--json', '--connect-timeout', '2'))
    assert not trap.heard, trap.heard


def test_chain_by_comparison(stage, linked, outpost, verdict):
    """The other port sends all of it."""
    der = linked('half', 'DNS:mail.example.test', 'http://nowhere.example.test/it.der')
    folder = stage.authority.folder
    with open(os.path.join(folder, 'whole.pem'), 'w') as whole:
        for part in ('half.pem', 'half-between.pem'):
            with open(os.path.join(folder, part)) as f:
                whole.write(f.read())
    shutil.copy(os.path.join(folder, 'half.key'), os.path.join(folder, 'whole.key'))
    assert der
    stage.open(TARGET, 587, Smtp(certificate='half'))
    stage.open(TARGET, 465, Smtp('at once', certificate='whole'))
    told = verdict('a link of the chain: the other port sends it', 'cert_intermediate_missing',
                   outpost.run('doctor', 'mail.example.test:587', '--json', '--connect-timeout', '2'))
    assert {(other['port'], other['ok']) for other in told['alternatives']} >= {(465, True)}, told


# ---- what the outpost that runs knows and lends ----

class Strict(Smtp):
    """Lets one sign in at a time, as some providers do. `calls` and `most` of those signed in; `held` holds back what it
    says of a message."""

    def __init__(self, held=None):
        super().__init__('at once', certificate='good')
        self.lock, self.calls, self.signed_in, self.most, self.held = threading.Lock(), 0, 0, 0, held
        self.kept = 0

    def serve(self, line, stage, home):
        here = threading.local()
        here.signed_in = False
        self.calls += 1
        line = self.secure(line, stage)
        line.settimeout(60)
        self.say(line, self.banner)
        read = line.makefile('rb')
        try:
            while command := read.readline(20000):
                verb = command.split()[0].upper().decode(errors='replace')
                if verb == 'EHLO':
                    self.say(line, '250-mail.example.test\r\n250 AUTH PLAIN')
                elif verb == 'AUTH':
                    with self.lock:
                        self.signed_in += 1
                        here.signed_in = True
                        self.most = max(self.most, self.signed_in)
                    self.say(line, '235 2.7.0 welcome' if self.signed_in == 1 else
                             '421 4.7.0 Too many concurrent SMTP connections; please try again later.')
                elif verb == 'DATA':
                    self.say(line, '354 go ahead')
                    while read.readline(20000) not in (b'.\r\n', b''):
                        pass
                    if self.held:
                        self.held.wait(60)
                    self.kept += 1
                    self.say(line, '250 2.0.0 kept')
                else:
                    self.say(line, '221 bye' if verb == 'QUIT' else '250 2.0.0 ok')
                    if verb == 'QUIT':
                        return
        finally:
            with self.lock:
                self.signed_in -= here.signed_in


MESSAGE = b'From: alice@example.test\r\nTo: bob@example.test\r\nSubject: x\r\n\r\nx\r\n'


@pytest.fixture
def sends(here, outpost):
    """sends(server, **settings): an account there, and the outpost that sends its mail."""
    daemons = []

    def begin(server, **settings):
        port = port_of(here, server)
        outpost.account('localhost:%d' % port, 'tls', **settings)
        daemons.append(Daemon(outpost))
        return daemons[-1]
    yield begin
    for daemon in daemons:
        daemon.stop()


def send(outpost, *words):
    done = outpost.run('send --raw bob@example.test', *words, stdin=MESSAGE)
    assert done.status == 0, done


def test_the_day_is_used_up(sends, outpost, verdict):
    """Known without asking anybody: while it runs, and from what it wrote down."""
    server = Strict()
    daemon = sends(server, **{'limit.messages_per_day': '1'})
    send(outpost, '--wait', '30')
    calls = server.calls
    for when in ('while it runs', 'from the books'):
        told = verdict('the day is used up, ' + when, 'rate_limit_daily', outpost.run('doctor', '--json'))
        limits = step(told, 'limits')
        assert limits['ok'] is False and limits['detail']['fact'] == 'limit:day', told
        assert limits['detail']['sent'] == limits['detail']['limit'] == '1' and limits['detail']['until'] in told['evidence'], told
        assert all(step['ok'] is None for step in told['steps'] if step['step'] not in ('machine', 'limits')), told
        daemon.stop()
    assert server.calls == calls


def test_some_of_the_day_is_used(sends, outpost, verdict):
    sends(Strict(), **{'limit.messages_per_day': '5', 'limit.connections': '1'})
    send(outpost, '--wait', '30')
    told = verdict('some of the day is used', None, outpost.run('doctor', '--json'))
    assert step(told, 'limits')['ok'] and step(told, 'limits')['detail'] == {'sent': '1', 'limit': '5', 'counts': 'messages'}, told


def test_books_are_not_made_to_be_read(here, outpost, verdict):
    outpost.account('localhost:%d' % port_of(here, Strict()), 'tls')
    told = verdict('no books', None, outpost.run('doctor', '--json'))
    assert step(told, 'limits') is None and not os.path.exists(os.path.join(outpost.folder, 'state', 'queue.db')), told


def test_a_connection_is_lent(sends, outpost, verdict):
    """The account may have one, and the daemon has it, idle."""
    server = Strict()
    daemon = sends(server, **{'limit.connections': '1'})
    send(outpost, '--wait', '30')
    assert daemon.status()['accounts'][0]['channels'] == 1 and server.signed_in == 1
    told = verdict('one connection, and the daemon has it', None, outpost.run('doctor', '--json'))
    assert step(told, 'auth')['ok'] and server.most == 1 and not told['notes'], told
    send(outpost, '--wait', '30')       # and gets it back
    assert server.kept == 2


def test_no_connection_is_to_be_had(sends, outpost, verdict):
    """The daemon is sending over it."""
    server = Strict(held=threading.Event())
    sends(server, **{'limit.connections': '1'})
    send(outpost)
    until(lambda: server.signed_in, 'the daemon, signed in')
    told = verdict('one connection, and it is in use', None, outpost.run('doctor', '--json', '--timeout', '4'))
    assert step(told, 'tls')['ok'] and step(told, 'auth')['ok'] is None, told
    assert [note['note'] for note in told['notes']] == ['signin-untried'] and server.most == 1, told
    server.held.set()


# ---- the sender's domain ----

@pytest.mark.parametrize('domain,detail,notes', [
    ('good.example.test', dict(spf='names-provider', dkim='found', dmarc='reject', aligned='yes'), []),
    ('bad.example.org', dict(spf='without-provider', dkim='missing', dmarc='reject', aligned='no'),
     ['dmarc-unaligned', 'spf-without-provider', 'dkim-missing']),
    ('twice.example.test', dict(spf='broken', dkim='missing', dmarc='missing', aligned='no'), ['spf-broken', 'dkim-missing']),
    ('nothing.example.test', dict(spf='missing', dkim='missing', dmarc='missing', aligned='no'), ['spf-missing', 'dkim-missing']),
    ('slow.example.test', dict(spf='unknown', dkim='missing', dmarc='missing', aligned='unknown'), ['dkim-missing']),
    ('silent.test', None, []),
    ('fastmail.com', None, []),
])
def test_domain(domain, detail, notes, stage, outpost, verdict):
    """It breaks nothing, and takes a second more than the road at most; a resolver that is real says what there is."""
    stage.open(FASTMAIL, 465, Smtp('at once'))
    outpost.account('smtp.fastmail.com:465', 'tls', address='me@' + domain)
    began = time.monotonic()
    told = verdict('a domain of one\'s own: ' + domain, None, outpost.run('doctor', '--json'))
    assert time.monotonic() - began < 5
    looked = step(told, 'domain')
    assert [note['note'] for note in told['notes']] == notes, told
    if detail:
        assert looked['ok'] and looked['detail'] == dict(detail, domain=domain), told
        shared = outpost.run('doctor', '--share')
        assert domain not in shared.out and shared.json['notes'] == notes, shared
    else:
        assert looked is None or looked['ok'] is None, told


def test_domain_when_it_matters(stage, outpost, verdict):
    """The server refuses what the domain forbids: what was seen of it stands beside."""
    stage.open(FASTMAIL, 465, Smtp('at once', replies={'MAIL': '550 5.7.23 SPF validation failed'}))
    outpost.account('smtp.fastmail.com:465', 'tls', address='me@bad.example.org')
    told = verdict('the domain forbids it', 'spf_rejected', outpost.run('doctor', '--json'))
    assert {'spf:without', 'dkim:missing', 'dmarc:unaligned'} <= set(told['found']), told


# ---- the machine ----

@pytest.fixture
def nearly_full(outpost):
    """The state lies on a disk of a megabyte, of which a third is free."""
    state = os.path.join(outpost.folder, 'state')
    os.makedirs(state, 0o700)
    done = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m,mode=0700', 'small', state], capture_output=True, text=True)
    if done.returncode:
        pytest.skip('no tmpfs can be mounted here: ' + done.stderr.strip())
    with open(os.path.join(state, 'filler'), 'wb') as f:
        f.write(bytes(700 * 1024))
    yield
    subprocess.run(['umount', state], check=True)


@pytest.mark.parametrize('good', [True, False])
def test_a_full_disk(good, nearly_full, here, outpost, verdict):
    """It is the cause where there is no other; else it is said beside."""
    port = port_of(here, Strict() if good else Smtp('at once', certificate='good', replies={'AUTH': '535 5.7.8 wrong'}))
    outpost.account('localhost:%d' % port, 'tls')
    with open(outpost.config, 'a') as f:
        f.write('[queue]\nreserve = 50%\n')
    told = verdict('less free than is kept free' + ('' if good else ', and a wrong password'),
                   'disk_full' if good else 'auth_bad_credentials', outpost.run('doctor', '--json'))
    machine = step(told, 'machine')
    if good:
        assert machine['ok'] is False and machine['detail']['reserve'] == '50%', told
        assert step(told, 'sender')['ok'], told
    else:
        assert [note['note'] for note in told['notes']] == ['disk-reserve'], told


def test_what_others_may_read(here, outpost, verdict):
    outpost.account('localhost:%d' % port_of(here, Strict()), 'tls')
    os.makedirs(os.path.join(outpost.folder, 'state'))
    os.chmod(os.path.join(outpost.folder, 'state'), 0o755)
    os.chmod(outpost.config, 0o644)
    told = verdict('what others may read', None, outpost.run('doctor', '--json'))
    assert [note['note'] for note in told['notes']] == ['config-readable', 'state-readable'], told
    assert step(told, 'machine')['ok'], told


# ---- another mechanism ----

class Choosy(Smtp):
    """Signs in by these mechanisms alone; `asked` are all AUTHs, with the number of the line each came on."""

    def __init__(self, good=(), refusal='535 5.7.8 authentication failed', ehlo='AUTH PLAIN LOGIN'):
        super().__init__('at once', certificate='good', ehlo=[ehlo])
        self.good, self.refusal, self.asked, self.calls = good, refusal, [], 0

    def serve(self, line, stage, home):
        self.calls += 1
        super().serve(line, stage, home)

    def take(self, command):
        if not command.upper().startswith(b'AUTH '):
            self.replies = {}
            return
        mechanism = command.split()[1].decode()
        self.asked.append((mechanism, self.calls))
        self.replies = {} if mechanism in self.good else {'AUTH': self.refusal}


@pytest.mark.parametrize('label,server,settings,cause,asked', [
    ('LOGIN alone works', lambda: Choosy(['LOGIN']), {}, 'auth_no_common_mechanism', [('PLAIN', 1), ('LOGIN', 2)]),
    ('none works', lambda: Choosy(), {}, 'auth_bad_credentials', [('PLAIN', 1), ('LOGIN', 2)]),
    ('no other is offered', lambda: Choosy(ehlo='AUTH PLAIN'), {}, 'auth_bad_credentials', [('PLAIN', 1)]),
    ('no other was named', lambda: Choosy(['LOGIN']), {'mechanisms': 'plain'}, 'auth_no_common_mechanism', [('PLAIN', 1), ('LOGIN', 2)]),
    ('the account is locked', lambda: Choosy(['LOGIN'], '535 5.7.8 Your account has been locked'), {}, 'account_locked',
     [('PLAIN', 1)]),
    ('too many sign-ins', lambda: Choosy(['LOGIN'], '454 4.7.0 Too many login attempts, please try again later'), {},
     'auth_too_many_logins', [('PLAIN', 1)]),
], ids=lambda value: value if isinstance(value, str) and ' ' in value else '')
def test_another_mechanism(label, server, settings, cause, asked, here, outpost, verdict):
    """One try each, on a line of its own, and none where it is about something else than the words."""
    server = server()
    outpost.account('localhost:%d' % port_of(here, server), 'tls', **settings)
    told = verdict('another mechanism: ' + label, cause, outpost.run('doctor', '--json'))
    assert server.asked == asked, server.asked
    works = cause == 'auth_no_common_mechanism'
    assert ('mechanism:other-works' in told['found']) == works, told
    assert [note['note'] for note in told['notes']] == (['mechanism-works'] if works else []), told


@pytest.fixture(scope='module')
def postfix_hashed(authority):
    """It offers CRAM-MD5 and SCRAM, and Dovecot's list has the passwords hashed in another way."""
    peer = postfix.start(authority, hashed=True)
    yield peer
    peer.stop()


def test_a_mechanism_that_was_named_and_the_server_can_not_do(postfix_hashed, outpost, verdict):
    outpost.account_at(postfix_hashed, 'starttls', mechanisms='cram-md5')
    told = verdict('CRAM-MD5 alone, of hashed passwords', 'auth_no_common_mechanism', outpost.run('doctor', '--json'))
    assert 'mechanism:other-works' in told['found'], told
    note, = [note['text'] for note in told['notes'] if note['note'] == 'mechanism-works']
    assert 'PLAIN works' in note and 'mechanisms = cram-md5 under [account test]' in note, note
    outpost.account_at(postfix_hashed, 'starttls', mechanisms='cram-md5', password='wrong')
    verdict('a wrong password by CRAM-MD5', 'auth_bad_credentials', outpost.run('doctor', '--json'))


def test_in_clear_text_what_was_named_is_kept_to(here, outpost, verdict):
    server = Choosy(['PLAIN'], ehlo='AUTH CRAM-MD5 PLAIN')
    server.tls = None
    outpost.account('localhost:%d' % port_of(here, server), 'none', mechanisms='cram-md5', allow_plaintext='yes')
    verdict('CRAM-MD5 in clear text', 'auth_bad_credentials', outpost.run('doctor', '--json'))
    assert {mechanism for mechanism, _ in server.asked} <= {'CRAM-MD5'}, server.asked


# ---- who answers, and by what name ----

def test_a_name_that_is_another_name(stage, outpost):
    """CNAME: both the name that was asked for and whose it is are told, on a terminal and in JSON."""
    stage.open(TARGET, 587, Smtp())
    told = outpost.run('doctor', 'mail.alias.test:587', '--json').json
    assert step(told, 'resolve')['detail']['alias-of'] == 'server.hoster.alias.test', told
    assert told['cause'] == 'cert_hostname_mismatch', told
    assert 'as server.hoster.alias.test' in outpost.run('doctor', 'mail.alias.test:587').out
    shared = outpost.run('doctor', 'mail.alias.test:587', '--share')
    assert 'hoster' not in shared.out, shared


@pytest.mark.parametrize('server,notes', [
    (dict(banner='220 smtp.gmail.com ESMTP x - gsmtp', ehlo=[
        'SIZE 35882577', '8BITMIME', 'AUTH LOGIN PLAIN XOAUTH2', 'ENHANCEDSTATUSCODES', 'PIPELINING', 'CHUNKING', 'SMTPUTF8']), []),
    (dict(banner='220 scanner.isp.example ESMTP', ehlo=['SIZE 1000', 'AUTH LOGIN PLAIN']), ['greeting-other', 'offers-less']),
], ids=['its own', 'another\'s'])
def test_what_a_server_says_of_itself(server, notes, stage, outpost):
    """A certificate that is good, and words that are not its provider's: it is told, and no cause is made of it."""
    stage.open(GMAIL, 465, Smtp('at once', **server))
    result = outpost.run('doctor', 'smtp.gmail.com:465', '--json')
    assert result.json['ok'] and [note['note'] for note in result.json['notes']] == notes, result
