"""A name server for peers: it stands at port 53 of a loopback address of its own, since a C library's resolver knows no
other port."""
import os
import socket
import struct
import threading

from .debian import Unavailable

A, MX, TXT = 1, 15, 16

# 127.0.0.1, and another address that has no name, stand on a block list; on a second one whose operator refuses to answer;
# and a domain on a third. The domain of the tests' user lets nobody send for it (SPF).
LISTED = {'%s.%s.test' % (reverse, which): text for reverse in ('1.0.0.127', '9.9.9.127') for which, text in (
    ('bl', 'Blocked - see https://bl.test/bl.shtml?127.0.0.1'), ('open', 'Error: open resolver; https://open.test/returnc/pub/'))}
RECORDS = {
    **{(name, A): '127.0.0.2' for name in LISTED}, **{(name, TXT): text for name, text in LISTED.items()},
    ('example.test.dbl.test', A): '127.0.1.2',
    ('example.test', A): '127.0.0.1', ('example.test', MX): 'mx.example.test', ('mx.example.test', A): '127.0.0.1',
    ('example.test', TXT): 'v=spf1 -all',
    ('example.org', A): '127.0.0.1', ('example.org', MX): 'mx.example.org', ('mx.example.org', A): '127.0.0.1',
}


class Zone:
    """Names that are not in RECORDS do not exist; those below broken.test can't be looked up."""

    def __init__(self):
        self.address = '127.53.%d.%d' % (os.getpid() >> 8 & 255, os.getpid() & 255)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self.socket.bind((self.address, 53))
        except OSError as error:
            raise Unavailable('no name server at port 53 of a loopback address: %s' % error) from error
        threading.Thread(target=self._serve, daemon=True).start()

    def known_in(self, root):
        """To all that run in this root."""
        root.write('/etc/resolv.conf', 'nameserver %s\noptions timeout:1 attempts:1\n' % self.address)

    def _serve(self):
        while True:
            try:
                question, sender = self.socket.recvfrom(2000)
                self.socket.sendto(self._answer(question), sender)
            except OSError:
                return

    @staticmethod
    def _answer(question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]].decode('latin-1').lower())
            at += 1 + question[at]
        name, kind = '.'.join(labels), struct.unpack('!H', question[at + 1:at + 3])[0]
        exists = any(known == name or known.endswith('.' + name) for known, _ in RECORDS)
        code = 2 if name.endswith('broken.test') else 0 if exists else 3
        text, answer = RECORDS.get((name, kind)), b''
        if text is not None:
            data = _data(kind, text)
            answer = b'\xc0\x0c' + struct.pack('!HHIH', kind, 1, 60, len(data)) + data
        return question[:2] + bytes([0x81, 0x80 | code]) + struct.pack('!HHHH', 1, bool(answer), 0, 0) + question[12:at + 5] + answer

    def close(self):
        self.socket.close()


def _data(kind, text):
    if kind == A:
        return socket.inet_aton(text)
    if kind == TXT:
        return bytes([len(text)]) + text.encode()
    return struct.pack('!H', 10) + b''.join(bytes([len(label)]) + label.encode() for label in text.split('.')) + b'\0'
