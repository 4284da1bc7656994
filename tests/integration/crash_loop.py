#!/usr/bin/python3
"""crash_loop.py [BUILD] [--kills N] [--seed S] - outpost serve is killed by kill -9, again and again, while it takes mail in
and sends it on; then what was told is compared with what is.

Clients hand in messages over SMTP and remember each 250. The provider behind is a server that notes each message, for
each recipient, before it answers. The moments are drawn from the seed: some while the daemon starts, the others within
a short while of the first 250 of that life. At the end the daemon is left in peace until nothing waits any more:

    lost       a recipient of a message that was answered with 250, to whom nothing came
    twice      something came more than once, and the queue does not say of it that a try ended unknown
    changed    what came is not what was handed in, or nobody had handed it in

A message without an answer may have arrived or not, but only once, too.
"""
import argparse
import asyncio
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CLIENTS, CHANNELS = 8, 4
LOOK = 1            # seconds between looks at a queue of which nothing is heard
WITHIN = 0.12       # seconds of load before a kill, at most
STARTING = 0.05     # the same, of those that come while it starts
PATIENCE = 120      # seconds for whatever is awaited

CONFIGURATION = '''
[account test]
address = alice@example.test
auth = none
security = none
server = 127.0.0.1:%(provider)d
limit.connections = %(channels)d
[listen desk]
address = 127.0.0.1:%(desk)d
security = none
no_password_from = 127.0.0.0/8
'''


def digest(body):
    return hashlib.sha256(body).hexdigest()[:32]


class Provider:
    """Takes everything, and knows what came: {(Message-ID, recipient): how often}."""

    def __init__(self):
        self.taken, self.changed = {}, []

    async def start(self):
        self.server = await asyncio.start_server(self.serve, '127.0.0.1', 0, limit=1 << 21)
        self.port = self.server.sockets[0].getsockname()[1]

    def note(self, text, recipients):
        head, _, body = text.partition(b'\r\n\r\n')
        name = re.search(rb'(?m)^Message-ID: <(.*)>\r?$', head).group(1).decode()
        if name.partition('@')[0].partition('.')[2] != digest(body):
            self.changed.append(name)
        for recipient in recipients:
            self.taken[name, recipient] = self.taken.get((name, recipient), 0) + 1

    async def serve(self, reader, writer):
        recipients, chunks = [], []
        writer.write(b'220 provider.test\r\n')
        try:
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b'EHLO':
                    writer.write(b'250-provider.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME\r\n')
                    continue
                if verb == b'DATA':
                    writer.write(b'354 go on\r\n')
                    text = await reader.readuntil(b'\r\n.\r\n')
                    self.note(text[:-3].replace(b'\r\n.', b'\r\n'), recipients)
                elif verb == b'BDAT':
                    words = line.split()
                    chunks.append(await reader.readexactly(int(words[1])))
                    if words[-1].upper() == b'LAST':
                        self.note(b''.join(chunks), recipients)
                if verb in (b'RSET', b'MAIL'):
                    recipients, chunks = [], []
                if verb == b'RCPT':
                    recipients.append(line.decode().partition('<')[2].partition('>')[0])
                writer.write(b'221 bye\r\n' if verb == b'QUIT' else b'250 2.0.0 ok\r\n')
        except (OSError, asyncio.IncompleteReadError):
            pass    # its client was killed
        writer.close()


class Clients:
    """Hand in as fast as they are answered, over lines that break; `told` are the messages with a 250."""

    def __init__(self, port, seed):
        self.port, self.dice = port, random.Random(seed)
        self.told, self.unanswered, self.count = {}, {}, 0
        self.open = asyncio.Event()     # the daemon listens
        self.news = asyncio.Event()     # a 250 came

    def letter(self):
        """(name, recipients, text): mostly small, some of several pieces of the queue."""
        size = self.dice.choice((200, 200, 2000, 10000, 10000, 150000))
        body = b'\r\n'.join([b'%016x' % self.dice.getrandbits(64)] * (size // 18 + 1)) + b'\r\n'
        self.count += 1
        name = '%d.%s@example.test' % (self.count, digest(body))
        head = 'Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nFrom: alice@example.test\r\nMessage-ID: <%s>\r\n' % name
        recipients = ['%s%d@x.test' % (who, self.count) for who in 'ab'[:self.dice.choice((1, 1, 1, 2))]]
        return name, recipients, head.encode() + b'\r\n' + body

    @staticmethod
    async def hear(reader, good):
        while line := await reader.readline():
            if line[3:4] != b'-':
                if line[:3] != good:
                    raise RuntimeError('answered with %r' % line)
                return
        raise ConnectionResetError

    async def hand_in(self, reader, writer):
        name, recipients, text = self.letter()
        commands = ['MAIL FROM:<alice@example.test>', *('RCPT TO:<%s>' % r for r in recipients), 'DATA']
        writer.write('\r\n'.join(commands).encode() + b'\r\n')
        for command in commands:
            await self.hear(reader, b'354' if command == 'DATA' else b'250')
        self.unanswered[name] = recipients
        writer.write(text + b'.\r\n')
        await self.hear(reader, b'250')
        self.told[name] = self.unanswered.pop(name)
        self.news.set()

    async def client(self):
        while True:
            await self.open.wait()
            try:
                reader, writer = await asyncio.open_connection('127.0.0.1', self.port)
            except OSError:
                await asyncio.sleep(0)      # killed just now
                continue
            try:
                await self.hear(reader, b'220')
                writer.write(b'EHLO me.test\r\n')
                await self.hear(reader, b'250')
                while self.open.is_set():
                    await self.hand_in(reader, writer)
            except OSError:
                pass
            writer.close()


class Loop:
    def __init__(self, program, folder, seed, kills, say=lambda text: None):
        self.program, self.folder, self.seed, self.kills, self.say = program, folder, seed, kills, say
        self.dice = random.Random(seed)
        self.config = os.path.join(folder, 'outpost.conf')
        self.provider = Provider()
        self.log = open(os.path.join(folder, 'log'), 'wb')
        self.environment = {'PATH': os.environ['PATH'], 'HOME': folder, 'LC_ALL': 'C.UTF-8'}

    async def ask(self, *words):
        """What a command of the program says."""
        one = await asyncio.create_subprocess_exec(self.program, *words, '--config', self.config, env=self.environment,
                                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, limit=1 << 24)
        out, _ = await one.communicate()
        return out.decode()

    async def start(self):
        daemon = await asyncio.create_subprocess_exec(self.program, 'serve', '--config', self.config,
                                                      env=self.environment, stderr=subprocess.PIPE, limit=1 << 20)
        daemon.ready = asyncio.Event()
        daemon.news = asyncio.Event()       # it said something
        daemon.reading = asyncio.create_task(self.read(daemon))
        return daemon

    async def read(self, daemon):
        while line := await daemon.stderr.readline():
            self.log.write(line)
            daemon.news.set()
            if b' ready ' in line:
                daemon.ready.set()

    async def until_ready(self, daemon):
        """True where it is; it may have ended instead."""
        ready = asyncio.create_task(daemon.ready.wait())
        await asyncio.wait([ready, daemon.reading], return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
        ready.cancel()
        if not daemon.ready.is_set():
            raise RuntimeError('it did not start; see %s' % self.log.name)

    async def live_and_die(self, clients):
        daemon = await self.start()
        if self.dice.random() < 0.15:
            await asyncio.sleep(self.dice.random() * STARTING)
        else:
            delay = self.dice.random() * WITHIN
            await self.until_ready(daemon)
            clients.news.clear()
            clients.open.set()
            await asyncio.wait_for(clients.news.wait(), PATIENCE)
            await asyncio.sleep(delay)
        daemon.send_signal(signal.SIGKILL)
        clients.open.clear()
        await daemon.wait()
        await daemon.reading

    async def come_to_rest(self):
        """What waits for a time or for a person is let go, until nothing waits. Whom the queue is not sure about."""
        daemon = await self.start()
        await self.until_ready(daemon)
        before, since = None, time.monotonic()
        while True:
            daemon.news.clear()
            counts = json.loads(await self.ask('status', '--json'))['queue']
            if not any(counts.values()):
                break
            if counts != before:
                before, since = counts, time.monotonic()
            if time.monotonic() > since + PATIENCE:
                raise RuntimeError('nothing comes of what is in the queue: %r' % counts)
            if counts['held'] or counts['unknown']:
                await self.ask('queue', 'release', '--all')
            if counts['deferred'] or counts['unknown']:
                await self.ask('queue', 'retry', '--all')
            try:        # whatever becomes of a message, it says; but for what becomes due
                await asyncio.wait_for(daemon.news.wait(), LOOK)
            except asyncio.TimeoutError:
                pass
        rows = [json.loads(row) for row in (await self.ask('queue', 'list', '--all', '--json')).splitlines()]
        daemon.terminate()
        await daemon.wait()
        await daemon.reading
        return {(row['message_id'].strip('<>'), recipient['address'])
                for row in rows for recipient in row['recipients'] if recipient['unsure']}

    async def run(self):
        """{what: how much}, of which lost, twice and changed are lists, empty where all is well."""
        with socket.socket() as s:
            s.bind(('127.0.0.1', 0))
            desk = s.getsockname()[1]
        await self.provider.start()
        with open(self.config, 'w') as f:
            f.write(CONFIGURATION % {'provider': self.provider.port, 'desk': desk, 'channels': CHANNELS})
        os.chmod(self.config, 0o600)
        clients = Clients(desk, self.dice.random())
        tasks = [asyncio.create_task(clients.client()) for _ in range(CLIENTS)]
        for n in range(self.kills):
            await self.live_and_die(clients)
            self.say('%d kills, %d messages told' % (n + 1, len(clients.told)))
            for task in tasks:
                if task.done():
                    task.result()       # what it could not bear
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        unsure = await self.come_to_rest()
        known = {**clients.told, **clients.unanswered}
        taken = self.provider.taken
        twice = [key for key, count in taken.items() if count > 1]
        return {
            'kills': self.kills, 'told': len(clients.told), 'unanswered': len(clients.unanswered),
            'arrived unanswered': len({name for name, _ in taken} & set(clients.unanswered)),
            'unknown': len(unsure), 'twice of these': len(unsure.intersection(twice)),
            'lost': [(name, r) for name, rs in clients.told.items() for r in rs if (name, r) not in taken],
            'twice': [key for key in twice if key not in unsure],
            'changed': self.provider.changed + [key for key in taken if key[1] not in known.get(key[0], ())],
        }


def crash_loop(program, folder, seed, kills, say=lambda text: None):
    return asyncio.run(Loop(program, str(folder), seed, kills, say).run())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build', nargs='?', default='build')
    parser.add_argument('--kills', type=int, default=1000)
    parser.add_argument('--seed', type=int, default=random.SystemRandom().randrange(1 << 32))
    given = parser.parse_args()
    print('seed %d' % given.seed, flush=True)
    folder = tempfile.mkdtemp(prefix='crash-loop-', dir='/var/tmp')
    say = (lambda text: print('\r' + text, end='', flush=True)) if sys.stdout.isatty() else lambda text: None
    began = time.monotonic()
    found = crash_loop(os.path.join(os.path.abspath(given.build), 'outpost'), folder, given.seed, given.kills, say)
    print('\r%s, in %.0f s' % (', '.join('%s %s' % (value if isinstance(value, int) else len(value), what)
                                        for what, value in found.items()), time.monotonic() - began))
    wrong = {what: value for what, value in found.items() if isinstance(value, list) and value}
    if wrong:
        print('%s\nits state and log stay in %s' % (json.dumps(wrong, indent=1), folder))
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == '__main__':
    sys.exit(main())
