"""The table claim x ending of the design, written down a second time: what a verdict ought to be."""

from __future__ import annotations

from typing import Any

CLOSED = ("fin", "rst", "silence")

OWN = ("limit", "policy", "killed")
"""Reasons for which the appliance closes on its own account."""


def verdict(claim: str, how: dict[str, Any], lost: bool) -> str:
    """confirmed, contradicted or undetermined. `how` may bear `race`, `by_rset` and `gap` beside kind and why."""
    kind, why = how["kind"], how["why"]
    race, gap = how.get("race", False), how.get("gap", False)
    if kind == "capture_ended":
        return "undetermined"
    if claim == "receiving_aborted":
        if (
            kind in ("fin", "rst")
            or (kind == "silence" and not lost)
            or (kind == "appliance_closed" and why == "timer")
        ):
            return "confirmed"
        if kind == "completed" or (kind == "quit" and not race):
            return "contradicted"
        if kind == "appliance_closed" and why in OWN and lost:
            return "contradicted"
    elif claim == "receiving_aborted_by_sender":
        if kind == "quit":
            return "undetermined" if race else "confirmed"
        if kind == "abandoned":
            return "confirmed"
        if kind == "completed":
            return "contradicted"
        if kind in (*CLOSED, "appliance_closed"):
            return "undetermined" if gap else "contradicted"
    elif claim in ("no_messages_injected", "connection_time_exceeded"):
        if kind == "silence" or (kind == "appliance_closed" and why == "timer"):
            return "confirmed"
        if kind in ("quit", "fin", "rst"):
            return "contradicted"
    elif claim == "receiving_failed":
        if kind == "refused" or (kind == "appliance_closed" and why == "limit"):
            return "confirmed"
        if kind in ("fin", "rst", "quit"):
            return "contradicted"
    elif claim == "killed":
        if kind == "appliance_closed" and why in ("killed", "unknown"):
            return "confirmed"
    elif claim == "accepted":
        if kind == "completed":
            return "confirmed"
        return "undetermined" if gap else "contradicted"
    return "undetermined"
