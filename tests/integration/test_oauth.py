"""Signing in by OAuth at real ones: npm's oidc-provider gives tokens, Postfix with Dovecot asks it about them."""
import concurrent.futures
import glob
import os

import pytest

from messages import message
from outpost import CONFIG, NOPERM, OK, TEMPFAIL
from peers.peer import USER, without_trace


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
