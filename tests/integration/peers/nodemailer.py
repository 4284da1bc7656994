"""npm's nodemailer: a client of the same kind as those in clients.py, in the root that has Node.js."""
import subprocess

from .clients import CA
from .node import environment, start_root

SCRIPT = """
const [port, encryption, user, password, from, to] = process.argv.slice(1);
require('/npm/node_modules/nodemailer').createTransport({
    host: 'localhost', port: +port, secure: encryption == 'tls', requireTLS: encryption == 'starttls',
    ignoreTLS: encryption == 'none', auth: user ? {user, pass: password} : undefined,
    tls: {ca: require('fs').readFileSync('%s')},
}).sendMail({envelope: {from, to}, raw: require('fs').readFileSync(0)})
  .then(info => console.log(info.response), error => { console.log(error.message); process.exit(1); });
""" % CA


class Nodemailer:
    def __init__(self, authority):
        self.root = start_root()
        self.root.copy(authority.ca, CA)

    def send(self, client, way, sender, recipient, message):
        """As Clients.send(): message is the whole of it."""
        argv = self.root.command('/usr/bin/node', '-e', SCRIPT, str(way.port), way.encryption, way.user or '',
                                 way.password or '', sender, recipient)
        return subprocess.run(argv, input=message, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**environment(), 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}, timeout=60)


def start(authority):
    return Nodemailer(authority)
