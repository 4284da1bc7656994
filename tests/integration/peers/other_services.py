"""What is no mail server, at a port that somebody takes for one: FTP, which greets with 220 as mail does, and ManageSieve."""
from .debian import Root
from .dovecot import USERS
from .peer import Peer
from .process import free_ports

SIEVE = """
base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /dev/stderr
protocols = sieve
ssl = no
passdb {
  driver = static
  args = nopassword=y
}
service managesieve-login {
  inet_listener sieve {
    address = 127.0.0.1
    port = %d
  }
}
"""
FTP = """
listen=YES
listen_address=127.0.0.1
listen_port=%d
listen_ipv6=NO
background=NO
anonymous_enable=NO
local_enable=YES
secure_chroot_dir=/run/vsftpd/empty
seccomp_sandbox=NO
"""


def start(authority, zone):
    root = Root('other-services', ['vsftpd', 'dovecot-core', 'dovecot-managesieved'], (*USERS, 'ftp'))
    ports = free_ports(['ftp', 'sieve'])
    peer = Peer('other services', ports, [], None)
    root.write('/etc/dovecot/dovecot.conf', SIEVE % ports['sieve'])
    root.write('/etc/vsftpd.conf', FTP.lstrip() % ports['ftp'])
    root.empty_folder('/run/dovecot')
    root.folder('/var/lib/dovecot')
    root.folder('/run/vsftpd/empty')
    peer.run(root.command('/usr/sbin/dovecot', '-F', '-c', '/etc/dovecot/dovecot.conf'), port=ports['sieve'])
    peer.run(root.command('/usr/sbin/vsftpd', '/etc/vsftpd.conf'), port=ports['ftp'])
    return peer
