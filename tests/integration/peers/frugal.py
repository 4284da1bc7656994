"""A server in plain text with limits (RFC 9422) that notes when they are broken."""
import socketserver
import threading


class Talk(socketserver.StreamRequestHandler):
    def say(self, line):
        self.wfile.write(line + b'\r\n')

    def handle(self):
        server = self.server.peer
        server.calls += 1
        if server.calls > server.most_calls:
            return
        self.domains, self.messages, self.recipients = set(), 0, 0
        self.say(b'220 frugal.test')
        for line in self.rfile:
            verb = line.split()[0].upper()
            if verb == b'EHLO':
                self.say(b'250-frugal.test\r\n250 LIMITS ' + server.limits)
            elif verb == b'DATA':
                self.say(b'354 go on')
                while self.rfile.readline() not in (b'.\r\n', b''):
                    pass
                self.say(b'250 kept')
            else:
                self.count(server, verb, line)
                self.say(b'221 bye' if verb == b'QUIT' else b'250 ok')
            if verb == b'QUIT':
                return

    def count(self, server, verb, line):
        if verb == b'MAIL':
            self.messages, self.recipients = self.messages + 1, 0
        if verb == b'RCPT':
            address = line.decode().partition('<')[2].partition('>')[0]
            server.named.append(address)
            self.recipients += 1
            self.domains.add(address.rpartition('@')[2])
        counted = {b'MAILMAX': self.messages, b'RCPTMAX': self.recipients, b'RCPTDOMAINMAX': len(self.domains)}
        for limit in server.limits.split():
            name, _, most = limit.partition(b'=')
            if counted[name] > int(most):
                server.broken.append(limit)


class Frugal:
    """Serves `calls` connections, and hangs up on more; used as a context."""

    def __init__(self, limits, calls=100):
        self.limits, self.most_calls, self.calls = limits, calls, 0
        self.named, self.broken = [], []
        self.server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Talk)
        self.server.daemon_threads = True
        self.server.peer = self
        self.port = self.server.server_address[1]

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *problem):
        self.server.shutdown()
        self.server.server_close()
