"""The forwarder: moves packets between the two sides of the middlebox, and lets the policy of the case meddle.

It works on an AF_PACKET socket on either side, with the kernel's own forwarding off, and so on every kernel. It does
what a router does (one off the TTL, the next hop's MAC); everything else is the policy's and the path's.

    forwarder.py CASE EVENTS
"""

from __future__ import annotations

import argparse
import heapq
import ipaddress
import itertools
import os
import random
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any

sys.path.insert(0, str(FilePath(__file__).resolve().parent.parent))

from cases import CASES  # noqa: E402
from events import Recorder  # noqa: E402
from middlebox import Flow, Path, Policy  # noqa: E402
from middlebox.packet import ACK, MASK, Packet, read  # noqa: E402
from topology import LINKS, End  # noqa: E402

OUTGOING = 4
"""What AF_PACKET calls a frame that this host sent itself."""

IPV4, IPV6 = 0x0800, 0x86DD


def mac(end: End) -> bytes:
    """A hardware address in bytes."""
    return bytes.fromhex(end.mac.replace(":", ""))


class Side:
    """One interface of the box: `to_appliance` is the direction of what arrives on it."""

    def __init__(self, ours: End, theirs: End, to_appliance: bool) -> None:
        self.to_appliance, self.mac, self.next_hop = to_appliance, mac(ours), mac(theirs)
        self.addresses = {ours.address.split("/")[0], ours.address_6.split("/")[0]}
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.socket.bind((ours.device, 0))
        self.socket.setblocking(False)

    def receive(self) -> Packet | None:
        """The next packet that is to be routed; raises BlockingIOError when there is none."""
        data, address = self.socket.recvfrom(65536)
        if address[2] == OUTGOING or data[:6] != self.mac or address[1] not in (IPV4, IPV6):
            return None
        packet = read(data[14:], self.to_appliance)
        if packet is None or ipaddress.ip_address(packet.target).is_link_local:
            return None
        return packet

    def send(self, packet: Packet) -> None:
        """Put a packet on the wire of this side."""
        data = packet.build()
        kind = IPV6 if data[0] >> 4 == 6 else IPV4
        self.socket.send(self.next_hop + self.mac + kind.to_bytes(2, "big") + data)


class Box:
    """What a policy can do: forward, send something of its own, do it later, and say what it did."""

    def __init__(self, policy: Policy, path: Path, recorder: Recorder, delivery: bool = False) -> None:
        self.policy, self.path, self.recorder, self.delivery = policy, path, recorder, delivery
        far, near = LINKS[1], LINKS[2]
        self.sides = {True: Side(near[0], near[1], False), False: Side(far[1], far[0], True)}
        """By the direction in which they send."""
        self.own = {address for side in self.sides.values() for address in side.addresses}
        self.flows: dict[str, Flow] = {}
        self.random = random.Random(path.seed)
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def forward(self, packet: Packet, delay: float = 0.0) -> None:
        """Send a packet on, through the path: delayed, and perhaps lost, late or doubled."""
        path = self.path
        if path.loss and self.random.random() < path.loss:
            self.record("lost_on_path", packet)
            return
        wait = path.rtt / 2 + delay
        if path.reorder and self.random.random() < path.reorder:
            wait += path.late
        self.inject(packet, wait)
        if path.duplicate and self.random.random() < path.duplicate:
            self.inject(packet, wait)

    def inject(self, packet: Packet, delay: float = 0.0) -> None:
        """Send a packet in its direction, past the path: now, or after `delay` seconds."""
        side = self.sides[packet.to_appliance]
        self.after(delay, lambda: side.send(packet))

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do something later."""
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), deed))

    def forge(
        self,
        flow: Flow,
        packet: Packet,
        there: bool,
        flags: int,
        shift: int = 0,
        ttl: int | None = 64,
        after: bool = True,
        delay: float | None = None,
        **fields: Any,
    ) -> Packet:
        """Send a segment in one end's name to the other, with exact numbers unless `shift`ed, and record it.

        `after`: the packet at hand counts as delivered, so that the exact number is the one behind it. It then leaves
        with the path's delay, right behind that packet; else at once.
        """
        next_seq = dict(flow.next_seq)
        if after and packet.payload:
            next_seq[packet.to_appliance] = packet.end
        sample = flow.last.get(there, packet) if packet.to_appliance != there else packet
        base = sample if sample.to_appliance == there else packet.answer()
        numbers = {"seq": (next_seq[there] + shift) & MASK, "ack": next_seq[not there] if flags & ACK else 0}
        hops = base.ttl if ttl is None else ttl
        bare = {"window": 0, "options": b"", "payload": b"", "ip_id": 0}
        forged = base.changed(**{**numbers, "flags": flags, "ttl": hops, **bare, **fields})
        wait = (self.path.rtt / 2 + 0.0005 if after else 0.0) if delay is None else delay
        self.inject(forged, wait)
        end = "appliance" if there else "sender"
        told = {"seq": forged.seq, "ttl_sent": forged.ttl, "ip_id": forged.ip_id, "window": forged.window}
        self.record("forged_rst" if flags & 4 else "forged", packet, to=end, exact=shift == 0, **told)
        return forged

    def record(self, action: str, packet: Packet | None, **more: Any) -> None:
        """Write down what the box does. `packet` says to which connection."""
        client = self.client(packet) if packet is not None and packet.is_tcp else None
        self.recorder.write(client=client, actor="middlebox", action=action, **more)

    def client(self, packet: Packet) -> str:
        """The connection of a packet by the end that opened it: on the way out that is the appliance."""
        return packet.server if self.delivery else packet.client

    def flow(self, packet: Packet) -> Flow:
        """The connection of a packet."""
        return self.flows.setdefault(self.client(packet), Flow(self.client(packet)))

    def take(self, packet: Packet) -> None:
        """A packet has arrived."""
        if packet.target in self.own:
            return
        if not packet.is_tcp:
            self.policy.other(self, packet)
            return
        flow = self.flow(packet)
        self.policy.packet(self, flow, packet)
        flow.note(packet)

    def run(self) -> None:
        """Move packets until SIGTERM."""
        os.nice(-15)  # a delay shall be the one asked for, also on a busy machine
        ended: list[int] = []
        signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
        selector = selectors.DefaultSelector()
        for side in self.sides.values():
            selector.register(side.socket, selectors.EVENT_READ, side)
        self.policy.start(self)
        print("forwarding", flush=True)
        while not ended:
            wait = min(0.5, max(0.0, self._due[0][0] - time.monotonic())) if self._due else 0.5
            for key, _ in selector.select(wait):
                try:
                    for _ in range(64):
                        packet = key.data.receive()
                        if packet is not None:
                            self.take(packet)
                except BlockingIOError:
                    pass
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()


def main() -> None:
    """The forwarder of one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("events", type=FilePath)
    given = parser.parse_args()
    case = CASES[given.case]
    policy = case.policy() if case.policy else Policy()
    Box(policy, case.path, Recorder(given.events), case.server == "delivery").run()


if __name__ == "__main__":
    main()
