"""Deliveries with a domain debug log beside the mail log: the appliance's own account as a client, octet by octet."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from middlebox.devices import Both, Rewrite, banner_masked, ehlo_crossed_out, starttls_masked
from trouble import only

from .delivered_out import DELAYED, ends, ends_in_body, offers_starttls
from .interference import WAY
from .plan import Case, Cause, Listener, Message, Session

if TYPE_CHECKING:
    from remote import Remote

TAKEN = "`Message done DCID`, `Response '2.0.0 Ok ...'`"

OUTSIDE: dict[str, Any] = {"keep_sender": True, "trouble": only("sender.pcap"), "captures": ("sender.pcap",)}
"""The capture is that of the remote server's interface: a device on the way is between it and the appliance."""


def _case(number: int, name: str, title: str, done: str, log: str, wire: str, **more: Any) -> Case:
    """A case of this family. Numbers keep the DCIDs and MIDs of two cases apart."""
    listener = {"debug_log": "octets", **more.pop("listener", {})}
    octets = more.pop("octets", 3000)
    given = {
        "sessions": (Session((Message(name, octets=octets),), patience=60),),
        "client": "The appliance's own: smtplib.",
        "path": WAY,
        "logs": ("mail.log", "domain_debug.log"),
        "family": "debug-logs",
        "server": "delivery",
        "first_icid": 23000 + 10 * number,
        "first_mid": 9900 + 10 * number,
    }
    log = log + "; every octet in `domain_debug.log`" if listener["debug_log"] == "octets" else log
    return Case(
        name=name, title=title, done=done, log_says=log, wire_shows=wire, listener=Listener(**listener), **{**given, **more}
    )


async def _deaf_then_reset(remote: Remote) -> None:
    """In the body it stops to read, and what the appliance's kernel takes from then on stays there."""
    await remote.until("data")
    await remote.body(4000)
    remote.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.sleep(1)
    remote.rst()


async def _each_in_its_way(remote: Remote) -> None:
    """The first connection takes its mail, the second closes after RCPT, the third resets in the body, others take."""
    ways = {1: ends("rcpt", "fin"), 2: ends_in_body("rst")}
    await ways.get(remote.number, ends("quit", "fin"))(remote)


def _several(name: str) -> tuple[Session, ...]:
    """Four connections within the second, of which the last carries two messages."""

    def letter(number: int, octets: int = 2000) -> Message:
        return Message(f"{name}-{number}", rcpt_to=(f"bert{number}@example.com",), octets=octets)

    letters = [(letter(0),), (letter(1),), (letter(2, 20_000),), (letter(3), letter(4, 6000))]
    return tuple(Session(those, start=0.15 * number, patience=60) for number, those in enumerate(letters))


CASES = (
    _case(
        0,
        "debug-log-delivery-taken",
        "A delivery that is taken, with a domain debug log",
        "The appliance delivers one message, and the remote server takes it.",
        TAKEN,
        "the appliance is the client: MAIL, RCPT, DATA, a body, 250, QUIT",
    ),
    _case(
        1,
        "debug-log-delivery-rst-in-body",
        "The remote server resets in the body of a delivery, with a domain debug log",
        "The remote server reads 4 KB of the body and no more, so that its window closes, and resets a second later.",
        DELAYED.format("[Errno 54] Connection reset by peer"),
        "the remote's RST in the body; of what the appliance's kernel had taken, some was never sent",
        octets=120_000,
        remote=_deaf_then_reset,
        cause=Cause(None, "the remote server", because="the RST bears its usual TTL"),
    ),
    _case(
        2,
        "debug-log-delivery-tls13-fin-after-rcpt",
        "The remote server closes after RCPT under TLS 1.3, with a domain debug log",
        "The appliance starts TLS; the remote server answers RCPT and closes.",
        f"`TLS success`, {DELAYED.format('EOF')}",
        "STARTTLS, records, the remote's FIN",
        listener={"tls_version": "1.3"},
        tls_out="required",
        remote=ends("rcpt", "fin"),
        expected=(("verdict", "undetermined"),),  # `data` is as long as `quit`, and records show no more than that
        cause=Cause(None, "the remote server", because="its FIN bears its usual TTL"),
    ),
    _case(
        7,
        "debug-log-delivery-tls13-close-notify-first",
        "The remote server ends TLS 1.3 after RCPT and waits with its FIN, with a domain debug log",
        "The appliance starts TLS; the remote server answers RCPT, says TLS' own goodbye (close_notify), and waits for the"
        " appliance's before it closes.",
        f"`TLS success`, {DELAYED.format('EOF')}",
        "STARTTLS, records, the remote's alert, the appliance's FIN first; the remote's FIN answers it",
        listener={"tls_version": "1.3"},
        tls_out="required",
        remote=ends("rcpt", "close_notify"),
        expected=(("verdict", "undetermined"),),  # as above: `data` may be `quit`
        cause=Cause(None, "the remote server", because="no other record of TLS 1.3 is as short as its alert"),
    ),
    _case(
        3,
        "debug-log-delivery-banner-masked",
        "A firewall masks the remote server's banner and its STARTTLS; the capture is from beyond it",
        "The box turns all characters of the remote's greeting but 2, 0 and blanks into stars, and STARTTLS in its reply to"
        " EHLO into XXXXXXXA. The appliance delivers in clear. The capture is that of the remote server's interface.",
        TAKEN,
        "the banner and STARTTLS as the remote server said them",
        remote=offers_starttls,
        policy=lambda: Both(banner_masked(True), starttls_masked(True), action="masked"),
        cause=Cause("middlebox_rewriting", "the box", because="no server greets in stars"),
        **OUTSIDE,
    ),
    _case(
        4,
        "debug-log-delivery-ehlo-crossed-out",
        "A firewall overwrites the appliance's EHLO by XXXX; the capture is from beyond it",
        "The box makes XXXX of the appliance's EHLO. The remote server does not know that, the appliance says HELO, and the"
        " mail is delivered. The capture is that of the remote server's interface.",
        TAKEN,
        "`XXXX appliance.example.com`, 500, HELO, and all that follows as in any delivery",
        policy=lambda: Rewrite(ehlo_crossed_out(False), "rewrote"),
        cause=Cause("middlebox_rewriting", "the box", because="no appliance says XXXX where EHLO is due"),
        **OUTSIDE,
    ),
    _case(
        5,
        "debug-log-delivery-several",
        "Four deliveries within a second, mixed in one domain debug log",
        "The appliance delivers over four connections at once. The first remote takes its message, the second closes after"
        " RCPT, the third resets in the body, the fourth takes two messages.",
        f"{TAKEN} three times; `Connection Error: DCID ... details: EOF`, and `[Errno 54] Connection reset by peer`",
        "two connections with QUIT, a FIN of the remote's after RCPT, an RST of the remote's in the body",
        sessions=_several("debug-log-delivery-several"),
        remote=_each_in_its_way,
    ),
    _case(
        6,
        "debug-log-delivery-as-quoted",
        "A domain debug log in the form that a guide quotes, without the ends of lines",
        "The appliance delivers one message; the remote server reads it whole and resets instead of answering.",
        f"{DELAYED.format('[Errno 54] Connection reset by peer')}; commands and replies in `domain_debug.log`, without the"
        " ends of their lines and without the body",
        "a whole body, the remote's ACK, its RST",
        listener={"debug_log": "quoted"},
        remote=ends("end_of_data", "rst"),
        cause=Cause(None, "the remote server", because="the RST bears its usual TTL and timestamps"),
    ),
)
