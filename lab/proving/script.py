"""What the scripts in lab/faults/ and lab/ordinary/ are read from: a header, and three functions.

``inject`` puts something on a host, ``landed`` says by another path than the gate's that it is there, ``mend`` takes it away. The
header's first lines say what it is, then come lines ``# key: value``; a value goes on in lines that begin with more blanks.
``host`` is where the functions run, as root; ``machine`` is this machine. ``entry`` lines, one below the other, are TOML that the
estate says beside its own; ``keeps`` names the proxies whose files its hosts/proxies keeps (lab.proving.entries).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from lab import estate
from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.schemas import names as schema_names
from voxgate.errors import VoxgateError
from voxgate.model.invariant import expected

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from voxgate.model.estate import Estate

LAB = Path(__file__).resolve().parent.parent
MACHINE = "machine"
FUNCTIONS = ("inject", "landed", "mend")
_ENTRY = "entry"
_LINES = {_ENTRY, "noted", "fill"}
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
class Script:
    """One of them. ``script`` is the whole file, ``entry`` what its estate says besides, ``keeps`` of which proxies it keeps the
    files.
    """

    name: str
    about: str
    host: str
    script: str
    entry: str = ""
    keeps: tuple[str, ...] = ()

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

    def matching(self, ids: Collection[str], **verdicts: Iterable[str]) -> dict[str, str]:
        """Which of ``ids`` the patterns of each verdict say: ``*`` for anything, ``!`` before what is left out again. Raises
        VoxgateError for a pattern that names none of them, and for an id that two of them say.
        """
        found: dict[str, str] = {}
        for verdict, patterns in verdicts.items():
            for one in self._matching(verdict, patterns, ids):
                if one in found:
                    raise VoxgateError(f"is declared {found[one]} and {verdict}", where=self.name, why=one)
                found[one] = verdict
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


def header(path: Path, keys: Collection[str] | None) -> tuple[str, dict[str, str], str]:
    """One file: what it is, what its header says by key (of ``keys``, or whatever it says), and the whole of it.
    Raises VoxgateError, in one line.
    """
    where, script = f"lab/{path.parent.name}/{path.name}", path.read_text("utf-8")
    said: dict[str, str] = {}
    about: list[str] = []
    key = ""
    for line in script.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            break
        if found[1]:
            key = found[1]
            if (keys and key not in keys) or (key in said and key not in _LINES):
                why = f"there are {', '.join(sorted(keys or ()))}"
                raise VoxgateError(f"unknown or double key {key!r}", where=where, why=why)
            said[key] = f"{said[key]}\n{found[2] or ''}" if key in said else found[2] or ""
        elif key:
            said[key] += f" {found[3].strip()}"  # a value that goes on in the next line
        else:
            about.append(found[3].strip())
    known = {host.name for host in estate.hosts()} | {MACHINE}
    if said.get("host") not in known:
        raise VoxgateError(f"no host {said.get('host')!r}", where=where, why=f"there are {', '.join(sorted(known))}")
    if not " ".join(about).strip():
        raise VoxgateError("does not say what it does", where=where)
    lost = [name for name in FUNCTIONS if not re.search(rf"^{name}\(\)", script, re.MULTILINE)]
    if lost:
        raise VoxgateError(f"has no {lost[0]}()", where=where)
    return " ".join(about).strip(), said, script


def is_name(name: str) -> bool:
    """True for the name of a script that is there."""
    return bool(_files(name))


def _files(name: str) -> list[Path]:
    paths = [LAB / folder / f"{name}.sh" for folder in ("faults", "ordinary")]
    return [path for path in paths if re.fullmatch(r"[a-z0-9-]+", name) and path.is_file()]


def by_name(name: str) -> Script:
    """The script of that name, of either kind. Raises VoxgateError if there is none."""
    found = _files(name)
    if not found:
        raise VoxgateError(f"no script {name!r}", where="lab/faults, lab/ordinary", hint="uv run lab faults lists the faults")
    about, said, script = header(found[0], None)
    return Script(name, about, said["host"], script, said.get(_ENTRY, ""), tuple(said.get("keeps", "").split()))


def judged_ids(of_lab: Estate, services: str = "") -> tuple[str, ...]:
    """The ids of every judgement that a look at the lab makes, and those of a deploy of ``services``: one by name, or ``all``."""
    deploying = {one.name for one in of_lab.services} if services == "all" else {services} if services else set()
    return tuple(one.id for one in expected(read_catalogue(), of_lab, schema_names(), deploying=frozenset(deploying)))


def rule_of(identity: str) -> str:
    """The invariant's name of a judgement's id: ``unit-is-active[sip-1-voxdialler]`` -> ``unit-is-active``."""
    return identity.partition("[")[0]
