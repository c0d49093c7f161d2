"""Packets written by hand: one connection of a sender to the appliance, and an envelope before what a case is about."""

from __future__ import annotations

import struct
from collections.abc import Callable

SENDER, APPLIANCE, ROUTER, PORT = (192, 0, 2, 10), (198, 51, 100, 25), (203, 0, 113, 1), 40001
SENDER_MAC, APPLIANCE_MAC, OTHER_MAC = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02", b"\x02\0\0\0\0\x66"
START = 1795600800.0  # 2026-11-25 10:00:00 UTC
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
DATA = b"Line of a letter about nothing in particular, which nobody wrote.\r\n" * 12
TIMER = 300.0
"""Seconds after which the appliance ends a connection that brings it no message."""

Fields = dict[str, object]
"""What is not as usual in a segment: seq, ack, ttl, ip_id, window, mac, stamp (TSval), echo, sack, checksum, tos,
`stamps=False` (no timestamps), `padding` (Ethernet's)."""

Habit = Callable[[int], Fields]
"""The fields of the Nth segment of one end, where they are not the usual ones."""


class Wire:
    """The packets of one connection, and the numbers of both its ends."""

    def __init__(
        self,
        *,
        mail_from: str = "anna@example.net",
        recipients: tuple[str, ...] = ("bert@example.com",),
        refused: tuple[str, ...] = (),
        greeting: bytes = b"220 appliance.example.com ESMTP\r\n",
        offered: bytes = b"250 appliance.example.com\r\n",
        unknown: tuple[bytes, ...] = (),
        slow: float = 0.0,
        data: bool = True,
        lines: int = 3,
        sender: Habit | None = None,
        appliance: Habit | None = None,
        first_id: int = 100,
    ) -> None:
        """`unknown`: commands before MAIL that the appliance does not know; `slow`: seconds that it takes for RCPT;
        `lines`: so many `DATA` of a body, after DATA and its 354 if `data`."""
        self.mail_from, self.recipients, self.refused, self.unknown = mail_from, recipients, refused, unknown
        self.packets: list[tuple[float, bytes]] = []
        self.time, self.next, self.id = 0.0, {"s": 1000, "a": 500000}, {"s": first_id, "a": 7000}
        self.habit, self.count = {"s": sender, "a": appliance}, {"s": 0, "a": 0}
        self.said: dict[str, float] = {}
        """When each address of the envelope was said."""
        self.connect(greeting, offered)
        for line in unknown:
            self.ask(line, b"500 #5.5.1 command not recognized\r\n")
        self.said[mail_from] = self.time
        self.ask(f"MAIL FROM:<{mail_from}>\r\n".encode(), f"250 sender <{mail_from}> ok\r\n".encode())
        for name in recipients:
            word = "550 #5.1.0 Address rejected.\r\n" if name in refused else f"250 recipient <{name}> ok\r\n"
            self.ask(f"RCPT TO:<{name}>\r\n".encode(), word.encode(), slow)
            self.said[name] = self.time
        if data:
            self.ask(b"DATA\r\n", b"354 go ahead\r\n")
            for _ in range(lines):
                self.say("s", DATA)
        self.script = len(self.packets)
        """So many packets stand before what the case is about."""

    def put(self, who: str, flags: int, payload: bytes = b"", *, after: float = 0.001, **other: object) -> None:
        """One segment, `after` seconds behind the last one; `other` overrides its fields, see `Fields`."""
        self.time += after
        habit = self.habit[who]
        other = (habit(self.count[who]) if habit else {}) | other
        self.count[who] += 1
        peer = "a" if who == "s" else "s"
        seq, ack = other.get("seq", self.next[who]), other.get("ack", self.next[peer] if flags & ACK else 0)
        if "seq" not in other and not flags & RST:
            self.next[who] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        if "ip_id" not in other:
            self.id[who] += 1
        ip_id = other.get("ip_id", self.id[who])
        options = b""
        if flags & SYN:
            options += struct.pack("!BBHBBBB", 2, 4, 1460, 1, 3, 3, 7) + b"\x01\x01\x04\x02"
        if other.get("stamps", True):
            stamp = other.get("stamp", 90000 + int(self.time * 1000))
            options += struct.pack("!BBBBII", 1, 1, 8, 10, stamp, other.get("echo", 5000 + int(self.time * 1000)))
        if "sack" in other:
            options += struct.pack("!BBBBII", 1, 1, 5, 10, *other["sack"])
        ports = (PORT, 25) if who == "s" else (25, PORT)
        offset = (20 + len(options)) // 4 << 4
        header = struct.pack("!HHIIBBH", *ports, seq, ack, offset, flags, other.get("window", 502))
        ends = (SENDER, APPLIANCE) if who == "s" else (APPLIANCE, SENDER)
        rest = b"\0\0" + options + payload
        pseudo = bytes(ends[0]) + bytes(ends[1]) + struct.pack("!BBH", 0, 6, len(header) + 2 + len(rest))
        checksum = other.get("checksum") or internet_sum(pseudo + header + b"\0\0" + rest)
        tcp = header + struct.pack("!H", checksum) + rest
        usual = {"ip_id": ip_id, "ttl": 52 if who == "s" else 64, "tos": 0} | {"padding": b""}
        self.frame(who, ip_packet(ends, 6, tcp, **usual | {k: v for k, v in other.items() if k in usual}), other.get("mac"))

    def frame(self, who: str, packet: bytes, mac: object = None) -> None:
        """An IP packet in an Ethernet frame, towards the appliance (`s`) or away from it."""
        macs = (SENDER_MAC, APPLIANCE_MAC) if who == "s" else (APPLIANCE_MAC, SENDER_MAC)
        self.packets.append((START + self.time, macs[1] + (mac or macs[0]) + b"\x08\0" + packet))

    def icmp(self, kind: int, code: int, mtu: int = 0) -> None:
        """A router's word to the appliance about the last packet that it sent (RFC 792, RFC 1191)."""
        about = next(frame for _, frame in reversed(self.packets) if frame[26:30] == bytes(APPLIANCE))[14:42]
        words = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + about
        words = words[:2] + struct.pack("!H", internet_sum(words)) + words[4:]
        self.time += 0.01
        self.frame("s", ip_packet((ROUTER, APPLIANCE), 1, words, ip_id=1, ttl=254, tos=0xC0, padding=b""))

    def say(self, who: str, line: bytes, after: float = 0.002) -> None:
        """One line and its acknowledgment, 40 ms away."""
        peer = "a" if who == "s" else "s"
        self.put(who, PSH | ACK, line, after=after)
        self.put(peer, ACK, after=0.0 if who == "s" else 0.04)

    def ask(self, line: bytes, reply: bytes, slow: float = 0.0) -> None:
        """A command and its answer."""
        self.say("s", line)
        self.say("a", reply, 0.002 + slow)

    def connect(self, greeting: bytes, offered: bytes) -> None:
        """As far as the answer to EHLO."""
        self.put("s", SYN)
        self.put("a", SYN | ACK, after=0.0001)
        self.put("s", ACK, after=0.04)
        self.say("a", greeting)
        self.ask(b"EHLO sender.example.net\r\n", offered)

    def rst(self, *, after: float = 0.1, flags: int = RST | ACK, **other: object) -> None:
        """A reset that bears the sender's address."""
        self.put("s", flags, after=after, **other)

    def fin(self, **other: object) -> None:
        """The sender's close, and the appliance's."""
        self.put("s", FIN | ACK, after=0.1, **other)
        self.put("a", ACK)
        self.put("a", FIN | ACK)
        self.put("s", ACK, after=0.04)

    def time_out(self, *, answered: bool = True, **other: object) -> None:
        """The appliance's timer ends it; the sender's host acknowledges that, if it is there."""
        words = b"421 Timed out waiting for successful message injection, disconnecting.\r\n"
        self.time = max(self.time, TIMER)
        self.put("a", PSH | ACK, words)
        self.put("a", FIN | ACK)
        if answered:
            self.put("s", ACK, after=0.04, **other)
        else:
            self.put("a", PSH | ACK, words, seq=self.next["a"] - 1 - len(words), after=0.3)
            self.put("a", PSH | ACK, words, seq=self.next["a"] - 1 - len(words), after=0.6)


def ip_packet(ends: tuple, protocol: int, payload: bytes, *, ip_id: int, ttl: int, tos: int, padding: bytes) -> bytes:
    """An IPv4 packet that must not be fragmented, and what Ethernet pads it with."""
    addresses = bytes(ends[0]) + bytes(ends[1])
    ip = struct.pack("!BBHHHBBH", 0x45, tos, 20 + len(payload), ip_id, 0x4000, ttl, protocol, 0)
    return ip[:10] + struct.pack("!H", internet_sum(ip + addresses)) + addresses + payload + padding


def internet_sum(data: bytes) -> int:
    """The checksum of RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
