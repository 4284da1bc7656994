"""Running the program under test as a person would: with a configuration of its own."""
import json
import os
import subprocess

from peers.debian import BUILD

PROGRAM = os.environ.get('OUTPOST') or os.path.join(BUILD, 'outpost')

# sysexits.h, and outpost's own 79
(OK, USAGE, DATAERR, NOUSER, NOHOST, UNAVAILABLE, SOFTWARE, CANTCREAT, IOERR, TEMPFAIL, PROTOCOL, NOPERM, CONFIG,
 UNKNOWN) = (0, 64, 65, 67, 68, 69, 70, 73, 74, 75, 76, 77, 78, 79)


class Result:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode(errors='replace')
        self.err = done.stderr.decode(errors='replace')

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return 'exit %d\n--- stdout\n%s--- stderr\n%s' % (self.status, self.out, self.err)


class Outpost:
    """A configuration in a folder, and the program run with it."""
    leaks = None        # who looks at all that comes of it (leaks.py); set for the whole run

    def __init__(self, folder, authority=None):
        self.folder = str(folder)
        self.config = os.path.join(self.folder, 'outpost.conf')
        self.ca = authority.ca if authority else None
        self.inside = []        # what runs the program: a namespace, a tracer
        self.environment = {'PATH': os.environ['PATH'], 'HOME': self.folder, 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}

    def account(self, server, security='starttls', name='test', **settings):
        """Writes the configuration: one account, with the tests' user unless `settings` say otherwise."""
        from peers.peer import PASSWORD, USER
        secret = os.path.join(self.folder, name + '.secret')
        with open(secret, 'w') as f:
            f.write(settings.pop('password', PASSWORD))
        os.chmod(secret, 0o600)
        lines = {'address': USER, 'username': USER, 'auth': 'password', 'server': server, 'security': security,
                 'secret': 'command:cat ' + secret}
        if self.ca:
            lines['ca_file'] = self.ca
        lines.update(settings)
        with open(self.config, 'w') as f:
            f.write('[account %s]\n' % name)
            f.write(''.join('%s = %s\n' % pair for pair in lines.items() if pair[1] is not None))
        os.chmod(self.config, 0o600)
        return self

    def account_at(self, peer, security, **settings):
        return self.account('localhost:%d' % peer.ports[security], security, **settings)

    def run(self, command, *words, stdin=b'', timeout=60, **how):
        """command: the words before the options, such as 'send'."""
        argv = [*self.inside, PROGRAM, *command.split(), '--config', self.config, *words]
        done = subprocess.run(argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                              env={**self.environment, **how.pop('env', {})}, **how)
        if self.leaks:
            self.leaks.learn(os.path.join(self.folder, 'state'))
            if command != 'account token':      # which prints one on purpose
                self.leaks.saw(' '.join(argv) + ': stdout', done.stdout)
            self.leaks.saw(' '.join(argv) + ': stderr', done.stderr)
        result = Result(done)
        assert 'AddressSanitizer' not in result.err and 'runtime error' not in result.err, result
        return result

    def send(self, message, *words, **how):
        return self.run('send', '--direct', '--raw', *words, stdin=message, **how)
