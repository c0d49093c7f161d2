"""An IP packet as the middlebox holds it: read, change, build, with the checksums right."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, replace
from typing import Any

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20

TCP, ICMP, ICMP_6 = 6, 1, 58

MASK = 0xFFFFFFFF


def checksum(data: bytes) -> int:
    """The internet checksum of RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclass(frozen=True)
class Packet:
    """One packet. `raw` is set while nothing has been changed: it then goes out as it came, less one hop."""

    to_appliance: bool
    source: str
    target: str
    ttl: int
    ip_id: int = 0
    tos: int = 0
    df: bool = True
    protocol: int = TCP
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 0
    options: bytes = b""
    payload: bytes = b""
    raw: bytes | None = None
    bad_checksum: bool = False

    @property
    def is_tcp(self) -> bool:
        """TCP and not a later fragment."""
        return self.protocol == TCP

    @property
    def client(self) -> str:
        """The flow by its sender's end, as truth.json names it."""
        address, port = (self.source, self.sport) if self.to_appliance else (self.target, self.dport)
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    @property
    def server(self) -> str:
        """The flow's other end."""
        address, port = (self.target, self.dport) if self.to_appliance else (self.source, self.sport)
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    @property
    def end(self) -> int:
        """The sequence number after this segment."""
        return (self.seq + len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)) & MASK

    def changed(self, **fields: Any) -> Packet:
        """The same packet with other fields; lengths and checksums are made anew."""
        return replace(self, raw=None, **fields)

    def answer(self, **fields: Any) -> Packet:
        """A segment to where this one came from: ends swapped, numbers as an answer to it has them."""
        swapped = {"to_appliance": not self.to_appliance, "source": self.target, "target": self.source}
        base = {"sport": self.dport, "dport": self.sport, "seq": self.ack, "ack": self.end, "flags": ACK}
        bare: dict[str, Any] = {"options": b"", "payload": b"", "ip_id": 0, "ttl": 64, "window": 0}
        return replace(self, raw=None, **{**swapped, **base, **bare, **fields})

    def build(self) -> bytes:
        """The bytes of the packet."""
        if self.raw is not None:
            return self.raw
        ends = [ipaddress.ip_address(end).packed for end in (self.source, self.target)]
        body = self._tcp(b"".join(ends)) if self.is_tcp else self.payload
        if len(ends[0]) == 16:
            return (
                struct.pack("!IHBB", 6 << 28 | self.tos << 20, len(body), self.protocol, self.ttl)
                + b"".join(ends)
                + body
            )
        head = struct.pack(
            "!BBHHHBBH", 0x45, self.tos, 20 + len(body), self.ip_id, self.df << 14, self.ttl, self.protocol, 0
        ) + b"".join(ends)
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body

    def _tcp(self, ends: bytes) -> bytes:
        options = self.options + b"\1" * (-len(self.options) % 4)
        offset = (20 + len(options)) // 4 << 4
        head = struct.pack(
            "!HHIIBBHHH",
            self.sport,
            self.dport,
            self.seq & MASK,
            self.ack & MASK,
            offset,
            self.flags,
            self.window,
            0,
            0,
        )
        segment = head + options + self.payload
        if len(ends) == 32:
            pseudo = ends + struct.pack("!II", len(segment), TCP)
        else:
            pseudo = ends + struct.pack("!BBH", 0, TCP, len(segment))
        total = checksum(pseudo + segment)
        if self.bad_checksum:
            total ^= 0x5555
        return segment[:16] + struct.pack("!H", total) + segment[18:]


def read(data: bytes, to_appliance: bool) -> Packet | None:
    """A packet that a router passes on, one hop older; `None` for one whose TTL ends here or that is not IP."""
    version = data[0] >> 4
    if version == 4:
        header, total = (data[0] & 0x0F) * 4, struct.unpack_from("!H", data, 2)[0]
        ttl, protocol = data[8] - 1, data[9]
        source, target = str(ipaddress.IPv4Address(data[12:16])), str(ipaddress.IPv4Address(data[16:20]))
        head = bytearray(data[:header])
        head[8], head[10:12] = max(ttl, 0), b"\0\0"
        head[10:12] = struct.pack("!H", checksum(bytes(head)))
        raw, body = bytes(head) + data[header:total], data[header:total]
        ip_id, fragment = struct.unpack_from("!HH", data, 4)
        tos, df, later = data[1], bool(fragment & 0x4000), fragment & 0x1FFF
    elif version == 6:
        total, protocol, hops = struct.unpack_from("!HBB", data, 4)
        ttl = hops - 1
        source, target = str(ipaddress.IPv6Address(data[8:24])), str(ipaddress.IPv6Address(data[24:40]))
        raw, body = data[:7] + bytes([max(ttl, 0)]) + data[8 : 40 + total], data[40 : 40 + total]
        ip_id, tos, df, later = 0, data[0] << 4 & 0xF0 | data[1] >> 4, True, 0
    else:
        return None
    if ttl <= 0:
        return None
    common: dict[str, Any] = {"source": source, "target": target, "ttl": ttl, "ip_id": ip_id, "tos": tos, "df": df}
    if protocol != TCP or later or len(body) < 20:
        protocol = protocol if protocol != TCP else 255  # a fragment without its head is passed on unread
        return Packet(to_appliance, **common, protocol=protocol, payload=body, raw=raw)
    sport, dport, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", body)
    length = (offset >> 4) * 4
    return Packet(
        to_appliance,
        **common,
        sport=sport,
        dport=dport,
        seq=seq,
        ack=ack,
        flags=flags,
        window=window,
        options=body[20:length],
        payload=body[length:],
        raw=raw,
    )
