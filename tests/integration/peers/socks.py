"""SOCKS5 proxies: a real one, and one that leads everything to one port, whatever it is asked for."""
import socket
import struct
import threading

from .debian import Root
from .process import Process, free_port


class Microsocks:
    """microsocks. It looks up names itself, in its root's own hosts."""

    def __init__(self):
        self.root = Root('socks', ['microsocks'])
        self.root.write('/etc/hosts', '127.0.0.1 smtp.elsewhere.test localhost\n')
        self.port = free_port()
        self.process = Process(self.root.command('/usr/bin/microsocks', '-i', '127.0.0.1', '-p', str(self.port)))
        self.process.await_port(self.port)

    @property
    def url(self):
        return 'socks5://127.0.0.1:%d' % self.port

    def saw(self, host, port):
        return any('connected to %s:%d' % (host, port) in line for line in self.process.lines)

    def stop(self):
        self.process.stop()


class Everywhere:
    """`asked` lists what it was asked for: (host, port), the host as bytes of a name or None for an address."""

    def __init__(self, port, family=socket.AF_INET):
        self.to, self.asked = port, []
        host, shown = ('::1', '[::1]') if family == socket.AF_INET6 else ('127.0.0.1', '127.0.0.1')
        self.server = socket.create_server((host, 0), family=family)
        self.url = 'socks5://%s:%d' % (shown, self.server.getsockname()[1])
        self.threads = []
        self._begin(self._accept)

    def _begin(self, target, *words):
        self.threads.append(threading.Thread(target=target, args=words, daemon=True))
        self.threads[-1].start()

    def _accept(self):
        while True:
            try:
                client = self.server.accept()[0]
            except OSError:
                return
            self._begin(self._serve, client)

    def _serve(self, client):
        try:
            words = client.makefile('rb')
            words.read(words.read(2)[1])
            client.sendall(b'\5\0')
            kind = words.read(4)[3]
            host = words.read(words.read(1)[0]) if kind == 3 else None if words.read(4 if kind == 1 else 16) else None
            self.asked.append((host, struct.unpack('>H', words.read(2))[0]))
            server = socket.create_connection(('127.0.0.1', self.to))
            client.sendall(b'\5\0\0\1' + bytes(6))
            self._begin(self._copy, server, client)
            self._copy(client, server)
        except (OSError, IndexError, struct.error):
            client.close()

    @staticmethod
    def _copy(source, to):
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()


def start():
    return Microsocks()
