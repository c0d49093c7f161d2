"""What the families of plain endings share."""

from __future__ import annotations

import contextlib
from typing import Any

from dialogue import Dialogue

from .plan import Case, Message, Session, Stop

GAP = 20.0
"""Seconds between the words of a sender that says something, but never enough."""

LIMIT_OF_SILENCE = 400
"""Seconds for a case that waits for the appliance's timer."""


def case(number: int, name: str, title: str, done: str, log: str, wire: str, **more: Any) -> Case:
    """A case of these families. Numbers keep the ICIDs and MIDs of two cases apart."""
    more.setdefault("family", "endings")
    more.setdefault("sessions", (Session((Message(name),), script=more.pop("script")),) if "script" in more else ())
    more.setdefault("client", "Python's smtplib, and its socket by hand where no library would do it.")
    numbers = {"first_icid": 18000 + 10 * number, "first_mid": 9000 + 10 * number}
    return Case(name=name, title=title, done=done, log_says=log, wire_shows=wire, **numbers, **more)


def stop_at(name: str, at: str, by: str, octets: int = 1200) -> tuple[Session, ...]:
    """One session of one message that stops there."""
    return (Session((Message(name, octets=octets),), Stop(at, by)),)  # type: ignore[arg-type]


def to_rcpt(dialogue: Dialogue) -> None:
    """As far as the answer to RCPT."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()


def in_drops(dialogue: Dialogue, number: int) -> None:
    """A body of forty octets every 20 seconds, until the appliance closes."""
    dialogue.record("dribble", message=number)
    with contextlib.suppress(OSError):
        while True:
            dialogue.smtp.sock.settimeout(GAP)
            dialogue.body(octets=40, acknowledged=False)
            with contextlib.suppress(TimeoutError):
                while dialogue.smtp.sock.recv(4096):
                    pass
                break
    dialogue.ended("gone")
    dialogue.smtp.close()
