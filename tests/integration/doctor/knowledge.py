"""What data/ says, as far as the doctor's tests go by it: the causes, and the rules with their examples."""
import glob
import os
import re

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../data')


def _sections(path):
    """[(kind, name, [(key, value)])] of a file."""
    found = []
    with open(path) as f:
        for line in f:
            head = re.match(r'\[(\w+) ?(.*)\]', line)
            pair = re.match(r'([\w.]+) *= *(.*)', line)
            if head:
                found.append((head.group(1), head.group(2), []))
            elif pair and found:
                found[-1][2].append((pair.group(1), pair.group(2).strip()))
    return found


def causes():
    return [name for kind, name, _ in _sections(DATA + '/causes.ini') if kind == 'cause']


class Rule:
    """One, by its first reply that is an example: the `reply`, with which `mechanism` where the words alone don't do."""

    def __init__(self, owner, name, pairs):
        self.owner, self.name, self.keys = owner, name, {key for key, _ in pairs}
        value = dict(reversed(pairs))       # the first of each
        self.cause, self.stages = value['cause'], value.get('stage', '').split()
        self.mechanism = value.get('mechanism', '').split()
        replies = [v for k, v in pairs if k == 'example' and re.match(r'[45]\d\d[ -]', v)]
        self.reply = replies[0][:3] + ' ' + replies[0][4:] if replies else None


def rules():
    """All, by the file's name; those of families that hold everywhere are generic."""
    found = []
    for path in sorted(glob.glob(DATA + '/providers/*.ini')):
        sections = _sections(path)
        owner = 'generic' if ('generic', 'yes') in sections[0][2] else os.path.basename(path)[:-4]
        found += [Rule(owner, name, pairs) for kind, name, pairs in sections if kind == 'rule']
    return found


def profiles():
    """{id: (its first server as HOST:PORT, its security, whether passwords are taken, its kind)}"""
    found = {}
    for path in sorted(glob.glob(DATA + '/providers/*.ini')):
        for kind, name, pairs in _sections(path):
            servers = [v.replace('{region}', 'eu-west-1') for k, v in pairs if k == 'server']
            if kind == 'provider' and servers:
                found[name] = (*servers[0].split(), dict(pairs).get('password') != 'off', dict(pairs).get('kind'))
    return found


def provider_hosts():
    """Of all providers, the names of their first servers; not of what stands on this machine."""
    return sorted({server.rpartition(':')[0] for server, _, _, kind in profiles().values() if kind in ('mailbox', 'service')})
