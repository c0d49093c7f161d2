"""Merge what the client, the listener and the middlebox wrote down into truth.json.

Each actor knows part: the client its port, its deeds and what it sent; the listener its ICIDs and MIDs; the middlebox
what it did to which connection. They meet on the client's address and port, and the Nth message of a connection is the
Nth for both ends.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases.plan import Case

Event = dict[str, Any]

LEFT_OUT = ("client", "server", "icid", "message", "mail_from", "rcpt_to", "message_id", "body_octets")
"""What an event in truth.json does not repeat: it describes the message or the connection."""

NO_INTERFERENCE = ("lost_on_path",)
"""Deeds of the box that are not a device's but the path's."""


class Disagreement(Exception):
    """Two witnesses of one run tell different stories: the run is worth nothing."""


def merge(case: Case, sender: list[Event], appliance: list[Event], middlebox: list[Event]) -> dict[str, Any]:
    """One truth from three files of events."""
    nat = dict(case.nat)
    for event in sender + middlebox:
        address, colon, port = (event.get("client") or "").rpartition(":")
        event["client"] = nat.get(address, address) + colon + port if colon else None
    ends = sorted(
        {event["client"] for event in sender + appliance}, key=lambda client: _first(sender + appliance, client)
    )
    unknown = {event["client"] for event in appliance} - {event["client"] for event in sender}
    if unknown and not case.mangled:
        raise Disagreement(f"the listener met {sorted(unknown)}, whom no client knows")
    connections = []
    for client in ends:
        theirs, ours, between = (_of(events, client) for events in (sender, appliance, middlebox))
        connections.append(_connection(case, client, theirs, ours, between))
    elsewhere = [_told(event) for event in middlebox if event["client"] not in ends]
    cause = None if case.cause is None else vars(case.cause)
    return {
        "case": case.name,
        "family": case.family,
        "leg": "delivery" if case.server == "delivery" else "injection",
        "trouble": case.trouble is not None,
        "unchecked": list(case.unchecked),
        "nat": [list(pair) for pair in case.nat],
        "declared": {"cause": cause, "expected": dict(case.expected)},
        "elsewhere": elsewhere,
        "connections": connections,
    }


def _first(events: list[Event], client: str) -> str:
    return min(event["time"] for event in events if event["client"] == client)


def _of(events: list[Event], client: str) -> list[Event]:
    return [event for event in events if event["client"] == client]


def _told(event: Event) -> Event:
    """An event as truth.json has it: the time first, then the rest."""
    return {key: value for key, value in event.items() if key not in LEFT_OUT}


def _connection(
    case: Case, client: str, sender: list[Event], appliance: list[Event], middlebox: list[Event]
) -> dict[str, Any]:
    messages = _messages(case, client, [] if case.server == "delivery" else sender, appliance)
    for event in sender + middlebox:
        event.setdefault("mid", None)
    for event in middlebox:
        event["stage"] = None
    events = sorted(sender + appliance + middlebox, key=lambda event: event["time"])
    claims = [e["claim"] for e in appliance if "claim" in e and e["mid"] is None and e["action"] in BY_ITSELF]
    claims += [e["claim"] for e in appliance if e["action"] in BY_ITSELF and e["mid"] is not None and "claim" in e]
    of_network = [e for e in sender if e["actor"] == "network"]
    done = sorted({(e["actor"], e["action"]) for e in middlebox + of_network if e["action"] not in NO_INTERFERENCE})
    return {
        "client": client,
        "server": (sender + appliance)[0]["server"],
        "icid": next((event["icid"] for event in appliance if "icid" in event), None),
        "claim": claims[0] if claims else None,
        "interference": [{"device": device, "kind": kind} for device, kind in done],
        "messages": messages,
        "events": [_told(event) for event in events],
    }


BY_ITSELF = ("timer", "limit", "killed", "refused")
"""How the appliance ends or refuses a connection by itself, which makes a claim about the connection."""


def _messages(case: Case, client: str, sender: list[Event], appliance: list[Event]) -> list[dict[str, Any]]:
    """The messages of a connection. `message_id` and `body_octets` are what the client sent, whole or not.

    A MAIL begins one; the client's events about it say which of the case's messages it is, the listener's bear its
    MID. `mid` is put into the client's events.
    """
    sent: list[dict[str, Any]] = []
    under_way: list[tuple[Event, int]] = []
    for event in sender:
        event["mid"] = None
        if event["action"] == "mail":
            sent.append({"rcpt_to": []})
        if event.get("message") is not None and sent:
            _describe(sent[-1], event)
            under_way.append((event, len(sent) - 1))
    met: dict[int, dict[str, Any]] = {}
    for event in appliance:
        if event["mid"] is not None:
            _describe(met.setdefault(event["mid"], {"rcpt_to": []}), event)
    envelopes = [[(m.get("mail_from"), m["rcpt_to"]) for m in side] for side in (sent, list(met.values()))]
    if envelopes[0] != envelopes[1] and not case.mangled and case.server != "delivery":
        raise Disagreement(f"{client}: envelopes differ: sent {envelopes[0]}, met {envelopes[1]}")
    mids = list(met)
    for event, number in under_way:
        event["mid"] = mids[number] if number < len(mids) else None
    return [
        {
            "mid": mid,
            "mail_from": ours.get("mail_from"),
            "rcpt_to": ours["rcpt_to"],
            "message_id": (sent[number] if number < len(sent) else {}).get("message_id"),
            "body_octets": (sent[number] if number < len(sent) else {}).get("body_octets", 0),
            "claim": ours.get("claim"),
        }
        for number, (mid, ours) in enumerate(met.items())
    ]


def _describe(message: dict[str, Any], event: Event) -> None:
    if "rcpt_to" in event:
        message["rcpt_to"].append(event["rcpt_to"])
    kept = ("mail_from", "message_id", "body_octets")
    message |= {key: event[key] for key in kept if key in event}
    if _is_refused_delivery(event):
        message["claim"] = event["claim"]
    if event["action"] in ("accepted", "aborted", "delivered", "connection_error", "tls_failed") and "claim" in event:
        message["claim"] = event["claim"]


def _is_refused_delivery(event: Event) -> bool:
    """Whether the event is a delivery given up or put off because the remote server refused it."""
    return event["action"] == "refused" and event.get("claim") in ("delayed", "bounced")


def dump(value: Any, path: Path) -> None:
    """JSON with one flat object a line, so that a diff of two runs can be read."""
    path.write_text(_text(value, "") + "\n", encoding="utf-8")


def _text(value: Any, indent: str) -> str:
    if _is_plain(value) or all(map(_is_plain, value.values() if isinstance(value, dict) else value)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        parts = [f"{indent}  {json.dumps(key)}: {_text(inner, indent + '  ')}" for key, inner in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    parts = [f"{indent}  {_text(inner, indent + '  ')}" for inner in value]
    return "[\n" + ",\n".join(parts) + f"\n{indent}]"


def _is_plain(value: Any) -> bool:
    """A scalar, or a list of scalars."""
    return not isinstance(value, (dict, list)) or (isinstance(value, list) and all(map(_is_scalar, value)))


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, (dict, list))
