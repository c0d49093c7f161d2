"""Resets look different from stack to stack: those of lwIP, a real one, and of two emulations."""

from __future__ import annotations

import time

import emulated_stack
import lwip_stack
from dialogue import Dialogue
from events import now
from leaving import SETTLE

from .plan import Case, Message, Session

CLIENT = "Python's smtplib over lwIP 2.1 in user space (TTL 255, IP IDs that count up, no DF), in place of the kernel."


def _reset_in_body(dialogue: Dialogue) -> None:
    """tcp_abort(): an RST with ACK, as this stack sends it."""
    stack = lwip_stack.connect(dialogue)
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()
    dialogue.body()
    time.sleep(3 * SETTLE)  # there is no kernel to say what is acknowledged
    when = now()
    stack.order(b"a")
    dialogue.ended("rst", time=when, way="lwIP's tcp_abort")
    stack.stop()


def _closed_before_the_reply(dialogue: Dialogue) -> None:
    """tcp_close() behind a command; to the reply this stack answers by an RST of its own."""
    stack = lwip_stack.connect(dialogue)
    dialogue.ehlo()
    dialogue.mail()
    rcpt = dialogue.session.messages[0].rcpt_to[0]
    stack.order(b"h")
    when = now()
    dialogue.send(f"rcpt TO:<{rcpt}>\r\n".encode())
    stack.order(b"c")
    dialogue.stage = "rcpt"
    dialogue.record("rcpt", message=0, rcpt_to=rcpt)
    dialogue.ended("fin", time=when, way="lwIP's tcp_close")
    time.sleep(1)
    stack.stop()


def _emulated(shape: emulated_stack.Shape) -> Session:
    """A reset in the body, of a shape."""

    def script(dialogue: Dialogue) -> None:
        stack = emulated_stack.connect(dialogue, shape)
        dialogue.ehlo()
        dialogue.mail()
        dialogue.rcpt()
        dialogue.data()
        dialogue.body()
        time.sleep(3 * SETTLE)
        when = now()
        stack.reset()
        dialogue.ended("rst", time=when, way="emulated")

    return Session((Message("rst-emulated", octets=6000),), script=script, body_share=0.66)


CASES = (
    Case(
        name="rst-other-stack-active",
        title="RST in the body by another TCP stack",
        done="The client sends two thirds of a body, waits until it is acknowledged, and aborts the connection.",
        client=CLIENT,
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a body without its end, then one RST with ACK and a window, with the sender's TTL and its next IP ID",
        family="stacks",
        sessions=(Session((Message("rst-other-stack-active", octets=6000),), script=_reset_in_body, body_share=0.66),),
        senders=2,
        prepare=lwip_stack.give_up_address,
        unchecked=("ttl",),
        first_icid=16950,
        first_mid=7950,
    ),
    Case(
        name="rst-other-stack-after-fin",
        title="FIN behind RCPT by another TCP stack, which then resets when the reply comes",
        done="The client says RCPT and closes at once, without waiting for the reply. Its stack answers the reply by an"
        " RST, because nobody is there any more to read it.",
        client=CLIENT,
        log_says="`lost`, `Receiving aborted`",
        wire_shows="RCPT and FIN in one segment, the 250, then an RST of the sender's stack: aftermath of its FIN",
        family="stacks",
        sessions=(Session((Message("rst-other-stack-after-fin"),), script=_closed_before_the_reply),),
        senders=2,
        prepare=lwip_stack.give_up_address,
        unchecked=("ttl",),
        expected=(("turn", "appliance"),),
        first_icid=16960,
        first_mid=7960,
    ),
    Case(
        name="rst-emulated-windows",
        title="RST in the body in the shape of Windows (an emulation)",
        done="The client sends two thirds of a body, waits until it is acknowledged, and resets: RST with ACK, window 0,"
        " no options, TTL and IP ID of its other packets going on. Its segments are made by hand, as Windows would.",
        client="Python's smtplib over an emulated stack: TTL 128, no timestamps.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a body without its end, one RST with ACK and window 0, with the sender's TTL and its next IP ID",
        family="stacks",
        sessions=(_emulated(emulated_stack.WINDOWS),),
        senders=2,
        prepare=lwip_stack.give_up_address,
        unchecked=("ttl",),
        first_icid=16970,
        first_mid=7970,
    ),
    Case(
        name="rst-emulated-bare",
        title="RST in the body without ACK, by a small stack (an emulation)",
        done="The client sends two thirds of a body, waits until it is acknowledged, and resets: RST without ACK, window"
        " 0, no options, TTL and IP ID of its other packets going on. Its segments are made by hand.",
        client="Python's smtplib over an emulated stack: TTL 64, MSS the only option.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a body without its end, one bare RST with the sender's TTL and its next IP ID",
        family="stacks",
        sessions=(_emulated(emulated_stack.BARE),),
        senders=2,
        prepare=lwip_stack.give_up_address,
        first_icid=16980,
        first_mid=7980,
    ),
)
