"""The engine: reaches one state after the other, each exactly once, and keeps what happened for whoever asks later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial

from voxgate.deploy.hosts.executor import Executor, Task, last_line
from voxgate.deploy.hosts.journal import phase_of
from voxgate.deploy.moving.dialling import restart_alone
from voxgate.deploy.moving.rolling import Capacity, calls_of, next_batch
from voxgate.deploy.moving.sampler import Sampler
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.progress import Progress
from voxgate.errors import MoveFailed, VoxgateError, known_error, unforeseen
from voxgate.model.counting import counted
from voxgate.model.estate import PlacedUnit, Placement
from voxgate.model.look import Question
from voxgate.model.run_facts import Turn
from voxgate.model.service import Kind
from voxgate.model.verdict import Move, MoveRecord
from voxgate.moves import steps
from voxgate.moves.health import Up, read_state
from voxgate.transport.clients.http import ask
from voxgate.transport.deadline import Deadline

_AT_ONCE = 16  # hosts that are moved at the same time
_ANSWER_DEADLINE = 3.0  # seconds for a health page

Canary = Callable[[Placement, Sequence[PlacedUnit]], str]
"""Judges what was restarted first: these units, or the whole host where none are named. Says what holds, or raises MoveFailed."""


class State(IntEnum):
    """How far a deploy is: each state holds for all targets on all their hosts."""

    FETCHED = 0
    CHECKED_OUT = 1
    INSTALLED = 2
    RESTARTED = 3
    HEALTHY = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """How a fleet is rolled: seconds to wait for a busy worker, and how many may be down at once."""

    drain: float = 0.0
    most: int = 1


class Deployment:
    """One plan being carried out. With an executor that goes ``back``: the same moves, from what is on the hosts already."""

    def __init__(self, plan: Plan, executor: Executor, progress: Progress, pace: Pace, canary: Canary | None = None) -> None:
        """Nothing happens yet: the first ``reach`` begins. Without a ``canary`` nothing is judged on the way."""
        self.plan = plan
        self._executor = executor
        self._progress = progress
        self._pace = pace
        self._canary = canary
        self._outcomes: dict[State, VoxgateError | None] = {}
        self._records: list[MoveRecord] = []
        self._left_behind: dict[str, VoxgateError] = {}
        self._failed: set[str] = set()
        self._lock = threading.Lock()
        self._samplers: list[Sampler] = []
        self._turns: list[Turn] = []
        self._calls_cut = 0

    @property
    def records(self) -> tuple[MoveRecord, ...]:
        """Every move so far, in the order in which they ended."""
        with self._lock:
            return tuple(self._records)

    @property
    def failure(self) -> VoxgateError | None:
        """Why the deploy stopped, None if it did not."""
        return next((error for error in self._outcomes.values() if error is not None), None)

    def fail(self, error: VoxgateError) -> None:
        """It stopped after its last move: what came after that could not be noted."""
        self._outcomes[State.HEALTHY] = error

    @property
    def reached(self) -> int:
        """The last state that holds, 0 for none."""
        return max((state for state, error in self._outcomes.items() if error is None), default=0)

    @property
    def capacity(self) -> Capacity:
        """Who served while the fleet was rolled; no samples where it was not."""
        if not self._samplers:
            return Capacity(self._pace.most, calls_cut=self._calls_cut)
        began = self._samplers[0].started
        samples = tuple(sample.later(one.started - began) for one in self._samplers for sample in one.samples)
        return Capacity(self._pace.most, samples, self._calls_cut, began)

    @property
    def turns(self) -> tuple[Turn, ...]:
        """When each dialler was stopped, and when it was up again."""
        with self._lock:
            return tuple(self._turns)

    def reach(self, state: State) -> None:
        """Bring all targets to ``state``. Done where it is first asked; afterwards the recorded outcome is the answer.

        Raises the VoxgateError that stopped the deploy, again to each who asks for a state that was not reached. On the way
        back a placement that fails is left behind, and stops no other: the error is raised once all others are at their end.
        """
        work: dict[State, Callable[[], None]] = {
            State.FETCHED: self._fetch,
            State.CHECKED_OUT: partial(self._everywhere, Move.CHECKOUT, self._check_out, steps.CODE),
            State.INSTALLED: partial(self._everywhere, Move.INSTALL, self._install, steps.PACKAGES, steps.DIST),
            State.RESTARTED: self._restart,
            State.HEALTHY: self._confirm,
        }
        for step in State:
            if step > state:
                return
            if step not in self._outcomes:
                self._outcomes[step] = self._outcome_of(work[step])
            error = self._outcomes[step]
            if error is not None:
                raise error

    @property
    def failed(self) -> frozenset[str]:
        """Services of which a placement was left behind on the way back."""
        with self._lock:
            return frozenset(self._failed)

    def restart_kept(self, services: Collection[str]) -> list[Task]:
        """On a way back: restart those units of these services, too, that the deploy had not restarted. Returns what was done;
        what was left behind is not. Raises as ``reach``, but for what was left behind before.
        """
        mine = [target for target in self.plan.targets if target.service.name in services]
        left = [(target, {one.id: frozenset(target.kept(one)) for one in target.placements}) for target in mine]
        self.plan = Plan(tuple(replace(target, undo=units) for target, units in left if any(units.values())))
        self._outcomes.clear()
        self._left_behind.clear()
        self.reach(State.HEALTHY)
        return list(self.plan.tasks)

    @staticmethod
    def _outcome_of(work: Callable[[], None]) -> VoxgateError | None:
        """Do it; the error is the outcome."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a mistake of ours stops the deploy as a host's would: it goes back
            return known_error(error)
        return None

    def leave_behind(self, placement: Placement, error: VoxgateError) -> None:
        """On a way back: nothing (more) is done on this placement, and ``reach`` ends with this error."""
        with self._lock:
            self._left_behind.setdefault(placement.id, error)
            self._failed.add(placement.service.name)

    def _go(self, placement: Placement, work: Callable[[], None]) -> None:
        """What is done on one placement. On the way back its failure is kept, and whoever comes next goes on."""
        if placement.id in self._left_behind:
            return
        try:
            work()
        except Exception as error:
            if not self._executor.back:
                raise
            self.leave_behind(placement, known_error(error, placement.host.name))

    def _do(self, target: Target, placement: Placement, move: Move, todo: Sequence[steps.Step]) -> str:
        """The steps of a move; what they said of themselves, in a word or two each."""
        ended = self._executor.do(target.task(placement), phase_of(move, back=self._executor.back), todo)
        return ", ".join(
            f"{step.says} ({said})" if (said := last_line(one)) else step.says for one, step in zip(ended, todo, strict=False)
        )

    def _fetch(self) -> None:
        """No file of any checkout changes before all that is asked of the forge is on all hosts."""
        asked = [(target, placement) for target in self.plan.targets for placement in target.placements if not target.is_on_hosts]
        self._at_once([(Move.FETCH, placement, partial(self._fetch_one, target, placement)) for target, placement in asked])

    def _fetch_one(self, target: Target, placement: Placement) -> str:
        self._do(target, placement, Move.FETCH, [steps.fetch(target.service)])
        return str(target.release)

    def _check_out(self, target: Target, placement: Placement) -> str:
        if target.is_on_hosts:
            host = placement.host.name
            if self._executor.attempt(host, steps.has_commit(target.service, target.release)).exit_status != 0:
                raise MoveFailed(f"{target.release} is not on the host", where=host, why="git has no such commit")
        wanted = target.wanted if self._executor.back else None
        self._do(target, placement, Move.CHECKOUT, [steps.put_in_place(target.service, target.release, wanted)])
        return str(target.release)

    def _install(self, target: Target, placement: Placement) -> str:
        """Nothing is restarted until everything is installed everywhere. What is on the host already needs no registry."""
        todo = steps.install(target.service, target.release)
        if target.is_on_hosts and target.service.kind is Kind.STATIC:
            kept = self._executor.attempt(placement.host.name, steps.intact_build(target.service, target.release))
            if kept.exit_status == 0:
                return "kept build"
        if target.is_on_hosts:
            with suppress(MoveFailed):
                return self._do(target, placement, Move.INSTALL, steps.offline(todo))
        return self._do(target, placement, Move.INSTALL, todo)

    def _units(self, target: Target, placement: Placement) -> list[PlacedUnit]:
        """The units that are restarted: on a way back only those that were."""
        return [unit for unit in placement.placed_units if self._is_due(target, placement, unit.unit)]

    def _is_due(self, target: Target, placement: Placement, *what: str) -> bool:
        """All of it on the way there; on a way back what was changed, and a console that does not serve what it must, whatever
        the journal knows of that. Where the release that is served was built anew, it is published anew: its files are younger
        than its publication, and nobody could say any more that nothing was changed since.
        """
        if not self._executor.back or target.undoes(placement, *what):
            return True
        is_published = steps.DIST in what and target.service.kind is Kind.STATIC
        again = target.wanted is not None and target.wanted.commit == target.release.commit
        anew = again and target.undoes(placement, steps.PACKAGES)
        return is_published and (anew or not self._is_served(target, placement))

    def _is_served(self, target: Target, placement: Placement) -> bool:
        """Where that cannot be asked, it is not: the move that follows meets what is wrong, and says so."""
        served = False
        with suppress(Exception):
            served = self._executor.attempt(placement.host.name, steps.is_served(target.service, target.release)).exit_status == 0
        return served

    def _restart(self) -> None:
        """Service by service in the plan's order, host by host, unit by unit: the next only when the last is up. The first host
        of several is the canary: no other is touched before it was judged.
        """
        for target in self.plan.targets:
            is_fleet = target.service.name == "fleet" and any(self._units(target, one) for one in target.placements)
            sampler = Sampler(self._executor.connections, self._executor.estate) if is_fleet else None
            self._samplers += [sampler] if sampler else []
            with sampler or nullcontext():
                for placement in target.placements:
                    self._go(placement, partial(self._restart_on, target, placement))
                    if placement is target.placements[0] and len(target.placements) > 1:
                        self._judge(placement)

    def _judge(self, placement: Placement, units: Sequence[PlacedUnit] = ()) -> None:
        """Judge the canary: these units alone, or the whole host."""
        if self._canary is not None:
            self._move(Move.CANARY, placement, partial(self._canary, placement, units))

    def _restart_on(self, target: Target, placement: Placement) -> None:
        if target.service.kind is Kind.STATIC:
            if self._is_due(target, placement, steps.DIST):
                self._move(Move.RESTART, placement, partial(self._publish, target, placement))
        elif target.service.name == "fleet":
            self._roll(target, placement)
        else:
            for unit in self._to_restart(target, placement):
                self._move(Move.RESTART, placement, partial(self._restart_one, target, unit))
                self._move(Move.HEALTH, placement, partial(self._up, unit, target))

    def _to_restart(self, target: Target, placement: Placement) -> list[PlacedUnit]:
        """The units of one placement. Where the same release did not come up on another host on the way back, those that are
        up with it are let be: what is wrong there may be wrong here, and they serve.
        """
        units = self._units(target, placement)
        if not any(one.id in self._left_behind for one in target.placements):
            return units
        seen = {unit.id: self._executor.up(unit, target.release.commit, self._executor.answer(unit)).up for unit in units}
        return [unit for unit in units if seen[unit.id] is not Up.YES]

    def _publish(self, target: Target, placement: Placement) -> str:
        self._do(target, placement, Move.RESTART, [steps.publish(target.service, target.release)])
        return "dist switched"

    def _roll(self, target: Target, placement: Placement) -> None:
        """One host of the fleet: idle workers first, each batch up before the next is touched. On the first host the first worker
        is alone, and judged before the second one is touched.
        """
        left = self._to_restart(target, placement)
        alone = self._canary is not None and placement is target.placements[0]
        drain = Deadline.after(self._pace.drain)
        while left:
            self._executor.check()
            drained = self._executor.back or drain.passed
            batch = next_batch(left, self._calls(target, left), 1 if alone else self._pace.most, drained=drained)
            if not batch.units:
                self._executor.pause()
                continue
            if batch.calls:
                with self._lock:
                    self._calls_cut += batch.calls
            besides = f", {counted(batch.calls, 'call')} up" if batch.calls else ""
            self._at_once([(Move.RESTART, placement, partial(self._restart_one, target, unit, besides)) for unit in batch.units])
            self._at_once([(Move.HEALTH, placement, partial(self._up, unit, target)) for unit in batch.units])
            left = [unit for unit in left if unit not in batch.units]
            if alone and left:
                self._judge(placement, batch.units)
            alone = False

    def _calls(self, target: Target, units: Sequence[PlacedUnit]) -> dict[str, int | None]:
        """How many calls each of these workers says it has."""
        health = target.service.health
        if health is None:
            return {}
        questions = {Question(unit.host.name, unit.port_of(health), health.path): unit.id for unit in units}
        answers = ask(self._executor.connections, tuple(questions), deadline=_ANSWER_DEADLINE)
        return {questions[question]: calls_of(answer) for question, answer in answers.items()}

    def _restart_one(self, target: Target, unit: PlacedUnit, besides: str = "") -> str:
        """One unit, from whatever state it is in."""
        name = unit.unit.removesuffix(".service")
        if unit.service.name == "dialler":
            phase = phase_of(Move.RESTART, back=self._executor.back)
            restart_alone(self._executor, target.task(unit.placement), unit, phase, partial(self._turn, unit, up=False))
            return name
        state = read_state(self._executor.look(unit.host.name, steps.unit_state(unit.unit)).stdout)
        todo = [*steps.unlimited(unit.unit, state), steps.systemctl("restart", unit.unit)]
        self._turn(unit, up=False)
        self._do(target, unit.placement, Move.RESTART, todo)
        return f"{name}{besides}"

    def _up(self, unit: PlacedUnit, target: Target) -> str:
        said = self._executor.await_up(unit, target.release.commit)
        self._turn(unit, up=True)
        return f"{unit.unit.removesuffix('.service')} {said}"

    def _turn(self, unit: PlacedUnit, *, up: bool) -> None:
        """Note when a unit stops, and when it is up again."""
        with self._lock:
            self._turns.append(Turn(unit.service.name, unit.host.name, unit.unit, time.time(), up, self._executor.back))

    def _confirm(self) -> None:
        """All units that were restarted once more, at once: what came up first must still be up when the last one is. One alone
        was seen up just now.
        """
        again = [
            (Move.HEALTH, placement, partial(self._up, unit, target))
            for target in self.plan.targets
            for placement in target.placements
            for unit in self._units(target, placement)
        ]
        if len(again) > 1:
            self._at_once(again, apart=True)
        if self._left_behind:
            raise next(iter(self._left_behind.values()))

    def _everywhere(self, move: Move, work: Callable[[Target, Placement], str], *what: str) -> None:
        """Each target on each host, all at once; on a way back where any of ``what`` was changed."""
        everywhere = [(target, placement) for target in self.plan.targets for placement in target.placements]
        todo = [(target, placement) for target, placement in everywhere if self._is_due(target, placement, *what)]
        self._at_once([(move, placement, partial(work, target, placement)) for target, placement in todo], apart=True)

    def _at_once(self, moves: Sequence[tuple[Move, Placement, Callable[[], str]]], *, apart: bool = False) -> None:
        """All of them, then the first failure in the plan's order: one host's failure leaves no other half done. ``apart``:
        each is a placement's whole part, and on the way back one that fails is left behind.
        """

        def one(move: Move, placement: Placement, work: Callable[[], str]) -> None:
            if apart:
                self._go(placement, partial(self._move, move, placement, work))
            else:
                self._move(move, placement, work)

        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="move") as pool:
            running = [pool.submit(one, *move) for move in moves]
        for future in running:
            future.result()

    def _move(self, move: Move, placement: Placement, work: Callable[[], str]) -> None:
        """One move on one host, told and recorded, whatever comes of it; not even begun once the run is stopped."""
        self._executor.check()
        service, host = placement.service.name, placement.host.name
        self._progress.begin(service, host, move)
        started, began = time.time(), time.monotonic()
        detail, failed = "", None
        try:
            detail = work()
        except VoxgateError as error:
            failed = error
            raise
        except Exception as error:
            failed = unforeseen(error, host)
            raise failed from error
        finally:
            seconds = time.monotonic() - began
            said = (failed.line, failed.hint) if failed else ("" if detail else "interrupted", "")
            record = MoveRecord(service, host, move, started, seconds, detail, *said, rollback=self._executor.back)
            with self._lock:
                self._records.append(record)
            self._progress.end(record)
