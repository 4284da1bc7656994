"""The cipher list itself, on the line: what is offered, and what is refused where nothing else is to be had."""
import base64
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from messages import message
from outpost import PROTOCOL, TEMPFAIL
from peers.hello import MASTER_SECRET, RENEGOTIATION_SCSV, Catcher, suites
from peers.process import Process, free_port

STARTTLS = (b'220 hi\r\n', b'250-hi\r\n250 STARTTLS\r\n', b'220 go\r\n')


@pytest.mark.parametrize('before', [(), STARTTLS], ids=['tls', 'starttls'])
def test_what_is_offered(before, outpost):
    """RFC 9325: only what encrypts with 128 bits at least, knows whom it talks to, and keeps what was said secret
    though a key is lost later (4.1, 4.2); no compression (3.3); the name (3.7) and the protocol (3.8) are said."""
    known = suites()
    with Catcher(before) as server:
        outpost.account('smtp.example.test:%d' % server.port, 'starttls' if before else 'tls')
        outpost.send(message()[0], '--connect-to', '::127.0.0.1:%d' % server.port, '--connect-timeout', '10', 'a@x.test')
    hello = server.hello

    offered = [known[number] for number in hello.suites if number != RENEGOTIATION_SCSV]
    assert len(offered) > 10 and len(offered) == len(hello.suites) - 1
    for suite in offered:
        bits = int(re.search(r'\((\d+)\)', suite['Enc']).group(1))
        assert bits >= 128 and re.match(r'AES(GCM|CCM)?\(|CHACHA20', suite['Enc']), suite
        assert suite['Kx'] in ('ECDH', 'DH', 'any') and suite['Au'] in ('RSA', 'ECDSA', 'any'), suite
        assert suite['Mac'] in ('AEAD', 'SHA384', 'SHA256', 'SHA1'), suite
    assert hello.versions == [0x0304, 0x0303] and hello.compressions == [0]
    assert hello.server_name == 'smtp.example.test' and hello.protocols == ['smtp']
    assert MASTER_SECRET in hello.extensions        # RFC 7627


# label: what the server alone speaks, as openssl s_server takes it; its certificate's key where it is no EC key
WEAK = {
    'TLS 1.0': ['-tls1', '-cipher', 'DEFAULT@SECLEVEL=0'],
    'TLS 1.1': ['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'],
    'no encryption': ['-tls1_2', '-cipher', 'eNULL@SECLEVEL=0'],
    'nobody is known': ['-tls1_2', '-cipher', 'aNULL@SECLEVEL=0'],
    'a shared key': ['-tls1_2', '-cipher', 'PSK@SECLEVEL=0', '-psk', '1a2b3c'],
    'Camellia': ['-tls1_2', '-cipher', 'CAMELLIA@SECLEVEL=0'],
    'ARIA': ['-tls1_2', '-cipher', 'ARIAGCM@SECLEVEL=0'],
    'short tags': ['-tls1_2', '-cipher', 'AESCCM8@SECLEVEL=0'],
    'RSA key transport': ['-tls1_2', '-cipher', 'kRSA@SECLEVEL=0'],
    'a small Diffie-Hellman group': ['-tls1_2', '-cipher', 'kDHE@SECLEVEL=0', '-dhparam'],
}


@pytest.fixture(scope='session')
def rsa(authority):
    authority.leaf('rsa', 'DNS:localhost,IP:127.0.0.1', key=['-newkey', 'rsa:2048'])
    return ['-cert', authority.cert('rsa'), '-key', authority.key('rsa')]


# RFC 2409, 6.2: 1024 bits
GROUP_2 = ('FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B'
           '302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6'
           '49286651ECE65381FFFFFFFFFFFFFFFF')


@pytest.fixture(scope='session')
def small_group(tmp_path_factory):
    folder = tmp_path_factory.mktemp('dh')
    (folder / 'asn1').write_text('asn1=SEQUENCE:dh\n[dh]\np=INTEGER:0x%s\ng=INTEGER:2\n' % GROUP_2)
    subprocess.run(['openssl', 'asn1parse', '-noout', '-genconf', folder / 'asn1', '-out', folder / 'der'], check=True)
    pem = base64.encodebytes((folder / 'der').read_bytes()).decode()
    (folder / 'dh.pem').write_text('-----BEGIN DH PARAMETERS-----\n%s-----END DH PARAMETERS-----\n' % pem)
    return str(folder / 'dh.pem')


class Server:
    """openssl s_server, with a line for its keyboard."""

    def __init__(self, words):
        self.port = free_port()
        self.process = Process(['openssl', 's_server', '-accept', '127.0.0.1:%d' % self.port, *words],
                               stdin=subprocess.PIPE, env={**os.environ, 'OPENSSL_CONF': '/dev/null'})
        self.process.await_line('^ACCEPT')

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.process.stop()


@pytest.mark.parametrize('words', WEAK.values(), ids=WEAK)
def test_a_server_that_speaks_only_weakly_hears_nothing(words, outpost, rsa, small_group):
    words = words + [small_group] if words[-1] == '-dhparam' else words
    with Server([*rsa, *words]) as server:
        outpost.account('localhost:%d' % server.port, 'tls')
        result = outpost.send(message()[0], '--connect-timeout', '10', 'a@x.test')
    assert result.status in (TEMPFAIL, PROTOCOL), result
    assert re.search(r'\((tls_[a-z_]+)\)$', result.err.strip()), result
    assert not re.search('EHLO|AUTH|MAIL|Unable to load', server.process.said), server.process.said


def test_a_server_that_speaks_well_is_spoken_to(outpost, rsa):
    """So it was the weakness that ended the others."""
    with Server([*rsa, '-tls1_2', '-cipher', 'ECDHE-RSA-AES128-GCM-SHA256']) as server:
        server.process.type('220 hi\n')
        outpost.account('localhost:%d' % server.port, 'tls')
        result = outpost.send(message()[0], '--connect-timeout', '2', 'a@x.test')
        assert result.status == TEMPFAIL and 'EHLO' in server.process.said, (result, server.process.said)


def test_the_peer_does_not_renegotiate(outpost, rsa):
    """The server asks for another handshake in the middle (s_server's "R"): none begins."""
    with Server([*rsa, '-tls1_2']) as server:
        outpost.account('localhost:%d' % server.port, 'tls')
        with ThreadPoolExecutor() as pool:
            running = pool.submit(outpost.send, message()[0], '--connect-timeout', '5', 'a@x.test')
            server.process.await_line('CIPHER is')
            server.process.type('220 hi\n')
            server.process.await_line('^EHLO')
            server.process.type('R\n')
            result = running.result()
    assert result.status in (TEMPFAIL, PROTOCOL), result
    first = server.process.said.partition('CONNECTION CLOSED')[0]       # later it is looked at again
    assert first.count('CIPHER is') == 1 and 'no renegotiation' in first, server.process.said


@pytest.mark.parametrize('security', ['starttls', 'tls'])
@pytest.mark.parametrize('words', [WEAK[name][:3] for name in list(WEAK)[:9]], ids=list(WEAK)[:9])
def test_our_own_server_speaks_no_weak_language_either(words, security, sandbox):
    words = words + (['-psk', '1a2b3c'] if 'PSK' in words[2] else [])
    done = subprocess.run(['openssl', 's_client', '-connect', 'localhost:%d' % sandbox.ports[security], *words,
                           *(['-starttls', 'smtp'] if security == 'starttls' else [])], input=b'', capture_output=True)
    assert done.returncode != 0 and b'Cipher is (NONE)' in done.stdout, done.stdout
