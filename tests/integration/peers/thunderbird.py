"""Thunderbird without a screen, in a root of its own, driven by Marionette: its own compose and SMTP code send, by what a
person types into its account settings. It reaches nobody but localhost."""
import base64
import json
import os
import re
import signal
import socket
import ssl
import subprocess
from dataclasses import asdict

from .debian import Root
from .process import Process

HERE = os.path.dirname(__file__)
SCRIPT_MS = 30000
# Of a first start it wants nothing from the network; whatever else would go by HTTP goes to a proxy that is not there.
PREFERENCES = {
    'marionette.port': 0, 'mail.provider.enabled': False, 'app.update.enabled': False,
    'datareporting.policy.dataSubmissionEnabled': False, 'services.settings.server': 'data:,',
    'network.proxy.type': 1, 'network.proxy.http': '127.0.0.1', 'network.proxy.http_port': 9,
    'network.proxy.ssl': '127.0.0.1', 'network.proxy.ssl_port': 9,
}
TRUST = ('Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(arguments[0], "C,,");'
         'arguments[1]("trusted");')
# /proc and shared memory of its own; it and all that it starts end with us.
START = 'mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev/shm" && exec /usr/sbin/chroot "$0" "$@"'


class Marionette:
    """Commands over TCP, each way LENGTH:JSON; an answer is [1, id, error, result]."""

    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=60)
        self.stream = self.socket.makefile('rb')
        self.count = 0
        self._hear()        # who it is
        self.do('WebDriver:NewSession')
        self.do('Marionette:SetContext', value='chrome')
        self.do('WebDriver:SetTimeouts', script=SCRIPT_MS)

    def _hear(self):
        digits = b''
        while not digits.endswith(b':'):
            digits += self.stream.read(1) or b':'
        return json.loads(self.stream.read(int(digits[:-1])))

    def do(self, command, **parameters):
        self.count += 1
        said = json.dumps([0, self.count, command, parameters]).encode()
        self.socket.sendall(b'%d:%s' % (len(said), said))
        _, _, error, result = self._hear()
        if error:
            raise RuntimeError('%s: %s' % (command, error))
        return result

    def run(self, script, *arguments):
        """What the script gives to its last argument."""
        return self.do('WebDriver:ExecuteAsyncScript', script=script, args=arguments)['value']


class Thunderbird:
    def __init__(self, authority):
        self.root = Root('thunderbird', ['thunderbird'])
        for folder in ('/proc', '/dev/shm'):
            self.root.folder(folder)
        self.root.empty_folder('/home')
        self.root.write('/home/user.js', ''.join('user_pref(%s, %s);\n' % (json.dumps(name), json.dumps(value))
                                                 for name, value in PREFERENCES.items()))
        self.process = Process(['/usr/bin/unshare', '--mount', '--pid', '--fork', '--kill-child', '/bin/sh', '-c', START,
                                self.root.path, '/usr/lib/thunderbird/thunderbird-bin', '--headless', '--marionette',
                                '--remote-allow-system-access', '--no-remote', '--profile', '/home'],
                               env={'HOME': '/home', 'PATH': '/usr/bin:/bin', 'LC_ALL': 'C'})
        try:
            port = re.search(r'Listening on port (\d+)', self.process.await_line('Marionette.*Listening on port'))
            self.marionette = Marionette(int(port.group(1)))
            with open(authority.ca) as f:
                self.marionette.run(TRUST, base64.b64encode(ssl.PEM_cert_to_DER_cert(f.read())).decode())
        except BaseException:
            self.stop()
            raise

    def send(self, client, way, sender, recipient, message):
        """As Clients.send(): message is (subject, text)."""
        with open(os.path.join(HERE, 'thunderbird.js')) as f:
            said = self.marionette.run(f.read(), asdict(way), sender, recipient, *message)
        return subprocess.CompletedProcess([client], said != 'sent', said.encode())

    def stop(self):
        self.process.popen.send_signal(signal.SIGKILL)      # and with it everything within
        self.process.stop()


def start(authority):
    return Thunderbird(authority)
