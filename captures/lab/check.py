#!/usr/bin/env python3
"""Check that the truth of a case agrees with its captures, as tshark reads them, and with its log.

    captures/lab/check.py [CASE FOLDER...]

Views that do not know of each other: what the actors wrote down, what the sender's interface saw (`sender.pcap`; a run
always has it, a committed folder only where it shows something of its own), what the appliance's interface saw, what
the listener logged. A run in which they disagree is a fault in the lab, and nothing that mailwitness could be judged
by. Without a folder it checks all that stand beside the lab. Exits with 1 and names every disagreement.

A case with capture trouble is checked while its files are still whole; later only its expected.json can be.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from expect import expect
from maillog import UTC_OFFSET
from topology import HOPS

SENDER_TTL = str(64 - HOPS)

LARGEST_FRAME = 1514
"""Ethernet's. Anything larger was never on a wire: an offload was left on."""

TOLERANCE = 1.5
"""Seconds between a deed and its line or frame: the log has whole seconds, and the machine may be busy."""

FIELDS = (
    "frame.number frame.time_epoch frame.len frame.cap_len ip.src ipv6.src ip.ttl ipv6.hlim tcp.srcport tcp.dstport"
    " tcp.flags.syn tcp.flags.fin tcp.flags.reset tcp.seq tcp.seq_raw tcp.len tcp.checksum.status tcp.payload"
).split()

DEEDS = ("quit", "fin", "half_close", "rst", "silence")
"""The first of these that a sender did is how it ended its connection; a FIN after a QUIT is only good manners."""

NOTICED = ("quit", "lost", "timer")
"""How the appliance noticed it."""

Row = dict[str, str]
Event = dict[str, Any]


def tshark(capture: Path) -> list[Row]:
    """Every TCP frame of a capture as tshark reads it."""
    words = ["tshark", "-n", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-Y", "tcp && !icmp && !icmpv6"]
    words += ["-E", "occurrence=f", "-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
    done = subprocess.run(words, capture_output=True, text=True, timeout=240, check=True)
    rows = [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]
    for row in rows:
        row["source"], row["ttl"] = row["ip.src"] or row["ipv6.src"], row["ip.ttl"] or row["ipv6.hlim"]
    return rows


def is_set(value: str) -> bool:
    """A flag, which tshark prints as 1 or as True, by version."""
    return value in ("1", "True")


def epoch(time: str) -> float:
    """A time of truth.json in seconds."""
    return datetime.fromisoformat(time).timestamp()


def host(end: str) -> str:
    """The address of an `ip:port`."""
    return end.rpartition(":")[0].strip("[]")


class Side:
    """One connection on one capture."""

    def __init__(self, rows: list[Row], client: str) -> None:
        port, address = client.rpartition(":")[2], host(client)
        self.sent = [r for r in rows if (r["tcp.srcport"], r["source"]) == (port, address)]
        self.answered = [r for r in rows if r["tcp.dstport"] == port and r["source"] != address]
        self.fins = [r for r in self.sent if is_set(r["tcp.flags.fin"])]
        self.resets = [r for r in self.sent if is_set(r["tcp.flags.reset"])]
        self.said = self._stream(self.sent)

    @staticmethod
    def _stream(rows: list[Row]) -> bytes:
        """What was said, in order, without what was said twice."""
        pieces = {int(r["tcp.seq"]): bytes.fromhex(r["tcp.payload"]) for r in reversed(rows) if r["tcp.payload"]}
        out, due = bytearray(), 1
        for seq in sorted(pieces):
            fresh = seq + len(pieces[seq]) - due
            if fresh > 0:
                out += pieces[seq][-fresh:]
                due = seq + len(pieces[seq])
        return bytes(out)

    def lines(self, verb: str) -> list[str]:
        """The addresses in the commands of one verb."""
        return re.findall(rf"(?im)^{verb}[^<\r\n]*<([^>\r\n]*)>", self.said.decode("ascii", "replace"))


class Check:
    """The faults found in one case."""

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self.truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        self.expected: dict[str, Any] | None = None
        if (folder / "expected.json").exists():
            self.expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
            self.that("expected", self.expected == expect(folder), "expected.json is not what truth.json yields")
            if self.truth["trouble"]:
                return
        self.rows = tshark(folder / "wire.pcap")
        outside = folder / "sender.pcap"
        self.has_outside = outside.exists()
        calm = not any(self._interfered(connection) for connection in self.truth["connections"])
        # Where nothing interfered, what arrived is what was sent: a folder without sender.pcap is checked on that.
        self.outside = tshark(outside) if self.has_outside else self.rows if calm else None
        self.log = (folder / "mail.log").read_text(encoding="ascii").splitlines()
        delivery = self.truth["leg"] == "delivery"
        self._capture()
        self._head()
        for connection in self.truth["connections"]:
            if self.outside is not None and not delivery:
                client = self._outside_name(connection["client"]) if self.has_outside else connection["client"]
                self._sender(connection, Side(self.outside, client))
            self._wire(connection, Side(self.rows, connection["client"]))
            self._between(connection)
            if not delivery:
                self._logged(connection)
        if self.expected is not None:
            self._frames()

    def that(self, name: str, holds: bool, otherwise: str) -> None:
        """Note a fault unless something holds, or the case says that this check does not fit it."""
        if not holds and name not in self.truth["unchecked"]:
            self.faults.append(f"[{name}] {otherwise}")

    def _outside_name(self, client: str) -> str:
        back = {seen: own for own, seen in self.truth.get("nat", [])}
        address, _, port = client.rpartition(":")
        return f"{back.get(address, address)}:{port}"

    def _interfered(self, connection: dict[str, Any]) -> bool:
        return bool(connection["interference"])

    def _capture(self) -> None:
        """The capture as a whole: whole frames, real frames, and no connection that the truth does not know."""
        senders = {host(connection["client"]) for connection in self.truth["connections"]}
        forged = any(self._interfered(connection) for connection in self.truth["connections"])
        for row in self.rows:
            number = f"frame {row['frame.number']}"
            self.that("size", int(row["frame.len"]) <= LARGEST_FRAME, f"{number}: longer than Ethernet allows")
            self.that("whole", row["frame.len"] == row["frame.cap_len"], f"{number}: cut short")
            whole = row["frame.len"] == row["frame.cap_len"]
            self.that("checksum", not whole or row["tcp.checksum.status"] == "1", f"{number}: bad or unfilled checksum")
            if row["source"] in senders and not forged and self.truth["leg"] == "injection":
                self.that("ttl", row["ttl"] == SENDER_TTL, f"{number}: TTL {row['ttl']}")
        ports = {row["tcp.srcport"] if row["source"] in senders else row["tcp.dstport"] for row in self.rows}
        known = {connection["client"].rpartition(":")[2] for connection in self.truth["connections"]}
        self.that(
            "ports", ports == known, f"the capture has the client ports {sorted(ports)}, the truth {sorted(known)}"
        )

    def _deed(self, connection: dict[str, Any]) -> Event | None:
        return next((e for e in connection["events"] if e["action"] in DEEDS and e["actor"] == "sender"), None)

    def _is_clear(self, connection: dict[str, Any]) -> bool:
        return not any(event["action"] in ("tls", "tls_failed") for event in connection["events"])

    def _sender(self, connection: dict[str, Any], side: Side) -> None:
        """The sender's own side: it did what it says it did, when it says so, and nothing else."""
        client, deed = connection["client"], self._deed(connection)
        first = side.sent[0] if side.sent else None
        self.that("handshake", first is not None and is_set(first["tcp.flags.syn"]), f"{client}: no SYN at the sender")
        if self._is_clear(connection):
            begun = [e for e in connection["events"] if (e["actor"], e["action"]) == ("sender", "mail")]
            mails = side.lines("MAIL")
            self.that("envelope", len(mails) >= len(begun), f"{client}: the sender said MAIL {mails}")
            quits = re.findall(rb"(?i)QUIT\r\n$", side.said)
            told = any(e["action"] == "quit" and e["actor"] == "sender" for e in connection["events"])
            self.that("quit", bool(quits) == told, f"{client}: QUIT at the sender: {bool(quits)}, told: {told}")
        if deed is None:
            return
        at = epoch(deed["time"])
        noticed = [e for e in connection["events"] if e["actor"] == "appliance" and e["action"] in NOTICED]
        if noticed and not self._interfered(connection):
            stages = deed["stage"], noticed[0]["stage"]
            answered = stages == ("end_of_data", "between")  # what was not waited for came all the same
            self.that(
                "stage", stages[0] == stages[1] or answered, f"{client}: ended at {stages[0]}, noticed at {stages[1]}"
            )
        if deed["action"] in ("fin", "half_close"):
            self._near_frame(client, "fin", side.fins, at)
            early = [r for r in side.resets if float(r["frame.time_epoch"]) < at - TOLERANCE]
            self.that("rst", not early, f"{client}: the sender reset before it closed")
        elif deed["action"] == "rst":
            self._near_frame(client, "rst", side.resets, at)
            self.that("fin", not side.fins, f"{client}: the sender sent a FIN, too")
        elif deed["action"] == "silence":
            ends = [e for e in connection["events"] if e["actor"] == "sender" and e["time"] > deed["time"]]
            until = epoch(ends[0]["time"]) if ends else float("inf")
            words = [r for r in side.sent if r["tcp.len"] != "0" and at < float(r["frame.time_epoch"]) < until]
            self.that("silence", not words, f"{client}: not silent")

    def _near_frame(self, client: str, name: str, rows: list[Row], at: float) -> None:
        times = [abs(float(row["frame.time_epoch"]) - at) for row in rows]
        self.that(
            name, bool(times) and min(times) < TOLERANCE, f"{client}: no {name} at the sender when it says: {times}"
        )

    def _wire(self, connection: dict[str, Any], side: Side) -> None:
        """The appliance's side: what the listener says it met did arrive."""
        client = connection["client"]
        if self.truth["leg"] == "delivery" or not self._is_clear(connection):
            return
        messages = connection["messages"]
        mails = [m for m in side.lines("MAIL")]
        met = [m["mail_from"] for m in messages]
        self.that("envelope", all(m in mails for m in met), f"{client}: MAIL on the wire {mails}, met {met}")
        rcpts = side.lines("RCPT")
        met = [r for m in messages for r in m["rcpt_to"]]
        self.that("envelope", all(r in rcpts for r in met), f"{client}: RCPT on the wire {rcpts}, met {met}")
        replies = Side._stream(side.answered)
        timed = any(e["action"] == "timer" for e in connection["events"])
        self.that(
            "timer", (b"421 Timed out" in replies or b"421 Exceeded allow" in replies) == timed, f"{client}: 421?"
        )
        for message in messages:
            taken = [e for e in connection["events"] if e["action"] == "accepted" and e["mid"] == message["mid"]]
            words = taken[0].get("reply") if taken else None
            accepted, told = (words or f"Message {message['mid']} accepted").encode() in replies, bool(taken)
            self.that("accepted", accepted == told, f"{client}: MID {message['mid']} accepted on the wire: {accepted}")
        last = messages[-1] if messages else None
        stopped = [e["action"] for e in connection["events"] if e["actor"] == "sender"][-2:]
        in_data = b"\r\nDATA\r\n" in side.said.upper()
        if last and in_data and not self._interfered(connection) and stopped[:1] == ["body"] and stopped[-1] in DEEDS:
            said = len(side.said) - side.said.upper().rfind(b"\r\nDATA\r\n") - 8
            told = last["body_octets"]
            self.that("body", said == told, f"{client}: {said} octets of body on the wire, {told} sent")

    def _between(self, connection: dict[str, Any]) -> None:
        """What the middlebox says it did shows: forged segments at the end they went to, and not at the other."""
        client = connection["client"]
        near = Side(self.rows, client)
        far = Side(self.outside, self._outside_name(client)) if self.outside and self.has_outside else None
        for event in connection["events"]:
            if event["actor"] != "middlebox":
                continue
            if event["action"] == "forged_rst":
                there = event["to"] == "appliance"
                delivery = self.truth["leg"] == "delivery"  # then the appliance is the client
                side = near if there else far
                rows = (side.sent if there != delivery else side.answered) if side else []
                rows = [r for r in rows if is_set(r["tcp.flags.reset"])]
                if side:
                    forged = [r for r in rows if int(r["tcp.seq_raw"]) == event["seq"]]
                    self.that("forged", bool(forged), f"{client}: no RST with seq {event['seq']} at the {event['to']}")
            elif event["action"] == "drop_from_here" and "to_appliance" in event["ways"]:
                arriving = near.answered if self.truth["leg"] == "delivery" else near.sent
                after = [r for r in arriving if float(r["frame.time_epoch"]) > epoch(event["time"]) + TOLERANCE]
                self.that("dropped", not after, f"{client}: {len(after)} segments came through all the same")

    def _head(self) -> None:
        self.that("log", self.log[0].endswith(" Info: Begin Logfile"), "the log has no head")
        self.that("log", self.log[2].endswith(f"Time offset from UTC: {UTC_OFFSET} seconds"), "the log has no offset")
        leg = "DCID" if self.truth["leg"] == "delivery" else "ICID"
        found = sorted(re.findall(rf"New SMTP {leg} (\d+) ", "\n".join(self.log)))
        ids = [connection["icid"] for connection in self.truth["connections"]]
        known = sorted(str(number) for number in ids if number is not None)
        self.that("log", found == known, f"the log has the {leg}s {found}, the truth {known}")

    def _logged(self, connection: dict[str, Any]) -> None:
        """The lines of one ICID and its MIDs, and their stamps."""
        icid, events = connection["icid"], connection["events"]
        if icid is None:
            return
        lost = any(event["action"] == "lost" for event in events)
        self.that("lost", (self._stamp(f"ICID {icid} lost") is not None) == lost, f"ICID {icid}: lost or not?")
        if any(event["action"] == "close" for event in events):
            self._near(f"ICID {icid} close", events, "close", None)
        for message in connection["messages"]:
            mid, claim = message["mid"], message["claim"]
            self._near(f"Start MID {mid} ICID {icid}", events, "mail", mid)
            self._near(f"MID {mid} ICID {icid} From: <{message['mail_from']}>", events, "mail", mid)
            for number, rcpt in enumerate(message["rcpt_to"]):
                self._near(f"MID {mid} ICID {icid} RID {number} To: <{rcpt}>", events, "rcpt", mid)
            truly = [e["action"] for e in events if e["mid"] == mid and e["action"] in ("accepted", "aborted")]
            if claim == "accepted":
                self._near(f"Message finished MID {mid} done", events, truly[0], mid)
            elif claim is not None:
                self._near(f"Message aborted MID {mid} {claim.replace('_', ' ').capitalize()}", events, truly[0], mid)
                self._near(f"Message finished MID {mid} aborted", events, truly[0], mid)

    def _stamp(self, text: str) -> float | None:
        """When a line was logged, in seconds; None when it stands there not once."""
        found = [line for line in self.log if line.partition(" Info: ")[2] == text]
        if len(found) != 1:
            return None
        local = datetime.strptime(found[0][:24], "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
        return (local - timedelta(seconds=UTC_OFFSET)).timestamp()

    def _near(self, text: str, events: list[Event], action: str, mid: int | None) -> None:
        stamp = self._stamp(text)
        times = [epoch(e["time"]) for e in events if (e["actor"], e["action"], e["mid"]) == ("appliance", action, mid)]
        near = stamp is not None and any(-TOLERANCE < time - stamp < 1 + TOLERANCE for time in times)
        self.that("log", near, f"{text!r}: stamp {stamp}, truth {times}")

    def _frames(self) -> None:
        """The frames that our own reader found are what tshark says they are."""
        rows = {int(row["frame.number"]): row for row in self.rows}
        assert self.expected is not None
        holds: dict[str, Callable[[Row], bool]] = {
            "fin": lambda row: is_set(row["tcp.flags.fin"]),
            "rst": lambda row: is_set(row["tcp.flags.reset"]),
            "quit": lambda row: b"QUIT" in bytes.fromhex(row["tcp.payload"]).upper(),
            "completed": lambda row: b"250 " in bytes.fromhex(row["tcp.payload"]),
            "refused": lambda row: row["source"] != host(self.truth["connections"][0]["client"]),
            "appliance_closed": lambda row: row["source"] != host(self.truth["connections"][0]["client"]),
        }
        for case in self.expected["cases"] + self.expected["finished"]:
            if case["frame"] is not None and case["kind"] in holds:
                row = rows[case["frame"]]
                port = case["client"].rpartition(":")[2]
                ours = port in (row["tcp.srcport"], row["tcp.dstport"])
                self.that("frame", ours and holds[case["kind"]](row), f"frame {case['frame']}: {case}")


def main() -> int:
    """Check the folders named on the command line, or all."""
    beside = Path(__file__).resolve().parent.parent.glob("*/truth.json")
    folders = [Path(name) for name in sys.argv[1:]] or sorted(truth.parent for truth in beside)
    failed = not folders
    for folder in folders:
        faults = Check(folder).faults
        failed = failed or bool(faults)
        print(f"{folder.name}: {f'{len(faults)} faults' if faults else 'truth, capture and log agree'}")
        for fault in faults:
            print(f"{folder.name}: {fault}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
