"""outpost's units on the machine of peers/machine.py, enabled as a person would."""
import re
import subprocess
import sys

from messages import message

DAEMON_UID = 1      # somebody of the machine without rights
ACCOUNT = '''
[account test]
address = me@example.test
server = 127.0.0.1:1
security = none
auth = none
allow_plaintext = yes
'''
SERVICE = 'outpost.service'
# A program of the machine's that hands in a message (src/gateway/submission.h): the folder's descriptor, who it is.
HAND_IN = '''
import os, socket, sys
folder, uid = os.open(sys.argv[1], os.O_PATH), int(sys.argv[2])
os.setgroups([]), os.setegid(uid), os.seteuid(uid)
message = sys.stdin.buffer.read()
with socket.socket(socket.AF_UNIX) as s:
    s.connect('/proc/self/fd/%d/submit' % folder)
    s.sendall(b'outpost-submit 1\\nrecipient a@b.test\\naccount test\\n\\n%d\\n%s0\\n' % (len(message), message))
    print(s.makefile().read())
'''


class Service:
    """The system's, enabled."""

    def __init__(self, machine):
        self.machine = machine
        self.enabled = machine.run('outpost', 'service', 'enable', '--system')

    def show(self, key, unit=SERVICE):
        return self.machine.run('systemctl', 'show', '--value', '-p', key, unit).out.strip()

    def systemctl(self, *words):
        done = self.machine.run('systemctl', *words)
        assert done.status == 0, done

    def configure(self, text):
        self.machine.write('/etc/outpost/outpost.conf', text, '644')

    def restart(self):
        self.systemctl('reset-failed', SERVICE)     # who restarts often is not let for a while
        self.systemctl('restart', SERVICE)

    def send(self, uid=DAEMON_UID):
        done = subprocess.run([sys.executable, '-c', HAND_IN, '/proc/%d/root/run/outpost' % self.machine.first, str(uid)],
                              input=message()[0], capture_output=True, timeout=60)
        queued = re.match(r'0 queued as (\d+)', done.stdout.decode())
        assert queued, done
        return int(queued.group(1))

    def events(self, name, *matches):
        return self.machine.journal('-u', SERVICE, 'OUTPOST_EVENT=' + name, *matches)
