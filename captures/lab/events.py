"""What the actors write down while it happens: one JSON object a line, flushed at once.

The client, the listener and the middlebox each write their own file. None ever reads the others', the log or the
capture: that independence is what makes truth.json a truth.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def now() -> str:
    """The time as truth.json has it: RFC 3339, UTC, microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def endpoint(address: tuple[Any, ...]) -> str:
    """An address as truth.json has it."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Recorder:
    """An open file of events. Safe to share among threads and forked processes: a line is one write."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        self._lock = threading.Lock()

    def write(self, **event: Any) -> None:
        """Write one event. `time` is now, unless the caller took the time itself, before the deed."""
        event = {"time": event.pop("time", None) or now(), **event}
        with self._lock:
            os.write(self._file, (json.dumps(event) + "\n").encode())


def read(path: Path) -> list[dict[str, Any]]:
    """All events of a file; none when nobody wrote one."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
