#!/usr/bin/env python3
"""See the checker fail: tamper with copies of committed cases, one thing at a time. Needs tshark, but no root.

    captures/lab/selftest.py

A check that has never been seen to fail proves nothing. Each row is a lie that the checker must notice.
"""

from __future__ import annotations

import json
import re
import shutil
import struct
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from check import Check
from expect import expect
from truth import dump

CAPTURES = Path(__file__).resolve().parent.parent


def replace(file: str, old: str, new: str) -> Callable[[Path], None]:
    """Put other words in a file of the case."""

    def tamper(folder: Path) -> None:
        text = (folder / file).read_text(encoding="utf-8")
        assert old in text, f"{folder.name}: {file} has no {old!r}"
        (folder / file).write_text(text.replace(old, new), encoding="utf-8")

    return tamper


def frames(edit: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    """Edit the list of records of the capture."""

    def tamper(folder: Path) -> None:
        data = (folder / "wire.pcap").read_bytes()
        records, position = [], 24
        while position < len(data):
            end = position + 16 + struct.unpack_from("<I", data, position + 8)[0]
            records.append(data[position:end])
            position = end
        (folder / "wire.pcap").write_bytes(data[:24] + b"".join(edit(records)))

    return tamper


def with_byte(record: bytes, at: int, value: int) -> bytes:
    """A record with one byte of its frame changed."""
    return record[: 16 + at] + bytes([value]) + record[17 + at :]


def told(edit: Callable[[list[dict[str, Any]]], None]) -> Callable[[Path], None]:
    """Edit the events of the first connection in truth.json."""

    def tamper(folder: Path) -> None:
        truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        edit(truth["connections"][0]["events"])
        dump(truth, folder / "truth.json")

    return tamper


def other_number(events: list[dict[str, Any]]) -> None:
    """Say that the box forged another sequence number."""
    for event in events:
        if event["action"] == "forged_rst":
            event["seq"] += 1


def one_more_octet(folder: Path) -> None:
    """Every body one octet longer than it was."""
    text = (folder / "truth.json").read_text(encoding="utf-8")
    text = re.sub(r'"body_octets": (\d+)', lambda found: f'"body_octets": {int(found[1]) + 1}', text)
    (folder / "truth.json").write_text(text, encoding="utf-8")


def dropped_from_the_start(events: list[dict[str, Any]]) -> None:
    """Say that the box dropped everything from the first event on."""
    for event in events:
        if event["action"] == "drop_from_here":
            first = datetime.fromisoformat(events[0]["time"]) - timedelta(seconds=5)
            event["time"] = first.isoformat()


FIN, RST = '"actor": "sender", "action": "fin"', '"actor": "sender", "action": "rst"'

BODY, RCPT = ', "stage": "body"', ', "stage": "rcpt"'

TTL = 22
"""Where an Ethernet frame has it."""

LIES: tuple[tuple[str, str, Callable[[Path], None]], ...] = (
    ("a FIN told as a reset", "fin-after-rcpt", replace("truth.json", FIN, RST)),
    ("a reset told as a FIN", "rst-in-body", replace("truth.json", RST, FIN)),
    ("a reset in the body told of RCPT", "rst-in-body", replace("truth.json", f"{RST}{BODY}", f"{RST}{RCPT}")),
    ("another MID", "third-message-aborted", replace("truth.json", '"mid": 1813', '"mid": 1814')),
    ("another sender", "quit-before-data", replace("truth.json", "anna@", "otto@")),
    ("no `lost` in the log", "fin-after-rcpt", replace("mail.log", " lost\n", " found\n")),
    ("the wrong reason in the log", "quit-before-data", replace("mail.log", "aborted by sender", "aborted")),
    ("a log of another year", "delivered-with-quit", replace("mail.log", " 2026 Info", " 2025 Info")),
    ("the last frame missing", "rst-in-body", frames(lambda r: r[:-1])),
    ("the handshake missing", "delivered-with-quit", frames(lambda r: r[1:])),
    ("a frame from nearer than the client", "fin-after-rcpt", frames(lambda r: [with_byte(r[0], TTL, 64), *r[1:]])),
    ("the timer's reply missing", "silence-until-timer", frames(lambda r: [one for one in r if b"421 " not in one])),
    ("a forged reset with another number", "rst-forged-to-both-ends", told(other_number)),
    ("a drop told too early", "silent-drop-in-body", told(dropped_from_the_start)),
    ("another message's 250", "bdat-delivered", replace("truth.json", "queued as ", "queued at ")),
    ("a body shorter than told", "twenty-at-once", one_more_octet),
)


def main() -> int:
    """Tell every lie, and count those that went unnoticed."""
    unnoticed = 0
    for lie, case, tamper in LIES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(shutil.copytree(CAPTURES / case, Path(name) / case))
            tamper(folder)
            try:
                dump(expect(folder), folder / "expected.json")  # so that only the lie itself can be noticed
                faults = Check(folder).faults
            except (LookupError, StopIteration, ValueError) as failure:
                faults = [repr(failure)]
        unnoticed += not faults
        print(f"{'noticed' if faults else 'NOT NOTICED'}: {lie}: {faults[0] if faults else ''}")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
