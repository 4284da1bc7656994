#!/usr/bin/python3
"""measure.py OUTPUT PROGRAM... - runs it and writes what it cost into OUTPUT as JSON: status, wall and
CPU seconds, and the most memory it had resident, in bytes. A process of its own, because a child's
peak counts its parent's memory at the fork: here that is only a bare Python's."""
import json
import os
import sys
import time

if __name__ == '__main__':
    began = time.monotonic()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(child, 0)
    with open(sys.argv[1], 'w') as f:
        json.dump({'status': os.waitstatus_to_exitcode(status), 'wall': time.monotonic() - began,
                   'cpu': usage.ru_utime + usage.ru_stime, 'resident': usage.ru_maxrss * 1024}, f)
