"""outpost's own provider on the desk, run for the tests."""
import json

from outpost import PROGRAM
from peers.process import Process


class Sandbox:
    """As it told when ready: `ports` by security, `ca`, `user`, `password`, `mail` (a Maildir)."""

    def __init__(self, folder, provider='generic'):
        self.process = Process([PROGRAM, 'sandbox', provider, '--port-base', '0', '--dir', str(folder)])
        ready = json.loads(self.process.await_line(r'^\{'))
        self.ports = {e['security']: e['port'] for e in ready['endpoints']}
        self.ca, self.mail, self.connect_to = ready['ca_file'], ready['mail'], ready['connect_to']
        self.user, self.password = ready['users'][0]['username'], ready['users'][0]['password']

    def stop(self):
        self.process.stop()
