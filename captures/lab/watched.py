"""The mail library that a session's client speaks with (smtplib), watched: its socket in sight, each event told."""

from __future__ import annotations

import fcntl
import smtplib
import socket
import ssl
import struct
import termios
import time
from pathlib import Path
from typing import Any

from cases.plan import HELO_NAME, Case, Session
from events import Recorder, endpoint
from topology import Network


class Unexpected(Exception):
    """An answer that the case does not foresee."""


class Connection(smtplib.SMTP):
    """smtplib, with an eye on its socket: the first event is the finished handshake, before any greeting."""

    def __init__(self, dialogue: Watched, implicit: bool) -> None:
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


class Watched:
    """What a session's client speaks over, how far it has come, and the events that it has written down."""

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
