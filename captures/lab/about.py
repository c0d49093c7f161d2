"""The pages that people read: about.md and case.toml of a case, and the table of all cases in captures/README.md.

Texts come from the table of cases; quotes come from the files of the run, so that a page never speaks of another run.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from cases import CASES
from cases.plan import Case

QUOTED = 40
"""Longest listing that is quoted whole. Of a longer one the reader gets its last frames."""

TAIL = 14

TABLE_BEGINS = "<!-- table: written by captures/lab/run -->\n"
TABLE_ENDS = "<!-- end of table -->\n"


def write(case: Case, folder: Path) -> None:
    """about.md of one case."""
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    log = (folder / case.logs[0]).read_text(encoding="utf-8", errors="replace").splitlines()
    parts = [
        f"# {case.title}",
        f"**What was done.** {case.done}",
        f"**By what client.** {case.client}",
        f"**What the log says.** {_sentence(case.log_says)}",
        f"**What the wire shows.** {_sentence(case.wire_shows)}",
        *_between(truth),
        "## Expected",
        _table(expected),
    ]
    if len(log) <= QUOTED:
        parts += ["## The log", _block([line for line in log if " ICID " in line or "MID " in line or "DCID " in line])]
    frames = _listing(folder / case.captures[0])
    shown = frames if len(frames) <= QUOTED else frames[-TAIL:]
    heading = "## The wire" if shown is frames else f"## The wire, its last {TAIL} of {len(frames)} frames"
    parts += [heading, _block(shown)]
    (folder / "about.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def write_toml(case: Case, folder: Path) -> None:
    """case.toml: what to feed to `mailwitness report`."""
    files = {"captures": list(case.captures), "logs": list(case.logs), "arguments": list(case.arguments)}
    toml = {"title": case.title, "family": case.family, **files}
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in toml.items()]
    (folder / "case.toml").write_text("".join(lines), encoding="utf-8")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _between(truth: dict[str, Any]) -> list[str]:
    """What the box in the middle did, and whose fault it really was."""
    did = [event for connection in truth["connections"] for event in connection["events"]]
    did = [e for e in did if e["actor"] in ("middlebox", "network") and e["action"] != "lost_on_path"]
    parts = []
    if did:
        lines = []
        for event in did[:12]:
            rest = {k: v for k, v in event.items() if k not in ("time", "actor", "action", "mid", "stage")}
            words = ", ".join(f"{key} {value}" for key, value in rest.items())
            lines.append(f"{event['time']} {event['actor']}: {event['action']}{f' ({words})' if words else ''}")
        parts += ["**What was done in between.**", _block(lines)]
    cause = truth["declared"]["cause"]
    if cause is not None and cause["because"]:
        known = "can be known from here" if cause["knowable"] else "cannot be known from here"
        parts.append(f"**The real cause.** {_sentence(cause['because'])[:-1]}. It {known}.")
    return parts


def _block(lines: list[str]) -> str:
    return "\n".join(["```text", *lines, "```"])


def _table(expected: dict[str, Any]) -> str:
    if "deliveries" in expected:
        rows = ["| MID | DCID | client | log | ending | stage |", "|---|---|---|---|---|---|"]
        for told in expected["deliveries"]:
            ids = f"| {told['mid']} | {told['dcid']} | {told['client']} | {told['claim'].replace('_', ' ')}"
            rows.append(f"{ids} | {told['kind']} by {told['by']} | {told['stage']} |")
        return "\n".join(rows)
    rows = ["| MID | ICID | client | log | ending | stage | frame | verdict |", "|---|---|---|---|---|---|---|---|"]
    for case in sorted(expected["cases"] + expected["finished"], key=lambda case: (case["icid"], case["mid"] or 0)):
        claim, by = case["claim"].replace("_", " "), f" by {case['by']}" if case["by"] else ""
        rows.append(
            f"| {case['mid'] or '-'} | {case['icid']} | {case['client']} | {claim} | {case['kind']}{by}"
            f" | {case['stage']} | {case['frame'] or '-'} | {case['verdict']} |"
        )
    return "\n".join(rows)


def _listing(capture: Path) -> list[str]:
    """The capture as `tshark` lists it, with the TTL, cut to a page's width."""
    fields = ["frame.number", "frame.time_relative", "_ws.col.Source", "ip.ttl", "ipv6.hlim"]
    fields += ["_ws.col.Protocol", "_ws.col.Info"]
    words = ["tshark", "-n", "-r", str(capture), "-E", "occurrence=f", "-T", "fields"]
    words += [word for field in fields for word in ("-e", field)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    lines = []
    for line in done.stdout.splitlines():
        number, time, source, *hops, protocol, info = line.split("\t", 6)
        ttl = "".join(hops)
        lines.append(f"{number:>4} {float(time):10.6f}  {source:<13} ttl {ttl}  {protocol:<4} {info}"[:118].rstrip())
    return lines


def write_table(captures: Path) -> None:
    """The table of cases in captures/README.md, for the cases that have been run."""
    rows = ["| folder | what was done | log says | wire shows | verdict |", "|---|---|---|---|---|"]
    for case in CASES.values():
        expected = captures / case.name / "expected.json"
        if expected.exists():
            summary = json.loads(expected.read_text(encoding="utf-8"))["summary"]
            words = [f"{summary[word]} {word}" for word in ("confirmed", "contradicted", "undetermined")]
            verdict = ", ".join(word for word in words if not word.startswith("0 ")) or "nothing to judge"
            link = f"[{case.name}]({case.name}/about.md)"
            rows.append(f"| {link} | {case.done} | {case.log_says} | {case.wire_shows} | {verdict} |")
    page = captures / "README.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(TABLE_BEGINS)
    after = rest.partition(TABLE_ENDS)[2]
    page.write_text(before + TABLE_BEGINS + "\n".join(rows) + "\n" + TABLE_ENDS + after, encoding="utf-8")
