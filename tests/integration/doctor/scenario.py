"""Scenarios: a world that is wrong in one way, what is asked of the program in it, and the one cause that it must name.

They are played side by side, since most of their time is spent waiting: each in a network of its own out of a few.
"""
import os
import queue
import traceback
from concurrent.futures import ThreadPoolExecutor

from loopback import Loopback
from network import FASTMAIL, GMAIL, GMAIL_6, LIAR, LOGIN, NAMES, OFFICE, OUTLOOK, TARGET, WEB, Network
from outpost import Outpost
from peers.debian import Unavailable
from stage import Answers, Says, Smtp, Stage

SIDE_BY_SIDE = 8

# What the only name server there is may be: silent; one that leads every name to one place; one that knows the server, and
# says nothing of IPv6.
LIES = {'silent': (None,), 'everything': (LOGIN,), 'no IPv6': (TARGET, True)}

GOOD = {587: Smtp(), 465: Smtp('at once')}
# The others, as they are where nothing is said of them.
WORLD = {(GMAIL, 587): Smtp(), (GMAIL, 465): Smtp('at once'), (GMAIL_6, 587): Smtp(), (OFFICE, 587): Smtp(), (OFFICE, 25): Smtp(),
         (FASTMAIL, 465): Smtp('at once'), (FASTMAIL, 587): Smtp(), (OUTLOOK, 587): Smtp(), (WEB, 443): Says(stays=True)}


class Scenario:
    """`target`: its ports, at `address`; `at`: what is asked about; `account`: settings of one in its place; `wall`: the
    firewall; `world`: what others are, where not good; `names`: the answer of the only name server there is, or what it is (LIES); `link`: the
    way out. `broke`: at which rung; `works`: alternatives that must be told; `guess`: whether it must say that it guesses.
    The result's `told` is all that was heard by anybody else than the verified server of the account."""

    every = []

    def __init__(self, name, cause, broke=None, target=None, at='mail.example.test:587', account=None, wall=(), world=None,
                 names=None, works=(), link='IPv4', words=(), address=TARGET, guess=None, ca=True, environment=None,
                 patience=3):
        self.name, self.cause, self.broke, self.at, self.account = name, cause, broke, at, account
        self.target, self.wall, self.world = GOOD if target is None else target, wall, world or {}
        self.names, self.works, self.link, self.words, self.address = names, set(works), link, words, address
        self.guess, self.ca = guess, ca
        self.environment, self.patience = environment or {}, patience
        Scenario.every.append(self)

    def play(self, ground, certificates, folder):
        """The result of the program within it."""
        ground.set(self)
        pinned = (self.account or {}).get('tls_pin', '')[4:]
        stage = Stage(ground, certificates, self._home(), (pinned,))
        answers = None
        try:
            for (address, port), server in {**WORLD, **self.world}.items():
                stage.open(address, port, server)
            for port, server in self.target.items():
                stage.open(self.address, port, server)
            if self.names is not None and isinstance(ground, Network):
                answers = Answers(ground, LIAR, *LIES.get(self.names, (self.names,)))
            result = self._run(ground, certificates, folder)
            result.told, result.called = bytes(stage.told), stage.called
            return result
        finally:
            stage.close()
            if answers:
                answers.close()

    def ask(self, outpost, words):
        """Runs the program."""
        return outpost.run('doctor', *([] if self.account else [self.at]), *words)

    def check(self, said, result):
        """What else must be right beside the cause."""
        assert said['ok'] == (self.cause is None), result
        broken = [step['step'] for step in said['steps'] if step['ok'] is False]
        assert self.broke is None or broken == [self.broke], result
        assert self.cause or not broken, result
        works = {(other['host'], other['port']) for other in said['alternatives'] if other['ok']}
        assert self.works <= works, result
        assert self.guess is None or said.get('guess', False) == self.guess, result

    def _home(self):
        """Where the account's credentials belong: its own server's ports."""
        if self.account is None:
            return ()
        server = self.account.get('server')
        hosts = [self._ascii(server.rpartition(':')[0])] if server else ['smtp-mail.outlook.com', 'smtp.office365.com', 'smtp.gmail.com']
        ports = [int(server.rpartition(':')[2])] if server else [587, 465]
        return [(address, port) for host in hosts for address in NAMES.get(host, ()) for port in ports]

    @staticmethod
    def _ascii(host):
        return host if host.isascii() else host.encode('idna').decode()

    @staticmethod
    def _of(certificates, value):
        """What is known only when the certificates are made: CA, and PIN of one of them."""
        if value == 'CA':
            return certificates.ca
        return certificates.pin(value[4:]) if isinstance(value, str) and value.startswith('PIN ') else value

    def _run(self, ground, certificates, folder):
        outpost = Outpost(folder, certificates)
        outpost.inside = ground.inside
        outpost.environment.update(self.environment)
        words = [*ground.words, '--json', *(['--ca-file', certificates.ca] if self.ca else []),
                 *(['--connect-timeout', str(self.patience)] if self.patience else []), *self.words]
        if self.account is not None:
            outpost.account(**{key: self._of(certificates, value) for key, value in self.account.items()})
        return self.ask(outpost, words)


class Plays:
    """Each scenario's result, from the moment it is there."""

    def __init__(self, scenarios, certificates, folder):
        self.certificates, self.folder = certificates, folder
        self.grounds, self.why_not = self._grounds(min(SIDE_BY_SIDE, len(scenarios)))
        self.free = queue.Queue()
        for ground in self.grounds:
            self.free.put(ground)
        self.pool = ThreadPoolExecutor(len(self.grounds))
        self.results = {scenario: self.pool.submit(self._play, scenario) for scenario in scenarios}

    @staticmethod
    def _grounds(count):
        made = []
        try:
            while len(made) < count:
                made.append(Network(1 + len(made)))
            return made, None
        except (Unavailable, OSError) as reason:
            for network in made:
                network.stop()
            return [Loopback() for _ in range(count)], str(reason)

    def _play(self, scenario):
        ground = self.free.get()
        try:
            lacks = ground.lacks(scenario)
            if lacks:
                return '%s; %s' % (self.why_not, lacks)
            folder = os.path.join(self.folder, str(Scenario.every.index(scenario)))
            os.mkdir(folder)
            return scenario.play(ground, self.certificates, folder)
        except Exception:
            traceback.print_exc()
            raise
        finally:
            self.free.put(ground)

    def stop(self):
        self.pool.shutdown(cancel_futures=True)
        for ground in self.grounds:
            ground.stop()
