"""Courier's esmtpd, set up wrongly on purpose: one of them for each way."""
import os

from .debian import Root
from .peer import Peer
from .process import free_ports

ALWAYS = {'PATH': '/usr/bin:/bin:/usr/sbin', 'COURIERTLS': '/usr/bin/couriertls', 'TLS_CERTFILE': '/etc/courier/both.pem',
          'TLS_VERIFYPEER': 'NONE', 'BOFHCHECKDNS': '0', 'BOFHNOEXPN': '1', 'BOFHNOVRFY': '1', 'ESMTPAUTH': '', 'ESMTPAUTH_TLS': '',
          'AUTH_REQUIRED': '0'}
TAKES_ALL = {'RELAYCLIENT': ''}
WAYS = {
    'good': TAKES_ALL,
    'relay': {},
    'domain': {**TAKES_ALL, 'BOFHCHECKDNS': '1'},
    'sign-in': {'ESMTPAUTH_TLS': 'PLAIN LOGIN', 'AUTHMODULES': 'authdaemon', 'AUTH_REQUIRED': '1'},
    'must-tls': {**TAKES_ALL, 'ESMTP_TLS_REQUIRED': '1'},
    'crowded': TAKES_ALL,
}


def start(authority, zone):
    root = Root('courier', ['courier-mta', 'courier-authdaemon'], ('courier',))
    zone.known_in(root)
    ports = free_ports(WAYS)
    peer = Peer('Courier', ports, [], None)
    with open(authority.cert()) as cert, open(authority.key()) as key:
        root.write('/etc/courier/both.pem', cert.read() + key.read())
    os.chown(root.file('/etc/courier/both.pem'), root.ids['courier'], -1)
    for name, text in (('me', 'courier.test'), ('sizelimit', '20000'), ('locals', 'localhost')):
        root.write('/etc/courier/' + name, text + '\n')
    for folder in ('', '/tmp', '/msgs', '/msgq', '/track'):
        root.empty_folder('/var/lib/courier' + folder, 'courier', mode=0o770)
    for name, way in WAYS.items():
        peer.run(root.command('/usr/sbin/couriertcpd', '-address=127.0.0.1', '-user=courier', '-group=courier', '-noidentlookup',
                              '-nodnslookup', '-maxprocs=20', '-maxperc=20', '-maxperip=%d' % (1 if name == 'crowded' else 10),
                              str(ports[name]), '/usr/sbin/courieresmtpd'), port=ports[name], env={**ALWAYS, **way}, cwd='/')
    return peer
