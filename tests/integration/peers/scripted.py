#!/usr/bin/python3
"""Python's aiosmtpd with a script: what it does wrong is told by the recipients.

    codeNNN@...     RCPT is answered with NNN
    body-NNN@...    the message is answered with NNN after its end
    drop@...        the connection is cut after the final dot, before an answer
    slow@...        the answer to the final dot never comes
    early@...       the connection is cut at the first line of the body

Run as a program: scripted.py CERT KEY FOLDER USER PASSWORD STARTTLS-PORT TLS-PORT
"""
import asyncio
import importlib.util
import os
import re
import ssl
import sys

from .debian import Unavailable
from .peer import PASSWORD, USER, Peer
from .process import free_port


def start(authority, folder, certificate='good'):
    if not importlib.util.find_spec('aiosmtpd'):
        raise Unavailable('python3-aiosmtpd is not installed')
    ports = {'starttls': free_port(), 'tls': free_port()}
    peer = Peer('aiosmtpd', ports, ['PLAIN', 'LOGIN'], str(folder))
    peer.run([sys.executable, '-m', 'peers.scripted', authority.cert(certificate), authority.key(certificate),
              str(folder), USER, PASSWORD, str(ports['starttls']), str(ports['tls'])],
             cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))), says='^ready$')
    return peer


def main(cert, key, folder, user, password, *ports):
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import SMTP, AuthResult

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers('DEFAULT:@SECLEVEL=0')      # it may show what nobody should take
    context.load_cert_chain(cert, key)

    def authenticate(server, session, envelope, mechanism, login):
        right = mechanism in ('PLAIN', 'LOGIN') and (login.login, login.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    class Script:
        kept = 0

        async def handle_RCPT(self, server, session, envelope, address, options):
            asked = re.match(r'code(\d{3})@', address)
            if asked:
                return asked[1] + ' asked for'
            envelope.rcpt_tos.append(address)
            return '250 2.1.5 OK'

        async def handle_DATA(self, server, session, envelope):
            locals_ = [address.partition('@')[0] for address in envelope.rcpt_tos]
            refusal = next((l[5:] for l in locals_ if re.fullmatch(r'body-\d{3}', l)), None)
            if refusal:
                return refusal + ' asked for'
            self.kept += 1
            with open(os.path.join(folder, '%d.eml' % self.kept), 'wb') as f:
                f.write(envelope.content)
            if 'drop' in locals_:
                server.transport.abort()
            if 'slow' in locals_:
                await asyncio.get_running_loop().create_future()
            return '250 2.0.0 kept'

    class Cutting(SMTP):
        async def smtp_DATA(self, arg):
            if any(address.startswith('early@') for address in self.envelope.rcpt_tos):
                await self.push('354 go ahead')
                await self._reader.readline()
                self.transport.abort()
                return
            await super().smtp_DATA(arg)

    class Server(Controller):
        def factory(self):
            return Cutting(self.handler, **self.SMTP_kwargs)

    common = dict(hostname='127.0.0.1', authenticator=authenticate, enable_SMTPUTF8=True, decode_data=False,
                  auth_required=True, data_size_limit=200 << 20, server_hostname='aiosmtpd.test')
    script = Script()
    for server in (Server(script, port=int(ports[0]), tls_context=context, require_starttls=True, **common),
                   Server(script, port=int(ports[1]), ssl_context=context, auth_require_tls=False, **common)):
        server.start()
    print('ready', flush=True)
    sys.stdin.read()
    asyncio.new_event_loop().run_forever()


if __name__ == '__main__':
    main(*sys.argv[1:])
