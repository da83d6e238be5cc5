"""The story of a run for tests: on hosts stands what a test says; what is asked of them, said and judged is told in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import pytest

from tests.executor import ESTATE, Executor, Progress, targets
from voxgate.deploy.deciding.settling import LookAndJudge
from voxgate.deploy.hosts.answers import nothing
from voxgate.deploy.hosts.journal import Journal, Phase, document_of
from voxgate.deploy.hosts.state import Author, Found, Good, LastKnownGood, placements_of
from voxgate.deploy.moving import engine, sampler
from voxgate.deploy.moving.engine import Canary, Deployment, Pace
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.run_context import Options, RunContext
from voxgate.errors import MoveFailed, VoxgateError
from voxgate.model.estate import Host, Placement
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, RunVerdict, Verdict
from voxgate.moves.steps import Step
from voxgate.transport.ssh.remote_command import Completed

OLD = {one.name: Release(one.name, "a" * 40, f"{one.repository}-2026.06.22-1") for one in ESTATE.services}
NEW = {one.name: Release(one.name, "b" * 40, f"{one.repository}-2026.06.24-1") for one in ESTATE.services}
Fail = Callable[[str, str], None]
Look = tuple[RunVerdict, tuple[Judgement, ...]]


def failing(*where: tuple[str, str], error: VoxgateError | None = None) -> Fail:
    """What fails at this on that host; a journal fails at its phase, a move too."""

    def fail(host: str, what: str) -> None:
        if (host, what) in where:
            raise error or MoveFailed(f"no {what}", where=host)

    return fail


NEVER = failing()


class Hosts(Progress):
    """The claim, the connections and the progress of one run, as one. ``regains`` are hosts that can be held again when they were
    ``lost``; ``locked`` is what a git left locked, by placement id.
    """

    def __init__(self, found: Mapping[str, Found], fail: Fail, lost: Collection[str], regains: Collection[str]) -> None:
        self.estate, self.author, self.found, self.fail = ESTATE, Author("r2", "me@here", "", "t"), found, fail
        self.lost, self.regains = frozenset(lost), frozenset(regains)
        self.locked: dict[str, str] = {}
        self._told: list[tuple[str, str, str]] = []

    @property
    def story(self) -> list[str]:
        """A line for each thing, with the placements on which it was done: those at once have no order."""
        lines = []
        for _, told in groupby(enumerate(self._told), key=lambda one: one[1][0].partition(" ")[0] if one[1][1] else one[0]):
            places: dict[tuple[str, str], set[str]] = {}
            for _, (what, place, why) in told:
                places.setdefault((what, why), set()).add(place)
            for (what, why), where in sorted(places.items(), key=lambda one: sorted(one[1])):
                lines.append(what + (f": {', '.join(sorted(where))}" if any(where) else "") + (f" ({why})" if why else ""))
        return lines

    def forget(self) -> None:
        """The story begins here."""
        self._told.clear()

    def tell(self, what: str, where: str = "", why: str = "") -> None:
        """Note it."""
        self._told.append((what, where, why))

    def note(self, line: str) -> None:
        """What people read."""
        self.tell(f"says {line}")

    def cut(self, text: str) -> str:
        """There are no secrets."""
        return text

    def regain(self, hosts: Iterable[Host], say: Callable[[str], None]) -> None:
        """Those that can be."""
        names = self.lost & self.regains & {host.name for host in hosts}
        self.tell("regain")
        for name in sorted(names):
            say(f"{name}: was lost, is held again")
        self.lost -= names

    def each(self, hosts: Iterable[Host], _: object) -> dict[str, dict[str, Found]]:
        """What is written on each."""
        self.tell("read")
        return {host.name: {one.id: self.found[one.id] for one in placements_of(ESTATE, host)} for host in hosts}

    def tidy(self, placement: Placement) -> list[str]:
        """Say what was locked."""
        self.fail(placement.host.name, "tidy")
        self.tell("tidy", placement.id)
        return [self.locked[placement.id]] if placement.id in self.locked else []

    def ask(self, host: str, op: str, deadline: float, read: object, *, service: str, **words: Any) -> None:
        """A journal is written, beside the ledger's line; and the last known good."""
        assert (op, deadline > 0, read) == ("mark", True, nothing)
        journal, event, record = words["journal"], words.get("event", {}), words.get("record")
        self.fail(host, journal["phase"])
        more = f" content {journal['content']}" if "content" in journal else ""
        if record:
            more += f" good {record['tag']} {record.get('content', '')}".rstrip()
        self.tell(f"{_line(journal)}{more}", f"{service}-{host}", event.get("reason") or journal["reason"])


def _line(journal: Mapping[str, Any]) -> str:
    """``rolled-back r1 a>b``: the phase, whose deploy it is, and the first letters of the commits from which to which."""
    origin, release = journal["from"], journal["release"]
    return f"{journal['phase']} {journal['run']} {origin['commit'][0] if origin else '-'}>{release['commit'][0]}"


class Hands(Executor):
    """Hands that note each move in the story of their hosts."""

    def __init__(self, hosts: Hosts, *, back: bool) -> None:
        super().__init__(hosts.fail, back=back)
        self.hosts = hosts

    def do(self, task: Any, phase: Any, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Note it."""
        self.hosts.tell(_line(document_of(task.journal(phase, self.hosts.author))), task.placement.id)
        return super().do(task, phase, steps)


class Run(RunContext):
    """A run that holds all hosts, and moves with hands that note."""

    def deployment(self, targets: tuple[Target, ...], *, back: bool, canary: Canary | None = None) -> Deployment:
        """The moves of these targets."""
        assert canary is None
        hosts: Any = self.connections
        return Deployment(Plan(targets), Hands(hosts, back=back), hosts, Pace(most=3))  # type: ignore[arg-type]


def run_on(
    found: Mapping[str, Found], fail: Fail = NEVER, *, lost: Collection[str] = (), regains: Collection[str] = ()
) -> tuple[Run, Hosts]:
    """A run on the lab's hosts, on which this is written; on those that are not named nothing is open."""
    every = {one.id: Found(LastKnownGood(OLD[one.service.name]), None, "b") for one in ESTATE.placements} | dict(found)
    hosts: Any = Hosts(every, fail, lost, regains)
    return Run(ESTATE, hosts, hosts, Options(), hosts.author, found=every, _claim=hosts), hosts


def written(
    key: str,
    phase: Phase,
    changed: Collection[str] | None = None,
    *,
    run: str = "r1",
    boot: str = "b",
    good: Good | str = "old",
    standing: Collection[str] = (),
) -> dict[str, Found]:
    """What stands on one placement whose deploy from OLD to NEW came to this phase."""
    name = key.partition("-")[0]
    known = LastKnownGood(OLD[name], None, "2026-06-22T08:00:00Z") if isinstance(good, str) else good
    mine = frozenset(changed) if changed is not None else None
    origin = known.release if isinstance(known, LastKnownGood) else None
    journal = Journal(phase, run, NEW[name], origin, boot=boot, changed=mine, standing=frozenset(standing))
    return {key: Found(known, journal, "b")}


def wanting(*names: str) -> tuple[Target, ...]:
    """A deploy of the new releases of these services."""
    return tuple(replace(one, release=NEW[one.service.name], is_on_hosts=False) for one in targets(*names))


def said(verdict: Verdict, service: str | None = None, host: str | None = None, rule: str = "x", **more: Any) -> Judgement:
    """One judgement, named by what it is about."""
    about = "-".join(part for part in (service, host) if part)
    return Judgement(f"{rule}[{about}]", rule, "X.", "why", verdict, service, host, "wrong", **more)


def fine(*services: str) -> tuple[Judgement, ...]:
    """Something of each of these services was seen, and holds."""
    return tuple(said(Verdict.HOLDS, name) for name in services)


def judging(hosts: Hosts, *outcomes: Look) -> LookAndJudge:
    """Each look at the estate comes to the next of these."""
    coming = iter(outcomes)

    def judge(releases: Mapping[str, Release]) -> Look:
        hosts.tell("judge", why=", ".join(f"{name} {release}" for name, release in releases.items()))
        return next(coming)

    return judge


def no_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker says how many calls it has."""
    for module in (engine, sampler):
        monkeypatch.setattr(module, "ask", lambda _, questions, **__: dict.fromkeys(questions, Missing("missing", "not asked")))
