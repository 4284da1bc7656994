"""Postfix in trouble: what administrators set, forget and let run full, each port in one way; with the parts that such a
Postfix asks: postgrey, OpenDKIM, an SPF policy, Cyrus SASL without its saslauthd."""
import socket
import subprocess
import threading

from . import dovecot, little, postfix_root
from .debian import Root
from .peer import Peer
from .postfix import SETTINGS
from .process import free_ports

PACKAGES = ('postfix', dovecot.PACKAGE, 'libsasl2-modules', 'postgrey', 'opendkim', 'postfix-policyd-spf-python')
USERS = ('postfix', 'postdrop', *dovecot.USERS, 'postgrey', 'opendkim', 'policyd-spf')

TLS = '-o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes '
STARTTLS = '-o smtpd_tls_security_level=may -o smtpd_sasl_auth_enable=yes '
COUNTED = '-o smtpd_client_event_limit_exceptions= '
CLIENT = '-o { smtpd_client_restrictions = %s } '
SENDER = '-o { smtpd_sender_restrictions = %s } '
RECIPIENT = '-o { smtpd_recipient_restrictions = %s, permit_sasl_authenticated, reject } '
MILTER = '-o smtpd_milters=inet:127.0.0.1:%s '

# What smtpd is told for each port.
PORTS = {
    'good': TLS,
    'size': TLS + '-o message_size_limit=20000',
    'full': TLS + '-o queue_minfree=900000000000000',
    'few': TLS + '-o smtpd_recipient_limit=2',
    'owned': TLS + SENDER % 'reject_authenticated_sender_login_mismatch' + '-o smtpd_sender_login_maps=inline:{alice@example.test=somebody} '
             '-o { smtpd_reject_footer = For help call +1 800 555 0101 and say $client_address, $localtime }',
    'unknown-domain': TLS + SENDER % 'reject_unknown_sender_domain',
    'unknown-domain-for-good': TLS + SENDER % 'reject_unknown_sender_domain' + '-o unknown_address_reject_code=550',
    'bare-sender': TLS + SENDER % 'reject_non_fqdn_sender',
    'unverified': TLS + SENDER % 'reject_unverified_sender' + '-o unverified_sender_reject_code=550 -o address_verify_poll_delay=1',
    'listed': TLS + CLIENT % 'reject_rbl_client bl.test',
    'listed-at-once': TLS + '-o smtpd_delay_reject=no ' + CLIENT % 'reject_rbl_client bl.test',
    'open-resolver': TLS + CLIENT % 'reject_rbl_client open.test',
    'domain-listed': TLS + SENDER % 'reject_rhsbl_sender dbl.test',
    'no-ptr': TLS + CLIENT % 'reject_unknown_reverse_client_hostname',
    'helo': TLS + '-o { smtpd_helo_restrictions = reject_unknown_helo_hostname }',
    'message-rate': TLS + COUNTED + '-o smtpd_client_message_rate_limit=1',
    'recipient-rate': TLS + COUNTED + '-o smtpd_client_recipient_rate_limit=1',
    'auth-rate': TLS + COUNTED + '-o smtpd_client_auth_rate_limit=1',
    'connection-rate': TLS + COUNTED + '-o smtpd_client_connection_rate_limit=1',
    'tls-rate': STARTTLS + COUNTED + '-o smtpd_client_new_tls_session_rate_limit=1',
    'policy-down': TLS + RECIPIENT % 'check_policy_service inet:127.0.0.1:1' + '-o smtpd_policy_service_try_limit=1',
    'greylisting': TLS + RECIPIENT % 'check_policy_service inet:127.0.0.1:%(=postgrey)d',
    'spf': TLS + RECIPIENT % 'check_policy_service inet:127.0.0.1:%(=spf)d',
    'map-missing': TLS + RECIPIENT % 'check_recipient_access hash:/etc/postfix/nothing',
    'unlisted': TLS + RECIPIENT % 'reject_unlisted_recipient' + '-o virtual_mailbox_maps=inline:{alice@listed.test=x}',
    'milter-down': TLS + MILTER % '1' + '-o milter_default_action=tempfail',
    'unsigned': TLS + MILTER % '%(=opendkim)d',
    'strict': TLS + '-o cleanup_service_name=strict',
    'cleanup-broken': TLS + '-o cleanup_service_name=broken',
    'hops': TLS + '-o cleanup_service_name=hops -o hopcount_limit=1',
    'relay': TLS + '-o smtpd_relay_restrictions=reject_unauth_destination',
    'relay-soft': TLS + '-o smtpd_relay_restrictions=reject_unauth_destination -o soft_bounce=yes',
    'at-data': TLS + '-o { smtpd_data_restrictions = check_client_access static:{550 5.7.1 Automatic mail is not allowed by our policy} }',
    'no-utf8': TLS + '-o smtputf8_enable=no',
    'plain': TLS + '-o smtpd_discard_ehlo_keywords=8bitmime,smtputf8,chunking,dsn,pipelining,size',
    'auth-only': STARTTLS + '-o smtpd_tls_auth_only=yes',
    'must-tls': '-o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes',
    'no-certificate': STARTTLS + '-o smtpd_tls_cert_file=/etc/postfix/nothing.pem',
    'client-certificate': '-o smtpd_tls_wrappermode=yes -o smtpd_tls_req_ccert=yes',
    'saslauthd-down': TLS + '-o smtpd_sasl_type=cyrus -o smtpd_sasl_path=smtpd -o smtpd_sasl_security_options=noanonymous',
    'proxied': STARTTLS + '-o smtpd_upstream_proxy_protocol=haproxy -o smtpd_upstream_proxy_timeout=2s',
    'proxied-tls': TLS + '-o smtpd_upstream_proxy_protocol=haproxy -o smtpd_upstream_proxy_timeout=2s',
    'one': STARTTLS,
    'milter-dies': TLS + MILTER % '%(=dies)d' + '-o milter_default_action=tempfail',
    'milter-overloaded': TLS + MILTER % '%(=overloaded)d',
    'milter-links': TLS + MILTER % '%(=links)d',
    'milter-pace': TLS + MILTER % '%(=pace)d',
    'auth-dies': TLS + '-o smtpd_sasl_path=/run/dying/auth',
    'filter-says-hello': TLS + '-o smtpd_proxy_filter=127.0.0.1:%(=filter)d -o smtpd_proxy_options=speed_adjust -o smtpd_proxy_ehlo=localhost',
    # For those who stand before it: it takes what comes from this machine; it wants a sign-in.
    'behind': '-o smtpd_tls_security_level=none -o mynetworks=127.0.0.0/8 -o smtpd_authorized_xclient_hosts=127.0.0.1 '
              '-o smtpd_relay_restrictions=permit_mynetworks,reject -o smtpd_recipient_restrictions=permit_mynetworks,reject',
    'unsigned-behind': '-o smtpd_tls_security_level=none',
}
SCREENS = {
    'screen-drop': '-o postscreen_access_list=static:reject -o postscreen_blacklist_action=drop',
    'screen-enforce': '-o postscreen_access_list=static:reject -o postscreen_blacklist_action=enforce -o postscreen_greet_wait=1s',
    'screen-listed': '-o postscreen_dnsbl_sites=bl.test -o postscreen_dnsbl_action=enforce -o postscreen_greet_wait=4s',
    'screen-new': '-o postscreen_pipelining_enable=yes -o postscreen_greet_wait=1s',
}
MILTERS = {     # when, and what is said (None: it is gone)
    'dies': (little.RCPT, None),
    'overloaded': (little.MAIL, '451 4.7.1 Filter overloaded, please retry in a few minutes'),
    'links': (little.END, '550 5.7.1 Outbound mail is blocked: URL in message body is on a black list'),
    'pace': (little.END, '451 4.7.1 Ratelimit "user" exceeded'),
}
FILTER = '127.0.0.1:%d inet n - n - - smtpd -o mynetworks=127.0.0.0/8 -o smtpd_recipient_restrictions=permit_mynetworks,reject\n'
SCREEN = '127.0.0.1:%d inet n - n - 1 postscreen -o smtpd_service_name=smtpd -o smtpd_tls_security_level=may -o postscreen_access_list= %s\n'
SERVICES = r'''
bounce unix - - n - 0 discard
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
strict unix n - n - 0 cleanup -o header_checks=regexp:{{/^X-Mailer:.*Bulk/ REJECT}} -o { mime_header_checks = regexp:{{/name=.*\.exe/ REJECT Files of this kind are not taken here}} } -o { body_checks = regexp:{{/casino/ REJECT}} }
hops unix n - n - 0 cleanup -o hopcount_limit=1
broken unix n - n - 0 cleanup -o virtual_alias_maps=hash:/etc/postfix/nothing
'''
MORE = '''
virtual_mailbox_domains = listed.test
address_verify_default_transport = error:5.1.1 mailbox does not exist
address_verify_map =
tlsproxy_tls_security_level = may
postscreen_cache_map =
cyrus_sasl_config_path = /etc/postfix/sasl
'''


def start(authority, zone):
    root = Root('troubled-postfix', PACKAGES, USERS)
    zone.known_in(root)
    inner = {**free_ports(['=postgrey', '=spf', '=opendkim', '=filter']),
             **{'=' + name: little.milter(when, says) for name, (when, says) in MILTERS.items()}}
    ports = free_ports([*PORTS, *SCREENS])
    peer = Peer('Postfix in trouble', ports, ['PLAIN'], root.path + '/var/mail')
    services = ''.join('127.0.0.1:%d inet n - n - %s smtpd %s\n' % (
        ports[name], 1 if name == 'one' else '-', words % inner) for name, words in PORTS.items())
    services += FILTER % inner['=filter'] + ''.join(SCREEN % (ports[name], words) for name, words in SCREENS.items())
    master = postfix_root.arrange(root, SETTINGS.replace('virtual_mailbox_domains = static:ALL\n', '') + MORE, SERVICES + services)
    root.write('/etc/postfix/sasl/smtpd.conf', 'pwcheck_method: saslauthd\nmech_list: PLAIN LOGIN\n')
    for source, name in ((authority.cert(), 'cert.pem'), (authority.key(), 'key.pem'), (authority.ca, 'clients.pem')):
        root.copy(source, '/etc/postfix/' + name)
    root.empty_folder('/var/mail', 'nobody')
    dovecot.start(peer, root, 'postfix')
    _asked(peer, root, inner)
    little.dying_authority(root, '/run/dying')
    peer.run(master, port=ports['good'])
    return peer


def _asked(peer, root, inner):
    """Whom it asks about what it takes."""
    root.empty_folder('/var/lib/postgrey', 'postgrey')
    peer.run(root.command('/usr/sbin/postgrey', '--inet=127.0.0.1:%d' % inner['=postgrey'], '--user=postgrey', '--group=postgrey',
                          '--pidfile=/tmp/postgrey.pid'), port=inner['=postgrey'])
    root.write('/etc/opendkim.conf', 'Mode v\nOn-NoSignature reject\nSocket inet:%d@127.0.0.1\nUserID opendkim\nPidFile /tmp/opendkim.pid\n'
               'PeerList /dev/null\nInternalHosts /dev/null\n' % inner['=opendkim'])
    peer.run(root.command('/usr/sbin/opendkim', '-f', '-x', '/etc/opendkim.conf'), port=inner['=opendkim'])
    root.write('/etc/spf.conf', 'debugLevel = 1\nTestOnly = 1\nHELO_reject = False\nMail_From_reject = Fail\nskip_addresses = 192.0.2.0/24\n')
    listener = socket.create_server(('127.0.0.1', inner['=spf']))
    threading.Thread(target=_answer_each, args=(listener, root.command('/usr/bin/policyd-spf', '/etc/spf.conf')), daemon=True).start()


def _answer_each(listener, argv):
    """By a program that ends with the line."""
    while True:
        line, _ = listener.accept()
        subprocess.Popen(argv, stdin=line, stdout=line, stderr=subprocess.DEVNULL)
        line.close()
