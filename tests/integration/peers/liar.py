"""A server in plain text that says exactly what a test tells it to, and remembers who called."""
import socket
import threading

GREETING, EHLO, SENDER, RECIPIENT, DATA, KEPT, BYE = range(7)
HONEST = [b'220 m\r\n', b'250 m\r\n', b'250 o\r\n', b'250 o\r\n', b'354 g\r\n', b'250 k\r\n', b'221 b\r\n']


class Liar:
    """Says replies[0] when called, and the next reply after each command, or after the message's final
    dot where the last one was a 354. After `cut` bytes in all it hangs up; after its last reply, too,
    unless `stalls`; where it is `deaf` it reads nothing after that, and stays. Listens on a free port while used as a context."""

    def __init__(self, replies, cut=None, stalls=False, deaf=False):
        self.replies, self.cut, self.stalls, self.deaf = list(replies), cut, stalls, deaf
        self.calls, self.heard = 0, b''
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *problem):
        self.over.set()
        try:        # wakes the accept
            socket.create_connection(('127.0.0.1', self.port), 1).close()
        except OSError:
            pass
        self.thread.join(10)
        self.listener.close()

    def _serve(self):
        while True:
            line, _ = self.listener.accept()
            with line:
                if self.over.is_set():
                    return
                self.calls += 1
                try:
                    self._converse(line)
                except OSError:
                    pass        # the caller hung up

    def _converse(self, line):
        line.settimeout(30)
        left = sum(map(len, self.replies)) if self.cut is None else self.cut
        for n, reply in enumerate(self.replies, 1):
            line.sendall(reply[:left])
            left -= len(reply)
            if self.deaf and n == len(self.replies):
                self.over.wait(60)
                return
            if left < 0 or not self._hear(line, b'\r\n.\r\n' if reply.startswith(b'354') else b'\n'):
                return
        if self.stalls:
            self.over.wait(60)

    def _hear(self, line, end):
        heard = b''
        while not heard.endswith(end):
            more = line.recv(65536)
            if not more:
                return False
            heard += more
            self.heard += more
        return True
