"""The packages of a ``uv.lock``, read by a process of its own: TOML can be written so that nobody gets to its end.

Started as a file, with the lock on stdin, and alone: only what comes with Python is imported. It ends where it needs more than
its limits, and whoever started it ends it too.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

_SECONDS = 5  # of processor time, for the reader of a lock
_MEMORY = 1 << 30  # bytes
_SHORT = 12  # letters of a commit, as it is told
_TOLD = 200  # characters of what is wrong with a lock
_OWN = frozenset({"editable", "virtual", "directory"})  # sources that are the repository itself


def packages(text: str) -> list[list[str]]:
    """Name and version of each package that the lock pins, as often as it does; of one from git with its commit. Those that are
    the repository's own are none. Raises ValueError for what is no lock.
    """
    import tomllib  # noqa: PLC0415 - read with limits only

    document: dict[str, Any] = tomllib.loads(text)
    rows = document.get("package", [])
    if not isinstance(rows, list):
        msg = "package is no list"
        raise ValueError(msg)  # noqa: TRY004 - as what TOML itself refuses
    found = []
    for row in rows:
        source = row.get("source", {}) if isinstance(row, dict) else None
        if not isinstance(source, dict) or not isinstance(row.get("name"), str):
            msg = "a package has no name"
            raise ValueError(msg)  # noqa: TRY004 - the same
        if _OWN.isdisjoint(source):
            version, commit = row.get("version", ""), str(source.get("git", "")).rpartition("#")[2][:_SHORT]
            found.append([row["name"], f"{version} @{commit}" if "git" in source else str(version)])
    return found


def main() -> int:
    """The lock on stdin, its packages on stdout as JSON; what is wrong with it on stderr, in a line."""
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    try:
        print(json.dumps(packages(sys.stdin.buffer.read().decode("utf-8"))))  # noqa: T201 - this is its output
    except (ValueError, RecursionError, MemoryError, AttributeError) as error:
        print(" ".join(str(error).split())[:_TOLD] or type(error).__name__, file=sys.stderr)  # noqa: T201 - the same
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
