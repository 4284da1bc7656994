"""A place of its own: a root folder where outpost is installed as `make install` does it, with the program at
/usr/sbin/sendmail, users, and the programs that call it. Its processes see /proc, its own files, and our network."""
import os
import shutil
import socket
import subprocess
import threading

from outpost import Result

from .debian import BUILD, Root, Unavailable
from .process import Process

OURS = ['libuv1', 'libc-ares2', 'libssl3', 'libsodium23', 'libjansson4', 'libexpat1', 'libsqlite3-0', 'libidn2-0', 'libpsl5',
        'libgsasl18', 'bash', 'coreutils', 'util-linux', 'libpam-modules']
USERS = {'outpost': 64100, 'alice': 64101, 'bob': 64102, 'carol': 64103}
NOBODY = 64999      # a uid that passwd does not know


class Host:
    def __init__(self, name, packages):
        self.root = Root(name, OURS + packages)
        self.path = self.root.path
        self.daemon = None
        self.syslog = []
        write, folder = self.root.write, self.root.folder
        everybody = {'root': 0, 'nobody': 65534, **USERS}
        write('/etc/passwd', ''.join('%s:x:%d:%d:%s:/home/%s:/bin/sh\n' % (u, i, i, u.title(), u) for u, i in everybody.items()))
        write('/etc/group', ''.join('%s:x:%d:\n' % (u, i) for u, i in everybody.items()))
        write('/etc/shadow', ''.join('%s:*:19000::::::\n' % u for u in everybody))
        write('/etc/mailname', 'machine.test\n')
        self.root.ids = USERS
        for user in USERS:
            self.root.empty_folder('/home/' + user, user)
        for path in ('/proc', '/root', '/run', '/var/mail', '/usr/local'):
            folder(path)
        shutil.rmtree(self.path + '/usr/local')
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet'], check=True, capture_output=True,
                       env={**os.environ, 'DESTDIR': self.path})
        for place, name in (('/usr/sbin', 'sendmail'), ('/usr/bin', 'mailq'), ('/usr/bin', 'newaliases'), ('/usr/lib', 'sendmail')):
            link = self.root.file('%s/%s' % (place, name))
            if os.path.lexists(link):
                os.unlink(link)
            os.symlink('/usr/local/lib/outpost/' + name, link)
        if not os.path.lexists(self.path + '/bin/sh'):      # which Debian's installation makes
            os.symlink('bash', self.path + '/bin/sh')
        self._listen_to_syslog()

    def _listen_to_syslog(self):
        path = self.root.file('/dev/log')
        if os.path.exists(path):
            os.unlink(path)
        folder = os.open(os.path.dirname(path), os.O_PATH)
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind('/proc/self/fd/%d/log' % folder)
        os.close(folder)
        os.chmod(path, 0o666)

        def read():
            while line := self.log.recv(65536):
                self.syslog.append(line.decode(errors='replace'))
        threading.Thread(target=read, daemon=True).start()

    def _write_account(self, sandbox, folder, **local):
        self.root.copy(sandbox.ca, folder + '/ca.pem')
        self.root.write(folder + '/password', sandbox.password)
        self.root.write(folder + '/outpost.conf', '\n'.join([
            '[account main]', 'address = ' + sandbox.user, 'username = ' + sandbox.user, 'auth = password',
            'server = localhost:%d' % sandbox.ports['tls'], 'security = tls', 'ca_file = %s/ca.pem' % folder,
            'secret = command:cat %s/password' % folder, '[local]', 'admin = admin@x.test',
            *('%s = %s' % pair for pair in local.items()), '']))

    def configure(self, sandbox, **local):
        """The machine's configuration: one account at the sandbox, mail for its users to the admin."""
        folder = self.root.empty_folder
        folder('/etc/outpost')
        folder('/var/lib/outpost', 'outpost', mode=0o700)
        folder('/run/outpost', 'outpost')
        self._write_account(sandbox, '/etc/outpost', **local)
        for name, mode in (('password', 0o640), ('outpost.conf', 0o640)):
            path = self.path + '/etc/outpost/' + name
            os.chown(path, 0, USERS['outpost'])
            os.chmod(path, mode)

    def configure_user(self, user, sandbox):
        """The same, of the user's own."""
        for folder in ('/home/' + user, '/home/%s/.config' % user):
            self.root.empty_folder(folder, user)
        folder = '/home/%s/.config/outpost' % user
        self._write_account(sandbox, folder)
        for path in ('', '/ca.pem', '/password', '/outpost.conf'):
            os.chown(self.path + folder + path, USERS[user], USERS[user])
            os.chmod(self.path + folder + path, 0o600 if path else 0o700)

    def command(self, argv, uid=0, proc=True, privileges=True):
        """As what it is run on our side: in a mount namespace, for /proc, and chrooted."""
        mount = 'mount --bind /proc "$0/proc" && ' if proc else ''
        drop = ['/usr/bin/setpriv', '--reuid', str(uid), '--regid', str(uid), '--clear-groups',
                *([] if privileges else ['--no-new-privs'])]
        return ['unshare', '--mount', 'sh', '-c', mount + 'exec chroot "$0" "$@"', self.path, *drop, *argv]

    def environment(self, uid):
        name = next((user for user, number in USERS.items() if number == uid), 'root')
        return {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb',
                'HOME': '/home/' + name if uid else '/root', 'USER': name, 'LOGNAME': name}

    def run(self, *argv, uid=0, stdin=b'', env=None, timeout=60, **how):
        done = subprocess.run(self.command(argv, uid, **how), input=stdin, capture_output=True, timeout=timeout,
                              env=self.environment(uid) if env is None else env)
        return Result(done)

    def start(self, *argv, uid=0, stdin=subprocess.DEVNULL):
        return Process(self.command(argv, uid), env=self.environment(uid), stdin=stdin)

    def serve(self):
        self.daemon = self.start('/usr/local/bin/outpost', 'serve', '--system', uid=USERS['outpost'])
        self.daemon.await_line(' ready ')
        return self.daemon

    def stop(self):
        if self.daemon:
            self.daemon.stop()
        self.daemon = None


def start(name='host', packages=()):
    if not shutil.which('unshare'):
        raise Unavailable('unshare is not here')
    return Host(name, list(packages))
