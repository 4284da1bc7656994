"""Haraka, a mail server in JavaScript; knows CRAM-MD5 and no SCRAM."""
import os

from . import node
from .peer import PASSWORD, USER, Peer
from .process import free_port

def start(authority):
    root = node.start_root()
    ports = {'starttls': free_port(), 'tls': free_port()}
    peer = Peer('haraka', ports, ['PLAIN', 'LOGIN', 'CRAM-MD5'], root.path + '/haraka/mail')
    root.empty_folder('/haraka')
    root.folder('/haraka/mail')
    root.copy(authority.cert(), '/haraka/config/tls_cert.pem')
    root.copy(authority.key(), '/haraka/config/tls_key.pem')
    for name, text in {
            'smtp.ini': 'listen=127.0.0.1:%(starttls)d,127.0.0.1:%(tls)d\nsmtps_port=%(tls)d\nnodes=0\n' % ports,
            'tls.ini': 'key=tls_key.pem\ncert=tls_cert.pem\n',
            'plugins': 'tls\nauth/flat_file\nfor_tests\n',
            'auth_flat_file.ini': '[core]\nmethods=PLAIN,LOGIN,CRAM-MD5\n[users]\n%s=%s\n' % (USER, PASSWORD),
            'me': 'haraka.test\n',
            'loglevel': 'NOTICE\n'}.items():
        root.write('/haraka/config/' + name, text)
    with open(root.path + '/npm/node_modules/Haraka/config/connection.ini') as f:
        limits = f.read().replace('bytes=26214400', 'bytes=209715200')
    # Its own default is to break lines that RFC 5322 allows.
    root.write('/haraka/config/connection.ini', limits.replace('data_line_length=992', 'data_line_length=1000'))
    root.copy(os.path.join(os.path.dirname(__file__), 'haraka_plugin.js'), '/haraka/plugins/for_tests.js')
    peer.run(root.command('/usr/bin/node', '/npm/node_modules/.bin/haraka', '-c', '/haraka'),
             env={**node.environment(), 'TMPDIR': '/haraka/mail'}, port=ports['tls'])
    return peer
