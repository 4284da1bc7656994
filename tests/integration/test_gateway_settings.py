"""Users and listeners of the gateway: written whole or not at all, never weaker than was said."""
import json
import os
import re

import pytest

from outpost import CONFIG, DATAERR, OK, USAGE

PASSWORD = r'\b(?:[a-z2-9]{4}-){3}[a-z2-9]{4}\b'


def drop_ins(outpost):
    folder = outpost.config + '.d'
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


def test_a_user_gets_a_card(outpost):
    outpost.run('listen add', 'submission', '--address', '127.0.0.1:2587')
    result = outpost.run('user add', 'scanner')
    assert result.status == OK and result.err == '', result
    for line in ('Server +127.0.0.1', 'Port +2587', 'Encryption +STARTTLS', 'User name +scanner', 'Password +' + PASSWORD):
        assert re.search(line, result.out), line
    password = re.search(PASSWORD, result.out).group()
    path = outpost.config + '.d/_user_scanner.conf'
    assert os.stat(path).st_mode & 0o777 == 0o600
    with open(path) as file:
        text = file.read()
    assert password not in text and '$argon2id$' in text and 'scram_sha_256 = ' in text
    shown = outpost.run('user show', 'scanner').out + outpost.run('config show', '--defaults').out
    assert '$argon2id$' not in shown and '(hidden)' in shown


def test_no_two_passwords_are_alike(outpost):
    made = {outpost.run('user add', 'u%d' % n, '--json').json['password'] for n in range(5)}
    assert len(made) == 5


def test_a_password_of_ones_own(outpost):
    result = outpost.run('user add', 'copier', '--password-stdin', '--json', stdin=b'open sesame\nrest\n')
    assert result.status == OK and 'sesame' not in result.out and 'password' not in result.json
    result = outpost.run('user add', 'other', '--password-stdin', stdin=b'\n')
    assert result.status != OK and drop_ins(outpost) == ['_user_copier.conf']
    result = outpost.run('user add', 'other', '--password-stdin', stdin=b'a\x01b\n')
    assert result.status == DATAERR and drop_ins(outpost) == ['_user_copier.conf']


def test_only_the_hash(outpost):
    result = outpost.run('user add', 'copier', '--hash-only', '--password-stdin', stdin=b'sesame\n')
    assert result.out.startswith('[user copier]\npassword = $argon2id$') and drop_ins(outpost) == []
    with open(outpost.config, 'w') as file:
        file.write(result.out)
    assert outpost.run('config check').status == OK


def test_accounts_must_be_there(outpost):
    with open(outpost.config, 'w') as file:
        file.write('[account live]\naddress = me@live.com\nauth = token\nsecret = command:true\n')
    assert outpost.run('user add', 'a', '--accounts', 'live').status == OK
    result = outpost.run('user add', 'b', '--accounts', 'live,work')
    assert result.status == CONFIG and drop_ins(outpost) == ['_user_a.conf'], result
    assert json.loads(outpost.run('user list', '--json').out)['accounts'] == ['live']


@pytest.mark.parametrize('family', ['user', 'listen'])
def test_added_once_and_removed(family, outpost):
    more = ['--address', '127.0.0.1:2525'] if family == 'listen' else []
    assert outpost.run(family + ' add', 'one', *more).status == OK
    assert outpost.run(family + ' add', 'one', *more).status == USAGE
    assert outpost.run(family + ' add', '../one', *more).status == USAGE
    assert outpost.run(family + ' show', 'two').status == CONFIG
    assert 'did you mean "one"' in outpost.run(family + ' remove', 'ones', '--yes').err
    assert outpost.run(family + ' remove', 'one').status == USAGE and drop_ins(outpost)
    assert outpost.run(family + ' remove', 'one', '--yes').status == OK and not drop_ins(outpost)
    assert 'add' in outpost.run(family).out


def test_the_persons_own_file_is_left_alone(outpost):
    with open(outpost.config, 'w') as file:
        file.write('[listen mine]\naddress = 127.0.0.1:2525\n')
    result = outpost.run('listen remove', 'mine', '--yes')
    assert result.status == CONFIG and outpost.config in result.err, result


@pytest.mark.parametrize('words', [
    ['--security', 'none'],
    ['--plaintext-auth'],
    ['--plaintext-auth', '--allow', 'any'],
    ['--tls-minimum', '1.0'],
    ['--tls-minimum', '1.0', '--allow', '0.0.0.0/0'],
    ['--no-password-from', 'any'],
    ['--no-password-from', '203.0.113.9'],
    ['--allow', '192.168.1.20/24'],
    ['--account', 'nobody'],
], ids=' '.join)
def test_no_hole_by_a_single_option(words, outpost):
    result = outpost.run('listen add', 'lan', '--address', '0.0.0.0:2525', *words)
    assert result.status == CONFIG and not drop_ins(outpost), result


def test_a_weak_listener_is_loud(outpost):
    words = ['lan', '--address', '0.0.0.0:2525', '--tls-minimum', '1.0', '--plaintext-auth', '--allow', '192.168.1.0/24']
    for result in outpost.run('listen add', *words), outpost.run('listen show', 'lan'):
        assert result.status == OK and result.err.count('warning: lan: ') == 2, result
    assert 'weak' in outpost.run('listen').out
    assert outpost.run('listen', '--json').json['weak'] is True
