"""Postfix in the appliance's place: BDAT and PIPELINING, which an ESA does not offer, and an account of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dialogue import Dialogue

from .plan import Case, Listener, Message, Session, Stop


def _case(number: int, name: str, title: str, done: str, log: str, wire: str, **more: Any) -> Case:
    """A case of this family."""
    octets = more.pop("octets", 9000)
    script, stop = more.pop("script", None), more.pop("stop", Stop("between", "quit"))
    more.setdefault("client", "Python's smtplib, and its socket by hand for what smtplib does not speak.")
    return Case(
        name=name,
        title=title,
        done=done,
        log_says=f"Postfix itself: {log}",
        wire_shows=wire,
        family="postfix",
        server="postfix",
        sessions=(Session((Message(name, octets=octets),), stop, script=script),),
        first_icid=20000 + 10 * number,
        first_mid=9900 + 10 * number,
        **more,
    )


def _bdat(end: Callable[[Dialogue], None], chunks: int, part: float = 1.0) -> Callable[[Dialogue], None]:
    """The body in chunks of equal size; of the last one that is sent only `part`, then `end`."""

    def script(dialogue: Dialogue) -> None:
        dialogue.connect()
        dialogue.ehlo()
        dialogue.mail()
        dialogue.rcpt()
        content = dialogue.content()
        size = -(-len(content) // 3)
        for number in range(chunks):
            piece = content[number * size : (number + 1) * size]
            last = number == 2
            dialogue.pause()
            dialogue.send(f"BDAT {len(piece)}{' LAST' if last else ''}\r\n".encode())
            whole = number < chunks - 1 or part == 1.0
            dialogue.send(piece if whole else piece[: int(len(piece) * part)])
            dialogue.sent_octets += len(piece) if whole else int(len(piece) * part)
            dialogue.stage = "body"
            message_id = dialogue.session.messages[0].message_id
            dialogue.record("body", message=0, body_octets=dialogue.sent_octets, message_id=message_id)
            if whole:
                dialogue.reply(250)
                if last:
                    dialogue.stage = "between"
            else:
                dialogue.wait_until_acknowledged()
        end(dialogue)

    return script


def _pipelined(end: Callable[[Dialogue], None], share: float) -> Callable[[Dialogue], None]:
    """MAIL, RCPT and DATA in one segment."""

    def script(dialogue: Dialogue) -> None:
        dialogue.connect()
        dialogue.ehlo()
        message = dialogue.session.messages[0]
        dialogue.pause()
        words = [f"MAIL FROM:<{message.mail_from}>", *(f"RCPT TO:<{rcpt}>" for rcpt in message.rcpt_to), "DATA"]
        dialogue.send("".join(f"{word}\r\n" for word in words).encode())
        dialogue.reply(250)
        dialogue.message, dialogue.stage = 0, "mail"
        dialogue.record("mail", message=0, mail_from=message.mail_from)
        for rcpt in message.rcpt_to:
            dialogue.reply(250)
            dialogue.stage = "rcpt"
            dialogue.record("rcpt", message=0, rcpt_to=rcpt)
        dialogue.reply(354)
        dialogue.stage = "data"
        if share < 1.0:
            dialogue.body(share)
        else:
            dialogue.dot()
        end(dialogue)

    return script


CASES = (
    _case(
        1,
        "bdat-delivered",
        "A message delivered by BDAT",
        "The body goes in three chunks, the last one marked LAST; QUIT.",
        "`queued`, an ordinary disconnect",
        "BDAT, 250 three times, QUIT",
        script=_bdat(Dialogue.quit, 3),
    ),
    _case(
        2,
        "bdat-fin-inside-a-chunk",
        "FIN inside a chunk of BDAT",
        "Half of the second chunk is sent, and the connection closed.",
        "`lost connection after BDAT`",
        "a chunk that is cut short, the sender's FIN",
        script=_bdat(Dialogue.fin, 2, 0.5),
    ),
    _case(
        3,
        "bdat-rst-between-chunks",
        "RST between two chunks of BDAT",
        "Two chunks are accepted; instead of the last one comes a reset.",
        "`lost connection after BDAT`",
        "two chunks answered 250, the sender's RST",
        script=_bdat(Dialogue.rst, 2),
    ),
    _case(
        4,
        "bdat-quit-between-chunks",
        "QUIT between two chunks of BDAT",
        "Two chunks are accepted; instead of the last one comes QUIT.",
        "an ordinary disconnect, nothing queued",
        "two chunks answered 250, QUIT, 221",
        script=_bdat(Dialogue.quit, 2),
    ),
    _case(
        5,
        "pipelined-delivered",
        "A message delivered with PIPELINING",
        "MAIL, RCPT and DATA go out in one segment; the body; QUIT.",
        "`queued`, an ordinary disconnect",
        "three commands in one segment, their three replies",
        script=_pipelined(Dialogue.quit, 1.0),
    ),
    _case(
        6,
        "pipelined-fin-in-body",
        "FIN in the body of a pipelined message",
        "MAIL, RCPT and DATA go out in one segment; the connection is closed in the body.",
        "`lost connection after DATA (N bytes)`",
        "three commands in one segment, part of a body, the sender's FIN",
        script=_pipelined(Dialogue.fin, 0.5),
    ),
    _case(
        7,
        "postfix-quit-before-data",
        "QUIT after RCPT, told by Postfix",
        "RCPT is accepted; QUIT.",
        "an ordinary disconnect, nothing queued",
        "QUIT after the 250 to RCPT, 221",
        stop=Stop("rcpt", "quit"),
    ),
    _case(
        8,
        "postfix-fin-after-rcpt",
        "FIN after RCPT, told by Postfix",
        "RCPT is accepted; the client closes.",
        "`lost connection after RCPT`",
        "the sender's FIN after the 250 to RCPT",
        stop=Stop("rcpt", "fin"),
    ),
    _case(
        9,
        "postfix-rst-in-body",
        "RST in the body, told by Postfix",
        "Part of the body is sent and acknowledged, and the connection reset.",
        "`lost connection after DATA (N bytes)`",
        "a body without its end, the sender's RST",
        stop=Stop("body", "rst"),
    ),
    _case(
        10,
        "postfix-silence-in-body",
        "Silence in the body, told by Postfix",
        "Part of the body is sent, then nothing, until Postfix' timer of 300 s runs out.",
        "`timeout after DATA (N bytes)`",
        "300 s of silence that the sender owed, `421 4.4.2 ... Error: timeout exceeded`, FIN",
        stop=Stop("body", "silence"),
        listener=Listener(timeout=300),
        limit=400,
        unchecked=("timer",),
    ),
)
