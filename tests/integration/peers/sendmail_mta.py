"""sendmail, the mail server, set up wrongly on purpose: one of them for each way. They take what comes from 127.0.0.1
without a sign-in, and send nothing on."""
import os
import subprocess

from .debian import Root
from .peer import Peer
from .process import free_ports

PACKAGES = ('sendmail-bin', 'dash', 'coreutils', 'sed')     # its configuration is made by m4 and a shell
MACROS = r'''define(`_USE_ETC_MAIL_')dnl
include(`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(`linux')dnl
define(`QUEUE_DIR', `/var/spool/%(queue)s')dnl
define(`confPID_FILE', `/tmp/%(name)s.pid')dnl
define(`STATUS_FILE', `/tmp/%(name)s.status')dnl
define(`ALIAS_FILE', `')dnl
define(`confCACERT_PATH', `/etc/mail')dnl
define(`confCACERT', `/etc/mail/ca.pem')dnl
define(`confSERVER_CERT', `/etc/mail/cert.pem')dnl
define(`confSERVER_KEY', `/etc/mail/key.pem')dnl
define(`confDOMAIN_NAME', `sendmail.test')dnl
define(`confTO_IDENT', `0')dnl
define(`confDELIVERY_MODE', `queueonly')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`access_db', `hash -T<TMPF> /etc/mail/%(access)s')dnl
%(more)s
DAEMON_OPTIONS(`Family=inet, Name=%(name)s, Port=%(port)d, Addr=127.0.0.1%(flags)s')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
'''
MILTER = "INPUT_MAIL_FILTER(`gone', `S=inet:1@127.0.0.1, F=%s')dnl"
WAYS = {
    'good': {},
    'sign-in': {'flags': ', M=a'},
    'full': {'more': "define(`confMIN_FREE_BLOCKS', `900000000000')dnl"},
    'few': {'more': "define(`confMAX_RCPTS_PER_MESSAGE', `2')dnl"},
    'size': {'more': "define(`confMAX_MESSAGE_SIZE', `20000')dnl"},
    'milter-down': {'more': MILTER % 'T'},
    'milter-down-for-good': {'more': MILTER % 'R'},
    'milter-down-hangs-up': {'more': MILTER % '4'},
    'crowded': {'access': 'crowded', 'more': "FEATURE(`delay_checks')dnl\nFEATURE(`conncontrol', `nodelay', `terminate')dnl"},
    'rate': {'access': 'rate', 'more': "FEATURE(`delay_checks')dnl\nFEATURE(`ratecontrol', `nodelay', `terminate')dnl"},
    'unknown': {'access': 'unknown', 'more': "FEATURE(`blocklist_recipients')dnl"},
    'no-queue': {'queue': 'gone'},
    'unwanted': {'access': 'unwanted'},
}
ACCESS = {
    'open': 'Connect:127.0.0.1 RELAY\n',
    'crowded': 'ClientConn:127.0.0.1 1\nConnect:127 RELAY\n',
    'rate': 'ClientRate:127.0.0.1 1\nConnect:127 RELAY\n',
    'unknown': 'To:bob@example.org ERROR:5.1.1:550 No such user here\nConnect:127 RELAY\n',
    'unwanted': 'From:example.test ERROR:"550 We do not accept mail from spammers"\nConnect:127 RELAY\n',
}


def start(authority, zone):
    root = Root('sendmail', PACKAGES, ('smmta', 'smmsp', 'mail'))
    zone.known_in(root)
    ports = free_ports(WAYS)
    peer = Peer('sendmail', ports, [], None)
    for source, name in ((authority.cert(), 'cert.pem'), (authority.key(), 'key.pem'), (authority.ca, 'ca.pem')):
        root.copy(source, '/etc/mail/' + name)
        os.chmod(root.file('/etc/mail/' + name), 0o600)
    for queue in ('mqueue', 'gone'):
        root.empty_folder('/var/spool/' + queue, mode=0o700)
    root.write('/etc/mail/local-host-names', 'localhost\n')
    for name, way in WAYS.items():
        root.write('/etc/mail/%s.mc' % name, MACROS % {'name': name, 'port': ports[name], 'queue': 'mqueue', 'access': 'open',
                                                       'more': '', 'flags': '', **way})
        root.write('/etc/mail/%s.cf' % name, _run(root, '/usr/bin/m4', '/etc/mail/%s.mc' % name))
    for name, text in ACCESS.items():
        _run(root, '/usr/sbin/makemap', '-C', '/etc/mail/good.cf', 'hash', '/etc/mail/' + name, input=text)
    for name in WAYS:
        peer.run(root.command('/usr/libexec/sendmail/sendmail', '-bD', '-C/etc/mail/%s.cf' % name), port=ports[name])
    os.rmdir(root.path + '/var/spool/gone')
    return peer


def _run(root, *argv, **how):
    return subprocess.run(root.command(*argv), stdout=subprocess.PIPE, text=True, check=True, **how).stdout
