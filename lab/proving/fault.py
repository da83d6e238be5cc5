"""A fault: one planned breakage of a host, read from its file in lab/faults/.

A file is a shell script with a header and three functions: ``inject`` breaks, ``landed`` says by another path than the gate's
that it is broken, ``mend`` puts it right. The header's first lines say what it is, then come lines ``# key: value``::

    # The dialler is stopped, as after a crash that nobody saw.
    # host: sip-1
    # violated: unit-is-active[sip-1-voxdialler]
    # blind:

``host`` is where the functions run, as root; ``machine`` is this machine. ``violated`` and ``blind`` are what must turn so, and
nothing else may: full ids, ``*`` for anything, ``!`` before what is left out again. ``bake`` is a longer time between the two
looks in seconds, ``deploy`` what is deployed in place of a mere look, ``standing`` what of it that deploy lets stand: full ids.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lab import estate
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.contracts.schemas import names as schema_names
from voxgate.errors import VoxgateError
from voxgate.model.invariant import expected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

FOLDER = Path(__file__).resolve().parent.parent / "faults"
MACHINE = "machine"
KEYS = {"host", "violated", "blind", "bake", "deploy", "standing"}
FUNCTIONS = ("inject", "landed", "mend")
_WORD = re.compile(r"[A-Za-z0-9_@][A-Za-z0-9_.@-]{3,}")
_COMMON = frozenset(
    _WORD.findall(
        "inject landed mend grep true false echo null local then done while until else elif test exit printf exec until_true "
        "detached lives ended python3 import print from systemctl daemon-reload restart start stop reload is-active mkdir touch "
        "chmod chown install sleep case esac return bash open write read time"
    )
)
_LINE = re.compile(r"# ?(?:([a-z]+):(?: +(.*))?|(.*))")


@dataclass(frozen=True)  # no slots: what follows from its script is worked out once
class Fault:
    """One fault. ``violated`` and ``blind`` are patterns as written; ``script`` is the whole file."""

    name: str
    about: str
    host: str
    violated: tuple[str, ...]
    blind: tuple[str, ...]
    script: str
    bake: float | None = None
    deploy: str = ""
    standing: tuple[str, ...] = ()

    @cached_property
    def code(self) -> str:
        """Its script without comments."""
        return "\n".join(line for line in self.script.splitlines() if not line.startswith("#"))

    @cached_property
    def touched(self) -> frozenset[str]:
        """The hosts that it touches: its own, or for what runs on this machine each that its script names."""
        if self.host != MACHINE:
            return frozenset({self.host})
        return frozenset({MACHINE, *(host.name for host in estate.hosts() if re.search(rf"\b{host.name}\b", self.code))})

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of its script that are no common ones: files, units, ports, settings."""
        return frozenset(_WORD.findall(self.code)) - _COMMON

    def declared(self, ids: Collection[str]) -> dict[str, str]:
        """Which of ``ids`` must not hold, and how. Raises VoxgateError for a pattern that names none of them."""
        violated = self._matching("violated", self.violated, ids)
        blind = self._matching("blind", self.blind, ids)
        both = sorted(violated & blind)
        if both:
            raise VoxgateError("is declared violated and blind", where=self.name, why=both[0])
        found = {**dict.fromkeys(violated, "violated"), **dict.fromkeys(blind, "blind")}
        if not found:
            raise VoxgateError("names no invariant", where=self.name, hint="a fault that nothing sees proves nothing")
        return dict(sorted(found.items()))

    def _matching(self, key: str, patterns: Iterable[str], ids: Collection[str]) -> set[str]:
        found: set[str] = set()
        for pattern in patterns:
            word = re.escape(pattern.removeprefix("!")).replace(r"\*", ".*")
            matched = {one for one in ids if re.fullmatch(word, one)}
            if not matched:
                raise VoxgateError(f"{key}: no invariant is called {pattern}", where=self.name, hint="pytest --collect-only -q")
            found = found - matched if pattern.startswith("!") else found | matched
        return found


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
    where, script = f"lab/faults/{path.name}", path.read_text("utf-8")
    said: dict[str, str] = {}
    about: list[str] = []
    key = ""
    for line in script.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            break
        if found[1]:
            key = found[1]
            if key not in KEYS or key in said:
                raise VoxgateError(f"unknown or double key {key!r}", where=where, why=f"there are {', '.join(sorted(KEYS))}")
            said[key] = found[2] or ""
        elif key:
            said[key] += f" {found[3].strip()}"  # a value that goes on in the next line
        else:
            about.append(found[3].strip())
    known = {host.name for host in estate.hosts()} | {MACHINE}
    if said.get("host") not in known:
        raise VoxgateError(f"no host {said.get('host')!r}", where=where, why=f"there are {', '.join(sorted(known))}")
    if not " ".join(about).strip():
        raise VoxgateError("does not say what it breaks", where=where)
    lost = [name for name in FUNCTIONS if not re.search(rf"^{name}\(\)", script, re.MULTILINE)]
    if lost:
        raise VoxgateError(f"has no {lost[0]}()", where=where)
    return Fault(
        path.stem,
        " ".join(about).strip(),
        said["host"],
        tuple(said.get("violated", "").split()),
        tuple(said.get("blind", "").split()),
        script,
        float(said["bake"]) if "bake" in said else None,
        said.get("deploy", "").strip(),
        tuple(said.get("standing", "").split()),
    )


def judged_ids(fault: Fault | None = None) -> tuple[str, ...]:
    """The ids of every judgement that a look at the lab makes, and those of the deploy that a fault asks for."""
    services = fault.deploy.partition("=")[0] if fault else ""
    of_lab = load_estate("lab")
    deploying = {one.name for one in of_lab.services} if services == "all" else {services} if services else set()
    return tuple(one.id for one in expected(read_catalogue(), of_lab, schema_names(), deploying=frozenset(deploying)))


def rule_of(identity: str) -> str:
    """The invariant's name of a judgement's id: ``unit-is-active[sip-1-voxdialler]`` -> ``unit-is-active``."""
    return identity.partition("[")[0]
