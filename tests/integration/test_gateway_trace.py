"""250 means on disk, looked at from outside: of every message, the system calls of the daemon in their order.

The message's bytes were written into the queue's log, that log's sync returned, and then its 250 was said.
"""
import re
import subprocess
import threading

import pytest

from daemon import queue
from gateway import Gateway
from messages import message
from peers.process import free_port

SENDER, RCPT = 'alice@example.test', 'rcpt@example.test'
CALLS = 'trace=pwrite64,write,writev,sendto,sendmsg,fdatasync,fsync'
CLIENTS, EACH = 4, 5


@pytest.fixture
def tracer(tmp_path):
    """Words to run a program with, traced into a file; the file."""
    into = str(tmp_path / 'trace')
    words = ['strace', '-D', '-f', '-qq', '-y', '-s', '200000', '-e', CALLS, '-e', 'signal=none', '-o', into]
    try:
        tried = subprocess.run([*words, 'true'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    except FileNotFoundError:
        pytest.skip('strace is not there')
    if tried.returncode != 0 or not tried.stdout == '':
        pytest.skip('programs can\'t be traced here: ' + tried.stdout.strip())
    return words, into


def events(path):
    """('wrote', text), ('synced', None), ('says', text) as each of them happened: a sync when it returned, what is said
    when it began. All of the log of the queue, or of what goes out."""
    pending = {}
    with open(path, errors='replace') as f:
        for line in f:
            thread, _, call = line.partition(' ')
            call = call.strip()
            resumed = re.match(r'<\.\.\. (\w+) resumed>(.*)', call)
            if resumed:
                call = pending.pop(thread, '') + resumed.group(2)
            unfinished = call.endswith('<unfinished ...>')
            if unfinished:
                pending[thread] = call[:-len('<unfinished ...>')]
            name = call.partition('(')[0]
            log = re.match(r'\w+\(\d+<[^>]*/queue\.db-wal>', call)
            if name in ('fdatasync', 'fsync') and log and not unfinished and re.search(r'\) *= 0$', call):
                yield 'synced', None
            elif name == 'pwrite64' and log and not unfinished:
                yield 'wrote', call
            elif name in ('write', 'writev', 'sendto', 'sendmsg') and not resumed and '250 2.0.0 Queued as ' in call:
                yield 'says', call


def hand_in(gateway, needles):
    wire = gateway.wire('desk')
    wire.hear()
    wire.ask('EHLO me.test')
    for _ in range(EACH):
        sent, needle = message('So much for that.\r\n')
        for line in ('MAIL FROM:<%s>' % SENDER, 'RCPT TO:<%s>' % RCPT, 'DATA'):
            assert wire.ask(line)[0] in '23'
        wire.say(sent + b'.\r\n')
        reply = wire.hear()
        assert reply.startswith('250 2.0.0 Queued as '), reply
        needles[int(reply.split()[-1])] = needle.decode()


def test_the_sync_comes_before_the_250(outpost, leaks, tracer):
    outpost.inside, trace = tracer
    outpost.account('localhost:%d' % free_port(), 'starttls')
    gateway = Gateway.__new__(Gateway)
    gateway.outpost, gateway.ports, gateway.daemon = outpost, {}, None
    gateway.listener('desk', no_password_from='127.0.0.0/8')
    gateway.start()
    needles = {}
    threads = [threading.Thread(target=hand_in, args=(gateway, needles)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gateway.stop() == 0
    assert len(needles) == CLIENTS * EACH
    outpost.inside = []
    assert len(queue(outpost)) == len(needles)

    written, synced, said = {}, {}, set()
    for what, text in events(trace):
        if what == 'wrote':
            written.update({number: True for number, needle in needles.items()
                            if number not in written and needle in text})
        elif what == 'synced':
            synced.update(written)
        else:
            for number in map(int, re.findall('250 2.0.0 Queued as ([0-9]+)', text)):
                assert number in written, 'message %d was not written when its 250 was said' % number
                assert number in synced, 'message %d was not synced when its 250 was said' % number
                said.add(number)
    assert said == set(needles)
