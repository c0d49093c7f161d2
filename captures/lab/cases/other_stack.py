"""A sender whose TCP is not Linux': smoltcp in user space. Its RSTs are its own, and no device's."""

from __future__ import annotations

import time
from typing import Any

from dialogue import Dialogue
from events import now
from leaving import SETTLE
from othertcp import OtherSocket, prepare

from .plan import Case, Message, Session


def _case(number: int, name: str, title: str, done: str, log: str, wire: str, script: Any, octets: int = 9000) -> Case:
    return Case(
        name=name,
        title=title,
        done=done,
        client="smtplib over smoltcp, a TCP stack in user space.",
        log_says=log,
        wire_shows=wire,
        family="other-stack",
        sessions=(Session((Message(name, octets=octets),), script=script),),
        prepare=prepare,
        first_icid=21000 + 10 * number,
        first_mid=10000 + 10 * number,
    )


def _to_body(dialogue: Dialogue) -> OtherSocket:
    sock = OtherSocket()
    dialogue.adopt(sock)
    dialogue.reply(220)
    dialogue.stage = "greeting"
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()
    return sock


def _ends(dialogue: Dialogue, sock: OtherSocket, how: str) -> None:
    time.sleep(SETTLE)
    when = now()
    sock.finish("abort" if how == "rst" else "close")
    dialogue.ended(how, time=when)
    time.sleep(1.0)  # for what the other end still says
    dialogue.smtp.close()


def _delivered(dialogue: Dialogue) -> None:
    sock = _to_body(dialogue)
    dialogue.dot()
    when = now()
    dialogue.must(dialogue.smtp.docmd("quit"), 221)
    dialogue.record("quit", time=when)
    sock.finish("close")
    dialogue.smtp.close()


def _fin(dialogue: Dialogue) -> None:
    sock = _to_body(dialogue)
    dialogue.body(acknowledged=False)
    _ends(dialogue, sock, "fin")


def _rst(dialogue: Dialogue) -> None:
    sock = _to_body(dialogue)
    dialogue.body(acknowledged=False)
    _ends(dialogue, sock, "rst")


CASES = (
    _case(
        1,
        "other-stack-delivered",
        "A message delivered by another TCP stack",
        "A whole message, QUIT.",
        "`ready`, `done`",
        "an accepted message; no timestamps, IP IDs of 0",
        _delivered,
    ),
    _case(
        2,
        "other-stack-fin-in-body",
        "FIN in the body by another TCP stack",
        "Part of the body is sent and acknowledged, and the connection closed.",
        "`lost`, `Receiving aborted`",
        "part of a body, the sender's FIN",
        _fin,
    ),
    _case(
        3,
        "other-stack-rst-in-body",
        "RST in the body by another TCP stack",
        "Part of the body is sent and acknowledged, and the connection aborted.",
        "`lost`, `Receiving aborted`",
        "part of a body, the sender's RST, shaped unlike Linux'",
        _rst,
    ),
)
