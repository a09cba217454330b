"""Resets at every state of a conversation, also where nothing lies unread: SO_LINGER with a time of 0 makes close() one.

    python resets.py HOST PORT TIMES     so many at each state

Ends with an error if the server does not answer the handshake.
"""

import socket
import struct
import sys

DEADLINE = 20
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BEFORE = [b"", b"GET / HT", UPGRADE[:-2], UPGRADE]
AFTER = [
    b"",
    b"\x82",
    b"\x82\xfe\x01",
    b"\x82\xfe\x01\x00\0\0\0\0abc",
    b"\x01\x83\0\0\0\0abc",
    b"\x88\x85\0\0\0\0\x03\xe8",
    b"\x88\x82\0\0\0\0\x03\xe8",
]


def connect(address):
    client = socket.create_connection(address, DEADLINE)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return client


address = (sys.argv[1], int(sys.argv[2]))
for _ in range(int(sys.argv[3])):
    for begins in BEFORE:
        client = connect(address)
        client.sendall(begins)
        client.close()
    for begins in AFTER:
        client = connect(address)
        client.sendall(UPGRADE)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            part = client.recv(4096)
            assert part, f"the end came after {head!r}"
            head += part
        assert head.startswith(b"HTTP/1.1 101 "), head
        client.sendall(begins)
        client.close()
print(f"{len(BEFORE) + len(AFTER)} states")
