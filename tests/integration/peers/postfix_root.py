"""What each Postfix here has, whatever it is for: its main.cf's beginning, its services, the folders of its queue."""
from .debian import Root

MASTER = ('/usr/lib/postfix/sbin/master', '-s', '-c', '/etc/postfix')
MAIN = '''
compatibility_level = 3.7
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = /var/log/postfix.log
myhostname = smtp.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = loopback-only
inet_protocols = ipv4
'''
SERVICES = '''
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
'''
QUEUE = ('active', 'bounce', 'corrupt', 'defer', 'deferred', 'flush', 'hold', 'incoming', 'private', 'saved', 'trace')


def make(name, packages=(), users=()):
    return Root(name, ['postfix', *packages], ('postfix', 'postdrop', *users))


def arrange(root, settings, services, name='postfix'):
    """Its files, with settings of main.cf and services of master.cf (the ports; who bounces) beside those of all; an
    empty queue. Of another name: a second one in the same root. What starts it."""
    config, queue, data = '/etc/' + name, '/var/spool/' + name, '/var/lib/' + name
    main = MAIN.replace('/var/spool/postfix', queue).replace('/var/lib/postfix', data).replace('/var/log/postfix', '/var/log/' + name)
    root.write(config + '/main.cf', main + settings.lstrip('\n'))
    root.write(config + '/master.cf', services + SERVICES)
    root.empty_folder(queue)
    root.folder(queue + '/pid')
    for folder in QUEUE:
        root.folder(queue + '/' + folder, 'postfix', 'root', mode=0o700)
    root.folder(queue + '/maildrop', 'postfix', 'postdrop', mode=0o730)
    root.folder(queue + '/public', 'postfix', 'postdrop', mode=0o710)
    root.empty_folder(data, 'postfix', mode=0o700)
    if name == 'postfix':
        root.empty_folder('/var/log')
    return root.command(*MASTER[:-1], config)
