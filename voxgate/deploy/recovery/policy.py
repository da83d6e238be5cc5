"""The recovery policy: from what stands in the journals, the one way out of it. Pure: nothing here looks or acts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.last_known_good import way_back
from voxgate.deploy.hosts.state import Found
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import Missing
from voxgate.model.release import Release


class WayOut(Enum):
    """What is done about a service whose deploy was left open."""

    NOTHING = "nothing to do"
    ABANDON = "abandoned: nothing was changed"
    GO_BACK = "go back to the last known good"
    JUDGE = "judge again"
    PROMOTE = "finish promoting"
    HELD = "held until a person clears it"
    STUCK = "nothing to go back to"
    WAITS = "left as it is until all can be known"


@dataclass(frozen=True, slots=True)
class Decision:
    """One service: the way out, over all its hosts. ``release`` is what to go back to, judge or promote; ``placements`` are
    those that are open; ``origin`` is what the open deploy wanted; ``run`` is whose it was.
    """

    way: WayOut
    service: str
    placements: tuple[Placement, ...] = ()
    release: Release | None = None
    wanted: Release | None = None
    run: str = ""
    found: str = ""

    @property
    def line(self) -> str:
        """What was found, what is decided."""
        target = f" ({self.release})" if self.release and self.way in {WayOut.GO_BACK, WayOut.JUDGE, WayOut.PROMOTE} else ""
        return f"{self.service}: {self.found} -> {self.way.value}{target}"


def way_of(phase: Phase, *, unsure: bool = False) -> WayOut:
    """The one way out of each state of a journal. Where one is ``unsure`` that it was judged good, as a host booted since or
    says otherwise, it must be judged again.
    """
    match phase:
        case Phase.DONE | Phase.ROLLED_BACK | Phase.ABANDONED | Phase.CLEARED:
            return WayOut.NOTHING
        case Phase.CLAIMED | Phase.FETCH:
            return WayOut.ABANDON
        case Phase.CHECKOUT | Phase.INSTALL | Phase.RESTART:
            return WayOut.GO_BACK
        case Phase.BACK_CHECKOUT | Phase.BACK_INSTALL | Phase.BACK_RESTART | Phase.BACK_JUDGING:
            return WayOut.GO_BACK
        case Phase.JUDGING:
            return WayOut.JUDGE
        case Phase.PROMOTING:
            return WayOut.JUDGE if unsure else WayOut.PROMOTE
        case Phase.HELD:
            return WayOut.HELD


def decide(estate: Estate, found: Mapping[str, Found], away: Collection[str] = ()) -> tuple[Decision, ...]:
    """One decision a service, in the order of a deploy; those with nothing to do are left out. Of hosts that are ``away``
    nothing is known: what they might decide waits for them.
    """
    there = {one.id: found[one.id] for one in estate.placements if one.host.name not in away}
    promoted = _runs_being_promoted(there) if len(there) == len(estate.placements) else frozenset[str]()
    back = _runs_going_back(there)
    decisions = []
    for service in estate.services:
        mine = {p: found[p.id] for p in estate.placements if p.service.name == service.name}
        here = {placement: one for placement, one in mine.items() if placement.id in there}
        decision = _decide_one(service.name, mine, here, promoted, back)
        if away and decision.way is WayOut.JUDGE:  # it would be judged blind, and go back for nothing
            decision = replace(decision, way=WayOut.WAITS)
        if decision.way is not WayOut.NOTHING:
            decisions.append(decision)
    return tuple(decisions)


def _runs_being_promoted(found: Mapping[str, Found]) -> frozenset[str]:
    """Runs whose judging was good: that stands on every host where they are open. One host alone writes what it likes, and one
    that booted since is not proof of anything any more.
    """
    journals = [(one.journal, one.boot) for one in found.values() if isinstance(one.journal, Journal)]
    told = {journal.run for journal, _ in journals if journal.phase is Phase.PROMOTING}
    other = {
        journal.run
        for journal, boot in journals
        if not journal.phase.closed and (journal.phase is not Phase.PROMOTING or journal.boot != boot)
    }
    return frozenset(told - other)


def _runs_going_back(found: Mapping[str, Found]) -> frozenset[str]:
    """Runs of which something must go back: what they have at its judging elsewhere goes back with it, since it would be
    judged beside what is not there any more.
    """
    journals = [one.journal for one in found.values() if isinstance(one.journal, Journal)]
    return frozenset(journal.run for journal in journals if way_of(journal.phase) is WayOut.GO_BACK)


_URGENCY = (WayOut.HELD, WayOut.GO_BACK, WayOut.JUDGE, WayOut.PROMOTE, WayOut.ABANDON, WayOut.NOTHING)


def _decide_one(
    service: str,
    mine: Mapping[Placement, Found],
    here: Mapping[Placement, Found],
    promoted: frozenset[str],
    back: frozenset[str],
) -> Decision:
    """The gravest of its hosts' ways, for all of them that are ``here``."""
    ways = {placement: _way_here(one, promoted, back) for placement, one in here.items()}
    way = min(ways.values(), key=_URGENCY.index, default=WayOut.NOTHING)
    open_ones = tuple(placement for placement, here in ways.items() if here is not WayOut.NOTHING)
    journals = [one.journal for placement, one in mine.items() if placement in open_ones and isinstance(one.journal, Journal)]
    journal = journals[0] if journals else None
    wanted, run = (journal.release, journal.run) if journal else (None, "")
    good, disagree = way_back({placement.host.name: one.good for placement, one in mine.items()})
    said = "; ".join(_said(placement, mine[placement]) for placement in open_ones)
    if way in {WayOut.JUDGE, WayOut.PROMOTE} and len({one.release.commit for one in journals}) > 1:
        way, said = WayOut.GO_BACK, f"{said}; its hosts do not agree on what was deployed"
    said += f"; {disagree}" if disagree and way is WayOut.GO_BACK else ""
    match way:
        case WayOut.GO_BACK:
            if good is None and any(isinstance(one.good, Missing) for one in mine.values()):
                return Decision(WayOut.WAITS, service, open_ones, None, wanted, run, f"{said}; {_unknown(mine)}")
            if good is None:
                return Decision(WayOut.STUCK, service, open_ones, None, wanted, run, said)
            # What was judged or promoted elsewhere goes back too: one release a service.
            return Decision(way, service, open_ones, good, wanted, run, said)
        case _:
            return Decision(way, service, open_ones, wanted, wanted, run, said)


def _unknown(mine: Mapping[Placement, Found]) -> str:
    """Why nobody knows what to go back to."""
    why = next(one.good.why for one in mine.values() if isinstance(one.good, Missing))
    return f"what was last known good is not known ({why})"


def _way_here(one: Found, promoted: frozenset[str], back: frozenset[str]) -> WayOut:
    """One host's way. A journal that cannot be read says only that something was being done."""
    journal = one.journal
    if journal is None:
        return WayOut.NOTHING
    if isinstance(journal, Missing):
        return WayOut.GO_BACK
    way = way_of(journal.phase, unsure=journal.run not in promoted)
    return WayOut.GO_BACK if way is WayOut.JUDGE and journal.run in back else way


def _said(placement: Placement, one: Found) -> str:
    """What was found on one host."""
    host = placement.host.name
    match one.journal:
        case Journal() as journal:
            booted = ", the host was booted since" if journal.boot != one.boot and not journal.phase.closed else ""
            why = f" ({journal.reason})" if journal.reason else ""
            how = "is held after" if journal.phase is Phase.HELD else f"was left at {journal.said} by"
            return f"{host} {how} run {journal.run}{booted}{why}"
        case Missing() as missing:
            return f"{host} has a journal that cannot be read ({missing.why})"
        case None:
            return f"{host} has no journal"
