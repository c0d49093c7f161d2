"""The network of one case: client - router - appliance, three namespaces in a row.

Each case gets namespaces of its own, with names of its own, so that cases run side by side and so that a late
retransmission of one run can never show up in the capture of the next. Both veth pairs are made inside the
namespaces: nothing is ever attached to the host's own network.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

CLIENT = "192.0.2.10"
ROUTER_TO_CLIENT = "192.0.2.1"
ROUTER_TO_APPLIANCE = "198.51.100.1"
APPLIANCE = "198.51.100.25"
SMTP_PORT = 25

HOSTS = ("client", "router", "appliance")
"""In the order of the row, and the only words by which the rest of the lab names them."""

OFFLOADS = ("tso", "gso", "gro", "tx", "rx")
"""Left on, a veth hands over 64 KB frames with checksums not filled in."""

CONGESTION_CONTROL = "cubic"
"""What an ordinary sender uses. A namespace would take the host's default, which may be anything."""


def command(*words: str) -> None:
    """Run a command that must succeed, and show what it said when it does not."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")


class Topology:
    """The three namespaces of one case, as a context manager: they are taken down however the case ends."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.children: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Topology:
        try:
            self._build()
        except BaseException:
            self._take_down()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._take_down()

    def namespace(self, host: str) -> str:
        """The name of a host's namespace, as `ip netns list` shows it."""
        return f"{self.prefix}-{host}"

    def inside(self, host: str) -> list[str]:
        """The words to put before a command that shall run on a host."""
        return ["ip", "netns", "exec", self.namespace(host)]

    def spawn(self, host: str, words: list[str], stderr: int | None = None) -> subprocess.Popen[str]:
        """Start a program on a host; it is ended with the topology, if it has not ended before."""
        child = subprocess.Popen(
            self.inside(host) + words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, text=True
        )
        self.children.append(child)
        return child

    def python(self, host: str, script: str, *arguments: str) -> subprocess.Popen[str]:
        """Start one of the lab's own programs on a host, with the interpreter that runs the lab."""
        return self.spawn(host, [sys.executable, "-u", script, *arguments])

    def _build(self) -> None:
        for host in HOSTS:
            command("ip", "netns", "add", self.namespace(host))
            settings = ["net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
            if host == "router":
                settings.append("net.ipv4.ip_forward=1")
            command(*self.inside(host), "sysctl", "-q", "-w", *settings)
            command("ip", "-n", self.namespace(host), "link", "set", "lo", "up")
        self._link("client", "eth0", f"{CLIENT}/24", "router", "eth0", f"{ROUTER_TO_CLIENT}/24")
        self._link("appliance", "data1", f"{APPLIANCE}/24", "router", "eth1", f"{ROUTER_TO_APPLIANCE}/24")
        self._route("client", "198.51.100.0/24", ROUTER_TO_CLIENT)
        self._route("appliance", "192.0.2.0/24", ROUTER_TO_APPLIANCE)

    def _link(self, a: str, a_device: str, a_address: str, b: str, b_device: str, b_address: str) -> None:
        peer = ["peer", "name", b_device, "netns", self.namespace(b)]
        command("ip", "-n", self.namespace(a), "link", "add", a_device, "type", "veth", *peer)
        for host, device, address in ((a, a_device, a_address), (b, b_device, b_address)):
            command(*self.inside(host), "ethtool", "-K", device, *(word for o in OFFLOADS for word in (o, "off")))
            command("ip", "-n", self.namespace(host), "address", "add", address, "dev", device)
            command("ip", "-n", self.namespace(host), "link", "set", device, "up")

    def _route(self, host: str, network: str, gateway: str) -> None:
        # By the route, not by the sysctl: a namespace may set only what the host's list of allowed algorithms
        # holds, and that list is the host's, not ours to change.
        congestion = ["congctl", CONGESTION_CONTROL]
        command("ip", "-n", self.namespace(host), "route", "add", network, "via", gateway, *congestion)

    def _take_down(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        for host in HOSTS:
            # What a child started itself (tcpdump under `timeout`) would outlive it and hold the namespace.
            inside = subprocess.run(["ip", "netns", "pids", self.namespace(host)], capture_output=True, timeout=20)
            for process in inside.stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            subprocess.run(["ip", "netns", "delete", self.namespace(host)], capture_output=True, timeout=20)
