"""One failure, told by all who meet it: `send`, `setup`, the doctor, the queue and the daemon's notices say what `explain` says
of the cause, in the same words."""
import os
import re

import pytest

from daemon import Daemon
from network import GMAIL, OUTLOOK, TARGET, drop
from outpost import PROGRAM
from peers.peer import USER
from peers.terminal import Terminal
from stage import Smtp

MESSAGE = b'From: <%s>\r\nTo: bob@example.test\r\nSubject: it\r\n\r\nIt.\r\n' % USER.encode()
GONE = '535 5.7.139 Authentication unsuccessful, basic authentication is disabled. [x.prod.outlook.com]'

# cause: (the provider's id, the server, the address it has here, what it is, the firewall)
CASES = {
    'auth_basic_disabled': ('outlook.com', 'smtp-mail.outlook.com:587', OUTLOOK, Smtp(ehlo=['AUTH LOGIN XOAUTH2'], replies={'AUTH': GONE}), []),
    'connect_timeout_port_blocked': ('gmail', 'smtp.gmail.com:587', GMAIL, None, [drop(587)]),
    'cert_hostname_mismatch': (None, 'mail.example.test:587', TARGET, Smtp(certificate='wrong'), []),
}


def flat(text):
    """As it is without a terminal's lines and bold."""
    return ' '.join(re.sub(r'\x1b\[[0-9;]*[mK]', '', text).split())


@pytest.fixture
def ill(request, stage, network, outpost):
    """The account's server has this trouble. What `explain` says of it: (title, first step)."""
    provider, server, address, what, wall = CASES[request.param]
    if what:
        stage.open(address, 587, what)
    network.firewall(*wall)
    # with a token, so that it is the server who refuses, and not we who know that it will
    settings = {} if provider != 'outlook.com' else {'auth': 'token', 'password': 'a-token-of-theirs'}
    outpost.account(server, transport='smtp', **settings)
    told = outpost.run('explain', '--json', *(['--provider', provider] if provider else []), request.param).json
    return request.param, told['title'], told['fix'][0]


@pytest.mark.parametrize('ill', CASES, indirect=True)
def test_who_meets_it_says_the_same(ill, network, outpost):
    cause, title, step = ill
    doctor = outpost.run('doctor', '--json', '--connect-timeout', '3').json
    assert (doctor['cause'], doctor['title'], doctor['fix'][0]) == ill, doctor

    words = ['send', '--direct', '--raw', 'bob@example.test', '--config', outpost.config, '--connect-timeout', '3']
    letter = os.path.join(outpost.folder, 'letter')
    with open(letter, 'wb') as f:
        f.write(MESSAGE)
    with open(letter, 'rb') as f:
        terminal = Terminal([*network.inside, PROGRAM, *words], {**outpost.environment, 'TERM': 'xterm'}, stdin=f, columns=90)
        assert terminal.end() != 0
    said = flat(terminal.seen.decode())
    assert '(%s)' % cause in said and title in said and '1. ' + flat(step) in said, said

    sent = outpost.run('send', '--raw', 'bob@example.test', '--connect-timeout', '3', stdin=MESSAGE)
    assert title in flat(sent.out + sent.err) or cause in sent.out + sent.err, sent
    story = outpost.run('queue show', '1')
    assert title in flat(story.out) and cause in story.out, story
    if 'its account can\'t send' in story.out:
        assert flat(re.sub(' NAME', ' test', step)) in flat(story.out), story


@pytest.mark.parametrize('ill', ['connect_timeout_port_blocked', 'cert_hostname_mismatch'], indirect=True)
def test_setup_says_the_same(ill, outpost):
    cause = ill[0]
    provider, server, *_ = CASES[cause]
    os.remove(outpost.config)
    told = outpost.run('setup', USER, '--server', server, '--security', 'starttls', '--auth', 'password', '--password-stdin', '--yes', '--no-test',
                       '--json', '--connect-timeout', '3', stdin=b'a password\n').json
    assert (told['cause'], told['title'], told['fix'][0]) == ill, told


@pytest.mark.parametrize('ill', ['auth_basic_disabled'], indirect=True)
def test_the_daemon_says_the_same(ill, outpost):
    """Its notice of the account that can't send: to a mailbox of this machine."""
    cause, title, step = ill
    box = os.path.join(outpost.folder, 'box')
    with open(outpost.config, 'a') as f:
        f.write('[notify]\nmailbox = %s\n' % box)
    daemon = Daemon(outpost)
    try:
        outpost.run('send', '--raw', 'bob@example.test', '--wait', '10', stdin=MESSAGE)
        daemon.process.await_line(' notify ')
        with open(box) as f:
            said = flat(f.read())
        assert title in said and '1. ' + flat(step) in said, said
        assert title in flat(outpost.run('status').out)
    finally:
        daemon.stop()
