"""Postfix's smtp-sink: a server that does what its options say, at the command they name, and keeps what it took."""
import glob
import os

from .debian import Root
from .process import Process, free_port


class Sink:
    def __init__(self):
        self.root, self.port, self.process = Root('smtp-sink', ['postfix', 'libsasl2-modules'], ('postfix',)), free_port(), None
        self.folder = self.root.empty_folder('/tmp/sink', 'nobody')

    def start(self, *options):
        """`options` are smtp-sink's: ('-q', '.') hangs up behind the dot."""
        self.stop()
        self.process = Process(self.root.command('/usr/sbin/smtp-sink', '-u', 'nobody', '-d', self.folder + '/%s.', *options,
                                                 '127.0.0.1:%d' % self.port, '100'))
        self.process.await_port(self.port)

    def stop(self):
        if self.process:
            self.process.stop()
        self.process = None

    def messages(self, needle):
        """What it took with this in it: its own lines about the envelope, and the message."""
        found = []
        for path in glob.glob(self.root.path + self.folder + '/*'):
            with open(path, 'rb') as f:
                text = f.read()
            if needle in text:
                found.append(text)
        return found

    def clear(self):
        for path in glob.glob(self.root.path + self.folder + '/*'):
            os.unlink(path)


def start():
    return Sink()
