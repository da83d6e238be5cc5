"""An ordinary thing: what is rightly on a host, and must stay green. Each is a file in lab/ordinary/.

How one is written, lab.proving.script says. For example::

    # A nightly rsync of recordings to a NAS, by cron.
    # host: sip-1
    # common: most hosts that keep recordings
    # entry: [jobs]
    # entry: sip = ["/etc/cron.d/recordings"]
    # without: boot-starts-only-what-is-known[sip-1]

``common`` says where it is met. With what ``entry`` says, all must hold. ``without`` is what is violated where the estate does
not say it, and ``blind`` what is blind then: patterns as a fault's. ``alone`` says why it cannot be looked at with others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.proving.script import LAB, Script, header
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Collection

FOLDER = LAB / "ordinary"
KEYS = {"host", "common", "entry", "without", "blind", "alone", "keeps"}


@dataclass(frozen=True)
class Ordinary(Script):
    """One ordinary thing. ``without`` and ``blind`` are patterns as written."""

    common: str = ""
    without: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    alone: str = ""

    def declared(self, ids: Collection[str]) -> dict[str, str]:
        """Which of ``ids`` do not hold without its entry, and how. Raises VoxgateError for a pattern that names none of them."""
        return self.matching(ids, violated=self.without, blind=self.blind)


def all_ordinary(folder: Path = FOLDER) -> tuple[Ordinary, ...]:
    """Every ordinary thing, by name. Raises VoxgateError for a file that is none."""
    return tuple(read(path) for path in sorted(folder.glob("*.sh")))


def find(name: str) -> Ordinary:
    """One by its name."""
    path = FOLDER / f"{name}.sh"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        raise VoxgateError(f"no ordinary thing {name!r}", where="lab/ordinary", hint="docs/ORDINARY.md lists them")
    return read(path)


def read(path: Path) -> Ordinary:
    """One file. Raises VoxgateError, in one line."""
    about, said, script = header(path, KEYS)
    thing = Ordinary(
        path.stem,
        about,
        said["host"],
        script,
        said.get("entry", ""),
        tuple(said.get("keeps", "").split()),
        common=said.get("common", "").strip(),
        without=tuple(said.get("without", "").split()),
        blind=tuple(said.get("blind", "").split()),
        alone=said.get("alone", "").strip(),
    )
    if not thing.common:
        raise VoxgateError("does not say where it is met", where=f"lab/ordinary/{path.name}", hint="# common: most hosts")
    if bool(thing.entry) is not bool(thing.without or thing.blind):
        what = "says an entry, and not what is wrong without it" if thing.entry else "says what is wrong, and no entry for it"
        raise VoxgateError(what, where=f"lab/ordinary/{path.name}", hint="# entry: and # without: go together")
    return thing
