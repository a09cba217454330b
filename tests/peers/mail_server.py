"""A mail server, aiosmtpd, at a port that is free. It knows nobody@anywhere not, and prints each message as one line of
JSON: whom it came from, whom it is for, the bytes (as the characters of the same numbers)."""

import asyncio
import json

from aiosmtpd.smtp import SMTP


class Letterbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 There is nobody here of that name"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Fine"

    async def handle_DATA(self, server, session, envelope):
        print(json.dumps({
            "from": envelope.mail_from,
            "options": envelope.mail_options,
            "to": envelope.rcpt_tos,
            "hello": session.host_name,
            "bytes": envelope.original_content.decode("latin-1"),
        }))
        return "250 2.0.0 Taken"


async def main():
    def conversation():
        return SMTP(Letterbox(), hostname="mail.example")

    server = await asyncio.get_running_loop().create_server(conversation, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"listening on {host}:{port}")
    await server.serve_forever()


asyncio.run(main())
