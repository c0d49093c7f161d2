"""The network of one case: sender - far router - middlebox - near router - appliance, five namespaces in a row.

Each case gets namespaces of its own, with names of its own, so that cases run side by side and so that a late
retransmission of one run can never show up in the capture of the next. All veth pairs are made inside the
namespaces: nothing is ever attached to the host's own network.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from dataclasses import dataclass

SENDER, SENDER_6 = "192.0.2.10", "2001:db8:1::10"
APPLIANCE, APPLIANCE_6 = "198.51.100.25", "2001:db8:2::25"
SMTP_PORT = 25

HOSTS = ("sender", "far", "middlebox", "near", "appliance")
"""In the order of the row, and the only words by which the rest of the lab names them."""

HOPS = 3
"""Routers between sender and appliance: at the appliance the sender's packets bear a TTL of 64 - 3."""

OFFLOADS = ("tso", "gso", "gro", "tx", "rx")
"""Left on, a veth hands over 64 KB frames with checksums not filled in."""

CONGESTION_CONTROL = "cubic"
"""What an ordinary sender uses. A namespace would take the host's default, which may be anything."""


@dataclass(frozen=True)
class End:
    """One end of a link: host, device, addresses. MACs are for documentation (RFC 7042)."""

    host: str
    device: str
    address: str
    address_6: str
    mac_octet: int

    @property
    def mac(self) -> str:
        """The hardware address."""
        return f"00:00:5e:00:53:{self.mac_octet:02x}"


LINKS = (
    (
        End("sender", "eth0", f"{SENDER}/24", f"{SENDER_6}/64", 0x11),
        End("far", "eth0", "192.0.2.1/24", "2001:db8:1::1/64", 0x12),
    ),
    (
        End("far", "eth1", "203.0.113.1/30", "2001:db8:12::1/64", 0x21),
        End("middlebox", "eth0", "203.0.113.2/30", "2001:db8:12::2/64", 0x22),
    ),
    (
        End("middlebox", "eth1", "203.0.113.5/30", "2001:db8:23::5/64", 0x31),
        End("near", "eth0", "203.0.113.6/30", "2001:db8:23::6/64", 0x32),
    ),
    (
        End("near", "eth1", "198.51.100.1/24", "2001:db8:2::1/64", 0x41),
        End("appliance", "data1", f"{APPLIANCE}/24", f"{APPLIANCE_6}/64", 0x42),
    ),
)
"""From the sender to the appliance. The device's name says the direction: on routers eth0 looks to the sender."""


def command(*words: str, stdin: str | None = None) -> str:
    """Run a command that must succeed, and show what it said when it does not."""
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=30)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


class Network:
    """The namespaces of a case by name, for whoever acts in them: programs of the lab know it by its prefix."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix

    def namespace(self, host: str) -> str:
        """The name of a host's namespace, as `ip netns list` shows it."""
        return f"{self.prefix}-{host}"

    def inside(self, host: str) -> list[str]:
        """The words to put before a command that shall run on a host."""
        return ["ip", "netns", "exec", self.namespace(host)]

    def run(self, host: str, *words: str, stdin: str | None = None) -> str:
        """Run a command on a host, which must succeed."""
        return command(*self.inside(host), *words, stdin=stdin)

    def nft(self, host: str, rules: str) -> None:
        """Load nftables rules on a host. The routers forward in the kernel; the middlebox only without a forwarder."""
        self.run(host, "nft", "-f", "-", stdin=rules.strip() + "\n")

    def link(self, host: str, device: str, *settings: str) -> None:
        """Change a link while the case runs: `link("far", "eth0", "down")`, `link("near", "eth1", "mtu", "1300")`."""
        command("ip", "-n", self.namespace(host), "link", "set", device, *settings)


class Topology(Network):
    """The five namespaces of one case, as a context manager: they are taken down however the case ends."""

    def __init__(
        self, prefix: str, forwarder: bool = True, ipv6: bool = False, offloads: bool = False, senders: int = 1
    ) -> None:
        super().__init__(prefix)
        self.forwarder, self.ipv6, self.offloads, self.senders = forwarder, ipv6, offloads, senders
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
        for a, b in LINKS:
            peer = ["peer", "name", b.device, "address", b.mac, "netns", self.namespace(b.host)]
            command(
                "ip", "-n", self.namespace(a.host), "link", "add", a.device, "address", a.mac, "type", "veth", *peer
            )
        for host in HOSTS:
            self._settings(host)
        for number, (a, b) in enumerate(LINKS):
            # Only the last link may have them on: the appliance then captures as one with offloads does, and the
            # near router cuts the frames to size again.
            if not (self.offloads and number == len(LINKS) - 1):
                for end in (a, b):
                    self.run(end.host, "ethtool", "-K", end.device, *(w for o in OFFLOADS for w in (o, "off")))
        for host in HOSTS:
            for family, lines in (("-4", self._host(host)), ("-6", self._host_6(host))):
                command("ip", family, "-n", self.namespace(host), "-batch", "-", stdin="\n".join([*lines, ""]))

    def _settings(self, host: str) -> None:
        forwards = host in ("far", "near") or (host == "middlebox" and not self.forwarder)
        off = "0" if self.ipv6 else "1"
        settings = [f"net.ipv6.conf.{which}.disable_ipv6={off}" for which in ("all", "default")]
        settings += [f"net.ipv4.ip_forward={int(forwards)}", "net.ipv4.conf.all.rp_filter=0"]
        # A router whose link is down says so at once and to everyone, as ours on the way shall.
        settings += ["net.ipv4.icmp_ratelimit=0"]
        if self.ipv6:
            settings += [f"net.ipv6.conf.all.forwarding={int(forwards)}", "net.ipv6.conf.all.accept_dad=0"]
            settings += ["net.ipv6.conf.default.accept_dad=0"]
            settings += [f"net.ipv6.conf.{which}.router_solicitations=0" for which in ("all", "default")]
        self.run(host, "sysctl", "-q", "-w", *settings)

    def _host(self, host: str) -> list[str]:
        """The lines of `ip -batch` that bring up one host."""
        lines = ["link set lo up"]
        for a, b in LINKS:
            for end, other in ((a, b), (b, a)):
                if end.host != host:
                    continue
                lines += [f"address add {end.address} dev {end.device}", f"link set {end.device} up"]
                # Neighbours are given: no ARP in the captures, and no first packet that waits for one.
                there = other.address.split("/")[0]
                lines.append(f"neigh add {there} lladdr {other.mac} dev {end.device} nud permanent")
        if host == "sender":
            lines += [f"address add {address}/24 dev eth0" for address in pool(self.senders)[1:]]
        if host == "far":
            extra = pool(self.senders)[1:]
            lines += [f"neigh add {address} lladdr {LINKS[0][0].mac} dev eth0 nud permanent" for address in extra]
        return lines + self._routes(host)

    def _routes(self, host: str) -> list[str]:
        # By the route, not by the sysctl: a namespace may set only what the host's list of allowed algorithms
        # holds, and that list is the host's, not ours to change.
        via = {
            "sender": [("default", "192.0.2.1")],
            "far": [("198.51.100.0/24", "203.0.113.2"), ("203.0.113.4/30", "203.0.113.2")],
            "middlebox": [("192.0.2.0/24", "203.0.113.1"), ("198.51.100.0/24", "203.0.113.6")],
            "near": [("192.0.2.0/24", "203.0.113.5"), ("203.0.113.0/30", "203.0.113.5")],
            "appliance": [("default", "198.51.100.1")],
        }[host]
        return [f"route add {network} via {gateway} congctl {CONGESTION_CONTROL}" for network, gateway in via]

    def _host_6(self, host: str) -> list[str]:
        if not self.ipv6:
            return []
        lines = []
        for a, b in LINKS:
            for end, other in ((a, b), (b, a)):
                if end.host == host:
                    there = other.address_6.split("/")[0]
                    lines.append(f"address add {end.address_6} dev {end.device} nodad")
                    lines.append(f"neigh add {there} lladdr {other.mac} dev {end.device} nud permanent")
        via = {
            "sender": [("default", "2001:db8:1::1")],
            "far": [("2001:db8:2::/64", "2001:db8:12::2"), ("2001:db8:23::/64", "2001:db8:12::2")],
            "middlebox": [("2001:db8:1::/64", "2001:db8:12::1"), ("2001:db8:2::/64", "2001:db8:23::6")],
            "near": [("2001:db8:1::/64", "2001:db8:23::5"), ("2001:db8:12::/64", "2001:db8:23::5")],
            "appliance": [("default", "2001:db8:2::1")],
        }[host]
        return lines + [f"route add {network} via {gateway} congctl {CONGESTION_CONTROL}" for network, gateway in via]

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


def pool(senders: int) -> list[str]:
    """The addresses of the sender's host: 192.0.2.10, and more above it where a case has a pool of senders."""
    first = int(SENDER.rpartition(".")[2])
    return [f"192.0.2.{first + number}" for number in range(senders)]
