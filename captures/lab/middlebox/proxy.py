"""A proxy that ends every connection and opens one of its own, in both ends' names: a mail scanner on a firewall.

It runs on the near router, which hands it the packets (`intercept`). It passes on what is said, and after so many
octets of the sender's it has seen enough: it closes towards the appliance and refuses the message to the sender.

    proxy.py EVENTS OCTETS
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from events import Recorder, endpoint  # noqa: E402

if TYPE_CHECKING:
    from topology import Topology

PORT = 2525

IP_TRANSPARENT = 19
"""Linux' socket option to bind and listen on addresses that are another host's (ip(7))."""

REFUSAL = b"554 5.7.1 Message blocked by security policy\r\n"

RULES = f"""table ip proxy {{
 chain before {{
  type filter hook prerouting priority -150;
  tcp dport 25 socket transparent 1 meta mark set 1 accept
  tcp sport 25 socket transparent 1 meta mark set 1 accept
  iifname "eth0" tcp dport 25 tproxy to :{PORT} meta mark set 1 accept
 }}
 chain past {{
  type filter hook forward priority 0;
  tcp dport 25 drop
  tcp sport 25 drop
 }}
}}
"""
"""What the proxy has no socket for does not pass by it."""


def intercept(net: Topology) -> None:
    """Make the near router hand all mail to the proxy."""
    net.nft("near", RULES)
    net.run("near", "ip", "rule", "add", "fwmark", "1", "lookup", "100")
    net.run("near", "ip", "route", "add", "local", "default", "dev", "lo", "table", "100")


def transparent() -> socket.socket:
    """A socket that may bear other hosts' addresses."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    return sock


def relay(sender: socket.socket, appliance: socket.socket, octets: int) -> bool:
    """Pass on what is said until one end closes, or the sender has said enough: then True."""
    said, selector = 0, selectors.DefaultSelector()
    for one, other in ((sender, appliance), (appliance, sender)):
        selector.register(one, selectors.EVENT_READ, other)
    while True:
        for key, _ in selector.select():
            data = key.fileobj.recv(65536)  # type: ignore[union-attr]
            if not data:
                return False
            said += len(data) if key.fileobj is sender else 0
            if said >= octets:
                return True
            key.data.sendall(data)


def main() -> None:
    """One connection after the other, until somebody ends the process."""
    recorder, octets = Recorder(Path(sys.argv[1])), int(sys.argv[2])
    listening = transparent()
    listening.bind(("0.0.0.0", PORT))
    listening.listen(16)
    print("listening", flush=True)
    while True:
        sender, client = listening.accept()
        with contextlib.suppress(OSError), sender, transparent() as appliance:
            appliance.bind(client)
            appliance.connect(sender.getsockname())
            names = {"client": endpoint(client), "server": endpoint(sender.getsockname())}
            recorder.write(**names, actor="middlebox", action="proxied", router="near")
            if relay(sender, appliance, octets):
                recorder.write(**names, actor="middlebox", action="proxy_closed", octets=octets, to="appliance")
                appliance.close()
                sender.sendall(REFUSAL)
                sender.shutdown(socket.SHUT_WR)
                while sender.recv(65536):
                    pass


if __name__ == "__main__":
    main()
