"""What the configuration says, and where each value comes from."""
import json
import os

import pytest

from outpost import CONFIG, OK

ACCOUNT = '[account live]\naddress = me@live.com\nauth = token\nsecret = command:true\n'


@pytest.fixture
def configured(outpost):
    with open(outpost.config, 'w') as file:
        file.write(ACCOUNT)
    os.mkdir(outpost.config + '.d')
    with open(outpost.config + '.d/more.conf', 'w') as file:
        file.write('[account live]\nname = Me\n')
    return outpost


def lines(result):
    return {entry['key']: entry for entry in map(json.loads, result.out.splitlines())}


def test_nothing_is_configured(outpost):
    assert outpost.config in outpost.run('config check').out
    assert outpost.config in outpost.run('config show').out
    assert outpost.run('config show', '--json').out == ''


def test_each_value_tells_its_origin(configured):
    shown = lines(configured.run('config show', '--json'))
    assert list(shown) == ['address', 'name', 'auth', 'secret']
    assert (shown['auth']['from'], shown['auth']['line']) == (configured.config, 3)
    assert (shown['name']['from'], shown['name']['line']) == (configured.config + '.d/more.conf', 2)
    assert not any(entry['default'] for entry in shown.values())
    every = lines(configured.run('config show', '--defaults', '--json'))
    assert every['server']['value'].startswith('smtp') and every['server']['from'] == 'the profile'
    assert every['other_senders']['default'] and every['other_senders']['from'] == 'default'
    assert '# %s:3' % configured.config in configured.run('config show').out


def test_check(configured):
    result = configured.run('config check', '--json')
    assert result.status == OK and result.json == {'ok': True, 'files': [configured.config,
                                                                         configured.config + '.d/more.conf']}
    with open(configured.config + '.d/more.conf', 'a') as file:
        file.write('nmae = You\n')
    result = configured.run('config check')
    assert result.status == CONFIG and '%s.d/more.conf:3: no such key: "nmae"' % configured.config in result.err


@pytest.mark.parametrize('proxy, shown', [
    ('http://me:hunter22@proxy.test:3128', 'http://me:***@proxy.test:3128'),
    ('http://me:hunter/22@proxy.test', 'http://me:***@proxy.test'),     # badly written, and still nobody's to see
    ('http://me@proxy.test', 'http://me@proxy.test'),
    ('http://proxy.test:3128', 'http://proxy.test:3128'),
])
def test_a_proxys_password_is_not_shown(proxy, shown, outpost):
    with open(outpost.config, 'w') as file:
        file.write('[outpost]\nhttps_proxy = %s\n' % proxy)
    os.chmod(outpost.config, 0o600)
    assert lines(outpost.run('config show', '--json'))['https_proxy']['value'] == shown
    assert shown in outpost.run('config show').out
