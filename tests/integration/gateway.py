"""A gateway to hand mail in at: a daemon with listeners and a user, before a provider of the tests."""
import base64
import os
import smtplib
import socket
import ssl

from daemon import Daemon
from peers.process import free_port

USER, PASSWORD = 'scanner', 'open sesame, please'


class Wire:
    """A connection on which every byte is the test's own."""

    def __init__(self, port, tls=None):
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=30)
        if tls:
            self.wrap(tls)

    def wrap(self, tls):
        self.socket = tls.wrap_socket(self.socket, server_hostname='localhost')

    def say(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def hear(self):
        """A whole reply; what came of it where the line ended."""
        text = b''
        while not (text.endswith(b'\n') and text[text.rfind(b'\n', 0, -1) + 1:][3:4] == b' '):
            got = self.socket.recv(1)
            if not got:
                break
            text += got
        return text.decode()

    def ask(self, data):
        self.say(data + '\r\n')
        return self.hear()

    def all(self):
        """Everything until the line ends."""
        text = b''
        try:
            while got := self.socket.recv(4096):
                text += got
        except ConnectionResetError:
            pass
        return text.decode()

    def close(self):
        self.socket.close()

    def sign_in(self):
        self.hear()
        self.ask('EHLO me.test')
        proof = base64.b64encode(b'\0%s\0%s' % (USER.encode(), PASSWORD.encode())).decode()
        return self.ask('AUTH PLAIN ' + proof)


class Gateway:
    """What an Outpost is configured with, and its daemon. `ports` by listener."""

    def __init__(self, outpost, leaks):
        self.outpost, self.ports, self.daemon = outpost, {}, None
        leaks.plant('the gateway\'s password', PASSWORD)
        made = outpost.run('user add', USER, '--hash-only', '--password-stdin', stdin=PASSWORD.encode())
        assert made.status == 0, made
        self.write(made.out)

    def write(self, text):
        with open(self.outpost.config, 'a') as f:
            f.write(text + '\n')

    def listener(self, name, host='127.0.0.1', **settings):
        """Writes it, at a port of its own."""
        self.ports[name] = settings.pop('port', None) or free_port()
        lines = {'address': '%s:%d' % (host, self.ports[name]), **settings}
        self.write('[listen %s]\n%s' % (name, ''.join('%s = %s\n' % pair for pair in lines.items())))

    def start(self, *words):
        self.daemon = Daemon(self.outpost, *words)
        return self.daemon

    def stop(self):
        if self.daemon:
            return self.daemon.stop()

    @property
    def certificate(self):
        """A TLS context that trusts the certificate the gateway made for itself."""
        return ssl.create_default_context(cafile=self.certificate_file)

    @property
    def certificate_file(self):
        return os.path.join(self.outpost.folder, 'state', 'tls.pem')

    def wire(self, name, tls=False):
        return Wire(self.ports[name], self.certificate if tls else None)

    def client(self, name, tls=False):
        """Python's own client, connected: signed in, unless told otherwise."""
        if tls:
            return smtplib.SMTP_SSL('localhost', self.ports[name], context=self.certificate, timeout=30)
        return smtplib.SMTP('localhost', self.ports[name], timeout=30)

    def signed_in(self, name, tls=False):
        client = self.client(name, tls)
        if not tls:
            client.starttls(context=self.certificate)
        client.login(USER, PASSWORD)
        return client
