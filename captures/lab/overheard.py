"""The appliance's own account of a delivery: a socket whose octets go into the domain debug log."""

from __future__ import annotations

import socket
from typing import BinaryIO, cast

from maillog import DomainDebugLog

WRITE = 4096
"""Octets handed to the kernel at once, and so in one line of the log at the most. A guess."""


class Overheard:
    """As much of a socket as smtplib needs. What is logged is what the kernel took or gave, to the octet.

    What the kernel took has not left the machine by that: a reset throws away what was still to be sent.
    """

    def __init__(self, sock: socket.socket, log: DomainDebugLog, dcid: int) -> None:
        self.sock, self._log, self._dcid = sock, log, dcid

    def sendall(self, octets: bytes) -> None:
        """Write all, a line of the log for each write."""
        while octets:
            taken = self.sock.send(octets[:WRITE])
            self._log.sent(self._dcid, octets[:taken])
            octets = octets[taken:]

    def makefile(self, mode: str) -> OverheardFile:
        """What replies are read from."""
        return OverheardFile(cast(BinaryIO, self.sock.makefile(mode)), self._log, self._dcid)

    def close(self) -> None:
        """Close."""
        self.sock.close()


class OverheardFile:
    """As much of a file as smtplib needs to read replies by lines."""

    def __init__(self, file: BinaryIO, log: DomainDebugLog, dcid: int) -> None:
        self._file, self._log, self._dcid = file, log, dcid

    def readline(self, limit: int) -> bytes:
        """A line of a reply; nothing where the remote server has closed."""
        line = self._file.readline(limit)
        if line:
            self._log.received(self._dcid, line)
        return line

    def close(self) -> None:
        """Close."""
        self._file.close()
