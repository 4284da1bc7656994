"""The scenarios' world where no network namespaces can be made: every server on a port of 127.0.0.1, and detours
(--connect-to) that lead there. A call that is dropped goes to a listener whose queue is full, which answers no SYN; one
that is refused to a port nobody listens on. A firewall's ICMP, its redirection, a link that is down and IPv6 can't be had
so; what stands in the house isn't told from what stands outside."""
import socket
import threading

from network import NAMES

FEW = list(NAMES)[:13]      # those that scenarios have to do with; of all there are, more than detours may be given


class Loopback:
    inside = []

    def __init__(self):
        self.detours, self.held, self.answers = [], [], None
        self.refusing = self._hold(socket.socket())
        self.refusing.bind(('127.0.0.1', 0))        # nobody listens there, and nobody else can
        self.silent = self._full()

    def _hold(self, made):
        self.held.append(made)
        return made

    def _full(self):
        """A listener that answers nobody any more."""
        listener = self._hold(socket.socket())
        listener.bind(('127.0.0.1', 0))
        listener.listen(0)
        for _ in range(4):      # as many as it takes, and then none is answered
            caller = self._hold(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        return listener

    @staticmethod
    def lacks(scenario):
        if scenario.link != 'IPv4':
            return 'wants %s, and the link of this machine is not ours to change' % (scenario.link or 'a link that is down')
        kinds = {wall.kind for wall in scenario.wall} - {'drop', 'reset'}
        if kinds:
            return 'wants a firewall that does this: ' + ', '.join(kinds)
        if scenario.names in ('everything', 'no IPv6'):
            return 'wants a name server of its own'
        if 'ü' in str((scenario.at, scenario.account)):
            return 'wants a name with other letters'
        if scenario.at.startswith(('zero.', 'here.', 'half.', 'off.')):
            return 'wants a name with these addresses'
        if 'six.' in scenario.at:
            return 'wants a network without IPv6'
        return None

    def _hosts(self, address):
        return [name for name in self.names_there if address in NAMES[name]] + [address] * (':' not in address)

    def _detour(self, host, port, to):
        self.detours.append('%s:%s:127.0.0.1:%d' % (host, port, to.getsockname()[1]))

    def set(self, scenario):
        self.detours, self.scenario = [], scenario
        self.names_there = [name for name in NAMES if name in FEW or name in str((scenario.at, scenario.account))]
        for wall in scenario.wall:
            to = self.silent if wall.kind == 'drop' else self.refusing
            for host in self._hosts(wall.at) if wall.at else ['']:
                for port in wall.ports or ['']:
                    self._detour(host, port, to)
        if self.answers is None:
            self.answers = Names(self)

    def listen(self, address, port):
        listener = socket.create_server(('127.0.0.1', 0), backlog=16)
        for host in self._hosts(address):
            self._detour(host, port, listener)
        return listener

    @property
    def words(self):
        return ['--dns', '127.0.0.1:%d' % self.answers.port, *(word for detour in self._all() for word in ('--connect-to', detour))]

    def _all(self):
        """Whoever has a name and does not listen, refuses."""
        if self.scenario.names is not None:
            return []
        closed = ['%s::127.0.0.1:%d' % (host, self.refusing.getsockname()[1]) for host in self.names_there]
        return self.detours + closed

    def names(self, _):
        pass

    def firewall(self, *walls):
        pass

    def link(self, _):
        pass

    def within(self, make):
        return make()

    def stop(self):
        for made in self.held:
            made.close()
        if self.answers:
            self.answers.close()


class Names:
    """A name server that knows what the world knows, or says one thing to everybody."""

    def __init__(self, world):
        self.world, self.socket = world, socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                question, sender = self.socket.recvfrom(2000)
            except OSError:
                return
            answer = self._answer(question)
            if answer:
                self.socket.sendto(answer, sender)

    def _answer(self, question):
        said = self.world.scenario.names
        name, at = [], 12
        while question[at]:
            name.append(question[at + 1:at + 1 + question[at]].decode())
            at += 1 + question[at]
        kind, asked = question[at + 2], question[12:at + 5]
        if said == 'silent' or name[-2:] == ['silent', 'test']:
            return None
        known = '.'.join(name).lower() in NAMES
        code = said if said is not None else 2 if name[-2:] == ['broken', 'test'] else 0 if known else 3
        records = [b'\xc0\x0c\0\1\0\1\0\0\0<\0\4' + socket.inet_aton('127.0.0.1')] if code == 0 and kind == 1 else []
        return question[:2] + bytes([0x81, 0x80 | code, 0, 1, 0, len(records), 0, 0, 0, 0]) + asked + b''.join(records)

    def close(self):
        self.socket.close()
