"""The catalogue as people read it: what must be true, why, of what, and which faults prove that it can fail."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import groupby

from voxgate.model.counting import counted
from voxgate.model.invariant import Guards, Invariant, Per

WIDTH = 110
HEAD = """\
# The invariants

What *done* means: the gate opens only if each of these was judged on each of its subjects, and holds. This page is made from
the code by `make invariants`; the test beside each sentence is in `suites/`, its docstring is the reason given here.

An estate may accept a violation in writing, until a day (`[[waived]]`), but of what guards

"""
GUARDED = {
    Guards.DIALLERS: "how many there are, where, and what they do: two over-dial real people. Nothing else that is judged of"
    " a dialler can be waived either",
    Guards.RELEASES: "which code runs, from what, that it came through the gate, and how it is once it runs",
    Guards.SECRETS: "what strangers could read: settings, what is served beside the build, the stores",
    Guards.PEOPLE: "what callers, and those who are called, meet at once: calls without media, calls that are sent nowhere,"
    " somebody else's data",
    Guards.EVIDENCE: "what the gate's own word rests on: who could change what it looks at, and how it reads pages",
}

AFTER = """
and of a rule that stops at the first thing that it finds: the others would hide behind a waiver of that one.

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
    return "\n".join([*lines, counted(len(catalogue), "invariant")])


def as_markdown(catalogue: Sequence[Invariant]) -> str:
    """The whole catalogue as the page ``docs/INVARIANTS.md``."""
    parts = [HEAD, *(f"* **{guards}**: {what};\n" for guards, what in GUARDED.items()), AFTER]
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
    """Whether an estate may accept a violation in writing, and why not."""
    return f"cannot be waived: {one.kept}" if one.kept else "may be waived"


def _faults(one: Invariant) -> str:
    """The faults that must turn it red."""
    return ", ".join(one.faults) or ("its examples in schemas/examples" if one.per is Per.SCHEMA else "none")
