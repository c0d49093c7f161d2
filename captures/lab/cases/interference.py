"""A box on the way resets the connection, or swallows it."""

from __future__ import annotations

from typing import Any

from dialogue import Dialogue
from middlebox import ACK, RST, DropFrom, ForgeReset, Path, in_body
from middlebox.devices import EchoReset, IdleTimeout, ImitateReset, ResetOneEnd, ResetSenderAndDrop

from .plan import Case, Cause, Message, Session

LONG = 30_000
"""Octets of a body that is still under way when the box strikes."""

STRIKE = in_body(8000)
"""When the box strikes."""

WAY = Path(rtt=0.06)
"""A sender in the next country."""

CLIENT = "Python's smtplib as far as the 354, then its socket by hand."

LOST = "`lost`, `Receiving aborted`"

TIMED_OUT = "`disconnected address ..., no messages injected within timeout period`, `Receiving aborted`"

SILENT = 420
"""Seconds for a case that waits for the appliance's timer of 300 s."""


def as_far_as_data(dialogue: Dialogue) -> None:
    """An ordinary sender, as far as the 354."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()


def until_gone(dialogue: Dialogue) -> None:
    """An ordinary sender whose connection something else ends in the body."""
    as_far_as_data(dialogue)
    dialogue.body_until_gone()


def until_gone_unnoticed(dialogue: Dialogue) -> None:
    """The same, and the appliance is not told: its timer ends it."""
    until_gone(dialogue)
    dialogue.outlast()


def handed_over(dialogue: Dialogue) -> None:
    """A whole message, the body in the same small pieces, then QUIT."""
    as_far_as_data(dialogue)
    content, piece = dialogue.content(), 1448
    for at in range(0, len(content), piece):
        dialogue.send(content[at : at + piece])
    dialogue.sent_octets = len(content)
    dialogue.stage = "body"
    dialogue.dot()
    dialogue.quit()


def _rejecting(ways: tuple[str, ...], by: str) -> Any:
    """A script: in the middle of the body the near router gets a rule that rejects."""
    answer = {"reset": "tcp reset", "icmp": "icmp type admin-prohibited"}[by]
    ports = {"to_appliance": "dport", "to_sender": "sport"}
    rules = "".join(f"  tcp {ports[way]} 25 reject with {answer}\n" for way in ways)
    table = f"table ip firewall {{\n chain forward {{\n  type filter hook forward priority 0;\n{rules} }}\n}}\n"

    def script(dialogue: Dialogue) -> None:
        as_far_as_data(dialogue)
        dialogue.body(octets=8000)
        dialogue.network_event("rejected", ways=list(ways), by=by, router="near")
        dialogue.net.nft("near", table)
        dialogue.body_until_gone()
        if "to_appliance" in ways:
            dialogue.outlast()

    return script


def _idle(seconds: float, router: str | None = None) -> Any:
    """A script: a sender that thinks between RCPT and DATA for longer than a firewall remembers.

    A `router` of the network tells nobody when it forgets: the script does it in its place, when that must have been.
    """

    def script(dialogue: Dialogue) -> None:
        dialogue.connect()
        dialogue.ehlo()
        dialogue.mail()
        dialogue.rcpt()
        dialogue.silent_for(seconds)
        if router is not None:
            dialogue.network_event("forgot_flow", router=router, ways=["to_appliance", "to_sender"])
        dialogue.ask_until_gone("data")
        dialogue.outlast()

    return script


def _case(number: int, name: str, title: str, script: Any, **more: Any) -> Case:
    """What all cases of this family share."""
    given = {"client": CLIENT, "path": WAY, "log_says": LOST, "family": "interference"}
    sessions = (Session((Message(name, octets=LONG),), script=script),)
    ids = {"first_icid": 12000 + 10 * number, "first_mid": 3000 + 10 * number}
    return Case(name=name, title=title, **{**given, **ids, "sessions": sessions, **more})


RESETS = (
    Case(
        name="rst-forged-to-both-ends",
        title="A box on the way resets both ends in the middle of the body",
        done="When 8 KB of the body have passed, the box sends an RST with the exact sequence number to either end, in"
        " the other's name, with a TTL of its own.",
        client=CLIENT,
        log_says=LOST,
        wire_shows="an RST bearing the sender's address, with a TTL of 63 where the sender's packets have 61",
        family="interference",
        sessions=(Session((Message("rst-forged-to-both-ends", octets=LONG),), script=until_gone),),
        policy=lambda: ForgeReset(STRIKE),
        path=WAY,
        cause=Cause("middlebox_reset", "the box", because="the box forged it, and its TTL shows that"),
        keep_sender=True,
        first_icid=12010,
        first_mid=3010,
    ),
    _case(
        3,
        "rst-forged-copied-ttl",
        "A box on the way resets both ends, with the TTL of the end it speaks for",
        until_gone,
        done="When 8 KB of the body have passed, the box sends a bare RST with the exact number to either end, in the"
        " other's name and with its TTL.",
        wire_shows="a bare RST with the sender's TTL that nothing of the appliance's called for, then the rest of what the"
        " sender had in flight",
        policy=lambda: ForgeReset(STRIKE, ttl=None),
        cause=Cause(
            "middlebox_reset", "the box", because="a bare RST answers something, and this one comes sooner than any answer"
            " could; the sender's data goes on behind it"
        ),
    ),
    _case(
        4,
        "rst-forged-to-appliance-only",
        "A box on the way resets the appliance only",
        until_gone,
        done="When 8 KB of the body have passed, the box sends an RST to the appliance in the sender's name, with a TTL of"
        " its own. All else passes.",
        wire_shows="an RST with a TTL of 63 where the sender's packets have 61; the sender's data goes on, and the"
        " appliance's kernel answers it by resets",
        policy=lambda: ForgeReset(STRIKE, to=("appliance",)),
        cause=Cause("middlebox_reset", "the box", because="its TTL shows that, and the sender goes on behind it"),
    ),
    _case(
        5,
        "rst-forged-sender-goes-on",
        "A box on the way resets the appliance, with a copied TTL, and leaves the sender in the dark",
        until_gone,
        done="When 8 KB of the body have passed, the box sends an RST to the appliance in the sender's name, with the"
        " sender's TTL, and lets nothing of the appliance's out any more.",
        wire_shows="an RST with the sender's TTL; the sender sends the same octets again and again, ever more slowly",
        policy=lambda: ResetOneEnd(STRIKE, ttl=None),
        sessions=(
            Session((Message("rst-forged-sender-goes-on", octets=LONG),), script=until_gone, patience=15),
        ),
        cause=Cause("middlebox_reset", "the box", because="who has reset a connection does not go on with it"),
    ),
    _case(
        6,
        "rst-forged-to-sender-only",
        "A box on the way resets the sender only; its kernel then resets the appliance",
        until_gone,
        done="When 8 KB of the body have passed, the box sends an RST to the sender in the appliance's name. All else"
        " passes, so that the sender's kernel answers the appliance's next ACK by an RST of its own.",
        wire_shows="a bare RST of the sender's, in answer to an ACK, with its TTL of 61",
        policy=lambda: ForgeReset(STRIKE, to=("sender",)),
        cause=Cause(
            "middlebox_reset", "the box", False, "the box reset the sender; here a genuine RST of a closed socket arrives"
        ),
    ),
    _case(
        7,
        "rst-forged-to-sender-then-dropped",
        "A box on the way resets the sender and forgets the appliance",
        until_gone_unnoticed,
        done="When 8 KB of the body have passed, the box sends an RST to the sender in the appliance's name, and drops"
        " everything from then on.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges",
        policy=lambda: ResetSenderAndDrop(STRIKE),
        cause=Cause("middlebox_reset", "the box", False, "nothing of it reached the appliance"),
        limit=SILENT,
    ),
    _case(
        8,
        "rst-imitated",
        "A box on the way resets both ends and imitates them perfectly",
        until_gone,
        done="When 8 KB of the body have passed, the box holds back the next packet and sends in its place an RST and ACK"
        " with the sender's TTL, the next IP ID, its window and its timestamps; the same to the sender.",
        wire_shows="an RST and ACK that nobody could tell from the sender's own",
        policy=lambda: ImitateReset(STRIKE),
        cause=Cause("middlebox_reset", "the box", False, "it looks in every field like a reset of the sender's program"),
    ),
    _case(
        9,
        "rst-forged-stale",
        "A box on the way sends a reset too late, and the mail arrives",
        handed_over,
        done="When 8 KB of the body have passed, the box sends an RST to the appliance whose number is 4000 octets old.",
        log_says="`Message finished ... done`",
        wire_shows="an RST outside the window, which changes nothing: the body goes on, `accepted`, QUIT",
        policy=lambda: ForgeReset(STRIKE, to=("appliance",), shift=-4000),
    ),
    _case(
        10,
        "rst-forged-in-window",
        "A box on the way guesses a number within the window, and the mail arrives",
        handed_over,
        done="When 8 KB of the body have passed, the box sends an RST to the appliance whose number is 5000 octets ahead.",
        log_says="`Message finished ... done`",
        wire_shows="an RST in the window but not exact, the appliance's challenge ACK, and the body goes on: `accepted`,"
        " QUIT",
        policy=lambda: ForgeReset(STRIKE, to=("appliance",), shift=5000),
    ),
    _case(
        11,
        "rst-forged-repeated",
        "A box on the way sends three resets at once, with windows that count",
        until_gone,
        done="When 8 KB of the body have passed, the box sends three RST and ACK with one exact number to either end,"
        " with the windows 1980, 1981 and 1982 and TTLs of their own.",
        wire_shows="three RST and ACK bearing the sender's address within a millisecond, with one number, three windows"
        " and three TTLs",
        policy=lambda: ForgeReset(
            STRIKE,
            flags=RST | ACK,
            copies=({"window": 1980, "ttl": 64}, {"window": 1981, "ttl": 101}, {"window": 1982, "ttl": 83}),
        ),
        cause=Cause("middlebox_reset", "the box", because="no kernel resets three times, from three distances"),
    ),
    _case(
        12,
        "rst-forged-rising",
        "A box on the way sends resets of rising numbers, to hit the window for sure",
        until_gone,
        done="When 8 KB of the body have passed, the box sends four RSTs to either end, with the exact number and 1460,"
        " 2920 and 4380 above it, with the TTL of the end it speaks for.",
        wire_shows="four RSTs bearing the sender's address, the later ones with numbers that the sender never reached",
        policy=lambda: ForgeReset(STRIKE, ttl=None, copies=tuple({"shift": 1460 * n} for n in range(4))),
        cause=Cause("middlebox_reset", "the box", because="a sender never resets at numbers that it has not sent"),
    ),
    _case(
        13,
        "rst-forged-echo",
        "A box on the way turns the appliance's own packet round",
        until_gone,
        done="When 8 KB of the body have passed, the box sends an RST to either end that bears IP ID and window of the"
        " packet that this end had sent last.",
        wire_shows="an RST bearing the sender's address, with the IP ID and the window of a packet of the appliance's own",
        policy=lambda: EchoReset(STRIKE, ttl=60),
        cause=Cause("middlebox_reset", "the box", because="two numbers of the appliance's own packet came back in it"),
    ),
    _case(
        14,
        "router-rejects-both-ways",
        "A router rejects the connection by TCP resets, both ways",
        _rejecting(("to_appliance", "to_sender"), "reset"),
        done="When 8 KB of the body are acknowledged, the near router gets a rule: `reject with tcp reset`, in both"
        " directions. Nothing is sent to the sender any more but by the router.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing; the appliance's 421 draws an RST bearing the sender's address,"
        " with a TTL of 64 where the sender's packets have 61",
        cause=Cause(
            "middlebox_reset", "the near router", because="the 421 is answered by a reset from nearer than the sender"
        ),
        limit=SILENT,
    ),
    _case(
        15,
        "router-rejects-the-answers",
        "A router rejects what the appliance sends, by TCP resets",
        _rejecting(("to_sender",), "reset"),
        done="When 8 KB of the body are acknowledged, the near router gets a rule for what comes from the appliance:"
        " `reject with tcp reset`.",
        wire_shows="the appliance's ACK draws an RST bearing the sender's address at once, with a TTL of 64 where the"
        " sender's packets have 61; the sender goes on",
        cause=Cause("middlebox_reset", "the near router", because="its TTL and its haste show that, and the sender goes on"),
        sessions=(
            Session(
                (Message("router-rejects-the-answers", octets=LONG),),
                script=_rejecting(("to_sender",), "reset"),
                patience=15,
            ),
        ),
    ),
    _case(
        16,
        "router-rejects-by-icmp",
        "A router rejects the connection by ICMP, both ways",
        _rejecting(("to_appliance", "to_sender"), "icmp"),
        done="When 8 KB of the body are acknowledged, the near router gets a rule: `reject with icmp admin-prohibited`, in"
        " both directions.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, each answered by the router's ICMP",
        cause=Cause("path_lost_data", "the near router", because="its ICMP says so, by its own address"),
        limit=SILENT,
    ),
)

DROPS = (
    Case(
        name="silent-drop-in-body",
        title="A box on the way drops everything from the middle of the body on",
        done="When 8 KB of the body have passed, the box drops all packets of the connection, in both directions.",
        client=CLIENT,
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges",
        family="interference",
        sessions=(Session((Message("silent-drop-in-body", octets=LONG),), script=until_gone),),
        policy=lambda: DropFrom(STRIKE),
        path=WAY,
        cause=Cause("path_lost_data", "the box", False, "the box dropped them; from here that looks like any broken path"),
        keep_sender=True,
        first_icid=12020,
        first_mid=3020,
        limit=SILENT,
    ),
    _case(
        17,
        "silent-drop-of-the-body-only",
        "A box on the way drops what the sender sends; the appliance is still heard",
        until_gone,
        done="When 8 KB of the body have passed, the box drops all that comes from the sender. The other way is open.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges",
        policy=lambda: DropFrom(STRIKE, (True,)),
        cause=Cause("path_lost_data", "the box", False, "the box dropped them; from here that looks like any broken path"),
        limit=SILENT,
    ),
    _case(
        18,
        "silent-drop-of-the-answers",
        "A box on the way drops what the appliance sends; the sender is still heard",
        until_gone,
        done="When 8 KB of the body have passed, the box drops all that comes from the appliance. The other way is open.",
        log_says=TIMED_OUT,
        wire_shows="a body that gets no further: the sender sends the same acknowledged octets again, ever more slowly",
        policy=lambda: DropFrom(STRIKE, (False,)),
        cause=Cause(
            "path_lost_data", "the box", because="the sender repeats what was acknowledged: the ACKs are lost on the way"
        ),
        limit=SILENT,
    ),
    _case(
        19,
        "idle-timeout-silent",
        "A firewall forgets a quiet connection and drops what comes after",
        _idle(20, "near"),
        done="The near router tracks connections and forgets them after 10 s (a real one: nftables, conntrack). The"
        " sender says nothing for 20 s between RCPT and DATA.",
        log_says=TIMED_OUT,
        wire_shows="the 250 to RCPT, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges",
        prepare=lambda net: forgetful(net, 10),
        cause=Cause("path_lost_data", "the near router", False, "its DATA was dropped; a sender that says nothing looks alike"),
        limit=SILENT,
    ),
    _case(
        20,
        "idle-timeout-reset",
        "A firewall forgets a quiet connection and resets who speaks on it",
        _idle(20),
        done="The box forgets a connection after 10 s, and answers what comes later by an RST in the other's name. The"
        " sender says nothing for 20 s between RCPT and DATA.",
        log_says=TIMED_OUT,
        wire_shows="the 250 to RCPT, 300 s of nothing; the appliance's 421 draws an RST bearing the sender's address, with"
        " a TTL of 63 where the sender's packets have 61, sooner than the sender could answer",
        policy=lambda: IdleTimeout(10),
        cause=Cause("middlebox_reset", "the box", because="the 421 is answered by a reset from nearer than the sender"),
        limit=SILENT,
    ),
)


def forgetful(net: Any, seconds: int) -> None:
    """The near router becomes a stateful firewall that forgets what is quiet for so long."""
    net.nft(
        "near",
        "table ip firewall {\n chain forward {\n  type filter hook forward priority 0;\n"
        "  ct state established accept\n  ct state new tcp flags & (syn | ack) == syn accept\n  drop\n }\n}\n",
    )
    conntrack = "net.netfilter.nf_conntrack_tcp_"
    net.run("near", "sysctl", "-q", "-w", f"{conntrack}timeout_established={seconds}", f"{conntrack}loose=0")


CASES = RESETS + DROPS
