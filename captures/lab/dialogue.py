"""A client that can be told what to do, step by step, and writes down each step: what a case's script works with.

Where smtplib can do it, smtplib does it, so that the captures hold what a real client sends. What no mail library
offers (a FIN without QUIT, a reset, silence, half a body) is done on its socket. The time of an ending is taken just
before the deed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import smtplib
import socket
import ssl
import struct
import termios
import time
from pathlib import Path
from typing import Any

from cases.plan import HELO_NAME, Case, Session
from events import Recorder, endpoint, now
from othertcp import OtherSocket
from records import RecordSocket
from topology import APPLIANCE, APPLIANCE_6, Network

SETTLE = 0.2
"""Seconds between the last words of a session and its ending, so that the ending stands alone in the capture."""


class Unexpected(Exception):
    """An answer that the case does not foresee."""


class Connection(smtplib.SMTP):
    """smtplib, with an eye on its socket: the first event is the finished handshake, before any greeting."""

    def __init__(self, dialogue: Dialogue, implicit: bool) -> None:
        self._dialogue, self._implicit = dialogue, implicit
        super().__init__(local_hostname=HELO_NAME, timeout=dialogue.session.patience)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        source = (self._dialogue.session.source or "", 0)
        sock = socket.create_connection((host, port), timeout, source)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._dialogue.opened(sock)
        if self._implicit:
            sock = tls_context(self._dialogue.tls_version).wrap_socket(sock)
            self._dialogue.record("tls", "tls")
        return sock


def tls_context(version: str | None = None) -> ssl.SSLContext:
    """A context that believes any certificate, as senders of mail do, for one version of TLS or all."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        only = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[version]
        context.minimum_version = context.maximum_version = only
    return context


class Dialogue:
    """One session's client. Every method does one thing and records it; `stage` follows what was answered."""

    def __init__(self, case: Case, session: Session, recorder: Recorder, net: Network, work: Path) -> None:
        self.case, self.session, self.recorder, self.net, self.work = case, session, recorder, net, work
        self.names: dict[str, str] = {}
        self.stage = "connect"
        self.message: int | None = None
        """Which of the session's messages is under way."""
        self.tls_version: str | None = None
        self.plain: socket.socket | None = None
        """The TCP socket itself, also below TLS."""
        self.opened_at = 0.0
        """When the handshake was done, by the monotonic clock."""
        self.smtp: Connection
        self.sent_octets = 0

    # Writing down

    def record(self, action: str, stage: str | None = None, message: int | None = None, **more: Any) -> None:
        """Write an event of this connection. `message` counts the messages of the session from 0."""
        about = {"actor": "sender", "action": action, "stage": stage or self.stage, "message": message}
        self.recorder.write(**self.names, **about, **more)

    def network_event(self, action: str, **more: Any) -> None:
        """Write down what is done to the network itself (a link taken down), by the actor `network`."""
        self.recorder.write(**self.names, actor="network", action=action, stage=self.stage, message=None, **more)

    def opened(self, sock: socket.socket) -> None:
        """The handshake is done."""
        self.plain, self.opened_at = sock, time.monotonic()
        self.names = {"client": endpoint(sock.getsockname()), "server": endpoint(sock.getpeername())}
        self.stage, self.message = "connect", None
        self.record("connect")

    def adopt(self, sock: OtherSocket) -> None:
        """Talk over a connection that another TCP stack has opened."""
        self.smtp = Connection(self, False)
        self.smtp.sock = sock  # type: ignore[assignment]
        self.names, self.stage, self.message = sock.names, "connect", None
        self.record("connect")

    # Steps that are answered

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

    # Endings

    def quit(self) -> None:
        """QUIT, its 221, close."""
        time.sleep(max(SETTLE, self.session.pause))
        when = now()
        self.must(self.smtp.docmd("quit"), 221)
        self.smtp.close()
        self.record("quit", message=self.open_message(), time=when)

    def fin(self, settle: float = SETTLE, way: str = "close") -> None:
        """Close, without QUIT. Under TLS without close_notify, as smtplib does it."""
        time.sleep(settle)
        when = now()
        self.smtp.close()
        self.record("fin", message=self.open_message(), time=when, way=way)

    def fin_after_close_notify(self) -> None:
        """TLS' own goodbye, then close."""
        time.sleep(SETTLE)
        when = now()
        self.smtp.sock.setblocking(False)
        with contextlib.suppress(ssl.SSLError, OSError):  # the other end's close_notify is not waited for
            self.smtp.sock.unwrap()
        self.smtp.close()
        self.record("fin", message=self.open_message(), time=when, way="close_notify")

    def close_notify_and_wait(self) -> None:
        """TLS' own goodbye; the FIN only when the other end has said its own or closed."""
        time.sleep(SETTLE)
        when = now()
        with contextlib.suppress(ssl.SSLError, OSError):  # the other end may close without a goodbye of its own
            self.smtp.sock.unwrap()
        self.smtp.close()
        self.record("fin", message=self.open_message(), time=when, way="close_notify first")

    def quit_and_leave(self, how: str = "fin", close_notify: bool = False) -> None:
        """QUIT and the end of TCP in one flight, before any 221: `fin` or `rst`."""
        time.sleep(SETTLE)
        when = now()
        self.send(b"QUIT\r\n")
        self.record("quit", message=self.open_message(), time=when)
        if close_notify:
            self.smtp.sock.setblocking(False)
            with contextlib.suppress(ssl.SSLError, OSError):
                self.smtp.sock.unwrap()
        if how == "rst":
            self.linger()
        when = now()
        self.smtp.close()
        self.record(how, message=self.open_message(), time=when, way="at once")

    def rst(self, settle: float = SETTLE, way: str = "linger") -> None:
        """Reset: SO_LINGER 0 and close. What is unsent is thrown away: see wait_until_acknowledged."""
        time.sleep(settle)
        assert self.plain is not None
        self.linger()
        when = now()
        self.smtp.close()
        self.record("rst", message=self.open_message(), time=when, way=way)

    def linger(self) -> None:
        """Make the next close a reset."""
        self.smtp.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def rst_by_unread(self) -> None:
        """Close while the appliance's last reply lies unread in the kernel, which makes a reset of the close."""
        time.sleep(SETTLE)
        unread = struct.unpack("i", fcntl.ioctl(self.smtp.sock, termios.FIONREAD, b"\0" * 4))[0]
        if not unread:
            raise Unexpected("nothing unread: this close would be a FIN")
        when = now()
        self.smtp.close()
        self.record("rst", message=self.open_message(), time=when, way="unread data")

    def half_close(self) -> None:
        """FIN, but go on reading."""
        when = now()
        self.smtp.sock.shutdown(socket.SHUT_WR)
        self.record("half_close", message=self.open_message(), time=when)

    def silence(self, keep: float | None = None, close: bool = True) -> None:
        """Say nothing more until the appliance closes (or for `keep` seconds), then close."""
        self.record("silence", message=self.open_message())
        with contextlib.suppress(OSError):
            if keep is None:
                self.read_to_the_end()
            else:
                time.sleep(keep)
        if close:
            when = now()
            self.smtp.close()
            self.record("fin", message=self.open_message(), time=when)

    def silent_for(self, seconds: float) -> None:
        """Think, in the middle of the dialogue. No ending."""
        self.record("thinks", seconds=seconds)
        time.sleep(seconds)

    def ask_until_gone(self, line: str) -> None:
        """Say a command in a session that something else ends, and read what still comes. `gone` is recorded."""
        how = "closed"
        try:
            self.send(line.encode() + b"\r\n")
            self.read_to_the_end()
        except TimeoutError:
            how = "timeout"
        except OSError as failure:
            how = "reset" if isinstance(failure, (ConnectionResetError, BrokenPipeError)) else type(failure).__name__
        self.record("gone", message=self.open_message(), how=how, after=line[:40])
        with contextlib.suppress(OSError):
            self.smtp.close()

    def outlast(self, seconds: float = 306) -> None:
        """The sender has gone, and the appliance does not know: keep the case going until its timer has run out, so
        many seconds after the connection."""
        time.sleep(max(0.0, self.opened_at + seconds - time.monotonic()))

    def give_up(self, waited: float) -> None:
        """Wait so long for the reply that is owed, then close: the appliance was too slow."""
        if select.select([self.smtp.sock], [], [], waited)[0]:
            raise Unexpected("the reply came after all")
        when = now()
        self.smtp.close()
        self.record("fin", message=self.open_message(), time=when, way="gave up waiting", waited=waited)

    def killed(self) -> None:
        """The client's process dies by SIGKILL (kill -9): its kernel closes. Only in a session of its own process."""
        time.sleep(SETTLE)
        self.record("fin", message=self.open_message(), way="kill -9")
        os.kill(os.getpid(), signal.SIGKILL)

    def ended(self, action: str, stage: str | None = None, **more: Any) -> None:
        """Record an ending that a script made by hand: `fin`, `rst`, `quit`, `gone` (the other end did it)."""
        self.record(action, stage, message=self.open_message(), **more)

    def read_to_the_end(self) -> bytes:
        """All that still comes, until the appliance closes."""
        got = b""
        while data := self.smtp.sock.recv(65536):
            got += data
        return got

    def wait_until_acknowledged(self, seconds: float = 30) -> bool:
        """A reset throws away what is still unsent: wait until the kernel has nothing in flight."""
        assert self.plain is not None
        deadline = time.monotonic() + seconds
        while struct.unpack("i", fcntl.ioctl(self.smtp.sock, termios.TIOCOUTQ, b"\0" * 4))[0]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True

    def must(self, reply: tuple[int, bytes], code: int) -> None:
        """Any other answer than the case foresees is a fault in the lab."""
        if reply[0] != code:
            raise Unexpected(f"{self.names.get('client')}: expected {code}, got {reply}")

    def open_message(self) -> int | None:
        """Which message is under way now, if one is."""
        return self.message if self.stage in ("mail", "rcpt", "data", "body", "end_of_data") else None

    def program(self, *words: str, stdin: bytes = b"") -> int:
        """Run another mail client (swaks, msmtp) in the sender's place; see programs.py. Returns its exit code."""
        from programs import run_program  # noqa: PLC0415 (it builds on this module)

        return run_program(self, *words, stdin=stdin)
