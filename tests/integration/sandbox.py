"""outpost's own provider on the desk, run for the tests."""
import http.client
import json
import os
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

from outpost import PROGRAM
from peers.process import Process


class Sandbox:
    """As it told when ready: `ports` by security, `ca`, `user`, `password`, `token`, `mail` (a Maildir), `url` of its web
    side, `oauth`, `api`."""

    def __init__(self, folder, provider='generic', *scenarios, options=()):
        words = [word for name in scenarios for word in ('--scenario', name)]
        self.process = Process([PROGRAM, 'sandbox', provider, '--port-base', '0', '--dir', str(folder), *words, *options])
        ready = json.loads(self.process.await_line(r'^\{'))
        self.ports = {e['security']: e['port'] for e in ready['endpoints']}
        self.ca, self.mail, self.connect_to = ready['ca_file'], ready['mail'], ready['connect_to']
        user = ready['users'][0]
        self.user, self.password, self.token = user['username'], user['password'], user['token']
        self.url, self.oauth, self.api = ready['web']['url'], ready.get('oauth'), ready.get('api')
        self.tls = ssl.create_default_context(cafile=self.ca)

    def request(self, url, body=None, **headers):
        """The status, and the answer as JSON where it is any."""
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body).encode()
        request = urllib.request.Request(url, body, {name.replace('_', '-'): value for name, value in headers.items()})
        try:
            answer = urllib.request.urlopen(request, context=self.tls, timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        text = answer.read().decode()
        return answer.status, json.loads(text) if text.startswith('{') else text

    def approve(self, user_code, choice='allow'):
        return self.request(self.url + '/sandbox/approve', {'user_code': user_code, 'user': self.user, 'choice': choice})

    def _ask(self, method, url, form=None):
        """Of the provider by its own name, as a browser would."""
        parts = urllib.parse.urlsplit(url)
        place, _, port = self.maps()[parts.hostname + ':443'].partition(':')
        line = http.client.HTTPSConnection(parts.hostname, timeout=20)
        line.sock = self.tls.wrap_socket(socket.create_connection((place, int(port))), server_hostname=parts.hostname)
        body = urllib.parse.urlencode(form) if form else None
        headers = {'Content-Type': 'application/x-www-form-urlencoded', 'Origin': 'https://' + parts.hostname} if form else {}
        line.request(method, parts.path + ('?' + parts.query if parts.query and not form else ''), body, headers)
        answer = line.getresponse()
        text = answer.read().decode()
        line.close()
        return answer, text

    def agree(self, url, choice='allow'):
        """What a person does at the page the program sent the browser to; where that leads."""
        answer, page = self._ask('GET', url)
        assert answer.status == 200, (answer.status, page or answer.getheader('Location'))
        request = re.search(r'name="request" value="([^"]*)"', page).group(1)
        answer, page = self._ask('POST', url, {'request': request, 'user': self.user, 'password': self.password,
                                               'choice': choice})
        assert answer.status in (302, 303), (answer.status, page)
        return answer.getheader('Location')

    def scenario(self, name, on=True):
        status, _ = self.request(self.url + '/sandbox/scenario', {'name': name, 'on': 'yes' if on else 'no'})
        assert status == 200

    def advance(self, seconds):
        status, _ = self.request(self.url + '/sandbox/clock', {'advance': seconds})
        assert status == 200

    def maps(self):
        """Where the provider's HTTPS addresses are, for a browser."""
        detours = (detour.split(':') for detour in self.connect_to)
        return {'%s:%s' % (host, port): '%s:%s' % (to, to_port) for host, port, to, to_port in detours if port == '443'}

    def kept(self, needle=b''):
        """[(message, envelope)] of what it kept that holds these bytes, the oldest first."""
        found = []
        for name in sorted(os.listdir(self.mail + '/new'), key=lambda name: [int(n) for n in name.split('_')[0].split('.')]):
            with open('%s/new/%s' % (self.mail, name), 'rb') as f:
                text = f.read()
            if needle in text:
                with open('%s/envelopes/%s.json' % (self.mail, name)) as f:
                    found.append((text, json.load(f)))
        return found

    def stop(self):
        self.process.stop()
