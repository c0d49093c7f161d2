#!/usr/bin/env python3
"""Compare two runs of the lab: do the same cases have the same endings?

    captures/lab/compare.py captures OTHER

Ports, frame numbers and times differ from run to run, and among twenty connections at once the numbers fall
differently. What must not differ is how many messages ended in which way. Exits with 1 when something does.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

STORY = ("claim", "verdict", "kind", "by", "why", "stage", "turn")


def story(expected: Path) -> Counter[tuple[str | None, ...]]:
    """The endings of a case, without what is new in every run."""
    told = json.loads(expected.read_text(encoding="utf-8"))
    return Counter(tuple(case[key] for key in STORY) for case in told["cases"] + told["finished"])


def main() -> int:
    """Compare the case folders of two directories."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    one, other = ({p.parent.name: story(p) for p in Path(name).glob("*/expected.json")} for name in sys.argv[1:])
    different = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    for name in sorted(one.keys() | other.keys()):
        print(f"{name}: {'DIFFERENT' if name in different else 'same'}, {sum(one.get(name, {}).values())} messages")
    return 1 if different or not one else 0


if __name__ == "__main__":
    sys.exit(main())
