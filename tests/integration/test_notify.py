"""[notify]: a person is told, by each way there is."""
import json
import mailbox
import os

import pytest

from outpost import CANTCREAT, CONFIG, OK, TEMPFAIL, UNAVAILABLE
from peers.web import Web

HOOK = '/services/T000/B000/XXXXXXsecretXXXXXX'


@pytest.fixture
def notifying(outpost):
    def write(**ways):
        with open(outpost.config, 'w') as f:
            f.write('[notify]\n' + ''.join('%s = %s\n' % way for way in ways.items()))
        os.chmod(outpost.config, 0o600)
        return outpost
    return write


@pytest.fixture
def hook(authority):
    authority.leaf('hook', 'DNS:hooks.test')
    web = Web(authority, {('hooks.test', HOOK): 'ok'}, 'hook')
    yield web
    web.stop()


def to(web):
    return ('--connect-to', 'hooks.test:443:127.0.0.1:%d' % web.port)


def test_by_all_ways(notifying, hook, leaks, tmp_path):
    leaks.plant('the webhook\'s address', HOOK)
    box, heard = tmp_path / 'box', tmp_path / 'heard'
    outpost = notifying(command='|cat > %s; printf "%%s" "$OUTPOST_EVENT" >> %s' % (heard, heard), mailbox=box,
                        webhook='https://hooks.test' + HOOK)
    for run in (1, 2):
        result = outpost.run('notify', '--json', '--ca-file', outpost.ca, *to(hook))
        assert result.status == OK and result.json == {'told': 3, 'failed': 0, 'error': None}, result
        assert len(hook.posted) == run
    told = json.loads(hook.posted[0])
    assert told['event'] == 'test' and told['subject'] in told['text'] and told['host'] and told['time'].endswith('Z')
    assert heard.read_text().startswith(told['text']) and heard.read_text().endswith('test')
    first, second = mailbox.mbox(str(box))
    assert first['Subject'] == told['subject'] and first['Auto-Submitted'] == 'auto-generated'
    assert first['Message-ID'] != second['Message-ID']
    assert 'secret' not in outpost.run('config show').out


def test_some_ways_fail(notifying, hook, tmp_path):
    hook.pages[('hooks.test', HOOK)] = 500
    box = tmp_path / 'box'
    outpost = notifying(command='/nowhere/to/be/found', webhook='https://hooks.test' + HOOK, mailbox=box)
    result = outpost.run('notify', '--ca-file', outpost.ca, *to(hook))
    assert result.status == CONFIG and '1 told, 2 failed.' in result.out, result
    assert 'command: /nowhere/to/be/found can\'t be started' in result.err
    assert 'webhook: the webhook answered with status 500' in result.err
    assert len(mailbox.mbox(str(box))) == 1


@pytest.mark.parametrize('way, status', [
    ({'webhook': 'https://hooks.test' + HOOK}, UNAVAILABLE),
    ({'command': '|echo it broke >&2; exit 3'}, 66),
    ({'command': 'sleep 60'}, 66),
    ({'mailbox': '/dev/null'}, CANTCREAT),
    ({'mailbox': '/nonexistent/box'}, CANTCREAT),
])
def test_one_way_fails(way, status, notifying, hook):
    hook.pages[('hooks.test', HOOK)] = 404
    outpost = notifying(**way)
    result = outpost.run('notify', '--timeout', '2', '--ca-file', outpost.ca, *to(hook))
    assert result.status == status and '0 told, 1 failed.' in result.out, result


def test_another_writes_the_mailbox(notifying, tmp_path):
    box = tmp_path / 'box'
    outpost = notifying(mailbox=box)
    (tmp_path / 'box.lock').touch()
    result = outpost.run('notify')
    assert result.status == TEMPFAIL and 'box.lock' in result.err, result
    (tmp_path / 'box.lock').unlink()
    assert outpost.run('notify').status == OK
    assert len(mailbox.mbox(str(box))) == 1


def test_nobody_is_told(notifying):
    for ways in ({}, {'reports_to': 'me@x.test'}):
        result = notifying(**ways).run('notify')
        assert result.status == CONFIG and 'nobody would be told' in result.err, result


@pytest.mark.parametrize('key, value', [('webhook', 'http://hooks.test/x'), ('webhook', 'hooks.test'),
                                        ('mailbox', 'box'), ('mailbox', '/var/mail/'), ('reports_to', 'me'),
                                        ('command', '"open'), ('pigeon', 'yes')])
def test_bad_settings(key, value, notifying):
    result = notifying(**{key: value}).run('config check')
    assert result.status == CONFIG and 'outpost.conf:2: ' in result.err and key in result.err, result
