"""Endings by another TCP stack than Linux's: lwIP, whose resets look different from a kernel's."""

from __future__ import annotations

import time

import lwip_stack
from dialogue import SETTLE, Dialogue
from events import now

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
)
