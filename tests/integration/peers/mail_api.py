"""Microsoft Graph's sendMail and the Gmail API's messages.send, as their documentation describes them: what
they take and refuse, their limits, how they throttle, their errors.

Beside that the server does what a test tells it to, once, to the next request that is whole: `then.append(...)` of

    (status, headers, body)      answers so
    'cut'                        hangs up without an answer; the message was taken
    'cut-early'                  hangs up in the middle of the body
    'slow'                       takes the message, and is silent until the test is over
"""
import base64
import binascii
import email
import email.policy
import email.utils
import http.server
import json
import re
import socket
import ssl
import threading

GRAPH, GMAIL = 'graph.microsoft.com', 'gmail.googleapis.com'
GRAPH_MOST, GMAIL_MOST = 4 * 1024 * 1024, 36700160
MANY = {GRAPH: 500, GMAIL: 100}


def graph_error(code, message):
    return {'error': {'code': code, 'message': message, 'innerError': {
        'date': '2026-11-22T10:00:00', 'request-id': '0a1b', 'client-request-id': '0a1b'}}}


def gmail_error(status, reason, message):
    return {'error': {'code': status, 'message': message, 'errors': [
        {'message': message, 'domain': 'global', 'reason': reason}]}}


class Refused(Exception):
    def __init__(self, status, body, headers=()):
        self.answer = status, dict(headers), body


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *words):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def do_GET(self):
        self.say(405, {}, graph_error('UnknownError', 'only POST is served here'))

    def do_POST(self):
        api = self.server.api
        api.begun += 1
        length = self.length()
        try:
            self.check_head(api)
            if api.then and api.then[0] == 'cut-early':
                api.then.pop(0)
                self.rfile.read(length // 2)
                return self.hang_up()
            body = self.rfile.read(length)
            if len(body) < length:
                raise ConnectionError
            api.asked.append((self.host(), self.path, dict(self.headers), body))
            self.answer(api, body)
        except Refused as refused:
            self.close_connection = True    # its body may not have been read
            self.say(*refused.answer)

    def handle_expect_100(self):
        """Who asks before a large body is refused before it."""
        try:
            self.check_head(self.server.api)
        except Refused as refused:
            self.server.api.begun += 1
            self.close_connection = True
            self.say(*refused.answer)
            return False
        return super().handle_expect_100()

    def host(self):
        return self.headers.get('Host', '').partition(':')[0]

    def length(self):
        return int(self.headers.get('Content-Length', 0))

    # -- as documented --

    def check_head(self, api):
        graph, length = self.host() == GRAPH, self.length()
        token = self.headers.get('Authorization', '').partition('Bearer ')[2]
        if not re.fullmatch({GRAPH: '/v1.0/(me|users/[^/?]+)/sendMail',
                             GMAIL: r'/upload/gmail/v1/users/[^/?]+/messages/send\?uploadType=media'}[self.host()],
                            self.path):
            raise Refused(404, graph_error('ResourceNotFound', 'Resource not found'))
        if token not in api.tokens:
            raise Refused(401, graph_error('InvalidAuthenticationToken', 'Access token has expired or is not yet valid.')
                          if graph else gmail_error(401, 'authError', 'Invalid Credentials'),
                          {'WWW-Authenticate': 'Bearer'})
        self.user, scope = api.tokens[token]
        if scope not in (('Mail.Send',) if graph else ('gmail.send', 'https://mail.google.com/')):
            raise Refused(403, graph_error('ErrorAccessDenied', 'Access is denied. Check credentials and try again.')
                          if graph else gmail_error(403, 'insufficientPermissions',
                                                    'Request had insufficient authentication scopes.'))
        if graph and length > GRAPH_MOST:
            raise Refused(413, graph_error('BadRequest', 'The maximum request length supported is 4MB.'))
        if not graph and length > GMAIL_MOST:
            raise Refused(413, gmail_error(413, 'uploadTooLarge', 'Request Entity Too Large'))

    def parse(self, body):
        """The message, as bytes."""
        wanted = 'text/plain' if self.host() == GRAPH else 'message/rfc822'
        if self.headers.get('Content-Type') != wanted:
            raise Refused(415 if self.host() == GMAIL else 400, graph_error('BadRequest', 'Unexpected content type'))
        if self.host() == GMAIL:
            return body
        try:
            return base64.b64decode(body, validate=True)
        except binascii.Error:
            raise Refused(400, graph_error('ErrorMimeContentInvalidBase64String',
                                           'Invalid base64 string for MIME content.')) from None

    def check_message(self, mime):
        """The recipients of the header."""
        graph = self.host() == GRAPH
        message = email.message_from_bytes(mime, policy=email.policy.compat32)
        to = [a for _, a in email.utils.getaddresses(
            [v for name in ('To', 'Cc', 'Bcc') for v in message.get_all(name, [])]) if a]
        sender = email.utils.parseaddr(message.get('From', ''))[1]
        if not to:
            raise Refused(400, graph_error('ErrorInvalidRecipients', 'At least one recipient is not valid.')
                          if graph else gmail_error(400, 'invalidArgument', 'Recipient address required'))
        if len(to) > MANY[self.host()]:
            raise Refused(400, graph_error('ErrorExceededMaxRecipientLimit', 'too many recipients')
                          if graph else gmail_error(400, 'invalidArgument', 'Too many recipients'))
        if graph and sender.lower() != self.user:
            raise Refused(403, graph_error('ErrorSendAsDenied', 'The user account which was used to submit this request '
                                           'does not have the right to send mail on behalf of the specified sending '
                                           'account.'))
        return to

    def answer(self, api, body):
        told = api.then.pop(0) if api.then else None
        if isinstance(told, tuple):
            return self.say(*told)
        mime = self.parse(body)
        to = self.check_message(mime)
        with api.lock:
            if api.throttled_after is not None and len(api.sent) >= api.throttled_after:
                raise Refused(429, graph_error('TooManyRequests', 'Too many requests'), {'Retry-After': '2.128'})
            api.sent.append((self.host(), to, without_bcc(mime)))
        if told == 'cut':
            return self.hang_up()
        if told == 'slow':
            api.over.wait(60)
            return self.hang_up()
        if self.host() == GRAPH:
            return self.say(202, {}, b'')
        return self.say(200, {}, {'id': '18c', 'threadId': '18c', 'labelIds': ['SENT']})

    def say(self, status, headers, body):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        if 'Content-Type' not in headers:
            self.send_header('Content-Type', 'application/json')
        for pair in headers.items():
            self.send_header(*pair)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def hang_up(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def without_bcc(mime):
    """What recipients get."""
    return re.sub(rb'(?im)^Bcc:.*\r\n(?:[ \t].*\r\n)*', b'', mime)


class MailApi:
    """`tokens`: {token: (the user's address, the scope it is for)}; `sent`: (host, recipients, message) of each that
    was taken; `asked`: (host, path, headers, body) of each whole request; `begun`: how many heads came."""

    def __init__(self, authority, certificate='api'):
        if certificate == 'api':
            authority.leaf('api', 'DNS:%s,DNS:%s' % (GRAPH, GMAIL))
        self.tokens, self.sent, self.asked, self.then, self.begun = {}, [], [], [], 0
        self.throttled_after = None
        self.lock, self.over = threading.Lock(), threading.Event()
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads, self.server.api = True, self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.cert(certificate), authority.key(certificate))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def detours(self):
        """For $OUTPOST_CONNECT_TO."""
        return ','.join('%s:443:127.0.0.1:%d' % (host, self.port) for host in (GRAPH, GMAIL))

    def stop(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(10)
