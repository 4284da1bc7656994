"""unbound, the name server, with a zone of the tests' own."""
from .debian import Root
from .process import Process, free_port

# Of every kind of answer one; names that are not here do not exist.
ZONES = '''
  local-zone: "." static
  local-zone: "test." static
  local-zone: "gone.test." always_nxdomain
  local-zone: "broken.test." always_refuse
'''


class Names:
    """`address` is what --dns takes. records: lines of a zone file, such as "a.test. 60 IN A 127.0.0.1"."""

    def __init__(self, records):
        root = Root('unbound', ['unbound'], ('unbound',))
        port = free_port()
        root.empty_folder('/run/unbound')
        data = ''.join("  local-data: '%s'\n" % record for record in records)
        root.write('/etc/unbound/test.conf', '''server:
  interface: 127.0.0.1@%d
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "/run/unbound"
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  module-config: "iterator"
%s%sremote-control:
  control-enable: no
''' % (port, ZONES, data))
        self.address = '127.0.0.1:%d' % port
        self.process = Process(root.command('/usr/sbin/unbound', '-d', '-c', '/etc/unbound/test.conf'))
        self.process.await_line('start of service')

    def __enter__(self):
        return self

    def __exit__(self, *problem):
        self.stop()

    def stop(self):
        self.process.stop()
