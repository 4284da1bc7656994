"""outpost serve, run for the tests."""
import json
import signal

from outpost import PROGRAM
from peers.process import Process


class Daemon:
    """The owner that stays, for an Outpost's configuration."""

    def __init__(self, outpost, *words, ready=' ready '):
        self.outpost = outpost
        self.process = Process([*outpost.inside, PROGRAM, 'serve', '--config', outpost.config, *words], env=outpost.environment)
        self.process.await_line(ready)

    def lines(self, word):
        return [line for line in self.process.lines if ' %s ' % word in line]

    def status(self):
        return self.outpost.run('status', '--json').json

    def hang_up(self):
        self.process.popen.send_signal(signal.SIGHUP)

    def kill(self):
        self.process.popen.kill()
        self.process.popen.wait()

    def stop(self):
        if self.process.popen.poll() is None:
            self.process.popen.terminate()
        return self.process.popen.wait(timeout=60)


def queue(outpost, *words):
    """The rows of `outpost queue list`."""
    return [json.loads(line) for line in outpost.run('queue list', '--json', *words).out.splitlines()]
