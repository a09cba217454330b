"""TLS for the peers in Python, by Python's own `ssl`. What is asked for stands in the environment:

    PEER_TLS_DIR      the folder with root.pem, server.pem, server-key.pem; without it there is no TLS
    PEER_TLS_VERSION  1.2 or 1.3: this one and no other
"""

import os
import select
import ssl
import threading

FOLDER = os.environ.get("PEER_TLS_DIR")
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class OneThreadAtATime(ssl.SSLSocket):
    """A TLS socket that one thread may read while another writes, as the threaded `websockets` does.

    OpenSSL wants no two threads in one connection (its issue 20446), and Python 3.11 does not keep them apart. Where a
    client's first write met the server's session ticket, the write said that all was well, and nothing had been sent.
    """

    # One for all connections of this program, which are few.
    turn = threading.RLock()

    def settimeout(self, seconds):
        with self.turn:
            super().settimeout(seconds)

    def in_turn(self, act, *arguments):
        while True:
            with self.turn:
                patience = self.gettimeout()
                self.settimeout(0)
                try:
                    return act(*arguments)
                except ssl.SSLWantReadError:
                    wanted = [self], []
                except ssl.SSLWantWriteError:
                    wanted = [], [self]
                finally:
                    self.settimeout(patience)
            # Without the turn: who waits for the network must not keep the other thread waiting, too.
            if not any(select.select(*wanted, [], patience)):
                raise TimeoutError("the socket's time-out is over")

    def recv(self, *arguments):
        return self.in_turn(super().recv, *arguments)

    def send(self, *arguments):
        return self.in_turn(super().send, *arguments)


def prepared(context):
    context.sslsocket_class = OneThreadAtATime
    version = os.environ.get("PEER_TLS_VERSION")
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def client_context():
    """Verifies the server and its name; None without TLS."""
    return FOLDER and prepared(ssl.create_default_context(cafile=os.path.join(FOLDER, "root.pem")))


def server_context():
    """None without TLS."""
    if not FOLDER:
        return None
    context = prepared(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.load_cert_chain(os.path.join(FOLDER, "server.pem"), os.path.join(FOLDER, "server-key.pem"))
    return context
