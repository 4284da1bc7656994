"""What all submission servers of the tests share."""
import os

from .process import Process, until

USER, PASSWORD = 'alice@example.test', 'sécret wörd'

# Fields that servers put in front of a message on its way; nothing else of it may change.
TRACE = {'return-path', 'received', 'delivered-to', 'x-original-to', 'envelope-to', 'delivery-date',
         'authentication-results'}


class Peer:
    """A running server: `ports` by security, the `mechanisms` it takes, what it kept in `mailbox`.

    Every peer refuses the recipient codeNNN@... with NNN and takes all others.
    """

    def __init__(self, name, ports, mechanisms, mailbox, user=USER, password=PASSWORD):
        self.name, self.ports, self.mechanisms = name, ports, mechanisms
        self.mailbox, self.user, self.password = mailbox, user, password
        self.processes = []

    def messages(self, needle):
        """What it kept so far that holds these bytes, with LF line ends."""
        kept = []
        for folder, _, names in os.walk(self.mailbox):
            for name in sorted(names):
                if os.path.basename(folder) == 'tmp':
                    continue
                with open(os.path.join(folder, name), 'rb') as f:
                    text = f.read()
                if needle in text:
                    kept.append(text.replace(b'\r\n', b'\n'))
        return kept

    def await_messages(self, needle, count=1):
        return until(lambda: len(m := self.messages(needle)) >= count and m,
                     '%s to keep %d of %r' % (self.name, count, needle))

    def run(self, argv, says=None, port=None, **how):
        """Starts one of its processes and waits until it says a line or listens on a port."""
        process = Process(argv, **how)
        self.processes.append(process)
        try:
            if says:
                process.await_line(says)
            else:
                process.await_port(port)
        except Exception:
            self.stop()
            raise

    def stop(self):
        for process in reversed(self.processes):
            process.stop()


def without_trace(message):
    """(what is left after the trace fields in front, their names)."""
    names = []
    while True:
        name, colon, rest = message.partition(b':')
        if not colon or name.decode('latin-1').lower() not in TRACE:
            return message, names
        names.append(name.decode().lower())
        end = 0
        while True:         # to the line that is no continuation
            end = message.index(b'\n', end) + 1
            if message[end:end + 1] not in (b' ', b'\t'):
                break
        message = message[end:]
