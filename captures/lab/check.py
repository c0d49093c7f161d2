#!/usr/bin/env python3
"""Check that the truth of a case agrees with its capture, as tshark reads it, and with its log.

    captures/lab/check.py [CASE FOLDER...]

Three views that do not know of each other: what the actors wrote down, what the appliance's interface saw, what the
listener logged. A run in which they disagree is a fault in the lab, and nothing that mailwitness could be judged by.
Without a folder it checks all that stand beside the lab. Exits with 1 and names every disagreement.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from expect import expect
from maillog import UTC_OFFSET
from topology import APPLIANCE, CLIENT

SENDER_TTL = "63"
"""64, less the router."""

LARGEST_FRAME = 1514
"""Ethernet's. Anything larger was never on a wire: an offload was left on."""

TOLERANCE = 1.5
"""Seconds between a deed and its line or frame: the log has whole seconds, and the machine may be busy."""

FIELDS = (
    "frame.number frame.time_epoch frame.len frame.cap_len ip.src ip.ttl tcp.srcport tcp.dstport tcp.flags.syn"
    " tcp.flags.fin tcp.flags.reset tcp.seq tcp.len tcp.checksum.status smtp.req.command smtp.req.parameter"
    " smtp.response.code smtp.rsp.parameter"
).split()

DEEDS = ("quit", "fin", "rst", "silence")
"""The first of these that a sender did is how it ended its connection; a FIN after a QUIT is only good manners."""

Row = dict[str, str]


def tshark(capture: Path) -> list[Row]:
    """Every frame of a capture as tshark reads it."""
    words = ["tshark", "-n", "-r", str(capture), "-o", "tcp.check_checksum:TRUE", "-T", "fields"]
    words += [word for field in FIELDS for word in ("-e", field)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return [dict(zip(FIELDS, line.split("\t"), strict=True)) for line in done.stdout.splitlines()]


def is_set(value: str) -> bool:
    """A flag, which tshark prints as 1 or as True, by version."""
    return value in ("1", "True")


def epoch(time: str) -> float:
    """A time of truth.json in seconds."""
    return datetime.fromisoformat(time).timestamp()


class Check:
    """The faults found in one case."""

    def __init__(self, folder: Path) -> None:
        self.faults: list[str] = []
        self.truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        self.rows = tshark(folder / "wire.pcap")
        self.log = (folder / "mail.log").read_text(encoding="ascii").splitlines()
        self.expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        self.that(self.expected == expect(folder), "expected.json is not what truth.json yields")
        self._capture()
        self._head()
        for connection in self.truth["connections"]:
            self._wire(connection)
            self._logged(connection)
        self._frames()

    def that(self, holds: bool, otherwise: str) -> None:
        """Note a fault unless something holds."""
        if not holds:
            self.faults.append(otherwise)

    def _capture(self) -> None:
        """The capture as a whole: whole frames, real frames, and no connection that the truth does not know."""
        for row in self.rows:
            number = f"frame {row['frame.number']}"
            self.that(int(row["frame.len"]) <= LARGEST_FRAME, f"{number}: longer than Ethernet allows")
            self.that(row["frame.len"] == row["frame.cap_len"], f"{number}: cut short")
            self.that(row["tcp.checksum.status"] == "1", f"{number}: bad or unfilled checksum")
            if row["ip.src"] == CLIENT:
                self.that(row["ip.ttl"] == SENDER_TTL, f"{number}: TTL {row['ip.ttl']}")
        ports = {self._port(row) for row in self.rows}
        known = {connection["client"].rpartition(":")[2] for connection in self.truth["connections"]}
        self.that(ports == known, f"the capture has the client ports {sorted(ports)}, the truth {sorted(known)}")

    @staticmethod
    def _port(row: Row) -> str:
        return row["tcp.srcport"] if row["ip.src"] == CLIENT else row["tcp.dstport"]

    def _wire(self, connection: dict[str, Any]) -> None:
        """One connection: its handshake, its envelopes, and its ending as tshark sees them."""
        client = connection["client"]
        rows = [row for row in self.rows if self._port(row) == client.rpartition(":")[2]]
        sent = [row for row in rows if row["ip.src"] == CLIENT]
        answered = [row for row in rows if row["ip.src"] == APPLIANCE]
        first = sent[0] if sent and sent[0] is rows[0] else None
        self.that(first is not None and is_set(first["tcp.flags.syn"]), f"{client}: does not start with its SYN")
        verbs = [(row["smtp.req.command"].upper(), row["smtp.req.parameter"]) for row in sent]
        mails = [words.split(">")[0].partition("<")[2] for verb, words in verbs if verb == "MAIL"]
        rcpts = [words.split(">")[0].partition("<")[2] for verb, words in verbs if verb == "RCPT"]
        messages = connection["messages"]
        self.that(mails == [m["mail_from"] for m in messages], f"{client}: MAIL on the wire {mails}")
        self.that(rcpts == [r for m in messages for r in m["rcpt_to"]], f"{client}: RCPT on the wire {rcpts}")
        replies = " ".join(row["smtp.rsp.parameter"] for row in answered)
        for message in messages:
            accepted = f"Message {message['mid']} accepted" in replies
            self.that(accepted == (message["claim"] == "accepted"), f"{client}: MID {message['mid']} on the wire")
        self._body(connection, sent)
        self._ending(connection, sent, answered)

    def _body(self, connection: dict[str, Any], sent: list[Row]) -> None:
        """A body without its end: as many octets on the wire as the client says it sent."""
        told = next((event["stage"] for event in connection["events"] if event["action"] in DEEDS), None)
        if told != "body":
            return
        words = [row for row in sent if row["tcp.len"] != "0"]  # a FIN has a sequence number too
        ends = [int(row["tcp.seq"]) + int(row["tcp.len"]) for row in words]
        data = [end for end, row in zip(ends, words, strict=True) if row["smtp.req.command"].upper() == "DATA"]
        octets, said = max(ends) - data[-1], connection["messages"][-1]["body_octets"]
        self.that(octets == said, f"{connection['client']}: {octets} octets of body on the wire, {said} sent")

    def _ending(self, connection: dict[str, Any], sent: list[Row], answered: list[Row]) -> None:
        client = connection["client"]
        deed, noticed = (
            next(event for event in connection["events"] if event["action"] in words and event["actor"] == actor)
            for actor, words in (("sender", DEEDS), ("appliance", ("quit", "lost", "timer")))
        )
        stages = deed["stage"], noticed["stage"]
        self.that(stages[0] == stages[1], f"{client}: ended at {stages[0]}, noticed at {stages[1]}")
        fins = [row for row in sent if is_set(row["tcp.flags.fin"])]
        resets = [row for row in sent if is_set(row["tcp.flags.reset"])]
        closed = [row for row in answered if is_set(row["tcp.flags.fin"])]
        quits = [row for row in sent if row["smtp.req.command"].upper() == "QUIT"]
        codes = [code for row in answered for code in row["smtp.response.code"].split(",") if code]
        self.that(bool(quits) == (deed["action"] == "quit"), f"{client}: QUIT on the wire: {bool(quits)}")
        self.that(bool(resets) == (deed["action"] == "rst"), f"{client}: RST of the sender: {bool(resets)}")
        self.that(bool(fins) == (deed["action"] != "rst"), f"{client}: FIN of the sender: {bool(fins)}")
        self.that(("221" in codes) == (deed["action"] == "quit"), f"{client}: replies {codes}")
        self.that(("421" in codes) == (deed["action"] == "silence"), f"{client}: replies {codes}")
        if deed["action"] == "silence":
            began, end = epoch(deed["time"]), float(closed[0]["frame.time_epoch"]) if closed else 0.0
            self.that(bool(closed) and end < float(fins[0]["frame.time_epoch"]), f"{client}: who closed first?")
            words = [r for r in sent if r["tcp.len"] != "0" and float(r["frame.time_epoch"]) > began]
            self.that(not words and end - began > 60, f"{client}: not silent")
        else:
            shown = {"quit": quits, "fin": fins, "rst": resets}[deed["action"]]
            times = [abs(float(row["frame.time_epoch"]) - epoch(deed["time"])) for row in shown[:1]]
            self.that(max(times, default=0.0) < TOLERANCE, f"{client}: {deed['action']} is {times} s from its frame")

    def _head(self) -> None:
        self.that(self.log[0].endswith(" Info: Begin Logfile"), "the log has no head")
        self.that(self.log[2].endswith(f"Time offset from UTC: {UTC_OFFSET} seconds"), "the log has no offset")
        icids = re.findall(r"New SMTP ICID (\d+) ", "\n".join(self.log))
        known = sorted(str(connection["icid"]) for connection in self.truth["connections"])
        self.that(sorted(icids) == known, f"the log has the ICIDs {icids}, the truth {known}")

    def _logged(self, connection: dict[str, Any]) -> None:
        """The lines of one ICID and its MIDs, and their stamps."""
        icid, events = connection["icid"], connection["events"]
        deeds = [event["action"] for event in events if event["actor"] == "sender"]
        lost = any(deed in ("fin", "rst") for deed in deeds) and "quit" not in deeds and "silence" not in deeds
        self.that((self._stamp(f"ICID {icid} lost") is not None) == lost, f"ICID {icid}: lost or not?")
        timed = self._stamp(f"ICID {icid} disconnected address {CLIENT}, no messages injected within timeout period")
        self.that((timed is not None) == ("silence" in deeds), f"ICID {icid}: timed out or not?")
        self._near(f"ICID {icid} close", events, "close", None)
        for message in connection["messages"]:
            mid, claim = message["mid"], message["claim"]
            self._near(f"Start MID {mid} ICID {icid}", events, "mail", mid)
            self._near(f"MID {mid} ICID {icid} From: <{message['mail_from']}>", events, "mail", mid)
            for number, rcpt in enumerate(message["rcpt_to"]):
                self._near(f"MID {mid} ICID {icid} RID {number} To: <{rcpt}>", events, "rcpt", mid)
            if claim == "accepted":
                self._near(f"MID {mid} Message-ID '{message['message_id']}'", events, "accepted", mid)
                self._near(f"Message finished MID {mid} done", events, "accepted", mid)
            else:
                words = claim.replace("_", " ").capitalize()
                self._near(f"Message aborted MID {mid} {words}", events, "aborted", mid)
                self._near(f"Message finished MID {mid} aborted", events, "aborted", mid)

    def _stamp(self, text: str) -> float | None:
        """When a line was logged, in seconds; None when it stands there not once."""
        found = [line for line in self.log if line.partition(" Info: ")[2] == text]
        if len(found) != 1:
            return None
        local = datetime.strptime(found[0][:24], "%a %b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)
        return (local - timedelta(seconds=UTC_OFFSET)).timestamp()

    def _near(self, text: str, events: list[dict[str, Any]], action: str, mid: int | None) -> None:
        stamp = self._stamp(text)
        times = [epoch(e["time"]) for e in events if (e["actor"], e["action"], e["mid"]) == ("appliance", action, mid)]
        near = stamp is not None and any(-TOLERANCE < time - stamp < 1 + TOLERANCE for time in times)
        self.that(near, f"{text!r}: stamp {stamp}, truth {times}")

    def _frames(self) -> None:
        """The frames that our own reader found are what tshark says they are."""
        rows = {int(row["frame.number"]): row for row in self.rows}
        for case in self.expected["cases"] + self.expected["finished"]:
            if case["frame"] is None:
                continue
            row = rows[case["frame"]]
            holds = {
                "fin": is_set(row["tcp.flags.fin"]),
                "rst": is_set(row["tcp.flags.reset"]),
                "quit": row["smtp.req.command"].upper() == "QUIT",
                "completed": "accepted" in row["smtp.rsp.parameter"],
            }[case["kind"]]
            self.that(holds and self._port(row) == case["client"].rpartition(":")[2], f"frame {case['frame']}: {case}")


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
