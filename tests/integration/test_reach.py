"""What sending costs: turns on a long wire, memory with a large attachment."""
import json
import os
import subprocess
import sys

import measure
import pytest
from messages import message
from outpost import OK, PROGRAM
from peers.wire import Wire
from starting import start


@pytest.fixture(scope='module')
def sink(authority):
    peer = start('sink', authority)
    yield peer
    peer.stop()


@pytest.mark.parametrize('security,turns', [('tls', 6), ('starttls', 8)])
@pytest.mark.parametrize('name', ['sink', 'postfix'])
def test_round_trips_to_the_last_answer(name, security, turns, outpost, request):
    peer = request.getfixturevalue(name)
    with Wire(peer.ports[security], delay=0.05) as wire:
        outpost.account('localhost:%d' % wire.port, security, mechanisms='plain')
        result = outpost.send(message()[0], 'a@x.test', 'b@x.test')
    assert result.status == OK, result
    assert wire.round_trips == turns     # fewer can't be: then the wire counts wrong


@pytest.mark.parametrize('way', [['--direct'], []], ids=['direct', 'queue'])
def test_a_large_attachment_takes_little_memory(way, outpost, sink, tmp_path):
    attachment = tmp_path / 'large.bin'
    with open(attachment, 'wb') as f:
        for _ in range(100):
            f.write(os.urandom(1 << 20))
    outpost.account_at(sink, 'tls')
    cost = tmp_path / 'cost'

    done = subprocess.run([sys.executable, '-S', measure.__file__, cost, PROGRAM, 'send', '--config', outpost.config,
                           *way, '-s', 'large', '-A', attachment, 'a@x.test'],
                          input=b'see there\n', capture_output=True, timeout=240, env=outpost.environment)

    cost = json.loads(cost.read_text())
    assert cost['status'] == OK, done
    kept = int(sink.processes[0].await_line('^kept 1[0-9]{8}$').split()[1])
    assert kept > 4 * (100 << 20) // 3
    assert cost['resident'] <= 32 << 20, '%.1f MB' % (cost['resident'] / 2**20)
