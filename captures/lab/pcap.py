"""A reader of captures, as small as the lab's own captures allow.

It shares nothing with mailwitness or Wireshark: expect.py needs frame numbers that none of them has had a say in.
Ethernet (with VLAN tags) and Linux cooked, IPv4 without fragments, IPv6 without extension headers, TCP; anything else
is passed over, but counted as a frame. Only for pcapng does it call on Wireshark's editcap, to make a pcap of it.
"""

from __future__ import annotations

import gzip
import ipaddress
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

MICROSECONDS, NANOSECONDS, PCAPNG = 0xA1B2C3D4, 0xA1B23C4D, 0x0A0D0D0A
ETHERNET, COOKED, COOKED_2 = 1, 113, 276
IPV4, IPV6, VLAN = 0x0800, 0x86DD, 0x8100
TCP = 6
MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Segment:
    """One TCP segment: Wireshark's frame number, ends as `ip:port`, flags and payload."""

    frame: int
    time: float
    source: str
    target: str
    ttl: int
    seq: int
    ack: int
    flags: int
    payload: bytes
    length: int
    """Octets of payload on the wire, of which the capture may hold less."""

    @property
    def end(self) -> int:
        """The sequence number after this segment."""
        return (self.seq + self.length + bool(self.flags & SYN) + bool(self.flags & FIN)) & MASK


def segments(path: Path) -> Iterator[Segment]:
    """The TCP segments of a capture, in its order."""
    data = path.read_bytes()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if struct.unpack_from("<I", data)[0] == PCAPNG:
        data = _as_pcap(data)
    magic, *_, network = struct.unpack_from("<IHHiIII", data)
    if magic not in (MICROSECONDS, NANOSECONDS) or network not in (ETHERNET, COOKED, COOKED_2):
        raise ValueError(f"{path}: not a little-endian pcap of Ethernet or Linux cooked")
    unit = 1e6 if magic == MICROSECONDS else 1e9
    position, frame = 24, 0
    while position + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, position)
        position, frame = position + 16, frame + 1
        segment = _segment(frame, seconds + fraction / unit, data[position : position + kept], network)
        if segment is not None:
            yield segment
        position += kept


def _as_pcap(data: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "in").write_bytes(data)
        words = ["editcap", "-F", "pcap", f"{name}/in", f"{name}/out"]
        subprocess.run(words, check=True, capture_output=True, timeout=60)
        return (Path(name) / "out").read_bytes()


def _segment(frame: int, time: float, data: bytes, network: int) -> Segment | None:
    at, kind_at = {ETHERNET: (14, 12), COOKED: (16, 14), COOKED_2: (20, 0)}[network]
    if len(data) < at + 20:
        return None
    kind = struct.unpack_from("!H", data, kind_at)[0]
    while kind == VLAN:
        kind, at = struct.unpack_from("!H", data, at + 2)[0], at + 4
    ip = data[at:]
    if kind == IPV4 and ip[9] == TCP:
        header, total = (ip[0] & 0x0F) * 4, struct.unpack_from("!H", ip, 2)[0]
        ttl, ends = ip[8], [str(ipaddress.IPv4Address(ip[a : a + 4])) for a in (12, 16)]
    elif kind == IPV6 and ip[6] == TCP:
        header, total = 40, 40 + struct.unpack_from("!H", ip, 4)[0]
        ttl, ends = ip[7], [f"[{ipaddress.IPv6Address(ip[a : a + 16])}]" for a in (8, 24)]
    else:
        return None
    tcp = ip[header:total]  # not beyond the packet: short frames are padded
    if len(tcp) < 20:
        return None
    source, target, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", tcp)
    start = (offset >> 4) * 4
    length = max(0, total - header - start)
    one, other = f"{ends[0]}:{source}", f"{ends[1]}:{target}"
    return Segment(frame, time, one, other, ttl, seq, ack, flags, tcp[start:], length)
