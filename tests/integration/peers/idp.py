"""npm's oidc-provider: an OAuth server of the real kind, over HTTPS with the authority's certificate; and a
person who clicks through its pages without a browser."""
import base64
import hashlib
import html.parser
import http.cookiejar
import json
import os
import secrets
import signal
import ssl
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from . import node
from .process import Process, free_port, until

DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
SCOPE = 'openid offline_access email mail.send'


class Idp:
    """`issuer`; clients `outpost` (public), `robot` (secret: robot-secret), `keyed` (its certificate with the key
    is in `application`, PEM), `dovecot`, which may ask about tokens."""

    def __init__(self, authority, seconds):
        root = node.start_root()
        self.port = free_port()
        self.issuer = 'https://localhost:%d' % self.port
        self.tls = ssl.create_default_context(cafile=authority.ca)
        folder = '/idp-%d' % self.port
        certificate = root.copy(authority.cert(), folder + '/cert.pem')
        key = root.copy(authority.key(), folder + '/key.pem')
        self.application, public = an_application(root.path + folder)
        root.write(folder + '/app.json', json.dumps(public))
        program = root.copy(os.path.join(os.path.dirname(__file__), 'idp.mjs'), '/npm/idp.mjs')
        self.process = Process(root.command('/usr/bin/node', program, certificate, key, str(self.port),
                                            folder + '/app.json', str(seconds)), env=node.environment())
        self.process.await_line('^ready$')

    def stop(self):
        self.process.stop()

    def granted(self, grant):
        """How many tokens it gave for this grant type so far."""
        return self.process.lines.count('granted ' + grant)

    def post(self, path, **form):
        request = urllib.request.Request(self.issuer + path, urllib.parse.urlencode(form).encode())
        try:
            with urllib.request.urlopen(request, context=self.tls) as answer:
                return json.loads(answer.read() or b'null')
        except urllib.error.HTTPError as refusal:
            return json.load(refusal)

    def sign_in(self, person, scope=SCOPE):
        """The tokens that a person's agreement gives, by the device flow."""
        begun = self.post('/device/auth', client_id='outpost', scope=scope)
        Person(self, person).agree_to_device(begun['verification_uri_complete'])
        return self.post('/token', client_id='outpost', grant_type=DEVICE, device_code=begun['device_code'])

    def revoke(self, token):
        self.post('/token/revocation', client_id='outpost', token=token)

    def withdraw_access(self):
        """Of every access token it gave; refresh tokens stay good."""
        said = self.process.lines.count('withdrawn')
        self.process.popen.send_signal(signal.SIGUSR2)
        until(lambda: self.process.lines.count('withdrawn') > said, 'the provider to withdraw its tokens')


def an_application(folder):
    """A certificate with its key, and the public key as the provider wants it (a JWK)."""
    path = os.path.join(folder, 'application.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', path, '-out', path + '.crt',
                    '-subj', '/CN=application', '-days', '30'], check=True, capture_output=True)
    number = subprocess.run(['openssl', 'rsa', '-in', path, '-noout', '-modulus'], check=True, capture_output=True,
                            text=True).stdout.strip().partition('=')[2]
    with open(path) as key, open(path + '.crt') as certificate:
        pem = key.read() + certificate.read()
    return pem, {'kty': 'RSA', 'n': url64(bytes.fromhex(number)), 'e': 'AQAB', 'use': 'sig'}


def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


class Forms(html.parser.HTMLParser):
    """The forms of a page: (action, {name: value}), and where its links lead."""

    def __init__(self, page):
        super().__init__()
        self.forms, self.links = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == 'form':
            self.forms.append((attributes.get('action', ''), {}))
        elif tag in ('input', 'button') and self.forms and attributes.get('name'):
            self.forms[-1][1][attributes['name']] = attributes.get('value') or ''
        elif tag == 'a':
            self.links.append(attributes.get('href', ''))


class Stop(urllib.request.HTTPRedirectHandler):
    """Redirects are followed but for the one that leads back to the program."""

    def __init__(self):
        self.back = None

    def redirect_request(self, request, answer, code, message, headers, url):
        if url.startswith('http://'):
            self.back = url
            return None
        return super().redirect_request(request, answer, code, message, headers, url)


class Person:
    """Signs in and says yes, or no, as a browser's user would."""

    def __init__(self, idp, name):
        self.idp, self.name = idp, name
        self.stop = Stop()
        self.web = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=idp.tls), self.stop,
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def visit(self, url, form=None):
        """The page at the end of it; None where it leads back to the program."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self.web.open(urllib.request.Request(url, data)) as answer:
                return answer.geturl(), answer.read().decode()
        except urllib.error.HTTPError as problem:
            if self.stop.back:
                return None
            raise RuntimeError('%s: %s' % (problem.url, problem.read().decode()[:500])) from problem

    def fill(self, page, says_no=False):
        """From page to page until none asks anything any more, or it leads back; the last page's text."""
        for _ in range(12):
            if not page:
                return None
            url, text = page
            found = Forms(text)
            if says_no and any('/abort' in link for link in found.links):
                link = next(link for link in found.links if '/abort' in link)
                page = self.visit(urllib.parse.urljoin(url, link))
                continue
            if not found.forms or found.forms[0][1].get('user_code') == '':     # it begins anew
                return text
            action, fields = found.forms[0]
            fields.pop('confirm' if says_no else 'abort', None)
            if 'login' in fields:
                fields.update(login=self.name, password='any')
            page = self.visit(urllib.parse.urljoin(url, action), fields)
        raise RuntimeError('the pages of the provider come to no end: ' + text[:500])

    def agree_to_device(self, url, says_no=False):
        return self.fill(self.visit(url), says_no)

    def agree(self, url, says_no=False):
        """What the browser is sent back to."""
        self.stop.back = None
        self.fill(self.visit(url), says_no)
        return self.stop.back


def a_challenge():
    verifier = secrets.token_urlsafe(32)
    return verifier, url64(hashlib.sha256(verifier.encode()).digest())


def start(authority, seconds=300):
    return Idp(authority, seconds)
