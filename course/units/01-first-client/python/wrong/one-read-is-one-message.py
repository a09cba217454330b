"""Wrong on purpose: takes what one `recv` brings for the whole reply."""

import socket
import sys


class Failed(Exception):
    pass


def connect(port):
    return socket.create_connection(("127.0.0.1", port))


def reply(server):
    data = server.recv(4096)
    if not data:
        raise Failed("the server closed before it had replied")
    return data.decode(errors="replace").rstrip("\r\n")


def echo(stream, server):
    for line in iter(sys.stdin.readline, ""):
        line = line.removesuffix("\n")
        stream.sendall((line + "\n").encode())
        print(reply(server), flush=True)


def news(stream, server, group):
    greeting = reply(server)
    if not greeting.startswith(("200 ", "201 ")):
        raise Failed("the server said: " + greeting)
    answer = ask(stream, server, "GROUP " + group)
    code, *words = answer.split()
    if code == "211":
        print(f"{words[0]} articles, {words[1]} to {words[2]}", flush=True)
    ask(stream, server, "QUIT")
    if code != "211":
        raise Failed("the server said: " + answer)


def ask(stream, server, command):
    stream.sendall((command + "\r\n").encode())
    return reply(server)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    try:
        with connect(port) as stream:
            server = stream
            if len(sys.argv) > 3:
                news(stream, server, sys.argv[3])
            else:
                echo(stream, server)
    except (OSError, Failed) as problem:
        sys.exit(f"first_client: {problem}")


main()
