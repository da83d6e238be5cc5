"""What lies between two commits, as the gate's own mirror has it."""

from __future__ import annotations

from dataclasses import dataclass

from voxgate.errors import ContractError
from voxgate.model.content import NAME_AT_MOST, SUBJECT_AT_MOST, Commit, Commits, Files, bounded
from voxgate.model.release import is_commit
from voxgate.transport.clients.git import Mirror

_FIELDS = 4
# git itself cuts the two that have no end: a subject may be of any length.
_FORMAT = f"%H%x00%at%x00%<({2 * NAME_AT_MOST},trunc)%an%x00%<({2 * SUBJECT_AT_MOST},trunc)%s"


@dataclass(frozen=True, slots=True)
class Changed:
    """The files that differ between two commits: how many, and the paths of those at the top of the repository."""

    files: Files
    top: frozenset[str]


def commits_between(mirror: Mirror, since: str, until: str, most: int) -> Commits:
    """The commits of ``until`` that are not ``since``'s: how many, and the newest ``most`` of them. Raises ContractError where
    the mirror does not have both.
    """
    between = "..".join(_checked(since, until))
    count = int(mirror.said("rev-list", "--count", between))
    if not count:
        return Commits()
    said = mirror.said("log", f"--max-count={most}", "-z", f"--format=tformat:{_FORMAT}", between)
    words = said.decode("utf-8", "replace").split("\0")[:-1]
    rows = [words[at : at + _FIELDS] for at in range(0, len(words), _FIELDS)]
    if any(len(row) != _FIELDS or not row[1].lstrip("-").isdecimal() for row in rows):
        raise ContractError("the mirror's history cannot be read", where=mirror.url)
    shown = [Commit(commit, bounded(subject, SUBJECT_AT_MOST), bounded(author), int(at)) for commit, at, author, subject in rows]
    return Commits(count, tuple(shown))


def files_between(mirror: Mirror, since: str, until: str) -> Changed:
    """The files that differ; one that was moved is one deleted and one added. As ``commits_between``."""
    words = mirror.said("diff-tree", "-r", "-z", "--no-renames", "--name-status", *_checked(since, until)).split(b"\0")[:-1]
    signs, paths = words[0::2], words[1::2]
    files = Files(signs.count(b"A"), len(signs) - signs.count(b"A") - signs.count(b"D"), signs.count(b"D"))
    return Changed(files, frozenset(path.decode("utf-8", "replace") for path in paths if b"/" not in path))


def _checked(*commits: str) -> tuple[str, ...]:
    """They, if each is a full commit id: nothing else becomes an argument of git."""
    for commit in commits:
        if not is_commit(commit):
            raise ContractError(f"{commit!r} is no commit id")
    return commits
