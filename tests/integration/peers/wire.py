"""A long wire to a peer: delays each direction and counts how often the client waited for an answer."""
import asyncio
import threading


class Wire:
    """`port` leads to the peer's port, `delay` seconds away. `round_trips` of the last call: one for TCP,
    and one for each time the server answered what the client had said, as long as the client listened."""

    def __init__(self, target, delay):
        self.target, self.delay = target, delay
        self.round_trips = 0
        self.loop = asyncio.new_event_loop()
        self.ready, self.over = threading.Event(), asyncio.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),), daemon=True)

    def __enter__(self):
        self.thread.start()
        self.ready.wait(10)
        return self

    def __exit__(self, *problem):
        self.loop.call_soon_threadsafe(self.over.set)
        self.thread.join(10)

    async def _serve(self):
        server = await asyncio.start_server(self._call, '127.0.0.1', 0)
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        await self.over.wait()
        server.close()
        calls = asyncio.all_tasks() - {asyncio.current_task()}
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    async def _call(self, reader, writer):
        call = {'spoken': True, 'listens': True}    # a greeting answers the call itself
        self.round_trips = 1
        await asyncio.sleep(2 * self.delay)         # of the SYN and its answer
        peer_reader, peer_writer = await asyncio.open_connection('127.0.0.1', self.target)

        def to_client(data):
            if call['spoken'] and call['listens']:
                self.round_trips += 1
            call['spoken'] = False
            writer.write(data) if data else writer.close()

        def to_peer(data):
            peer_writer.write(data) if data else peer_writer.close()

        async def carry(source, deliver, heard):
            while True:
                try:
                    data = await source.read(65536)
                except OSError:
                    data = b''
                heard(data)
                self.loop.call_later(self.delay, deliver, data)
                if not data:
                    return

        def client_said(data):
            call['spoken' if data else 'listens'] = bool(data)

        await asyncio.gather(carry(reader, to_peer, client_said), carry(peer_reader, to_client, lambda data: None))
