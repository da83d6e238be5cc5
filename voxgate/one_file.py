"""A program that runs on hosts, as one file: the modules of its package, joined.

Such a package has one subject a module. On a host it is one file, which needs nothing but Python >= 3.9 and its standard library.
The same modules make the same bytes, so a file that is installed can be compared by its sha256.

How a module has to look, for that: its docstring, ``from __future__ import annotations``, its imports, and then the rest. Other
modules of the package are imported as ``from PACKAGE.NAME import ..``, and no name at its top level is another module's too.
Tests hold all of that. ``built.py`` of the package calls this, and is no part of the file. ``__init__.py`` says what the file is.
"""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

MARK = "# ---- "
"""With this and a module's name begins its part of the file."""
_FUTURE = "from __future__ import annotations\n"
_OURS = re.compile(r"from voxgate\.(?:\w+\.)*(\w+) import ")
_NO_PART = ("built.py",)


class Parted(NamedTuple):
    """A module in its parts: its imports from outside, the modules of its package that it uses, its text behind both, and how
    many lines stand before that.
    """

    outer: set[str]
    inner: list[str]
    body: str
    before: int


def modules(package: Path) -> list[Path]:
    """The modules of the package in this folder that are joined, by name."""
    return sorted(path for path in package.glob("[a-z]*.py") if path.name not in _NO_PART)


def about(package: Path) -> str:
    """The package's docstring as it stands there, quotes included."""
    return (package / "__init__.py").read_text(encoding="utf-8").strip()


def program(package: Path) -> str:
    """The whole file: what it is, and what it does. It only defines; what calls it stands behind."""
    return f"{about(package)}\n\n{joined(package)}"


def joined(package: Path) -> str:
    """The text of the package's modules, one after the other, those that are used before those that use them, below all of their
    imports. Raises ValueError (a CycleError, where modules use each other).
    """
    parts = {path.stem: parted(path.read_text(encoding="utf-8")) for path in modules(package)}
    order = list(TopologicalSorter({name: sorted(part.inner) for name, part in parts.items()}).static_order())
    if strange := [name for name in order if name not in parts]:
        msg = f"{package.name} uses what is no module of it: {', '.join(strange)}"
        raise ValueError(msg)
    imports = "\n".join(sorted(set().union(*(part.outer for part in parts.values()))))
    return f"{_FUTURE}\n{imports}\n" + "".join(f"\n\n{MARK}{name}.py\n\n{parts[name].body}" for name in order)


def parted(source: str) -> Parted:
    """A module's text in its parts."""
    before, _, rest = source.partition(_FUTURE)
    outer: set[str] = set()
    inner: list[str] = []
    lines = rest.splitlines(keepends=True)
    at = 0
    while at < len(lines) and lines[at].startswith(("import ", "from ", "\n")):
        end = at + 1
        while "".join(lines[at:end]).count("(") > "".join(lines[at:end]).count(")"):
            end += 1
        statement, at = "".join(lines[at:end]), end
        ours = _OURS.match(statement)
        if ours:
            inner.append(ours.group(1))
        elif statement.strip():
            outer.add(statement.rstrip())
    return Parted(outer, inner, "".join(lines[at:]), before.count("\n") + 1 + at)
