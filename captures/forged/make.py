#!/usr/bin/env python3
"""Write the cases that no real stack can be made to send: one pcap, one log and one expected.json each.

    captures/forged/make.py

Standard library only. Every case is one message as far as the middle of its body, or less; then come packets written
by hand (wire.py). A case is a row in devices.py, or in near_misses.py.
"""

from __future__ import annotations

import devices
import near_misses
from case import write

if __name__ == "__main__":
    for number, case in enumerate((*devices.CASES, *near_misses.CASES)):
        write(number, case)
