"""The relay without a network, in the doctor's namespaces: a cable that is put in again, and a name server that is there
again, are noticed by themselves."""
import itertools
import json
import socket
import ssl
import threading
import time

import pytest

from daemon import Daemon, queue
from network import TARGET, run
from outpost import OK, Outpost
from peers.process import until

LONG = 120      # seconds that it would wait of itself: longer than any test's patience


class Taker:
    """A submission server over TLS, in the world: any password is right, and every message is taken."""

    def __init__(self, network, certificates):
        self.listener, self.taken = network.listen(TARGET, 465), []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificates.cert('everybody'), certificates.key('everybody'))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return      # stopped
            try:
                with self.context.wrap_socket(line, server_side=True) as secured:
                    self._converse(secured.makefile('rwb', buffering=0))
            except OSError:
                pass        # the client has gone

    def _converse(self, line):
        answers = {b'EHLO': b'250-mail.example.test\r\n250 AUTH PLAIN', b'AUTH': b'235 welcome', b'DATA': b'354 go ahead'}
        line.write(b'220 mail.example.test\r\n')
        while command := line.readline():
            verb = command.split()[0].upper()
            line.write(answers.get(verb, b'250 ok') + b'\r\n')
            if verb == b'DATA':
                text = list(itertools.takewhile(lambda part: part not in (b'.\r\n', b''), iter(line.readline, None)))
                self.taken.append(b''.join(text))
                line.write(b'250 taken\r\n')

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def taker(network, certificates):
    taker = Taker(network, certificates)
    yield taker
    taker.stop()


@pytest.fixture
def daemon(network, certificates, tmp_path):
    network.link(None)
    outpost = Outpost(tmp_path, certificates)
    outpost.inside = network.inside
    outpost.account('mail.example.test:465', 'tls')
    daemon = Daemon(outpost)
    yield daemon
    daemon.stop()
    network.link('IPv4')


def waits_for(outpost):
    """How long the account waits from now on."""
    account, = outpost.run('status', '--json').json['accounts']
    if not account.get('until'):
        return 0
    return time.mktime(time.strptime(account['until'][:19], '%Y-%m-%dT%H:%M:%S')) - time.mktime(time.gmtime())


def wait_long(daemon):
    """Tried so often that the next try is far."""
    while waits_for(daemon.outpost) < LONG:
        tried = len(daemon.lines('waits'))
        assert daemon.outpost.run('queue retry', '--all').status == OK
        until(lambda: len(daemon.lines('waits')) > tried, 'another try')


def test_the_cable_is_in_again(network, taker, daemon):
    outpost = daemon.outpost
    assert outpost.run('send', '--raw', 'a@example.test', stdin=b'Subject: one\n\nhello\n').status == OK
    daemon.process.await_line(' waits ')
    wait_long(daemon)
    assert [row['state'] for row in queue(outpost)] == ['deferred'], queue(outpost)
    assert waits_for(outpost) > LONG / 2 and not taker.taken
    network.link('IPv4')
    daemon.process.await_line(' delivered ')
    assert len(taker.taken) == 1 and not queue(outpost), json.dumps(queue(outpost))


def test_a_route_that_comes_and_goes(network, taker, daemon):
    """It is tried for some of that, and not for each."""
    outpost = daemon.outpost
    assert outpost.run('send', '--raw', 'a@example.test', stdin=b'Subject: one\n\nhello\n').status == OK
    daemon.process.await_line(' waits ')
    wait_long(daemon)
    tries = len(daemon.lines('waits'))
    for _ in range(100):
        for verb in ('add', 'del'):
            run('ip', '-n', network.client, 'route', verb, '192.0.2.0/24', 'dev', 'lo')
    until(lambda: len(daemon.lines('waits')) > tries, 'a try')
    assert len(daemon.lines('waits')) <= tries + 5, daemon.process.lines
    network.link('IPv4')
    daemon.process.await_line(' delivered ')
    assert len(taker.taken) == 1
