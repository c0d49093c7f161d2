"""What is ordinary, or nobody's doing, and looks to a careless rule as if a device, the path or a limit had done it."""

from __future__ import annotations

from case import Case
from wire import ACK, DATA, FIN, OTHER_MAC, PSH, RST, Fields, Wire

FULL = 1448
"""The payload of a full packet with timestamps."""


# Habits of one end


def two_routes(number: int) -> Fields:
    """Two paths of unequal length, taken in turns; the shorter one more often."""
    return {"ttl": 51 if number % 3 == 1 else 52}


def two_gateways(number: int) -> Fields:
    """Two routers in turns."""
    return {"mac": OTHER_MAC} if number % 2 else {}


def syn_from_elsewhere(number: int) -> Fields:
    """A device answers for the sender until the handshake is done."""
    return {"ttl": 60} if number == 0 else {}


def random_ids(number: int) -> Fields:
    """IP IDs that do not count."""
    return {"ip_id": (number * 40503 + 977) & 0xFFFF}


def no_ids(_: int) -> Fields:
    """No IP ID, as RFC 6864 allows for what is not fragmented."""
    return {"ip_id": 0}


def no_stamps(_: int) -> Fields:
    """No timestamps."""
    return {"stamps": False}


def capable_of_ecn(_: int) -> Fields:
    """Packets that may be marked (RFC 3168)."""
    return {"tos": 0b10}


def unfilled(_: int) -> Fields:
    """A capture before the network card fills the checksum in."""
    return {"checksum": 0xBAD1}


def ticks_by_seconds(number: int) -> Fields:
    """A timestamp clock of one tick a second, the slowest that RFC 7323 section 5.4 allows."""
    return {"stamp": 90000}


def near_its_end(number: int) -> Fields:
    """A timestamp clock that is about to pass 2**32."""
    return {"stamp": 2**32 - 600 + 25 * number}


# Resets


def own_reset(wire: Wire) -> None:
    wire.rst()


def overtakes(wire: Wire) -> None:
    """Two segments take a slow path, and the reset that was sent behind them comes first. It is not exact, so the
    appliance asks, and the sender's host answers each of its words."""
    n, first = wire.next["s"], wire.id["s"]
    wire.rst(seq=n + 2 * len(DATA), ip_id=first + 3)
    wire.put("a", ACK, ack=n, after=0.0001)
    wire.rst(seq=n, flags=RST, stamps=False, window=0, ip_id=0, after=0.041)
    for number in (1, 2):
        wire.put("s", PSH | ACK, DATA, ip_id=first + number, after=0.04)
    wire.put("a", ACK)
    wire.rst(seq=n + 2 * len(DATA), flags=RST, stamps=False, window=0, ip_id=0, after=0.041)


def answered_from_nearer(wire: Wire) -> None:
    """A device guesses, and at the second try has the right number; the sender knows nothing of it."""
    n = wire.next["s"]
    wire.rst(seq=n + 100, flags=RST, stamps=False, ttl=60, ip_id=0)
    wire.put("a", ACK, ack=n, after=0.0001)
    wire.rst(seq=n, flags=RST, stamps=False, ttl=60, ip_id=0, after=0.005)
    for _ in range(3):
        wire.put("s", PSH | ACK, DATA, after=0.2)


def answer_lost(wire: Wire) -> None:
    """The sender's last octets are lost, its reset draws a challenge ACK, and its answer to that is lost, too."""
    n = wire.next["s"]
    wire.rst(seq=n + len(DATA), flags=RST, stamps=False)
    wire.put("a", ACK, ack=n, after=0.0001)
    wire.time_out(answered=False)


def counters_meet(wire: Wire) -> None:
    wire.id["s"] = wire.id["a"] - 1
    wire.rst()


def random_but_near(wire: Wire) -> None:
    wire.rst(ip_id=(random_ids(wire.count["s"] - 1)["ip_id"] + 5) & 0xFFFF)


def acknowledges_what_it_got(wire: Wire) -> None:
    """The sender's first reset had not met the 354 yet; both acknowledge what was really sent."""
    a = wire.next["a"]
    wire.rst(ack=a - len(b"354 go ahead\r\n"))
    wire.rst(after=0.2, ack=a)


def twice_at_once(wire: Wire) -> None:
    wire.rst()
    wire.rst(after=0.0003)


def goes_back(wire: Wire) -> None:
    """The appliance's acknowledgments are late, so the sender begins anew from the first octet that it misses, and is
    closed there: its next number is behind all that it has sent before."""
    n = wire.next["s"]
    wire.put("s", PSH | ACK, DATA, seq=n - 3 * len(DATA), after=0.3)
    wire.rst(after=0.005, seq=n - 2 * len(DATA))
    wire.rst(after=0.3, seq=n)


def not_capable(wire: Wire) -> None:
    wire.rst(tos=0)


def by_the_other_gateway(wire: Wire) -> None:
    wire.rst(mac=OTHER_MAC)


def after_the_wrap(wire: Wire) -> None:
    wire.rst(stamp=5)


def padded(wire: Wire) -> None:
    wire.rst(padding=b"\xde\xad\xbe\xef\xca\xfe")


def crosses_our_word(wire: Wire) -> None:
    wire.put("a", ACK, after=0.2)
    wire.rst(after=0.001)


def answers_the_older(wire: Wire) -> None:
    """The reset of a host that forgot the connection answers the first of two packets."""
    n = wire.next["s"]
    for wait in (0.2, 0.039):
        wire.put("a", ACK, ack=n, after=wait)
    wire.rst(after=0.002, flags=RST, seq=n, stamps=False, window=0, ip_id=0)


def overtakes_acknowledgments(wire: Wire) -> None:
    """A stack whose own resets bear no ACK: this one comes 3 ms before the acknowledgments that were sent before it."""
    wire.put("s", PSH | ACK, b"NOOP\r\nNOOP\r\n")
    n, first, reached = wire.next["s"], wire.id["s"], []
    for _ in range(2):
        wire.put("a", PSH | ACK, b"250 ok\r\n", ack=n, after=0.0002)
        reached.append(wire.next["a"])
    wire.rst(after=0.041, flags=RST, seq=n, stamps=False, window=0, ip_id=first + 3)
    for number, ack in enumerate(reached, 1):
        wire.put("s", ACK, ack=ack, ip_id=first + number, after=0.003)


def over_a_hole(wire: Wire) -> None:
    """A segment is lost, the next one shows it, and before it could be sent again the sender resets."""
    n = wire.next["s"]
    wire.put("s", PSH | ACK, DATA, seq=n + len(DATA), after=0.01)
    wire.put("a", ACK, ack=n, sack=(n + len(DATA), n + 2 * len(DATA)))
    wire.rst(after=0.15, seq=n + 2 * len(DATA))
    wire.put("a", ACK, ack=n, after=0.0001)
    wire.rst(after=0.041, flags=RST, seq=n, stamps=False, window=0, ip_id=0)


def window_reopens(wire: Wire) -> None:
    """The appliance reads nothing for half a minute, goes on, and then the sender resets."""
    wire.put("a", ACK, window=0)
    wire.put("a", ACK, after=30.0)
    wire.say("s", DATA, 0.05)
    wire.rst()


# FINs


def fin_again(wire: Wire) -> None:
    """The appliance's acknowledgments are lost: the sender sends its last octets and its FIN again."""
    n = wire.next["s"]
    wire.put("s", PSH | ACK, DATA, after=0.02)
    wire.put("s", FIN | ACK)
    wire.put("a", ACK)
    wire.put("s", PSH | ACK, DATA, seq=n, after=0.24)
    wire.put("s", FIN | ACK, seq=n + len(DATA))
    wire.put("a", ACK)
    wire.put("a", FIN | ACK)
    wire.put("s", ACK, after=0.04)


def fin_and_reset(wire: Wire) -> None:
    """The program closes and its host is told to forget: the reset answers nothing that the appliance said."""
    wire.put("s", FIN | ACK, after=0.1)
    wire.put("a", ACK)
    wire.rst(after=0.05, flags=RST, seq=wire.next["s"], stamps=False, window=0, ip_id=0)


def fin(wire: Wire) -> None:
    wire.fin()


def fin_at_five_minutes(wire: Wire) -> None:
    """The sender's own timer is as long as the appliance's, and runs out first."""
    wire.time = 299.95
    wire.fin()


def small_pieces(wire: Wire) -> None:
    """A program that writes 400 octets at a time, less than the number in the window field."""
    for _ in range(12):
        wire.say("s", DATA[:400], 0.01)
    wire.fin()


def told_in_passing(wire: Wire) -> None:
    """A route changes: routers say so three times, the mail goes on all the same, and the sender closes later."""
    wire.icmp(3, 1)
    wire.icmp(3, 13)
    wire.icmp(3, 4, 1300)
    for _ in range(3):
        wire.say("s", DATA, 0.3)
    wire.fin()


def gives_up_on_the_dot(wire: Wire) -> None:
    """Ten seconds of nothing in mid-body; then the rest, the dot with it, and no answer for half a minute."""
    wire.say("s", DATA, 10.0)
    wire.say("s", DATA)
    wire.say("s", DATA + b".\r\n")
    wire.time += 29.9
    wire.fin()


# Silences


def falls_silent(wire: Wire) -> None:
    wire.time_out()


def long_past_a_limit(wire: Wire) -> None:
    """The sender falls silent in a line of 5000 octets."""
    for _ in range(4):
        wire.say("s", b"x" * 1250)
    wire.time_out()


def hole_behind_full_packets(wire: Wire) -> None:
    """Two full packets are lost for good on a way that full packets had passed."""
    for _ in range(3):
        wire.put("s", PSH | ACK, b"y" * FULL, after=0.01)
    wire.put("a", ACK)
    n = wire.next["s"]
    wire.put("s", PSH | ACK, b"z" * 600, seq=n + 2 * FULL, after=0.01)
    wire.put("a", ACK, ack=n, sack=(n + 2 * FULL, n + 2 * FULL + 600))
    wire.next["s"] = n
    wire.time_out(seq=n + 2 * FULL + 600)


def hole_behind_a_line(wire: Wire) -> None:
    """Behind a whole line twelve more are lost for good; the sender's number shows it."""
    wire.time_out(seq=wire.next["s"] + len(DATA))


def reset_in_answer(wire: Wire) -> None:
    """The program wakes up at the appliance's last words, which it leaves unread: the reset is its own."""
    wire.time_out(answered=False)
    wire.packets = wire.packets[:-2]
    wire.time -= 0.9
    wire.rst(after=0.04)


def keeps_alive(wire: Wire) -> None:
    """The host sends an old octet again every 75 s, to see whether the appliance is still there."""
    for _ in range(3):
        wire.put("s", ACK, b"\n", seq=wire.next["s"] - 1, after=75.0)
        wire.put("a", ACK)
    wire.time_out()


HUNDRED = tuple(f"r{number}@example.com" for number in range(100))
OWN_WORDS = {
    "greeting": b"220 *** no spam *** 20 users, 0 spammers\r\n",
    "offered": b"250-appliance.example.com\r\n250-X-EXPS GSSAPI\r\n250-XEXCH50\r\n250 X-LINK2STATE\r\n",
    "unknown": (b"XEXCH50 2 2\r\n", b"XCLIENT NAME=sender\r\n", b"XXXQUIT\r\n", b"XADR\r\n", b"XGEN\r\n"),
}

CASES = (
    Case("rst-overtakes-data", overtakes, "The sender's reset overtakes two of its segments, which come 80 ms later.", "rst", "sender_reset", knowable=False, ending=None),
    Case("challenge-answered-from-nearer", answered_from_nearer, "A reset that is not exact, the challenge ACK, and an exact reset from as near as the first; the sender goes on.", "rst", "middlebox_reset", ending=1),
    Case("challenge-answer-lost", answer_lost, "A reset that is not exact, the challenge ACK, and nothing more.", "silence", "sender_reset", knowable=False),
    Case("rst-syn-from-elsewhere", own_reset, "The SYN has another TTL than all that follows; the sender's reset has theirs.", "rst", "sender_reset", opening={"sender": syn_from_elsewhere}),
    Case("rst-two-routes", own_reset, "Segments of two TTLs in turns; the reset has the one that is met more often.", "rst", "sender_reset", opening={"sender": two_routes}),
    Case("rst-two-gateways", by_the_other_gateway, "Two gateways in turns; the reset comes by the second.", "rst", "sender_reset", opening={"sender": two_gateways}),
    Case("rst-ids-of-zero", own_reset, "Nobody uses IP IDs; the reset has none either.", "rst", "sender_reset", opening={"sender": no_ids, "appliance": no_ids}),
    Case("rst-counters-meet", counters_meet, "The sender's count has just come to the number of the appliance's last packet.", "rst", "sender_reset", opening={"first_id": 6990}),
    Case("rst-random-ids", own_reset, "IP IDs at random; the reset's is far from the last one.", "rst", "sender_reset", opening={"sender": random_ids}),
    Case("rst-random-ids-near", random_but_near, "IP IDs at random; the reset's is by chance five more than the last one.", "rst", "sender_reset", opening={"sender": random_ids}),
    Case("rst-acknowledges-twice", acknowledges_what_it_got, "Two resets of the sender; between them it received the appliance's last word.", "rst", "sender_reset"),
    Case("rst-twice-at-once", twice_at_once, "The sender's reset twice within a millisecond, alike but for the IP ID.", "rst", "sender_reset"),
    Case("rst-after-going-back", goes_back, "The sender begins to send again from an older octet, and resets there; then at its true end.", "rst", "sender_reset", ending=1),
    Case("rst-checksums-unfilled", own_reset, "All checksums of the sender's are wrong: the capture has them before they are filled in.", "rst", "sender_reset", opening={"sender": unfilled}),
    Case("rst-without-ect", not_capable, "The sender's packets are capable of ECN, its reset is not (RFC 3168 section 6.1).", "rst", "sender_reset", opening={"sender": capable_of_ecn}),
    Case("rst-padded", padded, "A reset without options, which Ethernet pads with octets of something else.", "rst", "sender_reset", opening={"sender": no_stamps, "appliance": no_stamps}),
    Case("rst-slow-clock", own_reset, "A timestamp clock of one tick a second; the reset bears the last segment's.", "rst", "sender_reset", opening={"sender": ticks_by_seconds}),
    Case("rst-stamp-wraps", after_the_wrap, "A timestamp clock that passes 2**32 between the last segment and the reset.", "rst", "sender_reset", opening={"sender": near_its_end}),
    Case("rst-crosses-our-word", crosses_our_word, "The sender's own reset comes a millisecond behind an ACK of the appliance's.", "rst", "sender_reset"),
    Case("rst-answers-the-older", answers_the_older, "A host that forgot the connection answers the first of two packets, just behind the second.", "rst", "sender_closed", knowable=False),
    Case("rst-over-a-hole", over_a_hole, "A segment is lost, and the sender resets before it could send it again.", "rst", "sender_reset", knowable=False, ending=None),
    Case("window-reopens", window_reopens, "The appliance's window is closed for 30 s and opens again; later the sender resets.", "rst", "sender_reset"),
    Case("fin-sent-again", fin_again, "The sender's last octets and its FIN come twice.", "fin", "sender_closed"),
    Case("fin-then-reset-unasked", fin_and_reset, "A FIN, and a reset behind it that answers no word of the appliance's.", "fin", "sender_closed"),
    Case("fin-two-routes", fin, "Segments of two TTLs in turns; the FIN has the one that is met more often.", "fin", "sender_closed", opening={"sender": two_routes}),
    Case("fin-syn-from-elsewhere", fin, "The SYN has another TTL than all that follows; the sender's FIN has theirs.", "fin", "sender_closed", opening={"sender": syn_from_elsewhere}),
    Case("fin-at-five-minutes", fin_at_five_minutes, "The sender closes on its own turn, 300 s after the connection.", "fin", "sender_closed"),
    Case("small-pieces", small_pieces, "Pieces of 400 octets where the window field says 502 and the scale is 7; then the sender's FIN.", "fin", "sender_closed", opening={"lines": 0}),
    Case("icmp-in-passing", told_in_passing, "Routers complain three times, the mail goes on, and the sender closes.", "fin", "sender_closed"),
    Case("pause-in-the-body", gives_up_on_the_dot, "The sender pauses 10 s in the body, sends the dot, and closes after 30 s without an answer.", "fin", "sender_gave_up_waiting", stage="end_of_data", turn="appliance"),
    Case("words-of-their-own", fin, "Asterisks in a greeting, keywords and commands that begin with X, five of them refused; the sender closes in the body.", "fin", "sender_closed", opening=OWN_WORDS),
    Case("bounce-cut-in-body", fin, "A bounce, which has an empty sender, is cut off in its body.", "fin", "sender_closed", opening={"mail_from": ""}),
    Case("one-recipient-left", fin, "One of two recipients is refused; the sender closes without DATA.", "fin", "sender_closed", stage="rcpt", opening={"recipients": ("bert@example.com", "carl@example.com"), "refused": ("carl@example.com",), "data": False}),
    Case("rcpt-answered-late", fin, "The appliance takes 8 s to answer RCPT; the sender closes in the body.", "fin", "sender_closed", opening={"slow": 8.0}),
    Case("silence-behind-a-line", falls_silent, "The sender's program says nothing more behind a whole line of the body.", "silence", "sender_stalled"),
    Case("hole-behind-a-line", hole_behind_a_line, "A body arrives as far as the end of a line, and twelve more lines never do.", "silence", "path_lost_data"),
    Case("silence-in-a-long-line", long_past_a_limit, "The sender's program says nothing more in a line of 5000 octets.", "silence", "sender_stalled"),
    Case("silence-behind-a-hundred", falls_silent, "A hundred recipients, DATA, and a body that falls silent.", "silence", "sender_stalled", opening={"recipients": HUNDRED}),
    Case("hole-behind-full-packets", hole_behind_full_packets, "Full packets come; later two of them are lost for good.", "silence", "path_lost_data"),
    Case("silence-then-own-reset", reset_in_answer, "The sender's program wakes up at the appliance's last words, and resets.", "silence", "sender_stalled", knowable=False),
    Case("keep-alives", keeps_alive, "The sender's host keeps the connection alive by an old octet, and its program says nothing.", "silence", "sender_stalled"),
    Case("rst-overtakes-acks", overtakes_acknowledgments, "A reset without ACK overtakes the acknowledgments of two replies by 3 ms.", "rst", "sender_reset", knowable=False, stage="rcpt", opening={"data": False}),
)  # fmt: skip
