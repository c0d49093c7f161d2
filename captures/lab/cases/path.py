"""The way itself is at fault: nobody meant harm."""

from __future__ import annotations

import contextlib
from typing import Any

from dialogue import Dialogue
from middlebox import Path
from middlebox.devices import LargeDropped, LossFrom, StripWindowScale, SynAckLost

from .interference import LOST, SILENT, STRIKE, TIMED_OUT, WAY, as_far_as_data, handed_over, until_gone_unnoticed
from .plan import Case, Cause, Message, Session, Stop

LONG = 30_000
"""Octets of a body that is still under way when the path fails."""

DONE = "`Message finished ... done`"


def _case(number: int, name: str, title: str, script: Any, octets: int = LONG, **more: Any) -> Case:
    """What all cases of this family share."""
    given = {"client": "Python's smtplib as far as the 354, then its socket by hand.", "path": WAY, "family": "path"}
    sessions = (Session((Message(name, octets=octets),), script=script),)
    ids = {"first_icid": 14000 + 10 * number, "first_mid": 5000 + 10 * number}
    return Case(name=name, title=title, **{**given, **ids, "sessions": sessions, **more})


def all_at_once(dialogue: Dialogue) -> None:
    """Body and dot in one go, as a mail program hands them to its kernel; then the end that others make."""
    as_far_as_data(dialogue)
    dialogue.dot(code=None)
    how = "closed"
    try:
        dialogue.read_to_the_end()
    except OSError as failure:
        how = type(failure).__name__
    dialogue.ended("gone", how=how)


def _link_down(host: str, device: str) -> Any:
    """A script: in the middle of the body a link of a router goes down."""

    def script(dialogue: Dialogue) -> None:
        as_far_as_data(dialogue)
        dialogue.body(octets=8000)
        dialogue.network_event("link_down", router=host, device=device, ways=["to_appliance", "to_sender"])
        dialogue.net.link(host, device, "down")
        dialogue.body_until_gone()
        dialogue.outlast()

    return script


def _too_slow(dialogue: Dialogue) -> None:
    """A sender that gives a message 20 seconds, and then resets."""
    as_far_as_data(dialogue)
    dialogue.smtp.sock.settimeout(20)
    with contextlib.suppress(TimeoutError):
        dialogue.smtp.sock.sendall(dialogue.content())
    dialogue.stage = "body"
    dialogue.rst()


def _comes_again(dialogue: Dialogue) -> None:
    """A connection that never comes about, then another."""
    patience, dialogue.session = dialogue.session, short(dialogue.session)
    with contextlib.suppress(TimeoutError):
        dialogue.connect()
    dialogue.session = patience
    dialogue.connect()
    dialogue.ehlo()
    dialogue.deliver()
    dialogue.quit()


def short(session: Session) -> Session:
    """The same session with the patience of one that will try again."""
    return Session(session.messages, patience=8)


CASES = (
    _case(
        1,
        "pmtu-black-hole",
        "Large packets vanish on the way, and nobody is told",
        all_at_once,
        octets=9000,
        done="The box drops all packets over 1400 octets that go to the appliance, and no ICMP says so.",
        log_says=TIMED_OUT,
        wire_shows="all commands, then never a full-sized packet; the short tail of the body arrives, the appliance's SACK"
        " shows the hole before it; 300 s later the 421",
        policy=lambda: LargeDropped(1400),
        cause=Cause("pmtu_black_hole", "the path", because="of the body only the short tail arrives, never a full-sized packet"),
        limit=SILENT,
    ),
    _case(
        2,
        "loss-with-recovery",
        "Two packets of a hundred are lost, and TCP mends it",
        handed_over,
        octets=300_000,
        done="The path loses 2 % of all packets, both ways, by chance. A message of 300 KB is handed over.",
        log_says=DONE,
        wire_shows="holes, duplicate ACKs with SACK, retransmissions; `accepted`, QUIT",
        path=Path(rtt=0.06, loss=0.02, seed=11),
        snaplen=200,
        unchecked=("whole",),
    ),
    _case(
        3,
        "loss-that-kills",
        "So much is lost that the sender's kernel gives up",
        until_gone_unnoticed,
        done="When 8 KB of the body have passed, the path loses 70 % of all packets, both ways. The sender's kernel gives"
        " up after five retransmissions.",
        log_says=TIMED_OUT,
        wire_shows="a body with holes that are never filled, retransmissions ever more rarely, then nothing; the 421",
        policy=lambda: LossFrom(STRIKE, 0.7),
        prepare=lambda net: net.run("sender", "sysctl", "-q", "-w", "net.ipv4.tcp_retries2=5"),
        cause=Cause("path_lost_data", "the path", because="data arrived behind holes that were never filled"),
        limit=SILENT,
    ),
    _case(
        4,
        "reordering",
        "Packets overtake each other",
        None,
        done="One packet in five comes 10 ms late, and others overtake it. One message is handed over; of another the"
        " client sends two thirds and closes.",
        client="Python's smtplib.",
        log_says=f"{DONE}; {LOST}",
        wire_shows="segments out of order, no retransmission; `accepted`, QUIT; and a body without its end, the sender's"
        " FIN",
        path=Path(rtt=0.06, reorder=0.2, late=0.01, seed=3),
        sessions=(
            Session((Message("reordering-1", octets=LONG),), script=handed_over),
            Session((Message("reordering-2", octets=LONG),), Stop("body", "fin"), start=1.5),
        ),
    ),
    _case(
        5,
        "window-scale-stripped",
        "A device takes the window scale out of the SYN-ACK",
        _too_slow,
        octets=250_000,
        done="The box overwrites the window scale in the appliance's SYN-ACK by NOPs. The sender takes the scaled window"
        " for the whole, sends 64 octets at a time, and resets after 20 s.",
        log_says=LOST,
        wire_shows="both SYNs here bear a window scale, but no segment is larger than the appliance's unscaled window;"
        " then the sender's RST in the body",
        policy=StripWindowScale,
        cause=Cause(
            "middlebox_rewriting",
            "the box",
            because="the sender never sends more than the number in the window field, as if there were no scale",
        ),
        snaplen=120,
        unchecked=("whole",),
    ),
    _case(
        6,
        "link-down-without-icmp",
        "The sender's link goes down, and nobody says so",
        _link_down("far", "eth1"),
        done="When 8 KB of the body are acknowledged, the far router's link towards the appliance goes down.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges",
        cause=Cause("path_lost_data", "the far router's link", False, "nothing came from there any more, not even ICMP"),
        limit=SILENT,
    ),
    _case(
        7,
        "link-down-with-icmp",
        "A link near the appliance goes down, and the router says so",
        _link_down("near", "eth0"),
        done="When 8 KB of the body are acknowledged, the near router's link towards the sender goes down.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, each answered by the router's ICMP"
        " `network unreachable`",
        cause=Cause("path_lost_data", "the near router's link", because="the router's ICMP says so"),
        limit=SILENT,
    ),
    _case(
        8,
        "syn-ack-lost",
        "The SYN-ACK is lost, and the sender comes again",
        _comes_again,
        octets=1200,
        done="The box loses all SYN-ACKs of the first connection. The sender gives up after 8 s and comes again.",
        log_says=f"one ICID, that of the second connection; {DONE}",
        wire_shows="SYN and SYN-ACK again and again, no ACK; then a whole session from another port",
        policy=lambda: SynAckLost(1),
        unchecked=("ports",),  # what never became a connection has no actor to tell of it
    ),
)
