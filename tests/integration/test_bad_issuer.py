"""An identity provider that answers wrongly: what it says is bounded, believed as far as it must be, and shows no secret."""
import http.server
import json
import os
import ssl
import threading

import pytest

from outpost import CONFIG, NOPERM, OK, PROTOCOL, TEMPFAIL

SECRET = 'the-clients-own-secret'
PAGE = b'<!DOCTYPE html><title>Please sign in to our network</title>'
MEGABYTE = 1024 * 1024


def token(text='a-token', **more):
    return json.dumps({'access_token': text, 'token_type': 'Bearer', 'expires_in': 3600, **more}).encode()


class Issuer:
    """`answer`: what the token endpoint does: (status, headers, body), or a callable on the connection. `posted`: how often
    it was asked; `sent`: octets of an answer that were taken."""

    def __init__(self, authority, certificate='good'):
        issuer = self
        self.answer, self.posted, self.sent, self.metadata = (200, {}, token()), 0, 0, {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                page = {'issuer': issuer.url, 'token_endpoint': issuer.url + '/token',
                        'token_endpoint_auth_methods_supported': ['client_secret_post'], **issuer.metadata}
                self.reply(200, {}, page if isinstance(page, bytes) else json.dumps(page).encode())

            def do_POST(self):
                issuer.posted += 1
                self.rfile.read(int(self.headers['Content-Length']))
                if issuer.answer is None:
                    self.connection.close()     # in the middle of it
                else:
                    self.reply(*issuer.answer)

            def reply(self, status, headers, body):
                self.send_response(status)
                for name, value in {'Content-Type': 'application/json', **headers}.items():
                    self.send_header(name, value)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                issuer.sent = 0
                try:
                    for at in range(0, len(body), 16384):
                        issuer.sent += self.connection.send(body[at:at + 16384])
                except OSError:
                    pass

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.cert(certificate), authority.key(certificate))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.handle_error = lambda *words: None
        self.url = 'https://localhost:%d' % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def issuer_with(authority):
    running = []

    def make(certificate='good'):
        running.append(Issuer(authority, certificate))
        return running[-1]
    yield make
    for issuer in running:
        issuer.stop()


def log_in(outpost, issuer, leaks):
    """As an application, which asks nobody: one request for a token."""
    leaks.plant('client secret', SECRET)
    path = os.path.join(outpost.folder, 'client')
    with open(path, 'w') as f:
        f.write(SECRET)
    outpost.account('localhost:1', auth='oauth', secret=None, client_id='an-app', scope='mail.send', issuer=issuer.url,
                    client_secret='command:cat ' + path)
    return outpost.run('account login', '--flow', 'client-credentials', '--json', '--ca-file', outpost.ca)


ANSWERS = {
    'a page': ((200, {'Content-Type': 'text/html'}, PAGE), PROTOCOL, 'oauth_endpoint_unreachable'),
    'a page that says JSON': ((200, {}, PAGE), PROTOCOL, 'oauth_endpoint_unreachable'),
    '10 MB': ((200, {}, token('x' * 10 * MEGABYTE)), PROTOCOL, 'oauth_endpoint_unreachable'),
    '10 MB of brackets': ((200, {}, b'[' * 10 * MEGABYTE), PROTOCOL, 'oauth_endpoint_unreachable'),
    'deep': ((200, {}, b'[' * 20000 + b']' * 20000), PROTOCOL, 'oauth_endpoint_unreachable'),
    'half': ((200, {}, token()[:-3]), PROTOCOL, 'oauth_endpoint_unreachable'),
    'no token': ((200, {}, b'{"token_type":"Bearer"}'), PROTOCOL, 'oauth_wrong_endpoint'),
    'a token with a line end': ((200, {}, token('a\r\nb')), PROTOCOL, 'oauth_wrong_endpoint'),
    'busy': ((503, {'Retry-After': '30'}, b''), TEMPFAIL, 'server_busy_temporary'),
    'too many': ((429, {}, b''), TEMPFAIL, 'server_busy_temporary'),
    'it hangs up': (None, TEMPFAIL, 'oauth_endpoint_unreachable'),
    'it says the secret back': ((400, {}, json.dumps({'error': 'invalid_client',
                                                      'error_description': 'no: ' + SECRET}).encode()),
                                CONFIG, 'oauth_client_misconfigured'),
}


@pytest.mark.parametrize('answer,status,cause', ANSWERS.values(), ids=ANSWERS)
def test_strange_answers(answer, status, cause, issuer_with, outpost, leaks):
    issuer = issuer_with()
    issuer.answer = answer
    result = log_in(outpost, issuer, leaks)
    assert result.json['cause'] == cause and result.status == status, result
    assert issuer.posted == 1
    assert issuer.sent < 8 * MEGABYTE, 'it was not read to its end'
    assert not os.path.exists(outpost.folder + '/state/grants/test')


@pytest.mark.parametrize('size,good', [(16 * 1024, True), (16 * 1024 + 1, False)])
def test_a_long_token(size, good, issuer_with, outpost, leaks):
    """A server of mail takes no longer ones."""
    issuer = issuer_with()
    issuer.answer = (200, {}, token('t' * size))
    result = log_in(outpost, issuer, leaks)
    if good:
        assert result.status == OK, result
        assert outpost.run('account token', '--ca-file', outpost.ca).out.strip() == 't' * size
    else:
        assert result.status == PROTOCOL and result.json['cause'] == 'oauth_wrong_endpoint', result


def test_it_sends_us_elsewhere(issuer_with, outpost, leaks):
    """With the application's secret, to another host: that is not gone to."""
    issuer, other = issuer_with(), issuer_with()
    issuer.answer = (307, {'Location': other.url + '/token'}, b'')
    result = log_in(outpost, issuer, leaks)
    assert result.status != OK and result.json['cause'].startswith('oauth_'), result
    assert other.posted == 0


@pytest.mark.parametrize('metadata,status,cause', [
    ({'issuer': 'https://evil.example'}, CONFIG, 'oauth_wrong_endpoint'),
    ({'token_endpoint': 'http://localhost/token'}, CONFIG, 'oauth_wrong_endpoint'),
    ({'token_endpoint': 7}, CONFIG, 'oauth_wrong_endpoint'),
    ({'padding': 'x' * 10 * MEGABYTE}, PROTOCOL, 'oauth_endpoint_unreachable'),
], ids=['of another', 'in clear text', 'a number', '10 MB'])
def test_strange_metadata(metadata, status, cause, issuer_with, outpost, leaks):
    """RFC 8414, 3.3: the issuer in it is the one that was asked. Nothing is told to whoever it names."""
    issuer = issuer_with()
    issuer.metadata = metadata
    result = log_in(outpost, issuer, leaks)
    assert result.status == status and result.json['cause'] == cause, result
    assert issuer.posted == 0


@pytest.mark.parametrize('certificate,cause', [('expired', 'cert_expired'), ('wrong', 'cert_hostname_mismatch'),
                                               ('selfsigned', 'cert_self_signed')])
def test_a_stranger_gets_no_secret(certificate, cause, issuer_with, outpost, leaks):
    issuer = issuer_with(certificate)
    result = log_in(outpost, issuer, leaks)
    assert result.status in (PROTOCOL, NOPERM) and result.json['cause'] == cause, result
    assert issuer.posted == 0
