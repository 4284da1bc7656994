"""Dovecot's submission server: it signs people in, and hands each command on to a server behind it, as whom."""
from .debian import Root
from .dovecot import USERS
from .peer import PASSWORD, USER, Peer
from .process import free_port

STATIC = 'static\n  args = uid=65534 gid=65534 home=/tmp'
CONFIGURATION = '''
base_dir = /run/dovecot-%(name)s
state_dir = /var/lib/dovecot-%(name)s
log_path = %(log)s
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
%(more)s
service submission-login {
  inet_listener submission {
    address = 127.0.0.1
    port = %(port)d
    ssl = %(at_once)s
  }
}
passdb {
  driver = passwd-file
  args = username_format=%%u /etc/dovecot/%(people)s
}
userdb {
  driver = %(userdb)s
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
'''


def install(root, authority):
    """What all of them have: a certificate, and one who may sign in."""
    root.write('/etc/dovecot/users', '%s:{PLAIN}%s\n' % (USER, PASSWORD))
    root.copy(authority.cert(), '/etc/dovecot/cert.pem')
    root.copy(authority.key(), '/etc/dovecot/key.pem')


def run(peer, root, name, port, behind, **way):
    """One Dovecot, by its way: at_once (TLS), log, more (settings), people (who signs in), userdb."""
    way = {'at_once': 'no', 'log': '/dev/stderr', 'more': '', 'people': 'users', 'userdb': STATIC, **way}
    for folder in ('/run/dovecot-', '/var/lib/dovecot-'):
        root.empty_folder(folder + name)
    root.write('/etc/dovecot/%s.conf' % name, CONFIGURATION % {**way, 'name': name, 'port': port, 'behind': behind})
    peer.run(root.command('/usr/sbin/dovecot', '-F', '-c', '/etc/dovecot/%s.conf' % name), port=port)


def start(authority, postfix):
    root = Root('submission', ['dovecot-core', 'dovecot-submissiond'], USERS)
    ports = {'starttls': free_port()}
    peer = Peer('dovecot', ports, ['PLAIN', 'LOGIN'], postfix.mailbox)
    install(root, authority)
    run(peer, root, 'submission', ports['starttls'], postfix.ports['behind'], more='submission_relay_trusted = yes')
    return peer
