"""Devices whose marks few others bear: a class of traffic of their own, numbers that come too late, a window misread."""

from __future__ import annotations

from typing import Any

from middlebox import ACK, RST, Flow, ForgeReset, Packet
from middlebox.devices import StopData, beyond_unscaled_window
from topology import CONGESTION_CONTROL, Topology

from .interference import CLIENT, LONG, LOST, SILENT, STRIKE, TIMED_OUT, WAY, until_gone
from .path import all_at_once
from .plan import Case, Cause, Message, Session

NETWORK_CONTROL = 0xC0
"""DSCP CS6 (RFC 4594 section 3.1), which routers give what they send by themselves."""

SMALL_WINDOW = 262144
"""The largest window of an appliance whose scale is 3: the number in its field still stands for several segments."""


def _small_scale(net: Topology) -> None:
    """The scale follows from the largest window, which the route may bound."""
    route = f"default via 198.51.100.1 congctl {CONGESTION_CONTROL} window {SMALL_WINDOW}"
    net.run("appliance", "ip", "route", "change", *route.split())


def _behind_354(flow: Flow, packet: Packet) -> bool:
    """The first octets of a body."""
    return packet.to_appliance and bool(packet.payload) and b"\r\n354 " in flow.answered


def _case(number: int, name: str, title: str, script: Any, octets: int = LONG, **more: Any) -> Case:
    """What all cases of this module share."""
    given = {"client": CLIENT, "path": WAY, "family": "interference", "log_says": LOST}
    sessions = (Session((Message(name, octets=octets),), script=script),)
    ids = {"first_icid": 12500 + 10 * number, "first_mid": 3500 + 10 * number}
    return Case(name=name, title=title, **{**given, **ids, "sessions": sessions, **more})


CASES = (
    _case(
        1,
        "rst-forged-network-control",
        "A router on the way resets both ends, in the class of its own traffic",
        until_gone,
        done="When 8 KB of the body have passed, the box sends an RST with the exact number to either end, in the other's"
        " name, with a TTL of its own and with the DSCP that routers give their own packets (48).",
        wire_shows="an RST bearing the sender's address, with TTL 63 and DSCP 48 where the sender's packets have 61 and 0",
        policy=lambda: ForgeReset(STRIKE, tos=NETWORK_CONTROL),
        cause=Cause("middlebox_reset", "the box", because="its TTL shows that, and its class of traffic fits"),
    ),
    _case(
        2,
        "rst-forged-late-then-exact",
        "A box on the way resets by an old number first, and then by the right one",
        until_gone,
        done="When 8 KB of the body have passed, the box sends two RST and ACK to either end, in the other's name and"
        " with a TTL of its own: the first has a number that is 4000 octets old, the second the exact one.",
        wire_shows="two RST and ACK bearing the sender's address, with a TTL of 63 where the sender's packets have 61; the"
        " first lies behind what the appliance has acknowledged, and changes nothing",
        policy=lambda: ForgeReset(STRIKE, flags=RST | ACK, copies=({"shift": -4000}, {})),
        cause=Cause("middlebox_reset", "the box", because="no host resets behind what it has sent, and its TTL differs"),
    ),
    _case(
        3,
        "stop-at-the-unscaled-window",
        "A device takes the appliance's window for what its field says, and forwards nothing beyond",
        all_at_once,
        done="The appliance's window has a scale, both ends know it, and the box does not: it forwards no data of the"
        " sender's from the first octet on that lies beyond the number in the window field. Bare ACKs pass.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops within a segment of where the appliance's window would end without its scale, 300 s"
        " of nothing, the appliance's 421; the sender's ACK of it is far ahead of what arrived",
        policy=lambda: StopData(beyond_unscaled_window(), "the window without its scale"),
        prepare=_small_scale,
        cause=Cause(
            "path_lost_data", "the box", because="what the sender's numbers show it to have sent never arrived"
        ),
        limit=SILENT,
    ),
    _case(
        4,
        "stop-behind-the-354",
        "A device forwards nothing of a body, from its first packet on",
        all_at_once,
        done="Behind the appliance's 354 the box forwards no data of the sender's any more. Bare ACKs pass.",
        log_says=TIMED_OUT,
        wire_shows="354, 300 s of nothing, the appliance's 421; the sender's ACK of it is eleven full packets ahead of what"
        " arrived, as behind a link that full packets cannot pass",
        policy=lambda: StopData(_behind_354, "the body"),
        cause=Cause(
            "path_lost_data", "the box", because="what the sender's numbers show it to have sent never arrived"
        ),
        limit=SILENT,
    ),
)
