"""The same over HTTPS through outpost's own provider on the desk: a second opinion of what the interfaces say."""
import json
import subprocess

import pytest

from messages import message
from outpost import NOPERM, OK, PROGRAM, TEMPFAIL, UNAVAILABLE
from sandbox import Sandbox

WAYS = {'outlook.com': 'graph', 'gmail': 'gmail'}


@pytest.fixture
def desk(tmp_path, outpost):
    """desk(provider, *scenarios, **settings): that provider, and an account there."""
    desks = []

    def at(provider, *scenarios, options=(), **settings):
        desk = Sandbox(tmp_path / 'desk', provider, *scenarios, options=options)
        desks.append(desk)
        outpost.environment.update(OUTPOST_CONNECT_TO=','.join(desk.connect_to), OUTPOST_CA_FILE=desk.ca)
        outpost.ca = None
        outpost.account(**{
            'server': None, 'security': None, 'address': desk.user, 'username': None, 'provider': provider,
            'auth': 'token', 'password': desk.token, 'transport': WAYS[provider], **settings})
        return desk
    yield at
    for desk in desks:
        desk.stop()


def from_(desk, to='someone@x.test'):
    return message('hi\r\n', to=to, sender=desk.user)


@pytest.mark.parametrize('provider', WAYS)
def test_arrives_as_sent(provider, desk, outpost, record):
    cell = ('sandbox ' + provider, 'https', 'token')
    record(cell, 'FAILED')
    there = desk(provider)
    sent, needle = from_(there)
    result = outpost.send(sent, '--json', 'someone@x.test', 'hidden@x.test')
    assert result.status == OK and result.json['transport'] == WAYS[provider], result
    (kept, envelope), = there.kept(needle)      # as it was received
    assert kept == b'Bcc: hidden@x.test\r\n' + sent
    assert sorted(envelope['to']) == ['hidden@x.test', 'someone@x.test']
    record(cell, 'arrived')


@pytest.mark.parametrize('provider,scenario,status,cause', [
    ('outlook.com', 'throttled', TEMPFAIL, 'concurrent_limit'),
    ('outlook.com', 'daily-limit', TEMPFAIL, 'rate_limit_daily'),
    ('outlook.com', 'account-suspended', UNAVAILABLE, 'account_locked'),
    ('outlook.com', 'no-mailbox', UNAVAILABLE, 'auth_mailbox_unavailable'),
    ('gmail', 'throttled', TEMPFAIL, 'concurrent_limit'),
    ('gmail', 'no-mailbox', UNAVAILABLE, 'auth_mailbox_unavailable'),
])
def test_what_goes_wrong_has_its_cause(provider, scenario, status, cause, desk, outpost):
    there = desk(provider, scenario)
    sent, needle = from_(there)
    result = outpost.send(sent, '--json', 'someone@x.test')
    assert result.json['failure']['cause'] == cause, result
    assert result.status == status, result
    assert not there.kept(needle)


def test_smtp_switched_off_goes_over_https(desk, outpost):
    there = desk('gmail', 'smtp-auth-off', transport=None)
    for _ in range(2):
        sent, needle = from_(there)
        result = outpost.send(sent, '--json', '--verbose', 'someone@x.test')
        assert result.status == OK and result.json['transport'] == 'gmail', result
        assert len(there.kept(needle)) == 1
    assert 'AUTH' not in result.err, 'it is remembered'
    shown = json.loads(outpost.run('account show', '--json').out)['transport']
    assert shown['uses'] == 'gmail' and shown['because'], shown


# ---- signed in by OAuth ----

class SignedIn:
    """An account of that provider that a person signed in, by a code on another device."""

    def __init__(self, desk, outpost):
        self.desk, self.outpost = desk, outpost
        self.login()

    def login(self):
        environment = self.outpost.environment
        argv = [PROGRAM, 'account', 'login', '--flow', 'device', '--json', '--config', self.outpost.config]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as program:
            for line in program.stdout:
                event = json.loads(line)
                if event.get('event') == 'device_code':
                    assert self.desk.approve(event['user_code'])[0] == 200
            complaint = program.stderr.read().decode()
        assert program.returncode == OK, complaint

    def send(self):
        sent, needle = from_(self.desk)
        result = self.outpost.send(sent, '--json', '--verbose', 'someone@x.test')
        assert len(self.desk.kept(needle)) == (result.status == OK), result
        return result

    def shown(self):
        return self.outpost.run('account show', '--json').json['transport']


@pytest.fixture
def signed_in(desk, outpost):
    def at(provider, *scenarios):
        return SignedIn(desk(provider, *scenarios, options=['--device-interval', '1'], auth='oauth', secret=None,
                             client_id='test', transport=None), outpost)
    return at


def test_live_com_by_smtp(signed_in, record):
    record(('sandbox outlook.com', 'starttls', 'XOAUTH2'), 'FAILED')
    live = signed_in('outlook.com')
    result = live.send()
    assert result.status == OK and result.json['transport'] == 'smtp', result
    assert 'AUTH XOAUTH2 ***' in result.err
    assert live.shown()['uses'] == 'smtp'
    record(('sandbox outlook.com', 'starttls', 'XOAUTH2'), 'arrived')


def test_live_com_where_smtp_is_off(signed_in):
    """The story of many mailboxes made since 2026; and of the day it is switched on again."""
    live = signed_in('outlook.com', 'smtp-auth-off')
    first = live.send()
    assert first.status == OK and first.json['transport'] == 'graph', first
    assert first.err.count('AUTH XOAUTH2') == 1, 'no other token and no other name would help'
    assert live.shown()['because'] == 'auth_smtp_disabled_mailbox'
    second = live.send()
    assert second.json['transport'] == 'graph' and 'AUTH' not in second.err, second
    live.desk.scenario('smtp-auth-off', on=False)
    live.login()
    assert live.shown()['uses'] == 'smtp', 'who signs in anew begins anew'
    assert live.send().json['transport'] == 'smtp'


def test_the_sign_in_has_another_name(signed_in):
    """SMTP wants the address of the sign-in, which is not the mailbox's: tried once, and remembered."""
    live = signed_in('outlook.com', 'other-address')
    first = live.send()
    assert first.status == OK and first.json['transport'] == 'smtp', first
    assert first.err.count('AUTH XOAUTH2') == 3, 'the name, a fresh token, the other name'
    assert 'signing in as ' in first.err
    second = live.send()
    assert second.status == OK and second.err.count('AUTH XOAUTH2') == 1, second


def test_a_lost_consent_is_told_and_tried_no_more(signed_in):
    live = signed_in('outlook.com')
    assert live.send().status == OK
    live.desk.scenario('consent-revoked')
    live.desk.advance(7200)
    result = live.send()
    assert result.status == NOPERM, result
    assert result.json['failure']['cause'] in ('oauth_refresh_token_expired', 'oauth_consent_required')
    live.desk.scenario('consent-revoked', on=False)
    live.login()
    assert live.send().status == OK
