#!/usr/bin/env python3
"""Derive expected.json of a case from truth.json: what mailwitness ought to say, by the rules and not by mailwitness.

    captures/lab/expect.py captures/CASE...

Standard library only. The rules are written down a second time here, from the design, so that a mistake in one of the
two places shows. Only the frame numbers come from the capture, by a reader of our own (pcap.py).
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pcap
from truth import dump

SILENCE = 60.0
"""Seconds of quiet that count as a stall, as `--silence` has it by default."""

CONFIRMED = {
    ("receiving_aborted", "fin"),
    ("receiving_aborted", "rst"),
    ("receiving_aborted", "silence"),
    ("receiving_aborted_by_sender", "quit"),
    ("accepted", "completed"),
}

CONTRADICTED = {
    ("receiving_aborted", "completed"),
    ("receiving_aborted", "quit"),
    ("receiving_aborted_by_sender", "completed"),
    ("receiving_aborted_by_sender", "fin"),
    ("receiving_aborted_by_sender", "rst"),
    ("receiving_aborted_by_sender", "silence"),
    ("receiving_aborted_by_sender", "appliance_closed"),
    ("accepted", "quit"),
    ("accepted", "fin"),
    ("accepted", "rst"),
    ("accepted", "silence"),
    ("accepted", "appliance_closed"),
}


def verdict(claim: str, kind: str, why: str | None) -> str:
    """The table claim x ending, as far as the lab has cases for it."""
    if (claim, kind) in CONFIRMED or (claim, kind, why) == ("receiving_aborted", "appliance_closed", "timer"):
        return "confirmed"
    return "contradicted" if (claim, kind) in CONTRADICTED else "undetermined"


def ending(connection: dict[str, Any], mid: int) -> dict[str, Any]:
    """How one message ended, from the events that concern it."""
    events = [event for event in connection["events"] if event["mid"] in (mid, None)]
    if any(event["action"] == "accepted" for event in events if event["mid"] == mid):
        return {"kind": "completed", "by": None, "why": None, "stage": "end_of_data", "turn": None}
    began = next(event["time"] for event in events if event["mid"] == mid)
    ends = ("quit", "fin", "rst", "silence", "timer")
    last = [event for event in events if event["time"] > began and event["action"] in ends]
    last = [event for event in last if event["action"] != "quit" or event["actor"] == "sender"]
    first = last[0]
    how = {"by": first["actor"], "why": None, "stage": first["stage"], "turn": "sender"}
    if first["action"] == "timer":
        return {"kind": "appliance_closed", **how, "why": "timer"}
    if first["action"] == "silence" and _seconds(first, last[1]) < SILENCE:
        raise ValueError(f"MID {mid}: {_seconds(first, last[1])} s are too short for a silence")
    return {"kind": first["action"], **how}


def _seconds(first: dict[str, Any], second: dict[str, Any]) -> float:
    times = [datetime.fromisoformat(event["time"]) for event in (first, second)]
    return (times[1] - times[0]).total_seconds()


def frame(segments: list[pcap.Segment], connection: dict[str, Any], mid: int, kind: str) -> int | None:
    """The frame of the ending: the sender's first FIN or RST, its QUIT, or the reply that accepted the message."""
    client, server = connection["client"], connection["server"]
    sent = [s for s in segments if (s.source, s.target) == (client, server)]
    answered = [s for s in segments if (s.source, s.target) == (server, client)]
    frames = {
        "fin": [s.frame for s in sent if s.flags & pcap.FIN],
        "rst": [s.frame for s in sent if s.flags & pcap.RST],
        "quit": [s.frame for s in sent if s.payload.upper() == b"QUIT\r\n"],
        "completed": [s.frame for s in answered if f"Message {mid} accepted".encode() in s.payload],
        "appliance_closed": [s.frame for s in answered if s.flags & (pcap.FIN | pcap.RST)],
    }
    if kind == "silence":
        return None
    if not frames[kind]:
        raise ValueError(f"{client}: the capture holds no {kind}")
    return frames[kind][0]


def expect(folder: Path) -> dict[str, Any]:
    """The whole expected.json of a case."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    segments = list(pcap.segments(folder / "wire.pcap"))
    cases = []
    for connection in truth["connections"]:
        for message in connection["messages"]:
            how = ending(connection, message["mid"])
            cases.append(
                {
                    "mid": message["mid"],
                    "icid": connection["icid"],
                    "claim": message["claim"],
                    "verdict": verdict(message["claim"], how["kind"], how["why"]),
                    **how,
                    "client": connection["client"],
                    "server": connection["server"],
                    "frame": frame(segments, connection, message["mid"], how["kind"]),
                }
            )
    cases.sort(key=lambda case: case["mid"])
    aborted = [case for case in cases if case["claim"] != "accepted"]
    summary = {"aborted": len(aborted)}
    for word in ("confirmed", "contradicted", "undetermined"):
        summary[word] = sum(case["verdict"] == word for case in aborted)
    summary["connections"] = sum(connection["icid"] is not None for connection in truth["connections"])
    finished = [case for case in cases if case["claim"] == "accepted"]
    return {"summary": summary, "cases": aborted, "finished": finished}


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        dump(expect(Path(name)), Path(name) / "expected.json")
