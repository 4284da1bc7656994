"""Clients that do harm, or try to, in numbers: each function does it so often, and says whom it met."""
import selectors
import socket

MAIL = b'EHLO me.test\r\nMAIL FROM:<alice@example.test>\r\n'
RCPT = b'RCPT TO:<somebody@x.test>\r\n'


def connect(port, number=0):
    """From one of many addresses of the loopback."""
    one = socket.socket()
    one.bind(('127.0.%d.%d' % (1 + number // 250 % 250, 1 + number % 250), 0))
    one.settimeout(60)
    one.connect(('127.0.0.1', port))
    return one


def hear(one, until):
    heard = b''
    while until not in heard:
        got = one.recv(65536)
        if not got:
            raise ConnectionResetError('the line ended after %r' % heard[-200:])
        heard += got
    return heard


def gone_in_data(port, count, size):
    """Each is gone in the middle of its message, after so many octets; half of them say goodbye to the line, the others are
    cut off."""
    for number in range(count):
        with connect(port, number) as one:
            one.sendall(MAIL + RCPT + b'DATA\r\n')
            hear(one, b'\r\n354 ')
            one.sendall(b'Subject: half\r\n\r\n' + b'so far\r\n' * (size // 8))
            if number % 2:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')


def many_recipients(port, count):
    """One message to so many: how many were taken, and the answer to the message; None where the line ended before."""
    with connect(port) as one:
        hear(one, b'220 ')
        one.sendall(MAIL)
        hear(one, b'\r\n250 2.1.0')
        one.setblocking(False)
        said = b''.join(b'RCPT TO:<r%d@x.test>\r\n' % n for n in range(count)) + b'DATA\r\n'
        waiting, heard, taken = selectors.DefaultSelector(), b'', 0
        waiting.register(one, selectors.EVENT_READ | selectors.EVENT_WRITE)
        try:
            while b'\n354 ' not in b'\n' + heard:
                ready = waiting.select(60)[0][1]
                if ready & selectors.EVENT_WRITE and said:
                    said = said[one.send(said[:65536]):]
                    if not said:
                        waiting.modify(one, selectors.EVENT_READ)
                if ready & selectors.EVENT_READ:
                    got = one.recv(65536)
                    if not got:
                        return taken, None
                    lines, _, rest = (heard + got).rpartition(b'\n')
                    taken += (b'\n' + lines).count(b'\n250 ')
                    heard = rest if b'\n354 ' not in b'\n' + lines else b'354 '
        except ConnectionError:
            return taken, None
        one.setblocking(True)
        one.settimeout(60)
        one.sendall(b'Subject: x\r\n\r\nx\r\n.\r\n')
        return taken, hear(one, b'\n').decode()


class Slow:
    """A crowd whose every member is in the middle of something, and says an octet now and then."""

    def __init__(self, port, count):
        words = (b'EHL', MAIL + b'RC', MAIL + RCPT + b'DATA\r\nSubject: I take my time')
        self.lines = []
        for number in range(count):
            one = connect(port, number)
            one.sendall(words[number % len(words)])
            self.lines.append(one)

    def say(self):
        """An octet each."""
        for one in self.lines:
            one.send(b'x')

    def close(self):
        for one in self.lines:
            one.close()
