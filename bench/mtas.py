"""The servers that are compared: each takes mail in on a port of the loopback, from anybody there, and either keeps it or
sends it on to a provider, by STARTTLS and PLAIN. Postfix and Exim are unpacked into build/peers, never installed; all
keep their queues on the same disk, and fsync what they keep.
"""
import os
import subprocess
import sys

from outpost import PROGRAM
from peers import postfix_root
from peers.debian import Root
from peers.process import Process, free_port

USER, PASSWORD = 'alice@example.test', 'secret'
TICK = os.sysconf('SC_CLK_TCK')


def tree(pid):
    """The process and all that descend from it."""
    found, look = [], [pid]
    while look:
        pid = look.pop()
        found.append(pid)
        try:
            for task in os.listdir('/proc/%d/task' % pid):
                with open('/proc/%d/task/%s/children' % (pid, task)) as f:
                    look += map(int, f.read().split())
        except OSError:
            pass        # it has ended
    return found


class Server:
    """Started, measured, stopped. `process` is the one all others descend from."""
    process = None

    def cpu(self):
        """Seconds of CPU so far, user's and system's, of all its processes and of those that ended."""
        ticks = 0
        for pid in tree(self.process.popen.pid):
            try:
                with open('/proc/%d/stat' % pid) as f:
                    ticks += sum(map(int, f.read().rpartition(')')[2].split()[11:15]))
            except OSError:
                pass
        return ticks / TICK

    def memory(self):
        """Resident bytes, of all its processes."""
        total = 0
        for pid in tree(self.process.popen.pid):
            with open('/proc/%d/smaps_rollup' % pid) as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith('Rss:'))
        return total * 1024

    def stop(self):
        self.process.stop()


class Outpost(Server):
    name = 'outpost'

    def __init__(self, folder, provider=None, authority=None, listen='security = none'):
        """provider: the port to send on to; without one it is where nobody listens."""
        self.port, config = free_port(), os.path.join(folder, 'outpost.conf')
        os.makedirs(folder, exist_ok=True)
        secret = os.path.join(folder, 'secret')
        with open(secret, 'w') as f:
            f.write(PASSWORD)
        with open(config, 'w') as f:
            f.write('[account test]\naddress = %s\nserver = localhost:%d\nsecurity = starttls\nauth = password\n'
                    'mechanisms = plain\nsecret = command:cat %s\n%s'
                    '[listen desk]\naddress = 127.0.0.1:%d\nno_password_from = 127.0.0.0/8\n%s\n'
                    % (USER, provider or free_port(), secret, 'ca_file = %s\n' % authority.ca if authority else '',
                       self.port, listen))
        os.chmod(config, 0o600)
        self.log = open(os.path.join(folder, 'log'), 'wb')
        self.process = Process(['/bin/sh', '-c', 'exec "$0" "$@" 2>"$LOG"', PROGRAM, 'serve', '--config', config],
                               env={'PATH': os.environ['PATH'], 'HOME': folder, 'LC_ALL': 'C', 'LOG': self.log.name})
        self.process.await_port(self.port)


SETTINGS = '''
mynetworks = 127.0.0.0/8
smtpd_recipient_restrictions = %(take)s permit_mynetworks, reject
default_process_limit = 300
in_flow_delay = 0
relayhost = [localhost]:%(provider)d
smtp_host_lookup = native
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = nexthop
smtp_tls_CAfile = /etc/postfix/ca.pem
smtp_tls_connection_reuse = yes
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{{[localhost]:%(provider)d=alice@example.test:secret}}
smtp_sasl_security_options = noanonymous
smtp_sasl_mechanism_filter = plain
'''

SERVICES = '''
127.0.0.1:%d inet n - n - - smtpd
bounce unix - - n - 0 bounce
'''


def postfix_of_its_own():
    return postfix_root.make('postfix-bench', ['libsasl2-modules'])


class Postfix(Server):
    """Without a provider what comes is put on hold: the queue file is written and synced, and no more is done with it."""
    name = 'Postfix'

    def __init__(self, provider=None, authority=None):
        root, self.port = postfix_of_its_own(), free_port()
        wishes = {'provider': provider or 25, 'take': '' if provider else 'check_client_access static:HOLD,'}
        postfix_root.arrange(root, SETTINGS % wishes, SERVICES % self.port)
        if authority:
            root.copy(authority.ca, '/etc/postfix/ca.pem')
        self.process = Process(root.command(*postfix_root.MASTER))
        self.process.await_port(self.port)


EXIM = r'''
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim
log_file_path = /var/log/exim/%%slog
pid_file_path = /var/spool/exim/exim.pid
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = %d
queue_only = %s
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
split_spool_directory = true
acl_smtp_rcpt = accept
acl_smtp_data = accept
never_users =
keep_environment =
'''

# On to a provider: each message by a process of its own, as it comes.
EXIM_ON = r'''
begin routers
provider:
  driver = manualroute
  transport = provider
  route_list = * localhost byname
  self = send
begin transports
provider:
  driver = smtp
  port = %d
  allow_localhost = true
  hosts_require_tls = *
  hosts_require_auth = *
  tls_verify_certificates = /etc/exim/ca.pem
  tls_verify_hosts = *
  tls_verify_cert_hostnames = *
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^%s^%s
'''


class Exim(Server):
    """Without a provider it takes in and keeps; nothing runs its queue."""
    name = 'Exim'

    def __init__(self, provider=None, authority=None):
        root, self.port = Root('exim-bench', ['exim4-daemon-light'], ('Debian-exim',)), free_port()
        root.write('/etc/exim/exim.conf', EXIM % (self.port, 'false' if provider else 'true') +
                   (EXIM_ON % (provider, USER, PASSWORD) if provider else ''))
        if authority:
            root.copy(authority.ca, '/etc/exim/ca.pem')
        for folder in ('/var/spool/exim', '/var/log/exim'):
            root.empty_folder(folder, 'Debian-exim')
        self.process = Process(root.command('/usr/sbin/exim4', '-C', '/etc/exim/exim.conf', '-bdf'))
        self.process.await_port(self.port)


class Source:
    """Postfix's smtp-source: so many messages of so many octets, over so many lines at once."""

    def __init__(self, size=10240):
        self.root, self.size = postfix_of_its_own(), size

    def command(self, port, lines, count, *more):
        return self.root.command('/usr/sbin/smtp-source', '-d', '-s', str(lines), '-m', str(count), '-l', str(self.size),
                                 '-f', USER, '-t', 'somebody@x.test', *more, '127.0.0.1:%d' % port)

    def send(self, port, lines, count, *more):
        done = subprocess.run(self.command(port, lines, count, *more), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=300)
        if done.returncode or done.stderr:
            sys.exit('smtp-source to port %d: %s' % (port, done.stderr.strip()[-300:]))


class Sink(Server):
    """Postfix's smtp-sink: what the load could be, if nothing were kept."""
    name = 'smtp-sink, keeps nothing'

    def __init__(self):
        self.port = free_port()
        self.process = Process(postfix_of_its_own().command('/usr/sbin/smtp-sink', '-u', 'nobody', '127.0.0.1:%d' % self.port, '1000'))
        self.process.await_port(self.port)
