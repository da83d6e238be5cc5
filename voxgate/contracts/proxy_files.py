"""The files of nginx's and HAProxy's configuration that a team keeps: ``hosts/proxies``, by estate and host where they differ."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from voxgate.errors import EstateError
from voxgate.model.estate import Host
from voxgate.model.kept_file import KeptFile
from voxgate.model.nearest import nearest
from voxgate.model.service import Role

PROXIES = ("nginx", "haproxy")
"""The folders below /etc whose files may be kept."""

_LARGEST = 4 * 1024 * 1024  # bytes: of a larger one a host tells no hash


def kept_files(beside: Path, estate: str, estates: Iterable[str], hosts: Iterable[Host]) -> dict[str, tuple[KeptFile, ...]]:
    """What each API host of ``estate`` must have, by its name. In ``proxies`` of ``beside``, the folder of the estate's file:
    ``nginx/..`` and ``haproxy/..`` are of every estate there, ``<estate>/nginx/..`` of one, ``<estate>/<host>/nginx/..`` of one
    host. A file of the narrower folder stands for the one of the same path in the wider; names that begin with a dot are passed
    over. ``estates`` are all that there may be folders for.

    Raises EstateError for a folder that is for nothing: what stands there would be expected nowhere.
    """
    top = beside / "proxies"
    if not top.is_dir():
        return {}
    # As it is written from the project's own folder, where a hint is typed.
    shown = Path("hosts/proxies") if beside.name == "hosts" else top
    serving = [host for host in hosts if Role.API in host.roles]
    _judge_folders(top, {*PROXIES, *estates, estate}, "an estate", shown)
    own = top / estate
    _judge_folders(own, {*PROXIES, *(host.name for host in serving)}, "an API host of it", shown / estate)
    found = {}
    for host in serving:
        files = {}
        for folder in (top, own, own / host.name):
            for path in _files(folder, shown / folder.relative_to(top)):
                place = "/etc" / path.relative_to(folder)
                files[str(place)] = KeptFile(str(place), _sha256(path), str(shown / path.relative_to(top)))
        found[host.name] = tuple(files[place] for place in sorted(files))
    return found


def _judge_folders(folder: Path, known: set[str], what: str, shown: Path) -> None:
    """Raises EstateError if a folder there is none of the known ones."""
    there = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    for name in (one for one in there if one not in known and not one.startswith(".")):
        near = nearest(name, sorted(known))
        hint = f"did you mean {near}?" if near else "docs/ESTATES.md says how files of proxies are kept"
        raise EstateError(f"is neither {what} nor {' nor '.join(PROXIES)}", where=f"{shown / name}/", hint=hint)


def _files(folder: Path, shown: Path) -> Iterator[Path]:
    """Every file below the folders of the proxies. Raises EstateError for a link to a folder: what is in it would be missing."""
    for proxy in PROXIES:
        for above, folders, names in os.walk(folder / proxy):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for link in (name for name in folders if (Path(above) / name).is_symlink()):
                raise EstateError("is a link to a folder", where=str(shown / (Path(above) / link).relative_to(folder)))
            yield from (Path(above) / name for name in sorted(names) if not name.startswith("."))


def _sha256(path: Path) -> str:
    """The hash of one. Raises EstateError where it cannot be read, or is too large."""
    try:
        said = path.read_bytes()
    except OSError as error:
        raise EstateError("cannot be read", where=str(path), why=error.strerror or str(error)) from None
    if len(said) > _LARGEST:
        raise EstateError(f"is larger than {_LARGEST} bytes", where=str(path), why="of such a file no host tells a hash")
    return hashlib.sha256(said).hexdigest()
