"""Exim with Dovecot's sign-in: a second TLS library (GnuTLS) and a second reading of the RFCs."""
from . import dovecot
from .debian import Root
from .peer import Peer
from .process import free_port

MECHANISMS = ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256']

CONFIGURATION = r'''
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim
log_file_path = /var/log/exim/%%slog
pid_file_path = /var/spool/exim/exim.pid
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = %(starttls)d : %(tls)d
tls_on_connect_ports = %(tls)d
tls_advertise_hosts = *
tls_certificate = /etc/exim/cert.pem
tls_privatekey = /etc/exim/key.pem
tls_try_verify_hosts = *
tls_verify_certificates = /etc/exim/clients.pem
tls_resumption_hosts = *
auth_advertise_hosts = ${if eq{$tls_in_cipher}{}{}{*}}
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
prdr_enable = true
message_size_limit = 200M
acl_smtp_rcpt = recipient
acl_smtp_data = accept
never_users =
keep_environment =

begin acl
recipient:
  deny    !authenticated = *
          message = 5.7.0 authenticate first
  defer   local_parts = \N^code4..$\N
          message = ${substr_4_3:$local_part} 4.2.1 asked for
  deny    local_parts = \N^code5..$\N
          message = ${substr_4_3:$local_part} 5.1.1 asked for
  accept

begin routers
all:
  driver = accept
  transport = keep

begin transports
keep:
  driver = appendfile
  maildir_format
  directory = /var/mail
  user = Debian-exim
  delivery_date_add
  envelope_to_add
  return_path_add

begin authenticators
'''

AUTHENTICATOR = '''%s:
  driver = dovecot
  public_name = %s
  server_socket = /run/dovecot/exim
  server_set_id = $auth1
'''


# Whom the certificate names may sign in: as nobody in particular, or by that name.
EXTERNAL = r'''external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${certextract {subj_altname,mail,>:} {$tls_in_peercert}}
  server_condition = ${if or{{eq{$auth1}{}}{forany{$auth2}{eq{$item}{$auth1}}}}}
  server_set_id = $auth2
'''


def start(authority):
    root = Root('exim', ['exim4-daemon-heavy', dovecot.PACKAGE], ('Debian-exim', *dovecot.USERS))
    ports = {'starttls': free_port(), 'tls': free_port()}
    peer = Peer('exim', ports, MECHANISMS, root.path + '/var/mail')
    root.write('/etc/exim/exim.conf', CONFIGURATION % ports + ''.join(
        AUTHENTICATOR % (m.replace('-', '_').lower(), m) for m in MECHANISMS) + EXTERNAL)
    root.folder('/etc/exim')
    for source, name in ((authority.cert(), 'cert.pem'), (authority.key(), 'key.pem'), (authority.ca, 'clients.pem')):
        root.copy(source, '/etc/exim/' + name, 'Debian-exim')
    for folder in ('/var/spool/exim', '/var/log/exim', '/var/mail'):
        root.empty_folder(folder, 'Debian-exim')
    dovecot.start(peer, root, 'exim')
    peer.run(root.command('/usr/sbin/exim4', '-C', '/etc/exim/exim.conf', '-bdf', '-q1h'), port=ports['tls'])
    return peer
