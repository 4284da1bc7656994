"""Real servers in trouble, as administrators make them: what the doctor says before a message, what `send` says where it
is seen only with one, and what `explain` makes of the conversation as another program shows it. All are tried side by side."""
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from conversation import Conversation
from outpost import Outpost
from peers import (courier, fronts, opensmtpd, other_services, qpsmtpd, sendmail_mta, troubled_aiosmtpd, troubled_apps, troubled_exim,
                   troubled_postfix, troubled_submission)
from peers.debian import Unavailable
from peers.peer import USER
from peers.zone import Zone

SIDE_BY_SIDE = 6
SAME, UNASKED = 'same', 'unasked'

HEAD = ('From: %s\r\nTo: bob@example.org\r\nSubject: %s\r\nDate: Thu, 26 Nov 2026 03:00:00 +0000\r\n'
        'Message-ID: <a@example.test>\r\n%s\r\n')
MIME = 'MIME-Version: 1.0\r\nContent-Type: %s\r\n'
EXE = ('--b\r\n\r\nhello\r\n--b\r\nContent-Type: application/octet-stream; name="a.exe"\r\n'
       'Content-Disposition: attachment; filename="a.exe"\r\n\r\nMZ\r\n--b--\r\n')
MESSAGES = {        # kind: (fields, text)
    'plain': ('', 'hello\r\n'),
    'big': ('', ('x' * 70 + '\r\n') * 600),
    'bulk': ('X-Mailer: Bulk 1\r\n', 'hello\r\n'),
    'casino': ('', 'our casino\r\n'),
    'exe': (MIME % 'multipart/mixed; boundary=b', EXE),
    'hops': ('Received: from a by b; Thu, 26 Nov 2026 03:00:00 +0000\r\n' * 3, 'hello\r\n'),
    '8bit': (MIME % 'text/plain; charset=utf-8' + 'Content-Transfer-Encoding: 8bit\r\n', 'Gr\xfc\xdfe\r\n'),
    'bad-header': ('Reply-To: bob@@example..org <x\r\n', 'hello\r\n'),
}


class Case:
    """At this server's port: the cause that the doctor names (None: nothing is wrong), `sent` the one that `send` names (None:
    it is delivered), `explained` what `explain` makes of the conversation; both the same as the first failure unless told.
    `before`: so many tries come first; `holds`: somebody else has a line (a session) there meanwhile."""

    def __init__(self, server, port, seen, sent=SAME, explained=SAME, security='tls', sign_in=True, message='plain', sender=USER,
                 to='bob@example.org', recipients=1, source=None, hello=None, password=None, before=0, holds=None,
                 patience=10):
        self.server, self.port, self.seen, self.security, self.sign_in = server, port, seen, security, sign_in
        self.sent = seen if sent == SAME else sent
        self.explained = (seen or self.sent or UNASKED) if explained == SAME else explained
        self.kind, self.sender, self.source, self.hello, self.password = message, sender, source, hello, password
        self.to = [to] + ['bob%d@example.org' % n for n in range(1, recipients)]
        self.before, self.holds, self.patience = before, holds, ['--connect-timeout', str(patience), '--timeout', '30']
        special = [word for word in (message, sender, to, password) if word and word not in ('plain', USER, 'bob@example.org')]
        self.name = ', '.join(['%s: %s' % (server, port), *special])

    @property
    def message(self):
        fields, text = MESSAGES[self.kind]
        return (HEAD % (self.sender, self.kind, fields) + text).encode()


def cases(server, rows, **usual):
    return [Case(server, *row[0], **{**usual, **row[1]}) for row in rows]


def at(*words, **how):
    return words, how


POSTFIX = cases('Postfix', [
    at('size', None, 'message_too_big', message='big'),
    at('full', 'server_side_error'),
    at('few', None, explained='too_many_recipients', recipients=4),
    at('owned', 'sender_not_owned'),
    at('unknown-domain', 'sender_domain_invalid', sender='alice@nowhere.test'),
    at('unknown-domain-for-good', 'sender_domain_invalid', sender='alice@nowhere.test'),
    at('unverified', 'sender_not_owned'),
    at('listed', 'ip_reputation_blocked'),
    at('listed-at-once', 'ip_reputation_blocked'),
    at('open-resolver', 'server_dnsbl_misconfigured'),
    at('domain-listed', 'policy_rejected'),
    at('no-ptr', 'ptr_missing', source='127.9.9.9'),
    at('helo', 'helo_rejected', hello='desk.nowhere.test'),
    at('message-rate', 'rate_limit_short', before=2),
    at('recipient-rate', 'rate_limit_short', before=2),
    at('auth-rate', 'auth_too_many_logins', before=2),
    at('connection-rate', 'concurrent_limit', before=2),
    at('tls-rate', 'rate_limit_short', security='starttls', before=2),
    at('policy-down', 'server_side_error'),
    at('greylisting', 'greylisted'),
    at('spf', 'spf_rejected'),
    at('milter-down', 'server_busy_temporary'),
    at('unsigned', None, 'dmarc_rejected'),
    at('strict', None, 'content_rejected_spam', message='bulk'),
    at('strict', None, 'content_rejected_spam', message='casino'),
    at('strict', None, 'content_rejected_spam', message='exe'),
    at('auth-only', 'starttls_required', security='none'),
    at('must-tls', 'starttls_required', security='none'),
    at('saslauthd-down', 'server_side_error'),
    at('client-certificate', 'client_certificate_refused'),
    at('proxied', 'server_side_error', security='starttls'),
    at('proxied-tls', 'server_side_error', explained=UNASKED),
    at('one', 'server_busy_temporary', UNASKED, explained=UNASKED, security='starttls', holds='line', patience=2),
    at('map-missing', 'server_side_error'),
    at('cleanup-broken', None, 'server_side_error'),
    at('unlisted', None, 'recipient_rejected', to='bob@listed.test'),
    at('relay', 'relay_denied'),
    at('relay-soft', 'relay_denied'),
    at('no-certificate', 'server_side_error', security='starttls'),
    at('bare-sender', 'sender_domain_invalid', sender='alice@localhost'),
    at('hops', None, 'server_side_error', message='hops'),
    at('no-utf8', None, 'smtputf8_unsupported', explained=UNASKED, to='jürgen@example.org'),
    at('plain', None, message='8bit'),
    at('at-data', None, 'policy_rejected'),
    at('milter-dies', 'server_busy_temporary'),
    at('milter-overloaded', 'server_busy_temporary'),
    at('milter-links', None, 'content_rejected_spam'),
    at('milter-pace', None, 'rate_limit_short'),
    at('auth-dies', 'server_busy_temporary'),
    at('filter-says-hello', None, 'server_side_error', explained=UNASKED),
    at('screen-drop', 'banner_rejected', explained=UNASKED, security='starttls', sign_in=False),
    at('screen-enforce', 'ip_reputation_blocked', security='starttls', sign_in=False),
    at('screen-listed', 'ip_reputation_blocked', security='starttls', sign_in=False),
    at('screen-new', 'server_busy_temporary', security='starttls', sign_in=False),
])

EXIM = cases('Exim', [
    at('callout-down', 'server_busy_temporary'),
    at('listed', 'policy_rejected'),
    at('listed-words', 'ip_reputation_blocked'),
    at('rate', 'rate_limit_short'),
    at('spam-down', None, 'server_side_error'),
    at('malware-down', None, 'server_side_error'),
    at('header', None, 'malformed_message', message='bad-header'),
    at('full', 'server_side_error'),
    at('load', 'server_busy_temporary', explained=UNASKED),
    at('many', None, 'too_many_recipients', recipients=4),
    at('few', None, explained='too_many_recipients', recipients=4),
    at('parts', None, 'recipient_rejected', to='a%b@example.org'),
    at('client-certificate', 'client_certificate_refused'),
    at('certificate-gone', 'server_side_error', security='starttls'),
    at('auth-defer', 'server_busy_temporary'),
    at('helo', 'helo_rejected', hello='desk.nowhere.test'),
    at('spam', None, 'content_rejected_spam'),
    at('virus', None, 'content_rejected_spam'),
    at('extension', None, 'content_rejected_spam', message='exe'),
    at('no-words', 'policy_rejected'),
    at('unknown', None, 'recipient_rejected'),
    at('clear', 'starttls_required', security='none'),
    at('crowd', None, 'too_many_recipients', recipients=4),
    at('no-relay', 'relay_denied'),
    at('data-defer', None, 'server_side_error'),
    at('unwritable', None, 'server_busy_temporary'),
    at('sender-mismatch', 'sender_not_owned', sender='sales@example.test'),
    at('dead-lookup', 'server_side_error'),
    at('greylist', 'greylisted'),
    at('greeting-later', 'server_busy_temporary'),
    at('programs', None, 'content_rejected_spam', message='exe'),
    at('pace', 'rate_limit_short'),
    at('no-tls', 'starttls_not_offered', security='starttls'),
])

SENDMAIL = cases('sendmail', [
    at('sign-in', 'auth_not_attempted'),
    at('good', 'relay_denied', source='127.9.9.9'),
    at('good', 'sender_domain_invalid', sender='alice@nowhere.test'),
    at('good', 'sender_domain_invalid', sender='alice@broken.test'),
    at('full', 'server_side_error'),
    at('few', None, explained='too_many_recipients', recipients=4),
    at('size', None, 'message_too_big', message='big'),
    at('milter-down', 'server_busy_temporary'),
    at('milter-down-for-good', 'banner_rejected'),
    at('milter-down-hangs-up', 'server_busy_temporary'),
    at('crowded', 'concurrent_limit', holds='line'),
    at('rate', 'rate_limit_short', before=2),
    at('no-queue', None, 'server_side_error'),
    at('unknown', None, 'recipient_rejected'),
    at('unwanted', 'content_rejected_spam'),
], security='starttls', sign_in=False)

OPENSMTPD = cases('OpenSMTPD', [
    at('good', None),
    at('good', None, 'message_too_big', message='big'),
    at('not-ours', 'recipient_rejected'),
    at('must-tls', 'starttls_required'),
    at('no-ptr', 'ptr_missing', source='127.9.9.9'),
    at('reject', 'recipient_rejected'),
    at('busy', 'server_busy_temporary'),
], security='none', sign_in=False)

QPSMTPD = cases('qpsmtpd', [
    at('good', None),
    at('good', 'auth_bad_credentials', password='wrong'),
    at('listed', 'ip_reputation_blocked', sign_in=False),
    at('listed-at-once', 'ip_reputation_blocked', sign_in=False),
    at('domain', 'sender_domain_invalid', sender='alice@nowhere.test', sign_in=False),
    at('sender', 'policy_rejected', explained=UNASKED, sign_in=False),
    at('recipient', None, 'recipient_rejected', sign_in=False),
    at('helo', 'helo_rejected', hello='desk.nowhere.test'),
    at('relay', 'relay_denied', sign_in=False),
    at('no-queue', None, 'server_busy_temporary'),
    at('greeting-later', 'server_busy_temporary'),
], security='starttls')

COURIER = cases('Courier', [
    at('good', None),
    at('relay', 'relay_denied'),
    at('domain', 'sender_domain_invalid', sender='alice@nowhere.test'),
    at('sign-in', 'auth_not_attempted'),
    at('must-tls', 'starttls_required', security='none'),
    at('good', None, 'message_too_big', message='big'),
    at('crowded', 'connection_closed_before_banner', holds='line'),
], security='starttls', sign_in=False)

FRONTS = cases('fronts', [
    at('nginx-wrong', 'auth_bad_credentials'),
    at('nginx-later', 'server_busy_temporary'),
    at('nginx-locked', 'account_locked'),
    at('nginx-broken', 'server_side_error'),
    at('nginx-nobody', 'server_side_error'),
    at('nginx-gone', 'server_side_error'),
    at('nginx-xclient', 'server_side_error'),
    at('nginx-only', 'starttls_required', security='none'),
    at('nginx-off', 'starttls_not_offered', security='starttls'),
    at('haproxy-down', 'connection_closed_before_banner', security='starttls'),
    at('haproxy-down-tls', 'connection_closed_before_banner'),
    at('haproxy-announces', 'server_side_error', security='starttls'),
    at('haproxy-certificate', 'client_certificate_refused'),
    at('haproxy-expects', 'tls_handshake_incompatible'),
    at('haproxy-tls', 'plaintext_on_tls_port', security='starttls'),
    at('haproxy-to-tls', 'plaintext_on_tls_port', security='starttls'),
    at('stunnel-down', 'connection_closed_before_banner'),
    at('stunnel-certificate', 'client_certificate_refused'),
    at('stunnel-other', 'cert_hostname_mismatch'),
    at('stunnel-psk', 'tls_handshake_incompatible'),
])

SUBMISSION = cases('Dovecot', [
    at('good', None),
    at('relay-down', 'server_side_error'),
    at('relay-sign-in', 'relay_denied'),
    at('relay-password', 'server_side_error'),
    at('relay-certificate', 'server_side_error'),
    at('few', None, explained='too_many_recipients', recipients=4),
    at('size', None, 'message_too_big', message='big'),
    at('no-user', 'server_busy_temporary', explained=UNASKED),
    at('elsewhere', 'auth_bad_credentials'),
    at('crowded', 'concurrent_limit', holds='session'),
    at('client-certificate', 'client_certificate_refused'),
])

# What people make themselves, and what its parts say when they fail.
APPS = cases('programs', [
    at('database-at-sign-in', 'server_side_error'),
    at('back-end', 'server_side_error'),
    at('expired', 'auth_web_login_required'),
    at('address', 'ip_not_allowed'),
    at('database', 'server_side_error'),
    at('disk', None, 'server_side_error'),
    at('lmtp', 'wrong_port_use_submission', security='starttls', explained=UNASKED),
    at('throws', 'server_side_error', security='starttls', explained=UNASKED),
    at('hangs', 'server_side_error', security='starttls'),
    at('hangs-at-mail', 'server_side_error', security='starttls'),
])

AIOSMTPD = cases('aiosmtpd', [
    at('after-the-message', None, 'server_side_error'),
    at('recipient', 'server_side_error'),
    at('sign-in', 'server_side_error'),
    at('lmtp', 'wrong_port_use_submission', explained=UNASKED),
])

OTHERS = cases('other services', [
    at('ftp', 'wrong_port_use_submission'),
    at('sieve', 'wrong_port_use_submission', explained=UNASKED),
], security='starttls', sign_in=False)

CASES = POSTFIX + EXIM + SENDMAIL + OPENSMTPD + QPSMTPD + COURIER + FRONTS + SUBMISSION + APPS + AIOSMTPD + OTHERS
STARTS = {'Exim': troubled_exim.start, 'sendmail': sendmail_mta.start, 'OpenSMTPD': opensmtpd.start, 'qpsmtpd': qpsmtpd.start,
          'Courier': courier.start, 'programs': troubled_apps.start, 'aiosmtpd': troubled_aiosmtpd.start,
          'other services': other_services.start}


class Servers:
    """Those that are wanted, begun side by side; `why` some can't be had."""

    def __init__(self, wanted, authority):
        self.at, self.why, self.zone = {}, {}, None
        starts = {name: start for name, start in STARTS.items() if name in wanted}
        try:
            self.zone = Zone()
        except Unavailable as reason:
            self.why = {name: str(reason) for name in wanted}
            return
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            if wanted & {'Postfix', 'fronts', 'Dovecot'}:
                pool.submit(self._begin, 'Postfix', troubled_postfix.start, authority).result()
            jobs = [pool.submit(self._begin, name, start, authority) for name, start in starts.items()]
            if 'Postfix' in self.at and wanted & {'fronts', 'Dovecot'}:
                ports = self.at['Postfix'].ports
                behind = {'trusted': ports['behind'], 'unsigned': ports['unsigned-behind'], 'tls': ports['good']}
                jobs.append(pool.submit(self._begin, 'fronts', fronts.start, authority, ports['auth-only'], ports['good']))
                jobs.append(pool.submit(self._begin, 'Dovecot', troubled_submission.start, authority, behind))
            for job in jobs:
                job.result()

    def _begin(self, name, start, authority, *more):
        try:
            self.at[name] = start(authority, self.zone, *more)
        except Unavailable as reason:
            self.why[name] = str(reason)

    def stop(self):
        for peer in self.at.values():
            peer.stop()
        if self.zone:
            self.zone.close()


def converse(case, port, authority):
    return Conversation(port, case.security, authority.ca, case.sign_in, case.source, case.hello,
                        case.password)


def held(case, port, authority):
    """A line that somebody else has there."""
    if case.holds == 'line':
        line = socket.create_connection(('127.0.0.1', port), timeout=5)
        line.recv(500)
        return line
    other = converse(case, port, authority)
    other.enter()
    return other


def try_out(case, servers, authority, folder):
    """(result of the doctor, of `send`, of `explain`)."""
    port = servers.at[case.server].ports[case.port]
    outpost = Outpost(folder, authority)
    settings = {} if case.sign_in else {'auth': 'none', 'secret': None, 'username': None}
    settings.update(address=case.sender, source_address=case.source, allow_plaintext='yes' if case.security == 'none' else None)
    if case.password:
        settings['password'] = case.password
    outpost.account('localhost:%d' % port, case.security, **settings)
    if case.hello:
        with open(outpost.config, 'a') as f:
            f.write('[outpost]\nhostname = %s\n' % case.hello)
    other = held(case, port, authority) if case.holds else None
    try:
        for _ in range(case.before):
            converse(case, port, authority).send(case.sender, case.to, case.message)
        doctor = outpost.run('doctor', '--json', *case.patience)
        sent = outpost.send(case.message, '--json', *case.patience, *case.to)
        explained = None
        if case.explained != UNASKED:
            conversation = converse(case, port, authority)
            conversation.send(case.sender, case.to, case.message)
            explained = outpost.run('explain', '--json', '-', stdin='\n'.join(conversation.told).encode())
        return doctor, sent, explained
    finally:
        if other:
            other.close()


@pytest.fixture(scope='module')
def tried(request, authority, tmp_path_factory, leaks):
    """tried(case): what came of it. All that are wanted in this run begin at once."""
    wanted = [item.callspec.params['case'] for item in request.session.items
              if hasattr(item, 'callspec') and isinstance(item.callspec.params.get('case'), Case)]
    servers = Servers({case.server for case in wanted}, authority)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        results = {case: pool.submit(try_out, case, servers, authority, tmp_path_factory.mktemp('trouble'))
                   for case in wanted if case.server in servers.at}

        def result(case):
            if case not in results:
                pytest.skip('%s: %s' % (case.server, servers.why.get(case.server, servers.why.get('Postfix'))))
            return results[case].result()
        yield result
    servers.stop()


def cause_of(said):
    """Of what `send` says; None: it is delivered."""
    if said['outcome'] == 'delivered':
        return None
    return next(recipient['cause'] for recipient in said['recipients'] if recipient['state'] != 'delivered')


@pytest.mark.parametrize('case', CASES, ids=lambda case: case.name)
def test_in_trouble(case, tried, verdict):
    doctor, sent, explained = tried(case)
    verdict(case.name, case.seen, doctor)
    assert case.sent == UNASKED or cause_of(sent.json) == case.sent, sent
    assert explained is None or explained.json['cause'] == case.explained, explained
