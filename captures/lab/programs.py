"""Other mail clients (swaks, msmtp) in the sender's place, and what their transcripts tell of what they did."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from pathlib import Path

from dialogue import Dialogue
from topology import APPLIANCE, SENDER
from watched import Unexpected

_known: set[str] = set()
"""Ports that earlier programs used."""


def run_program(dialogue: Dialogue, *words: str, stdin: bytes = b"") -> int:
    """Run another mail client (swaks, msmtp) in the sender's place, and write down what its transcript shows.

    The lines of its dialogue must be recognisable as those of swaks or `msmtp --debug`. The program's port is
    found in the kernel's table of connections. Returns its exit code; what it printed goes to the work folder.
    """
    child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert child.stdin is not None and child.stdout is not None
    with contextlib.suppress(BrokenPipeError):  # small enough for the pipe, and some read it before they connect
        child.stdin.write(stdin)
        child.stdin.close()
    dialogue.names = _port_of(dialogue, child)
    dialogue.stage, dialogue.message = "connect", None
    dialogue.record("connect", program=words[0])
    asked, transcript = "", b""
    for raw in child.stdout:
        transcript += raw
        asked = _overheard(dialogue, raw.decode("ascii", "replace").rstrip(), asked)
    (dialogue.work / f"{words[0]}.txt").write_bytes(transcript)
    return child.wait()


def _overheard(dialogue: Dialogue, line: str, asked: str) -> str:
    """One line of a transcript: remember what was asked, note what was answered."""
    said = re.match(r"\s*(?:->|~>|-->)\s+(.*)", line)
    if said:
        if said[1].upper().startswith("QUIT"):
            dialogue.record("quit", message=dialogue.open_message())
        elif said[1] == ".":
            dialogue.stage = "end_of_data"
            about = {"message_id": dialogue.session.messages[dialogue.message or 0].message_id}
            dialogue.record("end_of_data", message=dialogue.message, **about)
        return said[1] if said[1].split(" ")[0].upper() in ("EHLO", "MAIL", "RCPT", "DATA", ".") else asked
    heard = re.match(r"\s*(?:<-|<~|<--)\s+(\d\d\d) ", line)
    if not heard:
        return asked
    verb, code = asked.split(" ")[0].upper(), heard[1]
    address = asked.partition("<")[2].partition(">")[0]
    if verb == "EHLO" and code == "250":
        dialogue.stage = "helo"
    elif verb == "MAIL" and code == "250":
        dialogue.message, dialogue.stage = (0 if dialogue.message is None else dialogue.message + 1), "mail"
        dialogue.record("mail", message=dialogue.message, mail_from=address)
    elif verb == "RCPT" and code == "250":
        dialogue.stage = "rcpt"
        dialogue.record("rcpt", message=dialogue.message, rcpt_to=address)
    elif verb == "DATA" and code == "354":
        dialogue.stage = "data"
    elif verb == "." and code == "250":
        dialogue.stage = "between"
    return "" if code != "354" else asked


def _port_of(dialogue: Dialogue, child: subprocess.Popen[bytes]) -> dict[str, str]:
    """The connection that a program has just opened."""
    here, port = dialogue.session.source or SENDER, dialogue.case.listener.port
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and child.poll() is None:
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            local, remote = (word.split(":") for word in line.split()[1:3])
            if int(remote[1], 16) == port and line.split()[3] == "01" and local[1] not in _known:
                _known.add(local[1])
                return {"client": f"{here}:{int(local[1], 16)}", "server": f"{APPLIANCE}:{port}"}
        time.sleep(0.002)
    raise Unexpected("the program opened no connection")
