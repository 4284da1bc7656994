"""Exim in trouble: rules of administrators, and parts that do not run; each port in one way. What is no rule of a port has
an Exim of its own."""
from .debian import Root
from .peer import Peer
from .process import free_ports

STARTTLS = ('certificate-gone', 'clear', 'no-tls')
PORTS = ('good', 'callout-down', 'listed', 'listed-words', 'rate', 'spam-down', 'malware-down', 'header', 'parts', 'client-certificate',
         'certificate-gone', 'auth-defer', 'helo', 'spam', 'virus', 'extension', 'no-words', 'unknown', 'clear', 'crowd', 'no-relay',
         'data-defer', 'sender-mismatch', 'dead-lookup', 'greylist', 'greeting-later', 'programs', 'pace', 'no-tls')
ALONE = {
    'full': 'check_spool_space = 900000G',
    'load': 'smtp_load_reserve = 0\nsmtp_reserve_hosts = 192.0.2.1',
    'many': 'recipients_max = 2\nrecipients_max_reject = true',
    'few': 'recipients_max = 2',
    'unwritable': '',
}

CONFIGURATION = r'''
exim_user = Debian-exim
exim_group = Debian-exim
spool_directory = /var/spool/%(spool)s
log_file_path = /var/log/exim/%%slog
primary_hostname = exim.test
local_interfaces = 127.0.0.1
notifier_socket =
daemon_smtp_ports = %(all)s
tls_on_connect_ports = %(tls)s
tls_advertise_hosts = *
tls_certificate = ${if eq{$received_port}{%(certificate-gone)d}{/etc/exim/nothing.pem}{/etc/exim/cert.pem}}
tls_privatekey = /etc/exim/key.pem
tls_verify_certificates = /etc/exim/clients.pem
tls_verify_hosts = ${if eq{$received_port}{%(client-certificate)d}{*}{}}
helo_verify_hosts = ${if eq{$received_port}{%(helo)d}{*}{}}
auth_advertise_hosts = ${if eq{$received_port}{%(clear)d}{${if eq{$tls_in_cipher}{}{}{*}}}{*}}
spamd_address = 127.0.0.1 1
av_scanner = clamd:127.0.0.1 1
keep_environment =
never_users =
acl_smtp_connect = at_connect
acl_smtp_mail = at_mail
acl_smtp_rcpt = at_rcpt
acl_smtp_mime = at_mime
acl_smtp_data = at_data
acl_smtp_starttls = at_starttls
%(more)s

begin acl
at_connect:
  defer condition = ${if eq{$received_port}{%(greeting-later)d}}
        message = Load average too high, try again later
  accept

at_starttls:
  deny  condition = ${if eq{$received_port}{%(no-tls)d}}
        message = TLS is switched off for your address
  accept

at_mail:
  deny  condition = ${if eq{$received_port}{%(sender-mismatch)d}}
        condition = ${if !eqi{$authenticated_id}{$sender_address}}
        message = Your e-mail address does not match the authenticated user
  accept

at_rcpt:
  deny  condition = ${if eq{$received_port}{%(parts)d}}
        local_parts = ^[.] : ^.*[@%%!/|]
        message = restricted characters in address
  deny  condition = ${if eq{$received_port}{%(no-relay)d}}
        message = relay not permitted
  deny  condition = ${if eq{$received_port}{%(no-words)d}}
  deny  condition = ${if eq{$received_port}{%(callout-down)d}}
        !verify = sender/callout=2s
  deny  condition = ${if eq{$received_port}{%(listed)d}}
        dnslists = bl.test
  deny  condition = ${if eq{$received_port}{%(listed-words)d}}
        dnslists = bl.test
        message = $sender_host_address is listed at $dnslist_domain ($dnslist_value: $dnslist_text)
  defer condition = ${if eq{$received_port}{%(rate)d}}
        ratelimit = 0 / 1h / per_rcpt / strict
        message = Sender rate $sender_rate exceeds $sender_rate_limit messages per $sender_rate_period
  defer condition = ${if eq{$received_port}{%(greylist)d}}
        message = Greylisting in progress, please come back later
  deny  condition = ${if eq{$received_port}{%(pace)d}}
        ratelimit = 0 / 1h / per_rcpt / strict / $authenticated_id
        message = Sender rate overlimit - $sender_rate / $sender_rate_period
  deny  condition = ${if eq{$received_port}{%(dead-lookup)d}}
        condition = ${lookup{$sender_address}lsearch{/etc/exim/nothing}{yes}{no}}
  deny  condition = ${if eq{$received_port}{%(unknown)d}}
        domains = !example.test
        !verify = recipient
  deny  condition = ${if eq{$received_port}{%(crowd)d}}
        condition = ${if >{$rcpt_count}{2}}
        message = Too many recipients
  accept

at_mime:
  deny  condition = ${if eq{$received_port}{%(extension)d}}
        condition = ${if match{$mime_filename}{\N(?i)\.(exe|com|vbs|bat)$\N}}
        message = Blacklisted file extension detected
  deny  condition = ${if eq{$received_port}{%(programs)d}}
        condition = ${if match{$mime_filename}{\N(?i)\.exe$\N}}
        message = Windows executables are not accepted by this server: $mime_filename
  accept

at_data:
  deny  condition = ${if eq{$received_port}{%(spam-down)d}}
        spam = nobody
  deny  condition = ${if eq{$received_port}{%(malware-down)d}}
        malware = *
  deny  condition = ${if eq{$received_port}{%(header)d}}
        message = Message headers fail syntax check
        !verify = header_syntax
  deny  condition = ${if eq{$received_port}{%(spam)d}}
        message = This message scored 12.3 spam points.
  deny  condition = ${if eq{$received_port}{%(virus)d}}
        message = This message contains malware (Eicar-Test-Signature)
  defer condition = ${if eq{$received_port}{%(data-defer)d}}
  accept

begin routers
keep:
  driver = accept
  condition = ${if eq{$received_port}{%(unknown)d}{no}{yes}}
  domains = example.org
  transport = keep
callout:
  driver = manualroute
  condition = ${if eq{$received_port}{%(callout-down)d}}
  route_list = * 127.0.0.1::1
  self = send
  transport = out

begin transports
out:
  driver = smtp
  allow_localhost
keep:
  driver = appendfile
  maildir_format
  directory = /var/mail
  user = Debian-exim

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if eq{$received_port}{%(auth-defer)d}{${lookup{x}lsearch{/etc/exim/nothing}{yes}{no}}}{yes}}
  server_set_id = $auth2
  server_prompts = :
'''


def start(authority, zone):
    root = Root('troubled-exim', ['exim4-daemon-heavy'], ('Debian-exim',))
    zone.known_in(root)
    ports = free_ports([*PORTS, *ALONE])
    peer = Peer('Exim in trouble', ports, ['PLAIN'], root.path + '/var/mail')
    for source, name in ((authority.cert(), 'cert.pem'), (authority.key(), 'key.pem'), (authority.ca, 'clients.pem')):
        root.copy(source, '/etc/exim/' + name, 'Debian-exim')
    for folder in ('/var/spool/exim', '/var/log/exim', '/var/mail'):
        root.empty_folder(folder, 'Debian-exim')
    for folder in ('', '/input', '/msglog', '/db'):     # which are root's
        root.empty_folder('/var/spool/unwritable' + folder)
    for name, own, more in (('good', PORTS, ''), *((name, [name], more) for name, more in ALONE.items())):
        tls = [ports[port] for port in own if port not in STARTTLS]
        root.write('/etc/exim/%s.conf' % name, CONFIGURATION % {
            **ports, 'all': ' : '.join(str(ports[port]) for port in own), 'tls': ' : '.join(map(str, tls)), 'more': more,
            'spool': 'unwritable' if name == 'unwritable' else 'exim'})
        peer.run(root.command('/usr/sbin/exim4', '-C', '/etc/exim/%s.conf' % name, '-bdf', '-oP', '/tmp/%s.pid' % name), port=ports[name])
    return peer
