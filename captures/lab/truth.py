"""Merge what the client and the listener wrote down into truth.json.

Each actor knows half: the client its port, its deeds and what it sent; the listener its ICIDs and MIDs. They meet on
the client's address and port, and the Nth message of a connection is the Nth for both.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Event = dict[str, Any]

KEPT = ("time", "actor", "action", "stage", "mid")
"""What an event in truth.json holds; the rest of it describes the message or the connection."""


class Disagreement(Exception):
    """Two witnesses of one run tell different stories: the run is worth nothing."""


def merge(case: str, sender: list[Event], appliance: list[Event]) -> dict[str, Any]:
    """One truth from two files of events."""
    clients = sorted({event["client"] for event in sender}, key=lambda client: _first(sender, client))
    unknown = {event["client"] for event in appliance} - set(clients)
    if unknown:
        raise Disagreement(f"the listener met {sorted(unknown)}, whom no client knows")
    connections = []
    for client in clients:
        theirs = [event for event in sender if event["client"] == client]
        ours = [event for event in appliance if event["client"] == client]
        connections.append(_connection(client, theirs, ours))
    return {"case": case, "connections": connections}


def _first(events: list[Event], client: str) -> str:
    return min(event["time"] for event in events if event["client"] == client)


def _connection(client: str, sender: list[Event], appliance: list[Event]) -> dict[str, Any]:
    messages = _messages(client, sender, appliance)
    for event in sender:
        number = event["message"]
        event["mid"] = None if number is None else messages[number]["mid"]
    events = sorted((event for event in sender + appliance), key=lambda event: event["time"])
    return {
        "client": client,
        "server": sender[0]["server"],
        "icid": appliance[0]["icid"] if appliance else None,
        "messages": messages,
        "events": [{key: event[key] for key in KEPT} for event in events],
    }


def _messages(client: str, sender: list[Event], appliance: list[Event]) -> list[dict[str, Any]]:
    """The messages of a connection. `message_id` and `body_octets` are what the client sent, whole or not."""
    sent: dict[int, dict[str, Any]] = {}
    for event in sender:
        if event["message"] is not None:
            _describe(sent.setdefault(event["message"], {"rcpt_to": []}), event)
    met: dict[int, dict[str, Any]] = {}
    for event in appliance:
        if event["mid"] is not None:
            _describe(met.setdefault(event["mid"], {"rcpt_to": []}), event)
    envelopes = [[(m.get("mail_from"), m["rcpt_to"]) for m in side.values()] for side in (sent, met)]
    if envelopes[0] != envelopes[1]:
        raise Disagreement(f"{client}: envelopes differ: sent {envelopes[0]}, met {envelopes[1]}")
    return [
        {
            "mid": mid,
            "mail_from": theirs["mail_from"],
            "rcpt_to": theirs["rcpt_to"],
            "message_id": theirs.get("message_id"),
            "body_octets": theirs.get("body_octets", 0),
            "claim": ours.get("claim"),
        }
        for theirs, (mid, ours) in zip(sent.values(), met.items(), strict=True)
    ]


def _describe(message: dict[str, Any], event: Event) -> None:
    if "rcpt_to" in event:
        message["rcpt_to"].append(event["rcpt_to"])
    message |= {key: event[key] for key in ("mail_from", "message_id", "body_octets", "claim") if key in event}


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
