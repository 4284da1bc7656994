"""Processes of the tests: started, awaited by what they say or by their port, stopped by their id."""
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

PATIENCE = 30


def free_port():
    """A TCP port of 127.0.0.1 nobody listens on just now."""
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


_given = set()


def free_ports(names):
    """One for each name; none that was given before, since peers that begin side by side bind theirs later."""
    ports, held = {}, []
    for name in names:
        while name not in ports:
            held.append(socket.socket())
            held[-1].bind(('127.0.0.1', 0))
            port = held[-1].getsockname()[1]
            if port not in _given:
                ports[name] = port
                _given.add(port)
    for s in held:
        s.close()
    return ports


def until(wanted, what, patience=PATIENCE):
    """The first true value of wanted(), asked for often; fails after `patience` seconds."""
    deadline = time.monotonic() + patience
    while not (value := wanted()):
        if time.monotonic() > deadline:
            raise TimeoutError('%s: not within %d s' % (what, patience))
        select.select([], [], [], 0.01)
    return value


def is_listening(port, host='127.0.0.1'):
    try:
        socket.create_connection((host, port), timeout=5).close()
        return True
    except ConnectionRefusedError:
        return False


class Process:
    """A peer's process with a session of its own; what it prints is kept in `lines`."""
    leaks = None        # looks at what the program under test prints (leaks.py)

    def __init__(self, argv, cwd=None, env=None, stdin=subprocess.DEVNULL):
        self.name = os.path.basename(argv[2] if argv[0].endswith('/chroot') else argv[0])
        self.lines = []
        self.ended = False
        self.news = threading.Condition()
        self.popen = subprocess.Popen(argv, cwd=cwd, env=env, stdin=stdin, stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, start_new_session=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            with self.news:
                self.lines.append(line.decode(errors='replace').rstrip('\n'))
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    @property
    def said(self):
        return '\n'.join(self.lines)

    def type(self, text):
        """At its keyboard; it was started with stdin=subprocess.PIPE."""
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def await_line(self, pattern, patience=PATIENCE):
        """The first line it prints that matches."""
        def found():
            return next((line for line in self.lines if re.search(pattern, line)), None)
        with self.news:
            if not self.news.wait_for(lambda: found() or self.ended, patience) or not found():
                raise RuntimeError('%s did not say %r; its last words: %s' %
                                   (self.name, pattern, ' | '.join(self.lines[-5:])))
            return found()

    def await_port(self, port, patience=PATIENCE):
        def answers():
            if self.popen.poll() is not None:
                raise RuntimeError('%s ended: %s' % (self.name, ' | '.join(self.lines[-5:])))
            return is_listening(port)
        until(answers, '%s on port %d' % (self.name, port), patience)

    def stop(self):
        for sign in (signal.SIGTERM, signal.SIGKILL):
            if self.popen.poll() is None:
                self.popen.send_signal(sign)
            try:
                self.popen.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)   # children that outlived it, in its own session
        except ProcessLookupError:
            pass
        self.reader.join(10)
        if self.leaks and os.path.realpath(self.popen.args[0]) == self.leaks.program:
            self.leaks.saw(' '.join(self.popen.args), '\n'.join(self.lines))
