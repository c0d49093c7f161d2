"""How a session's client leaves: by the book, by what no mail library offers (a FIN without QUIT, a reset, silence), or
by its own death. The time of an ending is taken just before the deed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import socket
import ssl
import struct
import termios
import time
from typing import Any

from events import now
from watched import Unexpected, Watched

SETTLE = 0.2
"""Seconds between the last words of a session and its ending, so that the ending stands alone in the capture."""


class Leaving(Watched):
    """The endings of a session. Every method does one thing and records it."""

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
