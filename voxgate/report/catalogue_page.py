"""The catalogue as people read it: what must be true, why, of what, and which faults prove that it can fail."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby

from voxgate.model.invariant import Invariant, Per

WIDTH = 110
HEAD = """\
# The invariants

What *done* means: the gate opens only if each of these was judged on each of its subjects, and holds. This page is made from
the code by `make invariants`; the test beside each sentence is in `suites/`, its docstring is the reason given here.

"""
SUBJECTS = {
    Per.ESTATE: "the estate as a whole",
    Per.HOST: "each host",
    Per.SERVICE: "each service",
    Per.PLACEMENT: "each service on each of its hosts",
    Per.UNIT: "each unit on each host",
    Per.DATABASE: "each database",
    Per.SCHEMA: "each schema; no host is needed",
}


def as_text(catalogue: Sequence[Invariant]) -> str:
    """The whole catalogue for a terminal."""
    lines = []
    for suite, rules in groupby(catalogue, lambda one: one.suite):
        lines += [f"{_title(suite)}  (suites/{suite})", ""]
        for one in rules:
            lines += [f"  {one.name}  [{one.severity}]", f"      of:     {_subjects(one)}", f"      {_waivable(one)}"]
            for title, said in (("why:", _flat(one.reason)), ("faults:", _faults(one))):
                first = f"      {title:<8}"
                lines += textwrap.wrap(
                    said, WIDTH, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False
                )
            lines.append("")
    return "\n".join([*lines, f"{len(catalogue)} invariants"])


def as_markdown(catalogue: Sequence[Invariant]) -> str:
    """The whole catalogue as the page ``docs/INVARIANTS.md``."""
    parts = [HEAD]
    for suite, rules in groupby(catalogue, lambda one: one.suite):
        parts.append(f"## {_title(suite)}\n\n`suites/{suite}`\n\n")
        for one in rules:
            parts.append(f"### {one.name}\n\n**{one.sentence[:1].upper()}{one.sentence[1:]}.** {_flat(one.reason)}\n\n")
            parts.append(f"Judged on {_subjects(one)}; {one.severity}; {_waivable(one)}. Faults: {_faults(one)}.\n\n")
    return "".join(parts).rstrip("\n") + "\n"


def _title(suite: str) -> str:
    """``test_release.py`` -> ``Release``."""
    return suite.removeprefix("test_").removesuffix(".py").replace("_", " ").capitalize()


def _flat(text: str) -> str:
    """A reason in one line."""
    return " ".join(text.split())


def _subjects(one: Invariant) -> str:
    """What it is judged on, in words."""
    services = f" ({', '.join(one.services)})" if one.services else ""
    roles = f" of role {' or '.join(sorted(one.roles))}" if one.roles else ""
    return f"{SUBJECTS[one.per]}{roles}{services}{', in a deploy' if one.deploy else ''}"


def _waivable(one: Invariant) -> str:
    """Whether an estate may accept a violation in writing."""
    return "may be waived" if one.waivable else "cannot be waived"


def _faults(one: Invariant) -> str:
    """The faults that must turn it red."""
    return ", ".join(one.faults) or ("its examples in schemas/examples" if one.per is Per.SCHEMA else "none")
