"""Causes that the doctor does not come to, in the same words: what is said of a message, by `outpost send`; and what is wrong
on this machine before anything is asked."""
import json
import os

import pytest

from knowledge import rules
from network import LOGIN, TARGET
from outpost import CANTCREAT, NOHOST, PROGRAM, SOFTWARE
from scenario import Scenario
from stage import Issuer, Smtp
from test_refusals import OF_FAMILY, PROFILES, refusal


class Sending(Scenario):
    """The message itself is refused, at its end."""

    def ask(self, outpost, words):
        return outpost.run('send', '--direct', *words, 'someone@example.test', stdin=b'see there\n')

    def check(self, said, result):
        recipient, = said['recipients']
        assert recipient['state'] in ('failed', 'deferred') and recipient['cause'] == self.cause, result


def after(label, provider, said, cause, mechanism='PLAIN'):
    return refusal(label, provider, '.', said, cause, mechanism, kind=Sending)


A = after

SAID = [
    A('Gmail: no SPF and no DKIM', 'gmail', '550-5.7.26 Your email has been blocked because the sender is unauthenticated.\r\n550-5.7.26 Gmail requires all '
      'senders to authenticate with either SPF or DKIM.\r\n550 5.7.26  x - gsmtp', 'spf_rejected'),
    A('DMARC, by another', '', '550 5.7.1 Email rejected per DMARC policy for example.test', 'dmarc_rejected'),
    A('SpamAssassin', '', '550 5.7.1 Blocked by SpamAssassin', 'content_rejected_spam'),
    A('Rspamd', '', '554 5.7.1 Spam message rejected', 'content_rejected_spam'),
    A('a virus', '', '550 5.7.1 virus Eicar-Test-Signature detected by ClamAV', 'content_rejected_spam'),
    A('amavis', '', '554 5.7.0 Reject, id=12345-01 - spam', 'content_rejected_spam'),
    A('larger than is taken', '', '552 5.3.4 Message too big for system', 'message_too_big'),
    A('the day is used up', 'gmail', '550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\r\n550 5.4.5 sending limits go to x', 'rate_limit_daily'),
    A("another's address", 'microsoft365', "554 5.2.252 SendAsDenied; alice@example.test not allowed to send as bob@example.test; STOREDRV.Submission."
      'Exception:SendAsDeniedException.MapiExceptionSendAsDenied', 'sender_not_owned', 'XOAUTH2'),
    A('a suspended account', 'outlook.com', '554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; Failed to process message due to a permanent '
      'exception with message [BeginDiagnosticData] WASCL UserAction verdict is not None. Actual verdict is Suspend, ShowTierUpgrade. '
      'OutboundSpamException: WASCL UserAction verdict is not None.', 'account_needs_verification', 'XOAUTH2'),
    A('suspicion', 'yandex', '554 5.7.1 [1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc', 'content_rejected_spam'),
    A("no room for one's own copy", '', '552 Your mailbox is full, the copy in Sent could not be stored. Delete some mail.',
      'account_mailbox_full'),
    A('a program of theirs', '', "500 Error: (AttributeError) 'NoneType' object has no attribute 'execute'", 'server_side_error'),
    A('headers that are none', '', '550 5.6.0 Message headers fail syntax check', 'malformed_message'),
    A('a line too long', '', '500 5.5.2 Error: line too long', 'line_too_long'),
    A('not now', '', '451 4.3.0 Error: queue file write error', 'server_side_error'),
    A('554 and no words that are known', '', '554 Ni', 'content_rejected_spam'),
]

AT_THE_END = ('content_rejected_spam', 'dmarc_rejected', 'malformed_message', 'line_too_long', 'message_too_big', 'account_mailbox_full')


def replayed():
    for rule in rules():
        provider = '' if rule.owner == 'generic' else OF_FAMILY.get(rule.owner, rule.owner)
        late = not rule.stages and rule.cause in AT_THE_END or rule.stages and rule.stages[0] in ('data', 'body', 'end')
        if not rule.reply or not late or rule.keys & {'found', 'host', 'port', 'security'} or provider not in ('', *PROFILES) or (
                'guess' in rule.keys and not rule.stages):
            continue
        yield after('%s: %s, at the end' % (rule.owner, rule.name), provider, rule.reply, rule.cause, (rule.mechanism or ['PLAIN'])[0])


ALL = SAID + list(replayed())


@pytest.mark.parametrize('scenario', ALL, ids=lambda scenario: scenario.name)
def test_of_a_message(scenario, played):
    result = played(scenario)
    scenario.check(result.json, result)


@pytest.mark.parametrize('ehlo', ['PIPELINING', 'PIPELINING\r\n250-CHUNKING', '8BITMIME'], ids=['DATA', 'BDAT', 'one by one'])
@pytest.mark.parametrize('replies,cause', [
    ({'RCPT': '550 5.1.1 <bob@example.test>: no such user here', 'DATA': '503 5.5.1 Need RCPT command', 'BDAT': '503 5.5.1 Need RCPT command'},
     'recipient_rejected'),
    ({'RCPT': '550 Relaying denied', 'DATA': '554 5.5.1 Error: no valid recipients', 'BDAT': '554 5.5.1 Error: no valid recipients'},
     'relay_denied'),
    ({'MAIL': '553 5.7.1 <alice@example.test>: Sender address rejected: not owned by user', 'RCPT': '503 5.5.1 Error: need MAIL command',
      'DATA': '503 5.5.1 Error: need RCPT command', 'BDAT': '503 5.5.1 Error: need RCPT command'}, 'sender_not_owned'),
], ids=['a recipient', 'relaying', 'the sender'])
def test_what_follows_from_a_refusal(replies, cause, ehlo, stage, outpost):
    """It is asked all at once, and the echoes of a refusal are none of their own; also where the conversation is pasted."""
    stage.open(TARGET, 587, Smtp(ehlo=[ehlo, 'AUTH PLAIN'], replies=replies))
    outpost.account('mail.example.test:587')
    result = outpost.run('send', '--direct', '--json', '--from', 'alice@example.test', 'bob@example.test', stdin=b'Hello')
    assert '"cause":"%s"' % cause in result.out, result
    talk = ''.join('C: %s\nS: %s\n' % (said, replies.get(verb, '250 ok')) for verb, said in (
        ('MAIL', 'MAIL FROM:<alice@example.test>'), ('RCPT', 'RCPT TO:<bob@example.test>'), ('DATA', 'DATA')))
    assert outpost.run('explain', '-', '--json', stdin=talk.encode()).json['cause'] == cause, talk


# ---- on this machine ----

def cause_of(result):
    return (result.json.get('failure') or result.json)['cause']


def test_a_queue_that_is_none(outpost, tmp_path):
    (tmp_path / 'state').mkdir(mode=0o700)
    (tmp_path / 'state/queue.db').write_bytes(b'no database' * 1000)
    outpost.account('localhost:1')
    assert cause_of(outpost.run('send', '--json', 'a@example.test', stdin=b'x')) == 'queue_unusable'


def test_a_place_that_is_none(outpost, tmp_path):
    (tmp_path / 'file').write_text('')
    outpost.account('localhost:1')
    result = outpost.run('send', '--json', '--state', str(tmp_path / 'file/state'), 'a@example.test', stdin=b'x')
    assert (cause_of(result), result.status) == ('file_unwritable', CANTCREAT), result


@pytest.mark.skipif('os.geteuid() != 0', reason='needs root: a folder is given away')
def test_a_state_that_is_anothers(outpost):
    """As after a copy that was put back by root."""
    outpost.account('localhost:1')
    os.mkdir(os.path.join(outpost.folder, 'state'), 0o700)
    os.chown(os.path.join(outpost.folder, 'state'), 54321, 54321)
    result = outpost.run('send', '--direct', '--json', '--state', os.path.join(outpost.folder, 'state'), 'a@example.test', stdin=b'x')
    assert (cause_of(result), result.status) == ('file_unwritable', CANTCREAT) and 'chown it' in result.err, result


@pytest.mark.skipif('sanitize' in PROGRAM, reason='a sanitizer maps more than any limit that would tell')
def test_without_memory(outpost):
    """Less and less of it, down to where the loader can't map the program: it always says what is wrong, and never nothing."""
    causes = []
    for limit in range(16_000, 9_000, -100):
        outpost.inside = ['prlimit', '--as=%d' % (limit * 1024)]
        result = outpost.run('doctor', '--json', '127.0.0.1:1')
        if 'error while loading shared libraries' in result.err or result.status in (1, 127) and not result.out:
            break
        causes.append(json.loads(result.out)['cause'])
        if 'ok' in result.json:         # what it met on the way is a diagnosis
            assert result.status == 1 and not result.json['ok'] and not result.err, (limit, result)
        else:                           # it ended before there was anything to look at
            assert (causes[-1], result.status) == ('out_of_memory', SOFTWARE) and '(out_of_memory)' in result.err, (limit, result)
        assert causes[-1].startswith('connect_refused') or causes[-1] == 'out_of_memory', (limit, result)
    assert causes.count('out_of_memory') > 2 and causes[0] != 'out_of_memory', causes


class NotThere(Issuer):
    publishes = False


@pytest.mark.parametrize('words', [['doctor'], ['setup', '--no-input', '--password-stdin', '--yes']], ids=lambda words: words[0])
def test_a_domain_that_takes_no_mail(words, stage, outpost):
    """It is there, and its web server has nothing about mail; nor is there any of the names that are tried."""
    stage.open(LOGIN, 443, NotThere(404))
    result = outpost.run(*words, 'me@nomail.example.test', '--json', '--connect-to', 'autoconfig.nomail.example.test:443:%s:443' % LOGIN,
                         stdin=b'a-password-of-the-tests\n')
    asked = words[0] == 'doctor'        # it has found something; to setup it is a failure
    assert (cause_of(result), result.status) == ('settings_not_found', 1 if asked else NOHOST), result
    assert 'outpost setup me@nomail.example.test --server HOST:PORT' in (result.out if asked else result.err), result
    if asked:
        told = result.json
        assert told['ok'] is False and told['target']['address'] == 'me@nomail.example.test', told
        assert [(step['step'], step['ok']) for step in told['steps']] == [('resolve', False)], told


def test_a_server_that_was_only_guessed_at(stage, outpost):
    """Nobody tells of one; mail.example.test is there, as one would be by custom, and nobody listens on it."""
    result = outpost.run('setup', '--no-input', '--password-stdin', '--yes', 'me@example.test', '--json', stdin=b'a-password-of-the-tests\n')
    assert (cause_of(result), result.status) == ('settings_not_found', NOHOST), result
    assert 'outpost setup me@example.test --server HOST:PORT' in result.err, result


def test_too_much_of_it(outpost):
    assert cause_of(outpost.run('explain', '--json', *['a' * 100_000] * 20)) == 'input_too_large'
