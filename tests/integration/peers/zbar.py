"""zbar, a reader of bar codes: what a camera would make of a terminal."""
import re
import subprocess

from .debian import Root

QUIET, PIXELS = 4, 6
HALVES = {' ': (0, 0), '\u2580': (1, 0), '\u2584': (0, 1), '\u2588': (1, 1)}      # upper, lower: the character's colour


class Zbar:
    def __init__(self):
        self.root = Root('zbar', ['zbar-tools'])

    def read(self, rows):
        """The text of the code in a picture, rows of 0 (light) and 1 (dark); None where none is seen."""
        wide = [[b'\xff\x00'[dot:dot + 1] for dot in row for _ in range(PIXELS)] for row in rows]
        picture = b'P5 %d %d 255\n' % (len(wide[0]), PIXELS * len(wide)) + b''.join(b''.join(row) * PIXELS for row in wide)
        path = self.root.file('/tmp/screen.pgm')
        with open(path, 'wb') as f:
            f.write(picture)
        done = subprocess.run(self.root.command('/usr/bin/zbarimg', '--raw', '-q', '-Sdisable', '-Sqrcode.enable',
                                                '/tmp/screen.pgm'), capture_output=True, text=True)
        return done.stdout.rstrip('\n') or None


def on_screen(seen, dark_terminal):
    """What is drawn with half blocks, as a picture: with colours of its own, or the terminal's."""
    rows = []
    for line in seen.decode().splitlines():
        colored = '\x1b[30;47m' in line
        text = re.sub(r'\x1b\[[0-9;]*m', '', line)
        if len(text) < 2 * QUIET + 21 or set(text) - set(HALVES):
            continue
        ink = 1 if colored or not dark_terminal else 0
        for half in (0, 1):
            rows.append([ink if HALVES[c][half] else 1 - ink for c in text])
    return rows


def start():
    return Zbar()
