"""Who is asked for which name, where --dns names a server and --connect-to another way."""
import os
import re
import socket
import subprocess

import pytest

from messages import message
from outpost import NOHOST, OK, PROGRAM, TEMPFAIL, Result
from peers.process import free_port
from peers.socks import Everywhere
from starting import names_of
from test_matrix import arrived_as_sent

# That of a single name, or of all of them: whether others can be looked up depends on where the tests run.
NO_NAME = r'\((dns_host_not_found|dns_resolver_failure)\)'


def dead_server():
    """Nobody answers there."""
    return '127.0.0.1:%d' % free_port()


def test_localhost_needs_no_name_server(outpost, scripted):
    sent, needle = message()
    result = outpost.account_at(scripted, 'tls').send(sent, '--dns', dead_server(), 'someone@x.test')
    assert result.status == OK, result
    arrived_as_sent(scripted, needle, sent)


def test_a_way_to_localhost_needs_none_either(outpost, scripted):
    sent, needle = message()
    outpost.account('smtp.elsewhere.test:465', 'tls')
    result = outpost.send(sent, '--dns', dead_server(), '--connect-to',
                          'smtp.elsewhere.test:465:localhost:%d' % scripted.ports['tls'], 'someone@x.test')
    assert result.status == OK, result
    arrived_as_sent(scripted, needle, sent)


def with_hosts(outpost, hosts, *words, stdin):
    """The same where /etc/hosts says this and nothing else does."""
    if os.geteuid() != 0:
        pytest.skip('needs root: another /etc/hosts is laid over the machine\'s, for this process alone')
    for name, text in (('hosts', hosts), ('nsswitch.conf', 'hosts: files\n')):
        with open(os.path.join(outpost.folder, name), 'w') as f:
            f.write(text)
    script = 'mount --bind %s/hosts /etc/hosts && mount --bind %s/nsswitch.conf /etc/nsswitch.conf && exec "$@"'
    done = subprocess.run(['unshare', '-m', 'sh', '-c', script % (outpost.folder, outpost.folder), 'sh', PROGRAM, 'send',
                           '--direct', '--raw', '--config', outpost.config, *words], input=stdin, capture_output=True, timeout=60,
                          env=outpost.environment)
    return Result(done)


def test_a_way_is_looked_up_on_this_machine_first(outpost, scripted):
    sent, needle = message()
    outpost.account('smtp.elsewhere.test:465', 'tls')
    way = 'smtp.elsewhere.test:465:desk.test:%d' % scripted.ports['tls']
    result = with_hosts(outpost, '127.0.0.1 desk.test\n', '--dns', dead_server(), '--connect-to', way, 'someone@x.test',
                        stdin=sent)
    assert result.status == OK, result
    arrived_as_sent(scripted, needle, sent)

    result = with_hosts(outpost, '127.0.0.1 smtp.elsewhere.test\n', '--dns', dead_server(), 'someone@x.test', stdin=sent)
    assert result.status == TEMPFAIL and '(dns_resolver_failure)' in result.err, result


def test_then_by_the_server_that_was_named(outpost, scripted):
    sent, needle = message()
    outpost.account('smtp.elsewhere.test:465', 'tls')
    words = ['--connect-to', 'smtp.elsewhere.test:465:desk.test:%d' % scripted.ports['tls'], 'someone@x.test']
    with names_of(['desk.test. 60 IN A 127.0.0.1']) as names:
        result = with_hosts(outpost, '127.0.0.1 localhost\n', '--dns', names.address, *words, stdin=sent)
    assert result.status == OK, result
    arrived_as_sent(scripted, needle, sent)

    result = with_hosts(outpost, '127.0.0.1 localhost\n', *words, stdin=sent)
    assert result.status == NOHOST and re.search(NO_NAME, result.err), result


def named(outpost, name, sent):
    """Sent by a machine of this name."""
    if os.geteuid() != 0:
        pytest.skip('needs root: the machine is renamed for this process alone')
    done = subprocess.run(['unshare', '-u', 'sh', '-c', 'hostname %s && exec "$@"' % name, 'sh', PROGRAM, 'send', '-v',
                           '--direct', '--raw', '--config', outpost.config, 'someone@x.test'], input=sent,
                          capture_output=True, timeout=60, env=outpost.environment)
    return Result(done)


@pytest.mark.parametrize('name,said', [('desk', '[127.0.0.1]'), ('localhost.localdomain', '[127.0.0.1]'),
                                       ('desk.home.test', 'desk.home.test')])
def test_a_machine_without_a_full_name_says_where_it_is(name, said, outpost, postfix):
    """Many servers take no name without a dot, and this Postfix is one of them."""
    sent, needle = message()
    result = named(outpost.account_at(postfix, 'tls'), name, sent)
    assert result.status == OK and '> EHLO %s\n' % said in result.err, result
    arrived_as_sent(postfix, needle, sent)


def test_a_proxy_hides_where_we_are(outpost, postfix):
    proxy = Everywhere(postfix.ports['tls'], socket.AF_INET6)
    sent, needle = message()
    result = named(outpost.account('localhost:%d' % postfix.ports['tls'], 'tls', proxy=proxy.url), 'desk', sent)
    proxy.stop()
    assert result.status == OK and '> EHLO [127.0.0.1]\n' in result.err, result
    arrived_as_sent(postfix, needle, sent)
