"""What the doctor looks at beside the road: clocks, chains, the machine, the owner's books, names of a domain."""
import http.server
import os
import shutil
import ssl
import subprocess
import threading
import time
from email.utils import formatdate

import pytest

from network import GMAIL, NAMESERVER, TARGET, WEB
from stage import Smtp, Stage

WEB_NAMES = 'DNS:graph.microsoft.com,DNS:gmail.googleapis.com'


def openssl(*words):
    subprocess.run(['openssl', *words], check=True, stdin=subprocess.DEVNULL, capture_output=True)


class Web:
    """HTTPS that says `date` (a number, or None for the right one) with everything; `heard` are the lines of requests."""

    def __init__(self, certificate='web', date=None):
        self.certificate, self.date, self.heard = certificate, date, []

    def serve(self, line, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.cert(self.certificate), authority.key(self.certificate))
        line.settimeout(30)
        line = context.wrap_socket(line, server_side=True)
        read = line.makefile('rb')
        while (said := read.readline()) not in (b'\r\n', b''):
            self.heard.append(said)
        line.sendall(b'HTTP/1.1 404 Not Found\r\nDate: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
                     % formatdate(self.date or time.time(), usegmt=True).encode())


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
    stage.network.firewall('ip daddr %s drop' % GMAIL)
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


# ---- the chain ----

@pytest.fixture(scope='session')
def linked(certificates):
    """linked(name, alternatives, url): a certificate signed by one in between, which is to be had at that URL; its
    certificate in DER. `top` is an authority that nobody knows."""
    at = lambda name: os.path.join(certificates.folder, name)

    def make(name, alternatives, url, root='ca'):
        between = name + '-between'
        with open(at(between + '.ext'), 'w') as f:
            f.write('basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n')
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
    """HTTP in the clear: {path: body, or a number of bytes, or a URL to go to}; `asked` are the paths."""

    def __init__(self):
        self.pages, self.asked = {}, []
        super().__init__(('127.0.0.1', 0), Page)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return 'http://localhost:%d' % self.server_address[1]

    def close(self):
        self.shutdown()
        self.server_close()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        page = self.server.pages.get(self.path)
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
            def within(self, make):
                return make()
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
], ids=lambda value: value if isinstance(value, str) and ' ' in value else '')
def test_chain(label, root, page, cause, here, linked, outpost, verdict):
    name = 'chain-' + label.replace(' ', '-')
    der = linked(name, LOCAL, here.files.url + '/it.der', root)
    other = linked(name + '-other', LOCAL, here.files.url + '/it.der', root) if page == 'other' else None
    page = {'between': der, 'other': other}.get(page, page) if isinstance(page, str) else page
    if page is not None:
        here.files.pages['/it.der'] = page
    port = port_of(here, Smtp('at once', certificate=name))
    told = verdict('a link of the chain: ' + label, cause,
                   outpost.run('doctor', 'localhost:%d' % port, '--security', 'tls', '--json', '--connect-timeout', '2'))
    assert here.files.asked == ['/it.der'], here.files.asked
    assert ('cert:intermediate-missing' in told['found']) == (cause == 'cert_intermediate_missing'), told


def test_chain_of_a_stranger_leads_nowhere_at_home(stage, linked, outpost, verdict):
    """A server on the net names an address in the house: nobody goes there."""
    heard = []

    class Trap:
        def serve(self, line, authority):
            heard.append(line.recv(100))

    linked('trap', 'DNS:mail.example.test', 'http://10.77.0.10/it.der')
    stage.open(TARGET, 587, Smtp(certificate='trap'))
    stage.open('10.77.0.10', 80, Trap())
    verdict('a chain that leads into the house', 'cert_untrusted_issuer',
            outpost.run('doctor', 'mail.example.test:587', '--json', '--connect-timeout', '2'))
    assert not heard, heard


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
