"""Clients that do harm in numbers: nothing of them stays, and others are served meanwhile. With numbers that take minutes:
bench/hostile."""
import contextlib
import os
import sqlite3
import smtplib

import pytest

import hostile
from daemon import queue
from gateway import Gateway
from outpost import OK, PROGRAM
from peers.process import Process, free_port, until

LEAK = 400 * 1024       # bytes


@pytest.fixture
def gateway(outpost, leaks):
    """In front of a provider that is not there, for whoever comes from this machine."""
    outpost.account('localhost:%d' % free_port(), 'starttls')
    one = Gateway(outpost, leaks)
    one.listener('desk', security='none', no_password_from='127.0.0.0/8')
    yield one
    one.stop()


def resident(daemon):
    if 'sanitize' in PROGRAM:       # it keeps what is freed, for a while
        return 0
    with open('/proc/%d/status' % daemon.process.popen.pid) as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith('VmRSS:'))


def hand_in(port):
    with smtplib.SMTP('127.0.0.1', port, timeout=60) as one:
        one.sendmail('alice@example.test', 'rcpt@example.test', 'Subject: x\r\n\r\nx\r\n')


def sessions(daemon):
    return daemon.status()['listeners'][0]['sessions']


def test_gone_in_data(gateway):
    """Two thousand half messages, and not 200 octets of each stay in memory."""
    there, port = gateway.start(), gateway.ports['desk']
    hand_in(port)
    hostile.gone_in_data(port, 500, 200)
    until(lambda: sessions(there) == 0, 'all gone')
    before = resident(there)
    hostile.gone_in_data(port, 2000, 200)
    hand_in(port)
    until(lambda: sessions(there) == 0, 'all gone')
    assert resident(there) - before < LEAK


def test_gone_in_large_data(gateway, outpost):
    """Where the queue has pieces of it already, they go again."""
    there, port = gateway.start(), gateway.ports['desk']
    hostile.gone_in_data(port, 300, 160000)
    hand_in(port)
    until(lambda: sessions(there) == 0, 'all gone')
    assert len(queue(outpost)) == 1
    assert gateway.stop() == 0
    with contextlib.closing(sqlite3.connect(os.path.join(outpost.folder, 'state', 'queue.db'))) as kept:
        size, pages, free = (kept.execute('PRAGMA ' + what).fetchone()[0] for what in ('page_size', 'page_count', 'freelist_count'))
    assert size * (pages - free) < 2**20
    assert free <= 4096     # so many are kept for the next messages (FREE_PAGES_MOST); what is more goes back to the disk


def test_a_hundred_thousand_recipients(gateway, outpost):
    """Of one message as many as there may be; and the line ends soon. Others are served, and what one such client took
    of memory is enough for the next."""
    there, port = gateway.start(), gateway.ports['desk']
    hand_in(port)
    taken, answer = hostile.many_recipients(port, 100000)
    assert taken == 1000 and answer is None
    hand_in(port)
    until(lambda: sessions(there) == 0, 'all gone')
    before = resident(there)
    assert hostile.many_recipients(port, 100000) == (1000, None)
    until(lambda: sessions(there) == 0, 'all gone')
    assert resident(there) - before < 2 * 2**20
    assert [row['recipient_count'] for row in queue(outpost)] == [1, 1]


def test_a_slow_crowd(gateway):
    """Those who take their time take no one else's, and leave their memory when they go."""
    there, port = gateway.start(), gateway.ports['desk']
    hand_in(port)
    before = resident(there)
    crowd = hostile.Slow(port, 1000)
    for _ in range(3):
        crowd.say()
        hand_in(port)
    assert sessions(there) == 1000
    full = resident(there)
    assert (full - before) / 1000 < 20 * 1024
    crowd.close()
    until(lambda: sessions(there) == 0, 'all gone')
    until(lambda: resident(there) - before <= (full - before) / 2, 'their memory given back')


def test_more_than_there_are_descriptors(gateway, outpost):
    """The soft limit is raised to the hard one; who comes beyond that is told, and all goes on."""
    command = 'ulimit -Sn 100; ulimit -Hn 600; exec "$0" serve --config "$1"'
    there = Process(['/bin/sh', '-c', command, PROGRAM, outpost.config], env=outpost.environment)
    try:
        there.await_line(' ready ')
        port = gateway.ports['desk']
        crowd = [hostile.connect(port, number) for number in range(700)]
        greetings = [one.recv(3) for one in crowd]
        assert greetings == [b'220'] * 400 + [b'421'] * 300
        assert outpost.run('status').status == OK
        for one in crowd:
            one.close()
        until(lambda: outpost.run('status', '--json').json['listeners'][0]['sessions'] == 0, 'all gone')
        hand_in(port)
    finally:
        there.stop()
