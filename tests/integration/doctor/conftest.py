"""The stage of the doctor's scenarios, and the table that is printed at the end."""
import pytest

from network import Network
from peers.debian import Unavailable

HOSTS = ('mail.example.test', 'home.example.test', 'both.example.test', 'six.example.test', 'smtp.gmail.com',
         'smtp.office365.com', 'smtp-mail.outlook.com', 'smtp.fastmail.com')
NAMES = ','.join('DNS:' + host for host in HOSTS)

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
    authority.leaf('everybody', NAMES)
    authority.leaf('everybody-rsa', NAMES, key=rsa)
    authority.leaf('everybody-expired', NAMES, days='-1')
    authority.leaf('everybody-sha1', NAMES, digest='-sha1', key=rsa)
    authority.leaf('everybody-short', NAMES, key=['-newkey', 'rsa:1024'])
    authority._self_signed('everybody-self', 'mail.example.test', 'subjectAltName=' + NAMES)
    for name, subject in (('stranger', 'A stranger CA'), ('other-stranger', 'Another CA'), ('office-proxy', 'Inspection of the house'),
                          ('eset', 'ESET SSL Filter CA')):
        authority_of(authority, name, subject)
        authority.leaf('by-' + name, NAMES, issuer=name)
    return authority


def pytest_terminal_summary(terminalreporter):
    if not table:
        return
    say = terminalreporter.write_line
    terminalreporter.section('cause x scenario x verdict')
    for scenario, cause, verdict, also in sorted(table, key=lambda row: (row[1] or '', row[0])):
        mark = '' if cause == verdict else '  <- WRONG'
        say('%-34s %-52s %s%s%s' % (cause or 'healthy', scenario, verdict or 'healthy', mark,
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
