"""How the doctor tells what it found; what it never tells; and whom it never tells anything."""
import json
import os
import re
import threading

import pytest

from network import GMAIL, OFFICE, TARGET, drop, reset
from outpost import OK, PROGRAM, USAGE
from peers.peer import PASSWORD, USER
from peers.terminal import Terminal
from stage import Says, Smtp

FOUND = 1


def test_the_diagnosis_comes_first_and_then_the_ladder(stage, network, outpost):
    stage.open(TARGET, 465, Smtp('at once'))
    network.firewall(drop(587))
    stage.open(GMAIL, 587, Smtp())
    outpost.account('mail.example.test:587')
    result = outpost.run('doctor', '--connect-timeout', '2')
    assert result.status == FOUND and not result.err, result
    places = [result.out.find(text) for text in (
        'mail.example.test:587', 'Who ', 'Takes ', 'Cause   connect_timeout_port_blocked', 'ok      resolve', 'FAILED  connect',
        '-       banner', 'This works from here:',
        'outpost setup %s --server mail.example.test:465 --security tls' % USER)]
    assert -1 not in places and places == sorted(places), result
    assert '\x1b' not in result.out, result


def test_nothing_is_wrong(stage, outpost):
    stage.open(TARGET, 587, Smtp())
    outpost.account('mail.example.test:587')
    result = outpost.run('doctor')
    assert result.status == OK and 'Nothing is wrong' in result.out and 'ok      sender' in result.out, result
    quiet = outpost.run('doctor', '--quiet')
    assert (quiet.status, quiet.out, quiet.err) == (OK, '', ''), quiet


def test_a_healthy_server_is_met_alone(stage, network, outpost):
    """Its other ports, and other people's servers, are asked only where something is slow or wrong."""
    calls = []

    class Counting(Says):
        def serve(self, line, stage, home):
            calls.append(line.getsockname())

    stage.open(TARGET, 587, Smtp())
    for address, port in ((TARGET, 465), (TARGET, 25), (GMAIL, 587), (GMAIL, 465)):
        stage.open(address, port, Counting())
    outpost.account('mail.example.test:587')
    assert outpost.run('doctor').status == OK
    assert not calls


def test_results_appear_as_they_come(network, stage, outpost):
    """On a terminal: what is known stands there while the rest is still waited for, and goes when the diagnosis comes.
    Who answers among the neighbours is told before the port that is silent is given up."""
    network.firewall(drop(587, at=TARGET))
    stage.open(TARGET, 465, Smtp('at once'))
    stage.open(GMAIL, 587, Smtp())
    terminal = Terminal([*network.inside, PROGRAM, 'doctor', 'mail.example.test:587', '--config', outpost.config,
                         '--connect-timeout', '3'], {**outpost.environment, 'TERM': 'xterm'})
    terminal.until(b'ok      resolve')
    assert b'FAILED' not in terminal.seen
    for line in (b'works     mail.example.test:465', b'works     smtp.gmail.com:587', b'works     gmail.googleapis.com:443',
                 b'refused   mail.example.test:2525'):
        terminal.until(line)
        assert b'FAILED' not in terminal.seen, terminal.seen
    assert terminal.end() == FOUND
    gone = terminal.seen.index(b'\x1b[J')
    assert b'FAILED  connect' in terminal.seen[:gone] and b'connect_timeout' not in terminal.seen[:gone]
    assert b'connect_timeout' in terminal.seen[gone:] and b'FAILED  connect' in terminal.seen[gone:]
    assert b'works     mail' not in terminal.seen[gone:]


SAID = '\x1b[2J\x1b]0;pwned\x07 alice@example.test secret-of-the-server 192.0.2.99'


def test_a_silent_port_tells_nothing_of_a_certificate(stage, network, outpost):
    """It is asked, and not waited for to its end."""
    network.firewall(drop(2525, at=TARGET))
    stage.open(TARGET, 587, Smtp(certificate='wrong'))
    stage.open(TARGET, 465, Smtp('at once'))
    stage.open(GMAIL, 587, Smtp())
    told = outpost.run('doctor', 'mail.example.test:587', '--json').json
    assert told['cause'] == 'cert_hostname_mismatch', told
    assert {other['port']: other['ok'] for other in told['alternatives']} == {465: True, 25: False}, told


@pytest.mark.parametrize('word,cause,says', [
    ('wrok', 'no_account', 'no account is called "wrok" (there are: work, home), and no host of that name is found'),
    ('\x1b]0;wrok\x07', 'no_account', '(there are: work, home)'),
    ('anna@firma.example.tset', 'dns_host_not_found', 'no account has that address; the account work has anna@firma.example.test'),
    ('wrok:587', 'dns_host_not_found', None), ('wrok.example.test', 'dns_host_not_found', None)])
def test_a_slip_of_the_keys(word, cause, says, stage, outpost):
    """One word is more likely an account's name than a host's; a host that is there is looked at."""
    with open(outpost.config, 'w') as f:
        f.write('[account work]\naddress = anna@firma.example.test\nserver = mail.example.test:587\nsecret = file\n'
                '[account home]\naddress = eva@example.test\nserver = mail.example.test:587\nsecret = file\n')
    os.chmod(outpost.config, 0o600)
    told = outpost.run('doctor', word, '--json', '--connect-timeout', '3')
    assert told.status == FOUND and told.json['cause'] == cause, told
    assert ('account' in told.json['evidence']) == bool(says) and (says or '') in told.json['evidence'], told
    assert '\x1b' not in outpost.run('doctor', word, '--connect-timeout', '3').out


def test_a_host_of_one_word(stage, outpost):
    outpost.account('mail.example.test:587')
    for words in (('localhost',), ('relay', '--connect-to', 'relay:587:127.0.0.1:9', '--connect-to', 'relay:465:127.0.0.1:9')):
        told = outpost.run('doctor', *words, '--json', '--connect-timeout', '3').json
        assert told['cause'].startswith('connect_refused'), told


def test_sharing_tells_nothing_private(stage, network, outpost):
    stage.open(TARGET, 587, Smtp(replies={'AUTH': '535 5.7.8 ' + SAID}))
    outpost.account('mail.example.test:587', name='home-of-alice')
    shared = outpost.run('doctor', '--share', '--connect-timeout', '3')
    assert shared.status == FOUND, shared
    told = json.loads(shared.out)
    assert told['cause'] == 'auth_bad_credentials' and told['reply'] == 535 and told['enhanced'] == '5.7.8', told
    for private in ('alice', 'example.test', 'secret', 'pwned', 'home', '192.0.2', '198.51', '\x1b', PASSWORD):
        assert private not in shared.out + shared.err, private


def test_sharing_names_a_provider(stage, outpost):
    stage.open(GMAIL, 587, Smtp(replies={'AUTH': '535 5.7.8 Username and Password not accepted'}))
    outpost.account('smtp.gmail.com:587')
    told = outpost.run('doctor', '--share').json
    assert (told['provider'], told['host'], told['port']) == ('gmail', 'smtp.gmail.com', 587), told


def test_what_a_server_says_is_safe_to_show(stage, outpost):
    stage.open(TARGET, 587, Smtp(banner='220 ' + SAID, ehlo=[SAID, 'AUTH PLAIN'], replies={'AUTH': '535 5.7.8 ' + SAID}))
    outpost.account('mail.example.test:587')
    for words in ([], ['--json'], ['--verbose']):
        result = outpost.run('doctor', '--connect-timeout', '3', *words)
        assert result.status == FOUND, result
        assert not re.search('[\x00-\x08\x0b-\x1f\x7f]', result.out + result.err), result


def test_what_is_no_name_is_safe_to_show(stage, outpost):
    for words in ([], ['--json'], ['--share']):
        result = outpost.run('doctor', 'mail\x1b]0;hello\x07.example.test', *words)
        assert result.status == FOUND and not re.search('[\x00-\x08\x0b-\x1f\x7f]', result.out + result.err), result


@pytest.mark.parametrize('ports', [(587,), (465, 587, 25)])
def test_no_probe_has_a_credential(ports, stage, network, certificates, outpost):
    """The account's own server can't be had; whoever else answers is told no name and no password."""
    heard = []

    class Curious(Smtp):
        """It is not even spoken to in clear text, but for STARTTLS."""
        def take(self, command):
            heard.append(command)

    network.firewall(reset(2587, at=TARGET))
    for port in ports:
        stage.open(TARGET, port, Curious('at once' if port == 465 else 'starttls'))
        stage.open(GMAIL, port, Curious('at once' if port == 465 else 'starttls'))
        stage.open(OFFICE, port, Curious('at once' if port == 465 else 'starttls'))
    outpost.account('mail.example.test:2587')
    result = outpost.run('doctor', '--connect-timeout', '3', '--json')
    assert result.status == FOUND and any(other['ok'] for other in result.json['alternatives']), result
    said = b''.join(heard)
    assert b'EHLO' in said and not re.search(b'AUTH|MAIL|RCPT|alice', said), said


def test_a_password_goes_to_no_server_that_is_not_verified(stage, outpost):
    stage.open(TARGET, 587, Smtp(certificate='everybody-self', ehlo=['AUTH PLAIN'], clear=['STARTTLS', 'AUTH PLAIN']))
    outpost.account('mail.example.test:587')
    result = outpost.run('doctor', '--json', '--connect-timeout', '3')
    assert result.json['cause'] == 'cert_self_signed', result
    assert [s['step'] for s in result.json['steps'] if s['ok'] is None] == ['auth', 'sender'], result


def test_the_whole_has_an_end(stage, outpost):
    """A server that greets, and takes its time with everything else."""
    gone = threading.Event()

    class Slow(Smtp):
        def say(self, line, text):
            for byte in text.encode() + b'\r\n':
                line.sendall(bytes([byte]))
                if not text.startswith('220') and gone.wait(0.5):
                    return

    stage.open(TARGET, 587, Slow())
    outpost.account('mail.example.test:587')
    result = outpost.run('doctor', '--json', '--timeout', '5')
    gone.set()
    assert result.status == FOUND and result.json['cause'], result
    broken, = [step for step in result.json['steps'] if step['ok'] is False]
    assert broken['step'] == 'ehlo', result


@pytest.mark.parametrize('words,status', [(['mail.example.test:port'], USAGE), (['mail.example.test:99999'], USAGE),
                                          (['mail.example.test', '--security', 'maybe'], USAGE),
                                          (['--security', 'none', 'mail.example.test:587'], USAGE),
                                          (['a', 'b'], USAGE)])
def test_asked_wrongly(words, status, network, outpost):
    outpost.inside = network.inside
    result = outpost.run('doctor', *words)
    assert result.status == status and len(result.err.splitlines()) == 1, result
