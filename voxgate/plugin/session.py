"""What one pytest session knows of its run: the same in the controller, in its workers, and when a saved look is judged."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import pytest

from voxgate.contracts.catalogue import Check, plain_tests, read_catalogue
from voxgate.contracts.estates import load_estate, named_estate
from voxgate.contracts.json_strict import loads, read_file
from voxgate.contracts.places import project, suites_of
from voxgate.contracts.schemas import names as schema_names
from voxgate.contracts.typed import WrongFormError, read
from voxgate.deploy.deciding.decision import Judged
from voxgate.deploy.gate import Gate
from voxgate.deploy.moving.engine import State
from voxgate.deploy.moving.rolling import Capacity
from voxgate.errors import Blind, ContractError, VoxgateError
from voxgate.model.digits import is_moment
from voxgate.model.estate import Estate, Host
from voxgate.model.forms import Later
from voxgate.model.invariant import Expected, Invariant, Subject, expected, subjects
from voxgate.model.look import Evidence
from voxgate.model.part import is_within, narrowed
from voxgate.model.release import RemoteView
from voxgate.model.verdict import MoveRecord, ServiceOutcome, ran
from voxgate.model.waiver import Waiver
from voxgate.model.waiving import remarks
from voxgate.model.work import Work
from voxgate.plugin.facts_read import Recorder
from voxgate.redaction.cutting import Redactor
from voxgate.report.facts.lines import Teller
from voxgate.report.facts.values import Values
from voxgate.survey.saving import load

RUN_FILE = "run.json"
_LIMIT = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a deploy came to, as saved beside the evidence: its moves, and why each state was not reached. ``day`` is the one on
    which the run began that took it.
    """

    services: frozenset[str] = frozenset()
    moves: tuple[MoveRecord, ...] = ()
    failure: VoxgateError | None = None
    reached: int = 0
    capacity: Capacity = field(default_factory=Capacity)
    part: frozenset[str] | None = None
    joined: tuple[str, ...] | None = None
    day: date | None = None

    def reach(self, state: State) -> None:
        """The recorded outcome: raises why the deploy stopped, for each state that it did not reach."""
        if self.services and self.failure is not None and state > self.reached:
            raise self.failure


@dataclass(slots=True)
class Session:
    """One run. ``root`` is the project, whose suites count beside those that come with voxgate: ``folders`` are both. ``folder``
    holds the evidence; ``gate`` is there in the controller only, and not for a saved look. ``part``
    are the hosts that are looked at where these are not all; ``joined`` is None for a look of its own, else all reasons why
    the joined parts are no look at the whole. ``as_on`` is ``day``, where that is decided
    already: as this run began, or by the controller.
    """

    estate: Estate | None
    folder: Path | None
    gate: Gate | None = None
    root: Path = field(default_factory=project)
    folders: tuple[Path, ...] = field(init=False)
    catalogue: tuple[Invariant, ...] = field(init=False)
    checks: tuple[Check, ...] = field(init=False)
    trouble: VoxgateError | None = None
    redactor: Redactor = field(init=False)
    recorder: Recorder = field(default_factory=Recorder)
    teller: Teller = field(init=False)
    deploying: frozenset[str] = frozenset()
    part: frozenset[str] | None = None
    joined: tuple[str, ...] | None = None
    notes: list[str] = field(default_factory=list)
    as_on: date | None = None
    _evidence: Evidence | None = None
    _recorded: Recorded | None = None
    _subjects: dict[str, Mapping[str, Subject]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """One redactor for all sinks: it knows what is secret by its shape, and the gate's own secrets by their value."""
        self.folders = suites_of(self.root)
        self.catalogue = read_catalogue(*self.folders)
        self.checks = plain_tests(*self.folders)
        names = [database.uri_env for database in self.estate.databases if database.uri_env] if self.estate else []
        self.redactor = Redactor.of(os.environ, names)
        self.teller = Teller(Values(self.redactor))

    @property
    def evidence(self) -> Evidence:
        """The evidence of this run. Raises Blind if there is none."""
        if self.trouble is not None:
            raise Blind("there is no evidence", why=self.trouble.line, hint=self.trouble.hint)
        if self._evidence is None:
            if self.folder is None:
                raise Blind("there is no evidence", hint="say which estate: --estate NAME")
            self._evidence = load(self.folder)
        return self._evidence

    @property
    def recorded(self) -> Recorded:
        """The deploy of this run, empty for a look."""
        if self._recorded is None:
            self._recorded = read_recorded(self.folder) if self.folder else Recorded()
        return self._recorded

    @property
    def day(self) -> date:
        """The day (UTC) on which waivers count or do not: of the look, by the gate's clock. All looks of one run are judged as on
        the day on which it began: no deploy turns red at midnight.
        """
        if self.as_on is None:
            try:
                self.as_on = (self.recorded.day or self.evidence.second.day) if self.folder else None
            except VoxgateError:  # there is nothing to be judged either
                self.as_on = None
        return self.as_on or datetime.now(UTC).date()

    def numbers_of(self, waivers: Collection[Waiver]) -> str:
        """Which of the estate's waivers these are: what a report can carry."""
        return " ".join(str(number) for number, one in enumerate(self.estate.waived) if one in waivers) if self.estate else ""

    def waivers_of(self, numbers: str) -> tuple[Waiver, ...]:
        """The same back."""
        return tuple(self.estate.waived[int(number)] for number in numbers.split()) if self.estate else ()

    def of_waivers(self, judged: Judged) -> tuple[str, ...]:
        """What is to be said of the waivers themselves. That one covers nothing shows in a whole look only."""
        if self.estate is None:
            return ()
        whole = bool(judged.judgements) and not (judged.missing or judged.interrupted or self.is_part)
        return tuple(remarks(self.estate.waived, self.day, judged.judgements if whole else None))

    @property
    def works(self) -> tuple[Work, ...]:
        """Other gates that were at work while this was looked at; none where there is no evidence."""
        try:
            return self.evidence.works
        except VoxgateError:
            return ()

    @property
    def looked_at(self) -> tuple[Host, ...]:
        """The hosts that this run is about."""
        return narrowed(self.estate, self.part).hosts if self.estate else ()

    @property
    def is_part(self) -> bool:
        """True for a look at some hosts only; joined parts are judged as the whole, whatever they lack."""
        return self.part is not None and self.joined is None

    def expected(self) -> tuple[Expected, ...]:
        """Every judgement that must come: of a part those of its hosts, of joined parts those of the whole estate."""
        whole = expected(self.catalogue, self.estate, schema_names(), deploying=self.deploying)
        if self.part is None or not self.is_part:
            return whole
        return tuple(one for one in whole if is_within(one.invariant, one.subject, self.part))

    def subjects(self, invariant: Invariant) -> Mapping[str, Subject]:
        """What an invariant is judged on in this run, by id; empty where it is not judged at all."""
        if invariant.name not in self._subjects:
            found = subjects(invariant, self.estate, schema_names())
            self._subjects[invariant.name] = {one.id: one for one in found if self._is_judged(invariant, one)}
        return self._subjects[invariant.name]

    def _is_judged(self, invariant: Invariant, subject: Subject) -> bool:
        """True unless it is about a deploy that is none, or about hosts that were not looked at."""
        if invariant.deploy and subject.service not in self.deploying:
            return False
        if self.part is None:
            return True
        return is_within(invariant, subject, self.part) or (self.joined is not None and subject.host is None)

    def outcomes(self) -> tuple[ServiceOutcome, ...]:
        """What a saved look knows of each service: the release that must run there."""
        if self.estate is None or self.folder is None:
            return ()
        found = []
        try:
            remotes = self.evidence.remotes
        except VoxgateError:
            return ()
        for service in self.estate.services:
            view = remotes.get(service.name)
            release = view.release if isinstance(view, RemoteView) else None
            hosts = tuple(host.name for host in self.estate.hosts_of(service))
            known = ran(release) if release else None
            tried = known if service.name in self.deploying else None
            before, settings = None if tried else known, service.required_settings
            found.append(ServiceOutcome(service.name, hosts, before, tried, known, settings=settings))
        return tuple(found)

    def commit_of(self, service: str | None) -> str | None:
        """The commit that a service must run, None where nobody can say."""
        if service is None or self.trouble is not None or self.folder is None:
            return None
        view = self.evidence.remotes.get(service)
        return view.release.commit if isinstance(view, RemoteView) and view.release else None

    def plain(self) -> tuple[str, ...]:
        """A team's own tests, which must be judged too: those that are for any host that this run is about."""
        hosts = self.estate.hosts if self.estate and not self.is_part else self.looked_at
        return tuple(one.name for one in self.checks if any(one.is_on(host) for host in hosts))

    def hosts_of(self, name: str) -> tuple[str, ...]:
        """On which hosts a team's own test runs: all that this run is about, or those of them that its ``@on`` says."""
        check = next((one for one in self.checks if one.name == name), None)
        return tuple(host.name for host in self.looked_at if check is None or check.is_on(host))


KEY = pytest.StashKey[Session]()


def session_of(config: pytest.Config) -> Session:
    """The run that this pytest session is about."""
    return config.stash[KEY]


def write_recorded(
    folder: Path,
    estate: str,
    gate: Gate | None,
    redactor: Redactor,
    *,
    part: frozenset[str] | None = None,
    joined: tuple[str, ...] | None = None,
    day: date | None = None,
) -> None:
    """Save what the deploy came to, for the workers and for later; ``gate`` None for a look that follows none. ``part`` and
    ``joined`` as in ``Session``, ``day`` as in ``Recorded``.
    """
    deployment = gate.deployment if gate else None
    moves = deployment.records if deployment else ()
    failure = deployment.failure if deployment else None
    document: dict[str, Any] = {
        "estate": estate,
        "part": sorted(part) if part is not None else None,
        "joined": list(joined) if joined is not None else None,
        "day": day.isoformat() if day else None,
        "services": sorted(gate.deploying) if gate else [],
        "reached": deployment.reached if deployment else 0,
        "failure": _parts(failure),
        "capacity": asdict(gate.capacity) if gate else asdict(Capacity()),
        "moves": [{name: getattr(move, name) for name in MoveRecord.__dataclass_fields__} for move in moves],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RUN_FILE).write_text(json.dumps(redactor.cut_document(document), indent=1), encoding="utf-8")


def _parts(error: VoxgateError | None) -> dict[str, str] | None:
    """An error as JSON."""
    if error is None:
        return None
    return {"what": error.what, "where": error.where, "why": error.why, "hint": error.hint}


@dataclass(frozen=True, slots=True)
class _Failure:
    what: str
    where: str
    why: str
    hint: str


@dataclass(frozen=True, slots=True)
class _Saved:
    """``run.json`` as it is read back: whoever gives a run's folder may have written anything there."""

    part: Annotated[tuple[str, ...] | None, Later()] = None
    joined: Annotated[tuple[str, ...] | None, Later()] = None
    day: Annotated[date | None, Later()] = None
    services: Annotated[tuple[str, ...], Later()] = ()
    reached: Annotated[int, Later()] = 0
    failure: Annotated[_Failure | None, Later()] = None
    capacity: Annotated[Capacity, Later()] = field(default_factory=Capacity)
    moves: Annotated[tuple[MoveRecord, ...], Later()] = ()


def read_recorded(folder: Path) -> Recorded:
    """What ``write_recorded`` saved. Without the services that were deployed it is of a look. Raises ContractError for what is of
    another form.
    """
    path = folder / RUN_FILE
    try:
        said: _Saved = read(_document(folder), _Saved)
    except WrongFormError as error:
        raise ContractError("this is no saved look", where=str(path), why=str(error)) from None
    times = [(one.started, one.seconds) for one in said.moves] + [(said.capacity.began, one.at) for one in said.capacity.samples]
    if not all(is_moment(began) and is_moment(began + seconds) for began, seconds in times):
        raise ContractError("this is no saved look", where=str(path), why="it names a moment that no calendar has")
    found = Recorded(part=None if said.part is None else frozenset(said.part), joined=said.joined, day=said.day)
    if not said.services:
        return found
    why = said.failure
    return replace(
        found,
        services=frozenset(said.services),
        moves=said.moves,
        failure=VoxgateError(why.what, where=why.where, why=why.why, hint=why.hint) if why else None,
        reached=said.reached,
        capacity=said.capacity,
    )


def _document(folder: Path) -> Mapping[str, Any]:
    """The run's own file. Raises ContractError if it cannot be read."""
    path = folder / RUN_FILE
    try:
        document = loads(read_file(path, _LIMIT), where=str(path), limit=_LIMIT)
    except OSError as error:
        hint = "give the folder `evidence` of a run: reports/<run>/evidence"
        raise ContractError("this is no saved look", where=str(folder), why=error.strerror or "", hint=hint) from None
    if not isinstance(document, dict) or not isinstance(document.get("estate"), str):
        raise ContractError("this is no saved look", where=str(path), why="it names no estate")
    return document


def saved_estate(folder: Path, root: Path, said: str | None = None) -> Estate:
    """The estate that a saved look is of: from the file that was ``said`` if it is the one, else from the project ``root``."""
    name: str = _document(folder)["estate"]
    if said and Path(said).name == f"{name}.toml":
        return load_estate(said)
    return named_estate(name, root / "hosts")
