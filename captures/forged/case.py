"""What a hand-written case is, and how it becomes a folder: one pcap, one log and one expected.json."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wire import FIN, PORT, RST, SENDER, Wire

HERE = Path(__file__).parent
HEAD = (
    "Begin Logfile",
    "Version: 14.2.0-620 SN: 42190A0B0C0D0E0F1011-00005E005319",
    "Time offset from UTC: 0 seconds",
)


@dataclass(frozen=True)
class Case:
    """One connection with one message, and what is true of it. Which signs it is for stands in captures/signs.toml."""

    name: str
    packets: Callable[[Wire], None]
    """Writes what the case is about behind the envelope."""
    what: str
    kind: str
    """How the connection ended: `rst`, `fin` or `silence`, by the sender's address."""
    cause: str
    """The real cause, in mailwitness' words."""
    knowable: bool = True
    """Whether capture and log are enough to know it."""
    stage: str = "body"
    turn: str = "sender"
    opening: dict[str, Any] = field(default_factory=dict)
    """What `Wire` is made with."""
    ending: int | None = 0
    """Which of the sender's resets or FINs behind the envelope ended it; None where that is not said."""


def write(number: int, case: Case) -> None:
    """The folder of a case. The `number` makes its ICID and MID."""
    folder, wire = HERE / case.name, Wire(**case.opening)
    folder.mkdir(exist_ok=True)
    case.packets(wire)
    frames = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for time, frame in wire.packets:
        frames.append(struct.pack("<IIII", int(time), int(time % 1 * 1e6), len(frame), len(frame)) + frame)
    (folder / "wire.pcap").write_bytes(b"".join(frames))
    icid, mid = 90000 + number, 80000 + number
    (folder / "mail.log").write_text("\n".join(log(case, wire, icid, mid)) + "\n", encoding="utf-8")
    toml = {"title": case.what, "family": "forged", "captures": ["wire.pcap"], "logs": ["mail.log"], "arguments": []}
    (folder / "case.toml").write_text("".join(f"{k} = {json.dumps(v)}\n" for k, v in toml.items()), encoding="utf-8")
    told = {
        "mid": mid, "icid": icid, "claim": "receiving_aborted", "verdict": "confirmed", "kind": case.kind,
        "by": "sender", "why": None, "stage": case.stage, "turn": case.turn,
        "client": f"192.0.2.10:{PORT}", "server": "198.51.100.25:25", "frame": _frame(case, wire), "match": "matched",
        "cause": case.cause, "cause_knowable": case.knowable,
        "cause_visible": [] if case.knowable else ["sender_reset", "middlebox_reset"],
    }  # fmt: skip
    summary = {"aborted": 1, "confirmed": 1, "contradicted": 0, "undetermined": 0, "connections": 1}
    expected = {"summary": summary, "cases": [told], "finished": []}
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


def log(case: Case, wire: Wire, icid: int, mid: int) -> list[str]:
    """The appliance's lines. What ended a silence was its own timer."""
    address = "interface Data 1 (198.51.100.25) address 192.0.2.10 reverse dns host unknown verified no"
    lines = [clock(0) + line for line in HEAD]
    lines.append(clock(0) + f"New SMTP ICID {icid} {address}")
    lines += [clock(0) + f"ICID {icid} Unknown command: {line.decode().strip()}" for line in wire.unknown]
    said = clock(wire.said[wire.mail_from])
    lines += [said + f"Start MID {mid} ICID {icid}", said + f"MID {mid} ICID {icid} From: <{wire.mail_from}>"]
    taken = 0
    for name in wire.recipients:
        said = clock(wire.said[name])
        if name in wire.refused:
            lines.append(said + f"MID {mid} ICID {icid} To: <{name}> Rejected by RAT")
        else:
            lines.append(said + f"MID {mid} ICID {icid} RID {taken} To: <{name}>")
            taken += 1
    timed = f"ICID {icid} disconnected address 192.0.2.10, no messages injected within timeout period"
    end = timed if case.kind == "silence" else f"ICID {icid} lost"
    last = (end, f"Message aborted MID {mid} Receiving aborted", f"Message finished MID {mid} aborted", f"ICID {icid} close")
    return lines + [clock(wire.time) + line for line in last]


def clock(seconds: float) -> str:
    """The start of a line of the log."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"Wed Nov 25 {10 + hours:02}:{minutes:02}:{rest:02} 2026 Info: "


def _frame(case: Case, wire: Wire) -> int | None:
    """The frame of the sender's reset or FIN that ended it."""
    flag = {"fin": FIN, "rst": RST}.get(case.kind)
    if flag is None or case.ending is None:
        return None
    frames = [n for n in range(wire.script, len(wire.packets)) if _is(wire.packets[n][1], flag)]
    return frames[case.ending] + 1


def _is(frame: bytes, flag: int) -> bool:
    return frame[23] == 6 and frame[26:30] == bytes(SENDER) and bool(frame[47] & flag)
