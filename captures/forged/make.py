#!/usr/bin/env python3
"""Write the cases that no real stack can be made to send: one pcap, one log and one expected.json each.

    captures/forged/make.py

Standard library only. Every case is the same message up to the middle of its body; then come packets written by hand.
Its pair beside it is what a careless rule would take for the same. `fires` and `silent` name signs.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
SENDER, APPLIANCE, PORT = (192, 0, 2, 10), (198, 51, 100, 25), 40001
SENDER_MAC, APPLIANCE_MAC, OTHER_MAC = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02", b"\x02\0\0\0\0\x66"
START = 1795600800.0  # 2026-11-25 10:00:00 UTC
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
DATA = b"Line of a letter about nothing in particular, which nobody wrote.\r\n" * 12


class Wire:
    """The packets of one connection, and the numbers of both its ends."""

    def __init__(self) -> None:
        self.packets: list[tuple[float, bytes]] = []
        self.time, self.next, self.id = 0.0, {"s": 1000, "a": 500000}, {"s": 100, "a": 7000}
        self.script()

    def put(self, who: str, flags: int, payload: bytes = b"", *, after: float = 0.001, **other: object) -> None:
        """One segment. `other` overrides seq, ack, ttl, ip_id, window, mac, stamp (TSval), echo, sack, checksum."""
        self.time += after
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
        addresses = bytes(ends[0]) + bytes(ends[1])
        rest = b"\0\0" + options + payload
        pseudo = addresses + struct.pack("!BBH", 0, 6, len(header) + 2 + len(rest))
        checksum = other.get("checksum") or _sum(pseudo + header + b"\0\0" + rest)
        tcp = header + struct.pack("!H", checksum) + rest
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), ip_id, 0x4000, other.get("ttl", 52 if who == "s" else 64), 6, 0)
        ip = ip[:10] + struct.pack("!H", _sum(ip + addresses)) + addresses
        macs = (SENDER_MAC, APPLIANCE_MAC) if who == "s" else (APPLIANCE_MAC, SENDER_MAC)
        frame = macs[1] + other.get("mac", macs[0]) + b"\x08\0" + ip + tcp
        self.packets.append((START + self.time, frame))

    def say(self, who: str, line: bytes) -> None:
        """One line and its acknowledgment, 40 ms away."""
        peer = "a" if who == "s" else "s"
        self.put(who, PSH | ACK, line, after=0.002)
        self.put(peer, ACK, after=0.0 if who == "s" else 0.04)

    def script(self) -> None:
        """A message until the middle of its body."""
        self.put("s", SYN)
        self.put("a", SYN | ACK, after=0.0001)
        self.put("s", ACK, after=0.04)
        for line, reply in (
            (b"", b"220 appliance.example.com ESMTP\r\n"),
            (b"EHLO sender.example.net\r\n", b"250 appliance.example.com\r\n"),
            (b"MAIL FROM:<anna@example.net>\r\n", b"250 sender <anna@example.net> ok\r\n"),
            (b"RCPT TO:<bert@example.com>\r\n", b"250 recipient <bert@example.com> ok\r\n"),
            (b"DATA\r\n", b"354 go ahead\r\n"),
        ):
            if line:
                self.say("s", line)
            self.say("a", reply)
        for _ in range(3):
            self.say("s", DATA)

    def rst(self, *, after: float = 0.1, flags: int = RST | ACK, **other: object) -> None:
        """A reset that bears the sender's address."""
        self.put("s", flags, after=after, **other)


def _sum(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def seq_change(wire: Wire) -> None:
    n = wire.next["s"]
    wire.rst(seq=n)
    for step in (1460, 4380):
        wire.rst(after=0.001, seq=n + step)


def closed_host_answers(wire: Wire) -> None:
    """A host that forgot the connection answers each packet at the number which that one asks for."""
    n = wire.next["s"]
    for number in (n - len(DATA), n):
        wire.put("a", ACK, ack=number, after=0.05)
    for number in (n - len(DATA), n):
        wire.rst(after=0.045, flags=RST, seq=number, stamps=False, window=0, ip_id=0)


def different_acks(wire: Wire) -> None:
    a = wire.next["a"]
    wire.rst(ack=a + 700)
    wire.rst(after=0.2, ack=a + 2160)


def same_reset_twice(wire: Wire) -> None:
    wire.rst()
    wire.rst(after=0.2)


def burst(wire: Wire) -> None:
    for step in range(3):
        wire.rst(after=0.1 if not step else 0.0002, window=1980 + step, stamps=False, ip_id=9000 + step * 37)


def echo(wire: Wire) -> None:
    wire.put("a", ACK, ip_id=30123, window=1013, after=0.05)
    wire.rst(after=0.01, flags=RST, ip_id=30123, window=1013, stamps=False)


def stamps_copied(wire: Wire) -> None:
    stamp = 90000 + int(wire.time * 1000)
    wire.put("s", ACK, stamp=stamp)
    wire.rst(after=2.0, stamp=stamp, ip_id=0)


def mac_differs(wire: Wire) -> None:
    wire.rst(mac=OTHER_MAC, ip_id=0)


def router_fails_over(wire: Wire) -> None:
    """The new router's address stays, so the reset's is no oddity."""
    for _ in range(6):
        wire.put("s", PSH | ACK, DATA, after=0.02, mac=OTHER_MAC)
    wire.rst(mac=OTHER_MAC)


def sack_outside(wire: Wire) -> None:
    for _ in range(3):
        wire.put("s", ACK, after=0.1, sack=(2900000000, 2900001448))
    wire.rst()


def sack_inside(wire: Wire) -> None:
    a = wire.next["a"]
    wire.put("s", ACK, after=0.1, sack=(a - 20, a))
    wire.rst()


def checksum_mangled(wire: Wire) -> None:
    """The appliance's kernel drops it; the sender goes on and closes."""
    wire.rst(checksum=0xBAD1, ip_id=0)
    wire.say("s", DATA)
    fin_genuine(wire)


def data_damaged(wire: Wire) -> None:
    n = wire.next["s"]
    for wait in (0.05, 0.3, 0.6):
        wire.put("s", PSH | ACK, DATA, seq=n, checksum=0xBAD1, after=wait)
    wire.put("s", PSH | ACK, DATA, after=1.2)
    wire.put("a", ACK)
    wire.rst()


def fin_beyond(wire: Wire) -> None:
    """A FIN of a device, behind which the sender goes on."""
    n = wire.next["s"]
    wire.put("s", FIN | ACK, seq=n, ttl=60, ip_id=0)
    wire.put("a", ACK, ack=n + 1)
    wire.put("a", FIN | ACK, ack=n + 1)
    for _ in range(4):
        wire.put("s", PSH | ACK, DATA, after=0.2)


def fin_genuine(wire: Wire) -> None:
    wire.put("s", FIN | ACK, after=0.1)
    wire.put("a", ACK)
    wire.put("a", FIN | ACK)
    wire.put("s", ACK, after=0.04)


def idle_expired(wire: Wire) -> None:
    """A device forgets after ten minutes, and says so with its own distance."""
    wire.rst(after=600.2, ttl=60, ip_id=0, stamps=False)


def idle_and_own(wire: Wire) -> None:
    """The sender's own reset after a time that nobody's timer has."""
    wire.rst(after=400.0)


def goes_on(wire: Wire) -> None:
    n = wire.next["s"]
    wire.rst(seq=n)
    for _ in range(3):
        wire.put("s", PSH | ACK, DATA, after=0.2)


def payload(wire: Wire) -> None:
    wire.put("s", RST | ACK, b"blocked by policy", after=0.1, ip_id=0)


def challenge_answered(wire: Wire) -> None:
    """The sender's numbers are ahead of what came; its exact reset answers the challenge."""
    n = wire.next["s"]
    wire.rst(seq=n + 100, flags=RST, stamps=False)
    wire.put("a", ACK, ack=n, after=0.0001)
    wire.rst(seq=n, flags=RST, stamps=False, after=0.041)


def challenge_unanswered(wire: Wire) -> None:
    """A device's reset that is not exact changes nothing; the sender goes on and closes."""
    n = wire.next["s"]
    wire.rst(seq=n + 100, flags=RST, stamps=False, ip_id=0)
    wire.put("a", ACK, ack=n, after=0.0001)
    for _ in range(3):
        wire.put("s", PSH | ACK, DATA, after=0.2)
        wire.put("a", ACK)
    fin_genuine(wire)


Case = tuple[str, Callable[[Wire], None], str, str, str | None, bool, list[str], list[str]]
OWN = ["ttl_differs", "source_mac_differs", "timestamp_copied", "data_at_the_resets_number"]
CASES: list[Case] = [
    # name, packets, what it is, kind, real cause, knowable, signs that fire, signs that must not
    ("rst-seq-change", seq_change, "Three resets, the later ones at numbers never sent.", "rst", "middlebox_reset", True, ["second_reset_with_unsent_sequence"], []),
    ("rst-closed-host-answers", closed_host_answers, "A closed host answers two packets of the appliance at the numbers they ask for.", "rst", "sender_closed", False, [], ["second_reset_with_unsent_sequence", "burst_of_unlike_resets", "reset_behind_received_data", "timestamp_missing"]),
    ("rst-ack-change", different_acks, "Two resets acknowledge octets that were never sent.", "rst", "middlebox_reset", False, ["resets_with_different_acks"], []),
    ("rst-sent-twice", same_reset_twice, "The sender's reset twice, alike.", "rst", "sender_reset", True, [], ["resets_with_different_acks", "burst_of_unlike_resets", *OWN]),
    ("rst-burst", burst, "Three resets at one number whose windows rise by one.", "rst", "middlebox_reset", False, ["burst_of_unlike_resets"], []),
    ("rst-echo", echo, "A reset with IP ID and window of the appliance's last packet.", "rst", "middlebox_reset", True, ["reset_echoes_our_packet"], []),
    ("rst-stamps-copied", stamps_copied, "A reset with the timestamp of a packet two seconds older.", "rst", "middlebox_reset", False, ["timestamp_copied"], []),
    ("rst-other-mac", mac_differs, "A reset from another Ethernet address than all else.", "rst", "middlebox_reset", False, ["source_mac_differs"], []),
    ("rst-after-fail-over", router_fails_over, "The sender's own reset behind a router that took over in mid-flow.", "rst", "sender_reset", True, [], ["source_mac_differs"]),
    ("sack-outside", sack_outside, "Selective acknowledgments far from all that was sent; then the sender's reset.", "rst", "sender_reset", True, ["sack_outside_the_window"], []),
    ("sack-inside", sack_inside, "A selective acknowledgment of what was sent; then the sender's reset.", "rst", "sender_reset", True, [], ["sack_outside_the_window"]),
    ("rst-checksum-wrong", checksum_mangled, "A reset whose checksum is wrong, which changes nothing; the sender goes on and closes.", "fin", "sender_closed", True, ["reset_with_bad_checksum"], []),
    ("data-damaged", data_damaged, "Octets arrive with a wrong checksum and are sent again; then the sender's own reset.", "rst", "sender_reset", True, ["octets_changed_on_the_way"], ["reset_with_bad_checksum"]),
    ("fin-beyond-data", fin_beyond, "A FIN from nearer than the sender, which goes on behind it.", "fin", "middlebox_reset", True, ["sender_goes_on_beyond_its_fin"], []),
    ("fin-genuine", fin_genuine, "The sender's FIN, and nothing behind it.", "fin", "sender_closed", True, [], ["sender_goes_on_beyond_its_fin", "fin_ttl_differs"]),
    ("idle-ten-minutes", idle_expired, "A reset from nearer than the sender after 600 s of nothing.", "rst", "middlebox_reset", False, ["reset_after_an_idle_timer"], []),
    ("idle-and-own-reset", idle_and_own, "The sender's own reset after 400 s of nothing.", "rst", "sender_reset", True, [], ["reset_after_an_idle_timer"]),
    ("rst-sender-goes-on", goes_on, "A reset with the sender's TTL, and the sender's data behind it.", "rst", "middlebox_reset", True, ["sender_goes_on_after_its_reset", "data_at_the_resets_number"], []),
    ("rst-with-payload", payload, "A reset that carries text.", "rst", "middlebox_reset", False, ["reset_with_payload"], []),
    ("challenge-answered", challenge_answered, "A reset that is not exact, the challenge ACK, and the exact reset in answer.", "rst", "sender_reset", False, ["challenge_ack_answered"], ["challenge_ack_unanswered", *OWN]),
    ("challenge-unanswered", challenge_unanswered, "A reset that is not exact and changes nothing: nobody answers the challenge ACK, the sender goes on and closes.", "fin", "sender_closed", True, ["challenge_ack_unanswered"], ["challenge_ack_answered"]),
]  # fmt: skip


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"Wed Nov 25 {10 + hours:02}:{minutes:02}:{rest:02} 2026 Info: "


def write(number: int, case: Case) -> None:
    name, packets, what, kind, cause, knowable, fires, silent = case
    folder, wire = HERE / name, Wire()
    folder.mkdir(exist_ok=True)
    first = len(wire.packets)
    packets(wire)
    frames = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for time, frame in wire.packets:
        frames.append(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(frame), len(frame)) + frame)
    (folder / "wire.pcap").write_bytes(b"".join(frames))
    icid, mid, end = 90000 + number, 80000 + number, wire.time
    log = [
        clock(0) + "Begin Logfile",
        clock(0) + "Version: 14.2.0-620 SN: 42190A0B0C0D0E0F1011-00005E005319",
        clock(0) + "Time offset from UTC: 0 seconds",
        clock(0) + f"New SMTP ICID {icid} interface Data 1 (198.51.100.25) address 192.0.2.10 reverse dns host unknown verified no",
        clock(0) + f"Start MID {mid} ICID {icid}",
        clock(0) + f"MID {mid} ICID {icid} From: <anna@example.net>",
        clock(0) + f"MID {mid} ICID {icid} RID 0 To: <bert@example.com>",
        clock(end) + f"ICID {icid} lost",
        clock(end) + f"Message aborted MID {mid} Receiving aborted",
        clock(end) + f"Message finished MID {mid} aborted",
        clock(end) + f"ICID {icid} close",
    ]  # fmt: skip
    (folder / "mail.log").write_text("\n".join(log) + "\n", encoding="utf-8")
    toml = {"title": what, "family": "forged", "captures": ["wire.pcap"], "logs": ["mail.log"], "arguments": []}
    (folder / "case.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in toml.items()), encoding="utf-8")
    verdict = "confirmed"
    ended = _frame(wire, first, FIN if kind == "fin" else RST)
    if name == "rst-closed-host-answers":
        # The first reset lies behind what was acknowledged, and is dropped (RFC 9293 section 3.10.7.4).
        ended += 1
    told = {
        "mid": mid, "icid": icid, "claim": "receiving_aborted", "verdict": verdict, "kind": kind,
        "by": "sender", "why": None, "stage": "body", "turn": "sender",
        "client": f"192.0.2.10:{PORT}", "server": "198.51.100.25:25", "frame": None if name == "challenge-answered" else ended, "match": "matched", "cause": cause,
        "cause_knowable": knowable, "cause_visible": [] if knowable else ["sender_reset", "middlebox_reset"],
        "fires": fires, "silent": silent,
    }  # fmt: skip
    summary = {"aborted": 1, **dict.fromkeys(("confirmed", "contradicted", "undetermined"), 0), "connections": 1}
    summary[verdict] = 1
    expected = {"summary": summary, "cases": [told], "finished": []}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


def _frame(wire: Wire, first: int, flag: int) -> int:
    """The frame of the first hand-written packet of the sender with this flag."""
    numbers = range(first, len(wire.packets))
    return next(n + 1 for n in numbers if wire.packets[n][1][47] & flag and wire.packets[n][1][26:30] == bytes(SENDER))


if __name__ == "__main__":
    for number, case in enumerate(CASES):
        write(number, case)
