"""`send` and `setup` say of a way that leads nowhere what the doctor says of it: the same worlds, the same causes."""
import pytest

from peers.peer import PASSWORD
from scenario import Scenario
from test_scenarios import SCENARIOS


class InPassing(Scenario):
    """Another's world, met by a command that had something else to do."""

    def __init__(self, of, cause):
        super().__init__('%s: %s' % (self.command, of.name), cause, target=of.target, at=of.at, account=self.settings(of), wall=of.wall,
                         world=of.world, names=of.names, link=of.link, address=of.address, environment=of.environment,
                         patience=of.patience)
        self.of = of


class Sent(InPassing):
    command = 'send'

    @staticmethod
    def settings(of):
        at_once = of.at.endswith((':465', ':993', ':995', ':443')) and 'starttls' not in of.words or 'tls' in of.words
        return of.account or {'server': of.at, 'security': 'tls' if at_once else 'starttls'}

    def ask(self, outpost, words):
        return outpost.run('send', '--direct', *words, 'someone@example.test', stdin=b'see there\n')

    def check(self, said, result):
        assert said.get('failure', said)['cause'] == self.cause, result
        assert {recipient['cause'] for recipient in said.get('recipients', ())} <= {self.cause}, result


class Queued(Sent):
    command = 'send to the queue'

    def ask(self, outpost, words):
        return outpost.run('send', *words, 'someone@example.test', stdin=b'see there\n')

    def check(self, said, result):
        if 'recipients' not in said:        # it can't be queued
            return super().check(said, result)
        recipient, = said['recipients']
        assert recipient['cause'] == self.cause and said['outcome'] == 'queued', result


class SetUp(InPassing):
    command = 'setup'

    @staticmethod
    def settings(of):
        return None

    def ask(self, outpost, words):
        server = self.of.account['server'] if self.of.account else self.at
        security = ['--security', self.of.account['security']] if self.of.account else []
        words = [*words, *security, *self.of.words]
        return outpost.run('setup', 'me@example.test', '--server', server, '--password-stdin', '--no-test', '--no-input', *words,
                           stdin=PASSWORD.encode() + b'\n')

    def check(self, said, result):
        assert said['cause'] == self.cause, result


def is_met(scenario, kind):
    """There is a server to be reached by it, and a mistake that can be made there, too."""
    account = scenario.account or {}
    named = scenario.at.rpartition(':')[2].isdigit() if not account else bool(account.get('server'))
    for_setup = not account.keys() - {'server', 'security'}
    takes_passwords = not scenario.at.startswith('smtp-mail.outlook.com')
    return scenario.cause and named and takes_passwords and '[' not in scenario.at and (kind is not SetUp or for_setup)


ALL = [kind(scenario, scenario.cause) for scenario in SCENARIOS for kind in (Sent, SetUp) if is_met(scenario, kind)]
ALL += [Queued(scenario, scenario.cause) for scenario in SCENARIOS[::3] if is_met(scenario, Queued)]


@pytest.mark.parametrize('scenario', ALL, ids=lambda scenario: scenario.name)
def test_the_same_cause(scenario, played):
    result = played(scenario)
    scenario.check(result.json, result)
