"""Wrong on purpose: takes everything blank away from the end of a line."""

import socket
import sys
import threading

LIMIT = 1024

clients = {}
lock = threading.Lock()


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    with socket.create_server(("127.0.0.1", port)) as listener:
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
    received = b""
    while True:
        piece = stream.recv(4096)
        if not piece:
            return
        received += piece

        while b"\n" in received:
            line, received = received.split(b"\n", 1)
            line = line.rstrip()
            if len(line) > LIMIT:
                return refuse(stream)
            pass_on(number, line)

        if len(received) > LIMIT + 1:
            return refuse(stream)


def pass_on(number, line):
    """"1: hello" to everybody but the client who said it."""
    told = b"%d: %s\n" % (number, line)
    with lock:
        for other, stream in clients.items():
            if other != number:
                try:
                    stream.sendall(told)
                except OSError:
                    pass


def refuse(stream):
    stream.sendall(b"error line too long\n")


if __name__ == "__main__":
    main()
