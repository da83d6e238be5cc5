"""Where things are: what comes with voxgate, and what a project keeps of its own."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent


@cache
def bundled(name: str) -> Path:
    """``suites``, ``schemas`` or ``hosts`` as they come with voxgate: inside the package where it was installed from a wheel,
    beside it in a checkout.
    """
    inside = _PACKAGE / "data" / name
    return inside if inside.is_dir() else _CHECKOUT / name


def is_project(folder: Path) -> bool:
    """True for a folder with estates: ``hosts/*.toml``."""
    return any((folder / "hosts").glob("*.toml"))


def project(*starts: Path) -> Path:
    """The project whose estates, suites and reports are meant: the first with ``hosts/*.toml`` on the way up from each of
    ``starts`` (default: the current folder). From elsewhere (``uv run --project DIR``) it is the folder of the environment that
    runs, then the checkout of voxgate itself. Where there is none, it is the first of ``starts``.
    """
    begun = [start.resolve() for start in starts or (Path.cwd(),)]
    ways = [folder for start in begun for folder in (start, *start.parents)]
    return next((one for one in (*ways, Path(sys.prefix).parent, _CHECKOUT) if is_project(one)), begun[0])


def suites_of(root: Path) -> tuple[Path, ...]:
    """The folders of suites that count in a project: those that come with voxgate, and the project's own."""
    ours, own = bundled("suites"), (root / "suites").resolve()
    return (ours, own) if own.is_dir() and own != ours.resolve() else (ours,)
