"""The logs of the listener, in the line shapes of an ESA.

Local time in whole seconds without a zone, as `ctime()` prints it; the offset from UTC stands in the file's head only.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

VERSION = "14.2.0-620"
SERIAL = "42190A0B0C0D0E0F1011-00005E005319"
UTC_OFFSET = 3600
"""Seconds; local = UTC + offset. Not zero, so that who forgets the offset is an hour wrong, and not right by luck."""


class MailLog:
    """A text log just begun."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="ascii", errors="backslashreplace", buffering=1)
        self.info("Begin Logfile")
        self.info(f"Version: {VERSION} SN: {SERIAL}")
        self.info(f"Time offset from UTC: {UTC_OFFSET} seconds")

    def info(self, text: str) -> None:
        """Write one line, stamped now."""
        self.line("Info", text)

    def warning(self, text: str) -> None:
        """Write one line of level Warning."""
        self.line("Warning", text)

    def line(self, level: str, text: str) -> None:
        """Write one line of a level."""
        self._file.write(f"{time.asctime(time.gmtime(time.time() + UTC_OFFSET))} {level}: {text}\n")


class DebugLog(MailLog):
    """An injection debug log: every octet of every connection, one line for each read or write."""

    def sent(self, icid: int, peer: str, octets: bytes) -> None:
        """What the appliance said."""
        self.info(f"{icid} Sent to '{peer}': '{octal(octets)}'")

    def received(self, icid: int, peer: str, octets: bytes) -> None:
        """What it was told; credentials are masked."""
        self.info(f"{icid} Rcvd from '{peer}': '{octal(masked(octets))}'")


def octal(octets: bytes) -> str:
    """Printable ASCII as it is, anything else as `\\ooo`."""
    quoted = {0x27, 0x5C}
    return "".join(chr(o) if 32 <= o < 127 and o not in quoted else f"\\{o:03o}" for o in octets)


def masked(octets: bytes) -> bytes:
    """A line of AUTH without what it would give away."""
    return re.sub(rb"(?i)^(AUTH \S+) .+?(\r\n)?$", rb"\1 *****\2", octets)
