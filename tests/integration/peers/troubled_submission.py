"""Dovecot's submission server in trouble: one Dovecot for each way, with TLS at once."""
from .debian import Root
from .dovecot import USERS
from .peer import PASSWORD, USER, Peer
from .process import free_ports
from .submission import install, run

ANVIL = 'service anvil {\n unix_listener anvil-auth-penalty {\n mode = 0\n }\n}\n'     # no waiting after a wrong password
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
    'client-certificate': {'more': 'auth_ssl_require_client_cert = yes\nssl_verify_client_cert = yes\nssl_ca = </etc/dovecot/cert.pem'},
    'crowded': {'more': 'protocol submission {\n mail_max_userip_connections = 1\n}'},
}


def start(authority, zone, behind):
    """behind: ports of who takes what it hands on, by `trusted`, `unsigned` (wants a sign-in), `tls`."""
    root = Root('submission-in-trouble', ['dovecot-core', 'dovecot-submissiond'], USERS)
    zone.known_in(root)
    ports = free_ports(WAYS)
    peer = Peer('Dovecot submission in trouble', ports, ['PLAIN', 'LOGIN'], None)
    install(root, authority)
    root.write('/etc/dovecot/elsewhere', '%s:{PLAIN}%s::::::allow_nets=192.0.2.0/24\n' % (USER, PASSWORD))
    root.write('/etc/dovecot/nobody', 'somebody@example.test:::::\n')
    for name, way in WAYS.items():
        way = {'behind': 'trusted', 'more': '', **way}
        run(peer, root, name, ports[name], **{**way, 'behind': behind.get(way['behind'], way['behind']), 'at_once': 'yes',
                                              'log': '/tmp/dovecot-%s.log' % name, 'more': ANVIL + way['more']})
    return peer
