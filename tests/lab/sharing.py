"""Sessions that share the tests of a lab, each with a lab of its own: whoever is free takes what nobody has taken.

``VOXGATE_SHARED`` names the folder in which they say what they took; without it a session runs all that it was given. A drill is
taken alone, of the other tests a module: these may build on each other. Each session passes by everything, so that nothing is
left out where all of them end well. With ``TURN=2/3`` there is only a part of it to be taken.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest

from lab.proving.turn import Turn
from voxgate.errors import VoxgateError

FOLDER = "VOXGATE_SHARED"
ALWAYS = ("test_shapes.py", "test_gate.py")
"""Modules that are run in each turn: a deploy, a look and a way back, from beginning to end."""

LONG = ("test_jenkins.py", "test_standing.py", "test_ordinary_accounts.py", "test_since_done.py", "test_attest.py")
"""Modules that take longest: they are shared out first, so that no turn has all of them."""

_IS_MINE = pytest.StashKey[bool]()


class Whichever(pytest.Item):
    """The next test of a session that does not know yet which that will be: all that it needs is what the whole session has."""

    def runtest(self) -> None:
        """It is never run."""
        raise NotImplementedError


def takes(folder: Path, part: str, who: str) -> bool:
    """Whether ``who`` has this part, or is the first to ask for it."""
    path = folder / hashlib.sha256(part.encode()).hexdigest()
    draft = path.with_suffix(f".{who}")
    draft.write_text(who)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return path.read_text() == who
    finally:
        draft.unlink()
    return True


def taken(folder: Path) -> dict[str, int]:
    """How many parts each of them took."""
    return dict(Counter(path.read_text() for path in folder.iterdir()))


def turn_of_this_run() -> Turn:
    """What ``TURN`` says. Raises UsageError for what is no turn."""
    try:
        return Turn.read(os.environ.get("TURN", ""))
    except VoxgateError as error:
        raise pytest.UsageError(error.text) from None


def modules_of(turn: Turn, names: Collection[str]) -> set[str]:
    """Of the modules of a lab, by the names of their files, those whose turn it is."""
    long = [name for name in LONG if name in names]
    others = sorted(set(names).difference(ALWAYS, long))
    return {*turn.of(long), *turn.of(others), *(name for name in ALWAYS if name in names)}


def part_of(item: pytest.Item) -> str:
    """What is taken with it."""
    return item.nodeid if item.path.parent.name == "drills" else item.nodeid.partition("::")[0]


def run_or_leave(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """As ``pytest_runtest_protocol``: run it, unless it is another session's."""
    folder = os.environ.get(FOLDER)
    if folder is None or _IS_MINE in item.stash:
        return None
    if takes(Path(folder), part_of(item), os.environ.get("VOXGATE_LAB", "")):
        item.stash[_IS_MINE] = True
        if nextitem is None or part_of(nextitem) != part_of(item):
            # Another session may take all the rest of this module, so nothing of that is kept for the next one.
            nextitem = Whichever.from_parent(item.session, name="whichever is next")
        item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
    return True
