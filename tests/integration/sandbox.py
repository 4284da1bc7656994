"""outpost's own provider on the desk, run for the tests."""
import json
import os

from outpost import PROGRAM
from peers.process import Process


class Sandbox:
    """As it told when ready: `ports` by security, `ca`, `user`, `password`, `token`, `mail` (a Maildir)."""

    def __init__(self, folder, provider='generic', *scenarios):
        words = [word for name in scenarios for word in ('--scenario', name)]
        self.process = Process([PROGRAM, 'sandbox', provider, '--port-base', '0', '--dir', str(folder), *words])
        ready = json.loads(self.process.await_line(r'^\{'))
        self.ports = {e['security']: e['port'] for e in ready['endpoints']}
        self.ca, self.mail, self.connect_to = ready['ca_file'], ready['mail'], ready['connect_to']
        user = ready['users'][0]
        self.user, self.password, self.token = user['username'], user['password'], user['token']

    def kept(self, needle):
        """[(message, envelope)] of what it kept that holds these bytes."""
        found = []
        for name in sorted(os.listdir(os.path.join(self.mail, 'new'))):
            with open(os.path.join(self.mail, 'new', name), 'rb') as f:
                text = f.read()
            if needle in text:
                with open(os.path.join(self.mail, 'envelopes', name + '.json')) as f:
                    found.append((text, json.load(f)))
        return found

    def stop(self):
        self.process.stop()
