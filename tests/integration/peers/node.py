"""Node.js with the npm packages of mail servers, in a root of its own: nothing is installed on the machine."""
import hashlib
import os
import subprocess

from .debian import Root, Unavailable


def start_root():
    """The root that holds `node`, and what npm/package-lock.json pins in /npm/node_modules."""
    root = Root('node', ['nodejs', 'npm', 'ca-certificates', 'coreutils', 'dash'])
    with open(os.path.join(os.path.dirname(__file__), 'npm', 'package-lock.json')) as f:
        pinned = hashlib.sha256(f.read().encode()).hexdigest()
    if read(root.path + '/npm/complete') != pinned:
        for path in ('/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs/ca-certificates.crt'):
            if os.path.exists(path):
                root.copy(path, path)
        root.write('/etc/nsswitch.conf', 'hosts: files dns\n')
        root.folder('/npm')
        for name in ('package.json', 'package-lock.json'):
            root.copy(os.path.join(os.path.dirname(__file__), 'npm', name), '/npm/' + name)
        done = subprocess.run(
            root.command('/usr/bin/env', '-C', '/npm', 'npm', 'ci', '--no-fund', '--no-audit', '--ignore-scripts',
                         '--omit=optional', '--fetch-retries=1', '--fetch-retry-mintimeout=1000',
                         '--fetch-timeout=12000'),
            env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            reason = [line for line in done.stderr.splitlines() if line.strip()][:3]
            raise Unavailable('npm ci failed: ' + ' | '.join(reason))
        root.write('/npm/complete', pinned)
    return root


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError:
        return None


def environment():
    """What npm and node are told: this machine's proxy and registry settings, nothing else of it."""
    kept = {name: value for name, value in os.environ.items()
            if name.lower().startswith('npm_config_') or name.lower() in ('http_proxy', 'https_proxy', 'no_proxy')}
    return {'PATH': '/usr/local/bin:/usr/bin:/bin', 'HOME': '/npm', 'TMPDIR': '/tmp', **kept,
            'NODE_EXTRA_CA_CERTS': '/etc/ssl/certs/ca-certificates.crt'}
