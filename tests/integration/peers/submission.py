"""Dovecot's submission server: it signs people in, and hands each command on to a server behind it, as whom."""
from .debian import Root
from .dovecot import USERS
from .peer import PASSWORD, USER, Peer
from .process import free_port

CONFIG = '''
base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /dev/stderr
protocols = submission
hostname = smtp.test
ssl = required
ssl_cert = </etc/dovecot/cert.pem
ssl_key = </etc/dovecot/key.pem
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:/tmp/mail
submission_relay_host = 127.0.0.1
submission_relay_port = %(behind)d
submission_relay_trusted = yes
service submission-login {
  inet_listener submission {
    address = 127.0.0.1
    port = %(starttls)d
  }
}
passdb {
  driver = passwd-file
  args = username_format=%%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/tmp
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
'''


def start(authority, postfix):
    root = Root('submission', ['dovecot-core', 'dovecot-submissiond'], USERS)
    ports = {'starttls': free_port()}
    peer = Peer('dovecot', ports, ['PLAIN', 'LOGIN'], postfix.mailbox)
    root.write('/etc/dovecot/dovecot.conf', CONFIG % {**ports, 'behind': postfix.ports['behind']})
    root.write('/etc/dovecot/users', '%s:{PLAIN}%s\n' % (USER, PASSWORD))
    root.copy(authority.cert(), '/etc/dovecot/cert.pem')
    root.copy(authority.key(), '/etc/dovecot/key.pem')
    root.empty_folder('/run/dovecot')
    root.folder('/var/lib/dovecot')
    peer.run(root.command('/usr/sbin/dovecot', '-F', '-c', '/etc/dovecot/dovecot.conf'), port=ports['starttls'])
    return peer
