"""One connection to the appliance: an ICID and its MIDs, from the greeting to `ICID n close`.

The words of replies and log lines are the vendor's where they are known. Marked as guesses where they are not: no case
may rest on those.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import email
import re
import ssl
from email.header import decode_header, make_header
from email.utils import formatdate

from connection import GONE, Connection, Ended, TimerExpired

HOSTNAME = "appliance.example.com"

TIMED_OUT = "421 Timed out waiting for successful message injection, disconnecting."
TOO_LONG = "421 Exceeded allowable connection time, disconnecting."
BAD_COMMANDS = "421 Exceeded bad SMTP command limit, disconnecting."


class Injection(Connection):
    """One connection."""

    async def run(self) -> None:
        """Greet, answer commands until the connection ends, and log how it ended."""
        name = "reverse dns host unknown verified no"
        self.info(f"New SMTP ICID {self.icid} interface Data 1 ({self.appliance.local}) address {self.address} {name}")
        self.info(f"ICID {self.icid} ACCEPT SG UNKNOWNLIST match sbrs[none] SBRS None country not enabled")
        self.record("connect")
        self.appliance.open[self.address] += 1
        self._restart_timer()
        try:
            await self._session()
        except TimerExpired:
            await self._time_out()
        except Ended:
            pass
        except GONE:
            self._lost()
        self.appliance.open[self.address] -= 1
        self.info(f"ICID {self.icid} close")
        self.writer.close()
        self.record("close")

    async def _session(self) -> None:
        if self.options.tls == "implicit":
            await self._handshake()
        limit = self.options.connections
        if limit is not None and self.appliance.open[self.address] > limit:
            self.appliance.log.warning(
                f"System limit reached: connection limit for IP {self.address} on listener IncomingMail"
                f" ICID {self.icid}: max: {limit}"
            )
            self.stage = "greeting"
            await self._fail("Connection limit exceeded", "421 too many connections from your host")
        await self._answer("greeting", f"220 {HOSTNAME} ESMTP")
        while not self.done:
            line = await self._read()
            await self._command(line.decode("ascii", "backslashreplace").strip())

    async def _command(self, line: str) -> None:
        """One command line, by its first word."""
        verb = line.split(" ", 1)[0].upper()
        action = {
            "EHLO": self._ehlo,
            "HELO": self._helo,
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": self._noop,
            "QUIT": self._quit,
        }.get(verb)
        if action is None:
            self.info(f"ICID {self.icid} Unknown command: {line}")
            await self._bad("500 #5.5.1 command not recognized")
        else:
            await action(line)

    async def _bad(self, reply: str) -> None:
        """A command that counts against the limit of bad ones."""
        self.bad += 1
        if self.bad > self.options.bad_commands:
            self.record("limit", why="bad commands")
            await self._reply(BAD_COMMANDS)
            self._abort("Receiving aborted")  # a guess: the technote has the wire, not the log
            raise Ended
        await self._reply(reply)

    async def _ehlo(self, _: str) -> None:
        words = [HOSTNAME, "8BITMIME", f"SIZE {self.options.size_limit}"]
        words += ["PIPELINING"] * self.options.pipelining + ["AUTH PLAIN LOGIN"] * self.options.auth
        words += ["STARTTLS"] * (self.options.tls == "starttls" and not self.secure)
        lines = [f"250{'-' if n < len(words) - 1 else ' '}{word}" for n, word in enumerate(words)]
        await self._answer("helo", *lines)

    async def _helo(self, _: str) -> None:
        await self._answer("helo", f"250 {HOSTNAME}")

    async def _starttls(self, _: str) -> None:
        if self.options.tls != "starttls" or self.secure:
            await self._bad("500 #5.5.1 command not recognized")
            return
        await self._reply("220 Go ahead with TLS")
        self.stage = "tls"
        await self._handshake()

    async def _handshake(self) -> None:
        assert self.appliance.tls is not None
        patience = max(1.0, self.deadline - asyncio.get_running_loop().time())
        try:
            await self.writer.start_tls(self.appliance.tls, ssl_handshake_timeout=patience)
        except ConnectionAbortedError as timeout:  # asyncio's word for its own time-out; what an ESA does is a guess
            raise TimerExpired from timeout
        except (OSError, ssl.SSLError, TimeoutError) as failure:
            self.info(f"ICID {self.icid} TLS failed: {getattr(failure, 'reason', None) or 'handshake failure'}")
            self.record("tls_failed")
            raise ConnectionResetError from failure
        protocol, (cipher, *_) = (
            self.writer.get_extra_info("ssl_object").version(),
            self.writer.get_extra_info("cipher"),
        )
        self.info(f"ICID {self.icid} TLS success protocol {protocol} cipher {cipher}")
        self.secure = True
        self.record("tls", protocol=protocol, cipher=cipher)

    async def _auth(self, line: str) -> None:
        if not self.options.auth:
            await self._bad("500 #5.5.1 command not recognized")
            return
        mechanism, _, initial = line.partition(" ")[2].partition(" ")
        user = ""
        if mechanism.upper() == "LOGIN":
            await self._reply("334 VXNlcm5hbWU6")
            user = base64.b64decode(await self._read(secret=True)).decode("ascii", "replace")
            await self._reply("334 UGFzc3dvcmQ6")
            await self._read(secret=True)
        elif initial:
            user = base64.b64decode(initial).split(b"\0")[1].decode("ascii", "replace")
        self.info(
            f"SMTP Auth: (ICID {self.icid}) succeeded for user: {user} using AUTH mechanism: {mechanism.upper()}"
            " with profile: users"
        )
        await self._answer("auth", "235 #2.0.0 OK Authenticated")

    async def _mail(self, line: str) -> None:
        match = re.match(r"MAIL FROM:\s*<([^>]*)>", line, re.IGNORECASE)
        size = re.search(r"\bSIZE=(\d+)", line, re.IGNORECASE)
        limit = self.options.messages
        if match is None:
            await self._bad("501 #5.5.2 syntax error")
        elif self.mid is not None:
            await self._bad("503 #5.5.1 nested MAIL command")
        elif self.options.refuse_mail is not None:
            await self._reply(self.options.refuse_mail)
            self.record("refused", what="mail", code=self.options.refuse_mail[:3])
        elif size is not None and int(size[1]) > self.options.size_limit:
            self.info(f"ICID {self.icid} Receiving Failed: Message size exceeds limit")
            self.record("refused", what="mail", code="552", claim="receiving_failed")
            await self._reply("552 #5.3.4 message size exceeds limit")
        elif limit is not None and self.messages >= limit:
            await self._fail("Too Many Messages", "421 too many messages in this session")
        else:
            self.mid, self.mail_from, self.rcpt_to = self.appliance.mid(), match[1], []
            await self._wait("mail")
            self._write(f"250 sender <{self.mail_from}> ok")
            self.info(f"Start MID {self.mid} ICID {self.icid}")
            self.info(f"MID {self.mid} ICID {self.icid} From: <{self.mail_from}>")
            self.stage = "mail"
            self.record("mail", mail_from=self.mail_from)
            await self._sent()

    async def _rcpt(self, line: str) -> None:
        match = re.match(r"RCPT TO:\s*<([^>]*)>", line, re.IGNORECASE)
        if match is None:
            await self._bad("501 #5.5.2 syntax error")
            return
        if self.mid is None:
            await self._bad("503 #5.5.1 MAIL first")
            return
        self.stage = "rcpt"
        refusal = dict(self.options.refuse).get(match[1])
        limit = self.options.rcpts
        if refusal is not None:
            await self._wait("rcpt")
            self._write(refusal)
            self.info(f"MID {self.mid} ICID {self.icid} To: <{match[1]}> Rejected by RAT")
            self.record("refused", what="rcpt", code=refusal[:3], rejected=match[1])
        elif limit is not None and len(self.rcpt_to) >= limit:
            self._write("452 Too many recipients received this hour")
            self.info(f"MID {self.mid} ICID {self.icid} To: <{match[1]}> Rejected by Injection Control")
            self.record("refused", what="rcpt", code="452", rejected=match[1])
        else:
            await self._wait("rcpt")
            self._write(f"250 recipient <{match[1]}> ok")
            self.info(f"MID {self.mid} ICID {self.icid} RID {len(self.rcpt_to)} To: <{match[1]}>")
            self.rcpt_to.append(match[1])
            self.record("rcpt", rcpt_to=match[1])
        await self._sent()

    async def _data(self, _: str) -> None:
        if not self.rcpt_to:
            await self._bad("503 #5.5.1 RCPT first")
            return
        await self._answer("data", "354 go ahead")
        body, size, headers, in_header = bytearray(), 0, 0, True
        too_large = False
        try:
            while not (body.endswith(b"\r\n.\r\n") or body == b".\r\n"):
                line = await self._read(quiet=True)
                begins, self.stage = self.stage == "data", "body"
                if begins:
                    await self._at("body")
                in_header = in_header and line != b"\r\n"
                headers, size = headers + in_header, size + len(line)
                if headers > self.options.header_lines:
                    await self._header_too_long()
                    return
                too_large = too_large or size > self.options.size_limit
                body += line
                if too_large:
                    del body[:-5]
        except asyncio.IncompleteReadError as end:
            if end.partial:
                self.stage = "body"
            raise
        self.stage = "end_of_data"
        await self._at("end_of_data")
        if self.options.forget_end:
            self.record("forgot")
            await self._timed(asyncio.sleep(10**6, b""))
        await self._wait("end_of_data")
        if too_large:
            await self._refuse("552 #5.3.4 message size exceeds limit", "Message size exceeds limit")
        elif self.options.refuse_end is not None:
            await self._refuse(self.options.refuse_end, "Message loop")
        else:
            await self._accept(bytes(body[:-3]))

    async def _header_too_long(self) -> None:
        """The vendor's behaviour: a 552 in the middle of the header, and the rest of the mail is taken for commands."""
        self.record("refused", what="header lines", code="552")
        await self._reply("552 #5.3.4 message header size exceeds limit")
        self._abort("Receiving aborted")  # a guess: the technote has the wire, not the log
        self.stage = "between"

    async def _refuse(self, reply: str, failed: str) -> None:
        """The message is whole and not wanted."""
        self._write(reply)
        mid = self.mid
        self.record("refused", what="end_of_data", code=reply[:3], claim="receiving_failed")
        self.info(f"ICID {self.icid} Receiving Failed: {failed}")
        self.info(f"Message finished MID {mid} aborted")  # a guess
        self.mid, self.rcpt_to, self.stage = None, [], "between"
        await self._sent()

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
        lie = dict(self.options.wrong).get("accepted")
        if lie is not None:
            self.info(f"Message aborted MID {mid} {lie}")
            self.info(f"Message finished MID {mid} aborted")
        else:
            self.info(f"MID {mid} ready {len(received) + len(content)} bytes from <{self.mail_from}>")
            self.info(f"MID {mid} matched all recipients for per-recipient policy DEFAULT in the inbound table")
            self.info(f"Message finished MID {mid} done")
        claim = "accepted" if lie is None else lie.lower().replace(" ", "_")
        self.record("accepted", claim=claim, message_id=head["Message-ID"])
        self.mid, self.rcpt_to, self.stage = None, [], "between"
        self.messages += 1
        self._restart_timer()
        await self._sent()

    async def _rset(self, _: str) -> None:
        # The vendor's words for this are not known; these are a guess, and no case of this lab relies on them.
        self.record("rset")
        self._abort("Receiving aborted by sender")
        await self._reply("250 reset")
        self.stage = "between"

    async def _noop(self, _: str) -> None:
        await self._reply("250 ok")

    async def _quit(self, _: str) -> None:
        self.record("quit")
        await self._wait("quit")
        await self._reply(f"221 {HOSTNAME}")
        self._abort("Receiving aborted by sender")
        self.done = True

    async def _fail(self, why: str, reply: str) -> None:
        """A limit that ends the connection."""
        self.info(f"ICID {self.icid} Receiving Failed: {why}")
        self.record("limit", why=why, claim="receiving_failed")
        await self._reply(reply)
        self._abort("Receiving aborted")
        raise Ended

    def _lost(self) -> None:
        words = dict(self.options.wrong).get("lost", f"ICID {self.icid} lost")
        if words:
            self.info(words)
        self.record("lost")
        self._abort("Receiving aborted")

    def _abort(self, reason: str) -> None:
        """Log the end of a message that was under way, if one was."""
        if self.mid is None:
            return
        said = dict(self.options.wrong).get(reason, reason)
        if said == "accepted":
            self.info(f"MID {self.mid} ready 2048 bytes from <{self.mail_from}>")
            self.info(f"Message finished MID {self.mid} done")
        else:
            self.info(f"Message aborted MID {self.mid} {said}")
            self.info(f"Message finished MID {self.mid} aborted")
        self.record("aborted", claim=said.lower().replace(" ", "_"))
        self.mid, self.rcpt_to = None, []

    async def _time_out(self) -> None:
        """One of the vendor's timers: for a successful injection, or for the whole connection."""
        total = self.why_deadline == "total"
        claim = "connection_time_exceeded" if total else "no_messages_injected"
        self.record("timer", why=self.why_deadline, claim=claim)
        words = "exceeded allowable connection time" if total else "no messages injected within timeout period"
        self._write(TOO_LONG if total else TIMED_OUT)
        self.info(f"ICID {self.icid} disconnected address {self.address}, {words}")
        self._abort("Receiving aborted")
        with contextlib.suppress(OSError, TimeoutError):  # nobody may be there to hear it, which changes nothing
            await asyncio.wait_for(self._sent(), 5)
