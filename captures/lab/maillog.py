"""The logs of the listener, in the line shapes of an ESA.

Local time in whole seconds without a zone, as `ctime()` prints it; the offset from UTC stands in the file's head only.
"""

from __future__ import annotations

import re
import threading
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
        self._lock = threading.Lock()
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
        with self._lock:  # lines in the order of their stamps, whoever writes them
            self._file.write(f"{time.asctime(time.gmtime(time.time() + UTC_OFFSET))} {level}: {text}\n")


class DebugLog(MailLog):
    """An injection debug log: every octet of every connection, one line for each read or write."""

    def sent(self, icid: int, peer: str, octets: bytes) -> None:
        """What the appliance said."""
        self.info(f"{icid} Sent to '{peer}': '{octal(octets)}'")

    def received(self, icid: int, peer: str, octets: bytes) -> None:
        """What it was told; credentials are masked."""
        self.info(f"{icid} Rcvd from '{peer}': '{octal(masked(octets))}'")


class DomainDebugLog(MailLog):
    """A domain debug log: every octet of every delivery, one line for each write, and for each line of a reply.

    A guide of the vendor's quotes `8 Sent: 'MAIL FROM:<..>'` and `8 Rcvd: '250 OK'`. Everything else is a guess: that
    octets are escaped as in an injection debug log, that the ends of lines are among them, and where lines are cut.
    `quoted` writes as the guide has it, without the ends of lines; that bodies are left out then is a guess, too.
    """

    def __init__(self, path: Path, quoted: bool) -> None:
        super().__init__(path)
        self._quoted = quoted

    def sent(self, dcid: int, octets: bytes) -> None:
        """What the appliance said."""
        self._said(dcid, "Sent", octets)

    def received(self, dcid: int, octets: bytes) -> None:
        """What it was told."""
        self._said(dcid, "Rcvd", octets)

    def _said(self, dcid: int, word: str, octets: bytes) -> None:
        if not self._quoted:
            self.info(f"{dcid} {word}: '{octal(octets)}'")
        elif octets.count(b"\r\n") == 1 and octets != b".\r\n":  # a command or a line of a reply, not a body
            self.info(f"{dcid} {word}: '{octal(octets.removesuffix(CRLF))}'")


CRLF = b"\r\n"


def octal(octets: bytes) -> str:
    """Printable ASCII as it is, anything else as `\\ooo`."""
    quoted = {0x27, 0x5C}
    return "".join(chr(o) if 32 <= o < 127 and o not in quoted else f"\\{o:03o}" for o in octets)


def masked(octets: bytes) -> bytes:
    """A line of AUTH without what it would give away, as long as it was."""
    return re.sub(
        rb"(?i)^(AUTH \S+ )(.+?)(\r\n)?$", lambda found: found[1] + starred(found[2]) + (found[3] or b""), octets
    )


def starred(octets: bytes) -> bytes:
    """So many asterisks; the line's end stays."""
    line = octets.removesuffix(b"\r\n")
    return b"*" * len(line) + octets[len(line) :]
