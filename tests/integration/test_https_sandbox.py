"""The same over HTTPS through outpost's own provider on the desk: a second opinion of what the interfaces say."""
import json

import pytest

from messages import message
from outpost import OK, TEMPFAIL, UNAVAILABLE
from sandbox import Sandbox

WAYS = {'outlook.com': 'graph', 'gmail': 'gmail'}


@pytest.fixture
def desk(tmp_path, outpost):
    """desk(provider, *scenarios, **settings): that provider, and an account there."""
    desks = []

    def at(provider, *scenarios, **settings):
        desk = Sandbox(tmp_path / 'desk', provider, *scenarios)
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
    ('gmail', 'throttled', TEMPFAIL, 'rate_limit_short'),
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
