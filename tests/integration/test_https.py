"""Sending over HTTPS: Graph and Gmail as their documentation has them. One outcome for all, nothing twice, no
token for a stranger."""
import base64
import os
import time

import pytest

from messages import NASTY, message
from outpost import CONFIG, DATAERR, NOPERM, OK, PROTOCOL, TEMPFAIL, UNAVAILABLE, UNKNOWN
from peers.liar import Liar
from peers.mail_api import GMAIL, GRAPH, MailApi

ME = {'graph': 'me@live.com', 'gmail': 'me@gmail.com'}
PROVIDER = {'graph': 'outlook.com', 'gmail': 'gmail'}
SCOPE = {'graph': 'Mail.Send', 'gmail': 'gmail.send'}
HOST = {'graph': GRAPH, 'gmail': GMAIL}
TOKEN = 'planted-token-' + 'x' * 1500
WAYS = ['graph', 'gmail']


@pytest.fixture
def api(authority):
    server = MailApi(authority)
    yield server
    server.stop()


@pytest.fixture
def at(outpost, api):
    """at(way, **settings): an account that goes this way, and its token is good for it."""
    def account(way, **settings):
        api.tokens = {TOKEN: (ME[way], SCOPE[way])}
        outpost.environment.update(OUTPOST_CONNECT_TO=api.detours, OUTPOST_CA_FILE=outpost.ca)
        outpost.account(**{
            'server': 'localhost:1', 'security': 'tls', 'address': ME[way], 'username': ME[way],
            'provider': PROVIDER[way], 'auth': 'token', 'transport': way, 'password': TOKEN, **settings})
        return outpost
    return account


def from_me(way, to='someone@x.test', body=NASTY):
    return message(body, to=to, sender=ME[way])


def no_token(result):
    assert 'planted-token' not in result.out + result.err, result
    assert base64.b64encode(b'planted-token')[:12].decode() not in result.out + result.err
    return result


@pytest.mark.parametrize('way', WAYS)
def test_arrives_as_sent(way, at, api, record):
    record((way, 'https', 'token'), 'FAILED')
    sent, _ = from_me(way)
    result = no_token(at(way).send(sent, '--json', '--verbose', 'someone@x.test'))
    assert result.status == OK, result
    assert result.json['outcome'] == 'delivered' and result.json['transport'] == way
    assert api.sent == [(HOST[way], ['someone@x.test'], sent)]
    record((way, 'https', 'token'), 'arrived')


@pytest.mark.parametrize('way', WAYS)
def test_whom_the_header_does_not_name_is_in_bcc(way, at, api):
    sent, _ = from_me(way)
    hidden = ['hidden-%d@x.test' % i for i in range(90)]
    result = at(way).send(sent, '--json', 'someone@x.test', *hidden)
    assert result.status == OK, result
    assert [r['state'] for r in result.json['recipients']] == ['delivered'] * 91
    (_, to, kept), = api.sent
    assert sorted(to) == sorted(['someone@x.test', *hidden])
    assert kept == sent and b'hidden' not in kept


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('to,cause', [('someone@x.test, other@x.test', 'https_cannot_carry'),
                                      ('someone@x.test, <broken', 'recipient_rejected')])
def test_others_in_the_header_get_nothing(way, to, cause, at, api):
    sent, _ = from_me(way, to=to)
    result = at(way).send(sent, '--json', 'someone@x.test')
    assert result.status == DATAERR, result
    assert result.json['failure']['cause'] == cause and result.json['outcome'] == 'failed'
    assert not api.begun


def test_too_big_is_seen_before(at, api):
    fits, over = 'x' * 996 + '\r\n', 3 * 1024 * 1024 // 998
    sent, _ = from_me('graph', body=fits * (over + 1))
    result = at('graph').send(sent, '--json', 'someone@x.test')
    assert result.status == DATAERR and result.json['failure']['cause'] == 'message_too_big', result
    assert not api.begun
    sent, _ = from_me('graph', body=fits * (over - 2))
    result = at('graph').send(sent, '--json', 'someone@x.test')
    assert result.status == OK, result
    assert api.sent[0][2] == sent


def test_a_large_one_by_upload(at, api):
    sent, _ = from_me('gmail', body=(os.urandom(36).hex() + '\r\n') * 400000)
    assert len(sent) > 25 * 1000 * 1000
    result = at('gmail').send(sent, '--json', 'someone@x.test')
    assert result.status == OK, result
    assert api.sent[0][2] == sent


@pytest.mark.parametrize('way', WAYS)
def test_too_many_recipients_are_seen_before(way, at, api):
    sent, _ = from_me(way)
    result = at(way).send(sent, '--json', 'someone@x.test', *['r%d@x.test' % i for i in range(500)])
    assert result.status == DATAERR and result.json['failure']['cause'] == 'too_many_recipients', result
    assert not api.begun


PAGE = b'<!DOCTYPE html><html><body>\x1b[2JOurs, not theirs</body></html>'

# label: (way, what the server does, exit status, outcome, cause)
ANSWERS = {
    'throttled': ('graph', (429, {'Retry-After': '7'}, b'{"error":{"code":"TooManyRequests"}}'), TEMPFAIL, 'failed',
                  'rate_limit_short'),
    'the day is used up': ('graph', (403, {}, b'{"error":{"code":"ErrorExceededMessageLimit","message":"Cannot send mail. '
                                     b'Daily Message/Recipient limit exceeded."}}'), TEMPFAIL, 'failed',
                           'rate_limit_daily'),
    'suspended': ('graph', (403, {}, b'{"error":{"code":"ErrorAccountSuspend"}}'), UNAVAILABLE, 'failed',
                  'account_locked'),
    'no mailbox': ('graph', (404, {}, b'{"error":{"code":"MailboxNotEnabledForRESTAPI"}}'), UNAVAILABLE, 'failed',
                   'auth_mailbox_unavailable'),
    'too big after all': ('graph', (413, {}, b''), UNAVAILABLE, 'failed', 'message_too_big'),
    'not switched on': ('gmail', (403, {}, b'{"error":{"code":403,"message":"Gmail API has not been used in project 1 '
                                  b'before or it is disabled."}}'), UNAVAILABLE, 'failed', 'oauth_client_misconfigured'),
    'too fast': ('gmail', (403, {}, b'{"error":{"errors":[{"reason":"userRateLimitExceeded"}],"code":403,"message":"User '
                           b'Rate Limit Exceeded"}}'), TEMPFAIL, 'failed', 'rate_limit_short'),
    'broken': ('gmail', (500, {}, b'{"error":{"code":500,"message":"Backend Error"}}'), TEMPFAIL, 'failed',
               'server_side_error'),
    'a page': ('graph', (403, {'Content-Type': 'text/html'}, PAGE), UNAVAILABLE, 'failed', 'oauth_missing_permission'),
    'a page from in between': ('graph', (502, {'Content-Type': 'text/html'}, PAGE), UNKNOWN, 'unknown',
                               'server_side_error'),
    'elsewhere': ('graph', (307, {'Location': 'https://evil.test/'}, b''), TEMPFAIL, 'failed', 'https_unreachable'),
    'ten megabytes': ('graph', (400, {}, b'x' * 10000000), UNKNOWN, 'unknown', 'server_side_error'),
    'cut': ('graph', 'cut', UNKNOWN, 'unknown', 'https_unreachable'),
}


@pytest.mark.parametrize('way,does,status,outcome,cause', ANSWERS.values(), ids=ANSWERS)
def test_answers(way, does, status, outcome, cause, at, api):
    api.then = [does]
    sent, _ = from_me(way, body='x' * 900 + '\r\n')
    result = no_token(at(way).send(sent, '--json', 'someone@x.test', 'b@x.test'))
    assert result.json['outcome'] == outcome, result
    assert result.status == status, result
    assert len({r['state'] for r in result.json['recipients']}) == 1, 'one outcome for all'
    assert not cause or result.json['failure']['cause'] == cause, result
    assert len(result.err.splitlines()) == 1 and '\x1b' not in result.err
    assert api.begun == 1


def test_cut_in_the_middle_is_not_sent(at, api):
    api.then = ['cut-early']
    sent, _ = from_me('gmail', body=('x' * 900 + '\r\n') * 20000)
    result = at('gmail').send(sent, '--json', 'someone@x.test')
    assert result.status == TEMPFAIL and result.json['failure']['cause'] == 'https_unreachable', result
    assert result.json['outcome'] == 'failed'


@pytest.mark.parametrize('lines', [10, 20000])
def test_who_refuses_before_it_reads_is_heard(lines, at, api):
    """The token is looked at before the body is read."""
    outpost = at('gmail')
    api.tokens = {}
    result = outpost.send(from_me('gmail', body=('x' * 900 + '\r\n') * lines)[0], '--json', 'someone@x.test')
    assert result.status == NOPERM, result
    assert result.json['failure']['cause'] == 'oauth_refresh_token_expired'


def test_silence_is_unknown(at, api):
    api.then = ['slow']
    result = at('graph').send(from_me('graph')[0], '--json', '--connect-timeout', '1', 'someone@x.test')
    assert result.status == UNKNOWN and result.json['outcome'] == 'unknown', result
    assert api.begun == 1


def test_throttled_after_some(at, api):
    api.throttled_after = 2
    results = [at('graph').send(from_me('graph')[0], '--json', 'someone@x.test') for _ in range(3)]
    assert [r.status for r in results] == [OK, OK, TEMPFAIL], results
    assert results[2].json['recipients'][0]['state'] == 'deferred'
    assert len(api.sent) == 2


def test_a_refused_token_is_fetched_once_more(at, api, tmp_path):
    outpost = at('graph', secret='command:| cat %s/token; cp %s/next %s/token' % ((tmp_path,) * 3))
    for old, status, begun in (('stale', OK, 2), ('stale', NOPERM, 2)):
        (tmp_path / 'token').write_text(old)
        (tmp_path / 'next').write_text(TOKEN if status == OK else 'stale-too')
        api.begun = 0
        # the opening's token is the first message's
        result = outpost.send(from_me('graph')[0], '--json', 'someone@x.test')
        assert result.status == status, result
        assert api.begun == begun
    assert result.json['failure']['cause'] == 'oauth_refresh_token_expired'


@pytest.mark.parametrize('certificate,cause', [('expired', 'cert_expired'), ('selfsigned', 'cert_self_signed'),
                                               ('good', 'cert_hostname_mismatch'),
                                               ('of-a-leaf', 'cert_untrusted_issuer')])
def test_a_stranger_gets_no_token(certificate, cause, at, authority):
    stranger = MailApi(authority, certificate)
    try:
        outpost = at('graph')
        outpost.environment['OUTPOST_CONNECT_TO'] = stranger.detours
        result = no_token(outpost.send(from_me('graph')[0], '--json', '--verbose', 'someone@x.test'))
        assert result.status == PROTOCOL and result.json['failure']['cause'] == cause, result
        assert not stranger.begun
    finally:
        stranger.stop()


def test_a_password_goes_nowhere(at, api):
    result = at('gmail', auth='password').send(from_me('gmail')[0], 'someone@x.test')
    assert result.status == CONFIG and 'transport' in result.err, result
    assert not api.begun


# ---- transport = auto ----

EHLO = b'250-x\r\n250 AUTH XOAUTH2\r\n'
REFUSED = [b'220 m\r\n', EHLO, b'535 5.7.8 Username and Password not accepted. - gsmtp\r\n']


def auto(at, server, **settings):
    return at('gmail', server='localhost:%d' % server.port, security='none', transport=None, **settings)


def test_smtp_shut_goes_over_https_and_is_remembered(at, api):
    sent, _ = from_me('gmail')
    with Liar(REFUSED) as server:
        outpost = auto(at, server)
        first = no_token(outpost.send(sent, '--json', '--verbose', 'someone@x.test'))
        assert first.status == OK and first.json['transport'] == 'gmail', first
        assert 'going by gmail' in first.err and server.calls == 1
        shown = outpost.run('account show', '--json').json['transport']
        assert shown['setting'] == 'auto' and shown['uses'] == 'gmail' and shown['because'] == 'oauth_wrong_scope'
        assert abs(time.time() - time.mktime(time.strptime(shown['since'], '%Y-%m-%dT%H:%M:%SZ')) + time.timezone) < 600
        assert 'way out: gmail' in outpost.run('account show').out

        second = outpost.send(sent, '--json', 'someone@x.test')
        assert second.status == OK and second.json['transport'] == 'gmail', second
        assert server.calls == 1, 'SMTP is not asked again'
    assert len(api.sent) == 2


def test_unknown_by_smtp_does_not_change_the_way(at, api):
    taken = [b'220 m\r\n', EHLO, b'235 in\r\n', b'250 o\r\n', b'250 o\r\n', b'354 g\r\n']
    with Liar(taken) as server:
        result = auto(at, server).send(from_me('gmail')[0], '--json', 'someone@x.test')
        assert result.status == UNKNOWN and result.json['transport'] == 'smtp', result
        assert server.calls == 1 and not api.begun


def test_both_shut_tells_both(at, api):
    with Liar(REFUSED) as server:
        outpost = auto(at, server)
        api.tokens = {}
        result = no_token(outpost.send(from_me('gmail')[0], '--json', 'someone@x.test'))
        assert result.status == NOPERM, result
        assert result.json['failure']['cause'] == 'oauth_refresh_token_expired'
        assert outpost.run('account show', '--json').json['transport']['uses'] == 'smtp', 'nothing is remembered'
