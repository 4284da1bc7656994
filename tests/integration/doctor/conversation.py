"""What a program shows of its conversation when mail does not go: Python's smtplib, with its debugging on. It is what
people paste."""
import base64
import smtplib
import ssl
import traceback

from peers.peer import PASSWORD, USER

PATIENCE = 10


class _Told:
    """Says what it does into `told`, but for the password."""

    def _print_debug(self, *words):
        if not self.silent:
            self.told.append(' '.join(map(str, words)))


class _Clear(_Told, smtplib.SMTP):
    pass


class _Tls(_Told, smtplib.SMTP_SSL):
    pass


class Conversation:
    """One try to send a message: `told`, `sent`; `line` stays open with `stays`."""

    def __init__(self, port, security, ca, sign_in=True, source=None, hello=None, password=None):
        self.port, self.security, self.sign_in, self.told = port, security, sign_in, []
        self.password = password or PASSWORD
        self.context = ssl.create_default_context(cafile=ca)
        how = {'timeout': PATIENCE, 'source_address': (source, 0) if source else None, 'local_hostname': hello}
        self.line = _Tls(context=self.context, **how) if security == 'tls' else _Clear(**how)
        self.line.told, self.line.silent, self.line._host = self.told, False, 'localhost'
        self.line.set_debuglevel(1)

    def enter(self):
        code, words = self.line.connect('localhost', self.port)
        if code != 220:
            raise smtplib.SMTPConnectError(code, words)
        self.line.ehlo()
        if self.security == 'starttls':
            self.line.starttls(context=self.context)
            self.line.ehlo()
        if self.sign_in:
            self._sign_in()

    def _sign_in(self):
        """smtplib's own login() takes no password with letters beyond ASCII."""
        if 'auth' not in self.line.esmtp_features:
            raise smtplib.SMTPNotSupportedError('SMTP AUTH extension not supported by server.')
        self.told.append("send: 'AUTH PLAIN (left out)'")
        self.line.silent = True
        code, words = self.line.docmd('AUTH', 'PLAIN ' + base64.b64encode(('\0%s\0%s' % (USER, self.password)).encode()).decode())
        self.line.silent = False
        self.told.append("reply: b'%d %s\\r\\n'" % (code, words.decode(errors='replace').replace('\n', '\\n')))
        if code != 235:
            raise smtplib.SMTPAuthenticationError(code, words)

    def send(self, sender, recipients, message):
        """False where anybody did not get it; then `told` ends with why."""
        try:
            self.enter()
            options = [] if recipients[0].isascii() else ['SMTPUTF8']
            refused = self.line.sendmail(sender, recipients, message, mail_options=options)
            self.line.quit()
        except (OSError, smtplib.SMTPException):
            self.told.append(traceback.format_exc())
            return False
        if refused:
            self.told.append('refused: %r' % refused)
        return not refused

    def close(self):
        self.line.close()
