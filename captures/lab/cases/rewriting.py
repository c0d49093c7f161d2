"""A box on the way reads the dialogue: it stops mail by its content, changes what is said, or has limits of its own."""

from __future__ import annotations

import contextlib
import smtplib
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dialogue import Dialogue
from middlebox import DropFrom, ForgeReset, contains
from middlebox.devices import (
    Both,
    Rewrite,
    StopData,
    SwallowDot,
    banner_masked,
    line_over,
    rcpts_over,
    starttls_masked,
    x_commands,
)
from middlebox.proxy import intercept
from watched import Unexpected

from .interference import CLIENT, LONG, LOST, SILENT, TIMED_OUT, WAY, as_far_as_data, until_gone
from .plan import Case, Cause, Listener, Message, Session

BAD_WORDS = "Wire 4,000,000 to the account below and keep this between the two of us."
"""What the content filter of the box looks for."""

GONE = (OSError, smtplib.SMTPServerDisconnected, Unexpected)
"""How a script meets the end that others make."""


def _tries(times: int, last: bool) -> Any:
    """A script: the same message, again and again, as a mail queue does it. `last`: wait for the appliance's timers."""

    def script(dialogue: Dialogue) -> None:
        for number in range(times):
            time.sleep(5 if number else 0)
            as_far_as_data(dialogue)
            dialogue.body_until_gone()
        if last:
            dialogue.outlast()

    return script


def _bdat(dialogue: Dialogue) -> None:
    """A sender that takes TLS and BDAT for granted, asks for both, and goes on as if it had been understood."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.say("STARTTLS", 500)
    dialogue.mail()
    dialogue.rcpt()
    content = dialogue.session.messages[0].content()
    dialogue.send(f"BDAT {len(content)} LAST\r\n".encode() + content)
    with contextlib.suppress(*GONE):
        dialogue.read_to_the_end()
    dialogue.ended("gone", how="closed")


def _through_a_proxy(dialogue: Dialogue) -> None:
    """An ordinary sender; the near router gets a proxy first, that has seen enough after 8 KB."""
    proxy = str(Path(__file__).resolve().parent.parent / "middlebox" / "proxy.py")
    words = [*dialogue.net.inside("near"), sys.executable, proxy, str(dialogue.work / "proxy.jsonl"), "8000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        if child.stdout.readline() != "listening\n":
            raise Unexpected("the proxy did not start")
        until_gone(dialogue)
        child.terminate()


def _old_fashioned(dialogue: Dialogue) -> None:
    """A sender that sees stars in the banner: HELO, no extensions, and 10 s before the dot, as Postfix does it."""
    dialogue.connect()
    dialogue.pause()
    dialogue.must(dialogue.smtp.helo(), 250)
    dialogue.stage = "helo"
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()
    dialogue.body(share=1.0)
    dialogue.silent_for(10)
    dialogue.dot()
    dialogue.quit()


def _tls_if_offered(dialogue: Dialogue) -> None:
    """A sender that uses STARTTLS where it is offered."""
    dialogue.connect()
    dialogue.ehlo()
    if dialogue.smtp.has_extn("starttls"):
        dialogue.starttls()
    dialogue.deliver()
    dialogue.quit()


def _dot_alone(dialogue: Dialogue) -> None:
    """A sender whose dot goes into a packet of its own, and which waits for the answer."""
    as_far_as_data(dialogue)
    dialogue.body(share=1.0)
    dialogue.silent_for(0.3)
    dialogue.dot(code=None)
    with contextlib.suppress(*GONE):
        dialogue.read_to_the_end()
    dialogue.ended("gone", how="closed")
    dialogue.outlast()


def _stopped_in_command(dialogue: Dialogue) -> None:
    """A sender one of whose commands is never answered."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    with contextlib.suppress(*GONE):
        dialogue.rcpt()
    dialogue.ended("gone", how="closed")
    dialogue.outlast()


def _case(number: int, name: str, title: str, script: Any, message: Message | None = None, **more: Any) -> Case:
    """What all cases of this module share."""
    given = {"client": CLIENT, "path": WAY, "family": "interference"}
    pause = more.pop("pause", 0.05)
    patience = more.pop("patience", 330.0)
    letter = message or Message(name, octets=LONG)
    sessions = (Session((letter,), script=script, pause=pause, patience=patience),)
    ids = {"first_icid": 13000 + 10 * number, "first_mid": 4000 + 10 * number}
    return Case(name=name, title=title, **{**given, **ids, "sessions": sessions, **more})


CASES = (
    _case(
        10,
        "terminating-proxy",
        "A proxy on the way ends every connection and opens one of its own",
        _through_a_proxy,
        done="The near router hands the connection to a proxy, which opens another to the appliance with the sender's"
        " address and port. After 8 KB it closes towards the appliance and refuses the message to the sender.",
        log_says=LOST,
        wire_shows="a whole connection with a TTL of 64, as from the next room, whose handshake is answered in no time; a"
        " body without its end, a FIN, no QUIT",
        prepare=intercept,
        cause=Cause(
            "middlebox_reset", "the proxy", False, "all of this connection is the proxy's: nothing differs from the rest"
        ),
        keep_sender=True,
    ),
    _case(
        1,
        "content-reset-every-try",
        "A content filter on the way resets the connection, on every try",
        _tries(3, last=False),
        Message("content-reset-every-try", octets=LONG, words=BAD_WORDS),
        done="The message holds words that the box looks for. The box holds back their packet and resets both ends, with"
        " the TTL of the end it speaks for. The sender tries three times, 5 s apart.",
        log_says=f"three times {LOST}",
        wire_shows="three connections that end at the same octet of the same message by a bare RST with the sender's TTL",
        policy=lambda: ForgeReset(contains(b"4,000,000"), ttl=None, keep=False),
        cause=Cause("content_blocked", "the box", because="chance does not hit the same octet three times"),
    ),
    _case(
        2,
        "content-dropped-every-try",
        "A content filter on the way swallows the rest of the connection, on every try",
        _tries(3, last=True),
        Message("content-dropped-every-try", octets=LONG, words=BAD_WORDS),
        done="The message holds words that the box looks for. From their packet on the box drops everything. The sender"
        " waits 20 s for each of three tries.",
        log_says=f"three times {TIMED_OUT}",
        wire_shows="three connections that stop at the same octet of the same message, and the appliance's 421 after 300 s",
        policy=lambda: DropFrom(contains(b"4,000,000")),
        patience=20.0,
        cause=Cause("content_blocked", "the box", because="chance does not hit the same octet three times"),
        limit=SILENT,
    ),
    _case(
        3,
        "commands-rewritten-to-x",
        "A firewall overwrites commands that it does not know by X",
        _bdat,
        Message("commands-rewritten-to-x", octets=600),
        done="The box overwrites the verbs of unknown commands by X, of the same length. The sender says STARTTLS, then"
        " BDAT with its message; what should be the message is then taken for commands, and crossed out, too.",
        client="smtplib; BDAT by hand, though it was not offered.",
        log_says="`Unknown command: XXXXXXXX`, `Receiving aborted`, no `lost`",
        wire_shows="`XXXXXXXX`, `XXXX 888 LAST`, `500 #5.5.1 command not recognized`, then the appliance's own"
        " `421 Exceeded bad SMTP command limit` and FIN",
        listener=Listener(tls="starttls"),
        policy=lambda: Rewrite(x_commands, "rewrote"),
        mangled=True,
        expected=(("turn", "appliance"),),  # the rest of the lines still waited for their 500
        cause=Cause("middlebox_rewriting", "the box", because="no sender says XXXXXXXX where STARTTLS is due"),
        keep_sender=True,
    ),
    _case(
        4,
        "banner-masked-inbound",
        "A firewall masks the appliance's banner; the sender falls back to HELO",
        _old_fashioned,
        Message("banner-masked-inbound"),
        done="The box turns all characters of the appliance's greeting but 2, 0 and blanks into stars. The sender takes it"
        " for an old firewall, says HELO, and waits 10 s before its dot.",
        client="smtplib, told to do what Postfix does when it sees stars.",
        log_says="`Message finished ... done`",
        wire_shows="here the banner is whole; HELO, and 10 s before the dot. The stars are in sender.pcap",
        policy=lambda: Rewrite(banner_masked(False), "masked_banner"),
        keep_sender=True,
    ),
    _case(
        5,
        "starttls-stripped-inbound",
        "A firewall masks STARTTLS in the appliance's EHLO; the mail goes in clear",
        _tls_if_offered,
        Message("starttls-stripped-inbound"),
        done="The box turns STARTTLS in the appliance's reply to EHLO into XXXXXXXA, and its banner into stars. The sender"
        " uses TLS where it is offered, and so delivers in clear.",
        client="smtplib.",
        log_says="`Message finished ... done`, no `TLS success`",
        wire_shows="here STARTTLS is offered, and the sender does not take it. The X are in sender.pcap",
        listener=Listener(tls="starttls"),
        policy=lambda: Both(banner_masked(False), starttls_masked(False), action="masked"),
        keep_sender=True,
    ),
    _case(
        6,
        "dot-swallowed",
        "An old firewall swallows the final dot",
        _dot_alone,
        Message("dot-swallowed", octets=6000),
        done="The sender's dot comes in a packet of its own, and the box swallows it as often as it comes. All else passes.",
        log_says=TIMED_OUT,
        wire_shows="a body to its last CRLF, 300 s of nothing, the appliance's 421; the sender's ACK of it is three octets"
        " ahead of what arrived",
        policy=SwallowDot,
        cause=Cause("middlebox_rewriting", "the box", because="three octets are missing at the end of a whole body: the dot"),
        limit=SILENT,
    ),
    _case(
        7,
        "stop-at-command-length",
        "A firewall stops at a command of more than 512 octets",
        _stopped_in_command,
        Message("stop-at-command-length", rcpt_to=("bert@example.com", f"{'b' * 520}@example.com")),
        done="The box forwards no data of the sender's from a line of more than 512 octets on, which is its second RCPT."
        " Bare ACKs pass.",
        log_says=TIMED_OUT,
        wire_shows="one RCPT, 300 s of nothing, the appliance's 421; the sender's ACK of it is 543 octets ahead of what"
        " arrived",
        policy=lambda: StopData(line_over(512), "512 octets a line"),
        mangled=True,
        cause=Cause("middlebox_limit", "the box", because="what is missing is one command of more than 512 octets"),
        limit=SILENT,
    ),
    _case(
        8,
        "stop-at-rcpt-limit",
        "A firewall stops after 100 recipients",
        _stopped_in_command,
        Message("stop-at-rcpt-limit", rcpt_to=tuple(f"user{n:03}@example.com" for n in range(120))),
        done="The box forwards no data of the sender's from the 101st RCPT on. Bare ACKs pass.",
        log_says=TIMED_OUT,
        wire_shows="100 RCPTs and their 250, 300 s of nothing, the appliance's 421",
        policy=lambda: StopData(rcpts_over(100), "100 recipients"),
        pause=0.0,
        mangled=True,
        cause=Cause("middlebox_limit", "the box", because="it is the 101st RCPT that does not come"),
        limit=SILENT,
    ),
    _case(
        9,
        "stop-at-header-line",
        "A firewall stops at a header line of more than 998 octets",
        _dot_alone,
        Message("stop-at-header-line", octets=4000, unfolded=(f"X-Long: {'x' * 1100}",)),
        done="The box forwards no data of the sender's from a line of more than 998 octets on, which is in the header."
        " Bare ACKs pass.",
        log_says=TIMED_OUT,
        wire_shows="354, 300 s of nothing, the appliance's 421; the sender's ACK of it is far ahead of what arrived",
        policy=lambda: StopData(line_over(1000), "998 octets a line"),
        cause=Cause("middlebox_limit", "the box", False, "the line that it stopped at never arrived"),
        limit=SILENT,
    ),
)
