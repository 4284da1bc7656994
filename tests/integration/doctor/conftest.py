"""The stage of the doctor's scenarios, and the table that is printed at the end."""
import pytest

from leaks import forms
from network import ALL_NAMES, NAMESERVER, WEB, Network
from peers.debian import Unavailable
from peers.peer import PASSWORD
from scenario import Plays, Scenario
from stage import Says, Stage

TOKEN = 'an-access-token-of-the-tests'

TRICKS = '\x1b[2J\x1b]0;pwned\x07 \u009b31m \u202eevil\u2066'        # what no name may do to a terminal

table = []      # (scenario, cause, verdict, also)


@pytest.fixture(scope='session')
def network():
    try:
        world = Network()
    except (Unavailable, OSError) as reason:
        pytest.skip('no network namespaces: %s' % reason)
    yield world
    world.stop()


def authority_of(authority, name, subject):
    authority._self_signed(name, subject, 'basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign')


@pytest.fixture(scope='session')
def certificates(authority, tmp_path_factory):
    """More of them in the authority's folder, for all hosts of the stage."""
    rsa = ['-newkey', 'rsa:2048']
    authority.leaf('everybody', ALL_NAMES)
    authority.leaf('everybody-rsa', ALL_NAMES, key=rsa)
    authority.leaf('everybody-expired', ALL_NAMES, days='-1')
    authority.leaf('wildcard', 'DNS:*.example.test')
    authority.leaf('name-in-cn', None, subject='mail.example.test')
    authority.leaf('everybody-sha1', ALL_NAMES, digest='-sha1', key=rsa)
    authority.leaf('everybody-short', ALL_NAMES, key=['-newkey', 'rsa:1024'])
    authority._self_signed('everybody-self', 'mail.example.test', 'subjectAltName=' + ALL_NAMES)
    for name, subject in (('stranger', 'A stranger CA'), ('other-stranger', 'Another CA'), ('office-proxy', 'Inspection of the house'),
                          ('eset', 'ESET SSL Filter CA'), ('tricky', TRICKS)):
        authority_of(authority, name, subject)
        authority.leaf('by-' + name, ALL_NAMES, issuer=name)
    authority.leaf('tricky-names', 'DNS:\x1b[2Jmail.example.test\x07,DNS:a\u202eb.test', subject=TRICKS)
    return authority


@pytest.fixture(scope='session')
def played(request, certificates, tmp_path_factory, leaks):
    """played(scenario): what came of it. All that are wanted in this run begin at once, a few side by side."""
    leaks.plant('the tests\' access token', TOKEN)
    wanted = [item.callspec.params.get('scenario') for item in request.session.items if hasattr(item, 'callspec')]
    plays = Plays([s for s in wanted if isinstance(s, Scenario)], certificates, str(tmp_path_factory.mktemp('scenarios')))

    def result(scenario):
        came = plays.results[scenario].result()
        if isinstance(came, str):
            pytest.skip(came)
        for secret in (PASSWORD, TOKEN):
            for form, text in forms(secret.encode()).items():
                assert text not in came.told, 'a credential (%s) was told to somebody who is not the verified server' % form
        return came
    yield result
    plays.stop()


def pytest_terminal_summary(terminalreporter):
    if not table:
        return
    say = terminalreporter.write_line
    terminalreporter.section('cause x scenario x verdict')
    for scenario, cause, verdict, also in sorted(table, key=lambda row: (row[1] or '', row[0])):
        mark = '' if cause == verdict else '  <- WRONG'
        say('%-34s %-60.60s %s%s%s' % (cause or 'healthy', scenario, verdict or 'healthy', mark,
                                    '  (also %s)' % ', '.join(also) if also else ''))
    right = sum(cause == verdict for _, cause, verdict, _ in table)
    say('%d scenarios, %d causes; right first: %d (%.1f %%)' % (
        len(table), len({cause for _, cause, _, _ in table if cause}), right, 100 * right / len(table)))


@pytest.fixture
def verdict():
    """verdict(scenario, cause, result): noted for the table, and right."""
    def judge(scenario, cause, result):
        assert result.status == (1 if cause else 0) and not result.err, result
        said = result.json
        table.append((scenario, cause, said['cause'], said.get('also', [])))
        assert said['cause'] == cause, result
        return said
    return judge


@pytest.fixture
def stage(network, certificates, outpost):
    """A stage for one test, and the program before it; nobody listens on it yet but a provider's HTTPS."""
    network.names(NAMESERVER)
    network.firewall()
    network.link('IPv4')
    outpost.inside = network.inside
    outpost.environment['OUTPOST_CA_FILE'] = certificates.ca
    open_now = Stage(network, certificates)
    open_now.open(WEB, 443, Says(stays=True))
    yield open_now
    open_now.close()
    network.firewall()
