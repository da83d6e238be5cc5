"""What an invariant was judged on, in plain lines: each fact with its look, the time of that look, and its host.

What is long is told by its size and one hash, or by the rows that concern the subject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeAlias

from voxgate.model.answers import Answer
from voxgate.model.counting import counted
from voxgate.model.evidence import Missing
from voxgate.model.look import Look, Question
from voxgate.report.facts.values import FEW, Absence, Values, digest_of, moment, one_line

Path: TypeAlias = tuple[Any, ...]
"""The way to a fact in the evidence: ``("second", "hosts", "sip-1", "units", "voxdialler.service", "properties", "Result")``."""

Facts: TypeAlias = Mapping[Path, object]
"""Everything that was read. A mapping or a set at its own path was read as a whole; else only its keys below it were."""

Parts: TypeAlias = dict[Path, object]


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much is told: rows of a list, facts of a look, characters of a body."""

    rows: int
    places: int
    body: int


_DETAILS = (_Detail(10, 40, 2048), _Detail(5, 24, 400), _Detail(2, 12, 300))
"""The first of these that stays below the aim is taken."""

_AIM = 4 * 1024
_MOST = 16 * 1024
_KEYED = frozenset({"units", "checkouts", "venvs", "env_files", "dists", "packages", "leaks", "runtimes", "stores"})
"""Facts of a host that there are many of, by unit or by service."""

_CLOCKS = frozenset({"time", "uptime", "boot_id", "asked", "answered", "took"})
"""Facts of a host that are one number or word: told together."""

_PLAIN = frozenset({"properties", "headers", "settings"})
"""Parts whose keys say enough by themselves."""

_ORDER = ("deploy", "remotes", "first", "second", "changes")
_HEADINGS = {"remotes": "the remotes", "deploy": "the deploy", "changes": "changed since done"}


@dataclass(slots=True)
class Teller:
    """Tells what was read."""

    values: Values

    def tell(self, facts: Facts, words: Collection[str] = ()) -> str:
        """The lines, at most about 16 KiB. ``words`` are those by which a row of a long list concerns the subject."""
        looks = _by_look(facts)
        text = ""
        for detail in _DETAILS:
            lines = [line for name, places in looks.items() for line in self._look(name, places, facts, words, detail)]
            text = "\n".join(lines)
            if len(text) <= _AIM:
                break
        return _at_most(text, _MOST) or "no fact was read"

    def _look(
        self, name: str, places: Mapping[Path, Parts], facts: Facts, words: Collection[str], detail: _Detail
    ) -> Iterator[str]:
        """One look: its heading, and each of its facts."""
        look = facts.get((name,))
        yield f"{name} look, {moment(look.taken)}" if isinstance(look, Look) else _HEADINGS.get(name, name)
        told = {place[0] for place in places if len(place) > 1}
        seen = [place[0] for place, parts in places.items() if len(place) == 1 and _is_host(parts)]
        if bare := [host for host in seen if host not in told]:
            yield f"  was seen: {', '.join(bare)}"
        rest = [(place, parts) for place, parts in places.items() if not (len(place) == 1 and _is_host(parts))]
        left = rest[detail.places - 2 : -2] if len(rest) > detail.places else []
        for place, parts in rest[: detail.places - 2] if left else rest:
            yield from self._place(place, parts, words, detail)
        if left:
            statuses = Counter(parts[("status",)] for _, parts in left if ("status",) in parts)
            yield f"  ... {len(left)} more" + "".join(f", {count} with status {status}" for status, count in statuses.items())
            for place, parts in rest[-2:]:
                yield from self._place(place, parts, words, detail)

    def _place(self, place: Path, parts: Parts, words: Collection[str], detail: _Detail) -> Iterator[str]:
        """One fact: what was read of it in a line, and what is long below it."""
        line: list[str] = []
        below: list[str] = []
        whole = parts.get(())
        for part, value in self._folded(parts):
            name = _name(part)
            match value:
                case bytes():
                    said, more = self.values.body(value, _kind(whole), detail.body, pretty=detail is _DETAILS[0])
                case tuple() if any(is_dataclass(one) or isinstance(one, tuple) for one in value):
                    said, more = self._list(value, words, detail)
                case _:
                    said, more = self.values.line(name, value), []
            line.append(f"{name}={said}" if name else said)
            below += more
        yield one_line(f"  {' · '.join(map(_label, place))}: {', '.join(line) or 'is there'}")
        yield from (f"      {one}" for one in below)

    def _folded(self, parts: Parts) -> Iterator[tuple[Path, object]]:
        """The parts, without the keys of what was read as a whole, and with one line for very many keys."""
        wholes = {part[:1] for part, value in parts.items() if len(part) == 1 and isinstance(value, Mapping | AbstractSet)}
        count = Counter(part[:1] for part in parts if len(part) == 2)  # noqa: PLR2004 - a part and a key of it
        for part, value in parts.items():
            if part == () and (len(parts) > 1 or (is_dataclass(value) and not isinstance(value, Missing))):
                continue
            many = count[part[:1]] > FEW or part[:1] in wholes
            if len(part) == 1 or not many:
                yield part, value
        for name, number in count.items():
            if number <= FEW and name not in wholes:
                continue
            read = {part[1]: value for part, value in parts.items() if len(part) == 2 and part[:1] == name}  # noqa: PLR2004
            lost = [key for key, value in read.items() if value is Absence.NOT_THERE]
            for key in lost[:3]:
                yield (*name, key), Absence.NOT_THERE
            if len(lost) > 3:  # noqa: PLR2004 - as many as are named
                yield name, f"{len(lost)} in all not there"
            if name not in wholes:
                yield name, f"{number - len(lost)} read, sha256 {digest_of(read)}"

    def _list(self, rows: tuple[Any, ...], words: Collection[str], detail: _Detail) -> tuple[str, list[str]]:
        """A long list: how many, and those rows that concern the subject, else the first."""
        texts = [self.values.row(one) for one in rows]
        ours = [text for text in texts if any(word in text for word in words)]
        shown = (ours or texts)[: detail.rows]
        which = f", {len(ours)} of them of the subject" if ours else ""
        more = len(ours or texts) - len(shown)
        return f"{len(rows)}{which}", [*shown, *([f"... {more} more"] if more else [])]


def _by_look(facts: Facts) -> dict[str, dict[Path, Parts]]:
    """What was read, by look and fact."""
    found: dict[str, dict[Path, Parts]] = {}
    for path, value in facts.items():
        if len(path) > 1 and not _says_where(path):
            place, part = _split(path)
            found.setdefault(path[0], {}).setdefault(place, {})[part] = value
    return {name: found[name] for name in _ORDER if name in found}


def _says_where(path: Path) -> bool:
    """True for what the heading, or the name of an answer, says already."""
    return path[1:] == ("taken",) or (path[1] == "answers" and path[3:] in {("host",), ("port",), ("path",)})


def _kind(whole: object) -> str:
    """The type that an answer says it has."""
    return whole.headers.get("content-type", "") if isinstance(whole, Answer) else ""


def _split(path: Path) -> tuple[Path, Path]:
    """Which fact it is, and which part of it."""
    match path:
        case (_, "hosts", host, name, key, *part) if name in _KEYED:
            return (host, name, key), tuple(part)
        case (_, "hosts", host, name) if name in _CLOCKS:
            return (host,), (name,)
        case (_, "hosts", host, name, *part):
            return (host, name), tuple(part)
        case (_, "hosts" | "answers", one):
            return (one,), ()
        case (_, "answers", question, *part):
            return (question,), tuple(part)
        case (_, "databases", name, *part):
            return (f"database {name}",), tuple(part)
        case ("remotes", service, *part):
            return (service,), tuple(part)
        case _:
            return path[1:2], path[2:]


def _is_host(parts: Parts) -> bool:
    """True for a host that was seen, and no part of it named."""
    return set(parts) == {()} and is_dataclass(parts[()]) and not isinstance(parts[()], Missing | Answer)


def _label(key: object) -> str:
    """One step of the way to a fact."""
    if not isinstance(key, Question):
        return str(key)
    by = "" if key.address == "127.0.0.1" else f" by {key.address}"
    said = {"Host": "as {}", "Accept-Encoding": "{}"}
    more = [said[name].format(value) for name, value in key.headers if name in said] + (["TLS"] if key.tls else [])
    return f"{key.host} · GET :{key.port}{key.path}{by}" + "".join(f", {one}" for one in more)


def _name(part: Path) -> str:
    """A part's name: ``Result``, ``files[index.html]``."""
    if not part:
        return ""
    return str(part[-1]) if len(part) == 1 or part[0] in _PLAIN else f"{part[0]}[{']['.join(map(str, part[1:]))}]"


def _at_most(text: str, most: int) -> str:
    """Whole lines of ``text``, and how many more there are."""
    if len(text.encode("utf-8", "replace")) <= most:
        return text
    lines, kept, size = text.splitlines(), 0, 0
    while size + len(lines[kept].encode("utf-8", "replace")) + 1 <= most - 100:
        size += len(lines[kept].encode("utf-8", "replace")) + 1
        kept += 1
    return "\n".join([*lines[:kept], f"... {counted(len(lines) - kept, 'more line')}"])
