"""Nothing is wrong with the mail's way, but with what was kept of it: captures and logs as support gets to see them.

Most cases have the same three connections, so that each trouble is measured on a delivery, a FIN and a QUIT.
"""

from __future__ import annotations

import time
from datetime import datetime

from dialogue import Dialogue
from topology import Topology
from trouble import (
    both,
    clock_off,
    cooked,
    cut_start,
    cut_when,
    daylight_saving_ends,
    drop_where,
    fin_of_sender,
    from_sender,
    grep_for_mid,
    gzipped,
    log_moved,
    log_without_head,
    lose_body,
    only,
    quit_of_sender,
    rotated,
    snaplen,
    start_when,
    syslog,
    two_interfaces,
    vlan_and_parent,
)

from .plan import Case, Cause, Message, Session, Stop

USUAL = "One message is delivered; of a second the client closes in the body; with a third it says QUIT before DATA."

SMTPLIB = "Python's smtplib; for the FIN in the body its socket by hand."

USUAL_LOG = "a delivery; `lost` and `Receiving aborted`; `Receiving aborted by sender`"

ENDED = (("kind", "capture_ended"), ("by", None), ("verdict", "undetermined"))
"""What must be said when the capture does not hold the end."""

OUTSIDE, INSIDE = "192.0.2.10", "203.0.113.1"
"""The sender before and behind the router that translates its address."""


def _usual(name: str) -> tuple[Session, ...]:
    """A delivery, a FIN in the body, a QUIT before DATA, of one host, overlapping."""
    letters = [
        Message(f"{name}-{n}", f"{who}@example.net", (f"{to}@example.com",), f"Letter {n}", octets)
        for n, who, to, octets in ((1, "anna", "bert", 3000), (2, "carla", "dora", 12_000), (3, "emil", "frida", 1200))
    ]
    return (
        Session((letters[0],), start=0.0, pause=0.15),
        Session((letters[1],), Stop("body", "fin"), start=0.25, pause=0.15),
        Session((letters[2],), Stop("rcpt", "quit"), start=0.5, pause=0.15),
    )


def _one(name: str, at: str, by: str, octets: int = 12_000) -> tuple[Session, ...]:
    return (Session((Message(name, octets=octets),), Stop(at, by)),)  # type: ignore[arg-type]


def _body_then_late_fin(dialogue: Dialogue) -> None:
    """Some seconds between the last octet and the FIN."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()
    dialogue.body()
    time.sleep(6)
    dialogue.fin()


def _fin_over_the_change(dialogue: Dialogue) -> None:
    """As long as the clocks need to be put back."""
    dialogue.connect()
    dialogue.ehlo()
    dialogue.mail()
    dialogue.rcpt()
    dialogue.data()
    time.sleep(3)
    dialogue.body()
    dialogue.fin()


def _translate(net: Topology) -> None:
    net.nft(
        "far",
        "table ip nat {\n chain post {\n type nat hook postrouting priority 100;\n"
        f" oifname eth1 snat to {INSIDE}\n }}\n}}\n",
    )


def _case(name: str, number: int, **given: object) -> Case:
    base: dict[str, object] = {
        "done": USUAL,
        "client": SMTPLIB,
        "log_says": USUAL_LOG,
        "family": "trouble",
        "sessions": _usual(name),
        "first_icid": 15000 + 20 * number,
        "first_mid": 6000 + 20 * number,
    }
    return Case(name=name, **{**base, **given})  # type: ignore[arg-type]


DAYLIGHT_SAVING = (
    Session(
        (Message("daylight-saving-1", "anna@example.net", ("bert@example.com",), "The last letter of summer", 1500),)
    ),
    Session(
        (Message("daylight-saving-2", "carla@example.net", ("dora@example.com",), octets=6000),),
        script=_fin_over_the_change,
        start=0.5,
    ),
    Session(
        (Message("daylight-saving-3", "emil@example.net", ("frida@example.com",), "The first of winter", 1500),),
        start=2.0,
    ),
    Session((Message("daylight-saving-4", "gerd@example.net", ("hanna@example.com",)),), Stop("rcpt", "quit"), start=5),
)

CHANGE = daylight_saving_ends("From: <emil@example.net>", datetime(2026, 10, 25, 1), 7200)
"""As Central Europe does it: 03:00 becomes 02:00 at 01:00 UTC."""

CASES = (
    # The capture does not hold everything
    _case(
        "capture-starts-late",
        0,
        title="The capture starts when the connection is already greeted",
        done="The client closes in the body; the capture lacks the first six frames: handshake, greeting and the start of"
        " EHLO.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a dialogue without its beginning, the sender's FIN in the body",
        sessions=_one("capture-starts-late", "body", "fin"),
        trouble=cut_start(6),
    ),
    _case(
        "capture-starts-in-body",
        1,
        title="The capture starts in the middle of the body",
        done="The client closes in the body; the capture begins with a frame of that body.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="lines of text to port 25 and the sender's FIN; no command at all",
        sessions=_one("capture-starts-in-body", "body", "fin", 30_000),
        trouble=start_when(lambda data: from_sender(data, words=b"Line 9 of a letter")),
    ),
    _case(
        "capture-ends-before-abort",
        2,
        title="The capture ends six seconds before the abort",
        done="The client sends part of a body, waits six seconds and closes; the capture stops just before the FIN.",
        log_says="`lost`, `Receiving aborted`, six seconds after the last frame",
        wire_shows="part of a body, then nothing: the file ends",
        sessions=(Session((Message("capture-ends-before-abort", octets=12_000),), script=_body_then_late_fin),),
        trouble=cut_when(fin_of_sender),
        expected=ENDED,
        cause=Cause("sender_closed", "the sender", False, "the capture ends before the connection does"),
    ),
    _case(
        "capture-ends-behind-fin",
        3,
        title="The capture ends with the sender's FIN",
        done="The client closes in the body; its FIN is the last frame of the capture, which nobody acknowledges there.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="the sender's FIN as the last frame",
        sessions=_one("capture-ends-behind-fin", "body", "fin"),
        trouble=cut_when(fin_of_sender, keep=True),
    ),
    _case(
        "capture-ends-behind-quit",
        4,
        title="The capture ends with the sender's QUIT",
        done="The client says QUIT before DATA; that is the last frame of the capture.",
        log_says="`Receiving aborted by sender`",
        wire_shows="QUIT as the last frame, no 221",
        sessions=_one("capture-ends-behind-quit", "rcpt", "quit"),
        trouble=cut_when(quit_of_sender, keep=True),
    ),
    _case(
        "snaplen-96",
        5,
        title="Only 96 octets of each frame were kept",
        wire_shows="every frame, most of them cut: addresses may be missing, lengths are not",
        trouble=snaplen(96),
    ),
    _case(
        "frames-lost-in-body",
        6,
        title="The capture lost four frames in the middle of the body",
        done="The client closes in the body. Four frames of that body are missing in the capture; the appliance had and"
        " acknowledged them.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a body with a hole that was acknowledged, the sender's FIN",
        sessions=_one("frames-lost-in-body", "body", "fin", 30_000),
        trouble=lose_body(5, 8),
    ),
    _case(
        "frames-lost-with-fin",
        7,
        title="The capture lost the frame with the sender's FIN",
        done="The client closes in the body. The frame with its FIN is missing in the capture, so that the appliance's"
        " FIN, its answer to it, is the first.",
        log_says="`lost`, `Receiving aborted`",
        wire_shows="a body without its end, then the appliance's FIN, which acknowledges one more than was seen",
        sessions=_one("frames-lost-with-fin", "body", "fin"),
        trouble=drop_where(lambda _, __, data: fin_of_sender(data)),
        expected=ENDED,
        cause=Cause("sender_closed", "the sender", False, "the frame that shows it is missing"),
    ),
    _case(
        "frames-lost-with-quit",
        8,
        title="The capture lost the frame with QUIT",
        done="The client says QUIT before DATA. That frame is missing in the capture; the 221 is there.",
        log_says="`Receiving aborted by sender`",
        wire_shows="six octets that are missing, the appliance's 221, FIN from both ends",
        sessions=_one("frames-lost-with-quit", "rcpt", "quit"),
        trouble=drop_where(lambda _, __, data: quit_of_sender(data)),
        cause=Cause("sender_quit", "the sender", because="a 221 answers nothing but QUIT (RFC 5321 section 4.2.3)"),
    ),
    # The capture looks different
    _case(
        "pcapng-two-interfaces",
        9,
        title="One pcapng of two interfaces, one for each direction",
        wire_shows="frames of each connection on two interfaces",
        trouble=two_interfaces(),
        captures=("wire.pcapng",),
    ),
    _case(
        "cooked-any",
        10,
        title="Captured on `any`: Linux cooked, version 1",
        wire_shows="frames with a cooked header in place of Ethernet's",
        trouble=cooked(1),
    ),
    _case(
        "cooked-any-2",
        11,
        title="Captured on `any`: Linux cooked, version 2",
        wire_shows="frames with a cooked header in place of Ethernet's",
        trouble=cooked(2),
    ),
    _case(
        "vlan-and-parent",
        12,
        title="Captured on a VLAN and its parent at once",
        wire_shows="every frame twice, once with a tag: no retransmissions",
        trouble=vlan_and_parent(),
    ),
    _case(
        "offloads-on",
        13,
        title="Captured with the offloads on",
        wire_shows="frames longer than any on a wire, checksums not filled in",
        offloads=True,
        unchecked=("size", "checksum"),
    ),
    _case(
        "ipv6",
        14,
        title="The same over IPv6",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA, over IPv6",
        ipv6=True,
    ),
    _case(
        "gzipped",
        15,
        title="The capture is packed with gzip",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA",
        trouble=gzipped(),
        captures=("wire.pcap.gz",),
    ),
    _case(
        "rotated-in-four",
        16,
        title="The capture is rotated in four files, in the middle of connections",
        wire_shows="connections that go on in the next file",
        trouble=rotated(4),
        captures=tuple(f"wire_{part}.pcap" for part in range(4)),
    ),
    # The log looks different
    _case(
        "log-in-another-zone",
        17,
        title="The log's zone is UTC-6, and its head says so",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA",
        trouble=log_moved(-25200, -21600),
    ),
    _case(
        "log-in-a-zone-told",
        18,
        title="The log's zone is UTC-6, its head is missing, and the zone is told on the command line",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA",
        trouble=both(log_moved(-25200), log_without_head()),
        arguments=("--utc-offset=-0600",),
    ),
    _case(
        "log-in-a-zone-untold",
        19,
        title="The log's zone is UTC-6, and nothing says so",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA; envelopes that nobody else has",
        trouble=both(log_moved(-25200), log_without_head()),
    ),
    _case(
        "clocks-off-by-seven-minutes",
        20,
        title="The capture's clock is seven minutes ahead of the log's",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA, 420 s later than the log has them",
        trouble=clock_off(420),
    ),
    _case(
        "daylight-saving-ends",
        21,
        title="Daylight saving ends inside the log",
        done="One message is delivered before the clocks are put back, one after it; of a third the client closes in the"
        " body, with the change in between; with a fourth it says QUIT, after it. Capture and log are moved to the night"
        " of the change.",
        log_says="a head that names UTC+2, and stamps that jump from 02:59:59 to 02:00:00",
        wire_shows="two deliveries, a FIN in the body and a QUIT before DATA within seconds",
        sessions=DAYLIGHT_SAVING,
        trouble=CHANGE,
    ),
    _case(
        "daylight-saving-ends-zone-told",
        22,
        title="Daylight saving ends inside the log, and the zone is told by its name",
        done="As in daylight-saving-ends; the command line names the zone.",
        log_says="a head that names UTC+2, and stamps that jump from 02:59:59 to 02:00:00",
        wire_shows="two deliveries, a FIN in the body and a QUIT before DATA within seconds",
        sessions=DAYLIGHT_SAVING,
        trouble=CHANGE,
        arguments=("--utc-offset=Europe/Berlin",),
    ),
    _case(
        "syslog-copy",
        23,
        title="The log is a copy by syslog",
        log_says=f"without a year: {USUAL_LOG}",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA",
        trouble=syslog(),
    ),
    _case(
        "grep-for-the-mid",
        24,
        title="Of the log there is only what `grep` found of one MID",
        done=f"{USUAL} The log holds the lines of the second message only, and no line of its connection.",
        log_says="`Receiving aborted` for one MID; no address, no `lost`, no head",
        wire_shows="three connections, one of which has this envelope and ends by a FIN in the body",
        trouble=grep_for_mid(6481),
        arguments=("--utc-offset=+0100",),
    ),
    # The way looks different
    _case(
        "nat-between",
        25,
        title="A router translates the sender's address",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA, from the router's address",
        nat=((OUTSIDE, INSIDE),),
        prepare=_translate,
    ),
    _case(
        "nat-captured-outside",
        26,
        title="A router translates the sender's address, and the capture is from its outside",
        done=f"{USUAL} The capture is that of the sender's interface.",
        log_says=f"{USUAL_LOG}, all from the router's address",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA, from an address that the log does not know",
        nat=((OUTSIDE, INSIDE),),
        prepare=_translate,
        keep_sender=True,
        trouble=only("sender.pcap"),
        captures=("sender.pcap",),
        arguments=("--map", f"{INSIDE}={OUTSIDE}"),
    ),
    _case(
        "filter-tcp-port-25",
        27,
        title="Captured with the filter `tcp port 25`",
        wire_shows="a delivery, a FIN in the body and a QUIT before DATA, and nothing else",
        capture_filter="tcp port 25",
    ),
)
