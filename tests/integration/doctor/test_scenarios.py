"""What the doctor says of networks, servers and certificates that are wrong in one way each."""
import ssl

import pytest

from conftest import TOKEN
from network import (FASTMAIL, GMAIL, HOME, OFFICE, OUTLOOK, SIX, TARGET, WEB, cut_hello, drop, lose_long, no_protocol, prohibit, redirect,
                     reset, swallow_hello)
from scenario import GOOD
from scenario import Scenario as S
from stage import Issuer, Says, Smtp

MAIL = (25, 465, 587, 2525, 2587)


def tls_1_0(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1


def tls_1_1(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def no_forward_secrecy(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers('kRSA:@SECLEVEL=0')


def named(certificate):
    return {587: Smtp(certificate=certificate), 465: Smtp('at once', certificate=certificate)}


def strict_about_names(context):
    """It has a certificate for another name alone, and tells who asks for this one (an alert of TLS)."""
    context.sni_callback = lambda line, name, context: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


WITH = {'server': 'mail.example.test:587', 'security': 'starttls'}

SCENARIOS = [
    # -- nothing is wrong: no false alarm
    S('STARTTLS', None),
    S('TLS at once', None, at='mail.example.test:465'),
    S('no port named', None, at='mail.example.test'),
    S('no port named, only 465', None, at='mail.example.test', target={465: Smtp('at once')}),
    S('a port of its own, TLS at once', None, at='mail.example.test:2587', target={2587: Smtp('at once')}),
    S('an account', None, account=WITH),
    S('an account, TLS at once', None, account={'server': 'mail.example.test:465', 'security': 'tls'}),
    S('port 25 blocked, and nobody needs it', None, account=WITH, wall=[drop(25)]),
    S('IPv6 published, and no way for it', None, at='both.example.test:587'),
    S('no other provider to be had', None, wall=[drop(at=GMAIL), drop(at=OFFICE), drop(at=WEB)]),
    S('a server in the house', None, at='home.example.test:587', address=HOME),
    S('a known provider', None, at='smtp.gmail.com:465'),
    # -- names
    S('a typing error', 'dns_host_not_found', 'resolve', at='mial.example.test:587'),
    S('a typing error where every name leads somewhere', 'dns_host_not_found', 'connect', at='mial.example.test:587', names='everything'),
    S('a provider where every name leads to one place', 'smtp_intercepted', 'connect', at='smtp.gmail.com:587', names='everything'),
    S('a name server that says nothing of IPv6', None, names='no IPv6', patience=None),
    S('a name with other letters', None, at='mail.müller.test:587'),
    S('a name with other letters, an account', None, account={**WITH, 'server': 'mail.müller.test:587'}),
    S('a typing error in an account', 'dns_host_not_found', 'resolve', account={**WITH, 'server': 'mial.example.test:587'}),
    S('a URL', 'dns_host_malformed', 'resolve', at='https://mail.example.test'),
    S('brackets', 'dns_host_malformed', 'resolve', at='[mail.example.test]:587'),
    S('angle brackets', 'dns_host_malformed', 'resolve', at='<mail.example.test>'),
    S('a variable that nobody filled in', 'dns_host_malformed', 'resolve', at='${SMTP_HOST}:587'),
    S('a blank in it', 'dns_host_malformed', 'resolve', at='mail example.test:587'),
    S('SERVFAIL', 'dns_resolver_failure', 'resolve', names=2),
    S('a resolver that refuses', 'dns_resolver_failure', 'resolve', names=5),
    S('a resolver that is silent', 'dns_resolver_failure', 'resolve', names='silent'),
    S('a resolver that knows nothing', 'dns_resolver_failure', 'resolve', names=3),
    S('a known provider that has no name here', 'dns_resolver_failure', 'resolve', at='smtp.gmail.com:587', names=3),
    S('a domain that is broken', 'dns_resolver_failure', 'resolve', at='mail.broken.test:587'),
    S('a domain that is silent', 'dns_resolver_failure', 'resolve', at='mail.silent.test:587'),
    # -- nobody answers
    S('587 dropped for everybody', 'connect_timeout_port_blocked', 'connect', wall=[drop(587)],
                                   works=[('mail.example.test', 465)]),
    S('465 dropped for everybody', 'connect_timeout_port_blocked', 'connect', at='mail.example.test:465',
                                   wall=[drop(465)], works=[('mail.example.test', 587)]),
    S('all mail ports dropped', 'connect_timeout_port_blocked', 'connect', wall=[drop(*MAIL)]),
    S('all mail ports dropped, an account', 'connect_timeout_port_blocked', 'connect', account=WITH, wall=[drop(*MAIL)]),
    S('25 dropped for everybody', 'connect_timeout_port_blocked', 'connect', at='smtp.office365.com:25',
                                  wall=[drop(25)]),
    S("a provider's port dropped", 'connect_timeout_port_blocked', 'connect', at='smtp.gmail.com:587',
                                   wall=[drop(587)], works=[('smtp.gmail.com', 465)]),
    S('a port the server has not, dropped', 'connect_timeout_wrong_port', 'connect', at='mail.example.test:465',
                                            target={587: Smtp()}, wall=[drop(465, at=TARGET)],
                                            works=[('mail.example.test', 587)]),
    S('a port of nobody, dropped', 'connect_timeout_wrong_port', 'connect', at='mail.example.test:2587',
                                   wall=[drop(2587)], works=[('mail.example.test', 587)]),
    S('a port the provider has not', 'connect_timeout_wrong_port', 'connect', at='smtp-mail.outlook.com:465',
                                     wall=[drop(465, at=OUTLOOK)],
                                     works=[('smtp-mail.outlook.com', 587)]),
    S('this host drops us', 'connect_timeout_client_banned', 'connect', wall=[drop(at=TARGET)]),
    S('this host drops us, an account', 'connect_timeout_client_banned', 'connect', account=WITH,
                                        wall=[drop(at=TARGET)]),
    S('a provider drops us', 'connect_timeout_client_banned', 'connect', at='smtp.gmail.com:587',
                             wall=[drop(587, at=GMAIL)]),
    S('everything is dropped', 'network_unreachable', 'connect', wall=[drop()]),
    # -- somebody says no
    S('nobody listens', 'connect_refused_no_listener', 'connect', target={}),
    S('nobody listens on this one', 'connect_refused_no_listener', 'connect', target={465: Smtp('at once')},
                                    works=[('mail.example.test', 465)]),
    S('nobody listens, an account', 'connect_refused_no_listener', 'connect', target={}, account=WITH),
    S('587 reset for everybody', 'connect_refused_firewall', 'connect', wall=[reset(587)],
                                 works=[('mail.example.test', 465)]),
    S('all mail ports reset', 'connect_refused_firewall', 'connect', wall=[reset(*MAIL)]),
    S("a provider's port reset", 'connect_refused_firewall', 'connect', at='smtp.gmail.com:587',
                                 wall=[reset(587, at=GMAIL)]),
    S('587 prohibited', 'connect_refused_firewall', 'route', wall=[prohibit(587)],
                        works=[('mail.example.test', 465)]),
    S('all mail ports prohibited', 'connect_refused_firewall', 'route', wall=[prohibit(*MAIL)]),
    S('this host says no to all', 'connect_refused_firewall', 'route', wall=[prohibit(at=TARGET)]),
    S('this host knows no TCP', 'connect_refused_firewall', 'connect', wall=[no_protocol(at=TARGET)]),
    S('the server is switched off', 'connect_refused_no_listener', 'route', at='off.example.test:587', patience=6),
    # -- no way
    S('an address that nobody gave', 'network_unreachable', 'resolve', link='own'),
    S('the cable is out', 'network_unreachable', 'route', at=TARGET + ':587', link=None),
    S('IPv6 alone and no way for it', 'network_unreachable_ipv6', 'route', at='six.example.test:587'),
    S('IPv4 alone and no way for it', 'network_unreachable_ipv4', 'route', link='IPv6'),
    S('IPv6 alone works', None, at='six.example.test:587', address=SIX, link='IPv6'),
    S('both, and IPv6 alone goes out', None, at='both.example.test:587', address=SIX, link='IPv6'),
    S('IPv6 dropped, IPv4 works', None, at='both.example.test:587', link='both', wall=[drop(at=SIX)]),
    # -- who answers
    S('587 led elsewhere: another program', 'smtp_intercepted', at='mail.example.test:587', target={**GOOD, 2599: Says(b'SSH-2.0-OpenSSH_9.2\r\n', stays=True)},
      wall=[redirect(587, to=2599)]),
    S('587 led elsewhere, at a provider', 'smtp_intercepted', 'tls', at='smtp.gmail.com:587', target={2599: Smtp(certificate='wrong')},
      wall=[redirect(587, to=2599)]),
    S('587 led to a scanner without STARTTLS', 'smtp_intercepted', 'starttls', at='smtp.gmail.com:587', target={2599: Smtp(tls=None)},
      wall=[redirect(587, to=2599)]),
    S('465 led to an inspecting proxy', 'tls_interception', 'tls', at='smtp.gmail.com:465', target={2599: Smtp('at once', 'by-office-proxy')},
      wall=[redirect(465, 587, to=2599)]),
    S('turned away', 'banner_rejected', 'banner', target={587: Smtp(banner='554 no SMTP service here')}),
    S('turned away for now', 'banner_rejected', 'banner', target={587: Smtp(banner='421 not accepting connections')}),
    S('turned away by a blocklist', 'ip_reputation_blocked', 'banner', target={587: Smtp(
        banner='554 5.7.1 Service unavailable; Client host [198.51.100.1] blocked using zen.spamhaus.org')}),
    S('turned away without a name', 'ptr_missing', 'banner', target={587: Smtp(
        banner='554 5.7.1 Client host rejected: cannot find your reverse hostname, [198.51.100.1]')}),
    S('turned away, one of too many', 'concurrent_limit', 'banner', target={587: Smtp(
        banner='421 4.7.0 Too many concurrent SMTP connections; please try again later.')}),
    S('silent after the greeting', 'server_busy_temporary', 'ehlo', target={587: Says(b'220 hi\r\n', stays=True)}),
    S('closed after the greeting', 'server_busy_temporary', 'ehlo', target={587: Says(b'220 hi\r\n')}),
    S('silent in the handshake', 'tls_handshake_incompatible', 'tls', at='mail.example.test:465',
                                 target={465: Says(stays=True)}),
    S('closed in the handshake', 'tls_handshake_incompatible', 'tls', at='mail.example.test:465', target={465: Says()}),
    S('closed at once', 'connection_closed_before_banner', 'banner', target={587: Says()}),
    S('closed at once, an account', 'connection_closed_before_banner', 'banner', target={587: Says()}, account=WITH),
    S('rubbish', 'smtp_intercepted', 'banner', target={587: Says(b'\x00\x01\x02 hello?\r\n')}),
    S('escape sequences', 'smtp_intercepted', 'banner', target={587: Says(b'\x1b[2J\x1b]0;pwned\x07\r\n', stays=True)}),
    S('a web page', 'smtp_intercepted', 'banner', target={587: Says(b'HTTP/1.1 400 Bad Request\r\n\r\n<html>')}),
    S('megabytes without an end', 'smtp_intercepted', 'banner', target={587: Says(b'x' * 65536, often=100)}),
    S('IMAP', 'wrong_port_use_submission', 'banner', at='mail.example.test:143', target={143: Says(b'* OK IMAP4rev1 ready\r\n', stays=True)}),
    S('POP3', 'wrong_port_use_submission', 'banner', at='mail.example.test:110', target={110: Says(b'+OK ready\r\n', stays=True)}),
    S('a masked greeting', 'smtp_intercepted', 'starttls', target={587: Smtp(
        tls=None, banner='220 ' + '*' * 40 + '2' + '*' * 20, ehlo=['PIPELINING', 'XXXXXXXA'])}),
    S('STARTTLS taken out of what a provider says', 'smtp_intercepted', 'starttls', at='smtp.gmail.com:587',
                                                    world={(GMAIL, 587): Smtp(clear=['PIPELINING'])}),
    S("another's certificate for a provider", 'smtp_intercepted', 'tls', at='smtp.gmail.com:587',
                                              world={(GMAIL, 587): Smtp(certificate='wrong')}),
    S('HTTPS dropped where it is the only way', 'https_unreachable', 'https', wall=[drop(443)],
      account=dict(server=None, security=None, address='me@live.com', username=None, transport='graph', auth='token', password=TOKEN)),
    S('HTTPS refused where it is the only way', 'https_unreachable', 'https', wall=[reset(443)],
      account=dict(server=None, security=None, address='me@live.com', username=None, transport='graph', auth='token', password=TOKEN)),
    # -- what lies before all of them
    S('a portal that waits for a browser', 'smtp_intercepted', 'banner', target={2599: Says(stays=True)},
      wall=[redirect(25, 443, 465, 587, 2525, to=2599)]),
    S('a portal that answers TLS as a web server', 'smtp_intercepted', 'tls', at='smtp.gmail.com:465',
      target={2599: Says(b'HTTP/1.1 400 Bad Request\r\n\r\n', stays=True)}, wall=[redirect(25, 443, 465, 587, 2525, to=2599)]),
    S('every mail port hangs up', 'smtp_intercepted', 'banner', at='smtp.gmail.com:587', target={2599: Says()},
      wall=[redirect(*MAIL, to=2599)]),
    S('STARTTLS taken out of what anybody says', 'smtp_intercepted', 'starttls', target={**GOOD, 2599: Smtp(tls=None)},
      wall=[redirect(587, to=2599)]),
    S('long packets get lost', 'network_packets_lost', 'tls', wall=[lose_long()]),
    S('long packets of this host alone get lost', 'network_packets_lost', 'tls', wall=[lose_long(at=TARGET)]),
    S('a filter swallows what begins TLS', 'connect_timeout_port_blocked', 'tls', wall=[swallow_hello(465, 587)]),
    S('long packets get lost, a provider by 465', 'network_packets_lost', 'tls', at='smtp.gmail.com:465', wall=[lose_long()]),
    S('cut off at the first word of TLS everywhere', 'connect_refused_firewall', 'tls', at='smtp.gmail.com:465',
      wall=[cut_hello(465, 587)]),
    # -- names that are kept from us
    S('a name that a filter leads to 0.0.0.0', 'dns_resolver_failure', 'connect', at='zero.example.test:587'),
    S('a name that a filter leads to 127.0.0.1', 'dns_resolver_failure', 'connect', at='here.example.test:587'),
    S('the cable is out, and a name is asked for', 'network_unreachable', 'resolve', link=None),
    S('one of two addresses is dead', None, at='half.example.test:587'),
    # -- another service's port
    S('SSH', 'wrong_port_use_submission', 'banner', at='mail.example.test:22', target={22: Says(b'SSH-2.0-OpenSSH_9.2\r\n', stays=True)}),
    S('IMAP in TLS', 'wrong_port_use_submission', 'banner', at='mail.example.test:993',
      target={993: Smtp('at once', banner='* OK IMAP4rev1 ready')}),
    S('POP3 in TLS', 'wrong_port_use_submission', 'banner', at='mail.example.test:995', target={995: Smtp('at once', banner='+OK ready')}),
    S('HTTPS', 'wrong_port_use_submission', 'banner', at='mail.example.test:443', target={443: Issuer()}),
    S('EHLO is not known', 'server_side_error', 'ehlo', target={587: Smtp(replies={'EHLO': '502 5.5.2 not recognized',
                                                                               'HELO': '502 5.5.2 not recognized'})}),
    S('a proxy that takes the call and says nothing', 'proxy_unusable', 'connect', world={(WEB, 1080): Says(stays=True)},
      account={**WITH, 'proxy': 'socks5://%s:1080' % WEB}),
    S('a proxy whose rules forbid it', 'proxy_unusable', 'connect', world={(WEB, 1080): Says(b'\5\0\5\2\0\1' + bytes(6), stays=True)},
      account={**WITH, 'proxy': 'socks5://%s:1080' % WEB}),
    # -- the kind of encryption
    S('STARTTLS to a port with TLS at once', 'plaintext_on_tls_port', 'banner', at='mail.example.test:465',
                                             words=['--security', 'starttls'], works=[('mail.example.test', 465)]),
    S('the same, an account', 'plaintext_on_tls_port', 'banner', account={'server': 'mail.example.test:465', 'security': 'starttls'},
                              works=[('mail.example.test', 465)]),
    S('the same, on a port of its own', 'plaintext_on_tls_port', 'banner', target={2587: Smtp('at once')},
                                        account={'server': 'mail.example.test:2587', 'security': 'starttls'},
                                        works=[('mail.example.test', 2587)]),
    S('TLS at once to a port with STARTTLS', 'tls_on_plaintext_port', 'tls', words=['--security', 'tls'],
                                             works=[('mail.example.test', 587)]),
    S('that too, an account', 'tls_on_plaintext_port', 'tls', account={'server': 'mail.example.test:587', 'security': 'tls'},
                              works=[('mail.example.test', 587)]),
    S('no STARTTLS', 'starttls_not_offered', 'starttls', target={587: Smtp(clear=['PIPELINING']), 465: Smtp('at once')},
                     works=[('mail.example.test', 465)]),
    S('no STARTTLS, an account', 'starttls_not_offered', 'starttls', target={587: Smtp(clear=['PIPELINING'])}, account=WITH),
    # -- certificates
    S('expired', 'cert_expired', 'tls', target=named('everybody-expired')),
    S('expired on one port', 'cert_expired', 'tls', target={587: Smtp(certificate='everybody-expired'), 465: Smtp('at once')},
                             works=[('mail.example.test', 465)]),
    S('expired, an account', 'cert_expired', 'tls', target=named('everybody-expired'), account=WITH),
    S('expired everywhere: our clock', 'clock_wrong', 'tls', target=named('everybody-expired'),
                                       world={(GMAIL, 587): Smtp(certificate='everybody-expired')}),
    S('signed by itself', 'cert_self_signed', 'tls', target=named('everybody-self')),
    S('signed by itself, TLS at once', 'cert_self_signed', 'tls', at='mail.example.test:465', target=named('everybody-self')),
    S('an authority nobody knows', 'cert_untrusted_issuer', 'tls', target=named('by-stranger')),
    S('an inspecting proxy', 'tls_interception', 'tls', target=named('by-office-proxy'),
                             world={(GMAIL, 587): Smtp(certificate='by-office-proxy')}),
    S('an inspecting proxy before a provider', 'tls_interception', 'tls', at='smtp.gmail.com:587',
                                               world={(GMAIL, 587): Smtp(certificate='by-office-proxy'),
                                                      (OFFICE, 587): Smtp(certificate='by-office-proxy')}),
    S('an anti-virus program', 'tls_interception', 'tls', target=named('by-eset')),
    S('no authority is known here', 'local_ca_bundle_missing', 'tls', target=named('by-stranger'),
                                    world={(GMAIL, 587): Smtp(certificate='by-other-stranger')}),
    S('signed by itself at a small provider', 'cert_self_signed', 'tls', at='smtp.daum.net:465', target={465: Smtp('at once', 'everybody-self')}),
    S('signed by itself, for a big provider', 'tls_interception', 'tls', at='smtp.fastmail.com:465',
      world={(FASTMAIL, 465): Smtp('at once', 'everybody-self')}),
    S('an unknown authority, at a small provider', 'cert_untrusted_issuer', 'tls', at='smtp.daum.net:465',
      target={465: Smtp('at once', 'by-stranger')}),
    S("another's name, at a small provider", 'cert_hostname_mismatch', 'tls', at='smtp.daum.net:465', target={465: Smtp('at once', 'wrong')}),
    S('nobody listens any more, at a small provider', 'connect_refused_no_listener', 'connect', at='smtp.daum.net:465', target={}),
    S("another's name", 'cert_hostname_mismatch', 'tls', target=named('wrong')),
    S('a web host leads all mail ports to its own server', 'smtp_intercepted', 'tls', at='mail.example.test:465',
      target={2599: Smtp('at once', 'wrong')}, wall=[redirect(465, to=2599)]),
    S('a web host leads all mail ports to its own server, an account', 'smtp_intercepted', 'tls', target={2599: Smtp(certificate='wrong')},
      account=WITH, wall=[redirect(587, 25, to=2599)]),
    S('a wildcard one label short', 'cert_hostname_mismatch', 'tls', at='a.mail.example.test:587', target=named('wildcard')),
    S('its name in the subject alone', 'cert_hostname_mismatch', 'tls', target=named('name-in-cn')),
    S('no certificate for this name', 'cert_hostname_mismatch', 'tls', target={587: Smtp(context=strict_about_names)}),
    S('a good key that is not the pinned one', 'config_invalid', 'tls', account={**WITH, 'tls_pin': 'PIN good'},
      world={(GMAIL, 587): Smtp(certificate='by-other-stranger')}),
    S('another key than the pinned one, by who signs for all others, too', 'tls_interception', 'tls', account={**WITH, 'tls_pin': 'PIN good'}),
    S('another key than the pinned one and nobody vouches for it', 'tls_interception', 'tls', target={587: Smtp(certificate='by-stranger')},
      account={**WITH, 'tls_pin': 'PIN good'}),
    S('asked for by address', 'cert_hostname_mismatch', 'tls', at=TARGET + ':587'),
    # -- what TLS it speaks
    S('TLS 1.0 only', 'tls_protocol_too_old', 'tls', target={587: Smtp(context=tls_1_0, certificate='everybody-rsa')}),
    S('TLS 1.1 only', 'tls_protocol_too_old', 'tls', at='mail.example.test:465',
                      target={465: Smtp('at once', context=tls_1_1, certificate='everybody-rsa')}),
    S('signed with SHA-1', 'tls_legacy_signature', 'tls', target={587: Smtp(certificate='everybody-sha1')}),
    S('a short key', 'tls_legacy_signature', 'tls', target={587: Smtp(certificate='everybody-short')}),
    S('no cipher in common', 'tls_handshake_incompatible', 'tls', target={587: Smtp(context=no_forward_secrecy,
                                                                                   certificate='everybody-rsa')}),
]


@pytest.mark.parametrize('scenario', SCENARIOS, ids=lambda scenario: scenario.name)
def test_right_first(scenario, played, verdict):
    result = played(scenario)
    said = verdict(scenario.name, scenario.cause, result)
    scenario.check(said, result)
