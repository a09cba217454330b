"""Python's own sockets as the client of our TCP servers.

    python tcp_client.py bytes HOST PORT     echo_server: whatever comes goes back
    python tcp_client.py lines HOST PORT     simple_server, standard_server: each line goes back as a line
    python tcp_client.py turns HOST PORT     simple_server: the second client is served when the first has gone
    python tcp_client.py crowd HOST PORT     standard_server: nobody waits for anybody

Ends with an error, and says which, if the server does anything else.
"""

import random
import socket
import sys
import threading

DEADLINE = 20


def connect(address):
    client = socket.create_connection(address, DEADLINE)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def receive(client, count):
    """Exactly so many bytes, or the error that fewer came."""
    received = bytearray()
    while len(received) < count:
        part = client.recv(min(65536, count - len(received)))
        assert part, f"the server closed after {len(received)} of {count} bytes"
        received += part
    return bytes(received)


def end(client):
    """We say that we are done; the server must say so too, and must not have anything more to say."""
    client.shutdown(socket.SHUT_WR)
    rest = client.recv(65536)
    assert rest == b"", f"after the last reply came {rest!r}"
    client.close()


def exchange(client, data, reply=None):
    """Writes in another thread, so that neither side can be stuck writing to one that is writing."""
    writer = threading.Thread(target=client.sendall, args=(data,))
    writer.start()
    reply = data if reply is None else reply
    got = receive(client, len(reply))
    writer.join()
    assert got == reply, f"{len(data)} bytes came back changed: {got[:80]!r}..."


def with_bytes(address):
    client = connect(address)
    exchange(client, b"\x00")
    exchange(client, bytes(range(256)))
    exchange(client, random.Random(7).randbytes(1 << 20))
    end(client)
    end(connect(address))  # one who says nothing at all

    # Half-close: the end of what we have to say must not cost us what is still on its way back.
    client = connect(address)
    data = random.Random(8).randbytes(200_000)
    writer = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
    writer.start()
    got = receive(client, len(data))
    writer.join()
    assert got == data and client.recv(1) == b"", "half-close"
    client.close()


def with_lines(address):
    client = connect(address)
    exchange(client, b"hello\n")
    exchange(client, "grüße, 世界 🌍\n".encode())
    exchange(client, b"\n")  # an empty line is a line
    exchange(client, b"x" * 1000 + b"\n")
    exchange(client, b"".join(b"line %d\n" % number for number in range(100)))  # many in one segment
    for byte in b"drip\n":  # one in many
        client.sendall(bytes([byte]))
    assert receive(client, 5) == b"drip\n"
    end(client)


def in_turns(address):
    first, second = connect(address), connect(address)
    exchange(first, b"first\n")
    second.sendall(b"second\n")
    second.settimeout(0.3)
    try:
        early = second.recv(100)
        raise AssertionError(f"two clients at once: {early!r}")
    except TimeoutError:
        pass
    second.settimeout(DEADLINE)
    exchange(first, b"first again\n")
    end(first)
    assert receive(second, 7) == b"second\n"
    end(second)


def in_a_crowd(address):
    clients = [connect(address) for _ in range(20)]
    for number, client in reversed(list(enumerate(clients))):  # the first to come is the last to speak
        exchange(client, b"client %d\n" % number)
    for client in clients:
        end(client)


mode, host, port = sys.argv[1:]
{"bytes": with_bytes, "lines": with_lines, "turns": in_turns, "crowd": in_a_crowd}[mode]((host, int(port)))
