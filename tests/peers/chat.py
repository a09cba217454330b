"""Python's `websockets` in a room of the chat: joins, says one line, and waits until it has heard every line it is given.

    python chat.py URL NICK ROOM SAYS HEARS...
"""

import asyncio
import sys

import websockets.asyncio.client

DEADLINE = 30


async def talk(url, nick, room, says, hears):
    async with websockets.asyncio.client.connect(url, open_timeout=DEADLINE) as socket:
        await socket.send(f"/nick {nick}")
        await socket.send(f"/room {room}")
        missing = set(hears)
        told = False
        async for line in socket:
            missing.discard(line)
            # It speaks once it is in the room, so that its own line is heard there.
            if not told and line.endswith("comes in") and nick in line:
                print("in", flush=True)
                await asyncio.to_thread(sys.stdin.readline)
                await socket.send(says)
                told = True
            if told and not missing:
                print("heard all", flush=True)
                return
        raise SystemExit(f"the server closed; not heard: {missing}")


url, nick, room, says, *hears = sys.argv[1:]
asyncio.run(asyncio.wait_for(talk(url, nick, room, says, hears), DEADLINE))
