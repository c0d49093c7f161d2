"""The table of cases. A module a family, each with a tuple `CASES`; a new family is a new module and a line here."""

from __future__ import annotations

from . import aborted, crowd, crowds, finished, interference, other_stack, trouble_cases
from .plan import Case

FAMILIES = (finished, aborted, crowd, interference, other_stack, trouble_cases, crowds)
"""In the order of the table in captures/README.md."""

CASES: dict[str, Case] = {case.name: case for module in FAMILIES for case in module.CASES}
