"""The table of cases. A module a family, each with a tuple `CASES`; a new family is a new module and a line here."""

from __future__ import annotations

from . import (
    aborted,
    appliance,
    both_sides,
    clients,
    crowd,
    debug_logs,
    delivered_out,
    delivered_under_tls,
    crowds,
    domain_debug_logs,
    encrypted,
    endings,
    finished,
    interference,
    other_stack,
    path,
    postfix_server,
    rewriting,
    seldom_met,
    stack_resets,
    trouble_cases,
    wrong_log,
)
from .plan import Case

FAMILIES = (
    finished,
    aborted,
    crowd,
    endings,
    appliance,
    clients,
    wrong_log,
    encrypted,
    postfix_server,
    other_stack,
    debug_logs,
    domain_debug_logs,
    interference,
    rewriting,
    both_sides,
    path,
    seldom_met,
    delivered_out,
    delivered_under_tls,
    stack_resets,
    trouble_cases,
    crowds,
)
"""In the order of the table in captures/README.md."""

CASES: dict[str, Case] = {case.name: case for module in FAMILIES for case in module.CASES}
