"""The appliance: an SMTP listener that speaks and logs like an ESA.

It logs what it lived through and nothing else. A FIN and a reset are both `lost` to it, because that is all an ESA
says. What it wrote about which connection (the peer's port, which the log lacks) goes into its file of events.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email
import re
import signal
from collections.abc import Coroutine
from email.header import decode_header, make_header
from email.utils import formatdate
from pathlib import Path
from typing import Any

from events import Recorder, endpoint
from maillog import MailLog
from topology import APPLIANCE, SMTP_PORT

HOSTNAME = "appliance.example.com"
SIZE_LIMIT = 33554432
UNSUCCESSFUL_TIMEOUT = 300.0
"""Seconds from the connection, or from the last message accepted on it, to the next message accepted on it."""

GONE = (asyncio.IncompleteReadError, OSError)
"""What a peer's FIN and a peer's reset look like from here. They are told apart nowhere, on purpose."""


class TimerExpired(Exception):
    """The listener's own timer, not the kernel's ETIMEDOUT, which is one more way for a peer to be gone."""


class Appliance:
    """What all connections share: the log, the events and the two counters."""

    def __init__(self, log: MailLog, recorder: Recorder, first_icid: int, first_mid: int) -> None:
        self.log = log
        self.recorder = recorder
        self._next_icid = first_icid
        self._next_mid = first_mid

    def icid(self) -> int:
        """The next injection connection's number."""
        self._next_icid += 1
        return self._next_icid - 1

    def mid(self) -> int:
        """The next message's number."""
        self._next_mid += 1
        return self._next_mid - 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first line in the log to its last."""
        await Injection(self, reader, writer).run()


class Injection:
    """One connection: an ICID and its MIDs."""

    def __init__(self, appliance: Appliance, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.appliance, self.reader, self.writer = appliance, reader, writer
        self.info = appliance.log.info
        self.icid = appliance.icid()
        peer = writer.get_extra_info("peername")
        self.address = peer[0]
        self.names = {"client": endpoint(peer), "server": endpoint(writer.get_extra_info("sockname"))}
        self.stage = "connect"
        self.mid: int | None = None
        self.mail_from = ""
        self.rcpt_to: list[str] = []
        self.deadline = 0.0
        self.done = False

    def record(self, action: str, **more: Any) -> None:
        """Write an event of this connection at its present stage, about its present message."""
        about = {"icid": self.icid, "actor": "appliance", "action": action, "stage": self.stage, "mid": self.mid}
        self.appliance.recorder.write(**self.names, **about, **more)

    async def run(self) -> None:
        """Greet, answer commands until the connection ends, and log how it ended."""
        name = "reverse dns host unknown verified no"
        self.info(f"New SMTP ICID {self.icid} interface Data 1 ({APPLIANCE}) address {self.address} {name}")
        self.info(f"ICID {self.icid} ACCEPT SG UNKNOWNLIST match sbrs[none] SBRS None country not enabled")
        self.record("connect")
        self._restart_timer()
        try:
            await self._reply(f"220 {HOSTNAME} ESMTP")
            self.stage = "greeting"
            while not self.done:
                line = (await self._timed(self.reader.readuntil(b"\r\n"))).decode("ascii", "backslashreplace")
                await self._command(line.strip())
        except TimerExpired:
            await self._time_out()
        except GONE:
            self.info(f"ICID {self.icid} lost")
            self.record("lost")
            self._abort("Receiving aborted")
        self.info(f"ICID {self.icid} close")
        self.writer.close()
        self.record("close")

    async def _command(self, line: str) -> None:
        """One command line, by its first word."""
        verb = line.split(" ", 1)[0].upper()
        action = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }.get(verb)
        if action is None:
            self.info(f"ICID {self.icid} Unknown command: {line}")
            await self._reply("500 #5.5.1 command not recognized")
        else:
            await action(line)

    async def _ehlo(self, _: str) -> None:
        await self._reply(f"250-{HOSTNAME}", "250-8BITMIME", f"250 SIZE {SIZE_LIMIT}")
        self.stage = "helo"

    async def _helo(self, _: str) -> None:
        await self._reply(f"250 {HOSTNAME}")
        self.stage = "helo"

    async def _mail(self, line: str) -> None:
        match = re.match(r"MAIL FROM:\s*<([^>]*)>", line, re.IGNORECASE)
        if match is None:
            await self._reply("501 #5.5.2 syntax error")
        elif self.mid is not None:
            await self._reply("503 #5.5.1 nested MAIL command")
        else:
            self.mid, self.mail_from, self.rcpt_to = self.appliance.mid(), match[1], []
            self._write(f"250 sender <{self.mail_from}> ok")
            self.info(f"Start MID {self.mid} ICID {self.icid}")
            self.info(f"MID {self.mid} ICID {self.icid} From: <{self.mail_from}>")
            self.stage = "mail"
            self.record("mail", mail_from=self.mail_from)
            await self.writer.drain()

    async def _rcpt(self, line: str) -> None:
        match = re.match(r"RCPT TO:\s*<([^>]*)>", line, re.IGNORECASE)
        if match is None:
            await self._reply("501 #5.5.2 syntax error")
        elif self.mid is None:
            await self._reply("503 #5.5.1 MAIL first")
        else:
            self._write(f"250 recipient <{match[1]}> ok")
            self.info(f"MID {self.mid} ICID {self.icid} RID {len(self.rcpt_to)} To: <{match[1]}>")
            self.rcpt_to.append(match[1])
            self.stage = "rcpt"
            self.record("rcpt", rcpt_to=match[1])
            await self.writer.drain()

    async def _data(self, _: str) -> None:
        if not self.rcpt_to:
            await self._reply("503 #5.5.1 RCPT first")
            return
        await self._reply("354 go ahead")
        self.stage = "data"
        body = bytearray()
        try:
            while not (body.endswith(b"\r\n.\r\n") or body == b".\r\n"):
                body += await self._timed(self.reader.readuntil(b"\r\n"))
                self.stage = "body"
        except asyncio.IncompleteReadError as end:
            if end.partial:
                self.stage = "body"
            raise
        self.stage = "end_of_data"
        await self._accept(bytes(body[:-3]))

    async def _accept(self, content: bytes) -> None:
        """The message is whole: log it as an ESA does, and take it over."""
        mid, head = self.mid, email.message_from_bytes(content)
        # The size in the log is that of the message as stored, and an MTA stores its own header with it.
        received = f"Received: from unknown ([{self.address}]) by {HOSTNAME} with ESMTP; {formatdate()}\r\n"
        self._write(f"250 ok:  Message {mid} accepted")
        if head["Message-ID"]:
            self.info(f"MID {mid} Message-ID {str(head['Message-ID'])!r}")
        if head["Subject"]:
            self.info(f"MID {mid} Subject {str(make_header(decode_header(head['Subject'])))!r}")
        self.info(f"MID {mid} ready {len(received) + len(content)} bytes from <{self.mail_from}>")
        self.info(f"MID {mid} matched all recipients for per-recipient policy DEFAULT in the inbound table")
        self.info(f"Message finished MID {mid} done")
        self.record("accepted", claim="accepted", message_id=head["Message-ID"])
        self.mid, self.rcpt_to, self.stage = None, [], "between"
        self._restart_timer()
        await self.writer.drain()

    async def _rset(self, _: str) -> None:
        # The vendor's words for this are not known; these are a guess, and no case of this lab relies on them.
        self._abort("Receiving aborted by sender")
        await self._reply("250 reset")
        self.stage = "between"

    async def _noop(self, _: str) -> None:
        await self._reply("250 ok")

    async def _quit(self, _: str) -> None:
        self.record("quit")
        await self._reply(f"221 {HOSTNAME}")
        self._abort("Receiving aborted by sender")
        self.done = True

    def _abort(self, reason: str) -> None:
        """Log the end of a message that was under way, if one was."""
        if self.mid is not None:
            self.info(f"Message aborted MID {self.mid} {reason}")
            self.info(f"Message finished MID {self.mid} aborted")
            self.record("aborted", claim=reason.lower().replace(" ", "_"))
            self.mid, self.rcpt_to = None, []

    async def _time_out(self) -> None:
        """The timer of the vendor's "Timeout for Unsuccessful Inbound Connections"."""
        self.record("timer")
        self._write("421 Timed out waiting for successful message injection, disconnecting.")
        self.info(f"ICID {self.icid} disconnected address {self.address}, no messages injected within timeout period")
        self._abort("Receiving aborted")
        with contextlib.suppress(OSError):  # nobody may be there to hear it, which changes nothing
            await self.writer.drain()

    async def _timed(self, read: Coroutine[Any, Any, bytes]) -> bytes:
        """Wait for the peer, but not beyond the timer."""
        try:
            return await asyncio.wait_for(read, self.deadline - asyncio.get_running_loop().time())
        except TimeoutError as timeout:
            if timeout.errno is None:
                raise TimerExpired from None
            raise

    def _restart_timer(self) -> None:
        self.deadline = asyncio.get_running_loop().time() + UNSUCCESSFUL_TIMEOUT

    def _write(self, *lines: str) -> None:
        """Hand a reply to the kernel. What follows it in the log is stamped after it, as an ESA's stamps lag."""
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii", "backslashreplace"))

    async def _reply(self, *lines: str) -> None:
        self._write(*lines)
        await self.writer.drain()


async def serve(given: argparse.Namespace) -> None:
    """Listen until SIGTERM."""
    appliance = Appliance(MailLog(given.log), Recorder(given.events), given.first_icid, given.first_mid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(appliance.serve, APPLIANCE, SMTP_PORT, limit=2 * SIZE_LIMIT)
    print("listening", flush=True)
    await ended.wait()
    server.close()


def main() -> None:
    """A listener for one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("events", type=Path)
    parser.add_argument("--first-icid", type=int, required=True)
    parser.add_argument("--first-mid", type=int, required=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
