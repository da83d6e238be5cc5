"""What a gate works with, for tests of what it does in which order: a claim, remotes, looks and hands that note what they do into
one list, in the order in which it came, and find what was said beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest

from tests.executor import Executor
from tests.hosts import ESTATE, NEW, OLD, Hosts, ledger_of
from tests.said import Said
from voxgate.deploy import errands, gate, ledgers, run_context
from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Author, Found, Good, LastKnownGood
from voxgate.deploy.judging import canary, looks
from voxgate.deploy.moving import engine
from voxgate.deploy.planning.asked import Planned
from voxgate.deploy.planning.plan import Plan, Request, make_plan
from voxgate.deploy.planning.remotes import Remotes
from voxgate.deploy.recovery import recover
from voxgate.deploy.run_context import Options
from voxgate.errors import Interrupted, VoxgateError
from voxgate.model.content import Content, Direction
from voxgate.model.estate import Estate, PlacedUnit, Placement
from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.model.look import Evidence, Look
from voxgate.model.release import Release, RemoteView
from voxgate.model.service import Service
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict
from voxgate.moves.steps import Step
from voxgate.survey.saving import load
from voxgate.transport.ssh.remote_command import Completed

CONTENT = Content(Direction.FIRST)


class Moving(Said):
    """What a gate says; its moves may begin."""

    def begin(self, service: str, host: str, move: str) -> None:
        """Nothing is kept of it."""

    def end(self, record: object) -> None:
        """Nor of this."""


class AtOnce:
    """A pool whose work is done at once, in order: what is noted has one order then."""

    left_open: ClassVar[set[AtOnce]] = set()

    def __init__(self, *, max_workers: int, **_: object) -> None:
        """What is done beside other things is one thing."""
        assert max_workers == 1
        self.left_open.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def submit(self, function: Callable[..., Any], *words: Any, **more: Any) -> Future[Any]:
        """Done here and now."""
        done: Future[Any] = Future()
        try:
            done.set_result(function(*words, **more))
        except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
            done.set_exception(error)
        return done

    def shutdown(self, **_: object) -> None:
        """Its thread ends."""
        self.left_open.discard(self)


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
    seen: dict[str, HostEvidence | Missing] = field(default_factory=dict)
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
            self.run.stop()
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

    def look(self, _: object, estate: Estate, *_more: object, brief: bool = False, only: object = None) -> Look:
        """What is seen, long ago."""
        self.note("look brief" if brief else "look" if only is None else f"look {' '.join(sorted(only))}")  # type: ignore[call-overload]
        return Look(1000.0, {one.name: self.seen[one.name] for one in estate.hosts}, {}, {})

    def read(self, *_: object, ledger: int = 0, done: bool = False) -> dict[str, Found]:
        """What is written on the hosts."""
        self.note(f"read{f' {ledger} lines' if ledger else ''}{' done' if done else ''}")
        return dict(self.found)

    def planned(
        self,
        estate: Estate,
        requests: tuple[Request, ...],
        remotes: Remotes,
        goods: Mapping[str, Good],
        say: Callable[[str], None],
        *,
        no_way_back: bool,
        breaking: bool,
    ) -> Planned:
        """What is to be done, of any content."""
        assert say == self.progress.note
        self.note(f"plan{' without a way back' * no_way_back}{' that breaks' * breaking}")
        return Planned(make_plan(estate, requests, remotes.views, goods), {one.service: CONTENT for one in requests})

    def allowed(self, estate: Estate, plan: Plan, remotes: object, goods: Mapping[str, Good], builds: object) -> None:
        """It may be deployed."""
        self.note(f"allowed: {_named(plan)}{f', {builds}' if builds else ''}")
        assert (estate, goods) == (ESTATE, {key: one.good for key, one in self.run.context.found.items()})
        assert isinstance(remotes, Asked)

    def proved(self, there: object, estate: Estate, plan: Plan, *, no_way_back: bool, say: Callable[[str], None]) -> None:
        """The hosts are ready for it."""
        assert (there, estate, say) == (self.hosts, ESTATE, self.progress.note)
        self.note(f"preflight: {_named(plan)}{' without a way back' * no_way_back}")

    @property
    def run(self) -> Gate:
        """The gate that was made last."""
        assert self.gate is not None
        return self.gate

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


class Asked(Remotes):
    """Remotes that have answered, as the scene says."""

    def __init__(self, scene: Scene, estate: Estate) -> None:
        super().__init__(estate)
        self.scene = scene
        self.mirrors = {name: Mirror(scene, name) for name in scene.views}  # type: ignore[misc]

    def ask(self, *, stale: bool = False) -> None:
        """Noted."""
        self.scene.note("ask the remotes" + (", old will do" if stale else ""))
        self.silent = self.scene.silent

    @property
    def views(self) -> Mapping[str, RemoteView | Missing]:
        """As it was said."""
        return self.scene.views


class Held:
    """A claim that notes what is written."""

    def __init__(self, scene: Scene, connections: object, author: Author, stop: object, cutter: object) -> None:
        assert (connections, stop, cutter) == (scene.hosts, scene.run.context.stop, scene.run.cutter)
        self.scene, self.author, self.waited, self.lost = scene, author, scene.waited, frozenset[str]()
        self.away = {name: error for name, error in scene.hosts.away.items() if name != "data"}  # nothing is claimed there

    def take(self, wait: float, say: Callable[[str], None], *, whole: bool) -> dict[str, Found]:
        """Noted."""
        assert say == self.scene.progress.note
        self.scene.note(f"claim {'all' if whole else 'what is there'}, wait {wait:g}")
        return dict(self.scene.found)

    def ask(self, host: str, op: str, _: float, __: object, **words: Any) -> None:
        """Noted, and kept."""
        self.scene.documents.append(words)
        said = [words["journal"]["phase"]] if "journal" in words else []
        said += [f"ledger {words['event']['event']}"] if "event" in words else []
        self.scene.note(f"{op} {words['service']}-{host} {', '.join(said)}")

    def cut(self, text: str) -> str:
        """Nothing is secret."""
        return text

    def regain(self, *_: object) -> None:
        """Noted."""
        self.scene.note("regain")

    def tidy(self, placement: Placement) -> list[str]:
        """Noted."""
        self.scene.note(f"tidy {placement.id}")
        return []

    def release(self) -> None:
        """Noted."""
        self.scene.note("release")


class Hands(Executor):
    """Hands of a deploy, which stop with the run."""

    def __init__(
        self,
        scene: Scene,
        estate: Estate,
        connections: object,
        claim: object,
        stop: object,
        back: bool,  # noqa: FBT001
    ) -> None:
        super().__init__(lambda *_: None, back=back)
        self.scene, context = scene, scene.run.context
        assert (estate, connections, claim, stop) == (ESTATE, scene.hosts, context.claim, context.stop)

    def check(self) -> None:
        """As the real ones."""
        if self.scene.run.context.stop.is_set() and not self.back:
            raise Interrupted("the run was interrupted")

    def do(self, task: Task, phase: Phase, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Noted."""
        self.check()
        self.scene.note(f"do {task.placement.id} {phase} {task.release}")
        return super().do(task, phase, steps)

    def await_up(self, unit: PlacedUnit, commit: str) -> str:
        """Noted."""
        self.check()
        self.scene.note(f"up {unit.id}")
        return super().await_up(unit, commit)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """On all hosts OLD is last known good; main has NEW too."""
    AtOnce.left_open.clear()
    made = Scene(tmp_path, seen=dict(signed()))
    made.hosts.went = made.went
    for one in ESTATE.placements:
        good = LastKnownGood(OLD[one.service.name], None, "2026-06-22T08:00:00Z", "d" * 64)
        journal = Journal(Phase.DONE, "r1", OLD[one.service.name], None, boot="b")
        ledger = ledger_of(("promoted", "r1"))
        made.found[one.id] = Found(good, journal, "b", ledger=ledger, owner={"run": "r1"})
    for name, old in OLD.items():
        tags = {str(one): one.commit for one in (old, NEW[name])}
        made.views[name] = RemoteView(name, f"https://forge/{name}", NEW[name].commit, tags, frozenset(tags.values()))

    monkeypatch.setattr(gate, "Connections", lambda _: made.hosts)
    monkeypatch.setattr(gate, "Remotes", partial(Asked, made))
    monkeypatch.setattr(errands, "Remotes", partial(Asked, made))
    monkeypatch.setattr(gate, "planned", made.planned)
    monkeypatch.setattr(gate, "releases_must_be_deployable", lambda asked, _: made.note(f"deployable {_names(asked)}"))
    monkeypatch.setattr(gate, "must_be_allowed", made.allowed)
    monkeypatch.setattr(gate, "preflight", made.proved)
    for place in (gate, looks, recover, errands, ledgers):
        monkeypatch.setattr(place, "read_all", made.read)
    for place in (gate, looks):
        monkeypatch.setattr(place, "ThreadPoolExecutor", AtOnce)
    for looking in (looks, canary):
        monkeypatch.setattr(looking, "take_look", made.look)
        monkeypatch.setattr(looking, "save", lambda evidence, folder, _: made.saved.update({folder.name: evidence}))
    monkeypatch.setattr(run_context, "Claim", partial(Held, made))
    monkeypatch.setattr(run_context, "Executor", partial(Hands, made))
    silent = Missing("missing", "not asked")
    monkeypatch.setattr(engine, "ask", lambda _, questions, **__: dict.fromkeys(questions, silent))
    monkeypatch.setattr(engine, "Sampler", lambda *_: nullcontext())
    yield made
    assert not AtOnce.left_open


def _names(asked: Iterable[tuple[Service, Release]]) -> str:
    return ", ".join(str(release) for _, release in asked)


def _named(plan: Plan) -> str:
    return ", ".join(str(target.release) for target in plan.targets)
