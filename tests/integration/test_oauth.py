"""Signing in by OAuth at real ones: npm's oidc-provider gives tokens, Postfix with Dovecot asks it about them."""
import concurrent.futures
import glob
import json
import os
import urllib.error
import urllib.parse
import urllib.request

import pytest

from messages import message
from outpost import CONFIG, NOPERM, OK, PROGRAM, TEMPFAIL
from peers import postfix
from peers.idp import SCOPE, Person
from peers.peer import USER, without_trace
from peers.process import Process, free_port


# The pages of npm's oidc-provider, for a browser.
AS_A_PERSON = [{'fill': ['input[name=login]', USER]}, {'fill': ['input[name=password]', 'any']},
               {'click': 'button[type=submit]'}, {'await': '/interaction/'}, {'click': 'button[type=submit]'}]


class Login:
    """outpost account login, as it goes: `events` so far; end() -> exit status."""

    def __init__(self, outpost, flow, *words):
        self.process = Process([PROGRAM, 'account', 'login', '--config', outpost.config, '--json', '--ca-file',
                                outpost.ca, '--flow', flow, *words], env=outpost.environment)

    def event(self, name):
        return json.loads(self.process.await_line('"event":"%s"' % name))

    def end(self):
        status = self.process.popen.wait(60)
        self.process.reader.join()
        return status

    @property
    def said(self):
        return self.process.said


def arrived(peer, needle, sent):
    kept, _ = without_trace(peer.await_messages(needle)[0])
    return kept == sent.replace(b'\r\n', b'\n')


@pytest.fixture
def signed_in(outpost, idp, postfix_oauth, leaks):
    """An account whose refresh token came from elsewhere: signed_in(**settings) -> its tokens."""
    def make(security='starttls', person=USER, **settings):
        tokens = idp.sign_in(person)
        for name in ('access_token', 'refresh_token'):
            leaks.plant(name, tokens[name])
        outpost.account_at(postfix_oauth, security, **{
            'auth': 'oauth', 'password': tokens['refresh_token'], 'client_id': 'outpost', 'issuer': idp.issuer,
            **settings})
        return tokens
    return make


@pytest.fixture
def not_signed_in(outpost, idp, postfix_oauth):
    """An account that nobody has signed in to yet."""
    def make(mechanism='xoauth2', **settings):
        return outpost.account_at(postfix_oauth, 'starttls', **{
            'auth': 'oauth', 'secret': None, 'client_id': 'outpost', 'issuer': idp.issuer, 'mechanisms': mechanism,
            **settings})
    return make


@pytest.fixture(scope='module')
def choosy(authority, idp):
    """A server that takes tokens of this scope, and no others."""
    peers = {}

    def make(scope):
        if scope not in peers:
            peers[scope] = postfix.start(authority, idp, scope)
        return peers[scope]
    yield make
    for peer in peers.values():
        peer.stop()


def judged(outpost):
    result = outpost.run('doctor', 'test', '--json')
    return json.loads(result.out)


def sends(outpost, postfix_oauth):
    sent, needle = message()
    result = outpost.send(sent, '--json', 'someone@x.test')
    return result.status == OK and arrived(postfix_oauth, needle, sent)


@pytest.mark.parametrize('mechanism', ['xoauth2', 'oauthbearer'])
def test_by_a_code_on_another_device(mechanism, not_signed_in, outpost, idp, postfix_oauth, record):
    cell = ('oidc-provider', 'device', mechanism.upper())
    record(cell, 'FAILED')
    not_signed_in(mechanism)
    before = outpost.send(message()[0], '--json', 'someone@x.test')
    assert before.status == NOPERM and 'oauth_consent_required' in before.out, before
    login = Login(outpost, 'device')
    code = login.event('device_code')
    assert code['verification_uri'] == idp.issuer + '/device'
    Person(idp, USER).agree_to_device(code['verification_uri_complete'])
    assert login.end() == OK, login.said
    assert sends(outpost, postfix_oauth)
    record(cell, 'arrived')


def test_a_code_that_is_declined(not_signed_in, outpost, idp):
    not_signed_in()
    login = Login(outpost, 'device')
    Person(idp, USER).agree_to_device(login.event('device_code')['verification_uri_complete'], says_no=True)
    assert login.end() == NOPERM, login.said
    assert 'oauth_consent_required' in login.said
    assert not os.path.exists(outpost.folder + '/state/grants/test')


@pytest.mark.parametrize('mechanism', ['xoauth2', 'oauthbearer'])
def test_by_a_browser(mechanism, not_signed_in, outpost, idp, postfix_oauth, record, browser, authority):
    """Chromium clicks through the provider's own pages, and lands at the port that is open for it."""
    cell = ('oidc-provider', 'browser', mechanism.upper())
    record(cell, 'FAILED')
    not_signed_in(mechanism)
    login = Login(outpost, 'browser', '--no-browser')
    event = login.event('browser')
    assert event['listening'] and not event['opened']
    seen = browser.visit([{'goto': event['url']}, *AS_A_PERSON, {'await': '^http://127.0.0.1:'}], ca=authority.ca)
    assert seen['title'] == 'Thank you' and 'terminal' in seen['text'], seen
    assert login.end() == OK, login.said
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(seen['url']).query)['code'][0]
    assert code not in login.said
    assert sends(outpost, postfix_oauth)
    record(cell, 'arrived')


def test_where_the_registration_says(not_signed_in, outpost, idp):
    """--redirect-uri: a name and a port of its own, at which it then listens."""
    place = 'http://localhost:%d/' % free_port()
    not_signed_in()
    login = Login(outpost, 'browser', '--no-browser', '--redirect-uri', place)
    event = login.event('browser')
    assert event['listening'] and urllib.parse.quote(place, safe='') in event['url'], event
    back = Person(idp, USER).agree(event['url'])
    assert back.startswith(place)
    urllib.request.urlopen(back).read()
    assert login.end() == OK, login.said


def test_a_browser_that_says_no(not_signed_in, outpost, idp):
    not_signed_in()
    login = Login(outpost, 'browser', '--no-browser')
    back = Person(idp, USER).agree(login.event('browser')['url'], says_no=True)
    with urllib.request.urlopen(back) as page:
        assert 'Not signed in' in page.read().decode()
    assert login.end() == NOPERM, login.said
    assert 'oauth_consent_required' in login.said


def test_an_answer_that_another_page_made_up(not_signed_in, outpost, idp, postfix_oauth):
    """It gets a no, no token is asked for, and the true answer is still welcome; a second one finds nobody."""
    not_signed_in()
    login = Login(outpost, 'browser', '--no-browser')
    url = login.event('browser')['url']
    back = Person(idp, USER).agree(url)
    before = idp.granted('authorization_code')
    for forged in (back.split('?')[0] + '?code=forged&state=forged', back.replace('127.0.0.1', 'localhost')):
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(forged)
    assert idp.granted('authorization_code') == before
    urllib.request.urlopen(back).read()
    assert login.end() == OK, login.said
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(back)
    assert sends(outpost, postfix_oauth)


def test_by_an_applications_secret(not_signed_in, outpost, idp):
    """Where the issuer wants it: in the header."""
    secret = os.path.join(outpost.folder, 'client')
    with open(secret, 'w') as f:
        f.write('robot-secret')
    not_signed_in(client_id='robot', client_secret='command:cat ' + secret, scope='mail.send')
    before = idp.granted('client_credentials')
    login = Login(outpost, 'client-credentials')
    assert login.end() == OK, login.said
    assert idp.granted('client_credentials') == before + 1


def test_out_again(not_signed_in, outpost, idp, postfix_oauth):
    """The provider is told: what gave new tokens gives none any more."""
    not_signed_in()
    login = Login(outpost, 'device')
    Person(idp, USER).agree_to_device(login.event('device_code')['verification_uri_complete'])
    assert login.end() == OK, login.said
    assert sends(outpost, postfix_oauth)
    grant = open(outpost.folder + '/state/grants/test', 'rb').read()
    assert outpost.run('account logout', '--ca-file', outpost.ca).status == OK
    with open(outpost.folder + '/state/grants/test', 'wb') as f:        # somebody had kept it
        f.write(grant)
    os.chmod(outpost.folder + '/state/grants/test', 0o600)
    idp.withdraw_access()
    result = outpost.send(message()[0], '--json', 'someone@x.test')
    assert result.status == NOPERM and 'oauth_refresh_token_expired' in result.out, result


@pytest.mark.parametrize('security', ['starttls', 'tls'])
@pytest.mark.parametrize('mechanism', ['XOAUTH2', 'OAUTHBEARER'])
def test_a_token_of_ours_is_taken(mechanism, security, signed_in, outpost, idp, postfix_oauth, record):
    record(('postfix', security, mechanism), 'FAILED')
    signed_in(security, mechanisms=mechanism.lower())
    sent, needle = message()
    before = idp.granted('refresh_token')

    result = outpost.send(sent, '--json', 'someone@x.test')

    assert result.status == OK, result
    assert result.json['outcome'] == 'delivered', result
    assert arrived(postfix_oauth, needle, sent)
    # The next command takes the token from the cache.
    assert outpost.send(message()[0], 'someone@x.test').status == OK
    assert idp.granted('refresh_token') == before + 1
    record(('postfix', security, mechanism), 'arrived')


@pytest.mark.parametrize('mechanism', ['xoauth2', 'oauthbearer'])
def test_a_token_of_another_programs_is_taken(mechanism, outpost, idp, postfix_oauth, leaks):
    tokens = idp.sign_in(USER)
    leaks.plant('access token', tokens['access_token'])
    outpost.account_at(postfix_oauth, 'starttls', auth='token', password=tokens['access_token'],
                       mechanisms=mechanism)
    sent, needle = message()
    assert outpost.send(sent, 'someone@x.test').status == OK
    assert arrived(postfix_oauth, needle, sent)


@pytest.mark.parametrize('security', ['starttls', 'tls'])
def test_a_second_opinion(security, outpost, smtp_server, record):
    """npm's smtp-server reads XOAUTH2 by code of its own; a wrong token gets its challenge, which is answered."""
    record(('smtp_server', security, 'XOAUTH2'), 'FAILED')
    outpost.account_at(smtp_server, security, auth='token', password='TOKEN-OF-' + USER, mechanisms='xoauth2')
    sent, needle = message()
    assert outpost.send(sent, 'someone@x.test').status == OK
    assert arrived(smtp_server, needle, sent)
    record(('smtp_server', security, 'XOAUTH2'), 'arrived')
    outpost.account_at(smtp_server, security, auth='token', password='another-token', mechanisms='xoauth2')
    result = outpost.send(sent, '--verbose', 'someone@x.test')
    assert result.status == NOPERM and '< 334 ' in result.err and '< 535' in result.err, result


@pytest.mark.parametrize('mechanism', ['xoauth2', 'oauthbearer'])
def test_an_access_token_that_was_withdrawn_is_renewed_once(mechanism, signed_in, outpost, idp):
    """The server says no to the one from the cache; the error is answered as the mechanism wants it."""
    signed_in(mechanisms=mechanism)
    assert outpost.send(message()[0], 'someone@x.test').status == OK
    before = idp.granted('refresh_token')
    idp.withdraw_access()
    result = outpost.send(message()[0], '--verbose', 'someone@x.test')
    assert result.status == OK, result
    assert idp.granted('refresh_token') == before + 1
    assert '235' in result.err and '535' in result.err, result


def test_a_sign_in_that_was_withdrawn_stops_and_says_so(signed_in, outpost, idp):
    tokens = signed_in()
    idp.revoke(tokens['refresh_token'])
    result = outpost.send(message()[0], '--json', 'someone@x.test')
    assert result.status == NOPERM, result
    assert 'oauth_refresh_token_expired' in result.out, result
    # Nobody asks again before somebody has signed in.
    errors = sum('grant.error' in line for line in idp.process.lines)
    assert outpost.send(message()[0], 'someone@x.test').status == NOPERM
    assert sum('grant.error' in line for line in idp.process.lines) == errors


def test_a_provider_that_is_down_is_not_now(signed_in, outpost, idp):
    signed_in()
    result = outpost.send(message()[0], '--json', '--connect-to', 'localhost:%d:127.0.0.1:1' % idp.port,
                          'someone@x.test')
    assert result.status == TEMPFAIL, result
    assert 'oauth_endpoint_unreachable' in result.out, result
    assert outpost.send(message()[0], 'someone@x.test').status == OK


def test_an_issuer_that_is_none(signed_in, outpost, idp):
    signed_in(issuer=idp.issuer + '/nothing/here')
    result = outpost.send(message()[0], '--json', 'someone@x.test')
    assert result.status == CONFIG, result
    assert 'oauth_wrong_endpoint' in result.out, result


def test_an_application_unknown_to_it(signed_in, outpost):
    signed_in(client_id='nobody')
    result = outpost.send(message()[0], '--json', 'someone@x.test')
    assert result.status == CONFIG, result
    assert 'oauth_client_misconfigured' in result.out, result


def test_many_at_once_renew_once(signed_in, outpost, idp):
    """Each shows the refresh token that it finds, and this provider ends a sign-in whose old one is shown."""
    signed_in()
    before, message_of = idp.granted('refresh_token'), message()[0]
    with concurrent.futures.ThreadPoolExecutor(6) as many:
        results = list(many.map(lambda _: outpost.send(message_of, 'someone@x.test'), range(6)))
    assert all(result.status == OK for result in results), results
    assert idp.granted('refresh_token') == before + 1


def test_an_application_signs_in_by_its_certificate(outpost, idp, postfix_oauth):
    """No person, no sign-in before: a token that it signed itself. (Dovecot takes people's tokens only.)"""
    pem = os.path.join(outpost.folder, 'application.pem')
    with open(pem, 'w') as f:
        f.write(idp.application)
    os.chmod(pem, 0o600)
    outpost.account_at(postfix_oauth, 'starttls', auth='oauth', client_id='keyed', issuer=idp.issuer, secret=None,
                       certificate='command:cat ' + pem, scope='mail.send')
    before = idp.granted('client_credentials')
    result = outpost.send(message()[0], '--json', 'someone@x.test')
    assert idp.granted('client_credentials') > before, result
    assert result.status == NOPERM, result


def test_nothing_of_it_lies_about(signed_in, outpost):
    tokens = signed_in()
    assert outpost.send(message()[0], '--verbose', 'someone@x.test').status == OK
    state = outpost.folder + '/state'
    grant = state + '/grants/test'
    assert os.stat(grant).st_mode & 0o777 == 0o600
    for path in glob.glob(state + '/**/*', recursive=True) + glob.glob(state + '/grants/.*'):
        if os.path.isfile(path):
            text = open(path, 'rb').read()
            assert tokens['refresh_token'].encode() not in text and tokens['access_token'].encode() not in text


# ---- refused, though it came a moment ago: what was told of it beside it says why ----

def test_a_sign_in_of_somebody_else(signed_in, outpost):
    """Dovecot says of it what it says of every wrong password."""
    signed_in(person='bob@example.test')
    told = judged(outpost)
    assert (told['cause'], told['guess']) == ('oauth_wrong_user', False), told
    assert 'authentication failed' in told['evidence'], told


@pytest.mark.parametrize('wanted,scope,cause,guess', [
    ('mail.send', SCOPE, None, None),
    ('mail.send', 'openid offline_access email', 'oauth_wrong_scope', False),
    ('mail.other', SCOPE, 'oauth_wrong_scope', True)])      # as far as names tell it may send: nobody says why it may not
def test_a_sign_in_for_something_else(wanted, scope, cause, guess, outpost, idp, choosy):
    tokens = idp.sign_in(USER, scope)
    outpost.account_at(choosy(wanted), 'starttls', auth='oauth', password=tokens['refresh_token'], client_id='outpost',
                       issuer=idp.issuer)
    told = judged(outpost)
    assert (told.get('cause'), told.get('guess')) == (cause, guess), told
    assert 'oauth_refresh_token_expired' not in told.get('also', ()), told


def test_it_is_sent_with_no_better_luck(outpost, idp, choosy):
    tokens = idp.sign_in(USER)
    outpost.account_at(choosy('mail.other'), 'starttls', auth='oauth', password=tokens['refresh_token'], client_id='outpost',
                       issuer=idp.issuer)
    result = outpost.send(message()[0], '--json', 'someone@x.test')
    assert result.status == NOPERM and '"cause":"oauth_wrong_scope"' in result.out, result
