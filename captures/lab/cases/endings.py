"""Every way in which a sender ends a session, with nothing on the way that interferes."""

from __future__ import annotations

import contextlib
import smtplib

from dialogue import Dialogue

from .common import GAP, LIMIT_OF_SILENCE, case, in_drops, stop_at, to_rcpt
from .plan import Listener, Message, Session, Stop


def _several(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    for number in range(3):
        dialogue.deliver(number)
    dialogue.quit()


def _all_refused(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt(dict.fromkeys(dialogue.session.messages[0].rcpt_to, 550))
    dialogue.quit()


def _reset_by_rset(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.rset()
    dialogue.quit()


def _nested(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.say("MAIL FROM:<otto@example.net>", 503)
    dialogue.fin()


def _fin_at_once_after_dot(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    dialogue.fin(settle=0.0)


def _half_close(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    dialogue.half_close()
    dialogue.reply(250)
    dialogue.read_to_the_end()
    dialogue.smtp.close()


def _pipelined_quit(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.body(share=0.5)
    content = dialogue.content()
    dialogue.send(content[dialogue.sent_octets :] + b".\r\nQUIT\r\n")
    dialogue.stage = "end_of_data"
    message_id = dialogue.session.messages[0].message_id
    dialogue.record("end_of_data", message=0, body_octets=len(content), message_id=message_id)
    dialogue.record("quit")
    dialogue.reply(250)
    dialogue.reply(221)
    dialogue.smtp.close()


def _quit_and_rst(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.quit_and_leave("rst")


def _quit_and_fin(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.quit_and_leave("fin")


def _killed(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.body()
    dialogue.killed()


def _unread(dialogue: Dialogue) -> None:
    """RCPT is said, its answer left in the kernel."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    rcpt = dialogue.session.messages[0].rcpt_to[0]
    dialogue.pause()
    dialogue.send(f"RCPT TO:<{rcpt}>\r\n".encode())
    dialogue.stage = "rcpt"
    dialogue.record("rcpt", message=0, rcpt_to=rcpt)
    dialogue.rst_by_unread()


def _rst_after_fin(dialogue: Dialogue) -> None:
    """DATA and close at once: the 354 meets a closed socket."""
    to_rcpt(dialogue)
    dialogue.pause()
    dialogue.send(b"DATA\r\n")
    dialogue.fin(settle=0.0)


def _dribble(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    in_drops(dialogue, 0)


def _noops(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.record("noops", message=0)
    with contextlib.suppress(OSError, smtplib.SMTPServerDisconnected):
        while dialogue.smtp.noop()[0] == 250:
            dialogue.smtp.sock.settimeout(GAP)
            with contextlib.suppress(TimeoutError):
                if dialogue.smtp.sock.recv(4096):
                    break
            dialogue.smtp.sock.settimeout(dialogue.session.patience)
    dialogue.ended("gone")
    dialogue.smtp.close()


SILENT = {
    "greeting": (
        "after the greeting",
        "no MID; `disconnected address ..., no messages injected within timeout period`",
    ),
    "helo": ("after EHLO", "no MID; `disconnected address ..., no messages injected within timeout period`"),
    "mail": ("after MAIL", "`disconnected ...`, `Receiving aborted`"),
    "data": ("after DATA", "`disconnected ...`, `Receiving aborted`"),
    "body": ("in the body", "`disconnected ...`, `Receiving aborted`"),
    "between": ("after a delivered message", "`ready`, then `disconnected ...` for the connection alone"),
}

CLOSED = {
    "connect": ("after the handshake", "`lost`; no MID"),
    "helo": ("after EHLO", "`lost`; no MID"),
    "mail": ("after MAIL", "`lost`, `Receiving aborted`"),
    "data": ("after DATA", "`lost`, `Receiving aborted`"),
    "body": ("in the body", "`lost`, `Receiving aborted`"),
}


CASES = (
    case(
        1,
        "three-delivered",
        "Three messages delivered in one connection",
        "Three messages are handed over whole, then QUIT.",
        "three times `ready` and `done`",
        "three accepted messages, QUIT, 221",
        sessions=(Session(tuple(Message(f"three-delivered-{n}") for n in range(3)), script=_several),),
    ),
    case(
        2,
        "all-recipients-refused",
        "QUIT after all recipients were refused",
        "Both recipients are answered 550; the client says QUIT.",
        "`Rejected by RAT` twice, `Receiving aborted by sender`",
        "two 550, QUIT, 221",
        sessions=(
            Session((Message("refused", rcpt_to=("carl@example.com", "dan@example.com")),), script=_all_refused),
        ),
        listener=Listener(refuse=tuple((f"{n}@example.com", "550 #5.1.0 Address rejected.") for n in ("carl", "dan"))),
    ),
    case(
        3,
        "call-back-verification",
        "A server that only asks whether an address exists",
        "MAIL from the empty sender, RCPT, QUIT: a call-back, as other mail servers do it.",
        "`Receiving aborted by sender`",
        "MAIL FROM:<>, RCPT, 250, QUIT",
        sessions=(Session((Message("call-back", mail_from=""),), Stop("rcpt", "quit")),),
    ),
    case(
        4,
        "rset-after-rcpt",
        "RSET after RCPT, then QUIT",
        "The client gives the transaction up by RSET, and leaves by QUIT.",
        "`Receiving aborted by sender` (a guess at the vendor's words for RSET)",
        "RSET, 250, QUIT, 221",
        script=_reset_by_rset,
    ),
    case(
        5,
        "nested-mail",
        "A second MAIL inside a transaction, then FIN",
        "MAIL is said again after RCPT, which is answered 503 and ends nothing; the client then closes.",
        "`lost`, `Receiving aborted`",
        "503 to the second MAIL, then the sender's FIN",
        script=_nested,
    ),
    *(
        case(
            10 + number,
            f"fin-{'after' if at != 'body' else 'in'}-{at}",
            f"FIN {words[0]}",
            f"The client closes {words[0]}, without QUIT.",
            words[1],
            f"the sender's FIN {words[0]}",
            sessions=stop_at(f"fin-{at}", at, "fin", 6000 if at == "body" else 1200),
            # An unread greeting would make a reset of the close.
            listener=Listener(delays=(("greeting", 2.0),)) if at == "connect" else Listener(),
        )
        for number, (at, words) in enumerate(CLOSED.items())
    ),
    case(
        20,
        "fin-right-after-dot",
        "FIN right behind the final dot",
        "The client sends the dot and closes at once; the appliance takes the message.",
        "`ready`, `done`, then `lost`",
        "dot, FIN, then the 250, which the sender's closed socket answers with an RST",
        script=_fin_at_once_after_dot,
    ),
    case(
        21,
        "half-close-after-dot",
        "Half-close behind the final dot",
        "The client sends the dot and shuts its sending side; it reads the 250 and the end of the stream.",
        "`ready`, `done`, then `lost`",
        "dot, the sender's FIN, the 250, which is acknowledged",
        script=_half_close,
    ),
    case(
        22,
        "quit-pipelined-behind-dot",
        "QUIT in one segment with the final dot",
        "Dot and QUIT go out together; both are answered.",
        "`ready`, `done`",
        "dot and QUIT in one segment, 250, 221",
        script=_pipelined_quit,
    ),
    case(
        23,
        "quit-racing-an-rst",
        "QUIT and an RST at once",
        "QUIT, and a reset before its 221 can have come. The appliance needs half a second for its 221.",
        "`lost`, `Receiving aborted`",
        "QUIT and RST within a millisecond, no 221",
        script=_quit_and_rst,
        listener=Listener(delays=(("quit", 0.5),)),
        unchecked=("stage", "fin"),
    ),
    case(
        24,
        "quit-racing-a-fin",
        "QUIT and a FIN at once",
        "QUIT, and a close before its 221 can have come. The appliance needs half a second for its 221.",
        "`lost`, `Receiving aborted`",
        "QUIT and FIN within a millisecond, no 221",
        script=_quit_and_fin,
        listener=Listener(delays=(("quit", 0.5),)),
    ),
    case(
        25,
        "client-killed-in-body",
        "The client's process is killed in the body",
        "kill -9 when part of the body has been acknowledged; its kernel closes the socket.",
        "`lost`, `Receiving aborted`",
        "the sender's FIN in the body",
        sessions=(Session((Message("client-killed", octets=6000),), script=_killed),),
    ),
    case(
        26,
        "rst-by-unread-data",
        "RST because the client closes with a reply unread",
        "The client closes while the 250 to its RCPT lies unread in the kernel, which makes a reset of the close.",
        "`lost`, `Receiving aborted`",
        "RST with ACK, window and timestamps after the 250 to RCPT",
        script=_unread,
    ),
    case(
        27,
        "rst-after-fin",
        "FIN right behind DATA, and an RST from the closed socket",
        "The client sends DATA and closes at once; the 354 meets a closed socket.",
        "`lost`, `Receiving aborted`",
        "DATA, the sender's FIN, 354, then an RST without ACK, window or timestamps",
        script=_rst_after_fin,
        unchecked=("stage",),
        expected=(("turn", None),),
    ),
    *(
        case(
            30 + number,
            f"silence-{'in' if at == 'body' else 'after'}-{'delivery' if at == 'between' else at}",
            f"Silence {words[0]} until the appliance's timer",
            f"The client says nothing more {words[0]}, and keeps the connection open until the appliance ends it.",
            words[1],
            "300 s of silence that the sender owed, `421 Timed out ...`, the appliance's FIN first",
            sessions=stop_at(f"silence-{at}", at, "silence", 6000 if at == "body" else 1200),
            limit=LIMIT_OF_SILENCE,
        )
        for number, (at, words) in enumerate(SILENT.items())
    ),
    case(
        40,
        "dribble-until-timer",
        "A body in drops until the appliance's timer",
        "Forty octets of the body every 20 seconds.",
        "`disconnected ...`, `Receiving aborted`",
        "a body that never stalls and never ends, 421 after 300 s",
        sessions=(Session((Message("dribble", octets=6000),), script=_dribble),),
        limit=LIMIT_OF_SILENCE,
    ),
    case(
        41,
        "noops-until-timer",
        "NOOPs until the appliance's timer",
        "A NOOP every 20 seconds after RCPT.",
        "`disconnected ...`, `Receiving aborted`",
        "NOOP and 250 in turn, 421 after 300 s",
        script=_noops,
        limit=LIMIT_OF_SILENCE,
    ),
)
