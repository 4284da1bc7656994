"""A real gnome-keyring on a session bus of its own. It is unlocked, locked, stopped and gone when told."""
import os
import signal
import subprocess

from .debian import Root
from .process import Process, until

PACKAGES = ['gnome-keyring', 'dbus-daemon', 'dbus-bin']
CONFIGURATION = '''<busconfig>
  <type>session</type>
  <listen>unix:path=/run/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
'''
ENVIRONMENT = {'PATH': '/usr/bin', 'HOME': '/home', 'XDG_RUNTIME_DIR': '/run/user', 'LC_ALL': 'C.UTF-8',
               'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/run/bus'}


class Keyring:
    def __init__(self):
        self.root = root = Root('keyring', PACKAGES)
        for folder in ('/home', '/run', '/run/user'):
            root.empty_folder(folder, mode=0o700)
        root.write('/etc/bus.conf', CONFIGURATION)
        root.write('/etc/machine-id', '0123456789abcdef0123456789abcdef\n')
        root.write('/password', 'the keyring\'s own')
        self.bus = Process(root.command('/usr/bin/dbus-daemon', '--config-file=/etc/bus.conf', '--nofork'),
                           env=ENVIRONMENT)
        until(lambda: os.path.exists(root.path + '/run/bus'), 'the session bus')
        self.daemon = None
        self.unlock()

    @property
    def environment(self):
        """What a program needs to find it."""
        return {'DBUS_SESSION_BUS_ADDRESS': 'unix:path=%s/run/bus' % self.root.path}

    def _start(self, locked, *options, **how):
        if self.daemon:
            self.daemon.stop()
        self.daemon = Process(self.root.command('/usr/bin/gnome-keyring-daemon', '--foreground',
                                                '--components=secrets', *options), env=ENVIRONMENT, **how)
        until(lambda: self._locked() == locked, 'gnome-keyring')

    def _locked(self):
        """'true', 'false', or None: it is not there yet."""
        done = subprocess.run(self.root.command(
            '/usr/bin/dbus-send', '--session', '--print-reply=literal', '--dest=org.freedesktop.secrets',
            '/org/freedesktop/secrets/collection/login', 'org.freedesktop.DBus.Properties.Get',
            'string:org.freedesktop.Secret.Collection', 'string:Locked'), env=ENVIRONMENT, capture_output=True, text=True)
        return done.stdout.split()[-1] if done.stdout else None

    def unlock(self):
        with open(self.root.path + '/password') as password:
            self._start('false', '--unlock', stdin=password)

    def lock(self):
        """Another daemon, which nobody gave the password."""
        self._start('true')

    def hang(self):
        self.daemon.popen.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.daemon.popen.send_signal(signal.SIGCONT)

    def files(self):
        """Where it keeps what it was given."""
        return self.root.path + '/home/.local/share/keyrings'

    def stop(self):
        self.go_on()
        self.daemon.stop()
        self.bus.stop()


def start():
    return Keyring()
