"""A sign-in bound to its TLS, by somebody else's hand: GNU SASL's own client, and GnuTLS's exporter."""
import socket
import subprocess
import threading

import pytest

from gateway import PASSWORD, USER, Gateway, Wire
from outpost import Outpost
from peers.debian import Root, Unavailable

OLD = '--priority=NORMAL:-VERS-TLS1.3'
NO_BINDING = '--no-cb'      # else it gives up where -PLUS is not taken, before it says a word


@pytest.fixture(scope='module')
def gsasl(authority):
    try:
        root = Root('gsasl', ['gsasl'])
    except Unavailable as reason:
        pytest.skip('gsasl: %s' % reason)
    root.copy(authority.ca, '/ca.pem')
    return root


@pytest.fixture(scope='module')
def gateway(tmp_path_factory, authority, leaks):
    outpost = Outpost(tmp_path_factory.mktemp('gateway'), authority).account('localhost:1', 'starttls')
    one = Gateway(outpost, leaks)
    for name, wish in (('wished', 'yes'), ('usual', 'no')):
        one.listener(name, host='localhost', security='starttls', tls_certificate=authority.cert(),
                     tls_key=authority.key(), scram_plus=wish)
    one.start()
    yield one
    one.stop()


class Doorman:
    """Says EHLO for gsasl, which asks for TLS without; from the handshake on it hands bytes on as they are."""

    def __init__(self, port):
        self.port = port
        self.door = socket.create_server(('127.0.0.1', 0))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        client, _ = self.door.accept()
        gateway = Wire(self.port)
        client.sendall(gateway.hear().encode())
        gateway.ask('EHLO me.test')
        client.recv(100)                                # STARTTLS
        client.sendall(gateway.ask('STARTTLS').encode())
        for pair in ((client, gateway.socket), (gateway.socket, client)):
            threading.Thread(target=self._hand_on, args=pair, daemon=True).start()

    def _hand_on(self, one, other):
        try:
            while got := one.recv(65536):
                other.sendall(got)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@pytest.mark.parametrize('listener, mechanism, words, signs_in', [
    ('wished', 'SCRAM-SHA-256-PLUS', [], True),
    ('wished', '', [], True),                           # what it chooses by itself
    ('wished', 'SCRAM-SHA-256', [NO_BINDING], True),
    ('wished', 'SCRAM-SHA-256', [NO_BINDING, OLD], True),
    ('usual', 'SCRAM-SHA-256', [NO_BINDING], True),
    ('wished', 'SCRAM-SHA-256-PLUS', [OLD], False),
    ('usual', 'SCRAM-SHA-256-PLUS', [], False),
])
def test_bound(listener, mechanism, words, signs_in, gsasl, gateway):
    doorman = Doorman(gateway.ports[listener])
    words = [*words, *(['--mechanism=' + mechanism] if mechanism else [])]
    done = subprocess.run(gsasl.command(
        'gsasl', '--smtp', '--starttls', '--connect', 'localhost:%d' % doorman.door.getsockname()[1], '--verbose',
        '--x509-ca-file=/ca.pem', '--authentication-id=' + USER, '--password=' + PASSWORD, *words),
        input=b'QUIT\r\n', stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    doorman.door.close()
    said = done.stdout.decode()
    assert ('235 2.7.0 Signed in' in said) == signs_in, said
    assert ('-PLUS SCRAM-SHA-256 ' in said) == (listener == 'wished' and OLD not in words), said
