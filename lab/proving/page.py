"""docs/FAULTS.md: made from the headers of the faults and the catalogue, so that it cannot be out of date for long."""

from __future__ import annotations

from lab.proving.fault import Fault, all_faults, ids_of
from lab.proving.script import rule_of
from voxgate.contracts.catalogue import read_catalogue

HEAD = """\
# The faults

Made by `make docs`; do not edit. Each fault breaks one lab host in one way. `make faults` proves for each: all
held before, it landed (asked by another path), exactly these invariants turned exactly so, it was mended, all holds again.
`uv run lab break FAULT` and `uv run lab mend` do it by hand.

Each hint is followed too: the proof types its commands where it says, as whoever was woken by it would, in place of the script's
own mend, and the lab must hold after that. Where hints of several faults have the same commands, they are typed for one of them,
and compared for the others. Where no command can mend it, the last column says why.

![the matrix](faults.svg)
"""


def page() -> str:
    """The whole page."""
    faults = all_faults()
    declared = {fault.name: fault.declared(ids_of(fault)) for fault in faults}
    by: dict[str, list[str]] = {}
    for fault in faults:
        for rule in dict.fromkeys(rule_of(one) for one, verdict in declared[fault.name].items() if verdict != "waived"):
            by.setdefault(rule, []).append(fault.name)
    lines = [
        HEAD,
        f"## {len(faults)} faults",
        "",
        "| fault | on | what it breaks | violated | blind, or waived | who follows its hints |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(fault, declared[fault.name]) for fault in faults]
    lines += ["", "## What makes each invariant fail", "", "| invariant | faults |", "|---|---|"]
    for one in read_catalogue():
        if one.suite != "test_contracts.py":
            lines.append(f"| {one.name} | {', '.join(by.get(one.name, ['**none**']))} |")
    return "\n".join(lines) + "\n"


def _row(fault: Fault, declared: dict[str, str]) -> str:
    red, dark, waived = (_rules(declared, verdict) for verdict in ("violated", "blind", "waived"))
    green = "; ".join(filter(None, (dark, waived and f"waived: {waived}")))
    return f"| `{fault.name}` | {fault.host} | {fault.about} | {red} | {green} | {_followed(fault)} |"


def _followed(fault: Fault) -> str:
    """What comes of its hints."""
    if fault.by_hand:
        return f"by hand: {fault.by_hand}"
    return f"has mended it, as for `{fault.alike}`" if fault.alike else "has mended it"


def _rules(declared: dict[str, str], verdict: str) -> str:
    """The invariants with that verdict, by name; on what, where that is one thing only."""
    by: dict[str, list[str]] = {}
    for one, found in declared.items():
        if found == verdict:
            by.setdefault(rule_of(one), []).append(one)
    return ", ".join(ids[0] if len(ids) == 1 else f"{rule} ({len(ids)})" for rule, ids in by.items())
