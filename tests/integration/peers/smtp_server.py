"""npm's smtp-server, which many programs' tests and some providers are made with."""
import os

from . import node
from .peer import PASSWORD, USER, Peer
from .process import free_port


def start(authority):
    root = node.start_root()
    ports = {'starttls': free_port(), 'tls': free_port()}
    peer = Peer('smtp-server', ports, ['PLAIN', 'LOGIN'], root.path + '/smtp-server/mail')
    root.empty_folder('/smtp-server/mail')
    certificate = root.copy(authority.cert(), '/smtp-server/cert.pem')
    key = root.copy(authority.key(), '/smtp-server/key.pem')
    program = root.copy(os.path.join(os.path.dirname(__file__), 'smtp_server.mjs'), '/npm/smtp_server.mjs')
    peer.run(root.command('/usr/bin/node', program, certificate, key, '/smtp-server/mail', USER, PASSWORD,
                          str(ports['starttls']), str(ports['tls'])), env=node.environment(), says='^ready$')
    return peer
