"""What the doctor says of networks, servers and certificates that are wrong in one way each."""
import ssl

import pytest

from network import FASTMAIL, GMAIL, HOME, LIAR, NAMESERVER, OFFICE, OUTLOOK, TARGET, WEB
from stage import Answers, Says, Smtp, Stage

GOOD = {587: Smtp(), 465: Smtp('at once')}
MAIL, ALL = 'tcp dport { 25, 465, 587, 2525, 2587 }', 'meta l4proto tcp'
AT_TARGET = 'ip daddr %s ' % TARGET


def tls_1_0(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1


def tls_1_1(context):
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1


def no_forward_secrecy(context):
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers('kRSA:@SECLEVEL=0')


def named(certificate):
    return {587: Smtp(certificate=certificate), 465: Smtp('at once', certificate=certificate)}


class Scenario:
    """`target`: its ports; `at`: what is asked about; `account`: settings of one in its place; `wall`: the firewall;
    `world`: what others are, where not good; `broke`: at which rung; `works`: alternatives that must be told."""

    def __init__(self, cause, broke=None, target=GOOD, at='mail.example.test:587', account=None, wall=(), world=None,
                 names=None, works=(), link=True, words=(), address=TARGET):
        self.cause, self.broke, self.target, self.at, self.account = cause, broke, target, at, account
        self.wall, self.world, self.names, self.works, self.link = wall, world or {}, names, set(works), link
        self.words, self.address = words, address


S = Scenario
WITH = {'server': 'mail.example.test:587', 'security': 'starttls'}

SCENARIOS = {
    # -- nothing is wrong: no false alarm
    'STARTTLS': S(None),
    'TLS at once': S(None, at='mail.example.test:465'),
    'no port named': S(None, at='mail.example.test'),
    'no port named, only 465': S(None, at='mail.example.test', target={465: Smtp('at once')}),
    'a port of its own, TLS at once': S(None, at='mail.example.test:2587', target={2587: Smtp('at once')}),
    'an account': S(None, account=WITH),
    'an account, TLS at once': S(None, account={'server': 'mail.example.test:465', 'security': 'tls'}),
    'port 25 blocked, and nobody needs it': S(None, account=WITH, wall=['tcp dport 25 drop']),
    'IPv6 published, and no way for it': S(None, at='both.example.test:587'),
    'no other provider to be had': S(None, wall=['ip daddr { %s, %s, %s } drop' % (GMAIL, OFFICE, WEB)]),
    'a server in the house': S(None, at='home.example.test:587', address=HOME),
    'a known provider': S(None, at='smtp.gmail.com:465'),
    # -- names
    'a typing error': S('dns_host_not_found', 'resolve', at='mial.example.test:587'),
    'a typing error in an account': S('dns_host_not_found', 'resolve', account={**WITH, 'server': 'mial.example.test:587'}),
    'a URL': S('dns_host_malformed', 'resolve', at='https://mail.example.test'),
    'a blank in it': S('dns_host_malformed', 'resolve', at='mail example.test:587'),
    'SERVFAIL': S('dns_resolver_failure', 'resolve', names=2),
    'a resolver that refuses': S('dns_resolver_failure', 'resolve', names=5),
    'a resolver that is silent': S('dns_resolver_failure', 'resolve', names='silent'),
    'a resolver that knows nothing': S('dns_resolver_failure', 'resolve', names=3),
    'a known provider that has no name here': S('dns_resolver_failure', 'resolve', at='smtp.gmail.com:587', names=3),
    'a domain that is broken': S('dns_resolver_failure', 'resolve', at='mail.broken.test:587'),
    'a domain that is silent': S('dns_resolver_failure', 'resolve', at='mail.silent.test:587'),
    # -- nobody answers
    '587 dropped for everybody': S('connect_timeout_port_blocked', 'connect', wall=['tcp dport 587 drop'],
                                   works=[('mail.example.test', 465)]),
    '465 dropped for everybody': S('connect_timeout_port_blocked', 'connect', at='mail.example.test:465',
                                   wall=['tcp dport 465 drop'], works=[('mail.example.test', 587)]),
    'all mail ports dropped': S('connect_timeout_port_blocked', 'connect', wall=[MAIL + ' drop']),
    'all mail ports dropped, an account': S('connect_timeout_port_blocked', 'connect', account=WITH, wall=[MAIL + ' drop']),
    '25 dropped for everybody': S('connect_timeout_port_blocked', 'connect', at='smtp.office365.com:25',
                                  wall=['tcp dport 25 drop']),
    "a provider's port dropped": S('connect_timeout_port_blocked', 'connect', at='smtp.gmail.com:587',
                                   wall=['tcp dport 587 drop'], works=[('smtp.gmail.com', 465)]),
    'a port the server has not, dropped': S('connect_timeout_wrong_port', 'connect', at='mail.example.test:465',
                                            target={587: Smtp()}, wall=[AT_TARGET + 'tcp dport 465 drop'],
                                            works=[('mail.example.test', 587)]),
    'a port of nobody, dropped': S('connect_timeout_wrong_port', 'connect', at='mail.example.test:2587',
                                   wall=['tcp dport 2587 drop'], works=[('mail.example.test', 587)]),
    'a port the provider has not': S('connect_timeout_wrong_port', 'connect', at='smtp-mail.outlook.com:465',
                                     wall=['ip daddr %s tcp dport 465 drop' % OUTLOOK],
                                     works=[('smtp-mail.outlook.com', 587)]),
    'this host drops us': S('connect_timeout_client_banned', 'connect', wall=[AT_TARGET + 'meta l4proto tcp drop']),
    'this host drops us, an account': S('connect_timeout_client_banned', 'connect', account=WITH,
                                        wall=[AT_TARGET + 'meta l4proto tcp drop']),
    'a provider drops us': S('connect_timeout_client_banned', 'connect', at='smtp.gmail.com:587',
                             wall=['ip daddr %s tcp dport 587 drop' % GMAIL]),
    'everything is dropped': S('network_unreachable', 'connect', wall=[ALL + ' drop']),
    # -- somebody says no
    'nobody listens': S('connect_refused_no_listener', 'connect', target={}),
    'nobody listens on this one': S('connect_refused_no_listener', 'connect', target={465: Smtp('at once')},
                                    works=[('mail.example.test', 465)]),
    'nobody listens, an account': S('connect_refused_no_listener', 'connect', target={}, account=WITH),
    '587 reset for everybody': S('connect_refused_firewall', 'connect', wall=['tcp dport 587 reject with tcp reset'],
                                 works=[('mail.example.test', 465)]),
    'all mail ports reset': S('connect_refused_firewall', 'connect', wall=[MAIL + ' reject with tcp reset']),
    "a provider's port reset": S('connect_refused_firewall', 'connect', at='smtp.gmail.com:587',
                                 wall=['ip daddr %s tcp dport 587 reject with tcp reset' % GMAIL]),
    '587 prohibited': S('connect_refused_firewall', 'route', wall=['tcp dport 587 reject with icmpx type admin-prohibited'],
                        works=[('mail.example.test', 465)]),
    'all mail ports prohibited': S('connect_refused_firewall', 'route', wall=[MAIL + ' reject with icmpx type admin-prohibited']),
    # -- no way
    'the cable is out': S('network_unreachable', 'route', at=TARGET + ':587', link=False),
    'IPv6 alone, and no way for it': S('network_unreachable_ipv6', 'route', at='six.example.test:587'),
    # -- who answers
    'turned away': S('banner_rejected', 'banner', target={587: Smtp(banner='554 no SMTP service here')}),
    'turned away for now': S('banner_rejected', 'banner', target={587: Smtp(banner='421 not accepting connections')}),
    'turned away by a blocklist': S('ip_reputation_blocked', 'banner', target={587: Smtp(
        banner='554 5.7.1 Service unavailable; Client host [198.51.100.1] blocked using zen.spamhaus.org')}),
    'turned away without a name': S('ptr_missing', 'banner', target={587: Smtp(
        banner='554 5.7.1 Client host rejected: cannot find your reverse hostname, [198.51.100.1]')}),
    'turned away, one of too many': S('concurrent_limit', 'banner', target={587: Smtp(
        banner='421 4.7.0 Too many concurrent SMTP connections; please try again later.')}),
    'silent after the greeting': S('server_busy_temporary', 'ehlo', target={587: Says(b'220 hi\r\n', stays=True)}),
    'closed after the greeting': S('server_busy_temporary', 'ehlo', target={587: Says(b'220 hi\r\n')}),
    'silent in the handshake': S('tls_handshake_incompatible', 'tls', at='mail.example.test:465',
                                 target={465: Says(stays=True)}),
    'closed in the handshake': S('tls_handshake_incompatible', 'tls', at='mail.example.test:465', target={465: Says()}),
    'closed at once': S('connection_closed_before_banner', 'banner', target={587: Says()}),
    'closed at once, an account': S('connection_closed_before_banner', 'banner', target={587: Says()}, account=WITH),
    'rubbish': S('smtp_intercepted', 'banner', target={587: Says(b'\x00\x01\x02 hello?\r\n')}),
    'escape sequences': S('smtp_intercepted', 'banner', target={587: Says(b'\x1b[2J\x1b]0;pwned\x07\r\n', stays=True)}),
    'a web page': S('smtp_intercepted', 'banner', target={587: Says(b'HTTP/1.1 400 Bad Request\r\n\r\n<html>')}),
    'megabytes without an end': S('smtp_intercepted', 'banner', target={587: Says(b'x' * 65536, often=100)}),
    'IMAP': S('wrong_port_use_submission', 'banner', at='mail.example.test:143', target={143: Says(b'* OK IMAP4rev1 ready\r\n', stays=True)}),
    'POP3': S('wrong_port_use_submission', 'banner', at='mail.example.test:110', target={110: Says(b'+OK ready\r\n', stays=True)}),
    'a masked greeting': S('smtp_intercepted', 'starttls', target={587: Smtp(
        tls=None, banner='220 ' + '*' * 40 + '2' + '*' * 20, ehlo=['PIPELINING', 'XXXXXXXA'])}),
    'STARTTLS taken out of what a provider says': S('smtp_intercepted', 'starttls', at='smtp.gmail.com:587',
                                                    world={(GMAIL, 587): Smtp(clear=['PIPELINING'])}),
    "another's certificate for a provider": S('smtp_intercepted', 'tls', at='smtp.gmail.com:587',
                                              world={(GMAIL, 587): Smtp(certificate='wrong')}),
    # -- the kind of encryption
    'STARTTLS to a port with TLS at once': S('plaintext_on_tls_port', 'banner', at='mail.example.test:465',
                                             words=['--security', 'starttls'], works=[('mail.example.test', 465)]),
    'the same, an account': S('plaintext_on_tls_port', 'banner', account={'server': 'mail.example.test:465', 'security': 'starttls'},
                              works=[('mail.example.test', 465)]),
    'the same, on a port of its own': S('plaintext_on_tls_port', 'banner', target={2587: Smtp('at once')},
                                        account={'server': 'mail.example.test:2587', 'security': 'starttls'},
                                        works=[('mail.example.test', 2587)]),
    'TLS at once to a port with STARTTLS': S('tls_on_plaintext_port', 'tls', words=['--security', 'tls'],
                                             works=[('mail.example.test', 587)]),
    'that too, an account': S('tls_on_plaintext_port', 'tls', account={'server': 'mail.example.test:587', 'security': 'tls'},
                              works=[('mail.example.test', 587)]),
    'no STARTTLS': S('starttls_not_offered', 'starttls', target={587: Smtp(clear=['PIPELINING']), 465: Smtp('at once')},
                     works=[('mail.example.test', 465)]),
    'no STARTTLS, an account': S('starttls_not_offered', 'starttls', target={587: Smtp(clear=['PIPELINING'])}, account=WITH),
    # -- certificates
    'expired': S('cert_expired', 'tls', target=named('everybody-expired')),
    'expired on one port': S('cert_expired', 'tls', target={587: Smtp(certificate='everybody-expired'), 465: Smtp('at once')},
                             works=[('mail.example.test', 465)]),
    'expired, an account': S('cert_expired', 'tls', target=named('everybody-expired'), account=WITH),
    'expired everywhere: our clock': S('clock_wrong', 'tls', target=named('everybody-expired'),
                                       world={(GMAIL, 587): Smtp(certificate='everybody-expired')}),
    'signed by itself': S('cert_self_signed', 'tls', target=named('everybody-self')),
    'signed by itself, TLS at once': S('cert_self_signed', 'tls', at='mail.example.test:465', target=named('everybody-self')),
    'an authority nobody knows': S('cert_untrusted_issuer', 'tls', target=named('by-stranger')),
    'an inspecting proxy': S('tls_interception', 'tls', target=named('by-office-proxy'),
                             world={(GMAIL, 587): Smtp(certificate='by-office-proxy')}),
    'an inspecting proxy before a provider': S('tls_interception', 'tls', at='smtp.gmail.com:587',
                                               world={(GMAIL, 587): Smtp(certificate='by-office-proxy'),
                                                      (OFFICE, 587): Smtp(certificate='by-office-proxy')}),
    'an anti-virus program': S('tls_interception', 'tls', target=named('by-eset')),
    'no authority is known here': S('local_ca_bundle_missing', 'tls', target=named('by-stranger'),
                                    world={(GMAIL, 587): Smtp(certificate='by-other-stranger')}),
    "another's name": S('cert_hostname_mismatch', 'tls', target=named('wrong')),
    'asked for by address': S('cert_hostname_mismatch', 'tls', at=TARGET + ':587'),
    # -- what TLS it speaks
    'TLS 1.0 only': S('tls_protocol_too_old', 'tls', target={587: Smtp(context=tls_1_0, certificate='everybody-rsa')}),
    'TLS 1.1 only': S('tls_protocol_too_old', 'tls', at='mail.example.test:465',
                      target={465: Smtp('at once', context=tls_1_1, certificate='everybody-rsa')}),
    'signed with SHA-1': S('tls_legacy_signature', 'tls', target={587: Smtp(certificate='everybody-sha1')}),
    'a short key': S('tls_legacy_signature', 'tls', target={587: Smtp(certificate='everybody-short')}),
    'no cipher in common': S('tls_handshake_incompatible', 'tls', target={587: Smtp(context=no_forward_secrecy,
                                                                                   certificate='everybody-rsa')}),
}

WORLD = {(GMAIL, 587): Smtp(), (GMAIL, 465): Smtp('at once'), (OFFICE, 587): Smtp(), (OFFICE, 25): Smtp(),
         (FASTMAIL, 465): Smtp('at once'), (FASTMAIL, 587): Smtp(), (OUTLOOK, 587): Smtp(), (WEB, 443): Says(stays=True)}


@pytest.fixture
def examined(network, certificates, outpost):
    """examined(scenario): the result of the program within it."""
    open_now = []

    def examine(scenario):
        stage = Stage(network, certificates)
        open_now.append(stage)
        for (address, port), server in {**WORLD, **scenario.world}.items():
            stage.open(address, port, server)
        for port, server in scenario.target.items():
            stage.open(scenario.address, port, server)
        if isinstance(scenario.names, int) or scenario.names:
            open_now.append(Answers(network, LIAR, scenario.names if isinstance(scenario.names, int) else None))
        network.names(NAMESERVER if scenario.names is None else LIAR)
        network.firewall(*scenario.wall)
        network.link(scenario.link)
        outpost.inside = network.inside
        words = ['--connect-timeout', '3', '--ca-file', certificates.ca, '--json', *scenario.words]
        if scenario.account:
            outpost.account(**scenario.account)
            return outpost.run('doctor', *words)
        return outpost.run('doctor', scenario.at, *words)
    yield examine
    for one in open_now:
        one.close()
    network.firewall()
    network.link(True)


@pytest.mark.parametrize('name', SCENARIOS)
def test_right_first(name, examined, verdict):
    scenario = SCENARIOS[name]
    result = examined(scenario)
    said = verdict(name, scenario.cause, result)
    assert said['ok'] == (scenario.cause is None), result
    broken = [step['step'] for step in said['steps'] if step['ok'] is False]
    assert broken == ([scenario.broke] if scenario.broke else []), result
    works = {(other['host'], other['port']) for other in said['alternatives'] if other['ok']}
    assert scenario.works <= works, result
