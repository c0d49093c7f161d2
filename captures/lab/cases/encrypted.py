"""Sessions under TLS: the commands cannot be read, how the connection ends can."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable
from typing import Any

from dialogue import Dialogue
from middlebox import DropFrom, ForgeReset, Path, Trigger, contains
from trouble import lose_end_of_body
from watched import tls_context

from .plan import Case, Cause, Listener, Message, Session

TLS_12 = Listener(tls="starttls", tls_version="1.2")
TLS_13 = Listener(tls="starttls", tls_version="1.3")
IMPLICIT = Listener(tls="implicit", port=465)


def _case(number: int, name: str, title: str, done: str, log: str, wire: str, **more: Any) -> Case:
    """A case of this family."""
    if "sessions" not in more:
        octets = more.pop("octets", 1200)
        more["sessions"] = (Session((Message(name, octets=octets),), script=more.pop("script")),)
    more.setdefault("client", "Python's smtplib and ssl, and the socket by hand for the ending.")
    numbers = {"first_icid": 19000 + 10 * number, "first_mid": 9500 + 10 * number}
    return Case(name=name, title=title, done=done, log_says=log, wire_shows=wire, family="encrypted", **numbers, **more)


def _begin(dialogue: Dialogue) -> None:
    """As far as the envelope, under TLS."""
    if dialogue.case.listener.tls == "implicit":
        dialogue.connect(implicit=True)
        dialogue.ehlo()
    else:
        dialogue.connect()
        dialogue.ehlo()
        dialogue.starttls()


def _to_rcpt(dialogue: Dialogue) -> None:
    _begin(dialogue)
    dialogue.mail()
    dialogue.rcpt()


def _delivered(dialogue: Dialogue) -> None:
    _begin(dialogue)
    dialogue.deliver()
    dialogue.quit()


def _after_rcpt(end: Callable[[Dialogue], None]) -> Callable[[Dialogue], None]:
    def script(dialogue: Dialogue) -> None:
        _to_rcpt(dialogue)
        end(dialogue)

    return script


def _in_body(end: Callable[[Dialogue], None]) -> Callable[[Dialogue], None]:
    def script(dialogue: Dialogue) -> None:
        _to_rcpt(dialogue)
        dialogue.data()
        dialogue.body()
        end(dialogue)

    return script


def _inside_a_record(end: Callable[[Dialogue], None]) -> Callable[[Dialogue], None]:
    """Half of a record of 8000 octets goes out, and then the end."""

    def script(dialogue: Dialogue) -> None:
        dialogue.connect()
        dialogue.ehlo()
        dialogue.starttls_by_hand()
        dialogue.mail()
        dialogue.rcpt()
        dialogue.data()
        dialogue.body(share=0.3)
        dialogue.part_of_a_record(8000, 0.5)
        end(dialogue)

    return script


def _three_tries(dialogue: Dialogue) -> None:
    """The same message three times, as a mail queue does it; something else ends each."""
    for number in range(3):
        time.sleep(5 if number else 0)
        _to_rcpt(dialogue)
        dialogue.data()
        dialogue.body_until_gone()


def _four_tries(dialogue: Dialogue) -> None:
    """The sender itself gives up at the same octet four times, then delivers."""
    for number in range(5):
        time.sleep(1.5 if number else 0)
        _to_rcpt(dialogue)
        dialogue.data()
        if number == 4:
            dialogue.body(share=1.0)
            dialogue.dot()
            dialogue.quit()
        else:
            dialogue.body(octets=20_000)
            dialogue.fin()


def over(octets: int) -> Trigger:
    """The first packet to the appliance behind so many octets of the sender's stream: all that a device can count."""
    return lambda flow, packet: packet.to_appliance and bool(packet.payload) and len(flow.sent) >= octets


def _failed_handshake(dialogue: Dialogue) -> None:
    """The appliance demands a certificate that the client does not have."""
    dialogue.connect()
    dialogue.ehlo()
    with contextlib.suppress(ssl.SSLError, OSError, smtplib.SMTPServerDisconnected):
        dialogue.smtp.docmd("STARTTLS")
        dialogue.smtp.starttls()
    dialogue.ended("tls_failed")
    dialogue.smtp.close()


def _refused_handshake(dialogue: Dialogue) -> None:
    """The client does not believe the appliance's certificate, says so by an alert, and leaves."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.say("STARTTLS", 220)
    dialogue.record("tls_failed")
    with contextlib.suppress(ssl.SSLError, OSError):
        ssl.create_default_context().wrap_socket(dialogue.smtp.sock, server_hostname="appliance.example.com")
    dialogue.smtp.close()
    dialogue.ended("rst", "tls", way="its library closes with octets unread")


def _until_gone_in_the_handshake(dialogue: Dialogue) -> None:
    """The client's ClientHello gets no answer, however long it waits."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.say("STARTTLS", 220)
    dialogue.stage = "tls"
    dialogue.smtp.sock.settimeout(320)
    with contextlib.suppress(ssl.SSLError, OSError):
        tls_context().wrap_socket(dialogue.smtp.sock)
    dialogue.ended("gone", "tls", how="closed")


def _pairs() -> tuple[Case, ...]:
    """What differs between the versions, once with each."""
    cases = []
    for number, (version, listener) in enumerate((("1.2", TLS_12), ("1.3", TLS_13))):
        tag, under = version.replace(".", ""), f"under TLS {version}"
        cases += [
            _case(
                10 * number + 1,
                f"tls{tag}-delivered",
                f"A message delivered {under}",
                "STARTTLS, a whole message, QUIT.",
                "`TLS success`, `ready`, `done`",
                "STARTTLS, then records",
                script=_delivered,
                listener=listener,
                octets=8000,
            ),
            _case(
                10 * number + 2,
                f"tls{tag}-quit-before-data",
                f"QUIT before DATA {under}",
                "STARTTLS, RCPT is accepted, QUIT and its 221.",
                "`TLS success`, `Receiving aborted by sender`",
                "a last short record of the client, one of the appliance, FIN",
                script=_after_rcpt(Dialogue.quit),
                listener=listener,
            ),
            _case(
                10 * number + 3,
                f"tls{tag}-fin-with-close-notify",
                f"FIN with close_notify {under}",
                "After RCPT the client says TLS' own goodbye and closes.",
                "`TLS success`, `lost`, `Receiving aborted`",
                "an alert of the client, FIN; no answer to any command after the last",
                script=_after_rcpt(Dialogue.fin_after_close_notify),
                listener=listener,
            ),
            _case(
                10 * number + 8,
                f"tls{tag}-close-notify-first",
                f"A close_notify whose FIN waits for the other end's {under}",
                "After RCPT the client says TLS' own goodbye, and closes only when the appliance has closed.",
                "`TLS success`, `lost`, `Receiving aborted`",
                "an alert of the client, which the appliance answers by closing; the client's FIN last",
                script=_after_rcpt(Dialogue.close_notify_and_wait),
                listener=listener,
            ),
            _case(
                10 * number + 4,
                f"tls{tag}-fin-without-close-notify",
                f"FIN without close_notify {under}",
                "After RCPT the client closes its socket, as smtplib does.",
                "`TLS success`, `lost`, `Receiving aborted`",
                "FIN after the appliance's last record",
                script=_after_rcpt(Dialogue.fin),
                listener=listener,
            ),
            _case(
                10 * number + 5,
                f"tls{tag}-rst-at-a-record",
                f"RST in the body {under}, at the end of a record",
                "Part of the body is sent in whole records, acknowledged, and the connection reset.",
                "`TLS success`, `lost`, `Receiving aborted`",
                "whole records of body, RST",
                script=_in_body(Dialogue.rst),
                listener=listener,
                octets=12_000,
            ),
            _case(
                10 * number + 6,
                f"tls{tag}-rst-inside-a-record",
                f"RST in the body {under}, inside a record",
                "Half of a record of body is sent and acknowledged, and the connection reset.",
                "`TLS success`, `lost`, `Receiving aborted`",
                "a record that is cut short, RST",
                script=_inside_a_record(Dialogue.rst),
                listener=listener,
                octets=20_000,
                client="TLS with its records in our own hands.",
            ),
            _case(
                10 * number + 7,
                f"tls{tag}-quit-with-fin-in-one-flight",
                f"QUIT, close_notify and FIN in one flight {under}",
                "After RCPT the client says QUIT and leaves without waiting for the 221.",
                "`TLS success`, `Receiving aborted by sender` or `lost`",
                "a last short record, an alert and a FIN at once",
                script=_after_rcpt(lambda dialogue: dialogue.quit_and_leave("fin", close_notify=True)),
                listener=listener,
                # A record as long as QUIT, and a FIN before any answer: from here that is a FIN, and may be a QUIT.
                expected=(("kind", "fin"), ("verdict", "undetermined")),
            ),
        ]
    return tuple(cases)


CASES = (
    *_pairs(),
    _case(
        30,
        "tls-fin-inside-a-record",
        "FIN in the body, inside a record",
        "Half of a record of body is sent and acknowledged, and the connection closed.",
        "`TLS success`, `lost`, `Receiving aborted`",
        "a record that is cut short, FIN",
        script=_inside_a_record(Dialogue.fin),
        listener=TLS_13,
        octets=20_000,
        client="TLS with its records in our own hands.",
    ),
    _case(
        35,
        "tls-frames-lost-in-last-record",
        "The capture lost the end of the last record before a FIN",
        "Part of the body is sent in whole records, acknowledged, and the connection closed. The last large frame of that"
        " body is missing in the capture; the appliance had and acknowledged it.",
        "`TLS success`, `lost`, `Receiving aborted`",
        "a record whose end is missing, though it was acknowledged; the sender's FIN",
        script=_in_body(Dialogue.fin),
        listener=TLS_13,
        octets=30_000,
        trouble=lose_end_of_body(),
    ),
    _case(
        36,
        "tls-client-hello-dropped",
        "A device on the way lets no handshake of TLS through",
        "STARTTLS is granted. From the ClientHello on, the box drops all that comes from the sender.",
        "no MID; `disconnected address ..., no messages injected within timeout period` (a guess)",
        "STARTTLS, 220, 300 s of nothing that the sender owed, the appliance's FIN",
        script=_until_gone_in_the_handshake,
        listener=TLS_12,
        policy=lambda: DropFrom(contains(b"\x16\x03\x01"), ways=(True,)),
        unchecked=("timer",),  # its library has closed the connection, so there is no 421
        cause=Cause("path_lost_data", "the box", False, "from here that looks like a sender that says nothing more"),
        limit=420,
    ),
    _case(
        31,
        "implicit-tls-delivered",
        "A message delivered over implicit TLS",
        "Port 465: TLS from the first octet on, a whole message, QUIT.",
        "`TLS success`, `ready`, `done`",
        "records only",
        script=_delivered,
        listener=IMPLICIT,
        octets=8000,
    ),
    _case(
        32,
        "implicit-tls-fin-after-rcpt",
        "FIN after RCPT over implicit TLS",
        "Port 465: the client closes after RCPT.",
        "`TLS success`, `lost`, `Receiving aborted`",
        "records only, FIN",
        script=_after_rcpt(Dialogue.fin),
        listener=IMPLICIT,
    ),
    _case(
        33,
        "tls-handshake-failed-at-appliance",
        "A handshake that the appliance breaks off",
        "The appliance demands a certificate, which the client does not have.",
        "`TLS failed`, `lost`; no MID",
        "STARTTLS, a handshake, the appliance's alert and FIN",
        script=_failed_handshake,
        listener=Listener(tls="starttls", tls_version="1.2", tls_broken=True),
    ),
    _case(
        34,
        "tls-handshake-refused-by-client",
        "A handshake that the client breaks off",
        "The client does not believe the appliance's certificate, says so by an alert, and closes;"
        " its kernel makes a reset of that.",
        "`TLS failed`, `lost`; no MID",
        "STARTTLS, a handshake, the client's alert and RST",
        script=_refused_handshake,
        listener=TLS_12,
        unchecked=("stage",),
    ),
    _case(
        35,
        "tls-reset-every-try",
        "A box on the way resets the connection under TLS behind the same octet, on every try",
        "When so many octets of the sender's have passed, the box resets both ends, in the other's name and with a TTL of"
        " its own. It can read nothing, and counts. The sender tries three times, 5 s apart.",
        "`TLS success`, `lost`, `Receiving aborted`, three times",
        "three connections that end behind the same octet of the sender's stream, by a bare RST",
        script=_three_tries,
        listener=TLS_13,
        octets=60_000,
        path=Path(rtt=0.06),
        policy=lambda: ForgeReset(over(24_000)),
        cause=Cause("middlebox_reset", "the box", because="the box forged it, and its TTL shows that"),
    ),
    _case(
        36,
        "tls-four-tries",
        "One sender tries four times under TLS, gives up each time, and succeeds at last",
        "The client closes after 20000 octets of the body, four times, 1.5 s apart; the fifth time it delivers the message."
        " Nothing on the way had a hand in it.",
        "`TLS success`, `lost`, `Receiving aborted`, four times; then a delivery",
        "four connections that end by the sender's FIN behind the same octet, and a fifth that does not",
        script=_four_tries,
        listener=TLS_13,
        octets=60_000,
    ),
)
