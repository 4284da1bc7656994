"""Dovecot as the authority that mail servers ask whether a sign-in is right; it serves no mail itself."""
USERS = ('dovecot', 'dovenull')
PACKAGE = 'dovecot-core'


def start(peer, root, socket):
    """For this peer, which knows it by /run/dovecot/SOCKET in its root."""
    root.write('/etc/dovecot/users', '%s:{PLAIN}%s\n' % (peer.user, peer.password))
    root.write('/etc/dovecot/dovecot.conf', '''
base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
auth_verbose = yes
auth_failure_delay = 0
passdb {
  driver = passwd-file
  args = username_format=%%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/tmp
}
# A penalty for wrong passwords, meant for strangers, would slow the tests.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener %s {
    mode = 0666
  }
}
''' % socket)
    root.empty_folder('/run/dovecot')
    peer.run(root.command('/usr/sbin/dovecot', '-F', '-c', '/etc/dovecot/dovecot.conf'), says='starting up')
