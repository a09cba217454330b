"""Python's `ssl` as the client of a server that sends lines back: python tls_client.py HOST PORT

Asks for the end in order on both sides: its own close_notify, and the server's, without which `ssl` fails a read.
"""

import socket
import sys

from peer_tls import client_context

host, port = sys.argv[1:]
with socket.create_connection((host, int(port)), timeout=20) as tcp:
    # suppress_ragged_eofs would take a cut for an end.
    with client_context().wrap_socket(tcp, server_hostname="localhost", suppress_ragged_eofs=False) as tls:
        print(tls.version(), tls.cipher()[0], flush=True)
        lines = tls.makefile("rwb")
        for line in ["hello", "grüße", "x" * 100_000, ""]:
            lines.write((line + "\n").encode())
            lines.flush()
            answer = lines.readline().decode()
            assert answer == line + "\n", f"sent {line[:60]!r}, got {answer[:60]!r}"
        big = bytes(number % 251 for number in range(1 << 20)).replace(b"\n", b"?").replace(b"\r", b"?")
        lines.write(big + b"\n")
        lines.flush()
        assert lines.readline() == big + b"\n", "a megabyte came back changed"
        # Sends close_notify and waits for the server's.
        tls.unwrap()
