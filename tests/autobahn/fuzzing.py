"""The Autobahn suite's fuzzing peer, on loopback. Python 2.7, because that is all the suite runs on.

    python fuzzing.py client CASES OUTDIR AGENT URL     tests the server at URL, and ends
    python fuzzing.py server CASES OUTDIR               tests the clients that come, until its standard input ends

CASES is a list such as `1.*,2.*`; OUTDIR gets index.json and a report for each case. Instead of the suite's own `wstest`,
which would listen on every interface, at a fixed port, and serve its web pages besides. The server prints
`listening on ADDR:PORT` as its first line and listens at a port that was free; what else there is to say goes to stderr.
"""
from __future__ import print_function

import os
import socket
import sys
import warnings

warnings.filterwarnings("ignore")

from autobahntestsuite import fuzzing  # first of all, because it chooses Twisted's reactor
from twisted.internet import protocol, reactor, stdio


class EndWithParent(protocol.Protocol):
    """Whoever started us holds the other end of our stdin: when that closes, even because they were killed, we end."""

    def connectionLost(self, reason=None):
        if reactor.running:
            reactor.stop()


def serve(spec, announce):
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen(50)
    listener.setblocking(False)
    # Bound before the factory is made: the suite refuses a Host header that does not name the port in its `url`.
    spec["url"] = "ws://127.0.0.1:%d" % listener.getsockname()[1]
    reactor.adoptStreamPort(listener.fileno(), socket.AF_INET, fuzzing.FuzzingServerFactory(spec))
    stdio.StandardIO(EndWithParent())
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], file=announce)
    announce.flush()
    reactor.run()


def main(arguments):
    # The suite prints its progress; stdout is for our one line. In binary at the level of the descriptors, so that
    # nothing slips past.
    announce = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = os.fdopen(1, "w", 1)

    role, cases, outdir = arguments[:3]
    spec = {"outdir": outdir, "cases": cases.split(","), "exclude-cases": [], "exclude-agent-cases": {}}
    if role == "client":
        agent, url = arguments[3:]
        spec["servers"] = [{"agent": agent, "url": url}]
        fuzzing.startClient(spec)
        reactor.run()
    elif role == "server":
        serve(spec, announce)
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
