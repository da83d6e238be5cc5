"""A fault: one planned breakage of a host, read from its file in lab/faults/.

How one is written, lab.proving.script says. For example::

    # The dialler is stopped, as after a crash that nobody saw.
    # host: sip-1
    # violated: unit-is-active[sip-1-voxdialler]
    # blind:

``violated`` and ``blind`` are what must turn so, and nothing else may: full ids, ``*`` for anything, ``!`` before what is left
out again. ``waived`` are those that an ``entry`` accepts, and ``noted`` is what the run must say of waivers besides, one thing
a line (``*`` as above). ``bake`` is a longer time between the two looks in seconds, ``deploy`` what is deployed in place of a
mere look, ``standing`` what of it that deploy lets stand: full ids. ``cause`` is what the first cause that the terminal tells
must say, and it must say what to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.proving import entries
from lab.proving.script import LAB, Script, header, judged_ids
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

FOLDER = LAB / "faults"
KEYS = {"host", "violated", "blind", "waived", "noted", "bake", "deploy", "standing", "entry", "cause"}


@dataclass(frozen=True)
class Fault(Script):
    """One fault. ``violated``, ``blind``, ``waived`` and ``noted`` are patterns as written."""

    violated: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    bake: float | None = None
    deploy: str = ""
    standing: tuple[str, ...] = ()
    cause: str = ""

    def declared(self, ids: Collection[str]) -> dict[str, str]:
        """Which of ``ids`` must not hold, and how. Raises VoxgateError for a pattern that names none of them."""
        found = self.matching(ids, violated=self.violated, blind=self.blind, waived=self.waived)
        if not found:
            raise VoxgateError("names no invariant", where=self.name, hint="a fault that nothing sees proves nothing")
        return found

    def unsaid(self, notes: Iterable[str]) -> list[str]:
        """Which of ``noted`` none of ``notes`` is."""
        words = {one: re.compile(re.escape(one).replace(r"\*", ".*")) for one in self.noted}
        said = tuple(notes)
        return [one for one, word in words.items() if not any(word.fullmatch(note) for note in said)]


def all_faults(folder: Path = FOLDER) -> tuple[Fault, ...]:
    """Every fault, by name. Raises VoxgateError for a file that is none."""
    return tuple(read(path) for path in sorted(folder.glob("*.sh")))


def find(name: str) -> Fault:
    """One fault by its name."""
    path = FOLDER / f"{name}.sh"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.exists():
        raise VoxgateError(f"no fault {name!r}", where="lab/faults", hint="uv run lab faults lists them")
    return read(path)


def read(path: Path) -> Fault:
    """One file. Raises VoxgateError, in one line."""
    about, said, script = header(path, KEYS)
    if "deploy" in said and "entry" in said:
        raise VoxgateError("deploys, and has an entry", where=f"lab/faults/{path.name}", hint="a deploy is of the lab as it is")
    return Fault(
        path.stem,
        about,
        said["host"],
        script,
        said.get("entry", ""),
        violated=tuple(said.get("violated", "").split()),
        blind=tuple(said.get("blind", "").split()),
        waived=tuple(said.get("waived", "").split()),
        noted=tuple(filter(None, said.get("noted", "").splitlines())),
        bake=float(said["bake"]) if "bake" in said else None,
        deploy=said.get("deploy", "").strip(),
        standing=tuple(said.get("standing", "").split()),
        cause=said.get("cause", "").strip(),
    )


def ids_of(fault: Fault | None = None) -> tuple[str, ...]:
    """The ids of every judgement of the look, or of the deploy, that a fault asks for; without one, of a look at the lab."""
    of_lab = entries.lab_with([fault] if fault else [])
    return judged_ids(of_lab, fault.deploy.partition("=")[0] if fault else "")
