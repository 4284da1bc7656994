"""How often the doctor waits for a healthy target: in round trips, which say how soon it knows at any distance. (The seconds,
and a port that nobody answers: bench/doctor. That who answers is told before: test_telling.)"""
import pytest

from loopback import Loopback
from network import TARGET
from peers.wire import Wire
from scenario import Scenario
from stage import Smtp, Stage


@pytest.fixture
def ground(certificates):
    world = Loopback()
    world.set(Scenario('how soon', None))
    stage = Stage(world, certificates)
    yield stage
    stage.close()
    world.stop()


@pytest.mark.parametrize('server,port,settings,most', [
    (Smtp(), 587, {}, 8),
    (Smtp('at once'), 465, {}, 6),
    (Smtp(ehlo=['AUTH LOGIN']), 587, {}, 12),
    (Smtp(), 587, {'send_as': 'a@example.test, b@example.test, c@example.test'}, 11),
    (Smtp(), 587, {'server only': True}, 7)], ids=['STARTTLS', 'TLS', 'LOGIN', 'four addresses', 'a server alone'])
def test_round_trips(server, port, settings, most, ground, outpost, certificates):
    ground.open(TARGET, port, server)
    with Wire(ground.listeners[-1].getsockname()[1], 0.02) as wire:
        words = ['--json', '--ca-file', certificates.ca, '--connect-to', 'mail.example.test:%d:127.0.0.1:%d' % (port, wire.port)]
        if settings.pop('server only', False):
            result = outpost.run('doctor', 'mail.example.test:%d' % port, *words)
        else:
            outpost.account('mail.example.test:%d' % port, 'tls' if port == 465 else 'starttls', **settings)
            result = outpost.run('doctor', *words)
    assert result.json['ok'] and wire.round_trips <= most, (wire.round_trips, result)
