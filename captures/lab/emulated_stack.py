"""An emulation, and no real stack: segments made by hand, to show endings in shapes that no stack at hand has.

Handshake, data in order and its acknowledgements, and a reset as asked for. It never retransmits, so that a case must
not lose packets. smtplib talks over it as over a socket. The address is one that the sender's kernel has given up.
"""

from __future__ import annotations

import random
import select
import socket
import threading
from dataclasses import dataclass

import lwip_stack
from dialogue import Dialogue
from events import endpoint
from middlebox.packet import ACK, FIN, MASK, PSH, RST, SYN, Packet, read
from topology import APPLIANCE, LINKS
from watched import Connection, Unexpected

SEGMENT = 1460

FIRST_WINDOW = 64240
"""That of the SYN."""


@dataclass(frozen=True)
class Shape:
    """What tells one stack from another."""

    ttl: int
    options: bytes
    """Of the SYN; later segments have none."""
    reset: int
    """The flags of its reset, which has window 0 and no options."""
    window: int
    """The window field of all segments between."""


WINDOWS = Shape(128, bytes.fromhex("020405b4 0103 0308 0101 0402"), RST | ACK, 1026)
"""Like Windows: MSS, window scale 8 and SACK permitted, no timestamps; RST with ACK."""

BARE = Shape(64, bytes.fromhex("020405b4"), RST, 8192)
"""Like a small embedded stack: MSS only; RST without ACK."""


class EmulatedStack:
    """One connection, in a thread of its own."""

    def __init__(self, shape: Shape, port: int, peer: str, peer_port: int) -> None:
        self.shape, self.port, self.peer, self.peer_port = shape, port, peer, peer_port
        ours, router = LINKS[0]
        self.head = bytes.fromhex((router.mac + ours.mac).replace(":", "")) + b"\x08\x00"
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        self.wire.bind((ours.device, 0x0800))
        self.stream, self.inner = socket.socketpair()
        self.next_seq, self.next_ack = random.getrandbits(32), 0
        self.ip_id = random.getrandbits(15)
        self.acknowledged = self.next_seq
        self.ended = threading.Event()
        self._send(SYN, options=shape.options, window=FIRST_WINDOW)
        answer = self._receive(5)
        if answer is None or answer.flags & (SYN | ACK) != SYN | ACK:
            raise Unexpected("no SYN-ACK")
        self._take(answer)
        self._send(ACK)
        self.thread = threading.Thread(target=self._relay, daemon=True)
        self.thread.start()

    def reset(self) -> None:
        """End by a reset of the shape's own kind."""
        self.ended.set()
        self.thread.join(5)
        if self.acknowledged != self.next_seq:
            raise Unexpected("something is not acknowledged yet")
        self._send(self.shape.reset, window=0)

    def _send(self, flags: int, payload: bytes = b"", options: bytes = b"", window: int | None = None) -> None:
        names = {"source": lwip_stack.ADDRESS, "target": self.peer, "sport": self.port, "dport": self.peer_port}
        numbers = {"seq": self.next_seq, "ack": self.next_ack if flags & ACK else 0, "ip_id": self.ip_id}
        window = self.shape.window if window is None else window
        packet = Packet(
            True, ttl=self.shape.ttl, flags=flags, window=window, options=options, payload=payload, **names, **numbers
        )
        self.ip_id = (self.ip_id + 1) & 0xFFFF
        self.next_seq = packet.end
        self.wire.send(self.head + packet.build())

    def _receive(self, seconds: float) -> Packet | None:
        """The next segment of this connection."""
        while select.select([self.wire], [], [], seconds)[0]:
            frame, address = self.wire.recvfrom(65536)
            packet = None if address[2] == socket.PACKET_OUTGOING else read(frame[14:], False)
            if packet is not None and packet.target == lwip_stack.ADDRESS and packet.dport == self.port:
                return packet
        return None

    def _take(self, packet: Packet) -> bool:
        """A segment in order; whether it wants an acknowledgement."""
        if packet.flags & ACK:
            self.acknowledged = packet.ack
        if packet.flags & SYN:
            self.next_ack = packet.end
        elif packet.seq == self.next_ack and packet.end != packet.seq:
            self.next_ack = packet.end
            self.inner.sendall(packet.payload)
            if packet.flags & FIN:
                self.inner.shutdown(socket.SHUT_WR)
            return True
        return packet.end != packet.seq

    def _relay(self) -> None:
        while not self.ended.is_set():
            ready = select.select([self.wire, self.inner], [], [], 0.02)[0]
            if self.wire in ready:
                packet = self._receive(0)
                if packet is not None and self._take(packet):
                    self._send(ACK)
            if self.inner in ready:
                data = self.inner.recv(SEGMENT)
                if data:
                    self._send(PSH | ACK, data)


class EmulatedConnection(Connection):
    """smtplib, with the emulation in place of the kernel."""

    shape: Shape
    stack: EmulatedStack

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        own = random.randint(49152, 65535)
        self.stack = EmulatedStack(self.shape, own, host, port)
        self.stack.stream.settimeout(timeout)
        self._dialogue.plain = self.stack.stream
        self._dialogue.names = {"client": endpoint((lwip_stack.ADDRESS, own)), "server": endpoint((host, port))}
        self._dialogue.stage = "connect"
        self._dialogue.record("connect", stack="emulated")
        return self.stack.stream


def connect(dialogue: Dialogue, shape: Shape) -> EmulatedStack:
    """What `Dialogue.connect` does, over the emulation."""
    smtp = EmulatedConnection(dialogue, implicit=False)
    smtp.shape, dialogue.smtp = shape, smtp
    dialogue.must(smtp.connect(APPLIANCE, dialogue.case.listener.port), 220)
    dialogue.stage = "greeting"
    return smtp.stack
