"""Python's `websockets` as the server of our clients.

    python websocket_server.py sync       its threaded server
    python websocket_server.py asyncio    its asynchronous one

For wss://, see peer_tls.py. Prints `listening on ADDR:PORT` as its first line. What it does with a client depends on the path:

    /lines            for `ws_client`: says `ready`; then pings, and answers each text in capitals, in two fragments.
                      Ends when that client has gone, with an error unless it closed with 1000.
    /goodbye          for `ws_client`: says `ready`, closes with 1001, and ends when that was answered with the same.
    /getCaseCount,    for `ws_echo_client`: what an Autobahn fuzzing server does, with cases of our own. Ends after the
    /runCase,         reports were asked for, with an error unless the client passed every case once.
    /updateReports
"""

import asyncio
import queue
import sys
import threading
import urllib.parse

import websockets.asyncio.server
import websockets.exceptions
import websockets.sync.server

from peer_tls import server_context

DEADLINE = 20
SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20]
FRAGMENTS = ["one ", "", "message"]
CASES = [kind * size for size in SIZES for kind in ("x", b"\x00\xff")] + ["grüße, 世界 🌍", FRAGMENTS]

passed = []


def whole(case):
    return "".join(case) if isinstance(case, list) else case


def end(code, expected=1000):
    """The verdict over a client that has said goodbye."""
    return None if code == expected else f"the client closed with {code} instead of {expected}"


def all_cases():
    expected = list(range(1, len(CASES) + 1))
    return None if passed == expected else f"passed {passed}, expected {expected}"


def request_of(client):
    url = urllib.parse.urlparse(client.request.path)
    return url.path, urllib.parse.parse_qs(url.query)


# --- threads ---


def threaded(client, finished):
    path, query = request_of(client)
    if path == "/lines":
        client.send("ready")
        for text in client:
            assert client.ping().wait(DEADLINE), "no pong"
            client.send([text.upper()[:1], text.upper()[1:]])
        finished.put(end(client.close_code))
    elif path == "/goodbye":
        client.send("ready")
        client.close(1001, "the lecture is over")
        finished.put(end(client.protocol.close_rcvd and client.protocol.close_rcvd.code, 1001))
    elif path == "/getCaseCount":
        client.send(str(len(CASES)))
    elif path == "/runCase":
        case = CASES[int(query["case"][0]) - 1]
        client.send(case)
        if client.recv(DEADLINE) == whole(case) and client.ping("?").wait(DEADLINE):
            passed.append(int(query["case"][0]))
    elif path == "/updateReports":
        client.close()
        finished.put(all_cases())


def run_threads():
    finished = queue.Queue()

    def serve(client):
        try:
            threaded(client, finished)
        except Exception as error:
            finished.put(repr(error))

    # Leaving the block waits for every handler: none of them may do it.
    with websockets.sync.server.serve(serve, "127.0.0.1", 0, max_size=None, ssl=server_context()) as server:
        print("listening on %s:%d" % server.socket.getsockname(), flush=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return finished.get(timeout=3 * DEADLINE)


# --- asyncio ---


async def run_asyncio():
    finished = asyncio.get_running_loop().create_future()

    async def serve(client):
        try:
            await asynchronous(client, finished)
        except Exception as error:
            if not finished.done():
                finished.set_result(repr(error))

    async with websockets.asyncio.server.serve(serve, "127.0.0.1", 0, max_size=None, ssl=server_context()) as server:
        print("listening on %s:%d" % server.sockets[0].getsockname(), flush=True)
        return await asyncio.wait_for(finished, 3 * DEADLINE)


async def asynchronous(client, finished):
    path, query = request_of(client)
    if path == "/lines":
        await client.send("ready")
        async for text in client:
            await asyncio.wait_for(await client.ping(), DEADLINE)
            await client.send([text.upper()[:1], text.upper()[1:]])
        finished.set_result(end(client.close_code))
    elif path == "/goodbye":
        await client.send("ready")
        await client.close(1001, "the lecture is over")
        finished.set_result(end(client.protocol.close_rcvd and client.protocol.close_rcvd.code, 1001))
    elif path == "/getCaseCount":
        await client.send(str(len(CASES)))
    elif path == "/runCase":
        case = CASES[int(query["case"][0]) - 1]
        await client.send(case)
        if await asyncio.wait_for(client.recv(), DEADLINE) == whole(case):
            await asyncio.wait_for(await client.ping("?"), DEADLINE)
            passed.append(int(query["case"][0]))
    elif path == "/updateReports":
        await client.close()
        finished.set_result(all_cases())


# Nothing, or what was wrong.
sys.exit(run_threads() if sys.argv[1] == "sync" else asyncio.run(run_asyncio()))
