"""The table of cases. A module a family, each with a tuple `CASES`; a new family is a new module and a line here."""

from __future__ import annotations

from . import aborted, crowd, finished
from .plan import Case

CASES: dict[str, Case] = {case.name: case for module in (finished, aborted, crowd) for case in module.CASES}
