"""A terminal with somebody at it, for programs that look or ask."""
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """Runs a program on a terminal of its own; `seen` is all that appeared on it so far."""

    leaks = None        # see outpost.py

    def __init__(self, argv, environment, stdin=None, columns=0):
        """stdin: a file instead of the terminal. columns: its width; 0: it does not say."""
        self.master, line = pty.openpty()
        fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack('HHHH', 50 if columns else 0, columns, 0, 0))
        self.seen = b''
        self.popen = subprocess.Popen(argv, stdin=stdin or line, stdout=line, stderr=line, env=environment,
                                      start_new_session=True, preexec_fn=lambda: os.close(os.open(os.ttyname(1), os.O_RDWR)))
        os.close(line)

    def until(self, text, patience=30):
        """Reads until this appears."""
        deadline = time.monotonic() + patience
        while text not in self.seen:
            if not self._read(deadline - time.monotonic()):
                raise AssertionError('%r did not appear: %r' % (text, self.seen))

    def type(self, text):
        os.write(self.master, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def end(self, patience=60):
        """Reads to its end; its exit status."""
        deadline = time.monotonic() + patience
        while self._read(deadline - time.monotonic()):
            pass
        os.close(self.master)
        if self.leaks:
            self.leaks.saw('a terminal', self.seen)
        return self.popen.wait(10)

    def _read(self, patience):
        if not select.select([self.master], [], [], max(patience, 0))[0]:
            self.popen.kill()
            raise TimeoutError('on the terminal: %r' % self.seen)
        try:
            data = os.read(self.master, 65536)
        except OSError:         # the last one hung up
            data = b''
        self.seen += data
        return data
