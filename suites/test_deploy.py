"""Deploy: every move of this run ended well, on every host. Judged only when there is a deploy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.counting import counted
from voxgate.model.verdict import Move
from voxgate.plugin import invariant, say
from voxgate.survey.commands import why

if TYPE_CHECKING:
    from voxgate.deploy.moving.rolling import Capacity
    from voxgate.model.estate import Placement
    from voxgate.model.service import Service
    from voxgate.model.verdict import MoveRecord

LONGEST_GAP = 10.0  # seconds without a sample after which nobody can say what was served


def ended_well(moves: tuple[MoveRecord, ...], placement: Placement, move: Move) -> None:
    """Violated if this move failed here; blind if the deploy stopped before it."""
    here = [one for one in moves if (one.service, one.host) == (placement.service.name, placement.host.name)]
    also = {Move.CHECKOUT: Move.FETCH, Move.HEALTH: Move.CANARY}.get(move)
    mine = [one for one in here if one.move == move or (one.move == also and one.error)]
    failed = [one for one in mine if one.error]
    assert not failed, say(failed[0].error, failed[0].hint or "mend it, and deploy again")
    if not mine:
        what = f"there was no {move} of {placement.service.name}"
        raise Blind(what, where=placement.host.name, why="the deploy stopped before it")


@invariant(per="placement", guards="releases", faults=("deploy-checkout-refused",))
def test_release_was_checked_out(placement: Placement, moves: tuple[MoveRecord, ...]) -> None:
    """The commit of the tag was fetched and put in place."""
    ended_well(moves, placement, Move.CHECKOUT)


@invariant(per="placement", guards="releases", faults=("deploy-install-fails",))
def test_release_was_installed(placement: Placement, moves: tuple[MoveRecord, ...]) -> None:
    """What the lock says was installed, or built, before anything was restarted."""
    ended_well(moves, placement, Move.INSTALL)


@invariant(per="placement", guards="releases", faults=("deploy-restart-refused",))
def test_service_was_restarted(placement: Placement, moves: tuple[MoveRecord, ...]) -> None:
    """Each unit was restarted, or the console's link switched."""
    ended_well(moves, placement, Move.RESTART)


@invariant(
    per="placement", guards="releases", services=("backend", "fleet", "dialler"), faults=("deploy-unhealthy",), severity="blocker"
)
def test_service_became_healthy(placement: Placement, moves: tuple[MoveRecord, ...]) -> None:
    """Each unit answered as healthy, with the release's commit, within its deadline; and what was restarted first was judged in
    order before anything else was restarted.
    """
    ended_well(moves, placement, Move.HEALTH)


@invariant(per="service", guards="releases", services=("fleet",), faults=("roll-two-workers-down",), severity="blocker")
def test_rolling_restart_kept_serving(service: Service, capacity: Capacity) -> None:
    """A worker that is down is a call that nobody takes. While the fleet was rolled, never more of those that served before
    were down at once than may be.
    """
    worst = capacity.worst
    if worst is None:
        raise Blind("nobody sampled who served", where=service.name, why="the deploy stopped before the fleet was rolled")
    if capacity.longest_gap > LONGEST_GAP:
        hint = "what kept the gate, or the way to the hosts, busy for so long? then deploy again"
        raise Blind("nobody knows who served", where=service.name, why=f"no sample for {capacity.longest_gap:.0f} s", hint=hint)
    down = capacity.served_before.intersection(worst.down)
    were = counted(len(down), "worker was", "workers were")
    assert len(down) <= capacity.most, say(
        f"{worst.at:.0f} s into the roll {were} down at once: {', '.join(sorted(down))}",
        f"at most {capacity.most} may be: what else stopped them? on each fleet host: {why('voxcore@*')}",
    )
