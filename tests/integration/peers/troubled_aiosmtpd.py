"""Python's aiosmtpd with handlers that fail, in the tests' own process: each port in one way, with TLS at once."""
import asyncio
import ssl
import threading

from .debian import Unavailable
from .peer import PASSWORD, Peer
from .process import free_ports

WAYS = ('after-the-message', 'recipient', 'sign-in', 'lmtp')


def _handlers():
    from aiosmtpd.smtp import AuthResult

    class Keeps:
        async def handle_DATA(self, server, session, envelope):
            return '250 kept'

    class FailsAfterTheMessage:
        async def handle_DATA(self, server, session, envelope):
            raise ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 6379)")

    class FailsAtTheRecipient(Keeps):
        async def handle_RCPT(self, server, session, envelope, address, options):
            raise KeyError(address)

    def right(server, session, envelope, mechanism, login):
        return AuthResult(success=login.password == PASSWORD.encode())

    def fails(server, session, envelope, mechanism, login):
        raise TimeoutError('LDAP server did not answer')

    return {'after-the-message': (FailsAfterTheMessage, right), 'recipient': (FailsAtTheRecipient, right),
            'sign-in': (Keeps, fails), 'lmtp': (Keeps, right)}


def start(authority, zone):
    try:
        from aiosmtpd.lmtp import LMTP
        from aiosmtpd.smtp import SMTP
    except ImportError as error:
        raise Unavailable('aiosmtpd is not installed') from error
    ports, handlers, up = free_ports(WAYS), _handlers(), threading.Event()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.cert(), authority.key())

    def server(name):
        handler, authenticator = handlers[name]
        kind = LMTP if name == 'lmtp' else SMTP
        return lambda: kind(handler(), hostname='app.test', authenticator=authenticator, auth_require_tls=False)

    async def serve():
        for name in WAYS:
            await asyncio.get_running_loop().create_server(server(name), '127.0.0.1', ports[name], ssl=context)
        up.set()
        await asyncio.Event().wait()
    threading.Thread(target=asyncio.run, args=(serve(),), daemon=True).start()
    up.wait(30)
    return Peer('aiosmtpd in trouble', ports, ['PLAIN', 'LOGIN'], None)
