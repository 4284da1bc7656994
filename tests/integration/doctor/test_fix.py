"""`outpost doctor --fix`: what is outpost's own to change is changed, proven and told; the rest is left alone."""
import os

import pytest

from network import GMAIL, TARGET, drop
from outpost import OK, PROGRAM, USAGE
from peers.terminal import Terminal
from stage import Smtp

FOUND = 1


@pytest.fixture
def ours(outpost):
    """ours(server, ...): the account in a file that outpost wrote, as `setup` leaves it. The file's path."""
    def make(*words, **settings):
        outpost.account(*words, **settings)
        folder = outpost.config + '.d'
        os.makedirs(folder, mode=0o700, exist_ok=True)
        path = os.path.join(folder, 'test.conf')
        os.rename(outpost.config, path)
        return path
    return make


def text(path):
    with open(path) as f:
        return f.read()


# (label, the account, what is open, the firewall, the cause, lines that come, lines that go)
FIXES = [
    ('a wrong port', dict(server='mail.example.test:2587'), {587: Smtp()}, [], 'connect_refused_no_listener',
     ['server = mail.example.test:587'], [':2587']),
    ('TLS where STARTTLS is spoken', dict(server='mail.example.test:587', security='tls'), {587: Smtp()}, [], 'tls_on_plaintext_port',
     ['server = mail.example.test:587', 'security = starttls'], ['security = tls']),
    ('STARTTLS where TLS is spoken', dict(server='mail.example.test:465'), {465: Smtp('at once')}, [], 'plaintext_on_tls_port',
     ['server = mail.example.test:465', 'security = tls'], ['security = starttls']),
    ('587 blocked, 465 open', dict(server='mail.example.test:587'), {465: Smtp('at once')}, [drop(587)],
     'connect_timeout_port_blocked', ['server = mail.example.test:465', 'security = tls'], [':587', 'starttls']),
    ('no STARTTLS, and TLS on 465', dict(server='mail.example.test:587'), {587: Smtp(None), 465: Smtp('at once')}, [],
     'starttls_not_offered', ['server = mail.example.test:465', 'security = tls'], [':587', 'starttls']),
]


@pytest.mark.parametrize('label,account,ports,wall,cause,come,go', FIXES, ids=[row[0] for row in FIXES])
def test_mended(label, account, ports, wall, cause, come, go, stage, network, ours, outpost):
    for port, server in ports.items():
        stage.open(TARGET, port, server)
    stage.open(GMAIL, 587, Smtp())
    network.firewall(*wall)
    path = ours(**account)
    before = text(path)
    result = outpost.run('doctor', 'test', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == OK and not result.err, result
    assert 'Cause   ' + cause in result.out and 'It works so: the doctor looked again' in result.out, result
    after = text(path)
    for line in come:
        assert line + '\n' in after, after
    for line in go:
        assert line not in after, after
    changed = set(before.splitlines()) ^ set(after.splitlines())
    assert all(line.startswith(('server', 'security', '#', 'mechanisms')) for line in changed if line), changed
    well = outpost.run('doctor', 'test')
    assert well.status == OK and 'Nothing is wrong' in well.out, well


def test_a_typing_error_in_a_name_that_a_profile_knows(stage, ours, outpost):
    stage.open(GMAIL, 465, Smtp('at once'))
    path = ours('smpt.gmail.com:465', 'tls', address='me@gmail.com', username='me@gmail.com', transport='smtp')
    result = outpost.run('doctor', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == OK and 'dns_host_not_found' in result.out, result
    assert '-server = smpt.gmail.com:465\n+server = smtp.gmail.com:465\n' in result.out, result
    assert 'server = smtp.gmail.com:465\n' in text(path), text(path)


def test_a_name_that_is_like_somebody_elses(stage, ours, outpost):
    """Nothing says that the account is there: --yes sends no password to a server that nobody has looked at."""
    heard = []

    class Curious(Smtp):
        def take(self, command):
            heard.append(command)

    stage.open(GMAIL, 465, Curious('at once'))
    path = ours('smpt.gmail.com:465', 'tls')
    before = text(path)
    result = outpost.run('doctor', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == USAGE and '+server = smtp.gmail.com:465\n' in result.out and 'at a terminal' in result.err, result
    assert text(path) == before and not any(b'AUTH' in command for command in heard), heard


def test_json_tells_both(stage, ours, outpost):
    stage.open(TARGET, 465, Smtp('at once'))
    stage.open(GMAIL, 587, Smtp())
    path = ours('mail.example.test:587')
    told = outpost.run('doctor', '--fix', '--yes', '--json', '--connect-timeout', '3').json
    assert told['cause'] == 'connect_refused_no_listener' and not told['ok'], told
    mended = told['mended']
    assert [(c['key'], c['from'], c['to'], c['file']) for c in mended['changes']] == [
        ('server', 'mail.example.test:587', 'mail.example.test:465', path), ('security', 'starttls', 'tls', path)], mended
    assert (mended['file'], mended['proven'], mended['written'], mended['sign_in']) == (path, True, True, False), mended


def test_what_does_not_help_is_not_written(stage, ours, outpost):
    """465 greets, and then takes no password: what is there stays."""
    stage.open(TARGET, 465, Smtp('at once', replies={'AUTH': '535 5.7.8 Error: authentication failed'}))
    path = ours('mail.example.test:587')
    before = text(path)
    result = outpost.run('doctor', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == FOUND and 'It does not work so either: nothing was changed.' in result.out, result
    assert text(path) == before


NOT_OURS = [
    ('a wrong password', {587: Smtp(replies={'AUTH': '535 5.7.8 Error: authentication failed'})}, 'auth_bad_credentials'),
    ('nobody there', {}, 'connect_refused_no_listener'),
    ('a certificate that nobody has signed', {587: Smtp(certificate='everybody-self'), 465: Smtp('at once')}, 'cert_self_signed'),
    ('no encryption at all', {587: Smtp(None)}, 'starttls_not_offered'),
]


@pytest.mark.parametrize('label,ports,cause', NOT_OURS, ids=[row[0] for row in NOT_OURS])
def test_nothing_is_ours_to_change(label, ports, cause, stage, ours, outpost):
    for port, server in ports.items():
        stage.open(TARGET, port, server)
    stage.open(GMAIL, 587, Smtp())
    path = ours('mail.example.test:587')
    before = text(path)
    result = outpost.run('doctor', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == FOUND and not result.err, result
    assert cause in result.out and "Nothing of this is outpost's to change." in result.out, result
    assert text(path) == before


def test_a_file_of_ones_own_is_not_touched(stage, outpost):
    """Its lines are told instead, each with its place."""
    stage.open(TARGET, 465, Smtp('at once'))
    outpost.account('mail.example.test:587')
    before = text(outpost.config)
    result = outpost.run('doctor', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == FOUND and text(outpost.config) == before, result
    lines = before.splitlines()
    for key, value in (('server', 'mail.example.test:465, in place of mail.example.test:587'), ('security', 'tls, in place of starttls')):
        number = next(i for i, line in enumerate(lines, 1) if line.startswith(key + ' '))
        assert '  %s:%d: %s = %s\n' % (outpost.config, number, key, value) in result.out, result
    assert not os.path.exists(outpost.config + '.d'), result


def test_nobody_there_to_be_asked(stage, ours, outpost):
    stage.open(TARGET, 465, Smtp('at once'))
    path = ours('mail.example.test:587')
    before = text(path)
    result = outpost.run('doctor', '--fix', '--connect-timeout', '3')
    assert result.status == USAGE and '--yes' in result.err and '+server = mail.example.test:465' in result.out, result
    assert text(path) == before


@pytest.mark.parametrize('answer,status', [(b'y\n', OK), (b'n\n', FOUND)])
def test_asked_first(answer, status, stage, network, ours, outpost):
    """The password goes to the other port only where a person said so."""
    heard = []

    class Curious(Smtp):
        def take(self, command):
            heard.append(command)

    stage.open(TARGET, 465, Curious('at once'))
    path = ours('mail.example.test:587')
    before = text(path)
    terminal = Terminal([*network.inside, PROGRAM, 'doctor', '--fix', '--config', outpost.config, '--connect-timeout', '3'],
                        {**outpost.environment, 'TERM': 'xterm'})
    terminal.until(b'so if it works?')
    assert b'+server = mail.example.test:465' in terminal.seen and not any(b'AUTH' in command for command in heard)
    terminal.type(answer)
    assert terminal.end() == status
    assert (text(path) != before) == (status == OK) == any(b'AUTH' in command for command in heard)


def listens(stage):
    """Gmail's server opens; the list that comes back holds each command that it hears."""
    heard = []

    class Curious(Smtp):
        def take(self, command):
            heard.append(command)

    stage.open(GMAIL, 587, Curious())
    return heard


ONLY_SCRAM = dict(server='smtp.gmail.com:587', mechanisms='scram-sha-256')


@pytest.mark.parametrize('words,said', [(['--yes'], 'at a terminal'), ([], 'at a terminal'), (['--yes', '--json'], 'at a terminal')], ids=' '.join)
def test_less_strict_than_it_was_set(words, said, stage, ours, outpost):
    """SCRAM alone was wanted, and the provider has none: nobody's --yes lets the password itself go there."""
    heard = listens(stage)
    path = ours(**ONLY_SCRAM)
    before = text(path)
    result = outpost.run('doctor', '--fix', *words, '--connect-timeout', '3')
    assert result.status == USAGE and said in result.err and 'may itself go to the server' in result.err, result
    if '--json' not in words:
        assert 'less strict than it was set' in result.out and '-mechanisms = scram-sha-256' in result.out.lower(), result
    assert text(path) == before and not any(b'AUTH' in command for command in heard), heard


@pytest.mark.parametrize('answer,status', [(b'y\n', OK), (b'n\n', FOUND), (b'\n', FOUND)], ids=['yes', 'no', 'nothing said'])
def test_less_strict_where_a_person_says_so(answer, status, stage, network, ours, outpost):
    heard = listens(stage)
    path = ours(**ONLY_SCRAM)
    before = text(path)
    terminal = Terminal([*network.inside, PROGRAM, 'doctor', '--fix', '--yes', '--config', outpost.config, '--connect-timeout', '3'],
                        {**outpost.environment, 'TERM': 'xterm'})
    terminal.until(b'so if that works?')
    assert b'Let the password itself go to the server' in terminal.seen and not any(b'AUTH' in command for command in heard)
    terminal.type(answer)
    assert terminal.end() == status
    assert (text(path) != before) == (status == OK) == any(b'AUTH' in command for command in heard)
    assert ('mechanisms' in text(path)) == (status != OK)


def test_less_strict_in_ones_own_file(stage, outpost):
    stage.open(GMAIL, 587, Smtp())
    outpost.account(**ONLY_SCRAM)
    result = outpost.run('doctor', '--fix', '--yes', '--connect-timeout', '3')
    assert result.status == FOUND and 'take away mechanisms' in result.out and 'less strict than it was set' in result.out, result


class Hashed(Smtp):
    """PLAIN is all that its list of passwords can do, whatever it offers."""

    def __init__(self):
        super().__init__(ehlo=['AUTH CRAM-MD5 PLAIN LOGIN'])

    def take(self, command):
        self.replies = {'AUTH': '535 5.7.8 authentication failed'} if b'CRAM' in command else {}


@pytest.mark.parametrize('answer,status', [(b'y\n', OK), (b'n\n', FOUND)], ids=['yes', 'no'])
def test_a_mechanism_that_the_server_can_not_do(answer, status, stage, network, ours, outpost):
    """The password would go there itself: a person agrees to it."""
    stage.open(TARGET, 587, Hashed())
    path = ours('mail.example.test:587', mechanisms='cram-md5')
    terminal = Terminal([*network.inside, PROGRAM, 'doctor', '--fix', '--config', outpost.config, '--connect-timeout', '3'],
                        {**outpost.environment, 'TERM': 'xterm'})
    terminal.until(b'so if that works?')
    assert b'takes the same password by another' in terminal.seen and b'-mechanisms = cram-md5' in terminal.seen.lower(), terminal.seen
    terminal.type(answer)
    assert terminal.end() == status
    assert ('mechanisms' in text(path)) == (status != OK), text(path)


def test_all_is_well(stage, ours, outpost):
    stage.open(TARGET, 587, Smtp())
    path = ours('mail.example.test:587')
    before = text(path)
    result = outpost.run('doctor', '--fix')
    assert result.status == OK and 'Nothing is wrong' in result.out and text(path) == before, result


@pytest.mark.parametrize('words', [['--fix', 'mail.example.test:587'], ['--fix', '--share']])
def test_asked_wrongly(words, stage, ours, outpost):
    ours('mail.example.test:587')
    result = outpost.run('doctor', *words)
    assert result.status == USAGE and len(result.err.splitlines()) == 1, result


def test_the_way_there_is_told(stage, ours, outpost):
    """Without --fix: that it could be."""
    stage.open(TARGET, 465, Smtp('at once'))
    ours('mail.example.test:587')
    result = outpost.run('doctor', '--connect-timeout', '3')
    assert 'outpost doctor test --fix' in result.out, result
