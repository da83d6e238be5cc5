"""What an invariant reads of the evidence, written down while it is judged, and attached to its result.

A test gets the evidence through views that are, to all that judges, the nouns themselves: the same types, fields, methods,
equality. Each value that leaves a view is noted with the way to it. A view changes nothing, so neither can a verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from voxgate.model.database import Database
from voxgate.model.estate import PlacedUnit, Placement
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.report.allure.sink import attach_facts
from voxgate.report.facts.lines import Path, Teller
from voxgate.report.facts.values import Absence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, KeysView

    from voxgate.model.estate import Estate
    from voxgate.model.invariant import Subject
    from voxgate.model.look import Evidence

T = TypeVar("T")
NAME = "what it was judged on"
_GIVEN = ("evidence", "moves", "capacity")
_MADE: dict[str, tuple[object, object, Mapping[Path, object]]] = {}
_CAPACITY = ("most", "longest_gap", "served_before", "worst")


class Recorder:
    """Notes what is read, of one test at a time."""

    __slots__ = ("_shared", "facts", "trouble")

    def __init__(self) -> None:
        """Nothing was read yet."""
        self.begin()

    def begin(self) -> None:
        """Another test: nothing was read yet."""
        self.facts: dict[Path, object] = {}
        self.trouble = ""
        self._shared: list[Mapping[Path, object]] = []

    @property
    def read(self) -> Iterator[Path]:
        """The way to each fact that it hangs on: those that it read itself, and those that were read once for several tests."""
        return chain(self.facts, *self._shared)

    def once(self, name: str, plain: object, make: Callable[[], object]) -> object:
        """What ``make`` reads of ``plain``, by the first test that asks; for all after it one fact stands for what was read."""
        known = _MADE.get(name)
        if known is not None and known[0] is plain:
            self._shared.append(known[2])
            self.note(("second", name), str(known[1]))
            return known[1]
        mine, self.facts = self.facts, {}
        try:
            made = make()
            _MADE[name] = (plain, made, self.facts)
        finally:
            self.facts = {**mine, **self.facts}
        return made

    def note(self, path: Path, value: object) -> None:
        """One fact was read. What goes wrong here is told in the attachment, and is nothing to the test."""
        try:
            self.facts[path] = value
        except Exception as error:  # noqa: BLE001 - whatever it is, the verdict must not hang on it
            self.trouble = f"{type(error).__name__}: {error}"

    def watch(self, value: Any, path: Path) -> Any:
        """``value`` as the test gets it: a view where it has parts that can be told apart."""
        if isinstance(value, Mapping):
            return _Rows(value, path, self)
        if isinstance(value, frozenset):
            return _Members(value, path, self)
        self.note(path, value)
        return _Noun(value, path, self) if is_dataclass(value) and not isinstance(value, Missing | Release) else value


def watched(evidence: Evidence, recorder: Recorder) -> Evidence:
    """The evidence, noting in ``recorder`` what is read of it."""
    return cast("Evidence", recorder.watch(evidence, ()))


def once(evidence: Evidence, name: str, make: Callable[[Evidence], T]) -> T:
    """What ``make`` says of the evidence: worked out by the first test that asks, and the same for all after it. What goes
    through the whole estate for each of its hosts grows with their square. Those after it tell ``name`` and ``str`` of it, in
    place of all that the first one read; they hang on that all the same.
    """
    view: Any = evidence
    return cast("T", view.worked_out_once(name, make)) if type(view) is _Noun else make(evidence)


class _Noun:
    """A view of a frozen noun: an instance of its class, as far as anybody asks."""

    __slots__ = ("_path", "_recorder", "_value")

    def __init__(self, value: Any, path: Path, recorder: Recorder) -> None:
        self._value = value
        self._path = path
        self._recorder = recorder

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        """So that ``isinstance`` and the nouns' own equality see what is viewed."""
        return type(self._value)

    @property
    def __dataclass_fields__(self) -> dict[str, Any]:
        """So that ``fields``, ``replace`` and ``asdict`` see it too."""
        return cast("dict[str, Any]", type(self._value).__dataclass_fields__)

    def __getattr__(self, name: str) -> Any:
        """A field, noted; a property or a method, which reads through the view itself."""
        kind = type(self._value)
        if name in kind.__dataclass_fields__:
            return self._recorder.watch(getattr(self._value, name), (*self._path, name))
        own = vars(kind).get(name)
        return getattr(self._value, name) if own is None else own.__get__(self, kind)

    def worked_out_once(self, name: str, make: Callable[[Any], object]) -> object:
        """See ``once``."""
        return self._recorder.once(name, self._value, lambda: make(self))

    def __reduce__(self) -> Any:
        return _itself, (self._value,)

    def __eq__(self, other: object) -> bool:
        return bool(self._value == (other._value if type(other) is _Noun else other))

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return repr(self._value)


def _itself(value: Any) -> Any:
    """What a copy of a view is: the value that was viewed."""
    return value


class _Rows(Mapping[Any, Any]):
    """A view of a mapping: one key that is read is one fact, going through all of them is the whole."""

    __slots__ = ("_path", "_recorder", "_value")

    def __init__(self, value: Mapping[Any, Any], path: Path, recorder: Recorder) -> None:
        self._value = value
        self._path = path
        self._recorder = recorder

    def _all(self) -> Mapping[Any, Any]:
        self._recorder.note(self._path, self._value)
        return self._value

    def __getitem__(self, key: Any) -> Any:
        if key not in self._value:
            self._recorder.note((*self._path, key), Absence.NOT_THERE)
        return self._recorder.watch(self._value[key], (*self._path, key))

    def __contains__(self, key: object) -> bool:
        found = key in self._value
        self._recorder.note((*self._path, key), self._value[key] if found else Absence.NOT_THERE)
        return found

    def __iter__(self) -> Iterator[Any]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __reduce__(self) -> Any:
        return _itself, (self._all(),)

    def keys(self) -> KeysView[Any]:
        """All keys."""
        return self._all().keys()

    def items(self) -> Any:
        """All of it; values that have parts are noted where these are read."""
        return {key: self._inner(key, value) for key, value in self._all().items()}.items()

    def values(self) -> Any:
        """The same without keys."""
        return {key: self._inner(key, value) for key, value in self._all().items()}.values()

    def _inner(self, key: Any, value: Any) -> Any:
        """A value of the whole, which is noted as such already."""
        if is_dataclass(value) and not isinstance(value, Missing | Release):
            return _Noun(value, (*self._path, key), self._recorder)
        if isinstance(value, Missing):
            self._recorder.note((*self._path, key), value)
        return value

    def __repr__(self) -> str:
        return repr(self._value)


class _Members(AbstractSet[Any]):
    """A view of a set: what was looked for in it, or all of it."""

    __slots__ = ("_path", "_recorder", "_value")

    def __init__(self, value: frozenset[Any], path: Path, recorder: Recorder) -> None:
        self._value = value
        self._path = path
        self._recorder = recorder

    @classmethod
    def _from_iterable(cls, it: Iterable[Any]) -> frozenset[Any]:
        return frozenset(it)

    def __contains__(self, key: object) -> bool:
        found = key in self._value
        self._recorder.note((*self._path, key), "is in it" if found else Absence.NOT_THERE)
        return found

    def __iter__(self) -> Iterator[Any]:
        self._recorder.note(self._path, self._value)
        return iter(self._value)

    def __len__(self) -> int:
        self._recorder.note(self._path, self._value)
        return len(self._value)

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> Any:
        return _itself, (frozenset(self),)

    def __repr__(self) -> str:
        return repr(self._value)


def attach_read(
    item: pytest.Item, recorder: Recorder, teller: Teller, subject: Subject | None, estate: Estate, found: str
) -> str:
    """Attach what the running test has read, if it was given anything to read. Returns what went wrong, empty if nothing did."""
    if not set(_GIVEN).intersection(getattr(item, "fixturenames", ())):
        return ""
    try:
        _note_deploy(recorder, getattr(item, "funcargs", {}), subject)
        text = teller.tell(recorder.facts, _words(subject, estate, found))
    except Exception as error:  # noqa: BLE001 - told in the attachment; a verdict is not to hang on it
        recorder.trouble, text = f"{type(error).__name__}: {error}", ""
    if recorder.trouble:
        text = f"not all that was read can be told: {recorder.trouble}\n{text}"
    try:
        attach_facts(NAME, text)
    except Exception as error:  # noqa: BLE001 - as above
        return f"{NAME} could not be attached: {type(error).__name__}: {error}"
    return ""


def _note_deploy(recorder: Recorder, given: Mapping[str, Any], subject: Subject | None) -> None:
    """The moves of the subject and the fleet's capacity, for those who are given them: they are no part of a look."""
    moves = given.get("moves", ())
    if moves and subject is not None:
        ours = [one for one in moves if one.service == subject.service and subject.host in {None, one.host}]
        recorder.note(("deploy", "moves"), tuple(ours))
    for name in _CAPACITY if "capacity" in given else ():
        value = getattr(given["capacity"], name)
        recorder.note(("deploy", name), (value,) if is_dataclass(value) else value)


def _words(subject: Subject | None, estate: Estate, found: str) -> tuple[str, ...]:
    """What a row of a long list must name to concern the subject, or to be the one that was found."""
    words = [f"pid={word.strip(',:')} " for before, word in pairwise(found.split()) if before == "process"]
    match subject.value if subject else None:
        case PlacedUnit(unit=unit):
            words.append(f"unit={unit}")
        case Placement() as placement:
            words += [*(f"unit={unit}" for unit in placement.units), f"{placement.service.folder}/"]
        case Database():
            names = [(one.unit, one.app_name) for one in estate.services if subject and one.name == subject.service]
            words += [word for pair in names for word in pair if word]
        case _:
            pass
    return tuple(words)
