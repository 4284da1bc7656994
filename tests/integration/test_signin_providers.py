"""Every provider that has OAuth, by every flow that its profile names, at the provider on the desk: signed in, and a
message arrives. The desk plays it from the same profile: endpoints, scopes, redirect, tenants, mechanisms."""
import json
import os
import urllib.request

import pytest

from messages import message
from outpost import OK, PROGRAM
from peers.idp import an_application
from peers.process import Process
from peers.terminal import Terminal
from sandbox import Sandbox

BOTH = ('XOAUTH2', 'OAUTHBEARER')
XOAUTH2 = BOTH[:1]
ROWS = [  # provider, flow, mechanisms, what an application proves itself with
    ('outlook.com', 'browser', XOAUTH2, None),
    ('outlook.com', 'device', XOAUTH2, None),
    ('microsoft365', 'browser', XOAUTH2, None),
    ('microsoft365', 'device', XOAUTH2, None),
    ('microsoft365', 'client-credentials', XOAUTH2, 'client_secret'),
    ('microsoft365', 'client-credentials', XOAUTH2, 'certificate'),
    ('microsoft-gcchigh', 'browser', XOAUTH2, None),
    ('microsoft-gcchigh', 'device', XOAUTH2, None),
    ('microsoft-dod', 'device', XOAUTH2, None),
    ('microsoft-china', 'device', XOAUTH2, None),
    ('microsoft-hve', 'device', XOAUTH2, None),
    ('gmail', 'browser', BOTH, None),
    ('google-workspace', 'browser', BOTH, None),
    ('yahoo', 'browser', BOTH, None),
    ('aol', 'browser', BOTH, None),
    ('att', 'browser', XOAUTH2, None),
    ('cox', 'browser', XOAUTH2, None),
    ('fastmail', 'browser', BOTH, None),
    ('yandex', 'browser', XOAUTH2, None),
    ('mail.ru', 'browser', XOAUTH2, None),
    ('comcast', 'browser', XOAUTH2, None),
    ('thundermail', 'browser', BOTH, None),
]


@pytest.fixture
def desk_of(tmp_path, outpost):
    desks = []

    def make(provider):
        desk = Sandbox(tmp_path / 'desk', provider, options=['--device-interval', '1'])
        desks.append(desk)
        outpost.environment.update(OUTPOST_CONNECT_TO=','.join(desk.connect_to), OUTPOST_CA_FILE=desk.ca)
        outpost.ca = None
        return desk
    yield make
    for desk in desks:
        desk.stop()


def account_of(outpost, desk, provider, proof):
    """By its section: what setup writes, but that a domain on the desk need not tell the provider."""
    settings = {'server': None, 'security': None, 'address': desk.user, 'username': None, 'provider': provider,
                'auth': 'oauth', 'secret': None, 'client_id': 'an-app', 'transport': 'smtp'}
    if proof:
        path = os.path.join(outpost.folder, proof)
        with open(path, 'w') as f:
            f.write('the-client-secret' if proof == 'client_secret' else an_application(outpost.folder)[0])
        settings.update({'tenant': 'contoso.example', proof: 'command:cat ' + path})
    outpost.account(**settings)


def sign_in(outpost, desk, flow):
    argv = [PROGRAM, 'account', 'login', '--config', outpost.config, '--flow', flow]
    if flow == 'browser':
        argv.append('--no-browser')
    one = Process([*argv, '--json'], env=outpost.environment)
    if flow == 'device':
        desk.approve(json.loads(one.await_line('"device_code"'))['user_code'])
    elif flow == 'browser':
        event = json.loads(one.await_line('"browser"'))
        if not event['listening']:
            one.stop()
            return paste(outpost, desk, argv)
        urllib.request.urlopen(desk.agree(event['url'])).read()
    status = one.popen.wait(60)
    one.reader.join()
    return status, one.said


def paste(outpost, desk, argv):
    """Where the provider sends the browser to a place that is not ours, a person pastes what they see there."""
    terminal = Terminal(argv, outpost.environment)
    terminal.until(b'paste that page')
    url = next(word for word in terminal.seen.decode().split() if word.startswith('https://'))
    terminal.type(desk.agree(url).encode() + b'\n')
    return terminal.end(), terminal.seen.decode()


@pytest.mark.parametrize('provider,flow,mechanisms,proof', ROWS, ids=['%s by %s' % (row[0], row[3] or row[1]) for row in ROWS])
def test_signs_in_and_sends(provider, flow, mechanisms, proof, desk_of, outpost, record):
    for mechanism in mechanisms:
        record((provider, proof or flow, mechanism), 'FAILED')
    desk = desk_of(provider)
    account_of(outpost, desk, provider, proof)
    status, said = sign_in(outpost, desk, flow)
    assert status == OK, said
    for mechanism in mechanisms:
        with open(outpost.config) as f:
            section = [line for line in f if not line.startswith('mechanisms')]
        with open(outpost.config, 'w') as f:
            f.write(''.join(section) + 'mechanisms = %s\n' % mechanism.lower())
        sent, needle = message(sender=desk.user)
        result = outpost.send(sent, '--verbose', 'someone@x.test')
        assert result.status == OK and 'AUTH %s' % mechanism in result.err, result
        assert len(desk.kept(needle)) == 1
        record((provider, proof or flow, mechanism), 'arrived')
    assert outpost.run('account list', '--json').json['health'] != 'lost'
