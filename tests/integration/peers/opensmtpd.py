"""OpenSMTPD, set up wrongly on purpose: each port in one way. All are in clear text: Debian's has a TLS that ends every
handshake with an internal error, whatever its certificate."""
from .debian import Root
from .peer import Peer
from .process import free_ports

LISTENERS = {
    'good': 'tag "good"',
    'not-ours': 'tag "not-ours"',
    'must-tls': 'tls-require pki "host" tag "good"',
    'no-ptr': 'filter "by-pointer" tag "good"',
    'reject': 'tag "reject"',
    'busy': 'filter "by-load" tag "good"',
}
CONFIGURATION = '''
pki "host" cert "/etc/smtpd/cert.pem"
pki "host" key "/etc/smtpd/key.pem"
table everybody file:/etc/smtpd/everybody
filter "by-pointer" phase connect match !rdns disconnect "550 no reverse DNS for your address"
filter "by-load" phase connect match src { "127.0.0.1" } disconnect "421 service is too busy, try again later"
smtp max-message-size 20K
%saction "keep" maildir "/var/mail/%%{dest.user}" virtual <everybody>
match tag "good" from any for any action "keep"
match tag "reject" from any for any reject
match tag "not-ours" from any for domain "elsewhere.test" action "keep"
'''


def start(authority, zone):
    root = Root('opensmtpd', ['opensmtpd'], ('opensmtpd', 'opensmtpq', 'vmail'))
    zone.known_in(root)
    ports = free_ports(LISTENERS)
    peer = Peer('OpenSMTPD', ports, [], root.path + '/var/mail')
    root.write('/etc/smtpd/smtpd.conf', CONFIGURATION % ''.join(
        'listen on 127.0.0.1 port %d %s\n' % (ports[name], words) for name, words in LISTENERS.items()))
    root.write('/etc/smtpd/everybody', '@ vmail\n')
    root.write('/etc/mailname', 'smtp.test\n')
    root.copy(authority.cert(), '/etc/smtpd/cert.pem')
    root.copy(authority.key(), '/etc/smtpd/key.pem')
    root.empty_folder('/var/spool/smtpd', mode=0o711)
    root.empty_folder('/var/mail', 'vmail')
    for folder in ('/var/lib/opensmtpd/empty', '/var/run'):
        root.folder(folder)
    peer.run(root.command('/usr/sbin/smtpd', '-d', '-f', '/etc/smtpd/smtpd.conf'), port=ports['good'])
    return peer
