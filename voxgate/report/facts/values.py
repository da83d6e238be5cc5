"""Facts as words: rows, times, sizes and hashes, bodies. Strings are cut of secrets before they are shortened: half a secret
is one that nothing recognizes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from voxgate.model.counting import counted
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.redaction.cutting import Redactor

FEW = 8
"""So many keys are told one by one."""

_WIDTH = 280
_LARGEST_BODY = 64 * 1024
_EARLIEST, _LATEST = 1e8, 1e11

_TIMES = frozenset({"taken", "started", "changed", "time", "asked", "answered", "workers"})
"""Parts that are epoch seconds."""

_IDLE = frozenset({"uid", "cgroup", "command"})
"""Columns of a row that others say as well."""


class Absence(Enum):
    """What stands for a key that was looked for in vain."""

    NOT_THERE = "not there"


@dataclass(slots=True)
class Values:
    """Puts values into words. What takes time is worked out once a session: many invariants read the same."""

    redactor: Redactor
    _rows: dict[object, str] = field(default_factory=dict)
    _digests: dict[int, tuple[object, str]] = field(default_factory=dict)
    _bodies: dict[tuple[bytes, str, int, bool], tuple[str, list[str]]] = field(default_factory=dict)

    def row(self, one: Any) -> str:
        """One row, its empty columns left out."""
        if one not in self._rows:
            if is_dataclass(one):
                columns = [(column.name, getattr(one, column.name)) for column in fields(one) if column.name not in _IDLE]
                said = " ".join(f"{name}={self.line(name, value)}" for name, value in columns if value not in (None, "", ()))
            else:
                said = " ".join(self.line("", value) for value in one)
            self._rows[one] = self._cut_line(said)
        return self._rows[one]

    def line(self, name: str, value: object) -> str:
        """One value in a line."""
        match value:
            case Absence():
                return value.value
            case Missing():
                return self._cut_line(f"not seen ({value.kind}): {value.why}" + (f" at {value.where}" if value.where else ""))
            case Release():
                return f"{value} ({value.commit})"
            case float() | int() if name in _TIMES:
                return moment(value)
            case float():
                return f"{value:.4g}" if abs(value) < 1 else f"{value:.3f}".rstrip("0").rstrip(".")
            case Mapping() | AbstractSet():
                return self._whole(value)
            case tuple():
                # One after the other, not each by itself: it is the word before that says that one is a secret.
                words = (one if isinstance(one, str) else self.line(name, one) for one in value)
                return self._cut_line(" ".join(words) or "none")
            case str() if not value:
                return "none"
            case str() if value.startswith("="):
                return self._cut_line(f'"{value}"')
            case _:
                return self._cut_line(str(value))

    def _whole(self, value: Mapping[Any, Any] | AbstractSet[Any]) -> str:
        """A mapping or a set of which all was read: itself if it is small."""
        if isinstance(value, Mapping) and any(is_dataclass(one) for one in value.values()):
            return f"all {len(value)} of them"
        rows = [f"{key}={self.line('', value[key])}" if isinstance(value, Mapping) else str(key) for key in _first(value)]
        if len(value) <= FEW and sum(map(len, rows)) <= _WIDTH:
            return ", ".join(rows) or "none"
        return f"{len(value)} of them, sha256 {self._digest(value)}"

    def _digest(self, value: Mapping[Any, Any] | AbstractSet[Any]) -> str:
        """The beginning of one hash over all of it: equal for equal content."""
        if id(value) not in self._digests:
            self._digests[id(value)] = (value, digest_of(value))
        return self._digests[id(value)][1]

    def body(self, body: bytes, kind: str, most: int, *, pretty: bool) -> tuple[str, list[str]]:
        """A body of that type: JSON and plain text as they are, what is long or for a browser by its hash."""
        key = (body, kind, most, pretty)
        if key not in self._bodies:
            self._bodies[key] = self._body(body, kind, most, pretty=pretty)
        return self._bodies[key]

    def _body(self, body: bytes, kind: str, most: int, *, pretty: bool) -> tuple[str, list[str]]:
        size = f"{len(body)} bytes"
        unseen = f"{size}, sha256 {hashlib.sha256(body).hexdigest()[:12]}"
        if not body or len(body) > _LARGEST_BODY:
            return unseen, []
        try:
            text = json.dumps(self.redactor.cut_document(json.loads(body)), ensure_ascii=False, indent=2 if pretty else None)
        except (ValueError, RecursionError):
            if not kind.startswith("text/plain"):
                return unseen, []
            text = self.redactor.cut(body.decode("utf-8", "replace"))
            if len(text) > most:  # the values of metrics say more than what each of them is
                text = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        else:
            text = self.redactor.cut(text) if len(text) > most else text
        shown = _shortened(text, most)
        return size if shown == text else unseen, [one_line(line) for line in shown.splitlines()]

    def _cut_line(self, text: str) -> str:
        """``text`` in one line. Where it must be shortened its secrets are cut first."""
        text = one_line(text)
        return text if len(text) <= _WIDTH else _shortened(self.redactor.cut(text), _WIDTH)


def one_line(text: str) -> str:
    """``text`` with whatever a terminal or a page would take as more than a letter spelled out."""
    return text if text.isprintable() else "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _shortened(text: str, most: int) -> str:
    """At most so many characters of a text whose secrets are cut, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]} ... {counted(len(text) - most, 'more character')}"


def digest_of(value: Mapping[Any, Any] | AbstractSet[Any]) -> str:
    """The beginning of one sha256 over all of it."""
    rows = sorted(f"{key!r} {value[key]!r}" if isinstance(value, Mapping) else repr(key) for key in value)
    return hashlib.sha256("\n".join(rows).encode("utf-8", "replace")).hexdigest()[:12]


def moment(seconds: float) -> str:
    """Epoch seconds as UTC; a number that is no such time stays one."""
    if not _EARLIEST < seconds < _LATEST:
        return f"{seconds:g}"
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _first(value: Mapping[Any, Any] | AbstractSet[Any]) -> Iterable[Any]:
    """What is shown of it: all in order, if it is little."""
    return sorted(value, key=str) if len(value) <= FEW else ()
