"""Signing in by OAuth from the command line, at the provider on the desk: as a person and as a program would."""
import glob
import json
import os
import re
import subprocess

import pytest

from daemon import queue
from outpost import CONFIG, NOPERM, OK, PROGRAM, USAGE
from peers.process import Process
from peers.terminal import Terminal
from sandbox import Sandbox


@pytest.fixture
def live(tmp_path, outpost):
    """The emulated Outlook.com, and a program that believes to speak to the real one."""
    desk = Sandbox(tmp_path / 'desk', 'outlook.com', options=['--device-interval', '1'])
    outpost.environment.update(OUTPOST_CONNECT_TO=','.join(desk.connect_to), OUTPOST_CA_FILE=desk.ca)
    yield desk
    desk.stop()


def by_device(outpost, live, command, *words, choice='allow'):
    """Runs it, agrees to the code it shows, and returns its status and the JSON lines."""
    one = Process([PROGRAM, *command.split(), '--config', outpost.config, '--json', '--flow', 'device', *words],
                  env=outpost.environment)
    code = json.loads(one.await_line('"device_code"'))
    assert code['verification_uri'].startswith('https://') and code['expires_at']
    live.approve(code['user_code'], choice)
    status = one.popen.wait(60)
    one.reader.join()
    return status, [json.loads(line) for line in one.lines if line.startswith('{')], one.lines


def set_up(outpost, live, *words):
    status, lines, all_lines = by_device(outpost, live, 'setup ' + live.user, '--client-id', 'an-app', '--yes', *words)
    assert status == OK, all_lines
    return lines


def send(outpost, subject):
    return outpost.run('send', '--json', 'friend@example.org', '-s', subject, stdin=b'hello\n')


def goes_by(outpost):
    """The way a message goes."""
    result = outpost.run('send', '--direct', '--json', 'friend@example.org', '-s', 'which way', stdin=b'hello\n')
    assert result.status == OK, result
    return result.json['transport']


def test_device_code(outpost, live, record):
    record(('sandbox outlook.com', 'device', 'XOAUTH2'), 'FAILED')
    lines = set_up(outpost, live)
    assert any(line.get('account') for line in lines) and lines[-1]['outcome'] == 'delivered', lines
    assert send(outpost, 'by-smtp').json['outcome'] == 'delivered'
    assert live.kept(b'by-smtp')
    shown = outpost.run('account show', '--json').json
    assert shown['auth'] == 'oauth' and shown['health'] == 'ends' and '90 days' in shown['because'], shown
    record(('sandbox outlook.com', 'device', 'XOAUTH2'), 'arrived')


def test_smtp_shut_goes_over_https(outpost, live, record):
    record(('sandbox outlook.com', 'device', 'graph'), 'FAILED')
    live.scenario('smtp-auth-off')
    set_up(outpost, live)
    assert send(outpost, 'by-https').json['outcome'] == 'delivered'
    assert live.kept(b'by-https')
    assert outpost.run('account show', '--json').json['transport']['uses'] == 'graph'
    record(('sandbox outlook.com', 'device', 'graph'), 'arrived')


class Agreeing:
    """A command that signs in by codes; each is agreed to as it is shown."""

    def __init__(self, outpost, live, command, *words):
        one = Process([PROGRAM, *command.split(), '--config', outpost.config, '--json', '--flow', 'device', *words],
                      env=outpost.environment)
        seen = set()
        while True:     # until it ends
            with one.news:
                one.news.wait_for(lambda: one.ended or len([c for c in codes(one) if c not in seen]))
            new = [code for code in codes(one) if code not in seen]
            for code in new:
                seen.add(code)
                live.approve(code)
            if one.ended and not new:
                break
        self.status, self.said = one.popen.wait(60), one.said
        self.codes = len(seen)
        self.lines = [json.loads(line) for line in one.lines if line.startswith('{')]


def codes(process):
    return [json.loads(line)['user_code'] for line in process.lines if '"device_code"' in line]


def test_two_consents_where_one_is_not_enough(outpost, live, record):
    """The provider has a person agree to one server at a time, and SMTP is shut: a second page, and mail goes."""
    record(('sandbox outlook.com', 'two pages', 'graph'), 'FAILED')
    live.scenario('consent-apart')
    live.scenario('smtp-auth-off')
    one = Agreeing(outpost, live, 'setup ' + live.user, '--client-id', 'an-app', '--yes')
    assert one.status == OK and one.codes == 2, one.said
    assert 'agreed to by itself' in one.said and one.lines[-1]['outcome'] == 'delivered', one.said
    assert goes_by(outpost) == 'graph'
    record(('sandbox outlook.com', 'two pages', 'graph'), 'arrived')


def test_one_consent_is_enough_where_smtp_works(outpost, live):
    live.scenario('consent-apart')
    one = Agreeing(outpost, live, 'setup ' + live.user, '--client-id', 'an-app', '--yes')
    assert one.status == OK and one.codes == 1, one.said
    assert Agreeing(outpost, live, 'account login').codes == 1
    assert goes_by(outpost) == 'smtp'


def test_smtp_is_shut_later(outpost, live):
    """The day a provider switches SMTP off for a mailbox, nobody has agreed to HTTPS: signing in anew asks for it."""
    live.scenario('consent-apart')
    assert Agreeing(outpost, live, 'setup ' + live.user, '--client-id', 'an-app', '--yes').codes == 1
    live.scenario('smtp-auth-off')
    lost = outpost.run('send', '--direct', '--json', 'friend@example.org', '-s', 'lost', stdin=b'hello\n')
    assert lost.status == NOPERM and lost.json['failure']['cause'] == 'oauth_consent_required', lost
    again = Agreeing(outpost, live, 'account login')
    assert again.status == OK and again.codes == 2, again.said
    assert goes_by(outpost) == 'graph'


@pytest.mark.parametrize('transport', ['graph', 'smtp'])
def test_who_wants_one_way_is_asked_for_one(transport, outpost, live):
    live.scenario('consent-apart')
    one = Agreeing(outpost, live, 'setup ' + live.user, '--client-id', 'an-app', '--yes', '--transport', transport)
    assert one.status == OK and one.codes == 1, one.said
    assert goes_by(outpost) == transport


def test_declined(outpost, live):
    status, lines, _ = by_device(outpost, live, 'setup ' + live.user, '--client-id', 'an-app', choice='deny')
    assert status == NOPERM and lines[-1]['cause'].startswith('oauth_'), lines
    assert outpost.run('account list', '--json').out == ''      # nothing is left of it


def test_a_code_that_runs_out(outpost, live):
    one = Process([PROGRAM, 'setup', live.user, '--config', outpost.config, '--json', '--flow', 'device', '--client-id',
                   'an-app'], env=outpost.environment)
    one.await_line('"device_code"')
    live.advance(3600)
    assert one.popen.wait(60) == NOPERM
    one.reader.join()
    assert '"cause":"oauth_consent_required"' in one.said, one.said
    assert outpost.run('account list', '--json').out == ''


def test_a_clock_that_is_a_day_off(outpost, live):
    """It is told, and the sign-in is good: OAuth's own times are relative."""
    try:
        subprocess.run(['faketime', '--version'], capture_output=True, check=True)
    except OSError:
        pytest.skip('faketime is not installed')
    set_up(outpost, live)
    for off in ('+1d', '-1d'):
        one = Process(['faketime', '-f', off, PROGRAM, 'account', 'login', '--config', outpost.config, '--json', '--flow',
                       'device'], env=outpost.environment)
        live.approve(json.loads(one.await_line('"device_code"'))['user_code'])
        assert one.popen.wait(60) == OK, one.said
        one.reader.join()
        assert 'clock is more than ten minutes off' in one.said, one.said


def test_consent_lost_parks_and_login_frees(outpost, live):
    set_up(outpost, live)
    live.scenario('consent-revoked')
    live.advance(7200)                                      # the token it has is spent, for the server
    later = ['faketime', '-f', '+2h']
    try:
        subprocess.run(['faketime', '--version'], capture_output=True, check=True)
    except OSError:
        pytest.skip('faketime is not installed')
    outpost.inside = later
    result = send(outpost, 'parked')
    assert result.status == OK and result.json['outcome'] == 'queued', result
    row, = queue(outpost)
    assert row['state'] == 'parked' and row['parked_because'] == 'oauth_refresh_token_expired', row
    shown = outpost.run('queue list')
    assert 'outpost account login' in shown.out and 'run out' in shown.out, shown
    assert outpost.run('account token').status == NOPERM
    live.scenario('consent-revoked', on=False)
    one = Process([*later, PROGRAM, 'account', 'login', '--config', outpost.config, '--json', '--flow', 'device'],
                  env=outpost.environment)
    live.approve(json.loads(one.await_line('"device_code"'))['user_code'])
    assert one.popen.wait(60) == OK, one.lines
    assert outpost.run('queue retry', '--all').status == OK
    assert queue(outpost) == [] and live.kept(b'parked')


def test_token_for_other_programs(outpost, live):
    set_up(outpost, live)
    token = outpost.run('account token').out.strip()
    status, answer = live.request(live.url + '/sandbox/introspect', {'token': token})
    assert status == 200 and answer['active'], answer
    assert outpost.run('account token', '--for', 'fax').status == USAGE


def test_logout(outpost, live):
    set_up(outpost, live)
    assert outpost.run('account logout').status == OK
    assert outpost.run('account token').status == NOPERM
    assert outpost.run('account list', '--json').json['health'] == 'lost'


def test_nobody_there(outpost, live):
    """Without a terminal nothing is asked, and nothing is stored."""
    missing = outpost.run('setup', 'me@live.com')
    assert missing.status == CONFIG and 'oauth_client_id_missing' in missing.err, missing
    unsaid = outpost.run('setup', 'me@live.com', '--client-id', 'an-app')
    assert unsaid.status == USAGE and '--flow' in unsaid.err, unsaid
    wrong = outpost.run('setup', 'me@live.com', '--client-id', 'an-app', '--flow', 'client-credentials')
    assert wrong.status == USAGE and 'device' in wrong.err, wrong
    typo = outpost.run('setup', 'me@live.com', '--client-id', 'an-app', '--flow', 'devise')
    assert typo.status == USAGE, typo
    password = outpost.run('account login')
    assert password.status == CONFIG, password


@pytest.mark.parametrize('answer,asked', [(b'an-app', True), (b'', False)])
def test_a_client_id_is_asked_for(answer, asked, outpost, live):
    """Who is there is told the ways, and may have one at hand; nothing else is asked before."""
    terminal = Terminal([PROGRAM, 'setup', live.user, '--config', outpost.config, '--flow', 'device'], outpost.environment)
    terminal.until(b'Your client id, if you have one')
    told = b' '.join(terminal.seen.split())
    assert b'oauth_client_id_missing' in told and b'outpost help microsoft-app' in told, told
    terminal.type(answer + b'\n')
    if asked:
        terminal.until(b'and enter this code')
        terminal.until(b'Ctrl-C')
        live.approve(next(word for word in terminal.seen.decode().split() if re.fullmatch('[A-Z0-9]{4}-[A-Z0-9]{4}', word)))
        assert terminal.end() == OK, terminal.seen
        assert 'client_id = an-app' in open(glob.glob(outpost.config + '.d/*')[0]).read()
    else:
        assert terminal.end() == CONFIG, terminal.seen
        assert not os.path.exists(outpost.config + '.d')


def test_topics(outpost):
    """What is to be done elsewhere first, with the names filled in; a step that names it is shown."""
    told = outpost.run('help microsoft-app', '--tenant', 'example.com', '--mailbox', 'office@example.com')
    assert told.status == OK and 'Add-MailboxPermission -Identity office@example.com' in told.out, told
    assert '{' not in told.out and 'outpost setup office@example.com --client-id' in told.out
    google = outpost.run('help google-app')
    assert 'outpost setup ADDRESS --auth oauth' in google.out and '{' not in google.out, google
    assert 'microsoft-app' in outpost.run('help').out
    steps = outpost.run('setup', 'me@live.com', '--json').json['fix']
    assert any('outpost help microsoft-app' in step for step in steps), steps
