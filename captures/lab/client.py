"""The sender: walks the sessions of one case, and writes down what it did and when.

Runs inside the client's namespace. Where smtplib can do it, smtplib does it, so that the captures hold what a real
client sends. What no mail library offers (a FIN without QUIT, a reset, silence, half a body) is done on its socket.
"""

from __future__ import annotations

import argparse
import fcntl
import smtplib
import socket
import struct
import sys
import termios
import threading
import time
from pathlib import Path
from typing import Any

from cases import CASES
from cases.plan import HELO_NAME, Message, Session
from events import Recorder, endpoint, now
from topology import APPLIANCE, SMTP_PORT

PATIENCE = 330.0
"""Seconds that the client waits for any one answer: longer than the appliance's own timer."""

SETTLE = 0.2
"""Seconds between the last words of a session and its ending, so that the ending stands alone in the capture."""


class Connection(smtplib.SMTP):
    """smtplib, with an eye on its socket: the first event is the finished handshake, before any greeting."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.names: dict[str, str] = {}
        super().__init__(local_hostname=HELO_NAME, timeout=PATIENCE)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        sock = super()._get_socket(host, port, timeout)  # type: ignore[misc]
        self.names = {"client": endpoint(sock.getsockname()), "server": endpoint(sock.getpeername())}
        self.record("connect", "connect")
        return sock

    def record(self, action: str, stage: str, message: int | None = None, **more: Any) -> None:
        """Write an event of this connection. `message` counts the messages of the session from 0."""
        self._recorder.write(**self.names, actor="sender", action=action, stage=stage, message=message, **more)

    def must(self, reply: tuple[int, bytes], code: int) -> None:
        """The lab's appliance refuses nothing by itself: any other answer is a fault in the lab."""
        if reply[0] != code:
            raise RuntimeError(f"{self.names['client']}: expected {code}, got {reply}")


class Walk:
    """One session on its way through the stages."""

    def __init__(self, connection: Connection, session: Session) -> None:
        self.connection = connection
        self.session = session

    def run(self) -> None:
        """Deliver all messages but the last, bring the last one as far as it shall get, and stop there."""
        stop, last = self.session.stop, len(self.session.messages) - 1
        self.connection.must(self.connection.connect(APPLIANCE, SMTP_PORT), 220)
        self._pause()
        self.connection.must(self.connection.ehlo(), 250)
        for number, message in enumerate(self.session.messages):
            self._hand_over(number, message, stop.at if number == last else "between")
        self._stop(last)

    def _pause(self) -> None:
        time.sleep(self.session.pause)

    def _hand_over(self, number: int, message: Message, until: str) -> None:
        """Walk one message to the stage `until`, which `between` means: all the way."""
        connection, content = self.connection, message.content()
        self._pause()
        connection.must(connection.mail(message.mail_from, [f"size={len(content)}"]), 250)
        connection.record("mail", "mail", number, mail_from=message.mail_from)
        if until == "mail":
            return
        for rcpt in message.rcpt_to:
            self._pause()
            connection.must(connection.rcpt(rcpt), 250)
            connection.record("rcpt", "rcpt", number, rcpt_to=rcpt)
        if until == "rcpt":
            return
        self._pause()
        if until in ("data", "body"):
            connection.must(connection.docmd("data"), 354)
            if until == "body":
                part = content[: int(len(content) * self.session.body_share)]
                connection.sock.sendall(part)
                self._wait_until_acknowledged()
                connection.record("body", "body", number, body_octets=len(part), message_id=message.message_id)
        else:
            connection.must(connection.data(content), 250)
            octets = {"body_octets": len(content), "message_id": message.message_id}
            connection.record("end_of_data", "end_of_data", number, **octets)

    def _stop(self, last: int) -> None:
        """The ending. The time of the deed is taken just before the deed."""
        connection, stop = self.connection, self.session.stop
        number = None if stop.at in ("connect", "greeting", "helo", "between") else last
        if stop.by == "silence":
            connection.record("silence", stop.at, number)
            self._read_to_the_end()
        else:
            time.sleep(max(SETTLE, self.session.pause))
        when = now()
        if stop.by == "quit":
            connection.must(connection.quit(), 221)
            connection.record("quit", stop.at, number, time=when)
            return
        if stop.by == "rst":
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        connection.record("fin" if stop.by == "silence" else stop.by, stop.at, number, time=when)

    def _wait_until_acknowledged(self) -> None:
        """A reset throws away what is still unsent: wait until the kernel has nothing in flight."""
        deadline = time.monotonic() + 10
        while struct.unpack("i", fcntl.ioctl(self.connection.sock, termios.TIOCOUTQ, b"\0" * 4))[0]:
            if time.monotonic() > deadline:
                raise RuntimeError("the body was not acknowledged")
            time.sleep(0.01)

    def _read_to_the_end(self) -> None:
        while self.connection.sock.recv(4096):
            pass


def run(session: Session, recorder: Recorder, failures: list[BaseException]) -> None:
    """One session in a thread of its own."""
    try:
        time.sleep(session.start)
        Walk(Connection(recorder), session).run()
    except BaseException as failure:  # a thread's failure would be lost with the thread
        failures.append(failure)


def main() -> int:
    """All sessions of a case at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("events", type=Path)
    given = parser.parse_args()
    recorder, failures = Recorder(given.events), []
    threads = [threading.Thread(target=run, args=(s, recorder, failures)) for s in CASES[given.case].sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print(f"client: {failure!r}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
