"""Sessions with an injection debug log beside the mail log: the appliance's own account, octet by octet."""

from __future__ import annotations

from typing import Any

from dialogue import Dialogue
from middlebox import Path

from .common import to_rcpt
from .plan import Case, Listener, Message, Session, Stop


def _case(number: int, name: str, title: str, done: str, log: str, wire: str, **more: Any) -> Case:
    """A case of this family. Numbers keep the ICIDs and MIDs of two cases apart."""
    if "sessions" not in more:
        more["sessions"] = (Session((Message(name),), script=more.pop("script")),)
    listener = more.pop("listener", {})
    return Case(
        name=name,
        title=title,
        done=done,
        client="Python's smtplib, and its socket by hand where no library would do it.",
        log_says=log + "; every octet in `injection_debug.log`",
        wire_shows=wire,
        listener=Listener(debug_log="octets", **listener),
        logs=("mail.log", "injection_debug.log"),
        family="debug-logs",
        first_icid=22000 + 10 * number,
        first_mid=9800 + 10 * number,
        **more,
    )


def _stop(name: str, at: str, by: str, octets: int = 1200) -> tuple[Session, ...]:
    return (Session((Message(name, octets=octets),), Stop(at, by)),)  # type: ignore[arg-type]


def _several(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    for number in range(3):
        dialogue.deliver(number)
    dialogue.quit()


def _reset_by_rset(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.rset()
    dialogue.quit()


def _fin_under_tls(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.starttls()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.fin()


CASES = (
    _case(
        0,
        "debug-log-fin-after-rcpt",
        "A FIN after the 250 to RCPT, with an injection debug log",
        "The client closes its connection after the 250 to RCPT.",
        "`lost`, `Receiving aborted`",
        "the sender's FIN after the 250 to RCPT",
        sessions=_stop("debug-log-fin-after-rcpt", "rcpt", "fin"),
    ),
    _case(
        1,
        "debug-log-rst-in-body",
        "A reset in the body, with an injection debug log",
        "The client resets its connection in the body (linger 0).",
        "`lost`, `Receiving aborted`",
        "the sender's RST in the body",
        sessions=_stop("debug-log-rst-in-body", "body", "rst", octets=12000),
    ),
    _case(
        2,
        "debug-log-quit-before-data",
        "QUIT before DATA, with an injection debug log",
        "The client says QUIT after the 250 to RCPT.",
        "`Receiving aborted by sender`",
        "QUIT after the 250 to RCPT",
        sessions=_stop("debug-log-quit-before-data", "rcpt", "quit"),
    ),
    _case(
        3,
        "debug-log-three-messages",
        "Three messages, with an injection debug log",
        "The client delivers three messages on one connection.",
        "`ready` and `done`, three times",
        "three accepted messages, QUIT",
        sessions=(
            Session(
                (Message("debug-log-1"), Message("debug-log-2", octets=9000), Message("debug-log-3")),
                script=_several,
            ),
        ),
    ),
    _case(
        4,
        "debug-log-rset",
        "RSET after RCPT, with an injection debug log",
        "The client takes its message back by RSET, then QUIT.",
        "an abort in words that no document tells",
        "RSET after the 250 to RCPT",
        script=_reset_by_rset,
    ),
    _case(
        5,
        "debug-log-two-at-once",
        "Two connections at once, with one injection debug log",
        "Two clients at a time; one closes after DATA, the other in the body.",
        "`lost`, `Receiving aborted`, twice",
        "two FINs",
        sessions=(
            Session((Message("debug-log-one"),), Stop("data", "fin")),
            Session((Message("debug-log-other", octets=6000),), Stop("body", "fin")),
        ),
    ),
    _case(
        6,
        "debug-log-tls13-fin-after-rcpt",
        "A FIN after RCPT under TLS 1.3, with an injection debug log",
        "The client starts TLS and closes its connection after the 250 to RCPT.",
        "`TLS success`, `lost`, `Receiving aborted`",
        "STARTTLS, records, the sender's FIN",
        script=_fin_under_tls,
        listener={"tls": "starttls", "tls_version": "1.3"},
    ),
    _case(
        7,
        "debug-log-loss",
        "Two packets in a hundred lost, with an injection debug log",
        "The path loses packets at random; the message is delivered all the same.",
        "`ready`, `done`",
        "octets sent again, an accepted message, QUIT",
        sessions=(Session((Message("debug-log-loss", octets=24000),), script=lambda dialogue: _deliver(dialogue)),),
        path=Path(rtt=0.04, loss=0.02),
    ),
)


def _deliver(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.deliver()
    dialogue.quit()
