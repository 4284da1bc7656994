"""outpost serve killed by kill -9 under load, again and again. By hand, a thousand times: tests/integration/crash_loop.py."""
import random

from crash_loop import crash_loop
from outpost import PROGRAM

KILLS = 200


def test_killed_under_load(tmp_path):
    """Nothing that was answered with 250 is lost, and nothing comes twice but what the queue calls unknown."""
    seed = random.SystemRandom().randrange(1 << 32)
    found = crash_loop(PROGRAM, tmp_path, seed, KILLS)
    assert (found['lost'], found['twice'], found['changed']) == ([], [], []), (seed, found)
    assert found['told'] > KILLS and found['unanswered'] > 0, (seed, found)
