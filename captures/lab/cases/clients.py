"""Mail programs as they are: swaks, msmtp, and smtplib with AUTH and a debug log."""

from __future__ import annotations

from typing import Any

from dialogue import Dialogue

from .common import case
from .plan import Listener, Message, Session


def _swaks(*words: str) -> Any:
    def script(dialogue: Dialogue) -> None:
        message = dialogue.session.messages[0]
        ends = ["--server", "198.51.100.25", "--from", message.mail_from, "--to", ",".join(message.rcpt_to)]
        ends += ["--helo", "sender.example.net", "--h-Message-Id", message.message_id]
        dialogue.program("swaks", *ends, *words)
        if "--drop-after" in words:
            dialogue.ended("fin", way="swaks --drop-after")

    return script


def _msmtp(dialogue: Dialogue) -> None:
    message = dialogue.session.messages[0]
    words = ["msmtp", "--debug", "--host=198.51.100.25", "--tls=off", f"--from={message.mail_from}"]
    dialogue.program(*words, "--domain=sender.example.net", *message.rcpt_to, stdin=message.content())


def _authenticated(dialogue: Dialogue) -> None:
    """AUTH, a delivered message, and a second one given up by a FIN."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.pause()
    dialogue.must(dialogue.smtp.login("anna", "not a real password"), 235)
    dialogue.deliver(0)
    dialogue.mail(1)
    dialogue.rcpt()
    dialogue.fin()


CASES = (
    case(
        60,
        "swaks-delivers",
        "swaks delivers a message",
        "swaks hands over a message and says QUIT.",
        "`ready`, `done`",
        "an accepted message, QUIT, 221",
        client="swaks.",
        script=_swaks(),
        family="clients",
    ),
    case(
        61,
        "swaks-quits-after-rcpt",
        "swaks leaves by QUIT after RCPT",
        "`swaks --quit-after RCPT`.",
        "`Receiving aborted by sender`",
        "QUIT after the 250 to RCPT",
        client="swaks.",
        script=_swaks("--quit-after", "RCPT"),
        family="clients",
    ),
    case(
        62,
        "swaks-drops-after-rcpt",
        "swaks drops the connection after RCPT",
        "`swaks --drop-after RCPT`.",
        "`lost`, `Receiving aborted`",
        "the sender's FIN after the 250 to RCPT",
        client="swaks.",
        script=_swaks("--drop-after", "RCPT"),
        family="clients",
    ),
    case(
        63,
        "msmtp-delivers",
        "msmtp delivers a message",
        "msmtp hands over a message and says QUIT.",
        "`ready`, `done`",
        "an accepted message, QUIT, 221",
        client="msmtp.",
        script=_msmtp,
        family="clients",
    ),
    case(
        64,
        "debug-log-with-auth",
        "AUTH, one message delivered, a second one ended by a FIN, with an injection debug log",
        "The client authenticates, delivers a message, and closes after the RCPT of the next one.",
        "`SMTP Auth: ... succeeded`, `ready`, `done`, then `lost` and `Receiving aborted`; every octet in"
        " `injection_debug.log`, the credentials masked",
        "AUTH, an accepted message, then the sender's FIN after the 250 to RCPT",
        sessions=(Session((Message("debug-log-first"), Message("debug-log-second")), script=_authenticated),),
        listener=Listener(auth=True, debug_log="octets"),
        logs=("mail.log", "injection_debug.log"),
        family="clients",
    ),
)
