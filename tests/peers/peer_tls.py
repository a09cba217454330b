"""TLS for the peers in Python, by Python's own `ssl`. What is asked for stands in the environment:

    PEER_TLS_DIR      the folder with root.pem, server.pem, server-key.pem; without it there is no TLS
    PEER_TLS_VERSION  1.2 or 1.3: this one and no other
"""

import os
import ssl

FOLDER = os.environ.get("PEER_TLS_DIR")
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def only_one_version(context):
    version = os.environ.get("PEER_TLS_VERSION")
    if version:
        context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def client_context():
    """Verifies the server and its name; None without TLS."""
    return FOLDER and only_one_version(ssl.create_default_context(cafile=os.path.join(FOLDER, "root.pem")))


def server_context():
    """None without TLS."""
    if not FOLDER:
        return None
    context = only_one_version(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.load_cert_chain(os.path.join(FOLDER, "server.pem"), os.path.join(FOLDER, "server-key.pem"))
    return context
