"""The small program that others call, run for the tests."""
import os
import signal
import socket
import subprocess

from outpost import PROGRAM, Result
from peers.process import until

SENDMAIL = os.path.join(os.path.dirname(PROGRAM), 'sendmail')


class Sendmail:
    """Called with an Outpost's configuration, by any of its names."""

    def __init__(self, outpost):
        self.outpost = outpost
        self.environment = {**outpost.environment, 'OUTPOST_CONFIG': outpost.config}
        self.submit = os.path.join(outpost.folder, 'state', 'submit')
        self.log = []

    def __call__(self, *words, stdin=b'', name='sendmail', timeout=60, **how):
        done = subprocess.run([name, *words], executable=SENDMAIL, input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout, env=self.environment, **how)
        if self.outpost.leaks:
            self.outpost.leaks.saw(' '.join([name, *words]), done.stdout + done.stderr)
        result = Result(done)
        assert 'AddressSanitizer' not in result.err and 'runtime error' not in result.err, result
        return result

    def somebody_is_there(self):
        folder = os.open(os.path.dirname(self.submit), os.O_PATH)       # the path may be longer than an address
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect('/proc/self/fd/%d/submit' % folder)
            return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        finally:
            os.close(folder)

    def send_away(self):
        """Who stands in, if anybody; by himself he would stay some seconds."""
        if not os.path.isdir(os.path.dirname(self.submit)) or not self.somebody_is_there():
            return
        daemon = self.outpost.run('status', '--json').json.get('daemon')
        if daemon and daemon['role'] == 'stand-in':     # none: it was about to go
            os.kill(daemon['pid'], signal.SIGTERM)
        until(lambda: not self.somebody_is_there(), 'the stand-in to leave')
