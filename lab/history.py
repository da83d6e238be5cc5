"""What is on the forge: for each service a history that is the same, commit for commit, each time it is made.

On ``main``: a good release, a bad one, a good one (its head). On ``hotfix/unreviewed``, not on main: one more. The tree
of ``lab/services/<repository>`` is the head; ``lab/releases/<repository>/<tag>`` holds the files in which a release
differs.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lab import places
from lab.commands import run
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

AUTHOR = "vox release <release@vox.example>"
LEFT_OUT = {".git", ".venv", "node_modules", "dist", ".env", ".vite", ".DS_Store"}
LEFT_OUT |= {"__pycache__", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
MAIN = "main"
UNREVIEWED = "hotfix/unreviewed"


@dataclass(frozen=True, slots=True)
class Release:
    """One tag: where it stands, when it was made, what is said of it."""

    day: str
    branch: str
    message: str

    def tag(self, repository: str) -> str:
        """Its name."""
        return f"{repository}-{self.day.replace('-', '.')}-1"

    @property
    def when(self) -> str:
        """Its time, as git writes it."""
        return f"{_seconds(self.day)} +0000"


RELEASES = (
    Release("2026-06-22", MAIN, "first release on the new hosts"),
    Release("2026-06-23", MAIN, "second release"),
    Release("2026-06-24", MAIN, "third release"),
    Release("2026-06-25", UNREVIEWED, "hotfix, made at night and seen by nobody"),
)


@contextmanager
def repositories(names: Iterable[str], origin: str) -> Iterator[Path]:
    """A folder with ``<name>.git``, the forge's bare repository, and ``<name>``, a clone with nothing checked out.

    The clone names `origin`/<name>.git as where it came from. The folder is gone at the end.
    """
    draft = places.RUN / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in names:
        make(name, draft / f"{name}.git")
        _git("clone", "--quiet", "--no-checkout", f"file://{draft}/{name}.git", draft / name)
        _git("-C", draft / name, "remote", "set-url", "origin", f"{origin}/{name}.git")
    yield draft
    shutil.rmtree(draft)


def make(repository: str, bare: Path) -> None:
    """Make the bare repository at `bare`, with all branches and tags."""
    base = places.SERVICES / repository
    if not base.is_dir():
        raise VoxgateError("no sources", where=f"lab/services/{repository}")
    _git("init", "--quiet", "--bare", f"--initial-branch={MAIN}", bare)
    _git("--git-dir", bare, "fast-import", "--quiet", "--done", stdin=b"".join(stream(repository)))


def stream(repository: str) -> Iterator[bytes]:
    """The history as `git fast-import` reads it."""
    base = files(places.SERVICES / repository)
    for release in RELEASES:
        tag = release.tag(repository)
        changed = places.RELEASES / repository / tag
        tree = base | (files(changed) if changed.is_dir() else {})
        yield f"commit refs/heads/{release.branch}\nmark :{release.day[-2:]}\n".encode()
        yield f"author {AUTHOR} {release.when}\ncommitter {AUTHOR} {release.when}\n".encode()
        yield _bytes(f"{repository}: {release.message}\n".encode())
        if release.branch == UNREVIEWED:
            yield b"from :24\n"
        yield b"deleteall\n"
        for name in sorted(tree):
            yield f"M {_mode(tree[name])} inline {_quoted(name)}\n".encode() + _bytes(_content(tree[name]))
        yield f"tag {tag}\nfrom :{release.day[-2:]}\ntagger {AUTHOR} {release.when}\n".encode()
        yield _bytes(f"{tag}\n".encode())
    yield b"done\n"


def files(top: Path) -> dict[str, Path]:
    """The files below `top` that belong into a repository, by their path in it."""
    found: dict[str, Path] = {}
    for folder, below, names in os.walk(top):
        below[:] = sorted(name for name in below if name not in LEFT_OUT)
        here = top.__class__(folder)
        found.update({str((here / name).relative_to(top)): here / name for name in names if name not in LEFT_OUT})
    return found


def _git(*words: str | Path, stdin: bytes | None = None) -> None:
    """Git as it comes, whatever the user's own configuration says."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    run(["git", *words], stdin=stdin, env=env)


def _mode(path: Path) -> str:
    if path.is_symlink():
        return "120000"
    return "100755" if path.stat().st_mode & 0o100 else "100644"


def _content(path: Path) -> bytes:
    return str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()


def _bytes(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _seconds(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T09:00:00").replace(tzinfo=UTC).timestamp())
