"""A reader of classic pcap, as small as the lab's own captures allow.

It shares nothing with mailwitness or Wireshark: expect.py needs frame numbers that none of them has had a say in.
Ethernet, IPv4 without fragments, TCP; anything else is passed over, but counted as a frame.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10

MICROSECONDS = 0xA1B2C3D4
ETHERNET = 1


@dataclass(frozen=True)
class Segment:
    """One TCP segment: Wireshark's frame number, ends as `ip:port`, flags and payload."""

    frame: int
    time: float
    source: str
    target: str
    flags: int
    payload: bytes


def segments(path: Path) -> Iterator[Segment]:
    """The TCP segments of a capture, in its order."""
    data = path.read_bytes()
    magic, *_, network = struct.unpack_from("<IHHiIII", data)
    if magic != MICROSECONDS or network != ETHERNET:
        raise ValueError(f"{path}: not a little-endian microsecond pcap of Ethernet")
    position, frame = 24, 0
    while position < len(data):
        seconds, micros, kept, _ = struct.unpack_from("<IIII", data, position)
        position, frame = position + 16, frame + 1
        segment = _segment(frame, seconds + micros / 1e6, data[position : position + kept])
        if segment is not None:
            yield segment
        position += kept


def _segment(frame: int, time: float, data: bytes) -> Segment | None:
    if data[12:14] != b"\x08\x00" or data[23] != 6:
        return None
    ip = data[14:]
    header = (ip[0] & 0x0F) * 4
    total = struct.unpack_from("!H", ip, 2)[0]
    tcp = ip[header:total]  # not beyond the packet: short frames are padded
    source, target = struct.unpack_from("!HH", tcp)
    ends = [f"{'.'.join(map(str, ip[at : at + 4]))}:{port}" for at, port in ((12, source), (16, target))]
    return Segment(frame, time, ends[0], ends[1], tcp[13], tcp[(tcp[12] >> 4) * 4 :])
