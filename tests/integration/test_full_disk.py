"""A disk that is really full: a small tmpfs, with few pages, or with few files."""
import os
import smtplib
import subprocess

import pytest

from daemon import queue
from gateway import Gateway
from messages import message
from outpost import CANTCREAT, IOERR, OK, Outpost
from peers.liar import HONEST, Liar
from peers.process import free_port
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


@pytest.fixture
def on_small_disk(small_disk, authority, leaks):
    """on_small_disk(OPTIONS, reserve): a gateway whose queue is there; its provider is not."""
    made = []

    def begin(options, reserve):
        outpost = Outpost(small_disk(options), authority).account('localhost:%d' % free_port(), 'starttls')
        one = Gateway(outpost, leaks)
        made.append(one)
        one.listener('desk', security='none', no_password_from='127.0.0.0/8')
        one.write('[queue]\nreserve = %s\n' % reserve)
        one.start()
        return one
    yield begin
    for one in made:
        one.stop()


def hand_in(gateway, text):
    """The code of the answer to the whole message, or to MAIL."""
    with smtplib.SMTP('127.0.0.1', gateway.ports['desk']) as client:
        try:
            client.sendmail('alice@example.test', ['rcpt@example.test'], text, ['BODY=8BITMIME'])
        except (smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as refused:
            return refused.smtp_code
        return 250


def too_many_files(folder):
    for number in range(1000):
        try:
            open(os.path.join(folder, 'filler%d' % number), 'w').close()
        except OSError:
            return


@pytest.mark.parametrize('options,reserve,use_up', [
    ('size=24m', '5%', fill),
    ('size=24m,nr_inodes=400', '5%', too_many_files),
    ('size=24m', '0%', fill),
], ids=['a reserve of room', 'a reserve of files', 'no reserve: full'])
def test_a_gateway_takes_nothing_that_it_can_not_keep(options, reserve, use_up, on_small_disk):
    """It says so for now, what it took before is there, and it goes on when there is room."""
    gateway = on_small_disk(options, reserve)
    folder = gateway.outpost.folder
    big, _ = message('x' * 70 + '\r\n' + ('y' * 70 + '\r\n') * 20000)       # more than the log has room for already
    assert hand_in(gateway, big) == 250
    use_up(folder)
    assert hand_in(gateway, big) // 10 == 45
    health = gateway.outpost.run('status --health')
    assert health.status in (1, 2) and 'the disk is' in health.out, health
    assert len(queue(gateway.outpost)) == 1
    for name in os.listdir(folder):
        if name.startswith('filler'):
            os.unlink(os.path.join(folder, name))
    assert hand_in(gateway, big) == 250
    assert len(queue(gateway.outpost)) == 2
