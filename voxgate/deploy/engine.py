"""The engine: reaches one state after the other, each exactly once, and keeps what happened for whoever asks later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum
from functools import partial

from voxgate.deploy.hands import attempt, await_up, perform, restart, restart_alone
from voxgate.deploy.plan import Plan, Target
from voxgate.deploy.progress import Progress
from voxgate.errors import MoveFailed, VoxgateError
from voxgate.model.estate import Estate, Kind, PlacedUnit, Placement
from voxgate.model.verdict import Move, MoveRecord
from voxgate.moves import steps
from voxgate.transport.connections import Connections

_AT_ONCE = 16


class State(IntEnum):
    """How far a deploy is: each state holds for all targets on all their hosts."""

    CHECKED_OUT = 1
    INSTALLED = 2
    RESTARTED = 3
    HEALTHY = 4


class Deployment:
    """One plan being carried out. ``back`` means the way back: the same moves, from what is on the hosts already."""

    def __init__(self, plan: Plan, estate: Estate, connections: Connections, progress: Progress, *, back: bool = False) -> None:
        """Nothing happens yet: the first ``reach`` begins."""
        self.plan = plan
        self._estate = estate
        self._connections = connections
        self._progress = progress
        self._back = back
        self._outcomes: dict[State, VoxgateError | None] = {}
        self._records: list[MoveRecord] = []
        self._touched: set[str] = set()
        self._lock = threading.Lock()

    @property
    def records(self) -> tuple[MoveRecord, ...]:
        """Every move so far, in the order in which they ended."""
        with self._lock:
            return tuple(self._records)

    @property
    def touched(self) -> frozenset[str]:
        """Ids of the placements on which anything may have changed."""
        with self._lock:
            return frozenset(self._touched)

    @property
    def failure(self) -> VoxgateError | None:
        """Why the deploy stopped, None if it did not."""
        return next((error for error in self._outcomes.values() if error is not None), None)

    @property
    def reached(self) -> int:
        """The last state that holds, 0 for none."""
        return max((state for state, error in self._outcomes.items() if error is None), default=0)

    def reach(self, state: State) -> None:
        """Bring all targets to ``state``. Done where it is first asked; afterwards the recorded outcome is the answer.

        Raises the VoxgateError that stopped the deploy, again to each who asks for a state that was not reached.
        """
        work = {
            State.CHECKED_OUT: self._check_out,
            State.INSTALLED: self._install,
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

    @staticmethod
    def _outcome_of(work: Callable[[], None]) -> VoxgateError | None:
        """Do it; the error is the outcome."""
        try:
            work()
        except VoxgateError as error:
            return error
        return None

    def _check_out(self) -> None:
        """Each target on each host, all at once."""
        self._everywhere(Move.CHECKOUT, self._check_out_one)

    def _check_out_one(self, target: Target, placement: Placement) -> str:
        host = placement.host.name
        if self._back:
            if attempt(self._connections, host, steps.has_commit(target.service, target.release)).exit_status != 0:
                raise MoveFailed(f"{target.release} is not on the host", where=host, why="git has no such commit")
            perform(self._connections, host, steps.put_in_place(target.service, target.release))
        else:
            for step in steps.checkout(target.service, target.release):
                perform(self._connections, host, step)
        return str(target.release)

    def _install(self) -> None:
        """Each target on each host, all at once: nothing is restarted until everything is installed everywhere."""
        self._everywhere(Move.INSTALL, self._install_one)

    def _install_one(self, target: Target, placement: Placement) -> str:
        host = placement.host.name
        if self._back and target.service.kind is Kind.STATIC:
            kept = attempt(self._connections, host, steps.intact_build(target.service, target.release))
            if kept.exit_status == 0:
                return "kept build"
        done = steps.install(target.service, target.release)
        for step in done:
            perform(self._connections, host, step)
        return ", ".join(step.says for step in done)

    def _restart(self) -> None:
        """Service by service in the plan's order, host by host, unit by unit: the next only when the last is up."""
        for target in self.plan.targets:
            for placement in target.placements:
                if target.service.kind is Kind.STATIC:
                    self._move(Move.RESTART, placement, partial(self._publish, target, placement))
                for unit in placement.placed_units:
                    self._move(Move.RESTART, placement, partial(self._restart_one, unit))
                    self._move(Move.HEALTH, placement, partial(self._up, unit, target))

    def _publish(self, target: Target, placement: Placement) -> str:
        perform(self._connections, placement.host.name, steps.publish(target.service, target.release))
        return "dist switched"

    def _restart_one(self, unit: PlacedUnit) -> str:
        if unit.service.name == "dialler":
            restart_alone(self._connections, self._estate, unit)
        else:
            restart(self._connections, unit)
        return unit.unit.removesuffix(".service")

    def _up(self, unit: PlacedUnit, target: Target) -> str:
        said = await_up(self._connections, unit, target.release.commit)
        return f"{unit.unit.removesuffix('.service')} {said}"

    def _confirm(self) -> None:
        """All units of the plan once more, at once: what came up first must still be up when the last one is."""
        placed = [
            (Move.HEALTH, placement, partial(self._up, unit, target))
            for target in self.plan.targets
            for placement in target.placements
            for unit in placement.placed_units
        ]
        self._at_once(placed)

    def _everywhere(self, move: Move, work: Callable[[Target, Placement], str]) -> None:
        self._at_once(
            [
                (move, placement, partial(work, target, placement))
                for target in self.plan.targets
                for placement in target.placements
            ]
        )

    def _at_once(self, moves: Sequence[tuple[Move, Placement, Callable[[], str]]]) -> None:
        """All of them, then the first failure in the plan's order: one host's failure leaves no other half done."""
        with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="move") as pool:
            running = [pool.submit(self._move, *move) for move in moves]
        errors = [error for future in running if (error := future.exception()) is not None]
        if errors:
            raise errors[0]

    def _move(self, move: Move, placement: Placement, work: Callable[[], str]) -> None:
        """One move on one host, told and recorded, whatever comes of it."""
        service, host = placement.service.name, placement.host.name
        with self._lock:
            self._touched.add(placement.id)
        self._progress.begin(service, host, move)
        started, began = time.time(), time.monotonic()
        detail, failed = "", None
        try:
            detail = work()
        except VoxgateError as error:
            failed = error
            raise
        finally:
            seconds = time.monotonic() - began
            said = (failed.line, failed.hint) if failed else ("" if detail else "interrupted", "")
            record = MoveRecord(service, host, move, started, seconds, detail, *said, rollback=self._back)
            with self._lock:
                self._records.append(record)
            self._progress.end(record)
