"""Wrong on purpose: the length in front of a word is that of the text, and not that of its bytes."""

import socket
import struct
import sys
import threading

LIMIT = 4096

DIGITS = 10


class BadLength(Exception):
    """What came is no length, or one over LIMIT. Where the next message begins is unknown now."""


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 7000
    decimal = sys.argv[2:] == ["decimal"]
    listener = socket.create_server(("127.0.0.1", port))
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0], decimal), daemon=True).start()


def serve(connection, decimal):
    """One client, from its first byte to its last."""
    converse(connection, decimal)
    connection.close()


def converse(connection, decimal):
    received = b""
    while more := connection.recv(4096):
        received += more
        try:
            while found := announced(received, decimal):
                mark, length = found
                if len(received) < mark + length:
                    break
                text, received = received[mark : mark + length], received[mark + length :]
                connection.sendall(answer(text, decimal))
        except BadLength:
            connection.sendall(message(b"error bad length", decimal))
            return


def announced(received, decimal):
    """How many bytes the length at the beginning takes, and how many it announces. None: it is not all there."""
    found = decimal_size(received) if decimal else binary_length(received)
    if found and found[1] > LIMIT:
        raise BadLength
    return found


def binary_length(received):
    if len(received) < 4:
        return None
    return 4, struct.unpack_from(">I", received)[0]


def decimal_size(received):
    digits = len(received) - len(received.lstrip(b"0123456789"))
    ending = received[digits : digits + 2]
    if digits > DIGITS or (digits == 0 and ending) or not b"\r\n".startswith(ending):
        raise BadLength
    return (digits + 2, int(received[:digits])) if ending == b"\r\n" else None


def message(payload, decimal):
    """`payload`, which is bytes, with its length in front."""
    mark = b"%d\r\n" % len(payload.decode()) if decimal else struct.pack(">I", len(payload.decode()))
    return mark + payload


def answer(text, decimal):
    """A message for each word of `text`, and one without bytes behind the last."""
    words = [word for word in text.split(b" ") if word]
    return b"".join(message(word, decimal) for word in [*words, b""])


if __name__ == "__main__":
    main()
