"""A certificate authority of the tests' own, and the certificates good and bad that peers show."""
import hashlib
import os
import subprocess

NAMES = 'DNS:localhost,DNS:smtp.elsewhere.test,IP:127.0.0.1,IP:::1'


class Authority:
    """In a folder: ca.pem, and NAME.pem with NAME.key for `good`, `expired`, `wrong` (another's name),
    `selfsigned` (of no authority), and such as RFC 9525 and RFC 5280 say no to: `cn-only`, `cn-beside`
    (the name is right in the subject only), `client-only`, `of-a-leaf` (whose issuer is no authority),
    `short-key`, `sha1`; and for clients `client` (of alice@example.test) and `client-stranger` (of no
    authority)."""

    def __init__(self, folder):
        self.folder = str(folder)
        os.makedirs(self.folder, exist_ok=True)
        self._self_signed('ca', 'Test authority', 'basicConstraints=critical,CA:TRUE',
                          'keyUsage=critical,keyCertSign,cRLSign')
        self.leaf('good', NAMES)
        self.leaf('wrong', 'DNS:other.invalid')
        self.leaf('expired', NAMES, days='-1')
        self._self_signed('selfsigned', 'selfsigned', 'subjectAltName=' + NAMES)
        self.leaf('cn-only', None, subject='localhost')
        self.leaf('cn-beside', 'DNS:other.invalid', subject='localhost')
        self.leaf('client-only', NAMES, usage='clientAuth')
        self.leaf('of-a-leaf', NAMES, issuer='good')
        self.leaf('short-key', NAMES, key=['-newkey', 'rsa:1024'])
        self.leaf('sha1', NAMES, digest='-sha1')
        self.leaf('client', 'email:alice@example.test', usage='clientAuth')
        self._self_signed('client-stranger', 'stranger', 'subjectAltName=email:alice@example.test')
        with open(self.cert('of-a-leaf'), 'a') as chain, open(self.cert('good')) as issuer:
            chain.write(issuer.read())

    @property
    def ca(self):
        return self.cert('ca')

    def cert(self, name='good'):
        return os.path.join(self.folder, name + '.pem')

    def key(self, name='good'):
        return os.path.join(self.folder, name + '.key')

    def pin(self, name='good'):
        """As settings name it: by the hash of its key."""
        key = subprocess.run(['openssl', 'x509', '-in', self.cert(name), '-noout', '-pubkey'], capture_output=True, check=True).stdout
        der = subprocess.run(['openssl', 'pkey', '-pubin', '-outform', 'DER'], input=key, capture_output=True, check=True).stdout
        return 'sha256:' + hashlib.sha256(der).hexdigest()

    def leaf(self, name, alternatives, days='20', subject=None, usage='serverAuth', issuer='ca', key=None,
             digest='-sha256'):
        """A server certificate of this authority's for these subjectAltNames, or spoilt as told."""
        request = os.path.join(self.folder, name + '.csr')
        extensions = os.path.join(self.folder, name + '.ext')
        with open(extensions, 'w') as f:
            f.write('subjectAltName=%s\n' % alternatives if alternatives else '')
            f.write('extendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' % usage)
        _openssl('req', *_new_key(self.key(name), key), '-subj', '/CN=' + (subject or name), '-out', request)
        _openssl('x509', '-req', '-in', request, '-CA', self.cert(issuer), '-CAkey', self.key(issuer),
                 '-CAcreateserial', '-extfile', extensions, '-days', days, digest, '-out', self.cert(name))

    def _self_signed(self, name, subject, *extensions):
        _openssl('req', '-x509', *_new_key(self.key(name)), '-subj', '/CN=' + subject, '-days', '20',
                 '-out', self.cert(name), *[word for e in extensions for word in ('-addext', e)])


def _new_key(path, kind=None):
    return [*(kind or ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']), '-nodes', '-keyout', path]


def _openssl(*argv):
    done = subprocess.run(['openssl', *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError('openssl %s: %s' % (argv[0], done.stderr[-300:]))
