"""Two network namespaces: `inside`, where the program runs, and the Internet as far as it is needed: the server in
question, providers to compare it with, their HTTPS, and names. Between them a firewall (nftables)."""
import ctypes
import os
import socket
import subprocess
import threading

from knowledge import provider_hosts
from peers.debian import Root, Unavailable
from peers.process import Process

NEWNET = 0x40000000
NAMESERVER, LIAR = '198.51.100.53', '198.51.100.54'
TARGET, GMAIL, OFFICE, WEB, FASTMAIL, OUTLOOK, LOGIN = ('198.51.100.%d' % n for n in (10, 20, 30, 40, 50, 60, 70))
INSIDE, HOME = '198.51.100.1', '10.77.0.10'     # HOME: a server in the house
SIX, GMAIL_6, NAMESERVER_6 = '2001:db8::10', '2001:db8::20', '2001:db8::53'

NAMES = {
    'mail.example.test': [TARGET], 'home.example.test': [HOME], 'six.example.test': [SIX],
    'both.example.test': [TARGET, SIX], 'smtp.gmail.com': [GMAIL, GMAIL_6], 'smtp.office365.com': [OFFICE],
    'smtp-mail.outlook.com': [OUTLOOK], 'smtp.fastmail.com': [FASTMAIL], 'gmail.googleapis.com': [WEB],
    'graph.microsoft.com': [WEB], 'login.microsoftonline.com': [LOGIN], 'oauth2.googleapis.com': [LOGIN],
    'login.example.test': [LOGIN], 'autoconfig.nomail.example.test': [LOGIN],
    # As a filter of names answers; one of its two addresses is dead; one label more than a wildcard covers.
    'zero.example.test': ['0.0.0.0'], 'here.example.test': ['127.0.0.1'], 'half.example.test': ['198.51.100.99', TARGET],
    'a.mail.example.test': [TARGET], 'mail.xn--mller-kva.test': [TARGET], 'off.example.test': ['198.51.100.98'],
}
for host in provider_hosts():       # any other that has words of its own: they are said by the server in question
    NAMES.setdefault(host, [TARGET])

TEXTS = {     # what domains publish of who may send for them: by Fastmail (smtp.fastmail.com)
    'good.example.test': ['site-verification=x', 'v=spf1 include:between.example.test -all'],
    'between.example.test': ['v=spf1 ip4:192.0.2.0/24 include:spf.messagingengine.com ~all'],
    'fm2._domainkey.good.example.test': ['v=DKIM1; k=rsa; p=MIIB'],
    '_dmarc.good.example.test': ['v=DMARC1; p=reject'],
    'bad.example.org': ['v=spf1 mx -all'],
    '_dmarc.example.org': ['v=DMARC1; p=none; sp=reject; rua=mailto:x@example.org'],
    'twice.example.test': ['v=spf1 -all', 'v=spf1 include:spf.messagingengine.com -all'],
    'slow.example.test': ['v=spf1 include:mail.silent.test -all'],
    'spf.messagingengine.com': ['v=spf1 ip4:198.51.100.50 ~all'],
}

ALL_NAMES = ','.join('DNS:' + host for host in NAMES)      # for a certificate of everybody's

UNBOUND = '''server:
  interface: %s
  interface: %s
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "/run/unbound"
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  module-config: "iterator"
  local-zone: "." static
  local-zone: "example.test." static
  local-zone: "com." static
  local-zone: "broken.test." always_refuse
  local-zone: "silent.test." deny
  local-zone: "alias.test." transparent
%sremote-control:
  control-enable: no
auth-zone:
  name: "alias.test."
  zonefile: "/etc/unbound/alias.zone"
  for-upstream: no
  for-downstream: yes
  fallback-enabled: no
'''

# A name that is another name for somebody else's server, as many a domain has.
ALIAS = '''$ORIGIN alias.test.
@ 60 IN SOA ns hostmaster 1 60 60 60 60
@ 60 IN NS ns
ns 60 IN A %s
mail 60 IN CNAME server.hoster
server.hoster 60 IN A %s
'''


class Wall:
    """A rule of the firewall: what happens to calls of these ports (all) at this address (any)."""

    def __init__(self, kind, ports, at=None, to=None):
        self.kind, self.ports, self.at, self.to = kind, ports, at, to

    @property
    def rule(self):
        if self.kind == 'lose long':
            return '%sip length > 1000 drop' % ('ip saddr %s ' % self.at if self.at else '')
        match = 'ip%s daddr %s ' % ('6' if ':' in self.at else '', self.at) if self.at else ''
        match += 'tcp dport { %s } ' % ', '.join(map(str, self.ports)) if self.ports else 'meta l4proto tcp '
        return match + {'drop': 'drop', 'reset': 'reject with tcp reset', 'redirect': 'redirect to :%s' % self.to,
                        'prohibit': 'reject with icmpx type admin-prohibited', 'cut hello': 'ip length > 250 reject with tcp reset',
                        'no protocol': 'reject with icmp type prot-unreachable', 'swallow hello': 'ip length > 250 drop'}[self.kind]


def drop(*ports, at=None):
    return Wall('drop', ports, at)


def reset(*ports, at=None):
    return Wall('reset', ports, at)


def prohibit(*ports, at=None):
    return Wall('prohibit', ports, at)


def redirect(*ports, to):
    """To a port of TARGET, whomever they call."""
    return Wall('redirect', ports, to=to)


def lose_long(at=None):
    """Long packets never come back from the world, and nobody says why."""
    return Wall('lose long', (), at)


def cut_hello(*ports):
    """Whoever begins TLS there is cut off."""
    return Wall('cut hello', ports)


def swallow_hello(*ports):
    """Whoever begins TLS there is not answered any more."""
    return Wall('swallow hello', ports)


def no_protocol(*ports, at=None):
    """Said to be unreachable, as if TCP itself were not known there."""
    return Wall('no protocol', ports, at)


def run(*argv, **how):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    if done.returncode:
        raise Unavailable('%s: %s' % (' '.join(argv), done.stdout.strip()[-200:]))
    return done.stdout


class Network:
    words = ()      # that the program needs, to be in it

    def __init__(self, number=0):
        if os.geteuid() != 0:
            raise Unavailable('network namespaces need root')
        self.client, self.world = 'opc%d.%d' % (os.getpid(), number), 'opw%d.%d' % (os.getpid(), number)
        self.etc = '/etc/netns/' + self.client
        self.processes, self.nft, self.links = [], None, None
        try:
            self._make(number)
        except BaseException:
            self.stop()
            raise

    def _make(self, number):
        nftables = Root('nftables', ['nftables'])
        unbound = Root('unbound', ['unbound'], ('unbound',))
        for name in (self.client, self.world):
            run('ip', 'netns', 'add', name)
            run('ip', '-n', name, 'link', 'set', 'lo', 'up')
        # A router says no as often as it is asked: this kernel would once a second, and then be silent.
        run('ip', 'netns', 'exec', self.world, 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit')
        run('ip', '-n', self.client, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'down0', 'netns', self.world)
        for name, link in ((self.client, 'up0'), (self.world, 'down0')):
            run('ip', '-n', name, 'link', 'set', link, 'up')
        for address in (TARGET, GMAIL, OFFICE, WEB, FASTMAIL, OUTLOOK, LOGIN, NAMESERVER, LIAR, HOME):
            run('ip', '-n', self.world, 'addr', 'add', address + '/24', 'dev', 'down0')
        for address in (SIX, GMAIL_6, NAMESERVER_6):
            run('ip', '-n', self.world, 'addr', 'add', address + '/64', 'dev', 'down0', 'nodad')
        self.nft = ['ip', 'netns', 'exec', self.world, *nftables.command('/usr/sbin/nft', '-f', '-')]
        os.makedirs(self.etc, exist_ok=True)
        self.link('IPv4')
        self.names(NAMESERVER)
        unbound.folder('/run/unbound')
        data = ''.join("  local-data: '%s. 60 IN %s %s'\n" % (host, 'AAAA' if ':' in address else 'A', address)
                       for host, addresses in NAMES.items() for address in addresses)
        data += ''.join("  local-data: '%s. 60 IN TXT \"%s\"'\n" % (name, text) for name, texts in TEXTS.items() for text in texts)
        unbound.write('/etc/unbound/alias.zone', ALIAS % (NAMESERVER, TARGET))
        config = unbound.write('/etc/unbound/doctor-%d.conf' % number, UNBOUND % (NAMESERVER, NAMESERVER_6, data))
        self.processes.append(Process(['ip', 'netns', 'exec', self.world,
                                       *unbound.command('/usr/sbin/unbound', '-d', '-c', config)]))
        self.processes[-1].await_line('start of service')

    @property
    def inside(self):
        return ['ip', 'netns', 'exec', self.client]

    def names(self, server, patiently=False):
        """Who is asked for names from now on; as patiently as a system is of itself?"""
        for name, text in (('resolv.conf', 'nameserver %s\n%s' % (server, '' if patiently else 'options timeout:1 attempts:1\n')),
                           ('nsswitch.conf', 'hosts: files dns\n'), ('hosts', '127.0.0.1 localhost\n')):
            with open(os.path.join(self.etc, name), 'w') as f:
                f.write(text)

    def firewall(self, *walls):
        """What happens to what comes in; without a rule all passes."""
        text = 'flush ruleset\n'
        for table, hook, rules in (('inet wall', 'filter hook input', [w for w in walls if w.kind not in ('redirect', 'lose long')]),
                                   ('inet narrow', 'filter hook output', [w for w in walls if w.kind == 'lose long']),
                                   ('ip catch', 'nat hook prerouting', [w for w in walls if w.kind == 'redirect'])):
            if rules:
                text += 'table %s {\n chain in {\n type %s priority 0\n%s }\n}\n' % (
                    table, hook, ''.join(' %s\n' % wall.rule for wall in rules))
        run(*self.nft, input=text)

    def link(self, kind):
        """What way out there is: IPv4, IPv6, both, an address that it gave itself ('own'), or None."""
        if kind == self.links:
            return
        up, add = ('ip', '-n', self.client), ('addr', 'add')
        run(*up, 'link', 'set', 'up0', 'up' if kind else 'down')
        run(*up, 'addr', 'flush', 'dev', 'up0', 'scope', 'global')
        if kind in ('IPv4', 'both', None):
            run(*up, *add, INSIDE + '/24', 'dev', 'up0')
            run(*up, *add, '10.77.0.1/24', 'dev', 'up0')
        if kind == 'own':
            run(*up, *add, '169.254.7.9/16', 'dev', 'up0')
            run(*up, 'route', 'replace', 'default', 'dev', 'up0')
        if kind in ('IPv6', 'both'):
            run(*up, *add, '2001:db8::1/64', 'dev', 'up0', 'nodad')
        self.links = kind

    def listen(self, address, port):
        family = socket.AF_INET6 if ':' in address else socket.AF_INET
        return self.within(lambda: socket.create_server((address, port), family=family, backlog=16))

    def within(self, make):
        """make(), by a thread that stands in the world: for its sockets."""
        made = []

        def work():
            libc = ctypes.CDLL(None, use_errno=True)
            with open('/run/netns/' + self.world) as there:
                if libc.setns(there.fileno(), NEWNET):
                    made.append(OSError(ctypes.get_errno(), 'setns'))
                    return
            try:
                made.append(make())
            except OSError as error:
                made.append(error)
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        return made[0]

    def lacks(self, scenario):
        """Why it can't be played here; None: it can."""

    def set(self, scenario):
        """The names, the firewall and the link that a scenario wants."""
        self.names(LIAR if scenario.names is not None else NAMESERVER_6 if scenario.link == 'IPv6' else NAMESERVER,
                   patiently=scenario.names == 'no IPv6')
        self.firewall(*scenario.wall)
        self.link(scenario.link)

    def stop(self):
        for process in self.processes:
            process.stop()
        for name in (self.client, self.world):
            subprocess.run(['ip', 'netns', 'del', name], stderr=subprocess.DEVNULL)
        for name in ('resolv.conf', 'nsswitch.conf', 'hosts'):
            if os.path.exists(os.path.join(self.etc, name)):
                os.unlink(os.path.join(self.etc, name))
        if os.path.isdir(self.etc):
            os.rmdir(self.etc)
