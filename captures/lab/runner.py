"""Run one case from an empty network to a checked folder. `captures/lab/run` calls this, once for each case.

A case is made in a directory of its own and moved to its place only when the checks have passed: what stands in
captures/ has never been half made.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import about
import events
import truth
from cases import CASES
from cases.plan import Case
from check import Check
from expect import expect
from topology import Topology

BEFORE, AFTER = 1.0, 1.5
"""Seconds between the witness and the first packet, and the last packet and its end: tcpdump buffers up to a second."""


class Failed(Exception):
    """The case did not come to its end."""


def start_witness(net: Topology, case: Case, capture: Path) -> subprocess.Popen[str]:
    """tcpdump on the appliance's interface, until it is told to stop and never beyond the case's limit."""
    words = ["timeout", "--foreground", "--signal=INT", str(case.limit + 30)]
    words += ["tcpdump", "-i", "data1", "-U", "--immediate-mode", "-Z", "root", "--time-stamp-precision=micro"]
    words += ["-s", str(case.snaplen), "-w", str(capture), "ip"]
    witness = net.spawn("appliance", words, stderr=subprocess.PIPE)
    assert witness.stderr is not None
    for line in witness.stderr:
        if "listening on" in line:
            return witness
    raise Failed("tcpdump did not start")


def stop_witness(witness: subprocess.Popen[str]) -> None:
    """End the capture, and make sure that it holds all there was."""
    witness.send_signal(signal.SIGINT)
    _, said = witness.communicate(timeout=10)
    dropped = re.search(r"(\d+) packets dropped by kernel", said)
    if dropped is None or dropped[1] != "0":
        raise Failed(f"tcpdump lost packets or died: {said}")


def play(case: Case, net: Topology, work: Path) -> None:
    """The case itself: witness, listener, client, in this order, and backwards."""
    if case.prepare is not None:
        case.prepare(net)
    witness = start_witness(net, case, work / "wire.pcap")
    here = Path(__file__).parent
    counters = ["--first-icid", str(case.first_icid), "--first-mid", str(case.first_mid)]
    files = [str(work / "mail.log"), str(work / "appliance.jsonl")]
    listener = net.python("appliance", str(here / "listener.py"), *files, *counters)
    assert listener.stdout is not None
    if listener.stdout.readline() != "listening\n":
        raise Failed("the listener did not start")
    time.sleep(BEFORE)
    client = net.python("client", str(here / "client.py"), case.name, str(work / "sender.jsonl"))
    if client.wait(timeout=case.limit):
        raise Failed("the client failed")
    time.sleep(AFTER)
    stop_witness(witness)
    listener.terminate()
    if listener.wait(timeout=10):
        raise Failed("the listener failed")


def make(case: Case, prefix: str, into: Path) -> None:
    """Play a case, derive what follows from it, check it, and put it in its place."""
    with tempfile.TemporaryDirectory(prefix=f"{prefix}-") as name:
        work, folder = Path(name), Path(name) / case.name
        with Topology(prefix) as net:
            play(case, net, work)
        folder.mkdir()
        for file in ("wire.pcap", "mail.log"):
            shutil.move(work / file, folder / file)
        told = [events.read(work / f"{actor}.jsonl") for actor in ("sender", "appliance")]
        truth.dump(truth.merge(case.name, *told), folder / "truth.json")
        truth.dump(expect(folder), folder / "expected.json")
        about.write(case, folder)
        faults = Check(folder).faults
        if faults:
            raise Failed("\n".join(faults))
        into.mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, into / case.name, dirs_exist_ok=True)


def main() -> int:
    """One case, or the list of them with the longest first, or the table in captures/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["list", "table", *CASES])
    parser.add_argument("--prefix", default="mwlab", help="what the names of the namespaces start with")
    parser.add_argument("--into", type=Path, default=Path(__file__).parent.parent, help="where the case folder goes")
    given = parser.parse_args()
    if given.what == "list":
        print("\n".join(sorted(CASES, key=lambda name: -CASES[name].limit)))
        return 0
    if given.what == "table":
        about.write_table(given.into)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        make(CASES[given.what], given.prefix, given.into)
    except (Failed, truth.Disagreement, RuntimeError, subprocess.SubprocessError, ValueError) as failure:
        print(f"{given.what}: {failure}", file=sys.stderr)
        return 1
    print(f"{given.what}: made and checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
