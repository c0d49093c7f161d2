"""What a case is made of: sessions, the messages in them, and where and how each session stops.

A case is data. The client walks every session through the stages of SMTP and stops at `Stop.at` by `Stop.by`, so a
new case is seldom more than a new row; what needs more than that hooks `Case.prepare` into the topology.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from topology import Topology

Stage = Literal["connect", "greeting", "helo", "tls", "auth", "mail", "rcpt", "data", "body", "end_of_data", "between"]
How = Literal["quit", "fin", "rst", "silence"]

HELO_NAME = "sender.example.net"


@dataclass(frozen=True)
class Message:
    """One made-up mail. `octets` is about how long its body shall be."""

    id: str
    mail_from: str = "anna@example.net"
    rcpt_to: tuple[str, ...] = ("bert@example.com",)
    subject: str = "A made-up letter"
    octets: int = 1200

    @property
    def message_id(self) -> str:
        """The Message-ID, the same in every run."""
        return f"<{self.id}@{HELO_NAME}>"

    def content(self) -> bytes:
        """The mail as it goes over the wire: CRLF, no line that starts with a dot, no final dot."""
        mail = EmailMessage()
        mail["From"] = self.mail_from
        mail["To"] = ", ".join(self.rcpt_to)
        mail["Subject"] = self.subject
        mail["Message-ID"] = self.message_id
        mail["Date"] = "Mon, 02 Nov 2026 09:00:00 +0000"
        lines, size = [], 0
        while size < self.octets:
            lines.append(f"Line {len(lines) + 1} of a letter about nothing in particular, which nobody wrote.")
            size += len(lines[-1]) + 2
        mail.set_content("\n".join(lines))
        return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclass(frozen=True)
class Stop:
    """The last stage that a session reaches, and what the client does there.

    A stage counts as reached when the appliance has answered it, `body` when part of the body has arrived,
    `between` when the last message has been accepted.
    """

    at: Stage
    by: How


QUIT_AT_THE_END = Stop("between", "quit")


@dataclass(frozen=True)
class Session:
    """One connection of the client. All messages but the last are delivered; `stop` says how far the last one gets."""

    messages: tuple[Message, ...]
    stop: Stop = QUIT_AT_THE_END
    start: float = 0.0
    """Seconds after the start of the case."""
    pause: float = 0.05
    """Seconds that the client waits before each command, as a busy sender does."""
    body_share: float = 0.6
    """How much of the last body is sent when the session stops in it."""


@dataclass(frozen=True)
class Case:
    """One capture and one log. The texts become about.md and the table in captures/README.md."""

    name: str
    title: str
    done: str
    client: str
    log_says: str
    wire_shows: str
    sessions: tuple[Session, ...]
    first_icid: int
    first_mid: int
    limit: int = 60
    """Seconds after which the case has failed."""
    snaplen: int = 262144
    """Whole frames. Cut only where bodies are long, and never below the headers and the commands."""
    arguments: tuple[str, ...] = field(default=())
    """Extra arguments for `mailwitness report`."""
    prepare: Callable[[Topology], None] | None = None
    """Called when the network stands and before anything is captured: rules, a second box, a program in the router."""
