"""The flows of a capture, just as far as frame numbers need them."""

from __future__ import annotations

from pathlib import Path

import pcap
from pcap import MASK, Segment


class Flow:
    """One TCP connection by its sender's end, with its segments in the order of the capture."""

    def __init__(self, client: str) -> None:
        self.client = client
        self.sent: list[Segment] = []
        self.answers: list[Segment] = []

    def fin(self) -> int | None:
        """The sender's first FIN. A lost one that came again is cited by the copy that arrived."""
        return next((s.frame for s in self.sent if s.flags & pcap.FIN), None)

    def last_words(self) -> int | None:
        """The sender's last segment with octets."""
        return next((s.frame for s in reversed(self.sent) if s.payload), None)

    def reset(self) -> int | None:
        """The RST bearing the sender's address that took effect: the first whose number was exactly the next due."""
        due: int | None = None
        ahead: dict[int, Segment] = {}
        for segment in self.sent:
            if due is None:
                due = segment.end
                continue
            if segment.flags & pcap.RST:
                if segment.seq == due:
                    return segment.frame
                continue
            ahead[segment.seq] = max(ahead.get(segment.seq, segment), segment, key=lambda s: s.length)
            moved = True
            while moved:
                moved = False
                for waiting in list(ahead.values()):
                    behind = (due - waiting.seq) & MASK
                    if behind < 1 << 31:
                        del ahead[waiting.seq]
                        if (waiting.end - due) & MASK < 1 << 31:
                            moved, due = True, waiting.end
        return None

    def said(self, words: bytes) -> int | None:
        """The last segment in which the sender said just this; of several copies of it the first."""
        last = next((s.seq for s in reversed(self.sent) if s.payload.upper().endswith(words)), None)
        return next((s.frame for s in self.sent if s.seq == last and s.payload.upper().endswith(words)), None)

    def answered(self, words: bytes) -> int | None:
        """The appliance's segment with these words."""
        return next((s.frame for s in self.answers if words in s.payload), None)

    def closed(self) -> int | None:
        """How the appliance closed: its 421, else its first FIN or RST."""
        said = [s.frame for s in self.answers if s.payload.startswith(b"421 ")]
        ended = [s.frame for s in self.answers if s.flags & (pcap.FIN | pcap.RST)]
        return (said + ended or [None])[0]


def flows(path: Path, port: int = 0) -> dict[str, Flow]:
    """The flows of a capture by `ip:port` of who opened them."""
    known: dict[str, Flow] = {}
    for segment in pcap.segments(path):
        if segment.source in known or (segment.target not in known and _is_client(segment)):
            known.setdefault(segment.source, Flow(segment.source)).sent.append(segment)
        else:
            known.setdefault(segment.target, Flow(segment.target)).answers.append(segment)
    return known


def _is_client(segment: Segment) -> bool:
    ports = [int(end.rpartition(":")[2]) for end in (segment.source, segment.target)]
    return ports[0] > ports[1]
