"""What the actors write down while it happens: one JSON object a line, flushed at once.

The client and the listener each write their own file. Neither ever reads the other's, the log or the capture:
that independence is what makes truth.json a truth.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import Any


def now() -> str:
    """The time as truth.json has it: RFC 3339, UTC, microseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def endpoint(address: tuple[str, int]) -> str:
    """An address as truth.json has it."""
    return f"{address[0]}:{address[1]}"


class Recorder:
    """An open file of events. Safe to share among threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()

    def write(self, **event: Any) -> None:
        """Write one event. `time` is now, unless the caller took the time itself, before the deed."""
        event = {"time": event.pop("time", None) or now(), **event}
        with self._lock:
            self._file.write(json.dumps(event) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """All events of a file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
