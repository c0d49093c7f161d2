"""What a case is made of: sessions, the messages in them, and where and how each session stops.

A case is data. The client walks every session through the stages of SMTP and stops at `Stop.at` by `Stop.by`; a
session that needs more has a `script`, a function over `dialogue.Dialogue`. What the appliance does differently
stands in `Listener`, what lies between in `policy` and `path`, what happens to the files afterwards in `trouble`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

from middlebox import Path, Policy
from topology import Topology

if TYPE_CHECKING:
    from dialogue import Dialogue

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
    words: str = ""
    """A line in the middle of the body: something that a box on the way may look for."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further header lines."""
    unfolded: tuple[str, ...] = ()
    """Header lines that stand as they are, however long."""

    @property
    def message_id(self) -> str:
        """The Message-ID, the same in every run."""
        return f"<{self.id}@{HELO_NAME}>"

    def content(self) -> bytes:
        """The mail as it goes over the wire: CRLF, no line that starts with a dot, no final dot."""
        mail = EmailMessage()
        mail["From"] = self.mail_from or "postmaster@example.net"
        mail["To"] = ", ".join(self.rcpt_to)
        mail["Subject"] = self.subject
        mail["Message-ID"] = self.message_id
        mail["Date"] = "Mon, 02 Nov 2026 09:00:00 +0000"
        for name, value in self.headers:
            mail[name] = value
        lines, size = [], 0
        while size < self.octets:
            lines.append(f"Line {len(lines) + 1} of a letter about nothing in particular, which nobody wrote.")
            size += len(lines[-1]) + 2
        if self.words:
            lines.insert(len(lines) // 2, self.words)
        mail.set_content("\n".join(lines))
        header, blank, body = mail.as_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
        header = b"\n".join([header, *(line.encode() for line in self.unfolded)])
        return (header + blank + body).replace(b"\n", b"\r\n")


@dataclass(frozen=True)
class Stop:
    """The last stage that a session reaches, and what the client does there.

    A stage counts as reached when the appliance has answered it, `body` when part of the body has arrived,
    `between` when the last message has been accepted, `connect` when the handshake is done and no greeting read.
    """

    at: Stage
    by: How


QUIT_AT_THE_END = Stop("between", "quit")


@dataclass(frozen=True)
class Session:
    """One connection of the client. All messages but the last are delivered; `stop` says how far the last one gets."""

    messages: tuple[Message, ...] = ()
    stop: Stop = QUIT_AT_THE_END
    start: float = 0.0
    """Seconds after the start of the case."""
    pause: float = 0.05
    """Seconds that the client waits before each command, as a busy sender does."""
    body_share: float = 0.6
    """How much of the last body is sent when the session stops in it."""
    script: Callable[[Dialogue], None] | None = None
    """What the client does instead of walking to `stop`. May open further connections for the same messages."""
    source: str | None = None
    """The address to connect from, for a pool of senders."""
    tls: bool = False
    """STARTTLS after EHLO, then EHLO again. Only the walk to `stop` looks at it."""
    patience: float = 330.0
    """Seconds that the client waits for any one answer: longer than the appliance's own timer, unless it shall give up.
    """


@dataclass(frozen=True)
class Listener:
    """How the appliance behaves in this case. The defaults are an ESA's."""

    timeout: float = 300.0
    """Seconds for a successful injection, from the connection or from the last message accepted on it."""
    total: float = 900.0
    """Seconds that a connection may take in all."""
    size_limit: int = 33554432
    header_lines: int = 1000
    bad_commands: int = 4
    """So many bad commands are answered 500; one more ends the session by 421."""
    connections: int | None = None
    """Connections at a time from one address."""
    rcpts: int | None = None
    """Recipients a message."""
    messages: int | None = None
    """Messages a connection."""
    refuse: tuple[tuple[str, str], ...] = ()
    """Recipients to refuse, with the reply (`550 #5.1.0 Address rejected.`)."""
    refuse_mail: str | None = None
    """The reply to every MAIL, a refusal."""
    refuse_end: str | None = None
    """The reply to every end of data, a refusal (`554 Message rejected by policy`)."""
    delays: tuple[tuple[str, float], ...] = ()
    """Seconds before a reply, by stage: `greeting`, `helo`, `mail`, `rcpt`, `data`, `end_of_data`, `quit`."""
    tls: Literal["none", "starttls", "implicit"] = "none"
    tls_version: Literal["1.2", "1.3"] | None = None
    """The only version spoken; both when None."""
    tls_broken: bool = False
    """The appliance's side of the handshake fails: it trusts no client and demands a certificate."""
    auth: bool = False
    pipelining: bool = False
    kill: str | None = None
    """The stage at which the appliance's administrator kills the connection."""
    die: str | None = None
    """The stage at which the appliance's process is killed (kill -9): no log line, its kernel closes."""
    deaf: str | None = None
    """The stage from which the appliance reads no more: its window closes. Its timer still runs."""
    forget_end: bool = False
    """The message is taken, but no reply to the dot ever comes; the timer ends the connection."""
    wrong: tuple[tuple[str, str], ...] = ()
    """Log other words than what happened: for each pair the first is written as the second."""
    debug_log: Literal["none", "octets", "quoted"] = "none"
    """Write a debug log as well: of injections, or of deliveries where the appliance is the client. `quoted` (deliveries
    only): in the form that a guide of the vendor's quotes, without the ends of lines."""
    port: int = 25


@dataclass(frozen=True)
class Cause:
    """The real cause, which the case knows because it made it; one of mailwitness' closed list of causes."""

    kind: str | None
    device: str | None = None
    """What did it, in words."""
    knowable: bool = True
    """Whether what the appliance's capture and log hold is enough to know it."""
    because: str = ""
    """Why it is (not) knowable."""


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
    family: str = "basic"
    limit: int = 60
    """Seconds after which the case has failed."""
    snaplen: int = 262144
    """Whole frames. Cut only where bodies are long, and never below the headers and the commands."""
    arguments: tuple[str, ...] = field(default=())
    """Extra arguments for `mailwitness report`."""
    listener: Listener = Listener()
    server: Literal["listener", "postfix", "delivery"] = "listener"
    """What runs on the appliance; `delivery`: it is the client, and the sender's host runs `remote.py`."""
    remote: Callable[..., Any] | None = None
    """For `delivery`: what the remote server does, a coroutine over `remote.Remote`."""
    tls_out: Literal["no", "required", "verified"] = "no"
    """For `delivery`: whether the appliance delivers only by TLS (1.2, or `Listener.tls_version`), and only to a certificate
    that it believes."""
    path: Path = Path()
    policy: Callable[[], Policy] | None = None
    """Makes the policy of the box in the middle."""
    forwarder: bool = True
    """Without it the middlebox' kernel forwards (no delay), and nftables rules work there too."""
    ipv6: bool = False
    offloads: bool = False
    senders: int = 1
    """Addresses of the sender's host, 192.0.2.10 and up."""
    nat: tuple[tuple[str, str], ...] = ()
    """Addresses of the sender's host and what they become on the way (same ports)."""
    prepare: Callable[[Topology], None] | None = None
    """Called when the network stands and before anything is captured: rules, another program on a router."""
    capture_filter: str = "tcp or icmp or icmp6"
    cause: Cause | None = None
    """The real cause of the aborted messages, when the rules of expect.py cannot derive it from the deeds."""
    mangled: bool = False
    """Something on the way changed or swallowed commands: what was sent and what was met may differ."""
    expected: tuple[tuple[str, Any], ...] = ()
    """What expected.json shall say of every aborted message where the rules cannot derive it; each pair overrides one
    key. Written into truth.json as `declared`, so that it can be seen what was declared and not derived."""
    unchecked: tuple[str, ...] = ()
    """Checks of check.py that do not fit this case, by name."""
    keep_sender: bool = False
    """Keep sender.pcap in the folder, where it shows what wire.pcap cannot."""
    trouble: Callable[[FilePath], None] | None = None
    """Called with the finished folder before expected.json is made: capture trouble (trouble.py)."""
    captures: tuple[str, ...] = ("wire.pcap",)
    """What case.toml names, when trouble made other files."""
    logs: tuple[str, ...] = ("mail.log",)
