"""What every connection to the appliance needs: reading, writing, the timers, and what befalls it at a stage."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from collections import Counter
from collections.abc import Coroutine
from typing import Any

from cases.plan import Listener
from events import Recorder, endpoint
from maillog import DebugLog, MailLog

GONE = (asyncio.IncompleteReadError, OSError)
"""What a peer's FIN and a peer's reset look like from here. They are told apart nowhere, on purpose."""


class TimerExpired(Exception):
    """The listener's own timer, not the kernel's ETIMEDOUT, which is one more way for a peer to be gone."""


class Ended(Exception):
    """The appliance has ended the session itself, and has said why."""


class Shared:
    """What a connection needs of the appliance."""

    options: Listener
    local: str
    log: MailLog
    debug: DebugLog | None
    recorder: Recorder
    tls: ssl.SSLContext | None
    open: Counter[str]

    def icid(self) -> int:
        """The next injection connection's number."""
        raise NotImplementedError

    def mid(self) -> int:
        """The next message's number."""
        raise NotImplementedError


class Connection:
    """One connection, as far as it has nothing to do with SMTP's commands."""

    def __init__(self, appliance: Shared, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.appliance, self.reader, self.writer = appliance, reader, writer
        self.options, self.info = appliance.options, appliance.log.info
        self.icid = appliance.icid()
        peer = writer.get_extra_info("peername")
        self.address = peer[0]
        self.names = {"client": endpoint(peer), "server": endpoint(writer.get_extra_info("sockname"))}
        self.stage = "connect"
        self.mid: int | None = None
        self.mail_from = ""
        self.rcpt_to: list[str] = []
        self.began = asyncio.get_running_loop().time()
        self.deadline = 0.0
        self.why_deadline = "timeout"
        self.bad, self.messages = 0, 0
        self.secure = False
        self.done = False

    def record(self, action: str, **more: Any) -> None:
        """Write an event of this connection at its present stage, about its present message."""
        about = {"icid": self.icid, "actor": "appliance", "action": action, "stage": self.stage, "mid": self.mid}
        self.appliance.recorder.write(**self.names, **about, **more)

    async def _read(self, quiet: bool = False, secret: bool = False) -> bytes:
        """The next line."""
        line = await self._timed(self.reader.readuntil(b"\r\n"))
        if self.appliance.debug is not None:
            self.appliance.debug.received(self.icid, self.address, b"*****\r\n" if secret else line)
        return line

    async def _timed(self, read: Coroutine[Any, Any, bytes]) -> bytes:
        """Wait for the peer, but not beyond the timer."""
        try:
            return await asyncio.wait_for(read, max(0.0, self.deadline - asyncio.get_running_loop().time()))
        except TimeoutError as timeout:
            if timeout.errno is None:
                raise TimerExpired from None
            raise

    def _restart_timer(self) -> None:
        injection = asyncio.get_running_loop().time() + self.options.timeout
        total = self.began + self.options.total
        self.deadline = min(injection, total)
        self.why_deadline = "total" if total < injection else "timeout"

    async def _answer(self, stage: str, *lines: str) -> None:
        """A reply that brings the session to a stage."""
        await self._wait(stage)
        await self._reply(*lines)
        self.stage = stage
        if stage != "data":  # in DATA the first octets of the body come between
            await self._at(stage)
        elif self.options.deaf == "data" or self.options.kill == "data" or self.options.die == "data":
            await self._at(stage)

    async def _wait(self, stage: str) -> None:
        """Think about a reply for as long as the case says, unless the peer is gone or the timer runs out."""
        loop = asyncio.get_running_loop()
        until = loop.time() + dict(self.options.delays).get(stage, 0.0)
        while (left := until - loop.time()) > 0:
            if loop.time() > self.deadline:
                raise TimerExpired
            if self.reader.at_eof() or self.reader.exception():
                raise asyncio.IncompleteReadError(b"", None)
            await asyncio.sleep(min(0.1, left))

    def _abort(self, reason: str) -> None:
        raise NotImplementedError

    async def _at(self, stage: str) -> None:
        """What befalls the appliance at this stage."""
        if self.options.die == stage:
            self.record("died")
            os.kill(os.getpid(), signal.SIGKILL)
        if self.options.kill == stage:
            self.record("killed", claim="killed")
            self.info(f"SMTP server connection killed ICID: {self.icid}")
            self._abort("Receiving aborted")  # a guess
            raise Ended
        if self.options.deaf == stage:
            self.record("deaf")
            self.writer.transport.pause_reading()  # type: ignore[attr-defined]
            self.reader._maybe_resume_transport = lambda: None  # type: ignore[attr-defined]
            await self._timed(asyncio.sleep(10**6, b""))

    def _write(self, *lines: str) -> None:
        """Hand a reply to the kernel. What follows it in the log is stamped after it, as an ESA's stamps lag."""
        octets = "".join(f"{line}\r\n" for line in lines).encode("ascii", "backslashreplace")
        self.writer.write(octets)
        if self.appliance.debug is not None:
            self.appliance.debug.sent(self.icid, self.address, octets)

    async def _sent(self) -> None:
        await self.writer.drain()
        if self.stage in ("mail", "rcpt"):
            await self._at(self.stage)

    async def _reply(self, *lines: str) -> None:
        self._write(*lines)
        await self.writer.drain()
