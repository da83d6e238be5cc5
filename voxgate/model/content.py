"""What a release brings: the commits, files, packages and settings between what ran and what is to run.

A repository has a say in all names and subjects here. Whoever makes these nouns bounds them and makes them visible (``bounded``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from voxgate.errors import visible
from voxgate.model.counting import counted
from voxgate.redaction.shortening import beginning

_IN_A_LINE = 5  # settings

SHOWN = 50
"""Commits, packages and settings that are told by name, each; of more it is told how many there are."""

NAME_AT_MOST, SUBJECT_AT_MOST = 100, 200
"""Characters of one name or version, and of one subject."""


def bounded(text: str, most: int = NAME_AT_MOST) -> str:
    """Somebody else's words in one line, with what cannot be seen shown, and no longer than ``most`` (and `` ...``)."""
    said = visible(" ".join(text[: 4 * most].split()))
    return said if len(said) <= most else f"{beginning(said, most)} ..."


class Direction(StrEnum):
    """How the release that is to run stands to the one that ran: ``first`` where none did, ``same`` for the same commit,
    ``apart`` where neither is an ancestor of the other, ``unknown`` where the repository cannot say.
    """

    FIRST = "first"
    SAME = "same"
    FORWARD = "forward"
    BACK = "back"
    APART = "apart"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit, as its author wrote it; ``at`` is when, epoch seconds, ``url`` where a person reads it, empty if not known."""

    commit: str
    subject: str
    author: str
    at: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class Commits:
    """How many there are, and the newest of them."""

    count: int = 0
    shown: tuple[Commit, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """How many files are added, changed and deleted."""

    added: int = 0
    changed: int = 0
    deleted: int = 0

    @property
    def count(self) -> int:
        """All of them."""
        return self.added + self.changed + self.deleted


@dataclass(frozen=True, slots=True)
class Package:
    """A package whose version is another, by the lock file ``lock``: None where it is not there at all."""

    lock: str
    name: str
    before: str | None
    now: str | None

    @property
    def line(self) -> str:
        """``httpx 0.27.0 -> 0.28.1``, ``httpx added, 0.28.1``, ``httpx removed, was 0.27.0``."""
        if self.before is None:
            return f"{self.name} added, {self.now}"
        return f"{self.name} {self.before} -> {self.now}" if self.now is not None else f"{self.name} removed, was {self.before}"


@dataclass(frozen=True, slots=True)
class Packages:
    """How many packages changed, and the first of them; ``unread`` says of each lock file that could not be read why."""

    count: int = 0
    shown: tuple[Package, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """Names of settings that are new and that are gone; ``of`` is the file of the repository that says so. Of the new ones
    services.toml requires the ``required``, and neither requires nor allows the ``unknown``.
    """

    of: str = ""
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def told(self, most: int) -> Iterator[str]:
        """What is new, and whether an ``.env`` must have it or may not yet; then what is gone."""
        if self.new:
            yield f"settings new in {self.of}: {listed(self.new, most)}"
        if self.required:
            yield f"of these services.toml requires {listed(self.required, most)}: the .env of each host must have it"
        if self.unknown:
            yield f"of these services.toml does not know {listed(self.unknown, most)}: no .env may have it before it does"
        if self.gone:
            yield f"settings gone in {self.of}: {listed(self.gone, most)}"


@dataclass(frozen=True, slots=True)
class Content:
    """What a release brings to one service. ``brought`` are commits that come with it, ``taken`` those that ran and go with it;
    ``why`` says what of it is not known, and for what reason.
    """

    way: Direction
    why: str = ""
    brought: Commits = field(default_factory=Commits)
    taken: Commits = field(default_factory=Commits)
    files: Files = field(default_factory=Files)
    packages: Packages = field(default_factory=Packages)
    settings: Settings = field(default_factory=Settings)

    @property
    def line(self) -> str:
        """All of it in a line, by numbers: ``7 commits, 23 files, 2 packages``. Of the repository's words only the names of new
        settings are in it, which are letters and digits.
        """
        match self.way:
            case Direction.FIRST:
                return "the first deploy here: there is nothing to compare it with"
            case Direction.SAME:
                return "the same commit again"
            case Direction.UNKNOWN:
                return "what is in it is not known"
        unread = " (a lock could not be read)" if self.packages.unread else ""
        said = [counted(self.files.count, "file"), f"{counted(self.packages.count, 'package')}{unread}"]
        match self.way:
            case Direction.BACK:
                said.insert(0, f"takes {counted(self.taken.count, 'commit')} back")
            case Direction.APART:
                gone = f"{counted(self.taken.count, 'commit')} that ran and {'is' if self.taken.count == 1 else 'are'} not in it"
                said.insert(0, f"{counted(self.brought.count, 'commit')}, without {gone}")
            case _:
                said.insert(0, counted(self.brought.count, "commit"))
        if self.settings.new:
            must = f" ({listed(self.settings.required, _IN_A_LINE)} required)" if self.settings.required else ""
            said.append(f"new in {self.settings.of}: {listed(self.settings.new, _IN_A_LINE)}{must}")
        return ", ".join(said)

    def lines(self, most: int = SHOWN) -> Iterator[str]:
        """The same by name, ``most`` of each kind: commits with subject, author and link, files, packages, settings."""
        if self.why:
            yield self.why
        if self.way is Direction.APART:
            yield "what ran is no ancestor of it: commits that ran are not in it"
        yield from self._commits("", self.brought, most)
        yield from self._commits("taken away: ", self.taken, most)
        if self.files.count:
            yield f"files: {self.files.added} added, {self.files.changed} changed, {self.files.deleted} deleted"
        yield from self._packages(most)
        yield from self.settings.told(most)

    @staticmethod
    def _commits(word: str, commits: Commits, most: int) -> Iterator[str]:
        for one in commits.shown[:most]:
            yield f"{word}{one.commit[:12]} {one.subject} ({one.author})" + (f" {one.url}" if one.url else "")
        if (rest := commits.count - len(commits.shown[:most])) > 0:
            yield f"{word}and {counted(rest, 'more commit')}"

    def _packages(self, most: int) -> Iterator[str]:
        for package in self.packages.shown[:most]:
            yield f"{package.lock}: {package.line}"
        if (rest := self.packages.count - len(self.packages.shown[:most])) > 0:
            yield f"and {counted(rest, 'more package')}"
        yield from (f"not read: {one}" for one in self.packages.unread)


def listed(names: Sequence[str], most: int) -> str:
    """The first of them, and how many more there are."""
    more = f", and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
