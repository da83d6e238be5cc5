"""What an estate says besides: the ``entry`` lines of scripts, put into the lab's own estate file.

Tables are joined, and so are lists. Two entries that say other things at one place cannot stand together. What the lab's own
estate says there is replaced by the entry of one script, which stands with no other. ``{in N days}`` is that day's date, so that
what ends some day can be written. Where a script says so (``keeps: nginx haproxy``) that estate has hosts/proxies too, with the
files as the lab's hosts have them from the beginning.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomlkit

from lab import furnish, places
from lab.estate import hosts as hosts_of_lab
from voxgate.contracts.estates import load_estate
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.proving.script import Script
    from voxgate.model.estate import Estate

LAB = places.ROOT / "hosts" / "lab.toml"
_DAY = re.compile(r"\{in (-?[0-9]+) days\}")


def lab_with(scripts: Iterable[Script]) -> Estate:
    """The lab's estate, with what these scripts' entries say. Raises VoxgateError where they cannot stand together."""
    some = tuple(scripts)
    if not any(one.entry or one.keeps for one in some):
        return load_estate("lab", LAB.parent)
    with tempfile.TemporaryDirectory(prefix="voxgate-entries-") as folder:
        hosts = Path(folder) / LAB.parent.name
        for name in {name for one in some for name in one.keeps}:
            keep(hosts / "proxies" / LAB.stem, name)
        return load_estate(str(write(hosts / LAB.name, some)))


def keep(folder: Path, name: str) -> None:
    """Write the files of ``nginx`` or ``haproxy``, as API hosts have them, where an estate keeps them."""
    for place, said in files_of(name).items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_bytes(said)


def files_of(name: str) -> dict[Path, bytes]:
    """The files of ``nginx`` or ``haproxy`` as API hosts have them from the beginning, by their paths below /etc."""
    recipe = places.RECIPE / "roles" / "api" / "etc"
    files = {path.relative_to(recipe): path.read_bytes() for path in (recipe / name).rglob("*") if path.is_file()}
    if name == "haproxy":
        files[Path("haproxy/haproxy.cfg")] = furnish.haproxy(hosts_of_lab()).encode()
    return files


def write(path: Path, scripts: Iterable[Script]) -> Path:
    """The same as a file."""
    document = tomllib.loads(LAB.read_text("utf-8"))
    some = tuple(scripts)
    for one in filter(lambda one: one.entry, some):
        join(document, parsed(one), one.name, may_replace=len(some) == 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(tomlkit.dumps(document), "utf-8")
    return path


def parsed(script: Script) -> dict[str, Any]:
    """What its entry says. Raises VoxgateError for what is no TOML."""
    today = datetime.now(UTC).date()
    text = _DAY.sub(lambda found: (today + timedelta(days=int(found[1]))).isoformat(), script.entry)
    try:
        return tomllib.loads(text)
    except ValueError as error:
        raise VoxgateError("its entry is not valid TOML", where=script.name, why=str(error)) from None


def join(document: dict[str, Any], more: Mapping[str, Any], who: str, place: str = "", *, may_replace: bool = False) -> None:
    """Put ``more`` into ``document``. Raises VoxgateError where both say something, not the same, and it may not be replaced."""
    for key, value in more.items():
        there, where = document.get(key), f"{place}.{key}" if place else key
        match there, value:
            case None, _:
                document[key] = deepcopy(value)
            case dict(), dict():
                join(there, value, who, where, may_replace=may_replace)
            case list(), list():
                there += [deepcopy(one) for one in value if one not in there]
            case _ if may_replace:
                document[key] = value
            case _ if there != value:
                raise VoxgateError(f"{where} is {there!r} already", where=who, why=f"its entry says {value!r}")
