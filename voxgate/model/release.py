"""Releases: tags of the form ``<repository>-YYYY.MM.DD-N`` on main, and their commits."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

_TAG = re.compile(
    r"(?P<repository>[a-z][a-z0-9]*(?:-[a-z0-9]+)*)-(?P<day>\d{4}\.\d{2}\.\d{2})-(?P<number>[1-9]\d{0,5})", re.ASCII
)
_COMMIT = re.compile(r"[0-9a-f]{40}", re.ASCII)

MOST_AWAY = 86400.0
"""Seconds between a deploy's first change and its end, back where it was. Where it was longer, all is restarted."""


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """One release's name. Tags of a repository order by day, then number."""

    repository: str
    day: date
    number: int

    def __str__(self) -> str:
        """As git knows it: ``vox-backend-2026.06.22-1``."""
        return f"{self.repository}-{self.day:%Y.%m.%d}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> Tag | None:
        """The tag that ``text`` is, None if it has another form or names no day of the calendar."""
        found = _TAG.fullmatch(text)
        if found is None:
            return None
        year, month, day = (int(part) for part in found["day"].split("."))
        try:
            return cls(found["repository"], date(year, month, day), int(found["number"]))
        except ValueError:
            return None


def is_commit(text: object) -> bool:
    """True for a full commit id: 40 lower-case hex digits."""
    return isinstance(text, str) and _COMMIT.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Release:
    """One tag on main and its commit. ``tag`` is None for a head of main that has not got its tag yet."""

    service: str
    commit: str
    tag: str | None = None

    def __str__(self) -> str:
        """The tag, or what stands for it until there is one."""
        return self.tag or f"main@{self.commit[:12]}"


@dataclass(frozen=True, slots=True)
class PutBack:
    """A failed deploy changed code and packages on a host from ``since`` on, and at ``until`` they were as before; ``code`` is
    when they were last changed before that, and ``seen`` the last change of any of these files then: later than ``code`` where an
    earlier deploy had put some back. Epoch seconds on the host's clock.
    """

    since: float
    until: float
    code: float
    seen: float | None = None

    def age(self, changed: float, now: float = math.inf) -> float:
        """How old the code is that was last changed at ``changed``: a change that was put back is none. It is the deploy
        account's word: one that is in no order, of more than a day, or not over ``now``, counts for nothing.
        """
        in_order = self.code < self.since <= self.until <= now and self.until - self.since <= MOST_AWAY
        as_before = self.since <= changed <= self.until or (changed == self.seen and self.code <= changed <= self.since)
        return self.code if in_order and as_before else changed


@dataclass(frozen=True, slots=True)
class RemoteView:
    """What the remote itself says of one service, asked by the gate: never by a host.

    ``tags`` maps each release tag (by form) to its commit; ``on_main`` holds those commits of ``tags`` (and of main's
    head) that are ancestors of main; ``tree`` maps each path of the judged release's commit to (mode, blob id);
    ``release`` is the release that must be running: the one just deployed, else the last known good, else None. ``put_back``
    is by host what the gate changed there last, and took back; ``judged`` by host the digest of what was judged good there, where
    nothing was deployed since. ``newest`` are those commits of ``on_main`` that no other release
    on main came after, in main's own order; ``line`` those that main's head itself once was, and no branch that was merged into
    it. Both are None where nobody looked.
    """

    service: str
    url: str
    main: str
    tags: Mapping[str, str]
    on_main: frozenset[str]
    release: Release | None = None
    tree: Mapping[str, tuple[str, str]] | None = None
    put_back: Mapping[str, PutBack] = field(default_factory=dict)
    newest: frozenset[str] | None = None
    line: frozenset[str] | None = None
    judged: Mapping[str, str] = field(default_factory=dict)
