"""Servers for the doctor to look at: each port does one thing, rightly or wrongly."""
import json
import socket
import ssl
import threading

TRUSTED = ('everybody', 'everybody-rsa', 'good')        # the certificates that a verified server shows


class Smtp:
    """A submission server. `tls`: at once, `starttls`, or None; `certificate` of the authority's folder. Anything else is
    what is wrong with it: `banner`, `ehlo` (lines inside TLS), `replies` ({'MAIL': '553 ...', 'EHLO in TLS': do(line, stage)}),
    `context` (changes the ssl.SSLContext), `clear` (EHLO's lines before STARTTLS), `close` (the verbs at which it hangs up)."""

    def __init__(self, tls='starttls', certificate='everybody', banner='220 mail.example.test ESMTP', ehlo=None, clear=None,
                 replies=None, context=None, close=(), wait=0):
        self.tls, self.certificate, self.banner, self.context = tls, certificate, banner, context
        self.ehlo = ehlo if ehlo is not None else ['PIPELINING', '8BITMIME', 'AUTH PLAIN LOGIN']
        self.clear = clear if clear is not None else ['PIPELINING'] + (['STARTTLS'] if tls == 'starttls' else [])
        self.replies, self.close, self.wait = replies or {}, close, wait

    def _context(self, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers('DEFAULT:@SECLEVEL=0')
        context.load_cert_chain(authority.cert(self.certificate), authority.key(self.certificate))
        if self.context:
            self.context(context)
        return context

    def secure(self, line, stage):
        return self._context(stage.authority).wrap_socket(line, server_side=True)

    def serve(self, line, stage, home):
        """`home`: it is the one that the credentials are for."""
        line.settimeout(60)
        secured = self.tls == 'at once'
        if secured:
            line = self.secure(line, stage)
        stage.over.wait(self.wait)
        self.reply(line, stage, self.banner)
        read = line.makefile('rb')
        while command := read.readline(20000):
            trusted = home and secured and self.certificate in stage.trusted
            stage.hears(command, trusted)
            self.take(command)
            verb = command.split()[0].upper().decode(errors='replace') if command.split() else ''
            if verb in self.close:
                return
            if secured and verb + ' in TLS' in self.replies:
                self.reply(line, stage, self.replies[verb + ' in TLS'])
            elif verb in self.replies:
                self.reply(line, stage, self.replies[verb])
            elif verb == 'EHLO':
                offers = self.ehlo if secured or self.tls is None else self.clear
                lines = ['mail.example.test', *offers]
                self.say(line, '\r\n'.join('250%s%s' % (' ' if i == len(lines) - 1 else '-', l) for i, l in enumerate(lines)))
            elif verb == 'STARTTLS':
                self.say(line, '220 go ahead')
                line = self.secure(line, stage)
                read, secured = line.makefile('rb'), True
            elif verb == 'AUTH':
                for _ in range((2 if b'LOGIN' in command.upper() else 1) - len(command.split()[2:])):
                    self.say(line, '334 ')
                    stage.hears(read.readline(20000), trusted)
                self.say(line, '235 2.7.0 welcome')
            elif verb == 'DATA':
                self.say(line, '354 go ahead')
                while (text := read.readline()) not in (b'.\r\n', b''):
                    stage.hears(text, True)         # a message, and meant for it
                self.say(line, self.replies.get('.', '250 2.0.0 kept'))
            elif verb == 'QUIT':
                self.say(line, '221 bye')
                return
            else:
                self.say(line, '250 2.0.0 ok')

    def reply(self, line, stage, what):
        """Words, or something to do."""
        if callable(what):
            what(line, stage)
        else:
            self.say(line, what)

    def take(self, command):
        """Each line that it hears; for a test that wants to know."""

    def say(self, line, text):
        """Bytes as they are; text in Latin-1, or in UTF-8 where it has other letters."""
        if not isinstance(text, bytes):
            text = text.encode('latin-1' if max(text, default=' ') <= '\xff' else 'utf-8')
        line.sendall(text + b'\r\n')


class Says:
    """Says these bytes when called, and then nothing: it hangs up, or stays."""

    def __init__(self, data=b'', stays=False, often=1):
        self.data, self.stays, self.often = data, stays, often

    def serve(self, line, stage, home):
        stage.called.append(line.getsockname()[:2])
        for _ in range(self.often):
            line.sendall(self.data)
        while self.stays and (heard := line.recv(4096)):
            stage.hears(heard, False)


class Issuer:
    """A provider's sign-in server, over HTTPS: it publishes its metadata, and answers whoever asks for a token so."""

    publishes = True

    def __init__(self, status=200, body=b'', headers=(), certificate='everybody', url='https://login.example.test'):
        self.status, self.body, self.headers, self.certificate, self.url = status, body, headers, certificate, url

    def serve(self, line, stage, home):
        line.settimeout(60)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(stage.authority.cert(self.certificate), stage.authority.key(self.certificate))
        line = context.wrap_socket(line, server_side=True)
        read = line.makefile('rb')
        while first := read.readline(20000):
            length = 0
            while (header := read.readline(20000)).strip():
                if header.lower().startswith(b'content-length:'):
                    length = int(header.split(b':')[1])
            read.read(length)
            self.answer(line, first.split()[0])

    def answer(self, line, method):
        status, body, headers = self.status, self.body, self.headers
        if method == b'GET' and self.publishes:
            status, headers = 200, ()
            body = json.dumps({'issuer': self.url, 'token_endpoint': self.url + '/token'}).encode()
        head = ['HTTP/1.1 %d Ok' % status, 'Content-Length: %d' % len(body), *headers]
        line.sendall('\r\n'.join(head).encode() + b'\r\n\r\n' + body)


class Stage:
    """Ports in the world, for one scenario. `home`: [(address, port)] of who may learn the credentials, by one of the
    trusted certificates or of those that are `pinned`."""

    def __init__(self, ground, authority, home=(), pinned=()):
        self.ground, self.authority, self.home, self.trusted = ground, authority, home, (*TRUSTED, *pinned)
        self.listeners, self.lines = [], set()
        self.told = bytearray()     # what was heard by anybody else
        self.heard = 0              # lines, by anybody
        self.called = []            # the ports of those who only say something
        self.over = threading.Event()

    def open(self, address, port, server):
        listener = self.ground.listen(address, port)
        self.listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, server, (address, port) in self.home), daemon=True).start()

    def hears(self, data, trusted):
        self.heard += 1
        if not trusted:
            self.told += data

    def _accept(self, listener, server, home):
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            self.lines.add(line)
            threading.Thread(target=self._serve, args=(line, server, home), daemon=True).start()

    def _serve(self, line, server, home):
        try:
            server.serve(line, self, home)
        except (OSError, ValueError):
            pass        # whoever called did not like it
        line.close()

    def close(self):
        self.over.set()
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for line in list(self.lines):
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Answers:
    """A name server that says one thing to everybody: 3 NXDOMAIN, 2 SERVFAIL, 5 REFUSED; None says nothing; an address is where
    every name leads, by IPv4; with `shy` nothing is said of IPv6."""

    def __init__(self, ground, address, code, shy=False):
        def make():
            answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            answers.bind((address, 53))
            return answers
        self.socket, self.code, self.shy = ground.within(make), code, shy
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                question, sender = self.socket.recvfrom(2000)
            except OSError:
                return
            if not question:
                return
            if isinstance(self.code, str):
                self._lead(question, sender)
            elif self.code is not None:
                self.socket.sendto(question[:2] + bytes([0x81, 0x80 | self.code]) + question[4:6] + bytes(6) + question[12:],
                                   sender)

    def _lead(self, question, sender):
        end = question.index(0, 12) + 5
        is_ipv4 = question[end - 3] == 1
        if self.shy and not is_ipv4:
            return
        record = b'\xc0\x0c\0\1\0\1\0\0\0<\0\4' + socket.inet_aton(self.code) if is_ipv4 else b''
        self.socket.sendto(question[:2] + bytes([0x81, 0x80, 0, 1, 0, is_ipv4, 0, 0, 0, 0]) + question[12:end] + record, sender)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)      # wakes who waits on it, though it is not connected
        except OSError:
            pass
        self.thread.join(10)
        self.socket.close()
