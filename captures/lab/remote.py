"""The other end of a delivery: a mail server in the sender's place that the appliance connects to, and that misbehaves.

A case gives `Case.remote`, a coroutine over [`Remote`] that plays one connection; without it mail is simply taken.

    remote.py CASE FOLDER
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

from cases import CASES
from certificate import certificate
from events import Recorder, endpoint
from topology import SENDER, SMTP_PORT

HOSTNAME = "mx.example.net"


class Remote:
    """One connection, as a case's script sees it. The appliance is the client of it."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        recorder: Recorder,
        number: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.reader, self.writer, self.recorder, self.number, self.tls = reader, writer, recorder, number, tls
        """`number` counts the connections of the case from 0; with `tls` STARTTLS is offered."""
        client, server = writer.get_extra_info("peername"), writer.get_extra_info("sockname")
        self.names = {"client": endpoint(client), "server": endpoint(server)}
        self.stage = "connect"
        self.answer = f"250 2.0.0 Ok: queued as {0x4F2A1B + number:X}"
        """What it says to a message that it takes."""
        self.record("connect")

    def record(self, action: str, **more: Any) -> None:
        """Write an event of this connection."""
        about = {"actor": "remote", "action": action, "stage": self.stage, "message": None}
        self.recorder.write(**self.names, **about, **more)

    async def say(self, *lines: str) -> None:
        """A reply."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()

    async def hear(self) -> str:
        """The next line; raises when the appliance has gone."""
        return (await self.reader.readuntil(b"\r\n")).decode("ascii", "replace").strip()

    async def until(self, stage: str) -> None:
        """Play an ordinary server until the stage has been reached and answered; `data` is the 354, `quit` all."""
        if self.stage == "connect":
            await self.say(f"220 {HOSTNAME} ESMTP")
            self.stage = "greeting"
        while self.stage != stage:
            verb = (await self.hear()).split(" ")[0].upper()
            if verb in ("EHLO", "HELO"):
                offered = ["250-STARTTLS"] if self.tls is not None and self.stage != "tls" else []
                await self.say(f"250-{HOSTNAME}", *offered, "250 8BITMIME")
                self.stage = "helo"
            elif verb == "STARTTLS" and self.tls is not None:
                await self.say("220 2.0.0 Ready to start TLS")
                self.stage = "tls"
                await self.writer.start_tls(self.tls)
                self.record("tls")
            elif verb == "MAIL":
                await self.say("250 2.1.0 Ok")
                self.stage = "mail"
            elif verb == "RCPT":
                await self.say("250 2.1.5 Ok")
                self.stage = "rcpt"
            elif verb == "DATA":
                await self.say("354 End data with <CR><LF>.<CR><LF>")
                self.stage = "data"
                if stage != "data":
                    await self.body()
                    if stage == "end_of_data":
                        return
                    await self.say(self.answer)
                    self.stage = "between"
            elif verb == "QUIT":
                await self.say("221 2.0.0 Bye")
                self.stage = "quit"
                self.record("quit")
                return
            elif verb in ("NOOP", "RSET"):
                await self.say("250 2.0.0 Ok")
            else:
                await self.say("500 5.5.1 Command not recognized")

    async def refuse_handshake(self) -> None:
        """A handshake that fails, by the library on the socket itself: asyncio would swallow the alert it sends."""
        assert self.tls is not None
        self.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sock = socket.socket(fileno=os.dup(self.writer.get_extra_info("socket").fileno()))
        sock.settimeout(10)
        try:
            await asyncio.to_thread(self.tls.wrap_socket, sock, server_side=True)
        except ssl.SSLError as failure:
            self.record("rst", way="its library closes with octets unread", why=failure.reason)
        self.writer.close()
        sock.close()

    async def body(self, octets: int | None = None) -> None:
        """Read the body up to its dot, or so many octets of it."""
        read = 0
        while octets is None or read < octets:
            line = await self.reader.readuntil(b"\r\n")
            read, self.stage = read + len(line), "body"
            if line == b".\r\n":
                self.stage = "end_of_data"
                return

    def fin(self) -> None:
        """Close. Under TLS with close_notify, whose answer no FIN waits for."""
        self.record("fin")
        self.writer.close()
        if self.writer.get_extra_info("ssl_object") is not None:
            self.writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    def close_notify(self) -> None:
        """Say TLS' own goodbye and wait for the other's, or for its FIN, before our own."""
        self.record("fin", way="close_notify first")
        self.writer.close()

    def rst(self) -> None:
        """Reset."""
        self.record("rst")
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def silence(self) -> None:
        """Say nothing more until the appliance closes."""
        self.record("silence")
        while await self.reader.read(65536):
            pass


async def take(remote: Remote) -> None:
    """What a server does that has nothing against mail."""
    await remote.until("quit")
    remote.writer.close()


async def serve(name: str, folder: Path) -> None:
    """Listen until SIGTERM."""
    case = CASES[name]
    recorder, ended, script = Recorder(folder / "sender.jsonl"), asyncio.Event(), case.remote or take
    tls = certificate(folder, case.listener, HOSTNAME) if case.tls_out != "no" else None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    met = 0

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        met += 1
        remote = Remote(reader, writer, recorder, met - 1, tls)
        try:
            await script(remote)
        except (asyncio.IncompleteReadError, OSError) as gone:
            remote.record("gone", how=type(gone).__name__)
            writer.close()

    server = await asyncio.start_server(one, SENDER, SMTP_PORT)
    print("listening", flush=True)
    await ended.wait()
    server.close()


def main() -> None:
    """A remote server for one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    asyncio.run(serve(given.case, given.folder))


if __name__ == "__main__":
    main()
