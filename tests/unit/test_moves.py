"""The moves of a deploy: by which steps, what is waited for meanwhile, and which failure counts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from tests.executor import Progress, targets
from tests.unit.test_way_there import Hands, deployment, fleet, fresh
from voxgate.deploy.moving.engine import Deployment, Pace, State
from voxgate.deploy.planning.plan import Plan
from voxgate.errors import Interrupted, MoveFailed
from voxgate.model.estate import PlacedUnit, Placement
from voxgate.model.release import Release
from voxgate.moves import steps
from voxgate.moves.steps import Step
from voxgate.transport.ssh.remote_command import Completed


def test_how_far_a_deploy_came_is_one_number_for_each_gate() -> None:
    """A saved run has it, and a later gate judges it again."""
    assert list(State.__members__.items()) == [
        ("FETCHED", 0), ("CHECKED_OUT", 1), ("INSTALLED", 2), ("RESTARTED", 3), ("HEALTHY", 4),
    ]  # fmt: skip


def test_while_a_busy_worker_is_waited_for_nothing_is_judged_and_a_stop_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Hands):
        """Hands of a run that is stopped while it waits for the second time."""

        def check(self) -> None:
            """Once that is so."""
            if self.pauses == 2:
                raise Interrupted("the run was interrupted")

    judged: list[list[str]] = []

    def canary(_: Placement, units: Sequence[PlacedUnit]) -> str:
        judged.append([one.unit for one in units])
        return "holds"

    target = fresh("fleet")
    one = Plan((replace(target, placements=target.placements[:1]),))
    for hands, calls, wanted in (
        (Hands(), (2, 2, 0), [["voxcore@1.service"]]),
        (Stopped(), (2,), []),
    ):
        fleet(monkeypatch, *calls)
        judged.clear()
        made = Deployment(one, hands, Progress(), Pace(drain=1000.0), canary)  # type: ignore[arg-type]
        with suppress(Interrupted):
            made.reach(State.HEALTHY)
        assert (hands.pauses, judged) == (2, wanted)
        assert (made.failure is None) is bool(wanted)


def test_two_units_are_looked_at_once_more_when_both_are_up_and_one_alone_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    fleet(monkeypatch, None)
    target = fresh("fleet")
    for workers, wanted in ((1, 1), (2, 4)):
        there = replace(target.placements[0], host=replace(target.placements[0].host, workers=workers))
        made = deployment(Hands(), replace(target, placements=(there,)))
        made.reach(State.HEALTHY)
        assert len([one for one in made.records if one.move == "health"]) == wanted


def test_of_several_hosts_that_fail_at_once_the_first_in_the_plan_s_order_is_why() -> None:
    made = deployment(Hands(git_fetch=(1, b"")), fresh("fleet"))
    with pytest.raises(MoveFailed, match="fleet-1: git fetch failed"):
        made.reach(State.HEALTHY)
    assert sorted(one.host for one in made.records) == ["fleet-1", "fleet-2"]


class Doing(Hands):
    """Hands that keep the steps of moves; ``missing``: what is on the host is not enough to install without a registry."""

    def __init__(self, *, back: bool = False, missing: bool = False) -> None:
        super().__init__(back=back)
        self.missing = missing
        self.steps: list[Step] = []

    def do(self, task: Any, phase: Any, steps: Sequence[Step]) -> tuple[Completed, ...]:
        """Kept, whatever comes of it."""
        self.steps += steps
        if self.missing and any("--offline" in step.argv for step in steps):
            raise MoveFailed("uv sync failed", where=task.placement.host.name)
        return super().do(task, phase, steps)


def test_a_new_release_is_installed_with_a_registry_and_what_is_on_the_host_without_one_where_that_can_be() -> None:
    new, (known,) = fresh("backend"), targets("backend")
    for target, hands, wanted in (
        (new, Doing(), [steps.fetch(new.service), steps.put_in_place(new.service, new.release), *built(new.release)]),
        (known, Doing(), [steps.put_in_place(known.service, known.release), *steps.offline(built(known.release))]),
        (
            known,
            Doing(missing=True),
            [steps.put_in_place(known.service, known.release), *steps.offline(built(known.release)), *built(known.release)],
        ),
    ):
        made = deployment(hands, target)
        made.reach(State.INSTALLED)
        assert hands.steps == wanted
        assert made.records[-1].detail == "uv sync"


def built(release: Release) -> tuple[Step, ...]:
    """The backend's installation."""
    return steps.install(targets("backend")[0].service, release)


def test_on_a_way_back_goes_what_the_deploy_s_own_checkout_left() -> None:
    (target,) = targets("backend")
    wanted = replace(target.release, commit="b" * 40)
    hands = Doing(back=True)
    deployment(hands, replace(target, wanted=wanted)).reach(State.CHECKED_OUT)
    assert hands.steps == [steps.put_in_place(target.service, target.release, wanted)]
    assert hands.steps != [steps.put_in_place(target.service, target.release)]
