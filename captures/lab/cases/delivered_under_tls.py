"""The appliance delivers only by TLS, and the handshake fails; a delivery whose packets are too large for the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from middlebox import Flow, ForgeReset, Packet

from .interference import WAY
from .plan import Case, Cause, Listener, Message, Session

if TYPE_CHECKING:
    from remote import Remote
    from topology import Topology

TLS_12 = Listener(tls="starttls", tls_version="1.2")
PATIENCE = 75
"""Seconds after which the remote server gives up on a body."""


async def _as_far_as_it_comes(remote: Remote) -> None:
    """An ordinary server."""
    await remote.until("quit")
    remote.writer.close()


async def _demands_a_certificate(remote: Remote) -> None:
    """An ordinary server until STARTTLS, whose library then refuses the handshake in its own words and closes."""
    await remote.until("helo")
    await remote.hear()
    await remote.say("220 2.0.0 Ready to start TLS")
    remote.stage = "tls"
    await remote.refuse_handshake()


async def _tires_of_the_body(remote: Remote) -> None:
    """An ordinary server that waits for a body, and at last takes leave with a word."""
    await remote.until("data")
    try:
        await asyncio.wait_for(remote.body(), PATIENCE)
    except TimeoutError:
        await remote.say("421 4.4.2 mx.example.net Error: timeout exceeded")
        remote.record("fin", answer="421")
        remote.writer.close()


def _client_hello(_: Flow, packet: Packet) -> bool:
    """The first record of a handshake, from the appliance."""
    return not packet.to_appliance and packet.payload.startswith(b"\x16\x03\x01")


def _small_link_unheard(net: Topology) -> None:
    """The near router's next link takes 1300 octets, and says so; the appliance lets no such word in."""
    net.link("near", "eth0", "mtu", "1300")
    rules = "type filter hook input priority 0\n icmp type destination-unreachable drop\n"
    net.nft("appliance", f"table ip own {{\n chain input {{\n {rules} }}\n}}")


def _case(number: int, name: str, title: str, remote: Any = _as_far_as_it_comes, **more: Any) -> Case:
    """What all cases of this module share."""
    given = {"client": "The appliance's own: smtplib and ssl.", "path": WAY, "family": "delivery", "server": "delivery"}
    sessions = (Session((Message(name, octets=20_000),), patience=100),)
    ids = {"first_icid": 17500 + 10 * number, "first_mid": 8500 + 10 * number}
    return Case(name=name, title=title, remote=remote, limit=130, **{**given, **ids, "sessions": sessions, **more})


NO_TLS = "`DCID ... TLS failed`, `TLS was required but could not be successfully negotiated`, `Delayed` (a guess)"

CASES = (
    _case(
        1,
        "delivery-certificate-not-believed",
        "The appliance does not believe the remote server's certificate",
        done="The appliance delivers only by TLS and only to a certificate that it believes. The remote's is signed by"
        " nobody: the appliance says so by an alert, and closes with the rest of the remote's words unread, of which its"
        " kernel makes a reset.",
        log_says=NO_TLS,
        wire_shows="STARTTLS, 220, a handshake, the appliance's alert (unknown CA) and its RST",
        tls_out="verified",
        listener=TLS_12,
        expected=(("kind", "appliance_closed"), ("by", "appliance"), ("verdict", "undetermined")),
        cause=Cause("appliance_refused", because="its alert is in clear"),
    ),
    _case(
        2,
        "delivery-certificate-demanded",
        "The remote server demands a certificate that the appliance does not have",
        _demands_a_certificate,
        done="The appliance delivers only by TLS. The remote server demands a certificate of it, gets none, says so by an"
        " alert, and closes with the rest of the appliance's words unread: its kernel makes a reset of that.",
        log_says=NO_TLS,
        wire_shows="STARTTLS, 220, a handshake, the remote's alert (handshake failure) and its RST",
        tls_out="required",
        listener=Listener(tls="starttls", tls_version="1.2", tls_broken=True),
        expected=(("verdict", "undetermined"),),
        cause=Cause("sender_reset", "the remote server", because="its alert is in clear"),
    ),
    _case(
        3,
        "delivery-reset-at-client-hello",
        "A box on the way resets a delivery that begins TLS",
        done="The appliance delivers only by TLS. When its ClientHello passes, the box resets both ends, with a TTL of"
        " its own, and forwards nothing more.",
        log_says="`Connection Error: DCID ... details: [Errno 54] Connection reset by peer`, `Delayed: ... 4.4.2`",
        wire_shows="STARTTLS, 220, the appliance's ClientHello, and an RST bearing the remote's address, with a TTL of 63"
        " where the remote's packets have 61",
        tls_out="required",
        listener=TLS_12,
        policy=lambda: ForgeReset(_client_hello, ttl=64, keep=False),
        cause=Cause(
            "middlebox_reset",
            "the box",
            knowable=False,
            because="its reset only answers a packet, and the remote had sent four segments, too few to make its TTL a habit",
        ),
    ),
    _case(
        4,
        "delivery-mtu-word-unheard",
        "A router says that the appliance's packets are too large, and the appliance does not hear it",
        _tires_of_the_body,
        done="The near router's next link takes packets of 1300 octets, and its kernel says so by ICMP. A rule of the"
        f" appliance's own lets no such ICMP in: it sends the same octets again and again. After {PATIENCE} s the remote"
        " server takes leave.",
        log_says="`Delayed: DCID ... ('421', ...)`",
        wire_shows="an envelope, a 354, full-sized packets that nobody acknowledges, each answered by the router's ICMP"
        " `fragmentation needed`; the remote's 421 and FIN",
        prepare=_small_link_unheard,
        cause=Cause("pmtu_black_hole", "the near router's next link", because="the router says so"),
    ),
)
