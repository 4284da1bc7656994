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


@pytest.mark.parametrize('seed', range(1, 7))
def test_what_was_told_is_there_after_a_power_cut(disk, seed):
    chance = random.Random(seed)
    player = subprocess.Popen([PLAYER, 'play', disk.path + '/state', str(seed)], stdout=subprocess.PIPE, text=True)
    told = 0
    for _ in range(chance.randrange(5, 120)):
        told = int(player.stdout.readline())
    time.sleep(chance.random() / 50)    # somewhere within a batch
    disk.cut()
    rest = player.communicate()[0].split()
    told = int(rest[-1]) if rest else told
    disk.umount()
    disk.mount()
    compared = subprocess.run([PLAYER, 'compare', disk.path + '/state', str(seed), str(told)],
                              stdout=subprocess.PIPE, text=True, check=False)
    assert compared.returncode == 0, compared.stdout
