"""Whatever the tests let a program see as a secret is looked for in all that came of it: what it printed, logged and
traced, the files it left, its core, and the arguments and environments of every process it was or started.

Plain, in base64 at each of the three places a byte can have in a group, in percent form, in JSON's escapes.
"""
import base64
import json
import os
import threading
import urllib.parse

from sealed import tokens

EVERY = 0.1     # seconds between two looks at the processes
LEAST = 6       # bytes: shorter ones stand in innocent words


def forms(secret):
    """{what it is called: bytes to look for}"""
    found = {'plain': secret}
    for skip in range(3):
        whole = base64.b64encode(b'\0' * skip + secret)
        # The groups that hold nothing but the secret, whatever stands before and behind it.
        inner = whole[4 if skip else 0:(len(secret) + skip) // 3 * 4]
        for name, text in (('base64', inner), ('base64url', inner.replace(b'+', b'-').replace(b'/', b'_'))):
            if len(text) >= LEAST:
                found['%s, %d bytes behind' % (name, skip)] = text
    for name, quote in (('percent form', urllib.parse.quote), ('form', urllib.parse.quote_plus)):
        found[name] = quote(secret, safe='').encode()
    try:
        found['JSON'] = json.dumps(secret.decode()).encode()[1:-1]
    except UnicodeDecodeError:
        pass
    return found


class Leaks:
    def __init__(self, program):
        self.program = os.path.realpath(program)
        self.planted = {}       # what to look for: what it is
        self.found = []         # (where, what)
        self.looked_at = 0
        self.lock = threading.Lock()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def plant(self, name, secret):
        """A secret that nobody may ever see; from here on."""
        secret = secret.encode() if isinstance(secret, str) else secret
        assert len(secret) >= LEAST, name
        with self.lock:
            for form, text in forms(secret).items():
                self.planted[text] = '%s (%s)' % (name, form)
        return secret

    def learn(self, state):
        """The tokens that a program got and keeps there."""
        for name, token in tokens(state):
            if len(token) >= LEAST and token.encode() not in self.planted:
                self.plant(name, token)

    def saw(self, where, text):
        """What somebody might see."""
        text = text.encode(errors='surrogateescape') if isinstance(text, str) else text
        with self.lock:
            self.looked_at += 1
            for secret, what in self.planted.items():
                if secret in text:
                    at = text.index(secret)
                    self.found.append((where, what, text[max(0, at - 60):at].decode(errors='replace')))

    def saw_folder(self, folder):
        """What a program left in its state, its configuration, and as a core."""
        for place, folders, names in os.walk(folder):
            ours = os.path.basename(place) in ('secrets', 'pending', 'grants', 'state') or place.endswith('.conf.d')
            for name in names:
                # A socket that a killed program left can't be opened, and holds nothing.
                if (ours or name.startswith('core')) and os.path.isfile(os.path.join(place, name)):
                    with open(os.path.join(place, name), 'rb') as f:
                        self.saw(os.path.join(place, name), f.read())

    def _watch(self):
        while not self.over.wait(EVERY):
            self._look()

    def _look(self):
        """At every process of the program's, and at its children."""
        parents, ours = {}, set()
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open('/proc/%s/stat' % pid) as f:
                    parents[pid] = f.read().rpartition(')')[2].split()[1]
                if os.readlink('/proc/%s/exe' % pid) == self.program:
                    ours.add(pid)
            except OSError:
                continue        # it has ended
        for pid, parent in parents.items():
            if pid in ours or parent in ours:
                for part in ('cmdline', 'environ'):
                    try:
                        with open('/proc/%s/%s' % (pid, part), 'rb') as f:
                            self.saw('/proc/PID/' + part, f.read())
                    except OSError:
                        continue

    def end(self):
        self.over.set()
        self.thread.join()
        return self.found
