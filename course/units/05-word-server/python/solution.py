"""Word server: who sends a text gets each of its words back, in a message of its own. Python's socket module alone.

A message is a length and then so many bytes. The protocol, with its two ways to write a length, is in unit.md.
"""

import socket
import struct
import sys
import threading

# The most bytes that a message may have behind its length.
LIMIT = 4096

# The most digits of a decimal size: as many as the largest number of four bytes has.
DIGITS = 10


class BadLength(Exception):
    """What came is no length, or one over LIMIT. Where the next message begins is unknown now."""


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    # How a length is written. Nothing on the wire says it, so both sides have to know.
    decimal = sys.argv[2:] == ["decimal"]
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], decimal), daemon=True).start()


def serve(connection, decimal):
    """One client, from its first byte to its last."""
    converse(connection, decimal)
    # Not by `with`: after an error the message comes first, and the connection is closed behind it, as garbage.
    connection.close()


def converse(connection, decimal):
    # What has come and is no whole message yet: perhaps half a length, perhaps a length and half of what it counts.
    received = b""
    while more := connection.recv(4096):
        received += more
        # HOLE As long as `received` begins with a whole message, take it out and send its answer.
        #  `announced` says how long it is. A bad length: send the message "error bad length", and return.
        try:
            while found := announced(received, decimal):
                mark, length = found
                if len(received) < mark + length:
                    break
                text, received = received[mark : mark + length], received[mark + length :]
                # The whole answer in one write: its parts would go as segments of their own.
                connection.sendall(answer(text, decimal))
        except BadLength:
            connection.sendall(message(b"error bad length", decimal))
            return
        # END


def announced(received, decimal):
    """How many bytes the length at the beginning takes, and how many it announces. None: it is not all there."""
    found = decimal_size(received) if decimal else binary_length(received)
    # The announced number is a stranger's word. It is compared before anything is done with it.
    if found and found[1] > LIMIT:
        raise BadLength
    return found


def binary_length(received):
    # HOLE Four bytes, the most significant first, are a number. Fewer are none yet.
    if len(received) < 4:
        return None
    return 4, struct.unpack_from(">I", received)[0]
    # END


def decimal_size(received):
    # HOLE One to DIGITS digits and CR LF are a size. What can still become one is none yet, what cannot is bad.
    digits = len(received) - len(received.lstrip(b"0123456789"))
    ending = received[digits : digits + 2]
    if digits > DIGITS or (digits == 0 and ending) or not b"\r\n".startswith(ending):
        raise BadLength
    # `int` takes signs and spaces as well: only digits come as far as this.
    return (digits + 2, int(received[:digits])) if ending == b"\r\n" else None
    # END


def message(payload, decimal):
    """`payload`, which is bytes, with its length in front."""
    # HOLE Put the length in front, in the form of the mode. It counts bytes.
    mark = b"%d\r\n" % len(payload) if decimal else struct.pack(">I", len(payload))
    return mark + payload
    # END


def answer(text, decimal):
    """A message for each word of `text`, and one without bytes behind the last."""
    # HOLE Words are what is between spaces. Between two spaces is none.
    words = [word for word in text.split(b" ") if word]
    return b"".join(message(word, decimal) for word in [*words, b""])
    # END


if __name__ == "__main__":
    main()
