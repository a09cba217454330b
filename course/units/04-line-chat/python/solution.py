"""Line chat: a server, a thread for each client, the standard library's socket alone.

What a client says in a line, all others are told: "1: hello". The protocol is in unit.md.
"""

import socket
import sys
import threading

# A line's bytes, without the LF or CR LF that ends it.
LIMIT = 1024

# Everybody who is in, by number, and the lock without which nobody looks at them.
clients = {}
lock = threading.Lock()


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    with socket.create_server(("127.0.0.1", port)) as listener:
        print(f"listening at 127.0.0.1:{port}", flush=True)
        number = 0
        while True:
            stream, _ = listener.accept()
            number += 1
            threading.Thread(target=serve, args=(number, stream), daemon=True).start()


def serve(number, stream):
    """One client, from its first byte to its last."""
    with stream:
        try:
            enter(number, stream)
            converse(number, stream)
        except OSError as error:
            print(f"client {number}: {error}", file=sys.stderr)
        finally:
            with lock:
                clients.pop(number, None)


def enter(number, stream):
    """Into the table and greeted under one lock, so that nobody's line comes before the greeting."""
    with lock:
        clients[number] = stream
        stream.sendall(b"welcome %d\n" % number)


def converse(number, stream):
    # What has come and is no whole line yet. Bytes, not text: a read may end in the middle of a character.
    received = b""
    while True:
        # HOLE Read what there is, and put it behind what has come before.
        #  When the client has finished, return: there will never be more.
        piece = stream.recv(4096)
        if not piece:
            # What is left over is half a line, and half a line is none.
            return
        received += piece
        # END

        # HOLE Take every whole line out of `received`, without its ending, and pass it on.
        #  It ends with LF or CR LF. One of more than LIMIT bytes is refused.
        while b"\n" in received:
            line, received = received.split(b"\n", 1)
            line = line.removesuffix(b"\r")
            if len(line) > LIMIT:
                return refuse(stream)
            pass_on(number, line)
        # END

        # HOLE Refuse a line that is too long already, though its end has not come.
        #  One more than LIMIT may be the CR of a line that is just not too long.
        if len(received) > LIMIT + 1:
            return refuse(stream)
        # END


def pass_on(number, line):
    """"1: hello" to everybody but the client who said it."""
    told = b"%d: %s\n" % (number, line)
    # HOLE Write `told` to all clients in the table but `number`.
    #  One who has left must not keep the others from hearing it.
    with lock:
        for other, stream in clients.items():
            if other != number:
                try:
                    stream.sendall(told)
                except OSError:
                    pass  # Who cannot be written to has left; its own thread notices and takes it out.
    # END


def refuse(stream):
    stream.sendall(b"error line too long\n")


if __name__ == "__main__":
    main()
