"""The packages that a lock file pins, whatever a repository wrote into it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from voxgate.contracts import uv_lock
from voxgate.contracts.json_strict import loads
from voxgate.errors import CommandUnknown, ContractError
from voxgate.transport import local

LOCKS = ("uv.lock", "package-lock.json")
"""Lock files at the top of a repository, as an installation reads them."""

LOCK_AT_MOST = 8 << 20
"""Bytes of one lock file: some ten times as much as a large one has."""

_DEADLINE = 5.0
_ANSWER_AT_MOST = 64 << 20


def packages_in(lock: str, body: bytes) -> dict[str, str]:
    """Each package's name to its version, or to its versions in order where a lock has several. Raises ContractError for a lock
    that is too long, is none, or takes too long to read; an empty one has none.
    """
    if not body:
        return {}
    if len(body) > LOCK_AT_MOST:
        raise ContractError(f"it is more than {LOCK_AT_MOST >> 20} MB", where=lock)
    found: dict[str, set[str]] = {}
    for name, version in _of_uv(lock, body) if lock.endswith("uv.lock") else _of_npm(lock, body):
        found.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _of_uv(lock: str, body: bytes) -> Iterator[tuple[str, str]]:
    try:
        done = local.run([sys.executable, "-I", "-S", uv_lock.__file__], deadline=_DEADLINE, stdin=body)
    except CommandUnknown as error:
        raise ContractError("it cannot be read to its end", where=lock, why=error.line) from None
    if done.exit_status != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        if not said:  # ended by its limits
            raise ContractError("it cannot be read to its end", where=lock, why="it took too much to read it")
        raise ContractError("it is no lock that can be read", where=lock, why=said[0])
    yield from ((name, version) for name, version in loads(done.stdout, where=lock, limit=_ANSWER_AT_MOST))


def _of_npm(lock: str, body: bytes) -> Iterator[tuple[str, str]]:
    """By its ``packages`` (npm 7 and later), else by its ``dependencies``."""
    document = loads(body, where=lock, limit=LOCK_AT_MOST)
    if not isinstance(document, Mapping):
        raise ContractError("it is no lock that can be read", where=lock, why="no JSON object")
    packages = document.get("packages")
    if isinstance(packages, Mapping):
        for path, row in packages.items():
            _, installed, name = path.rpartition("node_modules/")
            if installed and isinstance(row, Mapping) and not row.get("link"):
                yield name, str(row.get("version", ""))
        return
    left: list[Any] = [document.get("dependencies")]
    while left:
        rows = left.pop()
        for name, row in rows.items() if isinstance(rows, Mapping) else ():
            if isinstance(row, Mapping):
                yield name, str(row.get("version", ""))
                left.append(row.get("dependencies"))
