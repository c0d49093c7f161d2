"""One client, one connection, and its last message aborted at one stage in one way."""

from __future__ import annotations

from .plan import Case, Message, Session, Stop

CASES = (
    Case(
        name="quit-before-data",
        title="QUIT after RCPT, before DATA",
        done="The recipient is accepted; instead of DATA the client says QUIT and waits for the 221.",
        client="Python's smtplib: `ehlo`, `mail`, `rcpt`, `quit`.",
        log_says="`Receiving aborted by sender`, no `lost`",
        wire_shows="QUIT after the 250 to RCPT, 221, FIN from both ends",
        sessions=(Session((Message("quit-before-data"),), Stop("rcpt", "quit")),),
        first_icid=10318,
        first_mid=1412,
    ),
    Case(
        name="fin-after-rcpt",
        title="FIN after RCPT, no QUIT",
        done="The recipient is accepted; the client closes its socket without another word.",
        client="Python's smtplib: `ehlo`, `mail`, `rcpt`, then `close()`, which sends no QUIT.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="the sender's FIN after the 250 to RCPT, no QUIT",
        sessions=(Session((Message("fin-after-rcpt"),), Stop("rcpt", "fin")),),
        first_icid=10293,
        first_mid=1404,
    ),
    Case(
        name="rst-in-body",
        title="RST in the middle of the body",
        done="The client sends two thirds of a 30 KB body, waits until all of it is acknowledged, and resets.",
        client="Python's smtplib as far as the 354, then its socket by hand: part of the body, SO_LINGER 0, close.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a body without its end, then one RST with the sender's TTL of 61",
        sessions=(Session((Message("rst-in-body", octets=30_000),), Stop("body", "rst"), body_share=0.66),),
        first_icid=10402,
        first_mid=1530,
    ),
    Case(
        name="silence-until-timer",
        title="Silence after RCPT until the appliance's timer",
        done="The recipient is accepted; the client says nothing more, and keeps the connection open until the"
        " appliance ends it after 300 seconds.",
        client="Python's smtplib as far as RCPT, then a blocking read of its socket. It closes when it has read the"
        " end of the stream, as a program does that wakes up at last.",
        log_says="`disconnected address ..., no messages injected within timeout period`, `Receiving aborted`,"
        " no `lost`",
        wire_shows="300 s of silence that the sender owed, `421 Timed out ...`, the appliance's FIN first",
        sessions=(Session((Message("silence-until-timer"),), Stop("rcpt", "silence")),),
        first_icid=10611,
        first_mid=1702,
        limit=360,
    ),
    Case(
        name="third-message-aborted",
        title="Three messages in one connection, the last ended by a FIN in its body",
        done="Two messages are delivered; in the body of the third the client closes its socket.",
        client="Python's smtplib for two whole messages, then its socket by hand: part of the body, close.",
        log_says="two messages `ready` and `done`, then `lost` and `Receiving aborted` for the third",
        wire_shows="two accepted messages, a body without its end, the sender's FIN, no QUIT",
        sessions=(
            Session(
                (
                    Message("third-message-first", subject="The first of three"),
                    Message("third-message-second", "carla@example.net", ("dora@example.com", "emil@example.com")),
                    Message("third-message-third", rcpt_to=("dora@example.com",), octets=6000),
                ),
                Stop("body", "fin"),
            ),
        ),
        first_icid=10733,
        first_mid=1811,
    ),
)
