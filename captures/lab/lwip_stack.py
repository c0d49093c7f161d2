"""smtplib over another TCP stack: lwIP in user space (lwip_stack.c, with Debian's liblwip), for one connection.

The program has the packets of an address that the sender's kernel does not own, so that the kernel has no part in the
connection. smtplib talks to it through a pair of local sockets.
"""

from __future__ import annotations

import random
import socket
import subprocess
from pathlib import Path

from dialogue import Dialogue
from events import endpoint
from topology import APPLIANCE, LINKS, Topology, pool
from watched import Connection, Unexpected

ADDRESS = pool(2)[1]
"""The stack's own address: the far router knows it as one of the sender's host."""

SOURCE = Path(__file__).with_suffix(".c")


def give_up_address(net: Topology) -> None:
    """For `Case.prepare`, with two senders: take the stack's address from the kernel."""
    net.run("sender", "ip", "address", "delete", f"{ADDRESS}/24", "dev", "eth0")


class Stack:
    """The program, and what it can be told to do."""

    def __init__(self, work: Path, port: int, peer: str, peer_port: int) -> None:
        program = work / "lwip_stack"
        words = ["cc", "-std=gnu11", "-O1", "-Wall", "-I/usr/include/lwip", str(SOURCE), "-o", str(program)]
        subprocess.run([*words, "-llwip", "-lpthread"], check=True, timeout=60)
        ours, router = LINKS[0]
        head = bytes.fromhex((router.mac + ours.mac).replace(":", "")) + b"\x08\x00"
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
        packets.bind((ours.device, 0x0800))
        self.stream, stream = socket.socketpair()
        self.control, control = socket.socketpair()
        handed = [end.fileno() for end in (packets, stream, control)]
        words = [str(program), *map(str, handed), ADDRESS, str(port), peer, str(peer_port), head.hex()]
        self.program = subprocess.Popen(words, pass_fds=handed)
        for end in (packets, stream, control):
            end.close()
        self.control.settimeout(10)
        if self.control.recv(1) != b"o":
            raise Unexpected("lwIP did not open the connection")

    def order(self, letter: bytes) -> None:
        """Have one of the program's orders done."""
        self.control.sendall(letter)
        if self.control.recv(1) != letter:
            raise Unexpected(f"lwIP did not do {letter!r}")

    def stop(self) -> None:
        """End the program, which sends nothing more by that."""
        self.program.kill()
        self.program.wait()


class LwipConnection(Connection):
    """smtplib, with the program in place of the kernel."""

    stack: Stack

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        own = random.randint(49152, 65535)
        self.stack = Stack(self._dialogue.work, own, host, port)
        self.stack.stream.settimeout(timeout)
        self._dialogue.plain = self.stack.stream
        self._dialogue.names = {"client": endpoint((ADDRESS, own)), "server": endpoint((host, port))}
        self._dialogue.stage = "connect"
        self._dialogue.record("connect", stack="lwIP")
        return self.stack.stream


def connect(dialogue: Dialogue) -> Stack:
    """What `Dialogue.connect` does, over lwIP."""
    smtp = LwipConnection(dialogue, implicit=False)
    dialogue.smtp = smtp
    dialogue.must(smtp.connect(APPLIANCE, dialogue.case.listener.port), 220)
    dialogue.stage = "greeting"
    return smtp.stack
