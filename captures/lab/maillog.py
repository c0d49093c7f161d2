"""The mail log of the listener, in the line shapes of an ESA.

Local time in whole seconds without a zone, as `ctime()` prints it; the offset from UTC stands in the file's head only.
"""

from __future__ import annotations

import time
from pathlib import Path

VERSION = "14.2.0-620"
SERIAL = "42190A0B0C0D0E0F1011-00005E005319"
UTC_OFFSET = 3600
"""Seconds; local = UTC + offset. Not zero, so that who forgets the offset is an hour wrong, and not right by luck."""


class MailLog:
    """A mail log just begun."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", errors="backslashreplace", buffering=1)
        self.info("Begin Logfile")
        self.info(f"Version: {VERSION} SN: {SERIAL}")
        self.info(f"Time offset from UTC: {UTC_OFFSET} seconds")

    def info(self, text: str) -> None:
        """Write one line, stamped now."""
        self._file.write(f"{time.asctime(time.gmtime(time.time() + UTC_OFFSET))} Info: {text}\n")
