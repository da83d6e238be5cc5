"""Which commit this process was started from, read from the files of the checkout.

There is no git here: the process runs as another user than the owner of the checkout, and git
refuses that. Ask once, when the process starts: later the checkout may be a newer one.
"""

import re
from pathlib import Path

UNKNOWN = "unknown"
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DEEPEST_REF = 5


def read_commit(checkout: Path) -> str:
    """Return the commit that HEAD of `checkout` stands on, or `UNKNOWN` when it cannot be read."""
    git = checkout / ".git"
    try:
        return _resolve(git, (git / "HEAD").read_text(encoding="ascii").strip(), _DEEPEST_REF)
    except (OSError, ValueError):
        return UNKNOWN


def _resolve(git: Path, value: str, depth: int) -> str:
    if _COMMIT.fullmatch(value):
        return value
    if not value.startswith("ref: refs/") or ".." in value or depth == 0:
        return UNKNOWN
    ref = value.removeprefix("ref: ")
    loose = git / ref
    if loose.is_file():
        return _resolve(git, loose.read_text(encoding="ascii").strip(), depth - 1)
    return _packed(git / "packed-refs", ref)


def _packed(packed_refs: Path, wanted: str) -> str:
    for line in packed_refs.read_text(encoding="utf-8").splitlines():
        commit, _, ref = line.partition(" ")
        if ref == wanted and _COMMIT.fullmatch(commit):
            return commit
    return UNKNOWN
