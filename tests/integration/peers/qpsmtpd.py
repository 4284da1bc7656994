"""qpsmtpd, set up wrongly on purpose: one of them for each set of plugins. A plugin that looks at strangers looks at
nobody who has signed in."""
from .debian import Root
from .peer import PASSWORD, USER, Peer
from .process import free_ports

ALWAYS = 'logging/warn 3\ntls /etc/qpsmtpd/cert.pem /etc/qpsmtpd/key.pem /etc/qpsmtpd/ca.pem\n'
SIGN_IN = 'auth/auth_flat_file\n'
KEEPS = 'rcpt_ok\nqueue/maildir /var/mail\n'
WAYS = {
    'good': SIGN_IN + KEEPS,
    'listed': 'dnsbl reject naughty\nnaughty reject rcpt\n' + KEEPS,
    'listed-at-once': 'dnsbl reject 1\n' + KEEPS,
    'domain': 'resolvable_fromhost\n' + KEEPS,
    'sender': 'badmailfrom\n' + KEEPS,
    'recipient': 'badrcptto\n' + KEEPS,
    'helo': 'helo policy strict reject 1\n' + KEEPS,
    'relay': KEEPS,
    'no-queue': SIGN_IN + 'rcpt_ok\n',
    'greeting-later': 'random_error 100\n' + KEEPS,
}
FILES = {'plugin_dirs': '/usr/share/qpsmtpd/plugins', 'loglevel': '3', 'spool_dir': '/var/spool/qpsmtpd', 'me': 'qpsmtpd.test',
         'flat_auth_pw': '%s:%s' % (USER, PASSWORD), 'dnsbl_zones': 'bl.test', 'badmailfrom': USER, 'badrcptto': 'bob@example.org',
         'tls_ciphers': 'DEFAULT', 'rcpthosts': 'example.org\nexample.test\nnowhere.test'}


def start(authority, zone):
    root = Root('qpsmtpd', ['qpsmtpd', 'libnet-ip-perl', 'libnet-dns-perl'], ('smtpd',))
    zone.known_in(root)
    ports = free_ports(WAYS)
    peer = Peer('qpsmtpd', ports, ['PLAIN', 'LOGIN'], root.path + '/var/mail')
    for source, name in ((authority.cert(), 'cert.pem'), (authority.key(), 'key.pem'), (authority.ca, 'ca.pem')):
        root.copy(source, '/etc/qpsmtpd/' + name, 'smtpd')
    root.empty_folder('/var/mail', 'smtpd')
    root.empty_folder('/var/spool/qpsmtpd', 'smtpd', mode=0o700)
    for name, plugins in WAYS.items():
        folder = '/etc/qpsmtpd-' + name
        for file, text in {**FILES, 'plugins': ALWAYS + plugins, **({'rcpthosts': 'localhost'} if name == 'relay' else {})}.items():
            root.write(folder + '/' + file, text + '\n')
        peer.run(root.command('/usr/bin/qpsmtpd-forkserver', '-l', '127.0.0.1', '-p', str(ports[name]), '-u', 'smtpd', '--no-rdns',
                              '-c', '20', '-m', '20'), port=ports[name], env={'QPSMTPD_CONFIG': folder, 'PATH': '/usr/bin:/bin'})
    return peer
