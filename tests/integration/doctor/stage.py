"""Servers for the doctor to look at: each port does one thing, rightly or wrongly."""
import socket
import ssl
import threading


class Smtp:
    """A submission server. `tls`: at once, `starttls`, or None; `certificate` and `issuer` of the authority. Anything else is
    what is wrong with it: `banner`, `ehlo` (lines inside TLS), `replies` ({'MAIL': '553 ...'}), `context` (changes the
    ssl.SSLContext), `clear` (EHLO's lines before STARTTLS), `after` ({'AUTH': 'close'})."""

    def __init__(self, tls='starttls', certificate='everybody', banner='220 mail.example.test ESMTP', ehlo=None, clear=None,
                 replies=None, context=None, close=()):
        self.tls, self.certificate, self.banner, self.context = tls, certificate, banner, context
        self.ehlo = ehlo if ehlo is not None else ['PIPELINING', '8BITMIME', 'AUTH PLAIN LOGIN']
        self.clear = clear if clear is not None else ['PIPELINING'] + (['STARTTLS'] if tls == 'starttls' else [])
        self.replies, self.close = replies or {}, close

    def _context(self, authority):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_ciphers('DEFAULT:@SECLEVEL=0')
        context.load_cert_chain(authority.cert(self.certificate), authority.key(self.certificate))
        if self.context:
            self.context(context)
        return context

    def serve(self, line, authority):
        line.settimeout(60)
        secured = self.tls == 'at once'
        if secured:
            line = self._context(authority).wrap_socket(line, server_side=True)
        self.say(line, self.banner)
        read = line.makefile('rb')
        while command := read.readline(20000):
            self.take(command)
            verb = command.split()[0].upper().decode(errors='replace') if command.split() else ''
            if verb in self.close:
                return
            if verb in self.replies:
                self.say(line, self.replies[verb])
            elif verb == 'EHLO':
                offers = self.ehlo if secured or self.tls is None else self.clear
                lines = ['mail.example.test', *offers]
                self.say(line, '\r\n'.join('250%s%s' % (' ' if i == len(lines) - 1 else '-', l) for i, l in enumerate(lines)))
            elif verb == 'STARTTLS':
                self.say(line, '220 go ahead')
                line = self._context(authority).wrap_socket(line, server_side=True)
                read, secured = line.makefile('rb'), True
            elif verb == 'AUTH':
                if len(command.split()) < 3:
                    self.say(line, '334 ')
                    read.readline(20000)
                self.say(line, '235 2.7.0 welcome')
            elif verb == 'QUIT':
                self.say(line, '221 bye')
                return
            else:
                self.say(line, '250 2.0.0 ok')

    def take(self, command):
        """Each line that it hears; for a test that wants to know."""

    def say(self, line, text):
        line.sendall(text.encode('latin-1') + b'\r\n')


class Says:
    """Says these bytes when called, and then nothing: it hangs up, or stays."""

    def __init__(self, data=b'', stays=False, often=1):
        self.data, self.stays, self.often = data, stays, often

    def serve(self, line, authority):
        for _ in range(self.often):
            line.sendall(self.data)
        while self.stays and line.recv(4096):
            pass


class Stage:
    """Ports in the world, for one scenario."""

    def __init__(self, network, authority):
        self.network, self.authority = network, authority
        self.listeners, self.lines, self.heard = [], set(), []

    def open(self, address, port, server):
        listener = self.network.within(lambda: socket.create_server((address, port), backlog=16))
        self.listeners.append(listener)
        threading.Thread(target=self._accept, args=(listener, server), daemon=True).start()

    def _accept(self, listener, server):
        while True:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            self.lines.add(line)
            threading.Thread(target=self._serve, args=(line, server), daemon=True).start()

    def _serve(self, line, server):
        try:
            server.serve(line, self.authority)
        except (OSError, ValueError):
            pass        # whoever called did not like it
        line.close()

    def close(self):
        for listener in self.listeners:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for line in self.lines:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Answers:
    """A name server that says one thing to everybody: 3 NXDOMAIN, 2 SERVFAIL, 5 REFUSED; None says nothing."""

    def __init__(self, network, address, code):
        def make():
            answers = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            answers.bind((address, 53))
            return answers
        self.socket, self.code = network.within(make), code
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
            if self.code is not None:
                self.socket.sendto(question[:2] + bytes([0x81, 0x80 | self.code]) + question[4:6] + bytes(6) + question[12:],
                                   sender)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)      # wakes who waits on it, though it is not connected
        except OSError:
            pass
        self.thread.join(10)
        self.socket.close()
