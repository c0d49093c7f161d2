"""The appliance: an SMTP listener that speaks and logs like an ESA (injection.py has what one connection does).

It logs what it lived through and nothing else. A FIN and a reset are both `lost` to it, because that is all an ESA
says. What it wrote about which connection (the peer's port, which the log lacks) goes into its file of events.

    listener.py CASE FOLDER
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
from collections import Counter
from pathlib import Path

from cases import CASES
from cases.plan import Case
from certificate import certificate
from connection import Shared
from events import Recorder
from injection import HOSTNAME, Injection
from maillog import DebugLog, MailLog
from topology import APPLIANCE, APPLIANCE_6

DEAF_BUFFER = 8192
"""Octets of receive buffer of an appliance that shall stop reading: its window closes the sooner."""


class Appliance(Shared):
    """What all connections share: the logs, the events, the counters, the certificate."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.options = case.listener
        self.local = APPLIANCE_6 if case.ipv6 else APPLIANCE
        self.log = MailLog(folder / "mail.log")
        self.debug = DebugLog(folder / "injection_debug.log") if self.options.debug_log != "none" else None
        self.recorder = Recorder(folder / "appliance.jsonl")
        self.tls = certificate(folder, case.listener, HOSTNAME) if self.options.tls != "none" else None
        self.open: Counter[str] = Counter()
        self._next_icid, self._next_mid = case.first_icid, case.first_mid

    def icid(self) -> int:
        """The next injection connection's number."""
        self._next_icid += 1
        return self._next_icid - 1

    def mid(self) -> int:
        """The next message's number."""
        self._next_mid += 1
        return self._next_mid - 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its first line in the log to its last."""
        await Injection(self, reader, writer).run()


async def serve(case: Case, folder: Path) -> None:
    """Listen until SIGTERM."""
    appliance = Appliance(case, folder)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    family = socket.AF_INET6 if case.ipv6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if case.listener.deaf:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BUFFER)
    listening.bind((appliance.local, case.listener.port))
    limit = DEAF_BUFFER if case.listener.deaf else 2 * max(case.listener.size_limit, 1 << 20)
    server = await asyncio.start_server(appliance.serve, sock=listening, limit=limit, backlog=512)
    print("listening", flush=True)
    await ended.wait()
    server.close()


def main() -> None:
    """A listener for one case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    asyncio.run(serve(CASES[given.case], given.folder))


if __name__ == "__main__":
    main()
