"""Dovecot as the authority that mail servers ask whether a sign-in is right; it serves no mail itself."""
import base64
import hashlib

USERS = ('dovecot', 'dovenull')
PACKAGE = 'dovecot-core'


# Tokens are taken where the OAuth server says that they are good, and whose.
BEARER = '''
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = /etc/dovecot/oauth2.conf
}
'''

INTROSPECTION = '''
introspection_mode = post
introspection_url = https://dovecot:introspect-me@localhost:%d/token/introspection
username_attribute = sub
active_attribute = active
active_value = true
%stls_ca_cert_file = /etc/dovecot/ca.pem
'''


def kept(password, hashed):
    """As it stands in the list of users."""
    if not hashed:
        return '{PLAIN}' + password
    return '{SSHA256}' + base64.b64encode(hashlib.sha256(password.encode() + b'salt').digest() + b'salt').decode()


def start(peer, root, socket, idp=None, ca=None, scope=None, hashed=False):
    """For this peer, which knows it by /run/dovecot/SOCKET in its root; with an OAuth server it takes tokens, too: of this
    scope alone, or of any. `hashed`: passwords are kept so that only who shows one can be known by it."""
    if idp:
        root.write('/etc/dovecot/oauth2.conf', INTROSPECTION % (idp.port, 'scope = %s\n' % scope if scope else ''))
        root.copy(ca, '/etc/dovecot/ca.pem')
    root.write('/etc/dovecot/users', '%s:%s\n' % (peer.user, kept(peer.password, hashed)))
    root.write('/etc/dovecot/dovecot.conf', '''
base_dir = /run/dovecot
state_dir = /var/lib/dovecot
log_path = /dev/stderr
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256 %s
auth_verbose = yes
auth_failure_delay = 0
%s
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
  args = username_format=%%u /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=/tmp
}
# A penalty for wrong passwords, meant for strangers, would slow the tests.
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  unix_listener %s {
    mode = 0666
  }
}
''' % ('xoauth2 oauthbearer' if idp else '', BEARER if idp else '', socket))
    root.empty_folder('/run/dovecot')
    peer.run(root.command('/usr/sbin/dovecot', '-F', '-c', '/etc/dovecot/dovecot.conf'), says='starting up')
