"""A disk that is really full: a small tmpfs, with few pages, or with few files."""
import os
import subprocess

import pytest

from messages import message
from outpost import CANTCREAT, IOERR, OK
from peers.liar import HONEST, Liar
from test_setup import set_up, written


@pytest.fixture
def small_disk(tmp_path):
    """small_disk(OPTIONS): a folder that is such a tmpfs, in place of the one before."""
    if os.geteuid() != 0:
        pytest.skip('needs root: a small tmpfs is mounted')
    folder = tmp_path / 'disk'
    folder.mkdir()

    def unmount():
        subprocess.run(['umount', str(folder)], stderr=subprocess.DEVNULL)

    def mounted(options):
        unmount()
        done = subprocess.run(['mount', '-t', 'tmpfs', '-o', options, 'small', str(folder)], stderr=subprocess.PIPE)
        if done.returncode != 0:
            pytest.skip('no tmpfs can be mounted here: %s' % done.stderr.decode(errors='replace').strip())
        return str(folder)
    yield mounted
    unmount()


def fill(folder):
    with open(os.path.join(folder, 'filler'), 'wb', buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass


def told(result, sandbox=None):
    assert result.status in (CANTCREAT, IOERR), result
    assert result.err.splitlines()[-1].endswith('(disk_full)'), result
    assert not sandbox or sandbox.password not in result.out + result.err


def setup_at(outpost, sandbox, *words):
    return set_up(outpost, sandbox.user, sandbox.password, 'localhost:%d' % sandbox.ports['tls'], '--security', 'tls',
                  '--ca-file', sandbox.ca, '--account', 'mine', *words)


def files(outpost):
    return [path for path in written(outpost) if not os.path.isdir(path)]


@pytest.mark.parametrize('where', ['configuration', 'state'])
def test_setup_on_a_full_disk_leaves_nothing_and_works_when_there_is_room(where, small_disk, outpost, sandbox):
    """Not the secret without the account, either."""
    disk = small_disk('size=64k')
    fill(disk)
    words = ['--state', disk + '/state'] if where == 'state' else []
    if where == 'configuration':
        words = ['--state', outpost.folder + '/state']
        outpost.config = disk + '/outpost.conf'
    told(setup_at(outpost, sandbox, *words), sandbox)
    left = files(outpost) + [os.path.join(path, name) for path, _, names in os.walk(disk) for name in names]
    left += [os.path.join(path, name) for sub in ('secrets', 'pending') for path, _, names in
             os.walk(outpost.folder + '/state/' + sub) for name in names]
    assert set(left) <= {disk + '/filler', disk + '/state/key'}, left

    os.remove(disk + '/filler')
    assert setup_at(outpost, sandbox, *words).status == OK


SIZES = {'pages': ['size=%dk' % (4 * pages) for pages in range(1, 16)],
         'files': ['size=1m,nr_inodes=%d' % inodes for inodes in range(2, 20)]}


@pytest.mark.parametrize('sizes', SIZES.values(), ids=SIZES)
def test_setup_on_a_disk_that_fills_up_at_any_step(sizes, small_disk, outpost, sandbox):
    """Whatever the last thing was that found room: account and secret are there, or neither is."""
    worked = []
    for options in sizes:
        disk = small_disk(options)
        outpost.config, outpost.folder = disk + '/outpost.conf', disk
        result = setup_at(outpost, sandbox, '--no-test')
        there = sorted(map(os.path.basename, files(outpost)))
        if result.status == OK:
            assert there == ['mine', 'mine.conf'], (options, there)     # the secret may wait in state/pending
            assert outpost.send(message(sender=sandbox.user)[0], 'a@x.test', '--state', disk + '/state', '--dry-run').status == OK
        else:
            told(result, sandbox)
            assert there == [], (options, there)
        worked.append(result.status == OK)
    assert not worked[0] and worked[-1], worked


def test_a_message_that_finds_no_room_is_not_sent(small_disk, outpost):
    disk = small_disk('size=64k')
    with Liar(HONEST) as server:
        outpost.account('localhost:%d' % server.port, 'none', auth='none')
        result = outpost.send(message('x' * 70 + '\r\n' * 3)[0] * 200, '--state', disk + '/state', 'a@x.test')
        fill(disk)
        small = outpost.send(message('hi\r\n')[0], '--state', disk + '/state', 'a@x.test')
    for_large = [name for path, _, names in os.walk(disk) for name in names]
    told(result)
    assert for_large == ['filler'] and server.calls == (1 if small.status == OK else 0), small
