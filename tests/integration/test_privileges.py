"""A copy of the program that runs with another's rights: what its caller's environment says does not count."""
import os
import shutil
import subprocess

import pytest

from messages import message
from outpost import OK, PROGRAM, Result

NOBODY = 65534
OTHER = 64999       # a group that nobody is in


@pytest.fixture
def public(tmp_path_factory):
    """A folder that others may enter, on a disk where set-id counts."""
    if os.geteuid() != 0:
        pytest.skip('needs root: a copy of the program gets another group, and runs as another user')
    folder = tmp_path_factory.mktemp('public')
    for path in (folder, *folder.parents):
        if path.owner() == 'root' and str(path).startswith('/tmp/'):
            path.chmod(0o755)
    if os.statvfs(folder).f_flag & os.ST_NOSUID:
        pytest.skip('%s is mounted nosuid' % folder)
    return folder


def copy(folder, name, mode):
    path = folder / name
    shutil.copy(PROGRAM, path)
    os.chown(path, 0, OTHER)
    path.chmod(mode)
    return str(path)


def run(program, folder, *words, **variables):
    done = subprocess.run([program, *words], input=message()[0], capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[],
                          cwd=folder, env={'PATH': os.environ['PATH'], 'LC_ALL': 'C', **variables})
    return Result(done)


@pytest.fixture
def theirs(public):
    """A configuration of the caller's, where each variable that chooses one would find it."""
    home = public / 'home'
    for place in ('direct', 'home/.config/outpost', 'xdg/outpost'):
        os.makedirs(public / place)
        (public / place / 'outpost.conf').write_text('[account theirs]\naddress = a@b.test\nserver = localhost:1\n'
                                                     'security = none\nauth = none\n')
    os.chown(home, NOBODY, NOBODY)
    for folder, _, files in os.walk(public):
        for name in files:
            os.chown(os.path.join(folder, name), NOBODY, NOBODY)
    return {'OUTPOST_CONFIG': str(public / 'direct/outpost.conf'), 'XDG_CONFIG_HOME': str(public / 'xdg'),
            'HOME': str(home)}


@pytest.mark.parametrize('variable', ['OUTPOST_CONFIG', 'XDG_CONFIG_HOME', 'HOME'])
def test_the_environment_chooses_no_configuration_for_another(variable, public, theirs):
    """The same with the caller's own rights obeys: it is the rights that make the difference."""
    plain, set_id = copy(public, 'plain', 0o755), copy(public, 'set-id', 0o2755)
    words = ['account', 'list', '--user'] if variable != 'OUTPOST_CONFIG' else ['account', 'list']
    own = run(plain, public, *words, **{variable: theirs[variable]})
    assert own.status == OK and 'theirs' in own.out, own
    other = run(set_id, public, *words, **{variable: theirs[variable]})
    assert 'theirs' not in other.out + other.err and str(public) not in other.out + other.err, other


@pytest.mark.parametrize('variable,value', [('OUTPOST_DNS', 'nonsense'), ('OUTPOST_CONNECT_TO', 'nonsense'),
                                            ('OUTPOST_CA_FILE', '/nowhere'), ('SSL_CERT_FILE', '/nowhere'),
                                            ('OUTPOST_STATE', '/nowhere')])
def test_nor_a_network_or_a_trust(variable, value, public, theirs):
    """Each is refused as nonsense by whoever reads it; who has another's rights does not."""
    plain, set_id = copy(public, 'plain', 0o755), copy(public, 'set-id', 0o2755)
    # sending at 127.0.0.1:1, by TLS: nobody is there, and the trust is made up before
    config = public / 'sending.conf'
    config.write_text('[account a]\naddress = a@b.test\nserver = 127.0.0.1:1\nsecurity = tls\nauth = none\n')
    os.chown(config, NOBODY, NOBODY)
    words = ['send', '--direct', '--raw', 'a@b.test', '--config', str(config)]
    words += ['--state', str(public / 'home/state')] if variable != 'OUTPOST_STATE' else []
    own, other = (run(program, public, *words, **{variable: value}) for program in (plain, set_id))
    assert value in own.err or variable in own.err, own
    assert value not in other.err and variable not in other.err, other
