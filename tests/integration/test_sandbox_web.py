"""The sandbox's sign-in and HTTPS API, met by others than our own code: a browser, Python's TLS, HTTP and SMTP,
OpenSSL's command."""
import base64
import hashlib
import http.server
import json
import secrets
import smtplib
import socket
import subprocess
import threading
import urllib.parse

import pytest

from outpost import PROGRAM, USAGE
from sandbox import Sandbox

SMTP = 'https://outlook.office.com/SMTP.Send'
GRAPH = 'https://graph.microsoft.com/Mail.Send'
DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
MESSAGE = b'From: %s\r\nTo: a@x.test\r\nCc: b@x.test\r\nBcc: c@x.test\r\nSubject: hi\r\n\r\nHello\r\n'


@pytest.fixture
def live(tmp_path):
    provider = Sandbox(tmp_path / 'live', 'outlook.com', options=['--device-interval', '1'])
    yield provider
    provider.stop()


class Return:
    """A program that waits at a loopback port for its browser to come back."""

    def __init__(self):
        self.came = came = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                came.append(dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'back in the program')

            def log_message(self, *_):
                pass
        self.server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        self.address = 'http://localhost:%d/' % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def back():
    program = Return()
    yield program
    program.stop()


def unpadded(data):
    return base64.urlsafe_b64encode(data).rstrip(b'=').decode()


def padded(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def authorization(back, verifier, **changes):
    """The address at Microsoft's host, where the browser finds the sandbox."""
    challenge = unpadded(hashlib.sha256(verifier.encode()).digest())
    return 'https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize?' + urllib.parse.urlencode({
        'client_id': 'app', 'response_type': 'code', 'redirect_uri': back.address, 'state': 'the-state', 'nonce': 'the-nonce',
        'scope': SMTP + ' offline_access openid profile email', 'code_challenge': challenge,
        'code_challenge_method': 'S256', **changes})


def sign_in(sandbox, user, token):
    """Over STARTTLS, by XOAUTH2."""
    session = smtplib.SMTP('localhost', sandbox.ports['starttls'], timeout=20)
    session.ehlo()
    session.starttls(context=sandbox.tls)
    session.ehlo()
    answer = session.docmd('AUTH', 'XOAUTH2 ' + base64.b64encode(
        ('user=%s\1auth=Bearer %s\1\1' % (user, token)).encode()).decode())
    return session, answer


def device_tokens(sandbox, scope, choice='allow'):
    status, device = sandbox.request(sandbox.oauth['device'], {'client_id': 'app', 'scope': scope})
    assert status == 200, device
    assert sandbox.approve(device['user_code'], choice)[0] == 200
    sandbox.advance(2)
    return sandbox.request(sandbox.oauth['token'], {'client_id': 'app', 'grant_type': DEVICE,
                                                    'device_code': device['device_code']})


def test_a_person_signs_in_with_a_browser(live, browser, back, tmp_path):
    verifier = secrets.token_urlsafe(32)
    page = browser.visit([{'goto': authorization(back, verifier)}], live.ca, live.maps())
    assert page['title'] == 'Sign in' and 'Outlook.com' in page['text'] and SMTP in page['text'], page
    page = browser.visit([{'goto': authorization(back, verifier)}, {'fill': ['#user', live.user]},
                          {'fill': ['#password', 'wrong']}, {'click': 'button[value=allow]'},
                          {'click': '[role=alert]'}, {'fill': ['#password', live.password]},
                          {'click': 'button[value=allow]'}, {'await': '^http://localhost'}], live.ca, live.maps())
    assert page['text'] == 'back in the program' and all('localhost' in u or 'microsoftonline' in u for u in page['seen'])
    came, = (query for query in back.came if query)
    assert came['state'] == 'the-state' and 'error' not in came

    status, tokens = live.request(live.oauth['token'], {
        'client_id': 'app', 'grant_type': 'authorization_code', 'code': came['code'], 'redirect_uri': back.address,
        'code_verifier': verifier})
    assert status == 200 and 1500 < len(tokens['access_token']) < 3000, tokens
    claims = json.loads(padded(tokens['id_token'].split('.')[1]))
    assert claims['preferred_username'] == live.user and claims['nonce'] == 'the-nonce' and claims['aud'] == 'app'

    session, answer = sign_in(live, live.user, tokens['access_token'])
    assert answer[0] == 235
    session.sendmail(live.user, ['a@x.test'], MESSAGE % live.user.encode())
    session.quit()
    assert live.kept()[0][1]['via'] == 'smtp'


def test_a_person_says_no(live, browser, back):
    browser.visit([{'goto': authorization(back, 'v' * 43)}, {'click': 'button[value=deny]'}, {'await': '^http://localhost'}],
                  live.ca, live.maps())
    came, = (query for query in back.came if query)
    assert came['error'] == 'access_denied' and came['state'] == 'the-state' and 'code' not in came


def test_a_wrong_address_is_not_gone_back_to(live, browser, back):
    page = browser.visit([{'goto': authorization(back, 'v' * 43, redirect_uri=back.address + 'elsewhere')}],
                         live.ca, live.maps())
    assert 'AADSTS50011' in page['text'] and not back.came


@pytest.mark.parametrize('choice, title, answer', [('allow', 'Signed in', 'access_token'),
                                                   ('deny', 'Declined', 'authorization_declined')])
def test_a_person_types_a_devices_code(live, browser, choice, title, answer):
    status, device = live.request(live.oauth['device'], {'client_id': 'app', 'scope': SMTP + ' offline_access'})
    assert status == 200
    poll = {'client_id': 'app', 'grant_type': DEVICE, 'device_code': device['device_code']}
    live.advance(2)
    assert live.request(live.oauth['token'], poll)[1]['error'] == 'authorization_pending'
    assert live.request(live.oauth['token'], poll)[1]['error'] == 'slow_down'
    page = browser.visit([{'goto': device['verification_uri']}, {'fill': ['#user_code', device['user_code'].lower()]},
                          {'fill': ['#user', live.user]}, {'fill': ['#password', live.password]},
                          {'click': 'button[value=%s]' % choice}, {'click': 'h1'}], live.ca)
    assert page['title'] == title, page
    live.advance(10)
    assert answer in str(live.request(live.oauth['token'], poll)[1])


def test_one_consent_two_ways_out(live):
    status, tokens = device_tokens(live, SMTP + ' offline_access')
    assert status == 200
    status, graph = live.request(live.oauth['token'], {'client_id': 'app', 'grant_type': 'refresh_token', 'scope': GRAPH,
                                                       'refresh_token': tokens['refresh_token']})
    assert status == 200 and graph['refresh_token'] != tokens['refresh_token']
    session, answer = sign_in(live, live.user, graph['access_token'])
    assert answer[0] == 535 and b'5.7.3' in answer[1]
    body = base64.b64encode(MESSAGE % live.user.encode())
    assert live.request(live.api['url'], body, Authorization='Bearer ' + tokens['access_token'],
                        Content_Type='text/plain')[0] == 401
    assert live.request(live.api['url'], body, Authorization='Bearer ' + graph['access_token'],
                        Content_Type='text/plain') == (202, '')
    (message, envelope), = live.kept()
    assert message == MESSAGE % live.user.encode()
    assert envelope['to'] == ['a@x.test', 'b@x.test', 'c@x.test'] and envelope['via'] == 'graph'

    live.scenario('smtp-auth-off')
    session, answer = sign_in(live, live.user, tokens['access_token'])
    assert answer[0] == 535 and b'SmtpClientAuthentication is disabled for the Mailbox' in answer[1]
    live.scenario('throttled')
    status, refusal = live.request(live.api['url'], body, Authorization='Bearer ' + graph['access_token'],
                                   Content_Type='text/plain')
    assert status == 429 and refusal['error']['code'] == 'ApplicationThrottled'


def test_an_hour_later(live):
    _, tokens = device_tokens(live, SMTP + ' offline_access')
    assert live.request(live.oauth['introspect'], {'token': tokens['access_token']})[1]['username'] == live.user
    live.advance(3600)
    assert live.request(live.oauth['introspect'], {'token': tokens['access_token']})[1] == {'active': False}
    assert sign_in(live, live.user, tokens['access_token'])[1][0] == 535
    refresh = {'client_id': 'app', 'grant_type': 'refresh_token', 'refresh_token': tokens['refresh_token']}
    status, new = live.request(live.oauth['token'], refresh)
    assert status == 200 and sign_in(live, live.user, new['access_token'])[1][0] == 235
    live.advance(91 * 86400)
    status, refusal = live.request(live.oauth['token'], refresh)
    assert status == 400 and refusal['error'] == 'invalid_grant'


def test_the_signature_is_good(live, tmp_path):
    """By OpenSSL, with the published key."""
    _, tokens = device_tokens(live, SMTP + ' openid profile')
    head, claims, signature = tokens['id_token'].split('.')
    _, keys = live.request(live.url + '/sandbox/keys')
    assert json.loads(padded(head))['kid'] == keys['keys'][0]['kid']
    point = b'\x04' + padded(keys['keys'][0]['x']) + padded(keys['keys'][0]['y'])
    (tmp_path / 'key.der').write_bytes(bytes.fromhex('3059301306072a8648ce3d020106082a8648ce3d030107034200') + point)
    bare = padded(signature)
    numbers = b''.join(b'\x02' + bytes([len(n)]) + n for n in (
        (b'\0' + half if half[0] > 127 else half) for half in (bare[:32].lstrip(b'\0'), bare[32:].lstrip(b'\0'))))
    (tmp_path / 'signature').write_bytes(b'\x30' + bytes([len(numbers)]) + numbers)
    (tmp_path / 'text').write_bytes((head + '.' + claims).encode())
    done = subprocess.run(['openssl', 'dgst', '-sha256', '-keyform', 'DER', '-verify', 'key.der', '-signature',
                           'signature', 'text'], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == 'Verified OK\n', done


def test_gmail_takes_35_megabytes_and_no_more(tmp_path):
    provider = Sandbox(tmp_path / 'gmail', 'gmail')
    url = provider.url + '/upload/gmail/v1/users/me/messages/send?uploadType=media'
    headers = {'Authorization': 'Bearer sandbox-token', 'Content_Type': 'message/rfc822'}
    message = b'To: a@x.test\r\n\r\n' + b'0123456789' * 3000000
    try:
        status, answer = provider.request(url, message, **headers)
        assert status == 200 and answer['labelIds'] == ['SENT']
        assert provider.kept()[0][0] == message
        assert provider.request(url, message + b'x' * 8000000, **headers)[0] == 413
        assert len(provider.kept()) == 1
    finally:
        provider.stop()


def test_a_command_is_told_where(tmp_path):
    done = subprocess.run(
        [PROGRAM, 'sandbox', 'outlook.com', '--port-base', '0', '--dir', str(tmp_path / 'box'), '--', 'sh', '-c',
         'echo "$SANDBOX_URL $OAUTH_TOKEN_URL"'], capture_output=True, text=True, timeout=30)
    url, token = done.stdout.split()
    assert done.returncode == 0 and token == url + '/consumers/oauth2/v2.0/token' and url.startswith('https://localhost:')


def test_an_unknown_scenario_is_refused(tmp_path):
    done = subprocess.run([PROGRAM, 'sandbox', '--scenario', 'sunshine', '--dir', str(tmp_path / 'box')],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == USAGE and 'sunshine' in done.stderr


def test_the_port_is_loopbacks_and_in_tls(live):
    port = int(live.url.rsplit(':', 1)[1])
    with socket.create_connection(('127.0.0.1', port), timeout=10) as line:
        line.sendall(b'GET /sandbox HTTP/1.1\r\nHost: localhost\r\n\r\n')
        assert b'HTTP' not in line.recv(1000)
    with socket.socket(socket.AF_INET6) as line:
        line.connect(('::1', port))
    addresses = subprocess.run(['sh', '-c', 'cat /proc/net/tcp'], capture_output=True, text=True).stdout
    assert not [entry for entry in addresses.splitlines() if entry.split()[1] == '00000000:%04X' % port]
