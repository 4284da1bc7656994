"""Two network namespaces: `inside`, where the program runs, and the Internet as far as it is needed: the server in
question, two providers to compare it with, their HTTPS, and names. Between them a firewall (nftables)."""
import ctypes
import os
import subprocess
import threading

from peers.debian import Root, Unavailable
from peers.process import Process

NEWNET = 0x40000000
NAMESERVER, LIAR = '198.51.100.53', '198.51.100.54'
TARGET, GMAIL, OFFICE, WEB, FASTMAIL, OUTLOOK = ('198.51.100.%d' % n for n in (10, 20, 30, 40, 50, 60))
INSIDE, HOME = '198.51.100.1', '10.77.0.10'     # HOME: a server in the house

RECORDS = [
    'mail.example.test. 60 IN A ' + TARGET,
    'home.example.test. 60 IN A ' + HOME,
    'six.example.test. 60 IN AAAA 2001:db8::10',
    'both.example.test. 60 IN A ' + TARGET,
    'both.example.test. 60 IN AAAA 2001:db8::10',
    'smtp.gmail.com. 60 IN A ' + GMAIL,
    'smtp.office365.com. 60 IN A ' + OFFICE,
    'smtp-mail.outlook.com. 60 IN A ' + OUTLOOK,
    'smtp.fastmail.com. 60 IN A ' + FASTMAIL,
    'gmail.googleapis.com. 60 IN A ' + WEB,
    'graph.microsoft.com. 60 IN A ' + WEB,
]

UNBOUND = '''server:
  interface: %s
  do-ip6: no
  access-control: 0.0.0.0/0 allow
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
%sremote-control:
  control-enable: no
'''


def run(*argv, **how):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **how)
    if done.returncode:
        raise Unavailable('%s: %s' % (' '.join(argv), done.stdout.strip()[-200:]))
    return done.stdout


class Network:
    def __init__(self):
        if os.geteuid() != 0:
            raise Unavailable('network namespaces need root')
        self.client, self.world = 'opc%d' % os.getpid(), 'opw%d' % os.getpid()
        self.etc = '/etc/netns/' + self.client
        self.processes, self.nft = [], None
        try:
            self._make()
        except BaseException:
            self.stop()
            raise

    def _make(self):
        nftables = Root('nftables', ['nftables'])
        unbound = Root('unbound', ['unbound'], ('unbound',))
        for name in (self.client, self.world):
            run('ip', 'netns', 'add', name)
            run('ip', '-n', name, 'link', 'set', 'lo', 'up')
        run('ip', '-n', self.client, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'down0', 'netns', self.world)
        for name, link in ((self.client, 'up0'), (self.world, 'down0')):
            run('ip', '-n', name, 'link', 'set', link, 'up')
        run('ip', '-n', self.client, 'addr', 'add', INSIDE + '/24', 'dev', 'up0')
        run('ip', '-n', self.client, 'addr', 'add', '10.77.0.1/24', 'dev', 'up0')
        for address in (TARGET, GMAIL, OFFICE, WEB, FASTMAIL, OUTLOOK, NAMESERVER, LIAR, HOME):
            run('ip', '-n', self.world, 'addr', 'add', address + '/24', 'dev', 'down0')
        self.nft = ['ip', 'netns', 'exec', self.world, *nftables.command('/usr/sbin/nft', '-f', '-')]
        os.makedirs(self.etc, exist_ok=True)
        self.names(NAMESERVER)
        unbound.empty_folder('/run/unbound')
        data = ''.join("  local-data: '%s'\n" % record for record in RECORDS)
        unbound.write('/etc/unbound/doctor.conf', UNBOUND % (NAMESERVER, data))
        self.processes.append(Process(['ip', 'netns', 'exec', self.world,
                                       *unbound.command('/usr/sbin/unbound', '-d', '-c', '/etc/unbound/doctor.conf')]))
        self.processes[-1].await_line('start of service')

    @property
    def inside(self):
        return ['ip', 'netns', 'exec', self.client]

    def names(self, server):
        """Who is asked for names from now on."""
        for name, text in (('resolv.conf', 'nameserver %s\noptions timeout:1 attempts:1\n' % server),
                           ('nsswitch.conf', 'hosts: files dns\n'), ('hosts', '127.0.0.1 localhost\n')):
            with open(os.path.join(self.etc, name), 'w') as f:
                f.write(text)

    def firewall(self, *rules):
        """What happens to what comes in; without a rule all passes."""
        text = 'flush ruleset\n'
        if rules:
            text += 'table inet wall {\n chain in {\n type filter hook input priority 0\n%s }\n}\n' % ''.join(
                ' %s\n' % rule for rule in rules)
        run(*self.nft, input=text)

    def link(self, up):
        run('ip', '-n', self.client, 'link', 'set', 'up0', 'up' if up else 'down')

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
