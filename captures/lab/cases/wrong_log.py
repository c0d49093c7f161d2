"""A log that is made to say what did not happen: `contradicted` has its cases, too."""

from __future__ import annotations

from .common import case, stop_at
from .plan import Listener, Message, Session

CASES = (
    case(
        70,
        "delivered-but-logged-aborted",
        "A log that calls a delivered message aborted",
        "A message is delivered; the log is made to say otherwise.",
        "`Receiving aborted`, which is not so",
        "`250 ok:  Message N accepted`",
        sessions=(
            Session(
                (Message("logged-aborted"),),
            ),
        ),
        listener=Listener(wrong=(("accepted", "Receiving aborted"),)),
        family="wrong-log",
    ),
    case(
        71,
        "quit-but-logged-as-network-trouble",
        "A log that calls a QUIT `Receiving aborted`",
        "QUIT after RCPT; the log is made to say otherwise.",
        "`Receiving aborted`, which is not so",
        "QUIT, 221",
        sessions=stop_at("quit-logged", "rcpt", "quit"),
        listener=Listener(wrong=(("Receiving aborted by sender", "Receiving aborted"),)),
        family="wrong-log",
    ),
    case(
        72,
        "fin-but-logged-by-sender",
        "A log that calls a FIN `Receiving aborted by sender`",
        "FIN in the body; the log is made to say otherwise.",
        "`Receiving aborted by sender` without `lost`, which is not so",
        "the sender's FIN in the body, no QUIT",
        sessions=stop_at("fin-logged", "body", "fin", 6000),
        listener=Listener(wrong=(("Receiving aborted", "Receiving aborted by sender"), ("lost", ""))),
        unchecked=("lost",),
        family="wrong-log",
    ),
    case(
        73,
        "rst-but-logged-accepted",
        "A log that calls a reset message accepted",
        "RST in the body; the log is made to say `ready`.",
        "`ready`, `done`, which is not so",
        "the sender's RST in the body",
        sessions=stop_at("rst-logged", "body", "rst", 6000),
        listener=Listener(wrong=(("Receiving aborted", "accepted"),)),
        family="wrong-log",
    ),
    case(
        74,
        "rst-but-logged-by-sender",
        "A log that calls a reset message `Receiving aborted by sender`",
        "RST in the body; the log is made to say that the sender ended it by QUIT, and `lost` all the same.",
        "`lost`, `Receiving aborted by sender`, which is not so",
        "the sender's RST in the body, no QUIT",
        sessions=stop_at("rst-logged-by-sender", "body", "rst", 6000),
        listener=Listener(wrong=(("Receiving aborted", "Receiving aborted by sender"),)),
        family="wrong-log",
    ),
)
