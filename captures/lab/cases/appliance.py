"""The appliance ends it, refuses it, or keeps the sender waiting."""

from __future__ import annotations

import contextlib
import smtplib
import time

from dialogue import Dialogue

from .common import LIMIT_OF_SILENCE, case, in_drops, to_rcpt
from .plan import Listener, Message, Session


def _until_the_total_limit(dialogue: Dialogue) -> None:
    """Three messages in ten minutes, then a body in drops: the time for one message is never exceeded."""
    dialogue.connect()
    dialogue.ehlo()
    for number in range(3):
        dialogue.deliver(number)
        time.sleep(210)
    dialogue.mail(3)
    dialogue.rcpt()
    dialogue.data()
    in_drops(dialogue, 3)


def _bad_commands(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    for word in ("VERB", "ONEX", "XCLIENT", "TURN"):
        dialogue.say(word, 500)
    dialogue.say("XFORWARD", 421)
    dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _too_large_announced(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail(code=552)
    dialogue.quit()


def _too_large_unannounced(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    message = dialogue.session.messages[0]
    dialogue.say(f"MAIL FROM:<{message.mail_from}>", 250)
    dialogue.message, dialogue.stage = 0, "mail"
    dialogue.record("mail", message=0, mail_from=message.mail_from)
    dialogue.rcpt()
    dialogue.data()
    dialogue.dot(552)
    dialogue.quit()


def _too_many_header_lines(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    content = dialogue.content()
    dialogue.record("end_of_data", message=0, body_octets=len(content))
    with contextlib.suppress(OSError):
        dialogue.send(content + b".\r\n")
        dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _second_connection(dialogue: Dialogue) -> None:
    dialogue.connect(greeted=False)
    dialogue.reply(421)
    dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _refused_at_the_dot(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(554)
    dialogue.quit()


def _no_patience_at_rcpt(dialogue: Dialogue) -> None:
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.pause()
    dialogue.send(b"RCPT TO:<bert@example.com>\r\n")
    dialogue.stage = "rcpt"
    dialogue.give_up(70)


def _no_patience_at_the_dot(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    dialogue.give_up(70)


def _until_closed(dialogue: Dialogue) -> None:
    """An ordinary sender at RCPT to whom the appliance closes."""
    with contextlib.suppress(OSError, smtplib.SMTPServerDisconnected):
        to_rcpt(dialogue)
        dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


def _to_a_deaf_ear(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.body_until_gone(pause=0.0)


def _no_answer_to_the_dot(dialogue: Dialogue) -> None:
    to_rcpt(dialogue)
    dialogue.data()
    dialogue.dot(None)
    with contextlib.suppress(OSError):
        dialogue.read_to_the_end()
    dialogue.ended("gone")
    dialogue.smtp.close()


LONG_HEADER = tuple((f"X-Line-{number}", "of a header that is too long") for number in range(1, 1002))


CASES = (
    case(
        42,
        "total-time-limit",
        "The total time limit of a connection",
        "Three messages in ten minutes, then a body in drops, until the connection is 900 s old.",
        "three messages `done`; `exceeded allowable connection time`, `Receiving aborted`",
        "`421 Exceeded allowable connection time` in the body of the fourth",
        sessions=(
            Session(
                tuple(Message(f"total-{n}", octets=6000 if n == 3 else 600) for n in range(4)),
                script=_until_the_total_limit,
            ),
        ),
        limit=1000,
        family="appliance",
    ),
    case(
        43,
        "bad-command-limit",
        "Too many bad commands",
        "Five commands after RCPT that the appliance does not know.",
        "five times `Unknown command`; `Receiving aborted` without `lost` (a guess)",
        "four 500, then `421 Exceeded bad SMTP command limit` and the appliance's FIN",
        script=_bad_commands,
        family="appliance",
    ),
    case(
        44,
        "too-large-announced",
        "A message too large by its own SIZE",
        "MAIL announces more than the limit and is answered 552; QUIT.",
        "`Receiving Failed: Message size exceeds limit`; no MID",
        "552 to MAIL, QUIT",
        sessions=(Session((Message("too-large-announced", octets=9000),), script=_too_large_announced),),
        listener=Listener(size_limit=4000),
        family="appliance",
    ),
    case(
        45,
        "too-large-unannounced",
        "A message that turns out too large",
        "MAIL has no SIZE; the final dot is answered 552; QUIT.",
        "`Receiving Failed: Message size exceeds limit`, `Message finished ... aborted` (a guess)",
        "552 to the final dot, QUIT",
        sessions=(Session((Message("too-large-unannounced", octets=9000),), script=_too_large_unannounced),),
        listener=Listener(size_limit=4000),
        family="appliance",
    ),
    case(
        46,
        "too-many-header-lines",
        "A header of more than 1000 lines",
        "The client sends it all; the appliance answers 552 in the middle, takes the rest for commands, and leaves.",
        "`Receiving aborted` (a guess)",
        "552 in the body, four 500, `421 Exceeded bad SMTP command limit`, then RST and FIN in either direction",
        sessions=(Session((Message("header-lines", headers=LONG_HEADER),), script=_too_many_header_lines),),
        unchecked=("body",),
        family="appliance",
    ),
    case(
        47,
        "connection-limit",
        "One connection too many from one address",
        "While one connection is open, a second one is answered 421 in the place of a greeting.",
        "`System limit reached: connection limit`, `Receiving Failed: Connection limit exceeded`",
        "`421 too many connections` in place of the greeting",
        sessions=(
            Session((Message("connection-limit"),), pause=0.6),
            Session(script=_second_connection, start=1.0),
        ),
        listener=Listener(connections=1),
        family="appliance",
    ),
    case(
        48,
        "refused-at-the-dot",
        "The message is refused at its final dot",
        "The final dot is answered 554; QUIT.",
        "`Receiving Failed: Message loop`, `Message finished ... aborted` (a guess)",
        "554 to the final dot, QUIT",
        script=_refused_at_the_dot,
        listener=Listener(refuse_end="554 #5.4.6 Message loop"),
        family="appliance",
    ),
    case(
        50,
        "slow-answer-to-rcpt",
        "The appliance is slow to answer RCPT, and the sender gives up",
        "The answer to RCPT would take 100 s; the client closes after 70.",
        "`lost`, `Receiving aborted`",
        "RCPT, 70 s of nothing, the sender's FIN",
        script=_no_patience_at_rcpt,
        listener=Listener(delays=(("rcpt", 100.0),)),
        limit=150,
        family="appliance",
    ),
    case(
        51,
        "slow-answer-to-the-dot",
        "The appliance is slow to answer the final dot, and the sender gives up",
        "The answer to the dot would take 100 s; the client closes after 70.",
        "`lost`, `Receiving aborted`",
        "the dot, 70 s of nothing, the sender's FIN",
        script=_no_patience_at_the_dot,
        listener=Listener(delays=(("end_of_data", 100.0),)),
        limit=150,
        family="appliance",
    ),
    case(
        52,
        "appliance-kills-connection",
        "The appliance kills the connection",
        "After RCPT the appliance's administrator kills the connection.",
        "`SMTP server connection killed`, `Receiving aborted` (a guess)",
        "the appliance's FIN after the 250 to RCPT, without a word",
        script=_until_closed,
        listener=Listener(kill="rcpt"),
        expected=(("why", "unknown"), ("verdict", "undetermined")),
        family="appliance",
    ),
    case(
        53,
        "appliance-dies",
        "The appliance's process dies",
        "After RCPT the listener is killed by kill -9; its kernel closes.",
        "nothing more: the log ends after the RCPT",
        "the appliance's FIN after the 250 to RCPT",
        script=_until_closed,
        listener=Listener(die="rcpt"),
        family="appliance",
    ),
    case(
        54,
        "appliance-window-closed",
        "The appliance stops reading in the body",
        "The appliance reads no more when the body begins; its window closes; its timer runs out.",
        "`disconnected ...`, `Receiving aborted`",
        "a window of 0 and the sender's probes, for 300 s",
        sessions=(Session((Message("window-closed", octets=200_000),), script=_to_a_deaf_ear),),
        listener=Listener(deaf="body"),
        limit=LIMIT_OF_SILENCE,
        family="appliance",
    ),
    case(
        55,
        "no-answer-to-the-dot",
        "The appliance never answers the final dot",
        "The appliance takes the dot and says nothing until its timer runs out.",
        "`disconnected ...`, `Receiving aborted`",
        "the dot, 300 s of nothing that the appliance owed, 421",
        script=_no_answer_to_the_dot,
        listener=Listener(forget_end=True),
        limit=LIMIT_OF_SILENCE,
        family="appliance",
    ),
)
