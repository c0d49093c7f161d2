"""The real cause of an ending, and whether it can be known at the appliance, by rules from what the actors wrote down.

Nothing here has seen mailwitness' signs. The list of causes is the one that its documents promise; a case whose cause
follows from no deed (a box in the middle that does as a sender would) declares it, see `plan.Cause`.
"""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]

LIMITS = ("421", "452", "552")
"""Replies that tell a limit of the appliance: too many connections or recipients, too large (RFC 5321 section 4.2.3)."""

UNSEEN = {
    "sender_quit": ["sender_closed", "sender_quit"],
    "middlebox_reset": ["sender_reset", "sender_closed"],
    "middlebox_limit": ["path_lost_data"],
}
"""What an onlooker at the appliance may call likely, though never name, where the real cause (the key) cannot be
known: a QUIT inside TLS whose FIN came with it looks like a FIN alone, a reset imitated in every field like a real one,
what a device dropped like what a line lost.
"""


def cause(connection: dict[str, Any], mid: int | None, how: dict[str, Any], declared: Event | None) -> dict[str, Any]:
    """`cause` (None where nothing went wrong), `cause_knowable`, and `cause_visible`: see `UNSEEN`."""
    if declared is not None:
        kind, knowable = declared["kind"], declared["knowable"]
    else:
        kind, knowable = _kind(connection, mid, how), True
    if how["kind"] == "completed":
        kind, knowable = None, True
    elif how.get("match", "matched") != "matched" or how["kind"] == "capture_ended" or how.get("hidden"):
        knowable = False
    return {"cause": kind, "cause_knowable": knowable, "cause_visible": [] if knowable else UNSEEN.get(kind or "", [])}


def _kind(connection: dict[str, Any], mid: int | None, how: dict[str, Any]) -> str | None:
    deed = how.get("deed")
    if deed is None:
        return None
    actor, action = deed["actor"], deed["action"]
    if action == "refused" and deed.get("claim") in ("bounced", "delayed"):  # a delivery: the far end refused
        return "recipients_refused" if deed["what"] == "mail" else "remote_refused"
    if actor == "appliance":
        return _of_the_appliance(deed)
    if actor in ("middlebox", "network"):
        return "middlebox_reset" if action in ("forged_rst", "rejected", "proxy_closed") else "path_lost_data"
    if deed.get("way") == "gave up waiting":
        return "sender_gave_up_waiting"
    if action in ("quit", "fin", "half_close", "rset") and mid is not None:
        if _all_refused(connection, mid):
            return "recipients_refused"
        if _is_probe(connection, mid):
            return "verification_probe"
    return {
        "quit": "sender_quit",
        "fin": "sender_closed",
        "half_close": "sender_closed",
        "rst": "sender_reset",
        "rset": "sender_abandoned",
        "silence": "sender_stalled",
    }[action]


def _of_the_appliance(deed: Event) -> str:
    if deed["action"] == "refused":
        if deed["what"] == "rcpt":
            return "recipients_refused"
        return "appliance_limit" if str(deed["code"]) in LIMITS else "appliance_refused"
    return {
        "deaf": "appliance_stalled",
        "forgot": "appliance_stalled",
        "timer": "appliance_timer",
        "limit": "appliance_limit",
        "killed": "appliance_closed",
        "died": "appliance_closed",
    }[deed["action"]]


def _of_it(connection: dict[str, Any], mid: int) -> list[Event]:
    return [event for event in connection["events"] if event["mid"] == mid]


def _all_refused(connection: dict[str, Any], mid: int) -> bool:
    ours = [event for event in _of_it(connection, mid) if event["actor"] == "appliance"]
    refused = any(event["action"] == "refused" and event["what"] == "rcpt" for event in ours)
    return refused and not any(event["action"] == "rcpt" for event in ours)


def _is_probe(connection: dict[str, Any], mid: int) -> bool:
    """A call-back: no sender, a recipient, and never a DATA."""
    message = next(message for message in connection["messages"] if message["mid"] == mid)
    stages = {event["stage"] for event in _of_it(connection, mid) if event["actor"] == "appliance"}
    return message["mail_from"] == "" and bool(message["rcpt_to"]) and not stages & {"body", "end_of_data"}
