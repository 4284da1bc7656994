"""Where secrets are kept: a real gnome-keyring, open, locked, hanging and absent; the kernel's keys; systemd's
credentials; and the way from one to another."""
import os

import pytest

from daemon import Daemon
from messages import message
from outpost import CONFIG, OK, PROGRAM, TEMPFAIL, USAGE
from peers.terminal import Terminal


def set_up(outpost, sandbox, *words, name='mine', **how):
    result = outpost.run('setup', sandbox.user, '--account', name, '--password-stdin', '--no-input', '--yes', '--server',
                         'localhost:%d' % sandbox.ports['tls'], '--security', 'tls', '--ca-file', sandbox.ca,
                         '--no-test', *words, stdin=sandbox.password.encode() + b'\n', **how)
    assert result.status == OK, result


def send(outpost, *words, **how):
    return outpost.send(message()[0], 'someone@x.test', *words, **how)


def where(outpost, key='secret', name='mine', **how):
    """What `account show` tells."""
    result = outpost.run('account show', name, '--json', **how)
    assert result.status == OK, result
    return next(s for s in result.json['secrets'] if s['key'] == key)


@pytest.fixture
def in_keyring(outpost, sandbox, keyring):
    """An account whose password is in the keyring, which is open."""
    outpost.environment.update(keyring.environment)
    keyring.unlock()
    set_up(outpost, sandbox, '--secret', 'keyring')
    return outpost


# ---- the keyring ----

def test_keyring_keeps_it_and_hands_it_out(in_keyring, keyring, sandbox):
    assert where(in_keyring)['source'] == 'keyring' and 'keyring' in where(in_keyring)['where']
    assert not os.path.exists(in_keyring.folder + '/state/secrets')
    result = send(in_keyring)
    assert result.status == OK, result

    keyring.unlock()     # another daemon: it is on disk
    assert send(in_keyring).status == OK

    assert in_keyring.run('account remove', 'mine', '--yes').status == OK
    set_up(in_keyring, sandbox, '--secret', 'file')
    result = in_keyring.run('account secret', 'mine', 'keyring')
    assert result.status == OK, result
    assert os.listdir(in_keyring.folder + '/state/secrets') == []
    assert send(in_keyring).status == OK


def test_who_stays_does_not_get_glib(in_keyring, keyring):
    """GLib ends the process that runs out of memory: the keyring is asked by a program of its own."""
    daemon = Daemon(in_keyring)
    try:
        assert in_keyring.run('send', '--raw', 'someone@x.test', stdin=message()[0]).status == OK
        daemon.process.await_line(' delivered ')
        with open('/proc/%d/maps' % daemon.process.popen.pid) as f:
            loaded = f.read()
        assert 'libssl' in loaded and 'libglib' not in loaded and 'libsecret' not in loaded
    finally:
        daemon.stop()


def test_keyring_locked_is_not_now(in_keyring, keyring):
    keyring.lock()
    result = send(in_keyring)
    assert result.status == TEMPFAIL and 'local_secret_locked' in result.err and 'is locked' in result.err, result
    keyring.unlock()
    assert send(in_keyring).status == OK


def test_keyring_hangs(in_keyring, keyring):
    keyring.hang()
    try:
        result = in_keyring.run('account secret', 'mine', 'file', '--timeout', '1')
    finally:
        keyring.go_on()
    assert result.status == TEMPFAIL and 'did not answer in time' in result.err, result
    assert where(in_keyring)['source'] == 'keyring'
    assert send(in_keyring).status == OK


@pytest.mark.parametrize('address', [None, 'unix:path=/nonexistent/bus'])
def test_no_keyring_here(address, in_keyring):
    """As under cron: no session, no bus."""
    del in_keyring.environment['DBUS_SESSION_BUS_ADDRESS']
    result = send(in_keyring, env={'DBUS_SESSION_BUS_ADDRESS': address} if address else {})
    assert result.status == TEMPFAIL and 'no keyring answers here' in result.err, result
    assert 'local_secret_locked' in result.err


def test_keyring_without_its_item(in_keyring, sandbox):
    assert in_keyring.run('account secret', 'mine', 'file').status == OK
    with open(in_keyring.config + '.d/mine.conf') as f:
        section = f.read()
    with open(in_keyring.config + '.d/mine.conf', 'w') as f:
        f.write(section.replace('secret = file', 'secret = keyring'))
    result = send(in_keyring)
    assert result.status == CONFIG and 'the keyring has none' in result.err, result


def test_same_name_in_two_places(in_keyring, tmp_path):
    """Two configurations with an account of one name don't read each other's secret."""
    result = send(in_keyring, '--state', str(tmp_path / 'another'))
    assert result.status == CONFIG and 'the keyring has none' in result.err, result


def test_locked_keyring_with_somebody_there(in_keyring, keyring):
    """It may ask then; where it has no screen to ask on, that is told, and nothing waits for ever."""
    keyring.lock()
    terminal = Terminal([PROGRAM, 'account', 'secret', 'mine', 'file', '--config', in_keyring.config],
                        in_keyring.environment)
    assert terminal.end() == TEMPFAIL, terminal.seen
    assert b'is locked' in terminal.seen and b'store the secret anew' not in terminal.seen


# ---- the keys of sealed files ----

def sealed_with(outpost):
    return where(outpost)['where'].split(', with ')[1]


def test_the_kernels_key(outpost, sandbox, kernel_keys):
    outpost.inside = kernel_keys.inside
    key_file = outpost.folder + '/state/key'
    set_up(outpost, sandbox)
    assert sealed_with(outpost) == 'the key in ' + key_file

    result = outpost.run('account seal', 'kernel')
    assert result.status == TEMPFAIL and 'keyctl padd user outpost:key @u' in result.err, result
    assert send(outpost).status == OK

    kernel_keys.put(b'k' * 32)
    result = outpost.run('account seal', 'kernel', '--json')
    assert result.status == OK and result.json == {'key': 'kernel', 'sealed': 1, 'unchanged': 0}, result
    assert sealed_with(outpost) == "the kernel's key outpost:key" and not os.path.exists(key_file)
    assert send(outpost).status == OK

    kernel_keys.forget()
    result = send(outpost)
    assert result.status == TEMPFAIL and 'local_secret_locked' in result.err, result

    kernel_keys.put(b'k' * 32)
    assert outpost.run('account seal', 'file').status == OK
    kernel_keys.forget()
    assert sealed_with(outpost) == 'the key in ' + key_file
    assert send(outpost).status == OK


@pytest.fixture
def credentials(tmp_path):
    """As systemd lays them down for a service."""
    folder = tmp_path / 'credentials'
    folder.mkdir(mode=0o500)

    def give(name, text):
        (folder / name).write_bytes(text)
        (folder / name).chmod(0o440)
        return {'CREDENTIALS_DIRECTORY': str(folder)}
    return give


def test_systemds_key(outpost, sandbox, credentials):
    service = credentials('outpost-key', b's' * 32)
    set_up(outpost, sandbox, env=service)
    assert sealed_with(outpost) == "systemd's credential outpost-key"
    assert not os.path.exists(outpost.folder + '/state/key')
    assert send(outpost, env=service).status == OK
    result = send(outpost)
    assert result.status == TEMPFAIL and "the service's alone" in result.err, result

    assert outpost.run('account seal', 'file', env=service).status == OK
    assert send(outpost).status == OK
    result = outpost.run('account seal', '--json', env=service)     # the best there is
    assert result.status == OK and result.json['key'] == 'systemd', result


# ---- passwords that are another's to keep ----

def test_password_from_systemd(outpost, sandbox, credentials):
    service = credentials('mail.pass', sandbox.password.encode() + b'\n')
    set_up(outpost, sandbox, '--secret', 'systemd:mail.pass')      # the line of stdin proves it, and is not kept
    assert not os.path.exists(outpost.folder + '/state/secrets')
    assert send(outpost, env=service).status == OK
    assert send(outpost).status == TEMPFAIL
    result = outpost.run('setup', sandbox.user, '--account', 'other', '--no-input', '--server',
                         'localhost:%d' % sandbox.ports['tls'], '--security', 'tls', '--ca-file', sandbox.ca,
                         '--test-to', 'a@x.test', '--secret', 'systemd:mail.pass', env=service)
    assert result.status == OK, result


def test_to_a_command_only_where_it_says_the_same(outpost, sandbox, tmp_path):
    set_up(outpost, sandbox)
    kept = tmp_path / 'password'
    kept.write_text('another')
    result = outpost.run('account secret', 'mine', 'command:cat %s' % kept)
    assert result.status == CONFIG and 'another secret is there' in result.err and 'another' not in result.out, result
    assert where(outpost)['source'] == 'file'
    kept.write_text(sandbox.password)
    assert outpost.run('account secret', 'mine', 'command:cat %s' % kept).status == OK
    assert os.listdir(outpost.folder + '/state/secrets') == []
    assert send(outpost).status == OK


def test_an_applications_certificate(outpost, sandbox):
    set_up(outpost, sandbox)
    pem = b'-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n'
    result = outpost.run('account secret', 'mine', 'file', '--of', 'certificate', '--stdin', stdin=pem)
    assert result.status == OK, result
    assert where(outpost, 'certificate')['where'].startswith('sealed in ')
    assert sorted(os.listdir(outpost.folder + '/state/secrets')) == ['mine', 'mine:certificate']
    assert outpost.run('account remove', 'mine', '--yes').status == OK
    assert os.listdir(outpost.folder + '/state/secrets') == []


@pytest.mark.parametrize('words', [('--secret', 'attic'), ('--secret', 'systemd:../key'), ('--secret', 'hunter2'),
                                   ('--secret', 'file', '--password-command', 'true')])
def test_no_such_place(words, outpost, sandbox):
    result = outpost.run('setup', sandbox.user, '--no-input', *words)
    assert result.status == USAGE and result.err.startswith('outpost: '), result
    assert 'hunter2' not in result.err


def test_an_account_in_a_file_of_the_persons_own(outpost, sandbox):
    outpost.account('localhost:%d' % sandbox.ports['tls'], 'tls', password=sandbox.password, username=sandbox.user,
                    ca_file=sandbox.ca)
    result = outpost.run('account secret', 'test', 'file')
    assert result.status == CONFIG and 'a file outpost does not change' in result.err, result
    assert not os.path.exists(outpost.folder + '/state/secrets')
    assert send(outpost).status == OK


# ---- killed at every step ----

STEPS = '/^(rename|link|unlink|mkdir|fsync)'


@pytest.mark.parametrize('change', ['account secret mine keyring', 'account seal kernel'])
def test_killed_at_every_step(change, outpost, sandbox, keyring, kernel_keys):
    """After each the account works, and the same command, given again, does it."""
    outpost.environment.update(keyring.environment)
    keyring.unlock()
    kernel_keys.put(b'k' * 32)
    enter = outpost.inside = kernel_keys.inside
    set_up(outpost, sandbox)
    assert outpost.run('account seal', 'file').status == OK
    nth, killed = 0, True
    while killed:
        nth += 1
        outpost.inside = [*enter, 'strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=' + STEPS, '-e',
                          'inject=%s:signal=KILL:when=%d' % (STEPS, nth)]
        result = outpost.run(change, env={'ASAN_OPTIONS': 'detect_leaks=0'})     # can't look while traced
        killed = result.status == -9
        assert killed or result.status == OK, result
        outpost.inside = enter
        assert send(outpost).status == OK, (nth, killed)
    assert nth > 5
