"""What a gate works with, for tests of what it does in which order: hosts that answer as they are told, and note what they were
asked. All note into one list, in the order in which it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.executor import Executor
from tests.said import Said
from voxgate.contracts.estates import load_estate
from voxgate.deploy import errands, gate, ledgers, run_context
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Author, Found, Good, LastKnownGood
from voxgate.deploy.judging import looks
from voxgate.deploy.moving import engine
from voxgate.deploy.planning.asked import Planned
from voxgate.deploy.planning.plan import Plan, Request, Target, make_plan
from voxgate.deploy.planning.remotes import Remotes
from voxgate.deploy.recovery import recover
from voxgate.deploy.run_context import Options
from voxgate.errors import Interrupted, Unreachable, VoxgateError, known_error
from voxgate.model.content import Content, Direction
from voxgate.model.estate import Estate, Host, PlacedUnit, Placement
from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.model.look import Evidence, Look
from voxgate.model.release import Release, RemoteView
from voxgate.model.service import Service
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict
from voxgate.moves.steps import Step
from voxgate.survey.saving import load
from voxgate.transport.ssh.remote_command import Completed

ESTATE = load_estate("lab")
OLD = {one.name: Release(one.name, "a" * 40, f"{one.repository}-2026.06.22-1") for one in ESTATE.services}
NEW = {one.name: Release(one.name, "b" * 40, f"{one.repository}-2026.06.24-1") for one in ESTATE.services}
CONTENT = Content(Direction.FIRST)

Answer = Callable[[str, tuple[str, ...]], Completed]


def completed(status: int = 0, out: str = "", err: str = "") -> Completed:
    """How a command ended."""
    return Completed(status, out.encode(), err.encode(), 0.0)


def plan(*services: str, back: bool = False, good: Mapping[str, Release] | None = None) -> Plan:
    """A deploy of these, where ``good`` is last known good by service, OLD where nothing is said; ``back`` is one to OLD, which
    is on the hosts.
    """
    known = OLD if good is None else good
    targets = []
    for name in services:
        there = tuple(one for one in ESTATE.placements if one.service.name == name)
        before = {one.id: LastKnownGood(known[name]) if name in known else None for one in there}
        how = "rollback" if back else "deploy"
        targets.append(Target(ESTATE.service(name), (OLD if back else NEW)[name], there, before, is_on_hosts=back, how=how))
    return Plan(tuple(targets))


def ledger_of(*events: tuple[str, str]) -> tuple[str, ...]:
    """A ledger as a host of an earlier voxgate has it: what, in which run."""
    return tuple(
        json.dumps({"n": number, "event": event, "run": run, "at": f"2026-06-22T0{number}:00:00Z"})
        for number, (event, run) in enumerate(events, 1)
    )


class Moving(Said):
    """What a gate says; its moves may begin."""

    def begin(self, service: str, host: str, move: str) -> None:
        """Nothing is kept of it."""

    def end(self, record: object) -> None:
        """Nor of this."""


@dataclass
class Line:
    """The connection to one host."""

    host: Host
    hosts: Hosts
    alive: bool = True

    def run(self, argv: Sequence[str], *, deadline: float) -> Completed:
        """What was said that it answers."""
        asked = (self.host.name, tuple(argv), deadline)
        self.hosts.asked.append(asked)
        return self.hosts.answer(self.host.name, tuple(argv))


@dataclass(repr=False)
class Hosts:
    """Connections to all hosts but those that are ``away``; each command is answered by ``answer``."""

    went: list[str] = field(default_factory=list)
    away: dict[str, Unreachable] = field(default_factory=dict)
    answer: Answer = lambda *_: completed()
    estate: Estate = ESTATE
    asked: list[tuple[str, tuple[str, ...], float]] = field(default_factory=list)

    def open(self, hosts: Iterable[Host]) -> dict[str, Any]:
        """Noted."""
        names = [one.name for one in hosts]
        self.went.append(f"open {' '.join(names)}")
        return {name: self.away.get(name) or Line(self.estate.host(name), self) for name in names}

    def __getitem__(self, name: str) -> Line:
        if name in self.away:
            raise self.away[name]
        return Line(self.estate.host(name), self)

    def each(self, hosts: Iterable[Host], function: Callable[[Any], Any]) -> dict[str, Any]:
        """One after the other."""
        found: dict[str, Any] = {}
        for host in hosts:
            try:
                found[host.name] = function(self[host.name])
            except VoxgateError as error:
                found[host.name] = known_error(error, host.name)
        return found

    def close(self) -> None:
        """Noted."""
        self.went.append("close")


class AtOnce:
    """A pool whose work is done at once, in order: what is noted has one order then."""

    def __init__(self, **_: object) -> None:
        """Nothing waits."""

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None:
        """All is done."""

    def submit(self, function: Callable[..., Any], *words: Any, **more: Any) -> Future[Any]:
        """Done here and now."""
        done: Future[Any] = Future()
        try:
            done.set_result(function(*words, **more))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            done.set_exception(error)
        return done

    def shutdown(self, **_: object) -> None:
        """All is done."""


class Mirror:
    """What the gate has of a repository: each commit, all on main but those in ``aside``; a tag is noted."""

    def __init__(self, scene: Scene, service: str) -> None:
        self.scene, self.service = scene, service

    def tree(self, commit: str) -> dict[str, tuple[str, str]]:
        """One file."""
        return {"app.py": ("100644", commit)}

    def on_main(self, commits: Iterable[str]) -> frozenset[str]:
        """All but those."""
        return frozenset(commits) - self.scene.aside


@dataclass(repr=False)
class Scene:
    """All that a gate works with, noting into ``went``; what it finds is said beforehand. ``stop_at``: the run is stopped once
    that is noted. ``outcomes``: what a look is judged, by the name of its folder, else it holds.
    """

    folder: Path
    went: list[str] = field(default_factory=list)
    hosts: Hosts = field(default_factory=Hosts)
    found: dict[str, Found] = field(default_factory=dict)
    views: dict[str, RemoteView | Missing] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)
    aside: frozenset[str] = frozenset()
    seen: dict[str, HostEvidence | Missing] = field(default_factory=lambda: dict(signed()))
    outcomes: dict[str, RunOutcome | VoxgateError] = field(default_factory=dict)
    failing: dict[str, Exception] = field(default_factory=dict)
    waited: bool = False
    stop_at: str = ""
    documents: list[dict[str, Any]] = field(default_factory=list)
    saved: dict[str, Evidence] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    progress: Moving = field(default_factory=Moving)
    gate: Gate | None = None

    def note(self, line: str) -> None:
        """It went so far; what is ``failing`` there fails, and the run may be stopped."""
        self.went.append(line)
        if line == self.stop_at:
            assert self.gate is not None
            self.gate.stop()
        if line in self.failing:
            raise self.failing[line]

    def made(self, options: Options, **more: Any) -> Gate:
        """The gate of one run."""
        self.gate = Gate(ESTATE, options, self.folder / "evidence", "r2", self.progress, judge=self.judge, **more)
        return self.gate

    def judge(self, folder: Path, **_: object) -> RunOutcome:
        """As it was said."""
        self.note(f"judge {folder.name}")
        said = self.outcomes.get(folder.name) or outcome()
        if isinstance(said, VoxgateError):
            raise said
        return said

    def look(self, _: object, estate: Estate, questions: Sequence[object] = (), *, brief: bool = False, only: object = None) -> Look:
        """What is seen, long ago."""
        self.note("look brief" if brief else "look" if only is None else f"look {' '.join(sorted(only))}")  # type: ignore[call-overload]
        return Look(1000.0, {one.name: self.seen[one.name] for one in estate.hosts}, {}, {})

    def read(self, _: object, estate: Estate, *, ledger: int = 0, done: bool = False) -> dict[str, Found]:
        """What is written on the hosts."""
        self.note(f"read{f' {ledger} lines' if ledger else ''}{' done' if done else ''}")
        return dict(self.found)

    @property
    def order(self) -> list[str]:
        """What went, where what is written on several hosts at once is in the order of their names."""
        kinds = groupby(self.went, lambda line: line.split()[2:] if line.startswith("mark ") else [])
        return [line for what, lines in kinds for line in (sorted(lines) if what else lines)]


def outcome(*judgements: Judgement, verdict: RunVerdict = RunVerdict.HOLDS) -> RunOutcome:
    """What a look is judged."""
    return RunOutcome("r", "lab", verdict, 0, 0.0, 1.0, deploy=False, partial=False, summary="", judgements=judgements)


@cache
def signed() -> Mapping[str, HostEvidence]:
    """The lab's hosts as they were seen once, each by its own key."""
    seen = load(Path(__file__).resolve().parent / "unit" / "evidence").second.hosts
    return {name: replace(known(host), signed_by=f"SHA256:{name}") for name, host in seen.items()}


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """On all hosts OLD is last known good; main has NEW too."""
    made = Scene(tmp_path)
    made.hosts.went = made.went
    for one in ESTATE.placements:
        good = LastKnownGood(OLD[one.service.name], None, "2026-06-22T08:00:00Z", "d" * 64)
        journal = Journal(Phase.DONE, "r1", OLD[one.service.name], None, boot="b")
        ledger = ledger_of(("promoted", "r1"))
        made.found[one.id] = Found(good, journal, "b", ledger=ledger, owner={"run": "r1"})
    for name, old in OLD.items():
        tags = {str(one): one.commit for one in (old, NEW[name])}
        made.views[name] = RemoteView(name, f"https://forge/{name}", NEW[name].commit, tags, frozenset(tags.values()))

    class Asked(Remotes):
        """Remotes that have answered."""

        def __init__(self, estate: Estate) -> None:
            super().__init__(estate)
            self.mirrors = {name: Mirror(made, name) for name in made.views}  # type: ignore[misc]

        def ask(self, *, stale: bool = False) -> None:
            """Noted."""
            made.note("ask the remotes" + (", old will do" if stale else ""))
            self.silent = made.silent

        @property
        def views(self) -> Mapping[str, RemoteView | Missing]:
            """As it was said."""
            return made.views

    class Held:
        """A claim."""

        def __init__(self, connections: object, author: Author, stop: object, cutter: object) -> None:
            assert connections is made.hosts
            assert made.gate is not None
            assert (stop, cutter) == (made.gate.context.stop, made.gate.cutter)
            self.author, self.waited, self.lost = author, made.waited, frozenset[str]()
            self.away = dict(made.hosts.away)

        def take(self, wait: float, say: Callable[[str], None], *, whole: bool) -> dict[str, Found]:
            assert say == made.progress.note
            made.note(f"claim {'all' if whole else 'what is there'}, wait {wait:g}")
            return dict(made.found)

        def ask(self, host: str, op: str, _: float, __: object, **words: Any) -> None:
            made.documents.append(words)
            said = [words["journal"]["phase"]] if "journal" in words else []
            said += [f"ledger {words['event']['event']}"] if "event" in words else []
            made.note(f"{op} {words['service']}-{host} {', '.join(said)}")

        def cut(self, text: str) -> str:
            return text

        def regain(self, *_: object) -> None:
            made.note("regain")

        def tidy(self, placement: Placement) -> list[str]:
            made.note(f"tidy {placement.id}")
            return []

        def release(self) -> None:
            made.note("release")

    class Hands(Executor):
        """Hands of a deploy."""

        def __init__(self, estate: Estate, connections: object, claim: object, stop: object, back: bool) -> None:  # noqa: FBT001
            super().__init__(lambda *_: None, back=back)
            assert made.gate is not None
            assert (estate, connections) == (ESTATE, made.hosts)
            assert (claim, stop) == (made.gate.context.claim, made.gate.context.stop)

        def check(self) -> None:
            if made.gate is not None and made.gate.context.stop.is_set() and not self.back:
                raise Interrupted("the run was interrupted")

        def do(self, task: Task, phase: Phase, steps: Sequence[Step]) -> tuple[Completed, ...]:
            self.check()
            made.note(f"do {task.placement.id} {phase} {task.release}")
            return super().do(task, phase, steps)

        def await_up(self, unit: PlacedUnit, commit: str) -> str:
            self.check()
            made.note(f"up {unit.id}")
            return super().await_up(unit, commit)

    def planned(
        estate: Estate,
        requests: tuple[Request, ...],
        remotes: Remotes,
        goods: Mapping[str, Good],
        say: Callable[[str], None],
        *,
        no_way_back: bool,
        breaking: bool,
    ) -> Planned:
        assert say == made.progress.note
        made.note(f"plan{' without a way back' * no_way_back}{' that breaks' * breaking}")
        return Planned(make_plan(estate, requests, remotes.views, goods), {one.service: CONTENT for one in requests})

    def allowed(estate: Estate, plan: Plan, remotes: object, goods: Mapping[str, Good], builds: object) -> None:
        made.note(f"allowed: {', '.join(str(one.release) for one in plan.targets)}{f', {builds}' if builds else ''}")
        assert (estate, goods) == (ESTATE, {key: one.good for key, one in made.gate.context.found.items()})
        assert isinstance(remotes, Asked)

    def proved(there: object, estate: Estate, plan: Plan, *, no_way_back: bool, say: Callable[[str], None]) -> None:
        assert (there, estate, say) == (made.hosts, ESTATE, made.progress.note)
        made.note(f"preflight: {', '.join(str(one.release) for one in plan.targets)}{' without a way back' * no_way_back}")

    monkeypatch.setattr(gate, "Connections", lambda _: made.hosts)
    monkeypatch.setattr(gate, "Remotes", Asked)
    monkeypatch.setattr(errands, "Remotes", Asked)
    monkeypatch.setattr(gate, "planned", planned)
    monkeypatch.setattr(gate, "releases_must_be_deployable", lambda asked, _: made.note(f"deployable {_names(asked)}"))
    monkeypatch.setattr(gate, "must_be_allowed", allowed)
    monkeypatch.setattr(gate, "preflight", proved)
    for place in (gate, looks, recover, errands, ledgers):
        monkeypatch.setattr(place, "read_all", made.read)
    for place in (gate, looks):
        monkeypatch.setattr(place, "ThreadPoolExecutor", AtOnce)
    monkeypatch.setattr(looks, "take_look", made.look)
    monkeypatch.setattr(looks, "save", lambda evidence, folder, cutter: made.saved.update({folder.name: evidence}))
    monkeypatch.setattr(run_context, "Claim", Held)
    monkeypatch.setattr(run_context, "Executor", Hands)
    silent = Missing("missing", "not asked")
    monkeypatch.setattr(engine, "ask", lambda _, questions, **__: dict.fromkeys(questions, silent))
    monkeypatch.setattr(engine, "Sampler", lambda *_: nullcontext())
    return made


def _names(asked: Iterable[tuple[Service, Release]]) -> str:
    return ", ".join(str(release) for _, release in asked)
