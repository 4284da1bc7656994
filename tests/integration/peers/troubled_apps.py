"""Servers that people make themselves, in trouble: with npm's smtp-server, and with Haraka and a plugin of their own. Each port
in one way."""
import os

from . import node
from .peer import PASSWORD, USER, Peer
from .process import free_ports

APPS = ('database-at-sign-in', 'back-end', 'expired', 'address', 'database', 'disk', 'lmtp')
HARAKA = ('throws', 'hangs', 'hangs-at-mail')
PLUGIN = """
const ports = %r.map(Number);
const way = connection => ['throws', 'hangs', 'hangs-at-mail'][ports.indexOf(connection.local.port)];
exports.register = function () { this.inherits('auth/auth_base'); };
exports.hook_capabilities = (next, connection) => {
    if (connection.tls.enabled) {
        connection.capabilities.push('AUTH PLAIN LOGIN');
        connection.notes.allowed_auth_methods = ['PLAIN', 'LOGIN'];
    }
    next();
};
exports.check_plain_passwd = (connection, user, password, done) => {
    if (way(connection) === 'throws') throw new Error('connect ECONNREFUSED 127.0.0.1:3306');
    if (way(connection) !== 'hangs') done(true);
};
exports.hook_mail = (next, connection) => way(connection) === 'hangs-at-mail' || next();
"""


def start(authority, zone):
    root = node.start_root()
    ports = free_ports([*APPS, *HARAKA])
    peer = Peer('programs of people', ports, ['PLAIN', 'LOGIN'], None)
    cert, key = root.copy(authority.cert(), '/apps/cert.pem'), root.copy(authority.key(), '/apps/key.pem')
    program = root.copy(os.path.join(os.path.dirname(__file__), 'troubled_apps.mjs'), '/npm/troubled_apps.mjs')
    peer.run(root.command('/usr/bin/node', program, cert, key, USER, PASSWORD, *('%s:%d' % (name, ports[name]) for name in APPS)),
             env=node.environment(), says='^ready$')
    _haraka(peer, root, authority, [ports[name] for name in HARAKA])
    return peer


def _haraka(peer, root, authority, ports):
    root.empty_folder('/troubled-haraka')
    root.copy(authority.cert(), '/troubled-haraka/config/tls_cert.pem')
    root.copy(authority.key(), '/troubled-haraka/config/tls_key.pem')
    root.write('/troubled-haraka/plugins/in_trouble.js', PLUGIN % list(map(str, ports)))
    for name, text in {'smtp.ini': 'listen=%s\nnodes=0\n' % ','.join('127.0.0.1:%d' % port for port in ports),
                       'tls.ini': 'key=tls_key.pem\ncert=tls_cert.pem\n', 'plugins': 'tls\nin_trouble\n', 'me': 'haraka.test\n',
                       'plugin_timeout': '2\n', 'loglevel': 'NOTICE\n'}.items():
        root.write('/troubled-haraka/config/' + name, text)
    root.copy(root.path + '/npm/node_modules/Haraka/config/connection.ini', '/troubled-haraka/config/connection.ini')
    peer.run(root.command('/usr/bin/node', '/npm/node_modules/.bin/haraka', '-c', '/troubled-haraka'),
             env={**node.environment(), 'TMPDIR': '/tmp'}, port=ports[0])
