"""Peer × port × mechanism: one message through each, compared byte for byte with what was sent."""
import pytest

from messages import message
from outpost import NOUSER, OK, TEMPFAIL
from peers.peer import without_trace

CELLS = [(peer, security, mechanism)
         for peer, mechanisms in (('postfix', 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256'),
                                  ('exim', 'PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256'),
                                  ('haraka', 'PLAIN LOGIN CRAM-MD5'),
                                  ('smtp_server', 'PLAIN LOGIN'),
                                  ('scripted', 'PLAIN LOGIN'))
         for security in ('starttls', 'tls')
         for mechanism in mechanisms.split()]


def arrived_as_sent(peer, needle, sent):
    kept, trace = without_trace(peer.await_messages(needle)[0])
    assert kept == sent.replace(b'\r\n', b'\n')
    return trace


@pytest.mark.parametrize('name,security,mechanism', CELLS, ids=['-'.join(cell) for cell in CELLS])
def test_arrives_as_sent(name, security, mechanism, request, outpost, record):
    record((name, security, mechanism), 'not had')
    peer = request.getfixturevalue(name)
    record((name, security, mechanism), 'FAILED')
    sent, needle = message()

    outpost.account_at(peer, security, mechanisms=mechanism.lower())
    result = outpost.send(sent, '--json', 'someone@x.test')

    assert result.status == OK, result
    assert result.json['outcome'] == 'delivered', result
    arrived_as_sent(peer, needle, sent)
    assert len(peer.messages(needle)) == 1
    record((name, security, mechanism), 'arrived')


@pytest.mark.parametrize('name', ['postfix', 'exim', 'haraka', 'smtp_server', 'scripted'])
@pytest.mark.parametrize('refused,status', [
    ({'code550@x.test': 'failed'}, NOUSER),
    ({'code450@x.test': 'deferred'}, TEMPFAIL),
    ({'code452@x.test': 'deferred', 'code550@x.test': 'failed', 'code450@x.test': 'deferred'}, NOUSER),
], ids=['550', '450', '452+550+450'])
def test_recipients_have_outcomes_of_their_own(name, refused, status, request, outpost):
    peer = request.getfixturevalue(name)
    sent, needle = message()

    outpost.account_at(peer, 'starttls')
    result = outpost.send(sent, '--json', 'first@x.test', *refused, 'last@x.test')

    assert result.status == status, result
    outcomes = {r['address']: r for r in result.json['recipients']}
    assert {a: r['state'] for a, r in outcomes.items()} == {
        'first@x.test': 'delivered', 'last@x.test': 'delivered', **refused}, result
    for address in refused:
        assert address[4:7] in outcomes[address]['reply'] and outcomes[address]['cause'], result
    assert result.json['outcome'] == 'partial'
    arrived_as_sent(peer, needle, sent)


@pytest.mark.parametrize('name', ['postfix', 'exim', 'haraka', 'smtp_server', 'scripted'])
def test_nobody_taken_sends_nothing(name, request, outpost):
    peer = request.getfixturevalue(name)
    sent, needle = message()
    result = outpost.account_at(peer, 'tls').send(sent, '--json', 'code550@x.test')
    assert result.status == NOUSER, result
    assert result.json['outcome'] == 'failed'
    assert not peer.messages(needle)


@pytest.mark.parametrize('name', ['postfix', 'exim', 'haraka', 'smtp_server', 'scripted'])
def test_strongest_mechanism_is_taken_unasked(name, request, outpost):
    peer = request.getfixturevalue(name)
    sent, needle = message()
    result = outpost.account_at(peer, 'starttls').send(sent, '--verbose', 'someone@x.test')
    assert result.status == OK, result
    strongest = 'SCRAM-SHA-256' if 'SCRAM-SHA-256' in peer.mechanisms else 'PLAIN'
    assert 'AUTH ' + strongest in result.err, result
    assert peer.password not in result.err + result.out
    arrived_as_sent(peer, needle, sent)
