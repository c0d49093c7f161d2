"""What a capture of the sender's side settles: each case keeps both captures."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from dialogue import Dialogue
from middlebox.devices import RefuseInPlace, Renumber
from middlebox.proxy import intercept
from watched import Unexpected

from .interference import CLIENT, LONG, LOST, SILENT, STRIKE, TIMED_OUT, WAY, as_far_as_data, until_gone_unnoticed
from .plan import Case, Cause, Message, Session, Stop
from .trouble_cases import INSIDE, OUTSIDE, _translate


def _gives_up_through_a_proxy(dialogue: Dialogue) -> None:
    """An ordinary sender that closes in its body; the proxy on the near router passes on all that it says."""
    proxy = str(Path(__file__).resolve().parent.parent / "middlebox" / "proxy.py")
    words = [*dialogue.net.inside("near"), sys.executable, proxy, str(dialogue.work / "proxy.jsonl"), "1000000"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        if child.stdout.readline() != "listening\n":
            raise Unexpected("the proxy did not start")
        as_far_as_data(dialogue)
        dialogue.body(octets=8000)
        dialogue.fin()
        time.sleep(1)
        child.terminate()


def _case(number: int, name: str, title: str, **more: Any) -> Case:
    given: dict[str, Any] = {"client": CLIENT, "path": WAY, "log_says": LOST, "family": "both sides"}
    ids = {"first_icid": 24000 + 10 * number, "first_mid": 9700 + 10 * number}
    letter = (Message(name, octets=LONG),)
    session = Session(letter, script=more.pop("script", None), stop=more.pop("stop", Stop("body", "fin")))
    return Case(name=name, title=title, keep_sender=True, **{**given, **ids, "sessions": (session,), **more})


CASES = (
    _case(
        1,
        "outside-renumbered-and-translated",
        "A firewall gives the connection other sequence numbers and another address, and the sender resets it",
        done="The box shifts all sequence numbers of either end by a figure of its own, as ASA's randomisation does; the far"
        " router translates the sender's address. The sender resets the connection in the middle of the body.",
        wire_shows="an RST bearing the translated address; in sender.pcap the same packets with other numbers",
        stop=Stop("body", "rst"),
        policy=Renumber,
        nat=((OUTSIDE, INSIDE),),
        prepare=_translate,
    ),
    _case(
        2,
        "outside-refused-by-a-device",
        "A content filter on the way refuses in the appliance's name and resets the sender only",
        script=until_gone_unnoticed,
        done="When 8 KB of the body have passed, the box sends the sender `541 5.4.1 Content blocked` and an RST in the"
        " appliance's name, and drops all that follows of either.",
        log_says=TIMED_OUT,
        wire_shows="a body that stops, 300 s of nothing, the appliance's 421 and FIN, which nobody acknowledges; the 541 is"
        " in sender.pcap",
        policy=lambda: RefuseInPlace(STRIKE),
        cause=Cause("middlebox_reset", "the box", False, "nothing of it reached the appliance"),
        limit=SILENT,
    ),
    _case(
        3,
        "outside-proxy-passes-on",
        "A proxy on the way passes on that the sender closed in the body",
        script=_gives_up_through_a_proxy,
        done="The near router hands the connection to a proxy, which opens another to the appliance with the sender's"
        " address and port and passes on all that is said. The sender closes in the middle of the body.",
        wire_shows="a whole connection of the proxy's, and its FIN; the sender's own is in sender.pcap",
        prepare=intercept,
    ),
)
