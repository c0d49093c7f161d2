"""A connection of the second TCP stack (othertcp/, on smoltcp), as much of a socket as smtplib uses.

It has an address of its own in the sender's network, which the kernel does not know: the kernel stays out of it.
"""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

from topology import APPLIANCE, LINKS, Network, command

ADDRESS = "192.0.2.77"

PROGRAM = Path(__file__).resolve().parents[2] / "target" / "othertcp" / "release" / "othertcp"
"""Where `install` builds it."""

FIRST_PORT, LAST_PORT = 49152, 65535


def prepare(net: Network) -> None:
    """Tell the far router where the second stack's address is: `Case.prepare` of its cases."""
    mac = LINKS[0][0].mac
    words = ["neigh", "add", ADDRESS, "lladdr", mac, "dev", LINKS[0][1].device, "nud", "permanent"]
    command("ip", "-n", net.namespace("far"), *words)


class OtherSocket(io.RawIOBase):
    """One connection."""

    def __init__(self, port: int = 25) -> None:
        super().__init__()
        self.local = FIRST_PORT + int.from_bytes(os.urandom(2), "big") % (LAST_PORT - FIRST_PORT)
        here, gateway = LINKS[0]
        words = [str(PROGRAM), here.device, here.mac, f"{ADDRESS}/24", gateway.address.split("/")[0]]
        words += [f"{APPLIANCE}:{port}", str(self.local)]
        self._program = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.names = {"client": f"{ADDRESS}:{self.local}", "server": f"{APPLIANCE}:{port}"}
        self._answer("open")

    def _answer(self, *due: str) -> str:
        assert self._program.stdout is not None
        line = self._program.stdout.readline().strip()
        if line.split(" ")[0] not in due:
            raise ConnectionResetError(f"the second stack says {line!r}")
        return line

    def _order(self, line: str) -> None:
        assert self._program.stdin is not None
        self._program.stdin.write(f"{line}\n")
        self._program.stdin.flush()

    def sendall(self, data: bytes) -> None:
        """Send, and wait until all is acknowledged."""
        self._order(f"send {data.hex()}")
        self._answer("ok")

    def recv(self, size: int) -> bytes:
        """What has come; empty at the end. smtplib reads whole lines, so more than `size` never is asked back."""
        self._order("receive")
        return bytes.fromhex(self._answer("data", "end").partition(" ")[2])

    def readable(self) -> bool:
        """For makefile."""
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def,override]
        """For makefile."""
        data = self.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What smtplib reads lines from; its buffer is as large as what the stack hands over at once."""
        return io.BufferedReader(self, 65_536)

    def finish(self, how: str) -> None:
        """`close` or `abort`."""
        self._order(how)
        self._answer("ok")

    def close(self) -> None:
        """Let the program go."""
        super().close()
        if self._program.poll() is None:
            assert self._program.stdin is not None
            self._program.stdin.close()
            self._program.wait(10)
