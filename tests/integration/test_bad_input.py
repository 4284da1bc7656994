"""Whatever a person or a server does wrong: one clear line with the cause, the right exit status, no
secret shown, nothing sent twice, no half a file left."""
import base64
import os
import re
import subprocess

import pytest

from messages import message
from outpost import (CONFIG, DATAERR, IOERR, NOHOST, NOPERM, OK, PROGRAM, PROTOCOL, TEMPFAIL, UNAVAILABLE, UNKNOWN, USAGE,
                     Result)
from peers.frugal import Frugal
from peers.liar import DATA, EHLO, GREETING, HONEST, KEPT, RECIPIENT, SENDER, Liar
from peers.peer import PASSWORD
from peers.process import free_port

NOINPUT = 66


def one_clear_line(result, cause='[a-z_]+'):
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith('outpost: '), result
    assert re.search(r' \(%s\)$' % cause, lines[0]), result
    assert PASSWORD not in result.out + result.err
    assert not re.search('[\x00-\x08\x0b-\x1f\x7f]', result.err), 'control characters on the terminal'
    return lines[0]


@pytest.fixture
def nobody(outpost):
    """An account whose server must never be called."""
    with Liar(HONEST) as server:
        yield outpost.account('localhost:%d' % server.port, 'none', auth='none')
        assert server.calls == 0


# label: (words, standard input, exit status, cause, what the line says)
BAD_MESSAGES = {
    'address': (['--raw', 'foo@@bar'], b'From: a@b.test\r\n\r\nhi\r\n', DATAERR, 'recipient_rejected', 'character 5'),
    'member of a list': (['--raw', 'a@x.test, b@, c@x.test'], b'From: a@b.test\r\n\r\nhi\r\n', DATAERR,
                         'recipient_rejected', 'address 2'),
    'nothing': (['--raw', 'a@x.test'], b'', DATAERR, 'malformed_message', 'empty'),
    'NUL': (['--raw', 'a@x.test'], b'From: a@b.test\r\n\r\nhi\0there\r\n', DATAERR, 'malformed_message', 'NUL'),
    'subject with a header': (['-s', 'a\nBcc: evil@x.test', 'a@x.test'], b'hi\n', DATAERR, 'malformed_message',
                              'line break'),
    'recipient with a header': (['--to', 'a@x.test\r\nBcc: evil@x.test'], b'hi\n', DATAERR, 'malformed_message',
                                'line break'),
    'attachment that is not there': (['-A', '/nowhere/to be found', 'a@x.test'], b'hi\n', NOINPUT,
                                     'file_unreadable', '/nowhere/to be found'),
    'attachment that is a folder': (['-A', '/', 'a@x.test'], b'hi\n', NOINPUT, 'file_unreadable',
                                    '/'),
    'unknown option': (['--tto', 'a@x.test'], b'hi\n', USAGE, 'usage_error', '--tto'),
}


@pytest.mark.parametrize('words,stdin,status,cause,says', BAD_MESSAGES.values(), ids=BAD_MESSAGES)
def test_bad_message_is_refused_before_a_call(words, stdin, status, cause, says, nobody):
    result = nobody.run('send', '--direct', *words, stdin=stdin)
    assert result.status == status, result
    assert says in one_clear_line(result, cause)


def without(*streams):
    def closed():
        for stream in streams:
            os.close(stream)
    return closed


def test_closed_input_is_no_empty_message(nobody):
    """The first file that is opened must not become the input."""
    result = nobody.run('send', '--direct', 'a@x.test', stdin=None, preexec_fn=without(0))
    assert result.status == NOINPUT, result
    one_clear_line(result, 'file_unreadable')


@pytest.mark.parametrize('how', ['closed', 'full'])
def test_what_was_sent_was_sent_though_nobody_can_be_told(how, outpost, scripted):
    """A status that said otherwise would have it sent again."""
    sent, needle = message()
    outpost.account_at(scripted, 'tls')
    with open('/dev/full', 'w') as full:
        done = subprocess.run([PROGRAM, 'send', '--direct', '--raw', 'a@x.test', '--config', outpost.config],
                              input=sent, env=outpost.environment, stdout=full, stderr=subprocess.PIPE,
                              preexec_fn=without(1) if how == 'closed' else None)
    assert done.returncode == OK and b'standard output' in done.stderr
    assert len(scripted.await_messages(needle)) == 1


MISTYPED = {
    'command': ['sned'], 'escape sequences': ['a\x1b[2J'], 'option': ['settings', '--ofline', 'a@b.test'],
    'letter': ['-V'], 'second word': ['account', 'lst'], 'operand': ['sandbox', 'generic', 'more'],
    'address': ['settings', 'foo'], 'name': ['setup', 'a@b.test', '--account', 'a b'],
    'kind': ['setup', 'a@b.test', '--auth', 'bla'], 'server': ['setup', 'a@b.test', '--server', ':25'],
}


@pytest.mark.parametrize('words', MISTYPED.values(), ids=MISTYPED)
def test_mistyped(words, outpost):
    done = subprocess.run([PROGRAM, *words, '--json'], env=outpost.environment, capture_output=True)
    result = Result(done)
    assert result.status in (USAGE, DATAERR), result
    assert result.json['evidence'] in one_clear_line(result) and result.json['cause'], result


@pytest.mark.parametrize('text', ['535 5.7.139 Authentication unsuccessful, basic authentication is disabled',
                                  '535 5.7.8 Username and Password not accepted'])
def test_the_way_out_names_commands_there_are(text, outpost):
    there = outpost.run('explain', '--json', '--provider', 'outlook.com', text).json
    named = re.findall(r'outpost ([a-z]+(?: [a-z][a-z-]+)?)', ' '.join(there['fix']))
    assert named
    for command in named:
        assert outpost.run('help', *command.split()).status == OK, command


def test_a_cause_is_explained_by_its_id(outpost):
    there = outpost.run('explain', '--json', 'gateway_bad_password').json
    assert there['cause'] == 'gateway_bad_password' and not there['guess'] and there['who'] == 'you:settings', there
    assert 'outpost user list' in outpost.run('explain', 'gateway_bad_password').out
    assert outpost.run('explain', 'gateway_bad_passwort').status == 1


BAD_CONFIGURATIONS = {
    'unknown key': ('[account a]\nadress = a@b.test\n', 'outpost.conf:2: ', 'did you mean "address"'),
    'unknown section': ('[acount a]\naddress = a@b.test\n', 'outpost.conf:1: ', 'did you mean "account"'),
    'bad value': ('[account a]\naddress = a@b.test\nsecurity = maybe\n', 'outpost.conf:3: ', 'security'),
    'bad address': ('[account a]\naddress = a b\n', 'outpost.conf:2: ', ''),
    'no section': ('address = a@b.test\n', 'outpost.conf:1: ', ''),
    'not a key': ('[account a]\nfoo\n', 'outpost.conf:2: ', ''),
}


@pytest.mark.parametrize('text,place,says', BAD_CONFIGURATIONS.values(), ids=BAD_CONFIGURATIONS)
def test_bad_configuration_is_told_with_its_place(text, place, says, outpost):
    with open(outpost.config, 'w') as f:
        f.write(text)
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == CONFIG, result
    line = one_clear_line(result, 'config_invalid')
    assert outpost.config in line and place in line and says in line


@pytest.mark.parametrize('words', [[], ['--fix'], ['mail.example.test:587']], ids=' '.join)
@pytest.mark.parametrize('text,place,says', BAD_CONFIGURATIONS.values(), ids=BAD_CONFIGURATIONS)
def test_the_doctor_finds_a_bad_configuration(text, place, says, words, outpost):
    """It is what is wrong, whoever is asked about: a diagnosis like any other, in each of its forms."""
    with open(outpost.config, 'w') as f:
        f.write(text)
    result = outpost.run('doctor', *words, '--json')
    told = result.json
    assert result.status == 1 and not result.err and told['ok'] is False and told['cause'] == 'config_invalid', result
    assert told['fix'] and set(told['target'].values()) == {None} and told['alternatives'] == told['notes'] == told['found'] == [], told
    assert [(step['step'], step['ok'], step['detail']['fact']) for step in told['steps']] == [('machine', False, 'config:bad')], told
    assert place in told['evidence'] and says in told['evidence'], told
    people = outpost.run('doctor', *words)
    assert people.status == 1 and not people.err, people
    assert 'outpost config check' in people.out and outpost.config in people.out and 'config_invalid' in people.out, people


def test_the_doctor_finds_no_account(outpost):
    """Nothing is set up: what is wrong then, as a diagnosis with its rung, and nobody is asked."""
    result = outpost.run('doctor', '--json')
    told = result.json
    assert result.status == 1 and not result.err and told['ok'] is False and told['cause'] == 'no_account', result
    assert [(step['step'], step['ok'], step['detail']['fact']) for step in told['steps']] == [('machine', False, 'config:no-account')], told
    assert outpost.config in told['evidence'] and set(told['target'].values()) == {None}, told
    people = outpost.run('doctor')
    assert people.status == 1 and not people.err and 'outpost setup ADDRESS' in people.out, people
    assert outpost.run('doctor', '--share').json['cause'] == 'no_account'
    assert outpost.run('doctor', '--fix', '--yes', '--json').json['cause'] == 'no_account'


@pytest.mark.parametrize('spoil,fact', [
    (lambda path: os.chmod(path, 0o666), 'config:untrusted-mode'),
    (lambda path: (os.unlink(path), os.mkdir(path)), 'config:unreadable'),
    (lambda path: open(path, 'ab').write(b'\0'), 'config:bad')], ids=['others may write it', 'a folder', 'a NUL'])
def test_the_doctor_finds_a_file_that_is_none(spoil, fact, outpost):
    spoil(outpost.account('localhost:1', 'none', auth='none').config)
    told = outpost.run('doctor', '--json').json
    assert told['cause'] == 'config_invalid' and told['steps'][0]['detail']['fact'] == fact, told
    shared = outpost.run('doctor', '--share')
    assert shared.status == 1 and shared.json['fact'] == fact and outpost.folder not in shared.out, shared
    assert outpost.send(message()[0], 'a@x.test').status == CONFIG      # to all others it is a failure, as before


def test_the_doctor_and_a_providers_file(outpost):
    os.makedirs(os.path.join(outpost.folder, 'providers'))
    with open(os.path.join(outpost.folder, 'providers', 'mine.ini'), 'w') as f:
        f.write('[provider mine]\nserver = nonsense\n')
    told = outpost.account('localhost:1', 'none', auth='none').run('doctor', '--json').json
    assert told['cause'] == 'config_invalid' and 'mine.ini' in told['evidence'], told


def test_a_failure_has_its_name_though_the_owners_files_are_broken(outpost):
    folder = os.path.join(outpost.folder, 'providers')
    os.makedirs(folder)
    with open(os.path.join(folder, 'mine.ini'), 'w') as f:
        f.write('[provider mine]\nserver = nonsense\n')
    result = outpost.account('localhost:1', 'none', auth='none').send(message()[0], '--json', 'a@x.test')
    assert result.status == CONFIG and result.json['cause'] == 'config_invalid', result
    assert 'mine.ini' in one_clear_line(result, 'config_invalid')


def test_a_port_that_is_taken(outpost):
    with Liar(HONEST) as server:
        result = outpost.run('sandbox', 'generic', '--port-base', str(server.port), '--json', '--dir', outpost.folder + '/desk')
    assert result.status == IOERR and result.json['cause'] == 'listen_failed', result
    one_clear_line(result, 'listen_failed')


def test_missing_configuration_names_it(outpost):
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == CONFIG, result
    assert outpost.config in one_clear_line(result, 'no_account')


@pytest.mark.parametrize('body', ['one\ntwo\rthree\r\n', 'x' * 1000000 + '\r\n'], 
                         ids=['bare CR and LF', 'a line of a megabyte'])
def test_lines_no_server_takes_are_mended_or_refused(body, outpost, scripted):
    """Either it arrives with lines as RFC 5322 has them, saying the same, or it is refused with the cause."""
    sent, needle = message(body)
    result = outpost.account_at(scripted, 'tls').send(sent, 'a@x.test')
    if result.status == OK:
        kept = scripted.await_messages(needle)[0]
        assert b'\r' not in kept and max(map(len, kept.split(b'\n'))) <= 998
    else:
        assert result.status == DATAERR, result
        one_clear_line(result, 'line_too_long' if 'x' in body else 'malformed_message')
        assert not scripted.messages(needle)


def at(server, outpost, *words):
    outpost.account('localhost:%d' % server.port, 'none', auth='none')
    return outpost.send(message('hi\r\n')[0], '--connect-timeout', '2', '--json', *words, 'a@x.test')


def in_the_door(result):
    """Before anybody signs in it is looked at once more, by what else there is to reach the server."""
    return result.json['outcome'] == 'failed' and result.json['failure']['stage'] in ('connect', 'tls', 'greeting', 'ehlo', 'starttls')


@pytest.mark.parametrize('cut', range(sum(map(len, HONEST[:KEPT + 1]))))
def test_server_cuts_at_any_byte(cut, outpost):
    before_the_body_left = cut < sum(map(len, HONEST[:DATA + 1]))
    with Liar(HONEST, cut=cut) as server:
        result = at(server, outpost)
    assert server.calls == 1 or in_the_door(result)
    assert server.heard.count(b'MAIL FROM') <= 1
    one_clear_line(result)
    if before_the_body_left:
        assert result.status in (TEMPFAIL, PROTOCOL), result
        assert result.json['outcome'] == 'failed'
        assert b'hi\r\n' not in server.heard
    else:
        assert result.status == UNKNOWN, result
        assert result.json['outcome'] == 'unknown'


def saying(**lies):
    replies = list(HONEST)
    for place, reply in lies.items():
        replies[globals()[place]] = reply
    return replies


# label: (what LIMITS says, how many calls the three recipients below take)
LIMITS = {'a domain a connection': (b'RCPTDOMAINMAX=1', 2), 'a message a connection': (b'MAILMAX=1 RCPTMAX=2', 2),
          'two messages a connection': (b'MAILMAX=2 RCPTMAX=1', 2), 'a recipient a message': (b'RCPTMAX=1', 1)}


@pytest.mark.parametrize('limits,calls', LIMITS.values(), ids=LIMITS)
def test_limits_are_kept_and_nobody_is_left_out(limits, calls, outpost):
    with Frugal(limits) as server:
        outpost.account('localhost:%d' % server.port, 'none', auth='none')
        result = outpost.send(b'From: a@b.test\r\nSubject: hi\r\n\r\nhi\r\n', '--json', 'a@x.test', 'b@y.test', 'c@x.test')
    assert result.status == OK and result.json['outcome'] == 'delivered', result
    assert server.calls == calls
    assert sorted(server.named) == ['a@x.test', 'b@y.test', 'c@x.test']
    assert not server.broken


def test_a_second_connection_that_fails_unsays_nothing(outpost):
    with Frugal(b'RCPTDOMAINMAX=1', calls=1) as server:
        outpost.account('localhost:%d' % server.port, 'none', auth='none')
        result = outpost.send(b'From: a@b.test\r\nSubject: hi\r\n\r\nhi\r\n', '--json', 'a@x.test', 'b@y.test')
    assert result.status == TEMPFAIL and result.json['outcome'] == 'partial', result
    assert [r['state'] for r in result.json['recipients']] == ['delivered', 'deferred']
    assert server.named == ['a@x.test']


RUBBISH = {
    'a web server': (saying(GREETING=b'HTTP/1.1 400 Bad Request\r\n\r\n'), PROTOCOL),
    'noise': (saying(GREETING=bytes(range(256)) + b'\r\n'), PROTOCOL),
    'escape sequences': (saying(GREETING=b'554 \x1b]0;pwned\x07\x1b[2J go away\r\n'), UNAVAILABLE),
    'an endless line': (saying(GREETING=b'220 ' + b'x' * 1000000), PROTOCOL),
    'endless lines': (saying(EHLO=b'250-x\r\n' * 100000), PROTOCOL),
    'other codes in one reply': (saying(EHLO=b'250-x\r\n550 y\r\n'), PROTOCOL),
    'data wanted twice': (saying(KEPT=b'354 more\r\n'), UNKNOWN),
    'a dead mailbox': (saying(RECIPIENT=b'550 5.1.1 nobody here\r\n'), 67),
    'a refused sender': (saying(SENDER=b'550 5.7.1 not you\r\n'), UNAVAILABLE),
    'a refused message': (saying(KEPT=b'554 5.7.1 spam\r\n'), UNAVAILABLE),
    'not now': (saying(KEPT=b'451 4.3.0 later\r\n'), TEMPFAIL),
    'closing down': (saying(SENDER=b'421 4.3.2 closing\r\n'), TEMPFAIL),
}


@pytest.mark.parametrize('replies,status', RUBBISH.values(), ids=RUBBISH)
def test_server_talks_rubbish_or_refuses(replies, status, outpost):
    with Liar(replies) as server:
        result = at(server, outpost)
    assert result.status == status, result
    one_clear_line(result)
    assert result.json['failure']['cause'] in result.err
    assert server.calls == 1 or in_the_door(result)


@pytest.mark.parametrize('place', ['GREETING', 'EHLO', 'SENDER', 'RECIPIENT', 'DATA', 'KEPT'])
def test_server_stalls(place, outpost):
    with Liar(HONEST[:globals()[place]], stalls=True) as server:
        result = at(server, outpost)
    assert result.status == (UNKNOWN if place == 'KEPT' else TEMPFAIL), result
    one_clear_line(result)


def test_server_takes_no_more_of_a_body(outpost):
    """It says "go on" and reads nothing: what the system takes is full soon, and patience ends."""
    with Liar(HONEST[:DATA + 1], deaf=True) as server:
        outpost.account('localhost:%d' % server.port, 'none', auth='none')
        result = outpost.send(message('x' * 70 + '\r\n')[0] + b'line\r\n' * 5000000, '--connect-timeout', '2', '--json',
                              'a@x.test')
    assert result.status == TEMPFAIL and result.json['outcome'] == 'failed', result
    assert 'took nothing more' in one_clear_line(result)


def test_body_answer_lost_is_unknown_with_a_real_server(outpost, scripted):
    sent, needle = message()
    result = outpost.account_at(scripted, 'tls').send(sent, '--json', 'drop@x.test')
    assert result.status == UNKNOWN and result.json['outcome'] == 'unknown', result
    assert len(scripted.messages(needle)) == 1


def test_body_cut_early_is_not_accepted(outpost, scripted):
    sent, needle = message()
    result = outpost.account_at(scripted, 'tls').send(sent, '--json', 'early@x.test')
    assert result.status in (TEMPFAIL, UNKNOWN), result
    assert not scripted.messages(needle)


@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_wrong_password(security, outpost, postfix):
    sent, needle = message()
    result = outpost.account_at(postfix, security, password='not it').send(sent, '--json', 'a@x.test')
    assert result.status == NOPERM, result
    assert result.json['failure']['cause'] == 'auth_bad_credentials'
    assert 'not it' not in result.out + one_clear_line(result)
    assert not postfix.messages(needle)


def test_nobody_listens(outpost):
    outpost.account('localhost:%d' % free_port(), 'tls')
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == TEMPFAIL, result
    one_clear_line(result, 'connect_refused_(no_listener|localhost_in_container)')      # this machine may be one


def test_host_does_not_exist(outpost):
    outpost.account('no-such-host.invalid:465', 'tls')
    result = outpost.send(message()[0], 'a@x.test')
    assert result.status == NOHOST, result
    one_clear_line(result, 'dns_(host_not_found|resolver_failure)')     # as others' names can be looked up here, or not


@pytest.mark.parametrize('certificate,cause', [('expired', 'cert_expired'), ('wrong', 'cert_hostname_mismatch'),
                                               ('selfsigned', 'cert_self_signed'),
                                               ('cn-only', 'cert_hostname_mismatch'),
                                               ('cn-beside', 'cert_hostname_mismatch'),
                                               ('client-only', 'cert_untrusted_issuer'),
                                               ('of-a-leaf', 'cert_untrusted_issuer'),
                                               ('short-key', 'tls_legacy_signature'),
                                               ('sha1', 'tls_legacy_signature')])
@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_bad_certificate_gets_no_password(certificate, cause, security, outpost, authority, bad_certificate):
    peer = bad_certificate(certificate)
    result = outpost.account_at(peer, security).send(message()[0], '--verbose', '--json', 'a@x.test')
    assert result.status == PROTOCOL, result
    assert result.json['failure']['cause'] == cause
    assert 'AUTH PLAIN' not in result.err
    assert PASSWORD not in result.out + result.err


def test_unknown_authority(outpost, scripted):
    outpost.ca = None
    result = outpost.account_at(scripted, 'tls').send(message()[0], 'a@x.test')
    assert result.status == PROTOCOL, result
    one_clear_line(result, 'cert_untrusted_issuer')


def test_password_is_in_no_argument_and_no_trace(outpost, postfix):
    sent, _ = message()
    result = outpost.account_at(postfix, 'tls', mechanisms='plain').send(sent, '--verbose', 'a@x.test')
    assert result.status == OK, result
    for form in (PASSWORD, base64.b64encode(PASSWORD.encode()).decode(),
                 base64.b64encode(('\0%s\0%s' % ('alice@example.test', PASSWORD)).encode()).decode()):
        assert form not in result.out + result.err
