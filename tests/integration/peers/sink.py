#!/usr/bin/python3
"""A server that takes everything and keeps nothing but counts: quick, so that it measures the client.

Run as a program: sink.py CERT KEY STARTTLS-PORT TLS-PORT. Says a line for each message: "kept BYTES".
Offers PIPELINING, CHUNKING, 8BITMIME, SIZE and AUTH PLAIN; any password is right.
"""
import asyncio
import os
import ssl
import sys

from .peer import Peer
from .process import free_port


def start(authority):
    ports = {'starttls': free_port(), 'tls': free_port()}
    peer = Peer('sink', ports, ['PLAIN'], os.devnull)
    peer.run([sys.executable, '-m', 'peers.sink', authority.cert(), authority.key(), str(ports['starttls']),
              str(ports['tls'])], cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))), says='^ready$')
    return peer


class Session:
    def __init__(self, context, reader, writer, secure):
        self.context, self.reader, self.writer, self.secure = context, reader, writer, secure

    def say(self, text):
        self.writer.write(text.encode() + b'\r\n')

    async def converse(self):
        self.say('220 sink.test')
        self.size = 0
        while line := await self.reader.readline():
            verb, _, rest = line.decode('latin-1').strip().partition(' ')
            handler = getattr(self, 'verb_' + verb.lower(), None)
            if verb.upper() == 'QUIT':
                self.say('221 bye')
                break
            if handler:
                await handler(rest)
            else:
                self.say('250 2.0.0 ok')
            await self.writer.drain()
        self.writer.close()

    async def verb_ehlo(self, rest):
        words = ['sink.test', 'PIPELINING', 'CHUNKING', '8BITMIME', 'SIZE', 'ENHANCEDSTATUSCODES',
                 'AUTH PLAIN' if self.secure else 'STARTTLS']
        self.say('\r\n'.join('250%s%s' % ('-' if word is not words[-1] else ' ', word) for word in words))

    async def verb_starttls(self, rest):
        self.say('220 go ahead')
        await self.writer.drain()
        await self.writer.start_tls(self.context)
        self.secure = True

    async def verb_auth(self, rest):
        if not rest.partition(' ')[2]:
            self.say('334 ')
            await self.reader.readline()
        self.say('235 2.7.0 welcome')

    async def verb_bdat(self, rest):
        left = int(rest.split()[0])
        self.size += left
        while left:
            left -= len(await self.reader.readexactly(min(left, 65536)))
        if rest.upper().endswith('LAST'):
            self.kept()
        else:
            self.say('250 2.0.0 more')

    async def verb_data(self, rest):
        self.say('354 go ahead')
        while (line := await self.reader.readline()) not in (b'.\r\n', b''):
            self.size += len(line)
        self.kept()

    def kept(self):
        print('kept %d' % self.size, flush=True)
        self.size = 0
        self.say('250 2.0.0 kept')


async def main(cert, key, starttls, tls):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def serve(secure):
        async def session(reader, writer):
            try:
                await Session(context, reader, writer, secure).converse()
            except (OSError, asyncio.IncompleteReadError):
                pass        # the client has gone
        return session

    limit = 1 << 20
    await asyncio.start_server(serve(False), '127.0.0.1', int(starttls), limit=limit)
    await asyncio.start_server(serve(True), '127.0.0.1', int(tls), limit=limit, ssl=context)
    print('ready', flush=True)
    await asyncio.Event().wait()


if __name__ == '__main__':
    asyncio.run(main(*sys.argv[1:]))
