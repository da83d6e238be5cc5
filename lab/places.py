"""Where the lab keeps things on this machine."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RECIPE = ROOT / "lab" / "recipe"
SERVICES = ROOT / "lab" / "services"
RELEASES = ROOT / "lab" / "releases"
UNITS = ROOT / "hosts" / "units"

# There is one lab a network namespace (its addresses are fixed), so lock and state are the machine's, not the cache's.
# VOXGATE_LAB names a second one, for a shell that lives in a network namespace of its own.
NAME = "-".join(("voxgate-lab", *filter(str.isalnum, (os.environ.get("VOXGATE_LAB", ""),))))
RUN = Path("/run") / NAME
LOCK = RUN / "lock"
STATE = RUN / "state.json"

# Inside the cell, whose /run is a tmpfs of its own.
CELL_HOSTS = Path("/run/hosts")


def cache() -> Path:
    """The lab's folder in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "voxgate" / "lab"


def cache_lock() -> Path:
    """Held by whoever makes something in that folder."""
    return cache() / "lock"


def broken() -> Path:
    """What scripts put into this lab, a name a line; no such file where there is nothing."""
    return RUN / "broken"


def layers() -> Path:
    """The cached layers of the image."""
    return cache() / "layers"


def identity() -> Path:
    """The key that logs in as deploy."""
    return cache() / "id_ed25519"


def known_hosts() -> Path:
    """The host keys of the lab, by address."""
    return cache() / "known_hosts"


def canaries() -> Path:
    """The secrets planted in the hosts: host -> key -> value."""
    return cache() / "canaries.json"


def log(name: str) -> Path:
    """The log file of a host or of a step, its folder made."""
    folder = cache() / "log"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"
