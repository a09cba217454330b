"""A client of an echo server, and of a news server that somebody else wrote. The module socket alone.

    first_client.py PORT                sends each line of standard input, and prints the reply
    first_client.py PORT news GROUP     asks a news server how many articles the group has

Both protocols are in unit.md.
"""

import socket
import sys


class Failed(Exception):
    """What the server did, and we cannot go on from."""


def connect(port):
    # HOLE Connect to `port` of 127.0.0.1, which is this machine, and return the socket.
    # Blocks until the other system has answered: yes (SYN, ACK), no (RST), or nothing, for about two minutes.
    return socket.create_connection(("127.0.0.1", port))
    # END


def reply(server):
    """One line from the server, without its ending. `server` reads as often as it takes until the line feed is there."""
    # HOLE Read a line with `server.readline()`, and return it as text, without its LF or CR LF.
    #  If the server closes before the line is whole, raise Failed.
    line = server.readline()
    if not line.endswith(b"\n"):
        # No line feed, so this is the end of the stream, and what came before it is no reply.
        raise Failed("the server closed before its reply was whole")
    return line.removesuffix(b"\n").removesuffix(b"\r").decode(errors="replace")
    # END


def echo(stream, server):
    """The client speaks first, and the two take turns."""
    # `iter` asks for a line when the one before is done with; `for line in sys.stdin` may read ahead.
    for line in iter(sys.stdin.readline, ""):
        line = line.removesuffix("\n")
        # HOLE Send `line` with a line feed by `sendall`. Then wait for the reply, and print it at once.
        stream.sendall((line + "\n").encode())
        # Into a pipe or a file `print` gathers some kilobytes first, unless it is told to flush.
        print(reply(server), flush=True)
        # END


def news(stream, server, group):
    """The server speaks first (RFC 3977 section 5.1), and then the two take turns."""
    # HOLE Wait for the greeting: 200 or 201; if it is another, raise Failed. Ask for the group with `ask`.
    #  If the answer begins with 211, print "COUNT articles, FIRST to LAST"; else raise Failed.
    #  Either way take your leave with QUIT, and wait for the answer, before that.
    greeting = reply(server)
    if not greeting.startswith(("200 ", "201 ")):
        raise Failed("the server said: " + greeting)
    answer = ask(stream, server, "GROUP " + group)
    # "211 count first last group" (section 6.1.1). The three digits are for programs, the text after them for people.
    code, *words = answer.split()
    if code == "211":
        print(f"{words[0]} articles, {words[1]} to {words[2]}", flush=True)
    ask(stream, server, "QUIT")
    if code != "211":
        raise Failed("the server said: " + answer)
    # END


def ask(stream, server, command):
    """Sends a command and waits for its answer."""
    # HOLE Send `command`. In this protocol a line ends with CR LF. Then return the reply.
    stream.sendall((command + "\r\n").encode())
    return reply(server)
    # END


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    try:
        with connect(port) as stream, stream.makefile("rb") as server:
            if len(sys.argv) > 3:
                news(stream, server, sys.argv[3])
            else:
                echo(stream, server)
    except (OSError, Failed) as problem:
        # Who starts a program learns by its exit code whether it worked; people read why on standard error.
        sys.exit(f"first_client: {problem}")


main()
