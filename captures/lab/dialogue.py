"""A client that can be told what to do, step by step, and writes down each step: what a case's script works with.

Where smtplib can do it, smtplib does it, so that the captures hold what a real client sends. What no mail library
offers (half a body, half a TLS record) is done on its socket. The endings, and how a script waits for those of others,
stand in leaving.py; what is below both in watched.py.
"""

from __future__ import annotations

import contextlib
import time

from leaving import Leaving
from othertcp import OtherSocket
from records import RecordSocket
from topology import APPLIANCE, APPLIANCE_6
from watched import Connection, tls_context


class Dialogue(Leaving):
    """One session's client. Every method does one thing and records it; `stage` follows what was answered."""

    def adopt(self, sock: OtherSocket) -> None:
        """Talk over a connection that another TCP stack has opened."""
        self.smtp = Connection(self, False)
        self.smtp.sock = sock  # type: ignore[assignment]
        self.names, self.stage, self.message = sock.names, "connect", None
        self.record("connect")

    def connect(self, greeted: bool = True, implicit: bool = False, port: int | None = None) -> None:
        """Open the connection, and wait for the greeting unless told not to."""
        self.smtp = Connection(self, implicit)
        host, port = (APPLIANCE_6 if self.case.ipv6 else APPLIANCE), port or self.case.listener.port
        self.smtp._host = host  # what its constructor would have noted, and starttls wants
        if not greeted:
            self.smtp.sock = self.smtp._get_socket(host, port, self.session.patience)
            return
        self.must(self.smtp.connect(host, port), 220)
        self.stage = "greeting"

    def pause(self) -> None:
        """As a busy sender does."""
        time.sleep(self.session.pause)

    def ehlo(self) -> None:
        """EHLO."""
        self.pause()
        self.must(self.smtp.ehlo(), 250)
        self.stage = "helo"

    def starttls_by_hand(self, version: str | None = None) -> None:
        """STARTTLS with the records in our own hands (records.py), so that `part_of_a_record` can be sent."""
        self.pause()
        self.must(self.smtp.docmd("STARTTLS"), 220)
        assert self.plain is not None
        self.smtp.sock = RecordSocket(self.plain, tls_context(version))  # type: ignore[assignment]
        self.smtp.file, self.smtp.ehlo_resp, self.smtp.esmtp_features = None, None, {}
        self.record("tls", "tls")
        self.ehlo()

    def part_of_a_record(self, octets: int, share: float) -> None:
        """The next octets of the body as one TLS record, of which only a share is sent."""
        part = self.content()[self.sent_octets : self.sent_octets + octets]
        sent = self.smtp.sock.send_part(part, share)  # type: ignore[attr-defined]
        self.wait_until_acknowledged()
        self.record("part_of_a_record", message=self.message, record_octets=len(part), sent_octets=sent)

    def starttls(self, version: str | None = None) -> None:
        """STARTTLS and EHLO once more."""
        self.pause()
        self.must(self.smtp.starttls(context=tls_context(version)), 220)
        self.record("tls", "tls")
        self.ehlo()

    def mail(self, number: int = 0, code: int = 250) -> None:
        """MAIL of a message of the session."""
        self.pause()
        message = self.session.messages[number]
        self.must(self.smtp.mail(message.mail_from, [f"size={len(message.content())}"]), code)
        if code == 250:
            self.message, self.stage = number, "mail"
            self.record("mail", message=number, mail_from=message.mail_from)

    def rcpt(self, codes: dict[str, int] | None = None) -> None:
        """RCPT for every recipient of the message under way; `codes` says which ones shall not be answered 250."""
        assert self.message is not None
        for rcpt in self.session.messages[self.message].rcpt_to:
            self.pause()
            code = (codes or {}).get(rcpt, 250)
            self.must(self.smtp.rcpt(rcpt), code)
            self.stage = "rcpt"
            if code == 250:
                self.record("rcpt", message=self.message, rcpt_to=rcpt)

    def data(self) -> None:
        """DATA, as far as its 354."""
        self.pause()
        self.must(self.smtp.docmd("data"), 354)
        self.stage, self.sent_octets = "data", 0

    def content(self) -> bytes:
        """The message under way as it goes over the wire, without the final dot."""
        assert self.message is not None
        return self.session.messages[self.message].content()

    def body(self, share: float | None = None, octets: int | None = None, acknowledged: bool = True) -> None:
        """Part of the body: up to this share of it, or this many octets from where we are."""
        content = self.content()
        share = self.session.body_share if share is None else share
        until = int(len(content) * share) if octets is None else self.sent_octets + octets
        part = content[self.sent_octets : until]
        self.smtp.sock.sendall(part)
        self.sent_octets += len(part)
        if acknowledged:
            self.wait_until_acknowledged()
        self.stage = "body"
        about = {"body_octets": self.sent_octets, "message_id": self.session.messages[self.message or 0].message_id}
        self.record("body", message=self.message, **about)

    def body_until_gone(self, piece: int = 1448, pause: float = 0.005, share: float = 1.0) -> None:
        """Send the body in small pieces until it is out or the connection breaks, then wait for its end.

        For a session that something else ends: `gone` is recorded, with how the kernel told it (`reset`, `closed`,
        `timeout`). Nothing is sent after the body, not even its dot.
        """
        content = self.content()
        content = content[: int(len(content) * share)]
        how, begun = "closed", False
        try:
            while self.sent_octets < len(content):
                self.smtp.sock.sendall(content[self.sent_octets : self.sent_octets + piece])
                self.sent_octets = min(self.sent_octets + piece, len(content))
                self.stage = "body"
                if not begun:
                    begun = True
                    self.record(
                        "body_begun",
                        message=self.message,
                        message_id=self.session.messages[self.message or 0].message_id,
                    )
                time.sleep(pause)
            self.read_to_the_end()
        except TimeoutError:
            how = "timeout"
        except OSError as failure:
            how = "reset" if isinstance(failure, (ConnectionResetError, BrokenPipeError)) else type(failure).__name__
        self.record("gone", message=self.message, how=how, body_octets=self.sent_octets)
        with contextlib.suppress(OSError):
            self.smtp.close()

    def dot(self, code: int | None = 250) -> None:
        """The rest of the body and the final dot; `code` None does not wait for the reply."""
        number, content = self.message, self.content()
        rest = content[self.sent_octets :]
        self.smtp.sock.sendall(rest + (b"" if content.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        self.sent_octets = len(content)
        self.stage = "end_of_data"
        about = {"body_octets": len(content), "message_id": self.session.messages[number or 0].message_id}
        self.record("end_of_data", message=number, **about)
        if code is not None:
            self.must(self.smtp.getreply(), code)
            self.stage = "between"

    def deliver(self, number: int = 0) -> None:
        """A whole message."""
        self.mail(number)
        self.rcpt()
        self.data()
        self.dot()

    def noop(self) -> None:
        """NOOP."""
        self.must(self.smtp.noop(), 250)

    def rset(self) -> None:
        """RSET."""
        self.pause()
        self.record("rset", message=self.message)
        self.must(self.smtp.rset(), 250)
        self.stage, self.message = "between", None

    def say(self, line: str, code: int | None = None) -> tuple[int, bytes]:
        """Any line, and its answer, which must have the code if one is given."""
        self.pause()
        reply = self.smtp.docmd(line)
        if code is not None:
            self.must(reply, code)
        return reply

    def send(self, data: bytes) -> None:
        """Raw octets."""
        self.smtp.sock.sendall(data)

    def reply(self, code: int | None = None) -> tuple[int, bytes]:
        """The next reply."""
        got = self.smtp.getreply()
        if code is not None:
            self.must(got, code)
        return got

    def program(self, *words: str, stdin: bytes = b"") -> int:
        """Run another mail client (swaks, msmtp) in the sender's place; see programs.py. Returns its exit code."""
        from programs import run_program  # noqa: PLC0415 (it builds on this module)

        return run_program(self, *words, stdin=stdin)
