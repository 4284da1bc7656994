"""Dovecot's submission server in trouble: one Dovecot for each way, with TLS at once."""
from .debian import Root
from .dovecot import USERS
from .peer import PASSWORD, USER, Peer
from .process import free_ports

CONFIGURATION = '''
base_dir = /run/dovecot-%(name)s
state_dir = /var/lib/dovecot-%(name)s
log_path = /tmp/dovecot-%(name)s.log
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
    ssl = yes
  }
}
passdb {
  driver = passwd-file
  args = username_format=%%u /etc/dovecot/%(people)s
}
userdb {
  driver = %(userdb)s
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
'''
RELAY = 'submission_relay_ssl = smtps\nsubmission_relay_ssl_verify = %s\nsubmission_relay_user = relay\nsubmission_relay_password = wrong'
WAYS = {
    'good': {},
    'relay-down': {'behind': 1},
    'relay-sign-in': {'behind': 'unsigned'},
    'relay-password': {'behind': 'tls', 'more': RELAY % 'no'},
    'relay-certificate': {'behind': 'tls', 'more': RELAY % 'yes'},
    'few': {'more': 'submission_max_recipients = 1'},
    'size': {'more': 'submission_max_mail_size = 10k'},
    'no-user': {'userdb': 'passwd-file\n  args = /etc/dovecot/nobody'},
    'elsewhere': {'people': 'elsewhere'},
    'crowded': {'more': 'protocol submission {\n mail_max_userip_connections = 1\n}'},
}


def start(authority, zone, behind):
    """behind: ports of who takes what it hands on, by `trusted`, `unsigned` (wants a sign-in), `tls`."""
    root = Root('submission-in-trouble', ['dovecot-core', 'dovecot-submissiond'], USERS)
    zone.known_in(root)
    ports = free_ports(WAYS)
    peer = Peer('Dovecot submission in trouble', ports, ['PLAIN', 'LOGIN'], None)
    root.write('/etc/dovecot/users', '%s:{PLAIN}%s\n' % (USER, PASSWORD))
    root.write('/etc/dovecot/elsewhere', '%s:{PLAIN}%s::::::allow_nets=192.0.2.0/24\n' % (USER, PASSWORD))
    root.write('/etc/dovecot/nobody', 'somebody@example.test:::::\n')
    root.copy(authority.cert(), '/etc/dovecot/cert.pem')
    root.copy(authority.key(), '/etc/dovecot/key.pem')
    for name, way in WAYS.items():
        way = {'behind': 'trusted', 'more': '', 'people': 'users', 'userdb': 'static\n  args = uid=65534 gid=65534 home=/tmp', **way}
        for folder in ('/run/dovecot-', '/var/lib/dovecot-'):
            root.empty_folder(folder + name)
        root.write('/etc/dovecot/%s.conf' % name, CONFIGURATION % {
            **way, 'name': name, 'port': ports[name], 'behind': behind.get(way['behind'], way['behind'])})
        peer.run(root.command('/usr/sbin/dovecot', '-F', '-c', '/etc/dovecot/%s.conf' % name), port=ports[name])
    return peer
