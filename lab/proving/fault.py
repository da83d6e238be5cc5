"""A fault: one planned breakage of a host, read from its file in lab/faults/.

How one is written, lab.proving.script says. For example::

    # The dialler is stopped, as after a crash that nobody saw.
    # host: sip-1
    # violated: unit-is-active[sip-1-voxdialler]
    # blind:

``violated`` and ``blind`` are what must turn so, and nothing else may: full ids, ``*`` for anything, ``!`` before what is left
out again.

Each fault says what comes of the hints of what turned red. ``follow: mends``: who follows them literally has mended it, and so
the proof does, in place of the script's own mend; ``left``, a function more, takes away what that leaves. ``follow: deploys`` is
the same where one of them is a deploy, which beside another fault would be refused. ``follow: as FAULT``: they have the same
commands as those of that fault, which are followed there. ``follow: by hand, REASON``: no command can mend it. ``fill`` is what a
person knows that no hint can say, a word in a line (``# fill: KEY=vox:x``), and ``edit`` what he does in an editor that a hint
opens: a line of shell about ``$file``.

``waived`` are those that an ``entry`` accepts, and ``noted`` is what the run must say of waivers besides, one thing
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
_BY_HAND, _AS = "by hand, ", "as "
_FOLLOW = {"mends", "deploys"}
KEYS = {"host", "violated", "blind", "waived", "noted", "bake", "deploy", "standing", "entry", "keeps", "cause"}
KEYS |= {"follow", "fill", "edit"}


@dataclass(frozen=True)
class Fault(Script):
    """One fault. ``violated``, ``blind``, ``waived`` and ``noted`` are patterns as written; ``follow`` says how its
    hints mend it, with the words of ``fill`` put in and ``edit`` as the editor; where they do not, ``alike`` is the fault whose
    hints have the same commands, or ``by_hand`` says why nothing is typed.
    """

    violated: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    noted: tuple[str, ...] = ()
    bake: float | None = None
    deploy: str = ""
    standing: tuple[str, ...] = ()
    cause: str = ""
    follow: str = ""
    fill: tuple[tuple[str, str], ...] = ()
    edit: str = ""
    alike: str = ""
    by_hand: str = ""

    @property
    def deploys(self) -> bool:
        """True where its proof deploys, to break it or to mend it."""
        return bool(self.deploy) or self.follow == "deploys"

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
    if "deploy" in said and {"entry", "keeps"} & said.keys():
        what = "deploys, and has an estate of its own"
        raise VoxgateError(what, where=f"lab/faults/{path.name}", hint="a deploy is of the lab as it is")
    follow = " ".join(said.get("follow", "").split())
    alike, by_hand = (follow.removeprefix(word) if follow.startswith(word) else "" for word in (_AS, _BY_HAND))
    if not (alike or by_hand or follow in _FOLLOW) or ({"fill", "edit"} & said.keys() and follow not in _FOLLOW):
        hint = "say follow: mends, deploys, as FAULT, or by hand, REASON"
        raise VoxgateError("follow is not understood", where=f"lab/faults/{path.name}", hint=hint)
    return Fault(
        path.stem,
        about,
        said["host"],
        script,
        said.get("entry", ""),
        tuple(said.get("keeps", "").split()),
        violated=tuple(said.get("violated", "").split()),
        blind=tuple(said.get("blind", "").split()),
        waived=tuple(said.get("waived", "").split()),
        noted=tuple(filter(None, said.get("noted", "").splitlines())),
        bake=float(said["bake"]) if "bake" in said else None,
        deploy=said.get("deploy", "").strip(),
        standing=tuple(said.get("standing", "").split()),
        cause=said.get("cause", "").strip(),
        follow=follow if follow in _FOLLOW else "",
        fill=tuple((word, value) for word, _, value in (one.partition("=") for one in said.get("fill", "").split())),
        edit=said.get("edit", "").strip(),
        alike=alike,
        by_hand=by_hand,
    )


def ids_of(fault: Fault | None = None) -> tuple[str, ...]:
    """The ids of every judgement of the look, or of the deploy, that a fault asks for; without one, of a look at the lab."""
    of_lab = entries.lab_with([fault] if fault else [])
    return judged_ids(of_lab, fault.deploy.partition("=")[0] if fault else "")
