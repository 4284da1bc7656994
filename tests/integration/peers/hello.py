"""A TLS ClientHello (RFC 8446, 4.1.2), caught on the line and read."""
import socket
import struct
import subprocess
import threading

SERVER_NAME, PROTOCOLS, MASTER_SECRET, VERSIONS, RENEGOTIATION_SCSV = 0, 16, 23, 43, '00ff'


class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, length):
        taken, self.data = self.data[:length], self.data[length:]
        assert len(taken) == length, 'it ends too early'
        return taken

    def number(self, size):
        return int.from_bytes(self.take(size), 'big')

    def vector(self, size):
        return Reader(self.take(self.number(size)))


class Hello:
    def __init__(self, record):
        reader = Reader(record)
        assert reader.number(1) == 22, 'no handshake'
        reader.number(2)
        body = reader.vector(2)
        assert body.number(1) == 1, 'no ClientHello'
        body = body.vector(3)
        body.take(2 + 32)
        body.vector(1)
        suites = body.vector(2).data
        self.suites = [suites[i:i + 2].hex() for i in range(0, len(suites), 2)]
        self.compressions = list(body.vector(1).data)
        self.extensions = {}
        rest = body.vector(2)
        while rest.data:
            kind = rest.number(2)
            self.extensions[kind] = rest.vector(2).data

    @property
    def server_name(self):
        return Reader(Reader(self.extensions[SERVER_NAME]).vector(2).data[1:]).vector(2).data.decode()

    @property
    def protocols(self):
        names, reader = [], Reader(self.extensions[PROTOCOLS]).vector(2)
        while reader.data:
            names.append(reader.vector(1).data.decode())
        return names

    @property
    def versions(self):
        data = Reader(self.extensions[VERSIONS]).vector(1).data
        return [struct.unpack('>H', data[i:i + 2])[0] for i in range(0, len(data), 2)]


class Catcher:
    """Takes one call on a free port, as a context; `hello` is what was said first. before: what a server says in
    the clear, line by line, each after a line of the caller's but the first."""

    def __init__(self, before=()):
        self.before = before
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._catch, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.thread.join(30)
        self.listener.close()

    def _catch(self):
        line, _ = self.listener.accept()
        with line:
            line.settimeout(30)
            for n, text in enumerate(self.before):
                if n:
                    line.recv(4096)
                line.sendall(text)
            said = b''
            while len(said) < 5 or len(said) < 5 + struct.unpack('>H', said[3:5])[0]:
                more = line.recv(65536)
                if not more:
                    return
                said += more
            self.hello = Hello(said)


def suites():
    """What OpenSSL knows of every suite, also the worst: {'1302': {'Enc': 'AESGCM(256)', ...}}."""
    done = subprocess.run(['openssl', 'ciphers', '-V', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'], capture_output=True, text=True,
                          check=True)
    known = {}
    for line in done.stdout.splitlines():
        number, _, name, version, *traits = line.split()
        number = ''.join(part[2:] for part in number.split(',')).lower()
        known[number] = {'name': name, 'version': version, **dict(t.split('=') for t in traits)}
    return known
