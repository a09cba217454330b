"""Python's own sockets as the server of our `line_client`: answers each line in capitals, to one client, and ends.

Prints `listening on ADDR:PORT` first, then each line it was sent. Ends with an error unless the client closed in order.
"""

import socket

DEADLINE = 20

with socket.create_server(("127.0.0.1", 0)) as listener:
    listener.settimeout(DEADLINE)
    print("listening on %s:%d" % listener.getsockname(), flush=True)
    client, _ = listener.accept()
    client.settimeout(DEADLINE)

buffer = b""
while True:
    data = client.recv(65536)  # a client that resets instead of closing ends us here, with an error
    if not data:
        break
    buffer += data
    while b"\n" in buffer:
        line, buffer = buffer.split(b"\n", 1)
        line = line.removesuffix(b"\r").decode()
        print(line, flush=True)
        reply = (line.upper() + "\n").encode()
        client.sendall(reply[:1])  # in two segments, as it pleases TCP
        client.sendall(reply[1:])
assert buffer == b"", f"the last line has no end: {buffer!r}"
client.close()
