"""Python's `websockets` as the client of our `ws_echo_server`.

    python websocket_client.py sync URL       its blocking client
    python websocket_client.py asyncio URL    its asynchronous one

For wss://, see peer_tls.py.

Ends with an error, and says which, if anything comes back that should not.
"""

import asyncio
import sys
import time

import websockets.asyncio.client
import websockets.sync.client

from peer_tls import client_context

DEADLINE = 20
CLOSE_DEADLINE = 5

# Around the borders of the three forms of a length (RFC 6455 section 5.2), and more than any buffer holds.
SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20]


def messages():
    for size in SIZES:
        yield "x" * size
        yield bytes(number % 251 for number in range(size))
    yield "grüße, 世界 🌍"
    yield "é" * 65535


# Fragments, cut in the middle of what belongs together.
FRAGMENTS = [["one ", "", "message"], [b"\x00" * 70000, b"\xff", b"\x01" * 10]]

# Codes a client may send, and what a server makes of them: it sends the same code back (section 7.1.5).
CLOSES = [(1000, ""), (1000, "done"), (1001, "leaving"), (3000, "é" * 61), (4999, "x" * 123)]

# The library asks for compression unless told otherwise, and must be content not to get it.
OPTIONS = {"open_timeout": DEADLINE, "close_timeout": CLOSE_DEADLINE, "max_size": None, "ssl": client_context()}


def same(got, sent):
    assert type(got) is type(sent), f"sent {type(sent).__name__}, got {type(got).__name__}"
    assert got == sent, f"{len(sent)} long, came back changed: {got[:60]!r}..."


def closed_with(client, code, started):
    # The library would be content with a server that never closes the TCP connection; RFC 6455 section 7.1.1 is not.
    assert time.monotonic() - started < CLOSE_DEADLINE, f"closed with {code}, and the connection stayed open"
    got = client.protocol.close_rcvd
    assert got is not None, f"after our close with {code} came no Close frame"
    assert not client.protocol.close_rcvd_then_sent, f"the server closed before us, with {got}"
    assert got.code == code, f"closed with {code}, answered {got}"


def blocking(url):
    with websockets.sync.client.connect(url, **OPTIONS) as client:
        assert client.protocol.extensions == [], client.protocol.extensions
        for message in messages():
            client.send(message)
            same(client.recv(DEADLINE), message)
        for fragments in FRAGMENTS:
            client.send(fragments)
            same(client.recv(DEADLINE), fragments[0][:0].join(fragments))
        for payload in ["", "ping", b"\x00" * 125]:
            assert client.ping(payload).wait(DEADLINE), f"no pong for {payload!r}"
        started = time.monotonic()
    closed_with(client, 1000, started)
    for code, reason in CLOSES:
        client = websockets.sync.client.connect(url, **OPTIONS)
        client.send("before the end")
        started = time.monotonic()
        client.close(code, reason)
        closed_with(client, code, started)


async def asynchronous(url):
    connect = lambda: websockets.asyncio.client.connect(url, **OPTIONS)

    async def one_of_many(number):
        async with connect() as client:
            for message in [f"client {number}, message {turn}" for turn in range(20)]:
                await client.send(message)
                same(await client.recv(), message)

    async with connect() as client:
        assert client.protocol.extensions == [], client.protocol.extensions
        for message in messages():
            await client.send(message)
            same(await client.recv(), message)
        # All of them before the first answer: they come back in their order.
        batch = [f"message {number}" for number in range(500)]
        for message in batch:
            await client.send(message)
        for message in batch:
            same(await client.recv(), message)
        for fragments in FRAGMENTS:
            await client.send(fragments)
            same(await client.recv(), fragments[0][:0].join(fragments))
        for payload in ["", "ping", b"\x00" * 125]:
            await asyncio.wait_for(await client.ping(payload), DEADLINE)
        started = time.monotonic()
    closed_with(client, 1000, started)
    await asyncio.gather(*(one_of_many(number) for number in range(20)))
    for code, reason in CLOSES:
        client = await connect()
        await client.send("before the end")
        started = time.monotonic()
        await client.close(code, reason)
        closed_with(client, code, started)


library, url = sys.argv[1:]
if library == "sync":
    blocking(url)
else:
    asyncio.run(asyncio.wait_for(asynchronous(url), 3 * DEADLINE))
