"""Servers that do evil: they hang at each step in turn, flood, answer in megabytes, play tricks on terminals, lead elsewhere.
The doctor comes to its end by itself (--timeout is the whole, and here alone), says where it broke, takes little memory, and
shows no byte that a terminal would obey."""
import json
import sys
import unicodedata

import pytest

import measure
from conftest import TOKEN, TRICKS
from network import HOME, LOGIN, OUTLOOK, WEB, drop
from outpost import PROGRAM
from scenario import Scenario
from stage import Issuer, Says, Smtp

# Bytes resident; a healthy visit takes less than a third. A sanitizer keeps what is freed, for a while.
MOST = (96 if 'sanitize' in PROGRAM else 48) << 20
WITH = {'server': 'mail.example.test:587'}


UNSEEN = ('tricks in a challenge', 'tricks in the names of a certificate')      # of these something else is told, or in part


class Evil(Scenario):
    """`modes`: the options with which it is asked, one after another."""

    def __init__(self, name, broke, server, modes=((),), port=587, **more):
        account = more.pop('account', {**WITH, 'server': 'mail.example.test:%d' % port, 'security': 'tls' if port == 465 else 'starttls'})
        self.seen = 'pwned' if len(modes) > 1 and name not in UNSEEN else None      # the tricks are shown, and are none
        super().__init__(name, 'any', broke, account=account, target={port: server} if server else {}, patience=None,
                         words=['--timeout', '5'], **more)
        self.modes = modes

    def ask(self, outpost, words):
        cost, inside, results = outpost.folder + '/cost', outpost.inside, []
        for mode in self.modes:
            outpost.inside = [*inside, sys.executable, '-S', measure.__file__, cost]
            results.append(outpost.run('doctor', *[word for word in words if word != '--json' or not mode], *mode))
            with open(cost) as f:
                results[-1].cost = json.load(f)
        results[0].all = results
        return results[0]

    def check(self, said, result):
        assert said['cause'] and not said['ok'], result
        assert self.broke is None or [s['step'] for s in said['steps'] if s['ok'] is False] == [self.broke], result
        for each in result.all:
            assert each.cost['resident'] < MOST and each.cost['status'] in (0, 1), (each.cost, each)
            is_safe(each.out), is_safe(each.err)
        is_safe_within(said)
        assert not self.seen or self.seen in result.all[-1].out + result.all[-1].err, result.all[-1]


def is_safe(text):
    for char in text:
        assert char == '\n' or unicodedata.category(char) not in ('Cc', 'Cf', 'Co', 'Cs', 'Cn'), (hex(ord(char)), text)


def is_safe_within(value):
    """In what a program reads out of the JSON, too."""
    if isinstance(value, str):
        is_safe(value)
    else:
        for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            is_safe_within(each)


def hang(line, stage):
    stage.over.wait(100)


def gone(line, stage):
    line.close()
    raise OSError('it has gone')


def endless(unit):
    def flood(line, stage):
        while not stage.over.is_set():
            line.sendall(unit * (65536 // len(unit)))
    return flood


FLOODS = {'one line without an end': b'x', 'continuation lines without an end': b'250-MORE\r\n', 'replies nobody asked for': b'250 ok\r\n',
          'NULs': b'\0', 'line ends': b'\r\n', 'rubbish': bytes(range(128, 256)) + b'\n'}
STEPS = {'banner': 'banner', 'EHLO': 'ehlo', 'STARTTLS': 'starttls', 'EHLO in TLS': 'ehlo', 'AUTH': 'auth', 'MAIL': 'sender', 'RCPT': 'sender'}


class NoHandshake(Smtp):
    def secure(self, line, stage):
        hang(line, stage)


def at(step, what):
    return Smtp(banner=what) if step == 'banner' else Smtp(replies={step: what})


SCENARIOS = [
    *(Evil('hangs at ' + step, rung, at(step, hang)) for step, rung in STEPS.items()),
    Evil('hangs in the handshake, after STARTTLS', 'tls', NoHandshake()),
    Evil('hangs in the handshake, at once', 'tls', NoHandshake('at once'), port=465),
    *(Evil('goes away at ' + step, rung, at(step, gone)) for step, rung in STEPS.items()),
    *(Evil('floods at %s: %s' % (step, name), None, at(step, endless(unit))) for step in STEPS for name, unit in FLOODS.items()),
    Evil('floods in the handshake', 'tls', Says(b'\x16\x03\x03\x40\x00' + b'x' * 16384, often=2000, stays=True), port=465),
    Evil('a handshake in clear text', 'tls', Says(b'220 ' + b'y' * 100000 + b'\r\n', often=100, stays=True), port=465),
    Evil('a byte now and then', 'ehlo', at('EHLO', lambda line, stage: [line.sendall(b'2') for _ in range(200) if not stage.over.wait(0.1)])),
]

MODES = ((), ('--quiet',), ('--verbose',), ('--share',), ('--json', '--verbose'))
PLAIN = b'\x1b[2J\x1b]0;pwned\x07 \x9b31m \x00 \xe2\x80\xae evil \xff\xfe \xc2\x9b31m \xe2\x81\xa6 \r spoof \x7f \xed\xa0\x80'.decode('latin-1')
SHOWN = [
    Evil('tricks in the greeting', None, Smtp(banner='554 ' + PLAIN), MODES),
    Evil('tricks in a greeting that is none', None, Says(PLAIN.encode('latin-1') + b'\r\n', stays=True), MODES),
    Evil('tricks in what is offered', 'auth', Smtp(ehlo=[PLAIN, 'AUTH ' + PLAIN, 'SIZE ' + PLAIN], clear=[PLAIN, 'STARTTLS']), MODES),
    Evil('tricks at EHLO', 'ehlo', Smtp(replies={'EHLO': '550 ' + PLAIN}), MODES),
    Evil('tricks at STARTTLS', 'starttls', Smtp(replies={'STARTTLS': '454 ' + PLAIN}), MODES),
    Evil('tricks in a challenge', None, Smtp(replies={'AUTH': '334 ' + PLAIN}), MODES),
    Evil('tricks at AUTH', 'auth', Smtp(replies={'AUTH': '535 5.7.8 ' + PLAIN}), MODES),
    Evil('tricks at AUTH, in many lines', 'auth', Smtp(replies={'AUTH': '535-%s\r\n535 %s' % (PLAIN, PLAIN)}), MODES),
    Evil('tricks at MAIL', 'sender', Smtp(replies={'MAIL': '550 5.7.1 ' + PLAIN}), MODES),
    Evil('tricks at RCPT', 'sender', Smtp(replies={'RCPT': '451 4.7.1 ' + PLAIN}), MODES),
    Evil('tricks of an authority', 'tls', Smtp(certificate='by-tricky'), MODES),
    Evil('tricks in the names of a certificate', 'tls', Smtp(certificate='tricky-names'), MODES),
    Evil('tricks of a token server', 'auth', Smtp(ehlo=['AUTH XOAUTH2']), MODES, world={(LOGIN, 443): Issuer(400, json.dumps(
        {'error': TRICKS, 'error_description': TRICKS, 'error_uri': TRICKS}).encode())},
        account={**WITH, 'auth': 'oauth', 'password': TOKEN, 'client_id': 'x', 'issuer': 'https://login.example.test', 'scope': 'mail.send'}),
]


@pytest.mark.parametrize('scenario', SCENARIOS + SHOWN, ids=lambda scenario: scenario.name)
def test_evil(scenario, played):
    result = played(scenario)
    scenario.check(result.json, result)


# ---- more answers than questions ----

FLIGHT, STEPWISE = ['PIPELINING', 'AUTH PLAIN'], ['AUTH PLAIN']


def twice(answer):
    """The second comes when the first has been read, and perhaps the next question asked."""
    def say(line, stage):
        line.sendall(answer)
        stage.over.wait(0.2)
        line.sendall(answer)
    return say


def more_than_asked(name, broke, server, account=True):
    return Scenario('more answers: ' + name, 'protocol_error', broke, account=WITH if account else None, target={587: server})


TOO_MANY = [
    *(more_than_asked('%s twice, %s' % (verb, 'in a flight' if ehlo == FLIGHT else 'step by step'), 'sender', Smtp(ehlo=ehlo, replies={verb: say}))
      for verb in ('MAIL', 'RCPT') for ehlo in (FLIGHT, STEPWISE) for say in [twice(b'250 2.1.0 ok\r\n')]),
    *(more_than_asked('%s twice at once' % verb, 'sender', Smtp(replies={verb: '250 ok\r\n250 ok'})) for verb in ('MAIL', 'RCPT')),
    more_than_asked('QUIT twice', 'sender', Smtp(replies={'QUIT': twice(b'250 bye\r\n')})),
    more_than_asked('"250 ok" at RCPT, without an end', 'sender', Smtp(ehlo=STEPWISE, replies={'RCPT': endless(b'250 ok\r\n')})),
    more_than_asked('"250 ok" at QUIT, without an end', 'sender', Smtp(replies={'QUIT': endless(b'250 ok\r\n')})),
    more_than_asked('of a server alone, at EHLO', 'ehlo', Smtp(replies={'EHLO in TLS': twice(b'250 ok\r\n')}), account=False),
]


@pytest.mark.parametrize('scenario', TOO_MANY, ids=lambda scenario: scenario.name)
def test_more_answers_than_questions(scenario, played, verdict):
    result = played(scenario)
    scenario.check(verdict(scenario.name, scenario.cause, result), result)


# ---- led elsewhere ----

class Redirects(Issuer):
    publishes = False


LED = [
    Evil('the HTTPS interface leads into the house', None, None, world={
        (WEB, 443): Redirects(302, headers=['Location: https://%s/' % HOME]), (HOME, 443): Says(), (OUTLOOK, 587): Smtp(ehlo=['AUTH XOAUTH2'])},
        account=dict(server=None, security=None, address='me@live.com', username=None, transport='auto', auth='token', password=TOKEN),
        wall=[drop(587)]),
    Evil('the token server leads into the house', 'auth', Smtp(ehlo=['AUTH XOAUTH2']), world={
        (LOGIN, 443): Redirects(307, headers=['Location: https://%s/' % HOME]), (HOME, 443): Says()},
        account={**WITH, 'auth': 'oauth', 'password': TOKEN, 'client_id': 'x', 'issuer': 'https://login.example.test', 'scope': 'mail.send'}),
]


@pytest.mark.parametrize('scenario', LED, ids=lambda scenario: scenario.name)
def test_led_into_the_house(scenario, played):
    result = played(scenario)
    scenario.check(result.json, result)
    assert not [place for place in result.called if place[0] == HOME], result.called
