"""A machine of its own: a real systemd as process 1 of namespaces, with outpost installed; journal, rsyslog and
D-Bus are systemd's and Debian's own. Nothing of it is seen outside."""
import json
import os
import shutil
import signal
import subprocess

from .debian import BUILD, Root, Unavailable
from .process import Process, until

PACKAGES = ['systemd', 'dbus', 'rsyslog', 'bash', 'coreutils', 'util-linux', 'login', 'passwd', 'procps', 'libpam-modules',
            'libpam-systemd', 'libpam-runtime',
            # what outpost is linked with, and its modules
            'libuv1', 'libssl3', 'libc-ares2', 'libjansson4', 'libsodium23', 'libexpat1', 'libsqlite3-0', 'libsystemd0',
            'libgsasl18', 'libcurl4', 'libidn2-0', 'libpsl5']
# Process 1 sees a root that is Debian's packages with a layer in memory over it: each machine is a fresh one.
BOOT = r'''
set -e
root=$1 stage=$2
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/up /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir="$root",upperdir=/mnt/up,workdir=/mnt/work /mnt/root
cd /mnt/root
cp -a "$stage/." .
mkdir -p proc sys dev run tmp var/tmp etc/systemd/system root home
chmod 1777 var/tmp
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    name=${node%%:*} numbers=${node#*:}
    mknod -m 666 "dev/$name" c "${numbers%:*}" "${numbers#*:}"
done
mkdir dev/pts dev/shm
chmod 1777 dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -sf bash bin/sh
echo machine.test > etc/hostname
echo 0123456789abcdef0123456789abcdef > etc/machine-id
ln -sf /lib/systemd/system/multi-user.target etc/systemd/system/default.target
for unit in systemd-udevd.service systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service \
    sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount dev-hugepages.mount getty.target; do
    ln -sf /dev/null "etc/systemd/system/$unit"
done
exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system --log-target=console
'''


class Machine:
    def __init__(self, folder, arrange=None):
        """arrange(stage): puts more files in before it boots, where they are to lie."""
        root = Root('machine', PACKAGES)
        stage = str(folder / 'stage')
        subprocess.run(['meson', 'install', '-C', BUILD, '--no-rebuild', '--quiet'], check=True, capture_output=True,
                       env={**os.environ, 'DESTDIR': stage})
        if arrange:
            arrange(stage)
        root.write('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/usr/sbin/nologin\n')
        root.write('/etc/group', 'root:x:0:\nnogroup:x:65534:\n')
        self.process = Process(['/usr/bin/unshare', '--mount', '--pid', '--fork', '--kill-child', '--cgroup', '--uts',
                                '--ipc', '--net', '--propagation', 'private', '/bin/sh', '-c', BOOT, 'boot', root.path,
                                stage])
        try:
            self.first = until(self._first, 'process 1 of the machine')
            until(lambda: self.run('systemctl', 'is-system-running').out.strip() in ('running', 'degraded'),
                  'the machine')
        except (TimeoutError, RuntimeError) as error:
            self.stop()
            raise Unavailable('systemd does not start here: %s; %s' % (error, self.process.said[-500:])) from error
        shutil.rmtree(stage)

    def _first(self):
        if self.process.popen.poll() is not None:
            raise RuntimeError('it ended')
        pid = self.process.popen.pid
        with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
            return int((f.read().split() or [0])[0])

    def run(self, *argv, stdin=b'', uid=0, env=None):
        """A program within; as root unless another is named."""
        who = ['setpriv', '--reuid', str(uid), '--regid', str(uid), '--clear-groups'] if uid else []
        inside = ['/usr/bin/nsenter', '--target', str(self.first), '--all', '--root', '--wd', *who]
        done = subprocess.run([*inside, *argv], input=stdin, capture_output=True, timeout=120,
                              env={'PATH': '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'TERM': 'dumb',
                                   'LC_ALL': 'C', 'XDG_RUNTIME_DIR': '/run/user/%d' % uid, **(env or {})})
        return Done(done)

    def sh(self, line, **how):
        return self.run('sh', '-c', line, **how)

    def write(self, path, text, mode='644'):
        done = self.sh('mkdir -p "$(dirname %s)" && cat > %s && chmod %s %s' % (path, path, mode, path), stdin=text.encode())
        assert done.status == 0, done

    def read(self, path):
        return self.sh('cat %s' % path).out

    def journal(self, *matches):
        """What the journal has, as dictionaries, the oldest first."""
        self.run('journalctl', '--sync')
        return [json.loads(line) for line in self.run('journalctl', '-o', 'json', '--no-pager', *matches).out.splitlines()]

    def stop(self):
        self.process.popen.send_signal(signal.SIGKILL)      # and with it everything within
        self.process.stop()


class Done:
    def __init__(self, done):
        self.status = done.returncode
        self.out = done.stdout.decode(errors='replace')
        self.err = done.stderr.decode(errors='replace')

    def __repr__(self):
        return 'exit %d\n--- stdout\n%s--- stderr\n%s' % (self.status, self.out, self.err)


def start(folder, arrange=None):
    return Machine(folder, arrange)
