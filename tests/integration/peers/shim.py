"""The shim before the system's calls (shim.c), built when it is first wanted."""
import os
import subprocess

from .debian import BUILD, Unavailable

HERE = os.path.dirname(os.path.abspath(__file__))


def path_for(program):
    """What LD_PRELOAD takes for this program."""
    with open(program, 'rb') as f:
        if b'__asan_init' in f.read():
            raise Unavailable('AddressSanitizer must be the first before the system\'s calls, and leaves no room')
    built = os.path.join(BUILD, 'shim.so')
    source = os.path.join(HERE, 'shim.c')
    if not os.path.exists(built) or os.path.getmtime(built) < os.path.getmtime(source):
        subprocess.run(['cc', '-O1', '-shared', '-fPIC', '-Wall', '-Wextra', '-Werror', '-o', built, source, '-ldl'],
                       check=True)
    return built
