"""The sender: walks the sessions of one case, and writes down what it did and when.

Runs inside the sender's namespace, each session in a process of its own, so that one can be killed.

    client.py CASE EVENTS --prefix PREFIX
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from pathlib import Path

from cases import CASES
from cases.plan import Case, Session
from dialogue import Dialogue
from events import Recorder
from topology import Network


def walk(dialogue: Dialogue) -> None:
    """Deliver all messages but the last, bring the last one as far as it shall get, and stop there."""
    session, stop = dialogue.session, dialogue.session.stop
    if stop.at == "connect":
        dialogue.connect(greeted=False)
    else:
        dialogue.connect(implicit=dialogue.case.listener.tls == "implicit")
        if stop.at != "greeting":
            dialogue.ehlo()
            if session.tls:
                dialogue.starttls()
        for number in range(len(session.messages)):
            last = number == len(session.messages) - 1
            _hand_over(dialogue, number, stop.at if last else "between")
    {"quit": dialogue.quit, "fin": dialogue.fin, "rst": dialogue.rst, "silence": dialogue.silence}[stop.by]()


def _hand_over(dialogue: Dialogue, number: int, until: str) -> None:
    """Walk one message to the stage `until`, which `between` means: all the way."""
    steps = ("mail", "rcpt", "data", "body", "end_of_data", "between")
    if until not in steps:
        return
    for step in steps[: steps.index(until) + 1]:
        if step == "mail":
            dialogue.mail(number)
        elif step == "rcpt":
            dialogue.rcpt()
        elif step == "data":
            dialogue.data()
        elif step == "body" and until == "body":
            dialogue.body()
        elif step == "end_of_data":
            dialogue.dot(250 if until == "between" else None)


def play(case: Case, session: Session, recorder: Recorder, net: Network, work: Path) -> int:
    """One session. Returns 0, or 1 with the failure on standard error."""
    try:
        time.sleep(session.start)
        (session.script or walk)(Dialogue(case, session, recorder, net, work))
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def main() -> int:
    """All sessions of a case at once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("events", type=Path)
    parser.add_argument("--prefix", required=True, help="of the namespaces")
    given = parser.parse_args()
    recorder, case = Recorder(given.events), CASES[given.case]
    children = []
    for session in case.sessions:
        child = os.fork()
        if not child:
            os._exit(play(case, session, recorder, Network(given.prefix), given.events.parent))
        children.append(child)
    failed = 0
    for child in children:
        status = os.waitpid(child, 0)[1]
        # A client that shall be killed kills itself: it has said so in its events.
        failed += not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL) and status != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
