"""What a process spends, from its exec to its end.

The child is spawned without a copy of this program (posix_spawn), and its CPU time is the kernel's own
account of it (wait4): fork and the measuring itself are not in it, exec and the loader are. Everything that
is compared runs in turns, in one run, so that a busy machine is as bad for each.
"""
import os
import statistics
import sys
import time


def once(command, stdin=os.devnull):
    """Runs it to its end; (wall ms, CPU ms)."""
    actions = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
               (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    began = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - began
    if status:
        sys.exit('%s ended with %d' % (' '.join(command), os.waitstatus_to_exitcode(status)))
    return wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000


def in_turns(commands, runs, stdin=os.devnull):
    """{name: command} to {name: (wall ms, CPU ms)}, medians."""
    times = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            times[name].append(once(command, stdin))
    return {name: tuple(statistics.median(pair[i] for pair in pairs) for i in (0, 1))
            for name, pairs in times.items()}


def table(title, costs, unit):
    """Prints them, each also as a multiple of the one called `unit`."""
    print(title)
    for name, (wall, cpu) in costs.items():
        print('  %-28s wall %7.2f ms (%.2f)   CPU %6.2f ms (%.2f)'
              % (name, wall, wall / costs[unit][0], cpu, cpu / costs[unit][1]))
