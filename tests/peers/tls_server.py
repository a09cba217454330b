"""Python's `ssl` as a server for one client: answers each line in capitals, and ends with its close_notify.

Prints `listening on ADDR:PORT` first. Fails if the client goes without a close_notify of its own.
"""

import socket

from peer_tls import server_context

with socket.create_server(("127.0.0.1", 0)) as listener:
    listener.settimeout(20)
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    tcp, _ = listener.accept()
    tcp.settimeout(20)
with server_context().wrap_socket(tcp, server_side=True, suppress_ragged_eofs=False) as tls:
    buffer = b""
    while True:
        data = tls.recv(65536)
        if not data:
            break
        buffer += data
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            tls.sendall((line.decode().upper() + "\n").encode())
    assert buffer == b"", f"the last line has no end: {buffer!r}"
    tls.unwrap()
