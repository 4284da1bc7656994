"""Postfix with Dovecot's sign-in: OpenSSL, PIPELINING, CHUNKING, DSN, SMTPUTF8."""
from . import dovecot, postfix_root
from .peer import Peer
from .process import free_port

SETTINGS = '''
mynetworks =
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
virtual_mailbox_domains = static:ALL
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = static:all/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
default_transport = virtual
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
smtpd_sasl_type = dovecot
smtpd_sasl_path = /run/dovecot/postfix
smtpd_sasl_tls_security_options = noanonymous
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, permit_tls_all_clientcerts, reject
smtpd_tls_ask_ccert = yes
smtpd_tls_CAfile = /etc/postfix/clients.pem
smtpd_recipient_restrictions =
    check_recipient_access regexp:{{/^code(4[0-9][0-9])@/ $$1 4.2.1 asked for}, {/^code(5[0-9][0-9])@/ $$1 5.1.1 asked for}},
    permit_sasl_authenticated, permit_tls_all_clientcerts, reject
smtpd_end_of_data_restrictions =
    check_recipient_access regexp:{{/^late(5[0-9][0-9])@/ $$1 5.7.1 asked for, after the message}}
smtputf8_enable = yes
owners = inline:{{alice@example.test=alice@example.test}, {team@example.test=alice@example.test}, {bob@example.test=bob@example.test}}
message_size_limit = 209715200
mailbox_size_limit = 0
virtual_mailbox_limit = 0
'''

SERVICES = '''
127.0.0.1:%(starttls)d inet n - n - - smtpd -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
127.0.0.1:%(nodsn)d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes -o smtpd_discard_ehlo_keywords=dsn
127.0.0.1:%(tls)d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes
# Who may send as whom: seen at MAIL, seen at RCPT, and behind another server that tells who signed in.
127.0.0.1:%(owned-mail)d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes -o smtpd_sender_login_maps=$owners -o smtpd_sender_restrictions=reject_sender_login_mismatch -o smtpd_delay_reject=no
127.0.0.1:%(owned-rcpt)d inet n - n - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes -o smtpd_sender_login_maps=$owners -o smtpd_sender_restrictions=reject_sender_login_mismatch
127.0.0.1:%(behind)d inet n - n - - smtpd -o smtpd_sasl_auth_enable=yes -o smtpd_tls_auth_only=no -o smtpd_authorized_xclient_hosts=127.0.0.1 -o smtpd_sender_login_maps=$owners -o smtpd_sender_restrictions=reject_sender_login_mismatch -o smtpd_delay_reject=no
bounce unix - - n - 0 discard
'''


def start(authority, idp=None, scope=None, hashed=False):
    """With an OAuth server (idp.py) it takes its tokens, too - of this scope alone, or of any -, and is another one in a root of
    its own. `hashed`: it offers what its list of passwords can't do."""
    root = postfix_root.make('postfix-%s' % scope if scope else 'postfix-hashed' if hashed else 'postfix-oauth' if idp else 'postfix', [dovecot.PACKAGE], dovecot.USERS)
    ports = {name: free_port() for name in ('starttls', 'tls', 'nodsn', 'owned-mail', 'owned-rcpt', 'behind')}
    mechanisms = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'] + (['XOAUTH2', 'OAUTHBEARER'] if idp else [])
    peer = Peer('postfix', ports, mechanisms, root.path + '/var/mail')
    postfix_root.arrange(root, SETTINGS, SERVICES % ports)
    root.copy(authority.cert(), '/etc/postfix/cert.pem')
    root.copy(authority.key(), '/etc/postfix/key.pem')
    root.copy(authority.ca, '/etc/postfix/clients.pem')
    root.empty_folder('/var/mail', 'nobody')
    dovecot.start(peer, root, 'postfix', idp, authority.ca, scope, hashed)
    peer.run(root.command(*postfix_root.MASTER), port=ports['tls'])
    return peer
