"""Headless Chromium, driven by playwright-core, in a root of its own. It trusts one authority: the test's."""
import json
import os
import shutil
import subprocess

from . import node
from .debian import Root, Unavailable

PROFILE = '/profile'


def start():
    return Browser()


class Browser:
    def __init__(self):
        packages = node.start_root()
        self.root = Root('browser', ['chromium', 'nodejs', 'libnss3-tools', 'fonts-dejavu-core', 'coreutils', 'dash'])
        driver = '/npm/node_modules/playwright-core'
        if not os.path.isdir(packages.path + driver):
            raise Unavailable('no playwright-core among the npm packages')
        shutil.copytree(packages.path + driver, self.root.file(driver), dirs_exist_ok=True)
        self.root.copy(os.path.join(os.path.dirname(__file__), 'browser.mjs'), '/npm/browser.mjs')
        for folder in ('/proc', '/dev/shm', '/tmp', PROFILE):
            self.root.folder(folder)

    def command(self, *argv):
        """Chromium wants to look at itself in /proc: it gets one, in a mount namespace of its own."""
        path = self.root.path
        return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c',
                'mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" && shift 1 && exec "$@"', 'sh',
                path, *self.root.command(*argv)]

    def _trust(self, ca):
        self.root.empty_folder(PROFILE + '/.pki/nssdb')
        self.root.copy(ca, PROFILE + '/ca.pem')
        database = 'sql:' + PROFILE + '/.pki/nssdb'
        for argv in (['-N', '--empty-password'], ['-A', '-t', 'C,,', '-n', 'test', '-i', PROFILE + '/ca.pem']):
            subprocess.run(self.root.command('/usr/bin/certutil', '-d', database, *argv), check=True,
                           stdin=subprocess.DEVNULL, capture_output=True)

    def visit(self, steps, ca, maps=None):
        """What was seen at the end: `url`, `title`, `text`, and in `seen` every address that was asked for."""
        self._trust(ca)
        environment = {**node.environment(), 'HOME': PROFILE}
        done = subprocess.run(self.command('/usr/bin/node', '/npm/browser.mjs'), env=environment, text=True,
                              input=json.dumps({'steps': steps, 'maps': maps}), capture_output=True, timeout=120)
        if done.returncode != 0:
            raise Unavailable('the browser does not start: ' + done.stderr.strip()[-300:])
        seen = json.loads(done.stdout.splitlines()[-1])
        assert not seen['failed'], seen
        return seen

    def stop(self):
        pass
