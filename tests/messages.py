"""``docs/MESSAGES.md``: what each rule says where something is not in order, and what it says to do.

From the changed looks that the tests of the rules judge. So whoever met a message can look it up; and each change of a word, a
hint or an entry is a line of a page that is read before it lands.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.unit.suites import (
    test_all_at_once,
    test_at_the_edge,
    test_each_message,
    test_edge_of_hosts,
    test_edge_of_pages,
    test_edge_of_services,
    test_front,
    test_judging,
    test_people,
)
from tests.unit.suites.conftest import Case, as_it_is
from voxgate.model.verdict import Judgement

PAGE = Path(__file__).resolve().parents[1] / "docs" / "MESSAGES.md"
LONGEST = 600  # letters of one text: a few cases find thousands of things
HEAD = """\
# What each rule says

Made by `make docs` from the looks that the tests of the rules judge, each with something changed on a lab that held: for each
rule what it found, and what it says to do. Where an estate may say that it is meant, the entry for that is the last of it; below
stands what a draft of the estate has beside that entry. A rule that is blind could not be judged.
"""


def page() -> str:
    """All of them, by rule."""
    said: dict[str, dict[str, None]] = defaultdict(dict)
    for one in judged(as_it_is()):
        said[one.invariant]["\n".join(_lines(one))] = None
    parts = [f"\n## {rule}\n\n" + "\n".join(rows) + "\n" for rule, rows in sorted(said.items())]
    return HEAD + "".join(parts)


def judged(green: Case) -> Iterator[Judgement]:
    """What is not in order in each of the changed looks, of the rules that it was changed for."""
    for change, rule, _, _ in test_each_message.CASES.values():
        yield from change(green).judgements([rule])
    for change, key, _ in test_all_at_once.CASES.values():
        yield from change(green).judgements([key.partition("[")[0]])
    for module in (test_at_the_edge, test_edge_of_pages, test_edge_of_services, test_edge_of_hosts):
        for change, rule in module.CASES.values():
            yield from change(green).judgements([rule])
    for change, keys in test_judging.CASES.values():
        yield from change(green).judgements({key.partition("[")[0] for key in keys})
    for change, keys, _ in test_front.CASES.values():
        yield from change(test_front.as_people(green)).judgements({key.partition("[")[0] for key in keys})
    for wanted, other, key, _ in test_people.WRONG.values():
        yield from test_people.other(green, wanted, other).judgements([key.partition("[")[0]])


def _lines(one: Judgement) -> Iterator[str]:
    yield f"* {one.verdict}: {_short(one.found)}"
    if one.advice:
        yield f"  * do: {_short(one.advice)}"
    yield from (f"  * beside the entry: {_short(entry.about)}" for entry in one.entries if entry.about)


def _short(text: str) -> str:
    """One line of it, as it is: a cut one says so."""
    line = " / ".join(filter(None, map(str.strip, text.splitlines())))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]} .."


if __name__ == "__main__":
    sys.stdout.write(page())
