"""Postfix and Exim, set up wrongly on purpose: each port in one way. They stand in the roots of the good ones, with
configurations and queues of their own, and ask the same Dovecot about passwords."""
from peers import dovecot, postfix_root
from peers.debian import Root
from peers.peer import Peer
from peers.postfix import SETTINGS
from peers.process import free_port

TLS_AT_ONCE = '-o smtpd_tls_wrappermode=yes '
SIGN_IN = '-o smtpd_sasl_auth_enable=yes '
AT_ONCE = '-o smtpd_delay_reject=no '

# What smtpd is told for each port.
PORTS = {
    'masked': '-o smtpd_banner=*************2******** -o smtpd_discard_ehlo_keywords=starttls',
    'no-starttls': '-o smtpd_tls_security_level=may -o smtpd_discard_ehlo_keywords=starttls',
    'no-sign-in': TLS_AT_ONCE,
    'encrypted-only': SIGN_IN + '-o smtpd_tls_security_level=encrypt',
    'helo': TLS_AT_ONCE + AT_ONCE + '-o smtpd_helo_restrictions=static:REJECT',
    'client': TLS_AT_ONCE + AT_ONCE + '-o smtpd_client_restrictions=static:REJECT',
    'crowded': TLS_AT_ONCE + SIGN_IN + '-o smtpd_client_connection_count_limit=1',
    'sender-access': TLS_AT_ONCE + SIGN_IN + AT_ONCE + '-o smtpd_sender_restrictions=static:REJECT',
    'no-recipients': TLS_AT_ONCE + SIGN_IN + '-o smtpd_recipient_restrictions=static:REJECT',
    'later': TLS_AT_ONCE + SIGN_IN + '-o smtpd_recipient_restrictions=static:DEFER',
    'old': '-o smtpd_tls_security_level=may -o smtpd_tls_protocols=TLSv1 -o tls_medium_cipherlist=ALL:@SECLEVEL=0 -o smtpd_tls_ciphers=medium',
    'expired': TLS_AT_ONCE + '-o smtpd_tls_cert_file=/etc/postfix-wrongly/expired.pem -o smtpd_tls_key_file=/etc/postfix-wrongly/expired.key',
    'other-mechanism': TLS_AT_ONCE + SIGN_IN + '-o smtpd_sasl_mechanism_filter=cram-md5',
    'no-dovecot': TLS_AT_ONCE + SIGN_IN + '-o smtpd_sasl_path=/run/dovecot/nobody',
    'unclean': TLS_AT_ONCE + SIGN_IN + '-o smtpd_tls_cert_file=/etc/postfix-wrongly/nothing.pem',
}

EXIM = r'''
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/exim-wrongly
log_file_path = /var/spool/exim-wrongly/%%slog
pid_file_path = /var/spool/exim-wrongly/exim.pid
primary_hostname = exim.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = %(ports)s
tls_on_connect_ports = %(ports)s
tls_advertise_hosts = *
tls_certificate = /etc/exim/cert.pem
tls_privatekey = /etc/exim/key.pem
smtp_accept_max_per_host = ${if eq{$received_port}{%(crowded)d}{1}{20}}
never_users =
keep_environment =
acl_smtp_connect = at_connect
acl_smtp_helo = at_helo
acl_smtp_mail = at_mail
acl_smtp_rcpt = at_rcpt
acl_smtp_auth = at_auth

begin acl
at_connect:
  deny condition = ${if eq{$received_port}{%(client)d}}
  accept
at_helo:
  deny condition = ${if eq{$received_port}{%(helo)d}}
  accept
at_auth:
  deny condition = ${if eq{$received_port}{%(no-sign-in)d}}
  accept
at_mail:
  deny condition = ${if eq{$received_port}{%(sender)d}}
       !verify = sender
  accept
at_rcpt:
  require authenticated = *
          message = relay not permitted
  accept

begin routers
nobody:
  driver = redirect
  allow_fail
  data = :fail: No such user here

begin transports

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if eq{$received_port}{%(password)d}{no}{yes}}
  server_set_id = $auth2
  server_prompts = :
'''
EXIM_PORTS = ('client', 'helo', 'no-sign-in', 'sender', 'password', 'crowded')


def start_postfix(good, authority):
    root = postfix_root.make('postfix', [dovecot.PACKAGE], dovecot.USERS)
    ports = {name: free_port() for name in PORTS}
    peer = Peer('Postfix', ports, good.mechanisms, good.mailbox)
    master = postfix_root.arrange(root, SETTINGS, 'bounce unix - - n - 0 discard\n' + ''.join(
        '127.0.0.1:%d inet n - n - - smtpd %s\n' % (ports[name], words) for name, words in PORTS.items()), 'postfix-wrongly')
    root.copy(authority.cert('expired'), '/etc/postfix-wrongly/expired.pem')
    root.copy(authority.key('expired'), '/etc/postfix-wrongly/expired.key')
    peer.run(master, port=ports['no-sign-in'])
    return peer


def start_exim(good):
    root = Root('exim', [], ('Debian-exim', 'dovecot', 'dovenull'))
    ports = {name: free_port() for name in EXIM_PORTS}
    peer = Peer('Exim', ports, ['PLAIN'], good.mailbox)
    root.write('/etc/exim/wrongly.conf', EXIM % {**ports, 'ports': ' : '.join(map(str, ports.values()))})
    root.empty_folder('/var/spool/exim-wrongly', 'Debian-exim')
    peer.run(root.command('/usr/sbin/exim4', '-C', '/etc/exim/wrongly.conf', '-bdf', '-q1h'), port=ports['password'])
    return peer


def start_inspecting(port, authority):
    """mitmproxy before a port with TLS at once: it shows a certificate of its own making, and reads what is said."""
    root = Root('mitmproxy', ['mitmproxy'])
    ports = {'tls': free_port()}
    peer = Peer('mitmproxy', ports, [], None)
    root.empty_folder('/tmp/confdir')
    root.copy(authority.ca, '/etc/ssl/certs/ca-certificates.crt')
    peer.authority = root.path + '/tmp/confdir/mitmproxy-ca-cert.pem'
    peer.run(root.command('/usr/bin/mitmdump', '--mode', 'reverse:https://127.0.0.1:%d' % port, '--listen-host', '127.0.0.1',
                          '--listen-port', str(ports['tls']), '--tcp-hosts', '.*', '--ssl-insecure', '--set', 'confdir=/tmp/confdir',
                          '--set', 'connection_strategy=eager'), port=ports['tls'])
    return peer
