"""The power goes while a queue plays, on a file system of its own: what was told to be done is there afterwards.

The cut is the file system's own (EXT4_IOC_SHUTDOWN without flushing its journal): every later operation fails, and what
was not flushed never reaches the disk below. Mounting it again is what a machine does when the power is back.
"""
import fcntl
import os
import random
import shutil
import subprocess
import time

import pytest

PLAYER = os.path.join(os.environ['OUTPOST_BUILD'], 'tests', 'fault', 'queue-player')
SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, b'\x02\x00\x00\x00'


class Disk:
    """An ext4 file system in a file."""

    def __init__(self, folder):
        self.image, self.path = os.path.join(folder, 'image'), os.path.join(folder, 'disk')
        os.mkdir(self.path)
        with open(self.image, 'wb') as f:
            f.truncate(96 * 2**20)
        self.run('mkfs.ext4', '-q', '-F', self.image)
        self.mount()

    def run(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            pytest.skip('%s: %s' % (command[0], done.stdout.strip()))

    def mount(self):
        # Nothing is committed by time: only what was synced may count.
        self.run('mount', '-t', 'ext4', '-o', 'loop,commit=300', self.image, self.path)

    def cut(self):
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, SHUTDOWN, NO_LOG_FLUSH)
        finally:
            os.close(fd)

    def umount(self):
        subprocess.run(['umount', self.path], check=True)


@pytest.fixture
def disk(tmp_path):
    if os.geteuid() != 0:
        pytest.skip('a file system of its own needs root')
    if not shutil.which('mkfs.ext4'):
        pytest.skip('mkfs.ext4 is not there (package e2fsprogs)')
    disk = Disk(str(tmp_path))
    yield disk
    disk.umount()


def said_by_now(player):
    """The numbers that lie in the pipe."""
    os.set_blocking(player.stdout.fileno(), False)
    text = player.stdout.read() or b''
    os.set_blocking(player.stdout.fileno(), True)
    return text


def is_there(disk, folder, seed, batches):
    """Is what is there what these batches made, or one more? Looked at in a copy, for looking changes it."""
    copy = str(folder / ('copy%d' % batches))
    shutil.copytree(disk.path + '/state', copy)
    return subprocess.run([PLAYER, 'compare', copy, str(seed), str(batches)], stdout=subprocess.PIPE, text=True,
                          check=False)


@pytest.mark.parametrize('seed', range(1, 7))
def test_what_was_told_is_there_after_a_power_cut(disk, tmp_path, seed):
    """All that was told before the cut. What is told while the disk goes away is the word of a machine that is dead
    already: a sync that was under way may be answered with success then, and the last of it may be there or not."""
    chance = random.Random(seed)
    player = subprocess.Popen([PLAYER, 'play', disk.path + '/state', str(seed)], stdout=subprocess.PIPE)
    told = b''
    wanted = chance.randrange(5, 120)
    while told.count(b'\n') < wanted:
        told += player.stdout.readline()
    time.sleep(chance.random() / 50)    # somewhere within a batch
    told += said_by_now(player)
    disk.cut()
    before = told.count(b'\n')
    at_last = before + player.communicate()[0].count(b'\n')
    disk.umount()
    disk.mount()
    compared = [is_there(disk, tmp_path, seed, batches) for batches in range(before, at_last + 1)]
    assert 0 in [one.returncode for one in compared], (before, at_last, compared[0].stdout)
