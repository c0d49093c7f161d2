"""Many connections of one client host at once: the case in which the log's missing port hurts."""

from __future__ import annotations

from .plan import QUIT_AT_THE_END, Case, Message, Session, Stop

CONNECTIONS = 20
STEP = 0.045
"""Seconds between two starts: all twenty begin within a second, and overlap for most of their lives."""

ENDINGS = (
    QUIT_AT_THE_END,
    Stop("rcpt", "quit"),
    Stop("rcpt", "fin"),
    QUIT_AT_THE_END,
    Stop("body", "fin"),
    Stop("body", "rst"),
    QUIT_AT_THE_END,
)
"""Dealt round and round: neighbours in time, which a join by time alone would confuse, end differently."""


def _session(number: int) -> Session:
    message = Message(
        f"twenty-at-once-{number:02}",
        f"sender{number:02}@example.net",
        (f"recipient{number:02}@example.com",),
        f"Letter {number} of twenty",
        octets=1500,
    )
    pause = 0.15 + 0.04 * (number % 5)
    return Session((message,), ENDINGS[number % len(ENDINGS)], start=STEP * number, pause=pause)


CASES = (
    Case(
        name="twenty-at-once",
        title="Twenty connections of one host within a second, some delivered, some aborted",
        done="One host opens twenty connections within a second. Each carries one message with an envelope of its own."
        " Some are delivered; others stop by QUIT or FIN after RCPT, or by FIN or RST in the body.",
        client="Python's smtplib in twenty threads; for the endings in the body its sockets by hand.",
        log_says="twenty ICIDs with one address and nearly one second, their lines mixed; `Receiving aborted` and"
        " `Receiving aborted by sender`",
        wire_shows="twenty connections that differ in port, envelope and ending",
        sessions=tuple(_session(number) for number in range(1, CONNECTIONS + 1)),
        first_icid=11020,
        first_mid=2004,
    ),
)
