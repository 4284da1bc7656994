"""What the doctor says of refusals as they are really given, each by a server that says it at its place: at the greeting,
at EHLO, when one signs in, names a sender, names a recipient."""
import pytest

from conftest import TOKEN
from knowledge import profiles, rules
from network import NAMES, TARGET
from scenario import Scenario
from stage import Smtp

RUNGS = {'greeting': 'banner', 'EHLO': 'ehlo', 'AUTH': 'auth', 'MAIL': 'sender', 'RCPT': 'sender'}
PROFILES = profiles()
OF_FAMILY = {'google': 'gmail', 'microsoft': 'microsoft365'}      # one of each to say what holds for all


def refusing(when, said, security, mechanisms):
    tls = 'at once' if security == 'tls' else 'starttls'
    ehlo = ['PIPELINING', 'AUTH ' + mechanisms]
    if when == 'greeting':
        return Smtp(tls, banner=said)
    return Smtp(tls, ehlo=ehlo, replies={when: said})


def refusal(label, provider, when, said, cause, mechanism='PLAIN', kind=Scenario, **more):
    """An account of that provider's ('': of none that is known) is refused in these words."""
    server, security, takes, _ = PROFILES[provider] if provider else ('mail.example.test:587', 'starttls', True, '')
    host, _, port = server.rpartition(':')
    account = {'server': server, 'security': security, 'transport': 'smtp', 'username': 'alice@example.test'}
    if mechanism in ('XOAUTH2', 'OAUTHBEARER') or not takes:
        mechanism = mechanism if mechanism in ('XOAUTH2', 'OAUTHBEARER') else 'XOAUTH2'
        account.update(auth='token', password=TOKEN)
    mechanisms = 'PLAIN LOGIN XOAUTH2 OAUTHBEARER' if provider == 'gmail' else 'LOGIN XOAUTH2' if provider in (
        'outlook.com', 'microsoft365') else mechanism
    at = NAMES[host][0]
    there = refusing(when, said, security, mechanisms)
    return kind(label, cause, RUNGS.get(when), account=account, **{
        'target': {int(port): there} if at == TARGET else {}, 'world': {} if at == TARGET else {(at, int(port)): there}, **more})


R = refusal

# ---- as servers say it; the data was not made of these ----

TRANSCRIPTS = [
    # -- signing in
    R('a wrong password', '', 'AUTH', '535 5.7.8 Error: authentication failed: authentication failure', 'auth_bad_credentials'),
    R('a wrong password at Dovecot', '', 'AUTH', '535 5.7.8 Error: authentication failed: (reason unavailable)', 'auth_bad_credentials'),
    R('a wrong password at Exim', '', 'AUTH', '535 Incorrect authentication data', 'auth_bad_credentials'),
    R('a wrong password at Gmail', 'gmail', 'AUTH',
     '535-5.7.8 Username and Password not accepted. For more information, go to\r\n535 5.7.8  https://support.google.com/mail/?p=BadCredentials x', 'auth_bad_credentials'),
    R('an app password wanted', 'gmail', 'AUTH',
     '534-5.7.9 Application-specific password required. For more information, go to\r\n534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor x', 'auth_app_password_required'),
    R('a browser wanted', 'gmail', 'AUTH',
     '534-5.7.14 <https://accounts.google.com/signin/continue?x> Please log in via your web browser and\r\n534 5.7.14  then try again. Learn more at https://support.google.com/mail/answer/78754 x', 'auth_web_login_required'),
    R('too many sign-ins', 'gmail', 'AUTH', '454 4.7.0 Too many login attempts, please try again later. x', 'auth_too_many_logins'),
    R('basic auth gone', 'outlook.com', 'AUTH', '535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [x]', 'auth_basic_disabled'),
    R('off for the tenant', 'microsoft365', 'AUTH',
     '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled for more information. [x]', 'auth_smtp_disabled_tenant'),
    R('off for the mailbox', 'microsoft365', 'AUTH',
     '535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information. [x]', 'auth_smtp_disabled_mailbox'),
    R('security defaults', 'microsoft365', 'AUTH',
     '535 5.7.139 Authentication unsuccessful, user is locked by your organization\'s security defaults policy. Contact your administrator. [x]', 'auth_blocked_by_policy'),
    R('conditional access', 'microsoft365', 'AUTH',
     '535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated successfully. Contact your administrator. [x]', 'auth_blocked_by_policy'),
    R('wrong credentials at Microsoft', 'microsoft365', 'AUTH', '535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. [x]', 'auth_bad_credentials'),
    R('not now', '', 'AUTH', '454 4.7.0 Temporary authentication failure: Connection lost to authentication server', 'server_busy_temporary'),
    R('clear text', '', 'AUTH', '538 5.7.11 Encryption required for requested authentication mechanism', 'starttls_required'),
    R('another name than ours', '', 'EHLO', '550 5.7.1 Helo command rejected: need fully-qualified hostname', 'helo_rejected'),
    R('not his address', '', 'MAIL', '553 5.7.1 <alice@example.test>: Sender address rejected: not owned by user alice', 'sender_not_owned'),
    R('not his address, at RCPT', '', 'RCPT', '553 5.7.1 <alice@example.test>: Sender address rejected: not owned by user alice', 'sender_not_owned'),
    R('not his domain', '', 'MAIL', '450 4.1.8 <alice@example.test>: Sender address rejected: Domain not found', 'sender_domain_invalid'),
    R('not signed in after all', '', 'MAIL', '530 5.7.0 Authentication required', 'auth_not_attempted'),
    R('no relaying', '', 'RCPT', '554 5.7.1 <alice@example.test>: Relay access denied', 'relay_denied'),
    R('a blocklist', '', 'RCPT', '554 5.7.1 Service unavailable; Client host [198.51.100.1] blocked using zen.spamhaus.org', 'ip_reputation_blocked'),
    R('greylisted', '', 'RCPT', '450 4.2.0 <alice@example.test>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/', 'greylisted'),
    R('the day is used up', 'gmail', 'MAIL', '550 5.4.5 Daily user sending limit exceeded. x', 'rate_limit_daily'),
    R('the disk is full', '', 'MAIL', '452 4.3.1 Insufficient system storage', 'server_side_error'),
    R('suspended', 'gmail', 'AUTH', '535 5.7.8 Account has been disabled', 'account_locked'),
    R('hMailServer', '', 'AUTH', '535 Authentication failed. Restarting authentication process.', 'auth_bad_credentials'),
    R('MailEnable', '', 'AUTH', '535 Invalid Username or Password', 'auth_bad_credentials'),
    R('Courier', '', 'AUTH', '535 Authentication failed.', 'auth_bad_credentials'),
    R('qmail with vpopmail', '', 'AUTH', '535 authorization failed (#5.7.0)', 'auth_bad_credentials'),
    R('qmail', '', 'AUTH', '535 auth failure', 'auth_bad_credentials'),
    R('Sendmail', '', 'AUTH', '535 5.7.0 authentication failed', 'auth_bad_credentials'),
    R('Stalwart', '', 'AUTH', '535 5.7.8 Authentication credentials invalid.', 'auth_bad_credentials'),
    R('Dovecot submission', '', 'AUTH', '535 5.7.8 Authentication failed.', 'auth_bad_credentials'),
    R('Mailtrap', 'mailtrap', 'AUTH', '535 5.7.0 Invalid credentials', 'auth_bad_credentials'),
    R('an API key that was revoked', 'sendgrid', 'AUTH',
      '535 Authentication failed: The provided authorization grant is invalid, expired, or revoked', 'auth_bad_credentials'),
    R("QQ's authorization code", 'qq.com', 'AUTH', '535 Login Fail. Please enter your authorization code to login. More information in '
      'http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=28&&no=1001256', 'auth_app_password_required'),
    R('Mail.ru wants an app password', 'mail.ru', 'AUTH', '535 5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external '
      '/ Application password is REQUIRED', 'auth_app_password_required'),
    R('an account that is disabled', '', 'AUTH', '525 5.7.13 User account disabled', 'account_locked'),
    R('an account that is locked', '', 'AUTH', '535 5.7.8 Account locked due to too many failed attempts', 'account_locked'),
    R("Dovecot's own trouble", '', 'AUTH', '454 4.7.0 Temporary authentication failure. [mx1:2024-05-01 10:00:00]', 'server_busy_temporary'),
    R('a ban for a while', '', 'AUTH', '421 4.7.0 Too many failed login attempts, your IP is temporarily banned', 'auth_too_many_logins'),
    # -- the sender
    R('Exchange, not signed in', '', 'MAIL', '530 5.7.1 Client was not authenticated', 'auth_not_attempted'),
    R('Exchange, as somebody else', '', 'MAIL', '550 5.7.1 Client does not have permissions to send as this sender', 'sender_not_owned'),
    R('Exim looked the sender up', '', 'RCPT', '550-Verification failed for <alice@example.test>\r\n550-No Such User Here\r\n550 Sender verify failed', 'sender_not_owned'),
    R('too large, without a code', '', 'MAIL', '552 Message size exceeds maximum permitted', 'message_too_big'),
    R('too large', '', 'MAIL', '552 5.2.3 Message exceeds maximum fixed size', 'message_too_big'),
    R('552 and no words that are known', '', 'MAIL', '552 Sorry', 'message_too_big', guess=True),
    R('DirectAdmin: the day', '', 'RCPT', '550 You have reached your daily email limit at example.test', 'rate_limit_daily'),
    R('a hosted domain: the hour', '', 'RCPT', '550 The mail server has reached its maximum hourly sending limit', 'rate_limit_short'),
    R('a proxy before the sender', '', 'MAIL', '503 5.5.1 Error: need AUTH command', 'auth_not_attempted'),
    # -- the recipient, and where from
    R('qmail, no relaying', '', 'RCPT', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'relay_denied'),
    R('Domino, no relaying', '', 'RCPT', '554 Relay rejected for policy reasons.', 'relay_denied'),
    R('cPanel, no relaying', '', 'RCPT', '550-Please turn on SMTP Authentication in your mail client.\r\n550 (web1) [198.51.100.1]:40000 is not '
      'permitted to relay through this server without authentication.', 'auth_not_attempted'),
    R('hMailServer, not signed in', '', 'RCPT', '530 SMTP authentication is required.', 'auth_not_attempted'),
    R('MailEnable, not signed in', '', 'RCPT', '503 This mail server requires authentication when attempting to send to a non-local e-mail address. '
      'Please check your mail client settings or contact your administrator to verify that the domain or address is defined for this server.', 'auth_not_attempted'),
    R("Barracuda's list", '', 'RCPT', '554 Service unavailable; Client host [web1] blocked using Barracuda Reputation; '
      'http://www.barracudanetworks.com/reputation/?r=1&ip=198.51.100.1', 'ip_reputation_blocked'),
    R('SORBS', '', 'RCPT', '554 5.7.1 Service unavailable; Client host [198.51.100.1] blocked using dnsbl.sorbs.net; Dynamic IP Addresses See: '
      'http://www.sorbs.net/lookup.shtml?198.51.100.1', 'ip_reputation_blocked'),
    R('SpamCop', '', 'RCPT', '550 5.7.1 198.51.100.1 is listed at bl.spamcop.net, see https://www.spamcop.net/bl.shtml?198.51.100.1', 'ip_reputation_blocked'),
    R("GMX's list", '', 'greeting', '554-gmx.net (mxgmx017) Nemesis ESMTP Service not available\r\n554-No SMTP service\r\n554 IP address is black listed.', 'ip_reputation_blocked'),
    R('no PTR', '', 'RCPT', '550 5.7.1 Fix reverse DNS for 198.51.100.1', 'ptr_missing'),
    R('SPF, by cPanel', '', 'RCPT', '550 SPF: 198.51.100.1 is not allowed to send mail from example.test', 'spf_rejected'),
    R('SPF, by Mimecast', '', 'RCPT', '550 5.7.1 SPF unauthorized mail is prohibited.', 'spf_rejected'),
    R('greylisting, by milter', '', 'RCPT', '451 4.7.1 Greylisting in action, please come back later', 'greylisted'),
    R('greylisting, by Rspamd', '', 'RCPT', '451 4.7.1 Try again later', 'greylisted'),
    R('no such person, by qmail', '', 'RCPT', '550 sorry, no mailbox here by that name (#5.1.1)', 'recipient_rejected'),
    R('no such person, by Exchange', '', 'RCPT', '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient alice@example.test not found by SMTP address lookup', 'recipient_rejected'),
    R('too many at once', '', 'RCPT', '452 4.5.3 Too many recipients received from the sender', 'too_many_recipients'),
    # -- before anything was said
    R('too many from here', '', 'greeting', '421 Too many connections from your host.', 'concurrent_limit'),
    R('not at this door', '', 'greeting', '554 5.7.1 You are not allowed to connect.', 'banner_rejected'),
    R('closing down', '', 'greeting', '421 mail.example.test Service not available, closing transmission channel', 'server_busy_temporary'),
    R("a virus scanner's own words", '', 'greeting', '421 Cannot connect to SMTP server 198.51.100.10 (198.51.100.10:587), connect error 10060', 'smtp_intercepted'),
    R('TLS too old', '', 'MAIL', '421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2.', 'tls_client_too_old'),
    R('a name that is none', '', 'EHLO', '501 Syntactically invalid EHLO argument(s)', 'helo_rejected'),
    R('a name of somebody else', '', 'EHLO', '550 Bad HELO - Host impersonating [mail.example.test]', 'helo_rejected'),
    # -- one refusal within another
    R('a proxied sign-in', 'microsoft365', 'MAIL', '530 5.7.57 Client not authenticated to send mail. Error: 535 5.7.139 Authentication unsuccessful, '
      'basic authentication is disabled. [x]', 'auth_basic_disabled'),
    R('an outer 5.7.57 with the tenant within', 'microsoft365', 'MAIL', '530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM. '
      'Error: 535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. [x]', 'auth_smtp_disabled_tenant'),
    R('a relay that quotes its smarthost', '', 'RCPT', '451 4.3.0 <alice@example.test>: upstream said: (535 5.7.8 Error: authentication failed: bad password)', 'auth_bad_credentials'),
    # -- a sign-in is refused in a sentence of one's own: by its words, which is a guess
    R('programs are switched off for the mailbox', '', 'AUTH',
      '535 5.7.8 Use of desktop mail software is not enabled for your account', 'auth_smtp_disabled_mailbox', guess=True),
    R('webmail alone', '', 'AUTH', '535 Account is restricted to webmail', 'auth_smtp_disabled_mailbox', guess=True),
    R('not from this address', '', 'AUTH', '535 Your address 192.0.2.9 is no trusted one of this account', 'ip_not_allowed', guess=True),
    R('at another server', '', 'AUTH', '535 Mailbox was migrated, the new server is mail3.example.com', 'wrong_server_for_account', guess=True),
    R('an old password', '', 'AUTH', '535 Password too old, please renew it', 'auth_web_login_required', guess=True),
    R('locked', '', 'AUTH', '535 Payment overdue, mail sending is stopped', 'account_locked', guess=True),
    R('a token for programs', '', 'AUTH', '535 2-step login is active for this account; an application token is needed for SMTP',
      'auth_app_password_required', guess=True),
    R('too often', '', 'AUTH', '535 Account temporarily locked after 5 failed attempts', 'auth_too_many_logins', guess=True),
    R('by VPN', '', 'AUTH', '535 Please connect to the university VPN first', 'auth_blocked_by_policy', guess=True),
    R('not within the plan', '', 'AUTH', '535 IMAP/SMTP is a premium feature', 'auth_smtp_disabled_mailbox', guess=True),
    R('OAuth alone', '', 'AUTH', '535 5.7.8 This server takes OAuth tokens only', 'auth_basic_disabled', guess=True),
    R('a wrong pair in words of its own', '', 'AUTH', '535 Sorry, these credentials do not match our records', 'auth_bad_credentials', guess=True),
    R('in UTF-8', '', 'AUTH', '535 SMTP-Zugang für dieses Postfach ist nicht freigeschaltet'.encode(), 'auth_smtp_disabled_mailbox', guess=True),
    R('in Latin-1', '', 'AUTH', b'535 Mot de passe expir\xe9', 'auth_web_login_required', guess=True),
    R('in GBK', '', 'AUTH', b'535 Error: \xc7\xeb\xca\xb9\xd3\xc3\xca\xda\xc8\xa8\xc2\xeb\xb5\xc7\xc2\xbc', 'auth_app_password_required'),
    R('nothing that is known', '', 'AUTH', '535 5.7.8 Computer says no', 'auth_bad_credentials', guess=True),
    R('what Postfix says is known', '', 'AUTH', '535 5.7.8 Error: authentication failed: (reason unavailable)', 'auth_bad_credentials', guess=False),
    R('what Exim says is known', '', 'AUTH', '535 Incorrect authentication data', 'auth_bad_credentials', guess=False),
    # -- no words that are known: a guess, and said to be one
    R('535 alone', '', 'AUTH', '535 ...', 'auth_bad_credentials', guess=True),
    R('a 5xx of its own at AUTH', '', 'AUTH', '571 Ni', 'auth_bad_credentials', guess=True),
    R('a 4xx of its own at AUTH', '', 'AUTH', '471 Ni', 'server_busy_temporary', guess=True),
    R('a 5xx of its own at MAIL', '', 'MAIL', '571 Ni', 'sender_not_owned', guess=True),
    R('501 and no words at MAIL', '', 'MAIL', '501 Ni', 'sender_missing', guess=True),
    R('a 5xx of its own at RCPT', '', 'RCPT', '571 Ni', 'recipient_rejected', guess=True),
    R('a 450 of its own at RCPT', '', 'RCPT', '450 Ni', 'greylisted', guess=True),
]

# ---- the data's own: the first reply of each rule, where an account is refused before a message is sent ----

# Where a reply of a cause is given, if its rule does not say.
STAGES = {
    'AUTH': 'auth_ client_certificate oauth_ wrong_server account_locked account_mailbox',
    'MAIL': 'starttls_required auth_not_attempted account_ sender_ rate_limit message_too_big server_ smtputf8 protocol policy ip_not',
    'RCPT': 'relay recipient too_many_recipients greylisted spf ptr ip_reputation server_dnsbl auth_not_attempted',
    'EHLO': 'helo_rejected',
    'greeting': 'banner concurrent_limit tls_client_too_old',
}
# Said after the message only, or of other things than mail: by send's tests, and the rules' own.
NOT_BEFORE_A_MESSAGE = ('content_rejected_spam', 'dmarc_rejected', 'malformed_message', 'line_too_long', 'https_cannot_carry')
# What is said to who did not sign in, which an account does: then another rule's reply has the same words.
NOT_SIGNED_IN = ('client-host-without-sign-in',)
# Said to who asks for a sign-in that was not offered. Here it was, and then it is the server's own fault.
NOT_OFFERED = ('auth-not-implemented', 'not-offered-by-words')


def place(rule):
    """When the reply of a rule is given; None: not before the message."""
    if rule.stages and rule.stages[0] in ('greeting', 'ehlo', 'auth', 'mail', 'rcpt'):
        return {'greeting': 'greeting'}.get(rule.stages[0], rule.stages[0].upper())
    if rule.stages or rule.cause in NOT_BEFORE_A_MESSAGE:
        return None
    if rule.reply[:3] in ('535', '534', '454', '432', '525') and not rule.cause.startswith(('protocol', 'server_side')):
        return 'AUTH'
    return next((when for when, causes in STAGES.items() if rule.cause.startswith(tuple(causes.split()))), None)


def replayed():
    for rule in rules():
        if not rule.reply or rule.keys & {'found', 'host', 'port', 'security'} or 'EXTERNAL' in rule.mechanism:
            continue
        if 'guess' in rule.keys and not rule.stages:
            continue
        provider = '' if rule.owner == 'generic' else OF_FAMILY.get(rule.owner, rule.owner)
        when = place(rule)
        if when is None or provider == 'proton-bridge' or rule.name in NOT_SIGNED_IN + NOT_OFFERED:
            continue
        if provider and not PROFILES[provider][2] and rule.mechanism and 'XOAUTH2' not in rule.mechanism:
            continue        # no password ever goes there
        yield refusal('%s: %s' % (rule.owner, rule.name), provider, when, rule.reply, rule.cause,
                      mechanism=(rule.mechanism or ['PLAIN'])[0])


REPLAYED = list(replayed())


@pytest.mark.parametrize('scenario', TRANSCRIPTS + REPLAYED, ids=lambda scenario: scenario.name)
def test_refused(scenario, played, verdict):
    result = played(scenario)
    scenario.check(verdict(scenario.name, scenario.cause, result), result)
