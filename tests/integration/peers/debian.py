"""Debian packages unpacked into a folder which serves as the root (chroot) of what they hold.

The package manager works out and downloads a package with all it depends on, into a state of its own;
no package is installed, no maintainer script runs, no service starts.
"""
import fcntl
import os
import shutil
import stat
import subprocess

BUILD = os.environ.get('OUTPOST_BUILD') or os.path.abspath(
    os.path.join(os.path.dirname(__file__), '../../../build'))
PEERS = os.path.join(BUILD, 'peers')


class Unavailable(Exception):
    """Why a peer can't be had on this machine; the tests that want it are skipped with this reason."""


class Root:
    """A folder with everything some packages need to run; programs run chrooted into it."""

    def __init__(self, name, packages, users=()):
        """users: names that get a user and a group in this root's own passwd."""
        if os.geteuid() != 0:
            raise Unavailable('needs root, to run %s in a root folder of its own' % name)
        os.makedirs(PEERS, exist_ok=True)
        self.path = os.path.join(PEERS, name)
        self.ids = {user: 64100 + n for n, user in enumerate(users)}
        with open(self.path + '.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.exists(self.path + '/complete'):
                shutil.rmtree(self.path, ignore_errors=True)
                self._unpack(packages)
                self._devices()
                self.write('/complete', ' '.join(packages))
        self._users()

    def _unpack(self, packages):
        apt, archives = os.path.join(PEERS, 'apt'), self.path + '.packages'
        for folder in (apt + '/lists/partial', archives + '/partial'):
            os.makedirs(folder, exist_ok=True)
        open(apt + '/status', 'w').close()      # nothing is installed: so all they need is wanted
        settings = {'Dir::State': apt, 'Dir::State::Lists': apt + '/lists', 'Dir::State::status': apt + '/status',
                    'Dir::Cache': apt, 'Dir::Cache::archives': archives, 'APT::Sandbox::User': 'root'}
        get = ['apt-get', '-q', '-y', '--no-install-recommends']
        for name, value in settings.items():
            get += ['-o', '%s=%s' % (name, value)]
        with open(apt + '/lock-of-tests', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                _run(get + ['--download-only', 'install', *packages])
            except Unavailable:     # the lists are absent, or older than the mirror
                _run(get + ['update'])
                _run(get + ['--download-only', 'install', *packages])
        for name in sorted(os.listdir(archives)):
            if name.endswith('.deb'):
                _run(['dpkg-deb', '-x', os.path.join(archives, name), self.path])
        shutil.rmtree(archives)

    def _devices(self):
        for name, major, minor in (('null', 1, 3), ('zero', 1, 5), ('random', 1, 8), ('urandom', 1, 9)):
            path = self.file('/dev/' + name)
            try:
                os.mknod(path, stat.S_IFCHR, os.makedev(major, minor))
                os.chmod(path, 0o666)
                open(path, 'r+b').close()
            except OSError as error:
                raise Unavailable('no device files can be made here: %s' % error) from error
        os.makedirs(self.path + '/tmp', exist_ok=True)
        os.chmod(self.path + '/tmp', 0o1777)

    def _users(self):
        everybody = {'root': 0, 'nobody': 65534, **self.ids}
        self.write('/etc/passwd', ''.join('%s:x:%d:%d::/:/bin/false\n' % (u, i, i) for u, i in everybody.items()))
        self.write('/etc/group', ''.join('%s:x:%d:\n' % (u, i) for u, i in everybody.items()))
        self.write('/etc/hosts', '127.0.0.1 localhost\n::1 localhost\n')
        self.write('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files\n')

    def file(self, path):
        """Where a path of this root lies on the machine; its folder is made."""
        outside = self.path + path
        os.makedirs(os.path.dirname(outside), exist_ok=True)
        return outside

    def write(self, path, text):
        with open(self.file(path), 'w') as f:
            f.write(text)
        return path

    def copy(self, source, path, user='root'):
        os.chown(shutil.copy(source, self.file(path)), self.ids.get(user, 0), -1)
        return path

    def folder(self, path, user='root', group=None, mode=0o755):
        outside = self.path + path
        os.makedirs(outside, exist_ok=True)
        ids = {'root': 0, 'nobody': 65534, **self.ids}
        os.chown(outside, ids[user], ids[group or user])
        os.chmod(outside, mode)
        return path

    def empty_folder(self, path, *owner, **how):
        shutil.rmtree(self.path + path, ignore_errors=True)
        return self.folder(path, *owner, **how)

    def command(self, *argv):
        return ['/usr/sbin/chroot', self.path, *argv]


def _run(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors='replace')
    if done.returncode != 0:
        raise Unavailable('%s failed: %s' % (' '.join(argv[:1] + argv[-2:]), done.stdout.strip()[-300:]))
    return done.stdout
