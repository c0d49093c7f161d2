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
import postfix
import truth
from cases import CASES
from cases.plan import Case
from check import Check
from expect import expect
from topology import Topology

BEFORE, AFTER = 1.0, 1.5
"""Seconds between the witness and the first packet, and the last packet and its end: tcpdump buffers up to a second."""

HERE = Path(__file__).parent

KEPT = ("injection_debug.log", "domain_debug.log", "postfix.log")
"""Files of a run that go into its folder when they were written."""


class Failed(Exception):
    """The case did not come to its end."""


def start_witness(net: Topology, host: str, device: str, case: Case, capture: Path) -> subprocess.Popen[str]:
    """tcpdump on one interface, until it is told to stop and never beyond the case's limit."""
    words = ["timeout", "--foreground", "--signal=INT", str(case.limit + 30)]
    words += ["tcpdump", "-i", device, "-U", "--immediate-mode", "-Z", "root", "--time-stamp-precision=micro"]
    words += ["-B", "16384", "-s", str(case.snaplen), "-w", str(capture), case.capture_filter]
    witness = net.spawn(host, words, stderr=subprocess.PIPE)
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


def start(net: Topology, host: str, script: str, ready: str, *arguments: str) -> subprocess.Popen[str]:
    """Start one of the lab's programs and wait until it says that it is ready."""
    program = net.python(host, str(HERE / script), *arguments)
    assert program.stdout is not None
    if program.stdout.readline() != f"{ready}\n":
        raise Failed(f"{script} did not start")
    return program


def play(case: Case, net: Topology, work: Path) -> None:
    """The case itself: witnesses, box, server, client, in this order, and backwards."""
    if case.prepare is not None:
        case.prepare(net)
    witnesses = [
        start_witness(net, "appliance", "data1", case, work / "wire.pcap"),
        start_witness(net, "sender", "eth0", case, work / "sender.pcap"),
    ]
    box = None
    if case.forwarder:
        box = start(net, "middlebox", "middlebox/forwarder.py", "forwarding", case.name, str(work / "middlebox.jsonl"))
    served_by = None
    if case.server == "listener":
        served_by = start(net, "appliance", "listener.py", "listening", case.name, str(work))
    elif case.server == "delivery":
        served_by = start(net, "sender", "remote.py", "listening", case.name, str(work))
    else:
        postfix.start(net, case, work)
    time.sleep(BEFORE)
    if case.server == "delivery":
        client = net.python("appliance", str(HERE / "delivery.py"), case.name, str(work))
    else:
        words = [case.name, str(work / "sender.jsonl"), "--prefix", net.prefix]
        client = net.python("sender", str(HERE / "client.py"), *words)
    if client.wait(timeout=case.limit):
        raise Failed("the client failed")
    time.sleep(AFTER + case.path.rtt)
    for witness in witnesses:
        stop_witness(witness)
    if served_by is not None:
        served_by.terminate()
        code = served_by.wait(timeout=10)
        if code and not (case.listener.die and code == -signal.SIGKILL):
            raise Failed(f"the server failed ({code})")
    if box is not None:
        box.terminate()
        if box.wait(timeout=10):
            raise Failed("the forwarder failed")
    if case.server == "postfix":
        postfix.stop(net, case, work)


def make(case: Case, prefix: str, into: Path, keep: Path | None = None) -> None:
    """Play a case, derive what follows from it, check it, and put it in its place."""
    with tempfile.TemporaryDirectory(prefix=f"{prefix}-") as name:
        work, folder = Path(name), Path(name) / case.name
        try:
            with Topology(prefix, case.forwarder, case.ipv6, case.offloads, case.senders) as net:
                play(case, net, work)
            folder.mkdir()
            for file in ("wire.pcap", "sender.pcap", "mail.log", *KEPT):
                if (work / file).exists():
                    shutil.move(work / file, folder / file)
            told = [events.read(work / f"{actor}.jsonl") for actor in ("sender", "appliance", "middlebox")]
            told[-1] += events.read(work / "proxy.jsonl")  # a device, too, though not in the box
            truth.dump(truth.merge(case, *told), folder / "truth.json")
            faults = Check(folder).faults
            if case.trouble is not None:
                case.trouble(folder)
            about.write_toml(case, folder)
            truth.dump(expect(folder), folder / "expected.json")
            about.write(case, folder)
        finally:
            if keep is not None:
                shutil.copytree(work, keep / case.name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("postfix"))
        if faults:
            raise Failed("\n".join(faults))
        if not case.keep_sender:
            (folder / "sender.pcap").unlink(missing_ok=True)
        into.mkdir(parents=True, exist_ok=True)
        if (into / case.name).exists():
            shutil.rmtree(into / case.name)
        shutil.copytree(folder, into / case.name)


def main() -> int:
    """One case, or the list of them with the longest first, or the table in captures/README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["list", "families", "table", *CASES])
    parser.add_argument("--prefix", default="mwlab", help="what the names of the namespaces start with")
    parser.add_argument("--into", type=Path, default=HERE.parent, help="where the case folder goes")
    parser.add_argument("--keep", type=Path, help="keep all that the run made here, also when it failed")
    given = parser.parse_args()
    if given.what == "list":
        print("\n".join(sorted(CASES, key=lambda name: -CASES[name].limit)))
        return 0
    if given.what == "families":
        print("\n".join(f"{case.family} {case.name}" for case in sorted(CASES.values(), key=lambda case: -case.limit)))
        return 0
    if given.what == "table":
        about.write_table(given.into)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        make(CASES[given.what], given.prefix, given.into, given.keep)
    except (Failed, truth.Disagreement, RuntimeError, subprocess.SubprocessError, ValueError, LookupError) as failure:
        print(f"{given.what}: {type(failure).__name__}: {failure}", file=sys.stderr)
        return 1
    print(f"{given.what}: made and checked")
    return 0


if __name__ == "__main__":
    sys.exit(main())
