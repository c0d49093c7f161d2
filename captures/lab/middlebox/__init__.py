"""The box in the middle: what a case can do to the packets on their way.

A case names a [`Policy`], whose `packet` is called with every packet in both directions. It forwards it, changed or
not, or does not, and may send packets of its own. [`Path`] then delays, loses, reorders and doubles what goes out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .packet import ACK, FIN, MASK, PSH, RST, SYN, Packet

if TYPE_CHECKING:
    from .forwarder import Box

__all__ = ["ACK", "FIN", "MASK", "PSH", "RST", "SYN", "DropFrom", "Flow", "ForgeReset", "Packet", "Path", "Policy"]
__all__ += ["Trigger", "command", "contains", "in_body"]


@dataclass(frozen=True)
class Path:
    """What the way itself does to packets that the policy lets through. Chances are between 0 and 1, per packet."""

    rtt: float = 0.02
    """Seconds there and back; half of it each way."""
    loss: float = 0.0
    reorder: float = 0.0
    """Chance that a packet is overtaken: it waits `late` seconds longer than the others."""
    late: float = 0.008
    duplicate: float = 0.0
    seed: int = 1
    """Chance is drawn from this seed. Which packet it hits still depends on timing."""


@dataclass
class Flow:
    """What the box knows of one TCP connection, before the packet at hand."""

    client: str
    next_seq: dict[bool, int] = field(default_factory=dict)
    """By direction (`True`: to the appliance), the sequence number after the highest octet seen."""
    last: dict[bool, Packet] = field(default_factory=dict)
    """By direction the last packet seen."""
    sent: bytearray = field(default_factory=bytearray)
    """What the sender said, in order, retransmissions left out."""
    answered: bytearray = field(default_factory=bytearray)
    """What the appliance said."""
    state: dict[str, Any] = field(default_factory=dict)
    """A policy's own notes about this connection."""

    @property
    def body_octets(self) -> int:
        """Octets of the sender since the last 354, 0 before it. Only for sessions in clear, and one body a flow."""
        if b"\r\n354 " not in self.answered:
            return 0
        at = self.sent.upper().rfind(b"DATA\r\n")
        return 0 if at < 0 else len(self.sent) - at - 6

    def note(self, packet: Packet) -> None:
        """Take a packet into account."""
        there = packet.to_appliance
        due = self.next_seq.get(there)
        if packet.flags & SYN or due is None:
            self.next_seq[there] = packet.end
        elif not packet.flags & RST:
            fresh = (packet.end - due) & MASK
            if 0 < fresh < 1 << 31:
                stream = self.sent if there else self.answered
                data = packet.payload[-fresh:] if fresh <= len(packet.payload) else packet.payload
                stream += data
                self.next_seq[there] = packet.end
        self.last[there] = packet


class Policy:
    """The box as a router that does nothing else. Subclasses interfere. One object serves all flows of a case."""

    def start(self, box: Box) -> None:
        """Called once, before the first packet."""

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Called with every TCP packet, before `flow` has taken it into account."""
        box.forward(packet)

    def other(self, box: Box, packet: Packet) -> None:
        """Called with every packet that is not TCP (ICMP)."""
        box.forward(packet)


Trigger = Callable[[Flow, Packet], bool]
"""Whether this packet, which `flow` has not yet taken into account, is the moment."""


def in_body(octets: int) -> Trigger:
    """The first packet to the appliance after so many octets of the body."""
    return lambda flow, packet: packet.to_appliance and bool(packet.payload) and flow.body_octets >= octets


def contains(words: bytes) -> Trigger:
    """A packet to the appliance that holds these words."""
    return lambda _, packet: packet.to_appliance and words in packet.payload


def command(verb: bytes) -> Trigger:
    """A packet to the appliance that begins with this verb, in whatever case."""
    return lambda _, packet: packet.to_appliance and packet.payload[: len(verb)].upper() == verb.upper()


class DropFrom(Policy):
    """From the trigger on, nothing passes any more (`ways` says in which direction), without a word."""

    def __init__(self, trigger: Trigger, ways: tuple[bool, ...] = (True, False)) -> None:
        self.trigger, self.ways = trigger, ways

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Drop it, or not yet."""
        if "dropping" not in flow.state and self.trigger(flow, packet):
            flow.state["dropping"] = True
            ways = ["to_appliance" if way else "to_sender" for way in self.ways]
            box.record("drop_from_here", packet, ways=ways)
        if not (flow.state.get("dropping") and packet.to_appliance in self.ways):
            box.forward(packet)


class ForgeReset(Policy):
    """At the trigger, send an RST in the other's name to one end or both.

    `ttl` None copies that of the flow, a number is the device's own. `shift` moves the sequence number off the exact
    one. `keep` says whether the packets of the flow still pass afterwards. Each of `copies` is one segment of a burst,
    as far as it differs from the others.
    """

    def __init__(
        self,
        trigger: Trigger,
        to: tuple[str, ...] = ("appliance", "sender"),
        ttl: int | None = 64,
        shift: int = 0,
        keep: bool = True,
        flags: int = RST,
        copies: tuple[dict[str, Any], ...] = ({},),
        **fields: Any,
    ) -> None:
        self.trigger, self.to, self.ttl, self.shift, self.keep = trigger, to, ttl, shift, keep
        self.flags, self.copies, self.fields = flags, copies, fields

    def look(self, flow: Flow, packet: Packet, there: bool) -> dict[str, Any]:
        """The fields of the forged segment beside its numbers, where they depend on what the box has seen."""
        return self.fields

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Forge once, then forward or not."""
        if "forged" in flow.state:
            if self.keep:
                box.forward(packet)
            return
        if not self.trigger(flow, packet):
            box.forward(packet)
            return
        flow.state["forged"] = True
        if self.keep:
            box.forward(packet)
        for end in self.to:
            there = end == "appliance"
            common = {"flags": self.flags, "shift": self.shift, "ttl": self.ttl, "after": self.keep}
            if not self.keep:  # it stands in line, and what it forwarded before must not be overtaken
                common["delay"] = box.path.rtt / 2
            for copy in self.copies:
                box.forge(flow, packet, there, **{**common, **self.look(flow, packet, there), **copy})
