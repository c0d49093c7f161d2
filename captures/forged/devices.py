"""What devices send that no real stack of the lab does, and beside each what a careless rule takes for the same."""

from __future__ import annotations

from case import Case
from wire import ACK, DATA, FIN, OTHER_MAC, PSH, RST, Wire


def seq_change(wire: Wire) -> None:
    n = wire.next["s"]
    wire.rst(seq=n)
    for step in (1460, 4380):
        wire.rst(after=0.001, seq=n + step)


def closed_host_answers(wire: Wire) -> None:
    """A host that forgot the connection answers each packet at the number which that one asks for."""
    n = wire.next["s"]
    for number in (n - len(DATA), n):
        wire.put("a", ACK, ack=number, after=0.05)
    for number in (n - len(DATA), n):
        wire.rst(after=0.045, flags=RST, seq=number, stamps=False, window=0, ip_id=0)


def different_acks(wire: Wire) -> None:
    a = wire.next["a"]
    wire.rst(ack=a + 700)
    wire.rst(after=0.2, ack=a + 2160)


def same_reset_twice(wire: Wire) -> None:
    wire.rst()
    wire.rst(after=0.2)


def burst(wire: Wire) -> None:
    for step in range(3):
        wire.rst(after=0.1 if not step else 0.0002, window=1980 + step, stamps=False, ip_id=9000 + step * 37)


def echo(wire: Wire) -> None:
    wire.put("a", ACK, ip_id=30123, window=1013, after=0.05)
    wire.rst(after=0.01, flags=RST, ip_id=30123, window=1013, stamps=False)


def stamps_copied(wire: Wire) -> None:
    stamp = 90000 + int(wire.time * 1000)
    wire.put("s", ACK, stamp=stamp)
    wire.rst(after=2.0, stamp=stamp, ip_id=0)


def mac_differs(wire: Wire) -> None:
    wire.rst(mac=OTHER_MAC, ip_id=0)


def router_fails_over(wire: Wire) -> None:
    """The new router's address stays, so the reset's is no oddity."""
    for _ in range(6):
        wire.put("s", PSH | ACK, DATA, after=0.02, mac=OTHER_MAC)
    wire.rst(mac=OTHER_MAC)


def sack_outside(wire: Wire) -> None:
    for _ in range(3):
        wire.put("s", ACK, after=0.1, sack=(2900000000, 2900001448))
    wire.rst()


def sack_inside(wire: Wire) -> None:
    a = wire.next["a"]
    wire.put("s", ACK, after=0.1, sack=(a - 20, a))
    wire.rst()


def checksum_mangled(wire: Wire) -> None:
    """The appliance's kernel drops it; the sender goes on and closes."""
    wire.rst(checksum=0xBAD1, ip_id=0)
    wire.say("s", DATA)
    wire.fin()


def data_damaged(wire: Wire) -> None:
    n = wire.next["s"]
    for wait in (0.05, 0.3, 0.6):
        wire.put("s", PSH | ACK, DATA, seq=n, checksum=0xBAD1, after=wait)
    wire.put("s", PSH | ACK, DATA, after=1.2)
    wire.put("a", ACK)
    wire.rst()


def fin_beyond(wire: Wire) -> None:
    """A FIN of a device, behind which the sender goes on."""
    n = wire.next["s"]
    wire.put("s", FIN | ACK, seq=n, ttl=60, ip_id=0)
    wire.put("a", ACK, ack=n + 1)
    wire.put("a", FIN | ACK, ack=n + 1)
    for _ in range(4):
        wire.put("s", PSH | ACK, DATA, after=0.2)


def fin_genuine(wire: Wire) -> None:
    wire.fin()


def idle_expired(wire: Wire) -> None:
    """A device forgets after ten minutes, and says so with its own distance."""
    wire.rst(after=600.2, ttl=60, ip_id=0, stamps=False)


def idle_and_own(wire: Wire) -> None:
    """The sender's own reset after a time that nobody's timer has."""
    wire.rst(after=400.0)


def goes_on(wire: Wire) -> None:
    n = wire.next["s"]
    wire.rst(seq=n)
    for _ in range(3):
        wire.put("s", PSH | ACK, DATA, after=0.2)


def payload(wire: Wire) -> None:
    wire.put("s", RST | ACK, b"blocked by policy", after=0.1, ip_id=0)


def challenge_answered(wire: Wire) -> None:
    """The sender's numbers are ahead of what came; its exact reset answers the challenge."""
    n = wire.next["s"]
    wire.rst(seq=n + 100, flags=RST, stamps=False)
    wire.put("a", ACK, ack=n, after=0.0001)
    wire.rst(seq=n, flags=RST, stamps=False, after=0.041)


def challenge_unanswered(wire: Wire) -> None:
    """A device's reset that is not exact changes nothing; the sender goes on and closes."""
    n = wire.next["s"]
    wire.rst(seq=n + 100, flags=RST, stamps=False, ip_id=0)
    wire.put("a", ACK, ack=n, after=0.0001)
    for _ in range(3):
        wire.put("s", PSH | ACK, DATA, after=0.2)
        wire.put("a", ACK)
    wire.fin()

CASES = (
    Case("rst-seq-change", seq_change, "Three resets, the later ones at numbers never sent.", "rst", "middlebox_reset"),
    # The first reset lies behind what was acknowledged, and is dropped (RFC 9293 section 3.10.7.4).
    Case("rst-closed-host-answers", closed_host_answers, "A closed host answers two packets of the appliance at the numbers they ask for.", "rst", "sender_closed", knowable=False, ending=1),
    Case("rst-ack-change", different_acks, "Two resets acknowledge octets that were never sent.", "rst", "middlebox_reset", knowable=False),
    Case("rst-sent-twice", same_reset_twice, "The sender's reset twice, alike.", "rst", "sender_reset"),
    Case("rst-burst", burst, "Three resets at one number whose windows rise by one.", "rst", "middlebox_reset", knowable=False),
    Case("rst-echo", echo, "A reset with IP ID and window of the appliance's last packet.", "rst", "middlebox_reset"),
    Case("rst-stamps-copied", stamps_copied, "A reset with the timestamp of a packet two seconds older.", "rst", "middlebox_reset", knowable=False),
    Case("rst-other-mac", mac_differs, "A reset from another Ethernet address than all else.", "rst", "middlebox_reset", knowable=False),
    Case("rst-after-fail-over", router_fails_over, "The sender's own reset behind a router that took over in mid-flow.", "rst", "sender_reset"),
    Case("sack-outside", sack_outside, "Selective acknowledgments far from all that was sent; then the sender's reset.", "rst", "sender_reset"),
    Case("sack-inside", sack_inside, "A selective acknowledgment of what was sent; then the sender's reset.", "rst", "sender_reset"),
    Case("rst-checksum-wrong", checksum_mangled, "A reset whose checksum is wrong, which changes nothing; the sender goes on and closes.", "fin", "sender_closed"),
    Case("data-damaged", data_damaged, "Octets arrive with a wrong checksum and are sent again; then the sender's own reset.", "rst", "sender_reset"),
    Case("fin-beyond-data", fin_beyond, "A FIN from nearer than the sender, which goes on behind it.", "fin", "middlebox_reset"),
    Case("fin-genuine", fin_genuine, "The sender's FIN, and nothing behind it.", "fin", "sender_closed"),
    Case("idle-ten-minutes", idle_expired, "A reset from nearer than the sender after 600 s of nothing.", "rst", "middlebox_reset", knowable=False),
    Case("idle-and-own-reset", idle_and_own, "The sender's own reset after 400 s of nothing.", "rst", "sender_reset"),
    Case("rst-sender-goes-on", goes_on, "A reset with the sender's TTL, and the sender's data behind it.", "rst", "middlebox_reset"),
    Case("rst-with-payload", payload, "A reset that carries text.", "rst", "middlebox_reset", knowable=False),
    Case("challenge-answered", challenge_answered, "A reset that is not exact, the challenge ACK, and the exact reset in answer.", "rst", "sender_reset", knowable=False, ending=None),
    Case("challenge-unanswered", challenge_unanswered, "A reset that is not exact and changes nothing: nobody answers the challenge ACK, the sender goes on and closes.", "fin", "sender_closed"),
)  # fmt: skip
