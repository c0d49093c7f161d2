"""Many connections whose envelopes tell them apart no more: pools of senders, and one that tries again and again."""

from __future__ import annotations

import time

from dialogue import Dialogue
from topology import pool
from trouble import gzipped

from .plan import QUIT_AT_THE_END, Case, Listener, Message, Session, Stop

CONNECTIONS, SENDERS = 200, 8

STEP = 0.06
"""Seconds between two starts. One address starts a connection every half second, and each lasts longer than that."""

ENDINGS = (
    QUIT_AT_THE_END,
    Stop("rcpt", "quit"),
    QUIT_AT_THE_END,
    Stop("rcpt", "fin"),
    Stop("body", "rst"),
    QUIT_AT_THE_END,
    Stop("body", "fin"),
)
"""Dealt round and round. Seven endings and eight addresses: each address has all of them."""

TRIES = 4


def _session(name: str, number: int, tls: bool) -> Session:
    message = Message(f"{name}-{number:03}", "news@example.net", ("list@example.com",), "The news", octets=700)
    return Session(
        (message,),
        ENDINGS[number % len(ENDINGS)],
        start=STEP * number,
        pause=0.1 + 0.03 * (number % 5),
        source=pool(SENDERS)[number % SENDERS],
        tls=tls,
    )


def _crowd(name: str, number: int, tls: bool) -> Case:
    over = "over TLS" if tls else "in clear"
    return Case(
        name=name,
        title=f"Two hundred connections of a pool of eight senders, all with one envelope, {over}",
        done="Eight addresses open two hundred connections within twelve seconds, several at a time each. All have the"
        f" same envelope, {over}. Some messages are delivered; others stop by QUIT or FIN after RCPT, or by FIN or RST in"
        " the body.",
        client="Python's smtplib in two hundred processes; for the endings in the body its sockets by hand.",
        log_says="two hundred ICIDs of eight addresses with one envelope, their lines mixed",
        wire_shows="connections that overlap and differ in port and ending only",
        family="crowds",
        sessions=tuple(_session(name, n, tls) for n in range(CONNECTIONS)),
        senders=SENDERS,
        listener=Listener(tls="starttls") if tls else Listener(),
        first_icid=16000 + 400 * number,
        first_mid=7000 + 400 * number,
        limit=120,
        trouble=gzipped(),
        captures=("wire.pcap.gz",),
    )


def _try_again(dialogue: Dialogue) -> None:
    """The same message four times, given up each time at the same octet, and once more to its end."""
    for _ in range(TRIES):
        dialogue.connect()
        dialogue.ehlo()
        dialogue.mail()
        dialogue.rcpt()
        dialogue.data()
        dialogue.body(octets=7000)
        dialogue.fin()
        time.sleep(1.5)
    dialogue.connect()
    dialogue.ehlo()
    dialogue.deliver()
    dialogue.quit()


CASES = (
    _crowd("two-hundred-with-one-envelope", 0, tls=False),
    _crowd("two-hundred-with-one-envelope-tls", 1, tls=True),
    Case(
        name="four-tries",
        title="One sender tries four times, gives up each time, and succeeds at last",
        done="The client closes after 7000 octets of the body, four times, 1.5 s apart; the fifth time it delivers the"
        " message. Nothing on the way had a hand in it.",
        client="Python's smtplib; for the FIN in the body its socket by hand.",
        log_says="`lost` and `Receiving aborted` for four MIDs with one envelope, then a delivery",
        wire_shows="four connections that end by the sender's FIN at one and the same octet, and a fifth that does not",
        family="crowds",
        sessions=(Session((Message("four-tries", octets=12_000),), script=_try_again),),
        first_icid=16900,
        first_mid=7900,
    ),
)
