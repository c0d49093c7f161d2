"""Devices that people have really met between two mail servers, as policies of the box."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import ACK, MASK, PSH, RST, SYN, Flow, ForgeReset, Packet, Policy, Trigger

if TYPE_CHECKING:
    from .forwarder import Box

WINDOW_SCALE, END, NOP = 3, 0, 1
"""Kinds of TCP options (RFC 9293, RFC 7323)."""


class ImitateReset(ForgeReset):
    """Forges a reset that looks like the end's own: RST and ACK, its TTL, IP ID, window and timestamps. In line."""

    def __init__(self, trigger: Trigger, to: tuple[str, ...] = ("appliance", "sender")) -> None:
        super().__init__(trigger, to, ttl=None, keep=False, flags=RST | ACK)

    def look(self, flow: Flow, packet: Packet, there: bool) -> dict[str, Any]:
        """As the next packet of that end would look. The packet at hand never arrives, so its IP ID is free."""
        if packet.to_appliance == there:
            return {"ip_id": packet.ip_id, "window": packet.window, "options": packet.options}
        last = flow.last[there]
        return {"ip_id": (last.ip_id + 1) & 0xFFFF, "window": last.window, "options": last.options}


class EchoReset(ForgeReset):
    """A cheap device that turns a packet round: the reset bears IP ID and window of the packet it answers."""

    def look(self, flow: Flow, packet: Packet, there: bool) -> dict[str, Any]:
        """What the last packet of the reset end bore."""
        last = packet if packet.to_appliance != there else flow.last[not there]
        return {"ip_id": last.ip_id, "window": last.window, "tos": last.tos}


class ResetSenderAndDrop(ForgeReset):
    """Resets the sender in the appliance's name and forgets the appliance: from then on nothing passes."""

    def __init__(self, trigger: Trigger) -> None:
        super().__init__(trigger, to=("sender",), keep=False)

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Forge, then drop for good."""
        before = "forged" in flow.state
        super().packet(box, flow, packet)
        if not before and "forged" in flow.state:
            box.record("drop_from_here", packet, ways=["to_appliance", "to_sender"])


class ResetOneEnd(ForgeReset):
    """Resets the appliance only, and does not let its answers out any more: the sender goes on for as long as it likes."""

    def __init__(self, trigger: Trigger, **how: Any) -> None:
        super().__init__(trigger, to=("appliance",), **how)

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Forge; then one direction only."""
        if "forged" in flow.state and not packet.to_appliance:
            return
        before = "forged" in flow.state
        super().packet(box, flow, packet)
        if not before and "forged" in flow.state:
            box.record("drop_from_here", packet, ways=["to_sender"])


class StopData(Policy):
    """At its own limit the device forwards no further data of the sender. Bare ACKs pass, and all the other way."""

    def __init__(self, trigger: Trigger, limit: str) -> None:
        self.trigger, self.limit = trigger, limit

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Forward until the limit; then ACKs only."""
        if "stopped" not in flow.state and self.trigger(flow, packet):
            flow.state["stopped"] = True
            box.record("stopped_at_limit", packet, limit=self.limit, ways=["to_appliance"])
        if not ("stopped" in flow.state and packet.to_appliance and packet.payload):
            box.forward(packet)


def line_over(octets: int) -> Trigger:
    """A packet to the appliance in which a line grows beyond so many octets, its CRLF counted."""

    def trigger(flow: Flow, packet: Packet) -> bool:
        if not (packet.to_appliance and packet.payload):
            return False
        open_line = bytes(flow.sent).rpartition(b"\r\n")[2]
        return any(len(line) + 2 > octets for line in (open_line + packet.payload).split(b"\r\n"))

    return trigger


def rcpts_over(number: int) -> Trigger:
    """The RCPT after so many."""
    return lambda flow, packet: (
        packet.to_appliance
        and packet.payload[:5].upper() == b"RCPT "
        and bytes(flow.sent).upper().count(b"\r\nRCPT ") >= number
    )


def beyond_unscaled_window() -> Trigger:
    """A packet to the appliance that goes beyond its window, as one reads it who does not know of the scale."""

    def trigger(flow: Flow, packet: Packet) -> bool:
        word = flow.last.get(False)
        if not (packet.to_appliance and packet.payload) or word is None or word.flags & SYN:
            return False
        return ((packet.end - word.ack) & MASK) > word.window

    return trigger


class SwallowDot(Policy):
    """An old firewall's fault: a final dot in a packet of its own is swallowed, as often as it comes again."""

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """All but the dot passes."""
        if not (packet.to_appliance and packet.payload == b".\r\n" and flow.body_octets):
            box.forward(packet)
        elif "swallowed" not in flow.state:
            flow.state["swallowed"] = True
            box.record("swallowed_dot", packet, ways=["to_appliance"])


class LargeDropped(Policy):
    """A link of a smaller MTU behind a filter of ICMP: larger packets vanish, and nobody is told."""

    def __init__(self, mtu: int) -> None:
        self.mtu = mtu

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Drop what is too large."""
        if len(packet.build()) <= self.mtu:
            box.forward(packet)
        elif "large" not in flow.state:
            flow.state["large"] = True
            box.record("large_dropped", packet, mtu=self.mtu, ways=["to_appliance" if packet.to_appliance else "to_sender"])


class LossFrom(Policy):
    """From the trigger on, most packets are lost, in both directions."""

    def __init__(self, trigger: Trigger, chance: float) -> None:
        self.trigger, self.chance = trigger, chance

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Lose it, or not."""
        if "losing" not in flow.state and self.trigger(flow, packet):
            flow.state["losing"] = True
            box.record("loses_from_here", packet, chance=self.chance, ways=["to_appliance", "to_sender"])
        if "losing" in flow.state and box.random.random() < self.chance:
            box.record("lost_on_path", packet)
        else:
            box.forward(packet)


class IdleTimeout(Policy):
    """A stateful firewall that forgets a connection which is quiet for long, and resets who speaks on it afterwards."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Forward what it remembers; answer the rest by a reset in the other's name."""
        now = time.monotonic()
        if "forgotten" not in flow.state and now - flow.state.get("last", now) > self.seconds:
            flow.state["forgotten"] = True
            box.record("forgot_flow", packet, after=self.seconds, ways=["to_appliance", "to_sender"])
        flow.state["last"] = now
        if "forgotten" not in flow.state:
            box.forward(packet)
        elif not packet.flags & RST:
            box.inject(packet.answer(flags=RST, seq=packet.ack, ack=0))
            end = "sender" if packet.to_appliance else "appliance"
            box.record("answered_by_reset", packet, to=end, seq=packet.ack, ttl_sent=64)


class StripWindowScale(Policy):
    """Takes the window scale out of one SYN and not the other: the ends then speak of different windows."""

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """The sender never learns that the appliance scales its window."""
        if packet.flags & SYN and not packet.to_appliance:
            without = no_window_scale(packet.options)
            if without != packet.options:
                box.record("window_scale_stripped", packet, of="SYN-ACK")
                packet = packet.changed(options=without)
        box.forward(packet)


def no_window_scale(options: bytes) -> bytes:
    """TCP options with the window scale overwritten by NOPs."""
    out, at = bytearray(options), 0
    while at < len(out) and out[at] != END:
        length = 1 if out[at] == NOP else max(out[at + 1], 2)
        if out[at] == WINDOW_SCALE:
            out[at : at + length] = bytes([NOP] * length)
        at += length
    return bytes(out)


class SynAckLost(Policy):
    """The appliance's SYN-ACKs are lost on the first connections that are seen."""

    def __init__(self, connections: int) -> None:
        self.connections, self.known = connections, []

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Count the connections; lose the answers to the first."""
        if flow not in self.known:
            self.known.append(flow)
        lost = self.known.index(flow) < self.connections
        if lost and not packet.to_appliance and packet.flags & SYN:
            box.record("syn_ack_lost", packet)
        else:
            box.forward(packet)


class Rewrite(Policy):
    """Changes what one end says, octet for octet, so that no number has to be translated."""

    def __init__(self, change: Callable[[Flow, Packet], bytes], action: str) -> None:
        self.change, self.action = change, action

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Forward what `change` makes of it, which must be as long."""
        said = self.change(flow, packet) if packet.payload else b""
        if said != packet.payload:
            assert len(said) == len(packet.payload)
            words = {"was": packet.payload[:60].decode("ascii", "replace"), "became": said[:60].decode("ascii", "replace")}
            box.record(self.action, packet, **words)
            packet = packet.changed(payload=said)
        box.forward(packet)


class Both(Rewrite):
    """Several changes, one after the other."""

    def __init__(self, *changes: Callable[[Flow, Packet], bytes], action: str) -> None:
        def all_of_them(flow: Flow, packet: Packet) -> bytes:
            for change in changes:
                packet = packet.changed(payload=change(flow, packet))
            return packet.payload

        super().__init__(all_of_them, action)


KNOWN_VERBS = (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"DATA", b"RSET", b"NOOP", b"QUIT", b"HELP", b"VRFY")
"""What the firewall's inspection lets pass; STARTTLS and BDAT it does not know."""


def x_commands(flow: Flow, packet: Packet) -> bytes:
    """Overwrite the verb of every command that the device does not know; only before a body."""
    if not packet.to_appliance or flow.body_octets or b"\r\n354 " in flow.answered:
        return packet.payload
    lines = packet.payload.split(b"\r\n")
    return b"\r\n".join(_crossed_out(line) for line in lines)


def _crossed_out(line: bytes) -> bytes:
    verb, space, rest = line.partition(b" ")
    return line if verb.upper() in KNOWN_VERBS else b"X" * len(verb) + space + rest


def ehlo_crossed_out(to_appliance: bool) -> Callable[[Flow, Packet], bytes]:
    """EHLO becomes XXXX, so that the server answers 500 and the client falls back to HELO: what old firewalls do that
    inspect SMTP. `to_appliance`: the sender's EHLO, else the appliance's own in a delivery."""

    def change(_: Flow, packet: Packet) -> bytes:
        if packet.to_appliance != to_appliance or not packet.payload.upper().startswith(b"EHLO "):
            return packet.payload
        return b"XXXX" + packet.payload[4:]

    return change


def banner_masked(to_appliance: bool) -> Callable[[Flow, Packet], bytes]:
    """Every character of the greeting becomes a star but 2, 0, blanks and the end of the line. `to_appliance`: of the
    remote's greeting of a delivery, else of the appliance's own."""

    def change(_: Flow, packet: Packet) -> bytes:
        if packet.to_appliance != to_appliance or not packet.payload.startswith(b"220 "):
            return packet.payload
        return bytes(octet if octet in b"20 \r\n" else ord("*") for octet in packet.payload)

    return change


def starttls_masked(to_appliance: bool) -> Callable[[Flow, Packet], bytes]:
    """The keyword STARTTLS in a reply to EHLO becomes XXXXXXXA."""

    def change(_: Flow, packet: Packet) -> bytes:
        if packet.to_appliance != to_appliance or not packet.payload.startswith(b"250"):
            return packet.payload
        return packet.payload.replace(b"STARTTLS", b"XXXXXXXA")

    return change


class RefuseInPlace(ResetSenderAndDrop):
    """An inspecting firewall: refuses in the appliance's name, resets the sender, and lets nothing pass any more."""

    REFUSAL = b"541 5.4.1 Content blocked by the firewall\r\n"

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """The refusal goes out right before the reset."""
        if "forged" not in flow.state and self.trigger(flow, packet):
            last = flow.last[False]
            box.inject(
                last.changed(
                    seq=flow.next_seq[False], ack=packet.seq, flags=ACK | PSH, payload=self.REFUSAL, ip_id=0, options=b""
                )
            )
            box.record("forged", packet, to="sender", words=self.REFUSAL.decode("ascii").rstrip())
        super().packet(box, flow, packet)


class Renumber(Policy):
    """Gives each end's stream other sequence numbers, by one figure for all of a connection (ASA's randomisation)."""

    SHIFTS = {True: 0x5EED_1234, False: 0xC0FF_EE42}
    """By direction: what is added to the sender's numbers on their way in, and to the appliance's on their way out."""

    def packet(self, box: Box, flow: Flow, packet: Packet) -> None:
        """Shift the number of its stream there and the acknowledgment of the other one back. SACK is left as it is."""
        ack = packet.ack - self.SHIFTS[not packet.to_appliance] if packet.flags & ACK else packet.ack
        shifted = packet.seq + self.SHIFTS[packet.to_appliance]
        box.forward(packet.changed(seq=shifted & 0xFFFF_FFFF, ack=ack & 0xFFFF_FFFF))
