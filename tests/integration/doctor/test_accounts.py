"""What the doctor says of accounts: real servers set up wrongly on purpose, the provider on the desk, and refusals as
they are really given, each by a server that says it at its place."""
import base64
import json
import os
import shutil
import subprocess

import pytest

from network import GMAIL, OFFICE, OUTLOOK, TARGET
from outpost import OK, CONFIG, PROGRAM
from peers.process import Process, free_port
from sandbox import Sandbox
from stage import Smtp
from test_tls import rsa, small_group     # noqa: F401

def test_no_mechanism_in_common(stage, outpost, verdict):
    stage.open(TARGET, 587, Smtp(ehlo=['AUTH GSSAPI NTLM']))
    outpost.account('mail.example.test:587')
    verdict('no mechanism in common', 'auth_no_common_mechanism', outpost.run('doctor', '--json'))


@pytest.mark.parametrize('port,cause', [(587, 'auth_not_offered'), (25, 'wrong_port_use_submission')])
def test_no_sign_in_offered(port, cause, stage, outpost, verdict):
    stage.open(TARGET, port, Smtp(ehlo=['PIPELINING']))
    outpost.account('mail.example.test:%d' % port)
    verdict('no sign-in on %d' % port, cause, outpost.run('doctor', '--json', '--connect-timeout', '3'))


def test_another_address_of_the_account(stage, outpost, verdict):
    """It signs in, and may send as itself; as its alias it may not."""
    class Owner(Smtp):
        def take(self, command):
            self.replies = {'MAIL': '553 5.7.1 Sender address rejected: not owned by user'} if b'team@' in command else {}

    stage.open(TARGET, 587, Owner())
    outpost.account('mail.example.test:587', send_as='team@example.test')
    verdict('an alias that is not ours', 'sender_not_owned', outpost.run('doctor', '--json'))


# ---- on this machine ----

def test_a_secret_that_cannot_be_read(stage, outpost, verdict):
    stage.open(TARGET, 587, Smtp())
    outpost.account('mail.example.test:587', secret='command:false')
    told = verdict('a secret that cannot be read', 'local_token_unreadable', outpost.run('doctor', '--json'))
    assert [s['step'] for s in told['steps'] if s['ok'] is False] == ['auth'], told


@pytest.mark.parametrize('auth,printed,cause,said', [
    ('token', 'WARNING: the cache is old\nt0ken-xyz\n', 'oauth_malformed_xoauth2', 'the command cat printed 2 lines; one is wanted, the token alone'),
    ('token', '{"access_token": "t0ken-xyz"}\n', 'oauth_malformed_xoauth2', 'the command cat printed JSON; the token alone is wanted'),
    ('token', 'Bearer t0ken-xyz\n', 'oauth_malformed_xoauth2', 'the command cat printed several words'),
    ('password', 't0ken-xyz\nuser: alice\n', 'local_token_unreadable', 'the command cat printed 2 lines; one is wanted'),
    ('token', 't0ken-xyz\n', None, None)], ids=['a warning before it', 'JSON', 'a word before it', 'a password and more', 'a token'])
def test_a_command_that_prints_more(auth, printed, cause, said, stage, outpost, tmp_path):
    """It is told before anybody is asked, what came and from where, and nothing of it is shown or sent."""
    class Server(Smtp):
        def take(self, command):
            heard.append(command)

    heard = []
    path = tmp_path / 'printed'
    path.write_text(printed)
    stage.open(TARGET, 587, Server(ehlo=['AUTH PLAIN XOAUTH2']))
    outpost.account('mail.example.test:587', auth=auth, secret='command:cat %s' % path)
    for words in (['doctor', '--json'], ['send', '--direct', '--json', '--from', 'alice@example.test', 'bob@example.test']):
        result = outpost.run(words[0], *words[1:], stdin=b'Hello')
        assert cause in result.out and said in result.out + result.err if cause else result.status == OK, result
        assert 't0ken' not in result.out + result.err, result
    assert bool(cause) != any(command.startswith(b'AUTH') for command in heard), heard


@pytest.mark.parametrize('label,settings,cause', [
    ('an empty password', dict(password=''), 'auth_empty_password'),
    ('a keyring, and nobody keeps one', dict(secret='keyring'), 'local_secret_locked'),
    ('OAuth, and no client id', dict(auth='oauth', secret=None, server=None, security=None, address='me@live.com', username=None, transport='smtp'),
     'oauth_client_id_missing'),
    ('OAuth, and nobody has signed in', dict(auth='oauth', secret=None, server=None, security=None, address='me@live.com', username=None,
                                            transport='smtp', client_id='an-app'), 'oauth_consent_required')])
def test_nothing_to_sign_in_with(label, settings, cause, stage, outpost, verdict):
    stage.open(TARGET, 587, Smtp())
    stage.open(OUTLOOK, 587, Smtp(ehlo=['AUTH LOGIN XOAUTH2']))
    outpost.account(**{'server': 'mail.example.test:587', **settings})
    verdict(label, cause, outpost.run('doctor', '--json', '--connect-timeout', '5'))


def test_live_com_with_a_password(stage, outpost, verdict):
    """Known before anything is sent; and the road is good, so the ladder shows where it ends."""
    heard = []

    class Office(Smtp):
        def take(self, command):
            heard.append(command)

    stage.open(OUTLOOK, 587, Office(ehlo=['AUTH LOGIN XOAUTH2']))
    outpost.account(server=None, security=None, address='me@live.com', username=None)
    told = verdict('live.com with a password', 'auth_basic_disabled', outpost.run('doctor', '--json'))
    assert [(s['step'], s['ok']) for s in told['steps']][-3:] == [('tls', True), ('ehlo', True), ('auth', False)], told
    assert heard and not any(command.startswith((b'AUTH', b'MAIL')) for command in heard), heard


def jwt(**claims):
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b'=').decode()
    return '%s.%s.c2ln' % (part({'alg': 'none'}), part(claims))


OURS = dict(aud='https://outlook.office.com', scp='SMTP.Send', upn='alice@example.test', exp=4102444800)


@pytest.mark.parametrize('label,claims,cause', [
    ('a token for Graph', dict(OURS, aud='https://graph.microsoft.com'), 'oauth_wrong_scope'),
    ('a token to read', dict(OURS, scp='IMAP.AccessAsUser.All'), 'oauth_wrong_scope'),
    ("another's token", dict(OURS, upn='bob@example.test'), 'oauth_wrong_user'),
    ('a token that is spent', dict(OURS, exp=1600000000), 'oauth_refresh_token_expired'),
    ("an application's token", dict(aud='https://outlook.office365.com', roles=['SMTP.SendAsApp'], idtyp='app',
                                   exp=4102444800), 'oauth_missing_permission')])
def test_a_token_that_says_why(label, claims, cause, stage, outpost, leaks, verdict):
    """To all of them the server says the same, which has eight causes."""
    stage.open(OFFICE, 587, Smtp(ehlo=['AUTH LOGIN XOAUTH2'], replies={'AUTH': '535 5.7.3 Authentication unsuccessful [x]'}))
    token = jwt(**claims)
    leaks.plant('a token that is refused: ' + label, token)
    outpost.account('smtp.office365.com:587', transport='smtp', auth='token', password=token)
    verdict(label, cause, outpost.run('doctor', '--json', '--connect-timeout', '5'))


PERSONAL, HOUSE = '9188040d-6c67-4c5b-b112-36a304b66dad', '00000000-1111-2222-3333-444444444444'


@pytest.mark.parametrize('label,tenant,server,settings,cause', [
    ("a personal account's, for an organisation's mailbox", PERSONAL, 'smtp.office365.com', {}, 'oauth_tenant_mismatch'),
    ("an organisation's, for a personal mailbox", HOUSE, 'smtp-mail.outlook.com', dict(address='alice@live.com', username='alice@live.com'),
     'oauth_tenant_mismatch'),
    ("another organisation's than is named", HOUSE, 'smtp.office365.com', dict(tenant='00000000-1111-2222-3333-555555555555'),
     'oauth_tenant_mismatch'),
    ("an organisation's, where personal accounts sign in", HOUSE, 'smtp-mail.outlook.com', {}, 'wrong_server_for_account'),
    ("a personal account's, at the server for both", PERSONAL, 'smtp.office365.com', dict(address='alice@live.com', username='alice@live.com'),
     'oauth_wrong_user'),
    ("an organisation's, as it should be", HOUSE, 'smtp.office365.com', {}, 'oauth_wrong_user')])
def test_whose_tenant(label, tenant, server, settings, cause, stage, outpost, leaks, verdict):
    """The last two have the right one: they are refused for another reason, and the likeliest is told."""
    stage.open(OFFICE if 'office' in server else OUTLOOK, 587,
               Smtp(ehlo=['AUTH LOGIN XOAUTH2'], replies={'AUTH': '535 5.7.3 Authentication unsuccessful [x]'}))
    token = jwt(**dict(OURS, tid=tenant, upn=settings.get('address', OURS['upn'])))
    leaks.plant('a token of a tenant: ' + label, token)
    outpost.account(server + ':587', transport='smtp', auth='token', password=token, **settings)
    told = verdict('a token, ' + label, cause, outpost.run('doctor', '--json', '--connect-timeout', '5'))
    noted = [note['text'] for note in told['notes'] if note['note'] == 'token-tenant']
    assert (cause != 'oauth_wrong_user') == bool(noted) and all(tenant in text for text in noted), told
    shared = outpost.run('doctor', '--share', '--connect-timeout', '5')
    assert shared.json['cause'] == cause and tenant not in shared.out, shared


def test_a_shared_mailbox(stage, outpost, leaks, verdict):
    """Signed in as oneself, which is right; and told the server so, which is not."""
    stage.open(OFFICE, 587, Smtp(ehlo=['AUTH LOGIN XOAUTH2'], replies={'AUTH': '535 5.7.3 Authentication unsuccessful [x]'}))
    token = jwt(**OURS)
    leaks.plant('a token that is refused: a shared mailbox', token)
    outpost.account('smtp.office365.com:587', transport='smtp', auth='token', password=token, address='team@example.test')
    verdict('a shared mailbox by the own name', 'oauth_shared_mailbox_user', outpost.run('doctor', '--json', '--connect-timeout', '5'))


@pytest.mark.parametrize('label,settings,cause', [
    ('no authority in the file', dict(ca_file='/nowhere/ca.pem'), 'local_ca_bundle_missing'),
    ('a pin that was mistyped', dict(tls_pin='sha256:' + 64 * '0'), 'config_invalid'),
    ('a proxy that is not there', dict(proxy='socks5://%s:1080' % TARGET), 'proxy_unusable')])
def test_settings(label, settings, cause, stage, certificates, outpost, verdict):
    stage.open(TARGET, 587, Smtp())
    del outpost.environment['OUTPOST_CA_FILE']
    outpost.account('mail.example.test:587', **{'ca_file': certificates.ca, **settings})
    verdict(label, cause, outpost.run('doctor', '--json', '--connect-timeout', '3'))


def test_a_list_of_ones_own(stage, certificates, outpost, verdict):
    """The account's list has another authority than the server's, which this machine's own list has; and then neither has, so
    that all others are by a stranger, too."""
    stage.open(TARGET, 587, Smtp())
    stage.open(GMAIL, 587, Smtp())
    del outpost.environment['OUTPOST_CA_FILE']
    outpost.environment['SSL_CERT_FILE'] = certificates.ca
    outpost.account('mail.example.test:587', ca_file=certificates.cert('stranger'))
    verdict("another's authority in the account's list", 'config_invalid', outpost.run('doctor', '--json', '--connect-timeout', '3'))
    outpost.account('mail.example.test:587', ca_file=certificates.cert('other-stranger'))
    outpost.environment['SSL_CERT_FILE'] = certificates.cert('stranger')
    verdict('in no list', 'tls_interception', outpost.run('doctor', '--json', '--connect-timeout', '3'))


@pytest.mark.parametrize('label,source,link,says', [
    ('was ours once', '2001:db8::77', 'IPv4', 'source_address 2001:db8::77 is not an address of this machine now'),
    ("another machine's", '198.51.100.77', 'IPv4', 'source_address 198.51.100.77 is not an address of this machine now'),
    ("ours, and of IPv6 alone, where the server has none", '2001:db8::1', 'both',
     'source_address 2001:db8::1 is an address of IPv6, and mail.example.test has none of that kind'),
    ('ours', '198.51.100.1', 'both', None)])
def test_source_address(label, source, link, says, stage, outpost, verdict):
    """The doctor, and a command that sends, name the setting that is in the way."""
    stage.open(TARGET, 587, Smtp())
    stage.ground.link(link)
    outpost.account('mail.example.test:587', source_address=source)
    told = verdict('source_address: ' + label, 'config_invalid' if says else None,
                   outpost.run('doctor', '--json', '--connect-timeout', '3'))
    assert not says or says in told['evidence'], told
    sent = outpost.run('send', '--direct', '--json', '--connect-timeout', '3', 'someone@example.test', stdin=b'see there\n')
    assert sent.status == (CONFIG if says else 0), sent
    assert not says or sent.json['failure']['cause'] == 'config_invalid' and says in sent.json['failure']['evidence'], sent


def test_the_network_within_is_switched_off(outpost, verdict):
    for host in ('127.0.0.1', 'localhost', '[::1]'):
        outpost.inside = ['unshare', '-n']
        told = verdict('lo is down: ' + host, 'network_unreachable', outpost.run('doctor', host + ':2525', '--json'))
        assert [note['note'] for note in told['notes']] == ['loopback-down'], told


@pytest.mark.parametrize('label,off', [('our clock, two years ahead', '+2y'), ('our clock, two years behind', '-2y')])
def test_our_clock(label, off, stage, outpost, verdict):
    if not shutil.which('faketime'):
        pytest.skip('faketime is not installed')
    stage.open(TARGET, 587, Smtp())
    stage.open(GMAIL, 587, Smtp())
    outpost.inside = [*outpost.inside, 'faketime', '-f', off]
    verdict(label, 'clock_wrong', outpost.run('doctor', 'mail.example.test:587', '--json', '--connect-timeout', '3'))


def test_localhost_in_a_container(stage, outpost, verdict):
    outpost.environment['container'] = 'podman'
    outpost.account('localhost:587')
    verdict('localhost in a container', 'connect_refused_localhost_in_container', outpost.run('doctor', '--json'))


# ---- real servers ----

def test_postfix_and_dovecot_are_healthy(postfix, outpost, verdict):
    for security in ('starttls', 'tls'):
        outpost.account_at(postfix, security)
        verdict('Postfix and Dovecot, ' + security, None, outpost.run('doctor', '--json'))


@pytest.mark.parametrize('peer', ['exim', 'haraka', 'smtp_server', 'scripted'])
def test_others_are_healthy(peer, request, outpost, verdict):
    there = request.getfixturevalue(peer)
    outpost.account_at(there, 'tls')
    verdict(there.name, None, outpost.run('doctor', '--json'))


WRONGLY = [
    ('Postfix: a wrong password', 'tls', dict(password='wrong'), 'auth_bad_credentials'),
    ('Postfix: a wrong name', 'starttls', dict(username='bob@example.test'), 'auth_bad_credentials'),
    ('Postfix: not the owner, at MAIL', 'owned-mail', dict(address='bob@example.test', username='alice@example.test'), 'sender_not_owned'),
    ('Postfix: not the owner, at RCPT', 'owned-rcpt', dict(address='bob@example.test', username='alice@example.test'), 'sender_not_owned'),
    ('Postfix: not signed in', 'starttls', dict(auth='none', secret=None, username=None), 'relay_denied'),
]


@pytest.mark.parametrize('label,port,settings,cause', WRONGLY, ids=[row[0] for row in WRONGLY])
def test_postfix_wrongly(label, port, settings, cause, postfix, outpost, verdict):
    outpost.account('localhost:%d' % postfix.ports[port], 'starttls' if port == 'starttls' else 'tls', **settings)
    verdict(label, cause, outpost.run('doctor', '--json'))


@pytest.mark.parametrize('label,port,security,cause', [
    ('Postfix: STARTTLS where TLS begins at once', 'tls', 'starttls', 'plaintext_on_tls_port'),
    ('Postfix: TLS at once where STARTTLS is', 'starttls', 'tls', 'tls_on_plaintext_port')])
def test_postfix_by_the_wrong_encryption(label, port, security, cause, postfix, outpost, verdict):
    outpost.account('localhost:%d' % postfix.ports[port], security)
    verdict(label, cause, outpost.run('doctor', '--json', '--connect-timeout', '2'))


@pytest.mark.parametrize('name,cause', [('expired', 'cert_expired'), ('wrong', 'cert_hostname_mismatch'),
                                        ('selfsigned', 'cert_self_signed'), ('of-a-leaf', 'cert_untrusted_issuer'),
                                        ('client-only', 'cert_untrusted_issuer'), ('sha1', 'tls_legacy_signature')])
def test_a_real_server_with_a_bad_certificate(name, cause, bad_certificate, outpost, verdict):
    outpost.account_at(bad_certificate(name), 'tls')
    verdict('aiosmtpd: ' + name, cause, outpost.run('doctor', '--json', '--connect-timeout', '2'))


@pytest.mark.parametrize('label,words,cause', [
    ('s_server: TLS 1.0', ['-tls1', '-cipher', 'DEFAULT@SECLEVEL=0'], 'tls_protocol_too_old'),
    ('s_server: TLS 1.1', ['-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0'], 'tls_protocol_too_old'),
    ('s_server: no encryption', ['-tls1_2', '-cipher', 'eNULL@SECLEVEL=0'], 'tls_handshake_incompatible'),
    ('s_server: a small Diffie-Hellman group', ['-tls1_2', '-cipher', 'kDHE@SECLEVEL=0', '-dhparam'], 'tls_weak_dh'),
    ('s_server: another protocol than mail', ['-alpn', 'http/1.1'], 'smtp_intercepted'),
    ('s_server: RSA key transport', ['-tls1_2', '-cipher', 'kRSA@SECLEVEL=0'], 'tls_handshake_incompatible')])
def test_openssl_s_server(label, words, cause, rsa, small_group, outpost, verdict):
    words = words + [small_group] if words[-1] == '-dhparam' else words
    port = free_port()
    server = Process(['openssl', 's_server', '-accept', '127.0.0.1:%d' % port, *rsa, *words], stdin=subprocess.PIPE,
                     env={**os.environ, 'OPENSSL_CONF': '/dev/null'})
    server.await_line('^ACCEPT')
    outpost.account('localhost:%d' % port, 'tls')
    try:
        verdict(label, cause, outpost.run('doctor', '--json', '--connect-timeout', '2'))
    finally:
        server.stop()


# ---- the provider on the desk ----

@pytest.fixture
def desk(tmp_path, outpost):
    """desk(provider, *scenarios, **settings): that provider, and an account there."""
    desks = []

    def at(provider, *scenarios, options=(), **settings):
        there = Sandbox(tmp_path / 'desk', provider, *scenarios, options=options)
        desks.append(there)
        outpost.environment.update(OUTPOST_CONNECT_TO=','.join(there.connect_to), OUTPOST_CA_FILE=there.ca)
        outpost.ca = None
        if settings:
            outpost.account(**{'server': None, 'security': None, 'address': there.user, 'username': None, 'provider': provider,
                               'auth': 'token', 'password': there.token, **settings})
        return there
    yield at
    for there in desks:
        there.stop()


DESK = [
    ('outlook.com', (), dict(transport='smtp'), None),
    ('outlook.com', (), dict(transport='auto'), None),
    ('outlook.com', (), dict(transport='graph'), None),
    ('gmail', (), dict(transport='gmail'), None),
    ('outlook.com', ('smtp-auth-off',), dict(transport='smtp'), 'auth_smtp_disabled_mailbox'),
    ('microsoft365', ('smtp-auth-off-tenant',), dict(transport='smtp'), 'auth_smtp_disabled_tenant'),
    ('outlook.com', (), dict(auth='password', password='x'), 'auth_basic_disabled'),
    ('gmail', (), dict(auth='password', password='wrong'), 'auth_bad_credentials'),
]


@pytest.mark.parametrize('provider,scenarios,settings,cause', DESK,
                         ids=['%s %s %s' % (p, ' '.join(s), ' '.join(w.values())) for p, s, w, _ in DESK])
def test_at_the_desk(provider, scenarios, settings, cause, desk, outpost, verdict):
    desk(provider, *scenarios, **settings)
    verdict('sandbox %s, %s' % (provider, ' '.join(scenarios) or ' '.join(settings.values())), cause,
            outpost.run('doctor', '--json', '--connect-timeout', '10'))


@pytest.mark.parametrize('scenario,cause', [
    (None, None), ('smtp-auth-off', 'auth_smtp_disabled_mailbox'), ('consent-revoked', 'oauth_refresh_token_expired'), ('unknown-client', 'oauth_client_misconfigured'),
    ('client-needs-secret', 'oauth_client_misconfigured'), ('blocked-by-policy', 'auth_blocked_by_policy'),
    ('token-busy', 'server_busy_temporary'), ('token-page', 'oauth_endpoint_unreachable')])
def test_signed_in_at_the_desk(scenario, cause, desk, outpost, verdict):
    """Two hours later the token is spent, and getting another shows what has become of the sign-in. Where SMTP alone is
    shut, the account's other way is found to work."""
    spent = scenario and scenario != 'smtp-auth-off'
    if spent and not shutil.which('faketime'):
        pytest.skip('faketime is not installed')
    there = desk('outlook.com', 'agreeable', options=('--device-interval', '1'))
    one = Process([PROGRAM, 'setup', there.user, '--config', outpost.config, '--json', '--flow', 'device', '--client-id', 'an-app',
                   '--yes', '--no-test'], env=outpost.environment)
    assert one.popen.wait(60) == 0, one.said
    if scenario:
        there.scenario(scenario)
    if spent:
        there.advance(7200)
        outpost.inside = ['faketime', '-f', '+2h']
    told = verdict('sandbox, signed in, %s' % (scenario or 'as it should be'), cause,
                   outpost.run('doctor', '--json', '--connect-timeout', '10'))
    assert [other['ok'] for other in told['alternatives']] == ([] if not scenario else [not spent]), told
