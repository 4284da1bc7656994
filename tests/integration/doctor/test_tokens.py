"""What the doctor says of accounts whose provider gives no token: each answer of docs/oauth-errors.md, by a sign-in server of
that provider's name; and answers that are none."""
import os
import re

import pytest

from network import GMAIL, LOGIN, OFFICE, OUTLOOK, TARGET, drop, reset
from scenario import Scenario
from stage import Issuer, Says, Smtp

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../docs/oauth-errors.md')
REFRESH = 'a-refresh-token-of-the-tests'
AT = {'-': ('mail.example.test:587', TARGET), 'gmail': ('smtp.gmail.com:587', GMAIL), 'outlook.com': ('smtp-mail.outlook.com:587', OUTLOOK),
      'microsoft365': ('smtp.office365.com:587', OFFICE)}


def without_token(label, provider, cause, issuer, **more):
    """An account that is signed in there, and can get no token."""
    server, address = AT[provider]
    account = {'server': server, 'auth': 'oauth', 'password': REFRESH, 'client_id': 'an-app', 'transport': 'smtp'}
    account.update({'issuer': 'https://login.example.test', 'scope': 'mail.send'} if provider == '-' else {'provider': provider})
    smtp = Smtp(ehlo=['PIPELINING', 'AUTH XOAUTH2 OAUTHBEARER'])
    return Scenario(label, cause, 'auth', account=account, target={587: smtp} if address == TARGET else {},
                    world={(LOGIN, 443): issuer, **({} if address == TARGET else {(address, 587): smtp})}, **more)


def of_the_page():
    with open(PAGE) as f:
        rows = re.findall(r'^\| (\S+) \| (\d+) \| `(.*)` \| ([a-z ]+) \| (\w+) \|$', f.read(), re.M)
    for provider, status, body, done, cause in rows:
        if done not in ('wait', 'give up'):     # said to a device only, while a person signs in
            yield without_token('token: %s, %s %s' % (provider, status, body[:90]), provider, cause, Issuer(int(status), body.encode()))


class Flood(Issuer):
    """Its answer has no end."""

    def answer(self, line, method):
        if method == b'GET':
            return super().answer(line, method)
        line.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n')
        while True:
            line.sendall(b'[' * 65536)


# ---- answers that are none, and lines that are none ----

STRANGE = [
    without_token('token: it never answers', '-', 'oauth_endpoint_unreachable', Says(stays=True), words=['--timeout', '8']),
    without_token('token: it hangs up', '-', 'oauth_endpoint_unreachable', Says()),
    without_token('token: nobody listens', '-', 'oauth_endpoint_unreachable', Issuer(), wall=[reset(443, at=LOGIN)]),
    without_token('token: dropped on the way', '-', 'oauth_endpoint_unreachable', Issuer(), wall=[drop(443, at=LOGIN)], words=['--timeout', '8']),
    without_token("token: another's certificate", '-', 'cert_hostname_mismatch', Issuer(certificate='wrong')),
    without_token('token: an authority nobody knows', '-', 'cert_untrusted_issuer', Issuer(certificate='by-stranger')),
    without_token('token: led to an address in the house', '-', 'oauth_endpoint_unreachable',
                  Issuer(302, headers=['Location: http://127.0.0.1:25/secrets'])),
    without_token('token: megabytes without an end', '-', 'oauth_endpoint_unreachable', Flood()),
    without_token('token: escape sequences', '-', 'oauth_client_misconfigured',
                  Issuer(400, b'{"error":"\\u001b[2Jx","error_description":"\\u001b]0;pwned\\u0007"}')),
]

NO_TOKEN = list(of_the_page()) + STRANGE


@pytest.mark.parametrize('scenario', NO_TOKEN, ids=lambda scenario: scenario.name)
def test_no_token(scenario, played, verdict):
    result = played(scenario)
    said = verdict(scenario.name, scenario.cause, result)
    scenario.check(said, result)
    assert REFRESH.encode() not in result.told and REFRESH not in result.out
    assert not re.search('[\x00-\x08\x0b-\x1f\x7f]', result.out), result
