"""A box on the way ends the connection, or swallows it."""

from __future__ import annotations

from dialogue import Dialogue
from middlebox import DropFrom, ForgeReset, in_body

from .plan import Case, Cause, Message, Session

LONG = 30_000
"""Octets of a body that is still under way when the box strikes."""



def _until_gone(dialogue: Dialogue) -> None:
    """An ordinary sender whose connection something else ends."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()
    dialogue.body_until_gone()


CASES = (
    Case(
        name="rst-forged-to-both-ends",
        title="A box on the way resets both ends in the middle of the body",
        done="When 8 KB of the body have passed, the box sends an RST with the exact sequence number to either end, in"
        " the other's name, with a TTL of its own.",
        client="Python's smtplib as far as the 354, then its socket by hand.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="an RST bearing the sender's address, with a TTL of 63 where the sender's packets have 61",
        family="interference",
        sessions=(Session((Message("rst-forged-to-both-ends", octets=LONG),), script=_until_gone),),
        policy=lambda: ForgeReset(in_body(8000)),
        cause=Cause("middlebox_reset", "the box", because="the box forged it, and its TTL shows that"),
        keep_sender=True,
        first_icid=12010,
        first_mid=3010,
    ),
    Case(
        name="silent-drop-in-body",
        title="A box on the way drops everything from the middle of the body on",
        done="When 8 KB of the body have passed, the box drops all packets of the connection, in both directions.",
        client="Python's smtplib as far as the 354, then its socket by hand.",
        log_says="`disconnected address ..., no messages injected within timeout period`, `Receiving aborted`",
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges",
        family="interference",
        sessions=(Session((Message("silent-drop-in-body", octets=LONG),), script=_until_gone),),
        policy=lambda: DropFrom(in_body(8000)),
        cause=Cause("path_lost_data", "the box", False, "the box dropped them; from here that looks like any broken path"),
        keep_sender=True,
        first_icid=12020,
        first_mid=3020,
        limit=400,
    ),
)
