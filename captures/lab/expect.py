#!/usr/bin/env python3
"""Derive expected.json of a case from truth.json: what mailwitness ought to say, by the rules and not by mailwitness.

    captures/lab/expect.py captures/CASE...

Standard library only. The rules are written down a second time here, from the design, so that a mistake in one of the
two places shows. Only the frame numbers come from the captures, by a reader of our own (pcap.py). What the rules
cannot derive, the case declares; truth.json says what was declared.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

from causes import cause
from truth import dump
from verdicts import verdict
from wire import Flow, flows

SILENCE = 60.0
"""Seconds of quiet that count as a stall, as `--silence` has it by default."""

ONE_EVENT = 5.0
"""A message given up so close to the end of its connection was given up by it: no claim of its own."""

ON_THE_WAY = ("middlebox", "network")
"""The actors that are neither end."""

Event = dict[str, Any]


def ending(connection: dict[str, Any], mid: int | None) -> dict[str, Any]:
    """How one message (or with None the connection) ended, from the events that concern it, as the appliance saw it."""
    events = [event for event in seen(connection["events"]) if event["mid"] in (mid, None)]
    how = _ending_in_clear(connection, mid, events)
    began_tls = [event["time"] for event in events if event["action"] == "tls"]
    if began_tls and how["kind"] != "completed":
        # Commands cannot be read; a body can be told from them, but not whether its end was in it.
        # Nor can a QUIT that came with its FIN, which nothing answers.
        how["hidden"] = how.get("race", False)
        if how["stage"] in UNREADABLE:
            how["stage"] = "tls"
        elif how["stage"] == "body":
            how["turn"] = None
    return how


UNREADABLE = ("helo", "auth", "mail", "rcpt", "data")
"""Stages that under TLS look all alike."""


def _ending_in_clear(connection: dict[str, Any], mid: int | None, events: list[Event]) -> dict[str, Any]:
    of_it = [event for event in events if event["mid"] == mid and event["actor"] == "appliance"]
    base: dict[str, Any] = {"kind": None, "by": None, "why": None, "stage": None, "turn": None}
    if mid is None:
        refused = [e for e in connection["events"] if e["action"] == "refused" and "claim" in e]
        if refused:
            how = {"kind": "refused", "by": "appliance", "stage": refused[0]["what"], "code": refused[0]["code"]}
            return base | how | {"deed": refused[0]}
    else:
        accepted = next((event for event in of_it if event["action"] == "accepted"), None)
        if accepted is not None:
            how = {"kind": "completed", "by": "appliance", "stage": "end_of_data"}
            return base | how | {"reply": accepted.get("reply")}
        final = [e for e in of_it if e["action"] == "refused" and e["what"] != "rcpt"]
        rcpts = [e for e in of_it if e["action"] == "rcpt"]
        refused = [e for e in of_it if e["action"] == "refused" and e["what"] == "rcpt"]
        if final:
            stage = "body" if final[-1]["what"] == "header lines" else final[-1]["what"]
            how = {"kind": "refused", "by": "appliance", "stage": stage, "code": final[-1]["code"]}
            return base | how | {"deed": final[-1]}
        if refused and not rcpts:
            return base | {"kind": "refused", "by": "appliance", "stage": "rcpt", "deed": refused[-1]}
        if any(event["action"] == "rset" for event in of_it):
            noticed = next(event for event in of_it if event["action"] == "rset")
            deed = noticed | {"actor": "sender"}
            return base | {"kind": "abandoned", "by": "sender", "stage": noticed["stage"], "deed": deed}
        began = min(event["time"] for event in of_it)
        events = [event for event in events if event["time"] > began]
    return base | _of_connection(events, connection, mid)


def seen(events: list[Event]) -> list[Event]:
    """The events as they could be seen at the appliance: not what the sender did behind a box that drops it all."""
    dropping = [e["time"] for e in events if "to_appliance" in e.get("ways", ())]
    return [e for e in events if e["actor"] != "sender" or not dropping or e["time"] < min(dropping)]


def _of_connection(events: list[Event], connection: dict[str, Any], mid: int | None) -> dict[str, Any]:
    """The first thing that ended it."""
    for number, event in enumerate(events):
        actor, action = event["actor"], event["action"]
        later = events[number + 1 :]
        if actor == "sender" and action in ("quit", "fin", "half_close", "rst"):
            own = [e for e in later if e["actor"] == "sender"]
            # QUIT, and the end of TCP before its answer can have come.
            race = action == "quit" and bool(own) and own[0].get("way") == "at once"
            return _by_sender(event, connection, mid) | ({"race": True} if race else {})
        if actor == "sender" and action == "silence":
            return _silence(event, later, _noticed(connection, mid, event))
        if actor in ON_THE_WAY and _resets(event, later):
            stage = _noticed(connection, mid, event)
            return {"kind": "rst", "by": "sender", "stage": stage, "turn": _turn(stage), "deed": event}
        if actor in ON_THE_WAY and action == "proxy_closed":
            stage = _noticed(connection, mid, event)
            return {"kind": "fin", "by": "sender", "stage": stage, "turn": _turn(stage), "deed": event}
        if actor in ON_THE_WAY and "ways" in event:  # the sender's words are lost from now on, or the answers it needs
            return _silence(event, later, _noticed(connection, mid, event))
        if actor == "appliance" and action in ("deaf", "forgot"):
            how = {"kind": "appliance_stalled", "by": "appliance", "stage": event["stage"], "turn": "appliance"}
            return {**how, "deed": event}
        if actor == "appliance" and action in ("timer", "limit", "killed", "died"):
            why = {"timer": "timer", "limit": "limit", "killed": "killed", "died": "unknown"}[action]
            stage = event["stage"]
            how = {"kind": "appliance_closed", "by": "appliance", "why": why, "stage": stage}
            return {**how, "turn": _turn(stage) if action == "timer" else None, "deed": event}
    raise ValueError(f"MID {mid}: nothing tells how it ended")


def _resets(event: Event, later: list[Event]) -> bool:
    """Whether this deed brings the appliance a reset in the sender's name, which takes effect.

    Forged, or a router's answer to what the appliance sends. A reset of the sender alone does so, too, unless the way
    is closed then: the sender's kernel answers whatever of the appliance's still arrives.
    """
    if event["action"] == "rejected":
        return event["by"] == "reset" and event["ways"] == ["to_sender"]  # else the appliance has nothing to send
    if event["action"] != "forged_rst" or not event["exact"]:
        return False
    return event["to"] == "appliance" or not any("to_appliance" in e.get("ways", ()) for e in later)


def _by_sender(event: Event, connection: dict[str, Any], mid: int | None) -> dict[str, Any]:
    action = "fin" if event["action"] == "half_close" else event["action"]
    stage = _noticed(connection, mid, event)
    turn = "appliance" if event.get("way") == "gave up waiting" else _turn(event["stage"])
    return {"kind": action, "by": "sender", "stage": stage, "turn": turn, "deed": event}


def _silence(event: Event, later: list[Event], stage: str) -> dict[str, Any]:
    end = next((e for e in later if e["actor"] == "appliance" and e["action"] in ("timer", "lost")), None)
    if end is None or _seconds(event, end) < SILENCE:
        raise ValueError(f"too short for a silence: {event}, {end}")
    return {"kind": "silence", "by": "sender", "stage": stage, "turn": "sender", "deed": event}


def _noticed(connection: dict[str, Any], mid: int | None, event: Event) -> str:
    """The stage in which the appliance was when it noticed."""
    ends = ("aborted", "lost", "timer")
    noticed = [e for e in connection["events"] if e["actor"] == "appliance" and e["action"] in ends]
    of_it = [e for e in noticed if e["mid"] == mid] or noticed
    return of_it[0]["stage"] if of_it else event["stage"]


def _turn(stage: str) -> str:
    return "appliance" if stage in ("connect", "end_of_data") else "sender"


def _seconds(first: Event, second: Event) -> float:
    times = [datetime.fromisoformat(event["time"]) for event in (first, second)]
    return (times[1] - times[0]).total_seconds()


def frame(flow: Flow | None, mid: int | None, how: dict[str, Any]) -> int | None:
    """The frame of the ending in one capture; None where it has none, or where it cannot be read without keys."""
    if flow is None:
        return None
    return {
        # A goodbye inside TLS is the last that its sender said; the FIN behind it only answers the other's.
        "fin": flow.last_words if how.get("deed", {}).get("way") == "close_notify first" else flow.fin,
        "rst": flow.reset,
        "quit": lambda: flow.said(b"QUIT\r\n"),
        "completed": lambda: flow.answered((how.get("reply") or f"Message {mid} accepted").encode()),
        "appliance_closed": flow.closed,
        "refused": lambda: flow.answered(f"{how['code']} ".encode()) if "code" in how else None,
    }.get(how["kind"], lambda: None)()


def expect(folder: Path) -> dict[str, Any]:
    """The whole expected.json of a case."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    toml = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    captures = [(name, flows(folder / name)) for name in toml["captures"]]
    log = "\n".join((folder / name).read_text(encoding="utf-8", errors="replace") for name in toml["logs"])
    declared, cases, finished = truth["declared"], [], []
    if truth["leg"] == "delivery":
        return _deliveries(truth, captures)
    outside = {inside: own for own, inside in truth["nat"]}
    for connection in truth["connections"]:
        client = _as_captured(connection["client"], outside, captures)
        for mid, claim in _claims(connection):
            if not _mentions(log, "MID", mid) or (mid is None and not _mentions(log, "ICID", connection["icid"])):
                continue
            aborted = claim not in ("accepted", "unfinished")
            how = _ending(connection, mid, declared["expected"] if aborted else {})
            if aborted:
                how |= declared["expected"]
            frames = [(name, frame(known.get(client), mid, how)) for name, known in captures]
            capture, number = next((found for found in frames if found[1] is not None), (None, None))
            # An accepted message in clear has its Message-ID on both sides.
            told_by_id = claim == "accepted" and _envelopes(connection) is not None
            twin = not told_by_id and _has_twin(connection, truth["connections"])
            case = {
                "mid": mid,
                "icid": connection["icid"],
                "claim": claim,
                "verdict": verdict(claim, how, lost(connection)),
                **{key: how[key] for key in ("kind", "by", "why", "stage", "turn")},
                "client": client,
                "server": connection["server"],
                "capture": capture,
                "frame": number,
                "match": "matched or ambiguous" if twin else "matched",
                **cause(connection, mid, how, declared["cause"] if aborted else None),
            }
            case |= declared["expected"] if aborted else {}
            (cases if aborted else finished).append(case)
    key = lambda case: (case["mid"] is None, case["mid"] or 0, case["icid"])  # noqa: E731
    cases.sort(key=key)
    finished.sort(key=key)
    summary: dict[str, int] = {"aborted": len(cases)}
    for word in ("confirmed", "contradicted", "undetermined"):
        summary[word] = sum(case["verdict"] == word for case in cases)
    icids = [connection["icid"] for connection in truth["connections"] if connection["icid"] is not None]
    summary["connections"] = sum(_mentions(log, "ICID", icid) for icid in icids)
    return {"summary": summary, "cases": cases, "finished": finished}


def _has_twin(connection: dict[str, Any], all_of_them: list[dict[str, Any]]) -> bool:
    """Whether a connection of the same address overlaps it whose envelopes on the wire are the same.

    Then only times tell the two apart, and the log's stamps are whole seconds that lag by a few more under load: which
    of them is which need not be knowable. To say so is right, and so is to name the right one; to name another never is.
    """
    return any(
        other is not connection
        and _address(other) == _address(connection)
        and _envelopes(other) == _envelopes(connection)
        and _overlap(other, connection)
        for other in all_of_them
    )


def _address(connection: dict[str, Any]) -> str:
    return connection["client"].rpartition(":")[0]


def _envelopes(connection: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]] | None:
    """What the wire shows of them: nothing under TLS."""
    if any(event["action"] == "tls" for event in connection["events"]):
        return None
    return [(message["mail_from"], tuple(message["rcpt_to"])) for message in connection["messages"]]


def _overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    lives = [sorted(event["time"] for event in each["events"]) for each in (one, other)]
    return max(life[0] for life in lives) <= min(life[-1] for life in lives)


def _mentions(log: str, what: str, number: int | None) -> bool:
    """Whether a log, perhaps an excerpt, speaks of a message or a connection: what it leaves out is no claim."""
    return number is None or re.search(rf"\b{what}:? {number}\b", log) is not None


def _as_captured(client: str, outside: dict[str, str], captures: list[tuple[str, dict[str, Flow]]]) -> str:
    """The sender's end as the captures have it: one from beyond a router that translates has the address before it."""
    address, _, port = client.rpartition(":")
    own = f"{outside.get(address, address)}:{port}"
    return own if any(own in known for _, known in captures) else client


def _ending(connection: dict[str, Any], mid: int | None, declared: dict[str, Any]) -> dict[str, Any]:
    """By the rules; where they have none, what the case declares must say all."""
    try:
        return ending(connection, mid)
    except ValueError:
        if "kind" not in declared:
            raise
        return dict.fromkeys(("kind", "by", "why", "stage", "turn"))


def _deliveries(truth: dict[str, Any], captures: list[tuple[str, dict[str, Flow]]]) -> dict[str, Any]:
    """Deliveries are claims of another kind: a list of their own, in the words of the log and of the remote end."""
    told = []
    for connection in truth["connections"]:
        deeds = {"fin": "fin", "rst": "rst", "silence": "silence", "forged_rst": "rst", "drop_from_here": "silence"}
        deed = next((e for e in connection["events"] if e["action"] in deeds), None)
        for message in connection["messages"]:
            told_by = ("delivered", "refused", "connection_error", "tls_failed")
            end = next(e for e in connection["events"] if e["action"] in told_by and e["mid"] == message["mid"])
            kind = {"delivered": "completed", "refused": "refused"}.get(end["action"])
            if kind is None:
                kind = deeds[deed["action"]] if deed else None
            how = {"kind": kind, "by": "remote", "stage": end["stage"]}
            names = {key: connection[key] for key in ("client", "server")}
            told.append({"mid": message["mid"], "dcid": connection["icid"], "claim": message["claim"], **how, **names})
            its_deed = {"completed": None, "refused": end}.get(kind, deed)
            declared = truth["declared"]["cause"]
            # A case that declares no kind says only by what it can be known: the deed tells the rest.
            by_deed = declared if declared and declared["kind"] else None
            told[-1] |= cause(connection, message["mid"], {"kind": kind, "deed": its_deed}, by_deed)
            told[-1] |= truth["declared"]["expected"]
    summary = {"aborted": 0, "confirmed": 0, "contradicted": 0, "undetermined": 0, "connections": 0}
    return {"summary": summary, "cases": [], "finished": [], "deliveries": told}


def _claims(connection: dict[str, Any]) -> list[tuple[int | None, str]]:
    """What the log claims of a connection: of each message, and of the connection where no message tells it."""
    claims = [(m["mid"], m["claim"] or "unfinished") for m in connection["messages"]]
    if connection["claim"] is None:
        return claims
    by_itself = ("timer", "limit", "killed", "refused")
    end = next(e for e in connection["events"] if e["action"] in by_itself and "claim" in e)
    aborted = [e for e in connection["events"] if e["action"] == "aborted" and e["mid"] is not None]
    if not any(abs(_seconds(event, end)) <= ONE_EVENT for event in aborted):
        claims.append((None, connection["claim"]))
    return claims


def lost(connection: dict[str, Any]) -> bool:
    """Whether the log says `lost` of this connection."""
    return any(event["action"] == "lost" for event in connection["events"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    for name in sys.argv[1:]:
        dump(expect(Path(name)), Path(name) / "expected.json")
