"""Undoing: what a deploy that failed has changed where, and so what is put back there, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.planning.plan import Target
from voxgate.model.estate import Placement
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.moves.steps import CODE, PACKAGES


def changes(found: Found) -> frozenset[str] | None:
    """What was changed on one placement, by its journal; None where that is not known, and anything may have been. A host
    that was booted since has started its units on whatever code was there.
    """
    journal = found.journal
    if not isinstance(journal, Journal) or journal.changed is None:
        return None
    booted = journal.boot != found.boot and not journal.changed.isdisjoint({CODE, PACKAGES})
    return None if booted else journal.changed


def nothing_was_changed(found: Found) -> bool:
    """True where a deploy was begun on a placement, and changed nothing there."""
    return changes(found) == frozenset() and isinstance(found.journal, Journal) and found.journal.phase is not Phase.HELD


def undoing(target: Target, found: Mapping[str, Found]) -> Target:
    """The target of a way back with what was changed on each of its placements."""
    return replace(target, undo={placement.id: changes(found[placement.id]) for placement in target.placements})


def kept_units(targets: Iterable[Target]) -> tuple[str, ...]:
    """Units that a way back does not restart, as the deploy did not: ``fleet-1 voxcore@2``."""
    return tuple(
        f"{placement.host.name} {unit.removesuffix('.service')}"
        for target in targets
        for placement in target.placements
        for unit in target.kept(placement)
    )


def ages(
    placements: Iterable[Placement], hosts: Mapping[str, HostEvidence | Missing], found: Mapping[str, Found]
) -> dict[str, dict[str, float | None]]:
    """When code and packages of each placement were last changed (epoch seconds on its host's clock), by its id: ``code``, for
    which a change that a failed deploy put back is none, and ``seen``, for which it is one. None where that was not seen.
    """
    said = {}
    for one in placements:
        seen, back = _last_change(one, hosts[one.host.name]), found[one.id].put_back
        said[one.id] = {"code": back.age(seen) if back and seen is not None else seen, "seen": seen}
    return said


def _last_change(placement: Placement, host: HostEvidence | Missing) -> float | None:
    if isinstance(host, Missing) or not placement.units:
        return None
    name = placement.service.name
    facts = [part.get(name) for part in (host.checkouts, host.venvs, host.packages)]
    times = [fact.changed for fact in facts if fact is not None and not isinstance(fact, Missing)]
    if len(times) < len(facts):
        return None
    return max(times)
