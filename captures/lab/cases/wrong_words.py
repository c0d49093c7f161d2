"""The log says other words than what happened: the cases that must come out as contradicted."""

from __future__ import annotations

from .plan import Case, Listener, Message, Session, Stop


def _case(name: str, number: int, stop: Stop | None = None, **given: object) -> Case:
    message = Message(name, octets=12_000)
    base: dict[str, object] = {
        "client": "Python's smtplib; for endings in the body its socket by hand.",
        "family": "trouble",
        "sessions": (Session((message,), stop) if stop else Session((message,)),),
        "first_icid": 15560 + 20 * number,
        "first_mid": 6560 + 20 * number,
    }
    return Case(name=name, **{**base, **given})  # type: ignore[arg-type]


CASES = (
    _case(
        "wrong-words-aborted-for-quit",
        0,
        Stop("rcpt", "quit"),
        title="The log says `Receiving aborted` though the sender said QUIT",
        done="The client says QUIT before DATA; the appliance logs the words of a connection that was lost.",
        log_says="`Receiving aborted`, no `lost`",
        wire_shows="QUIT after the 250 to RCPT, 221, FIN from both ends",
        listener=Listener(wrong=(("Receiving aborted by sender", "Receiving aborted"),)),
    ),
    _case(
        "wrong-words-by-sender-for-rst",
        1,
        Stop("body", "rst"),
        title="The log says `Receiving aborted by sender` though the sender reset the connection",
        done="The client resets in the body; the appliance logs the words of a QUIT.",
        log_says="`lost`, `Receiving aborted by sender`",
        wire_shows="a body without its end, the sender's RST, no QUIT",
        listener=Listener(wrong=(("Receiving aborted", "Receiving aborted by sender"),)),
    ),
    _case(
        "wrong-words-aborted-for-accepted",
        2,
        title="The log says `Receiving aborted` though the message was accepted",
        done="One message is handed over whole and accepted by a 250; the appliance logs it as aborted.",
        log_says="`Receiving aborted`",
        wire_shows="the 250 to the final dot, QUIT, 221",
        listener=Listener(wrong=(("accepted", "Receiving aborted"),)),
    ),
    _case(
        "wrong-words-accepted-for-fin",
        3,
        Stop("body", "fin"),
        title="The log says that the message was accepted though the sender closed in the body",
        done="The client closes in the body; the appliance logs `lost`, and the message as received.",
        log_says="`lost`, `ready N bytes`, `Message finished ... done`",
        wire_shows="a body without its end, the sender's FIN",
        listener=Listener(wrong=(("Receiving aborted", "accepted"),)),
    ),
)
