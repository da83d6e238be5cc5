"""Recovery, decided: from what stands in the journals, the one way out of it. Pure: nothing here looks or acts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from voxgate.deploy.journal import Journal, Phase
from voxgate.deploy.state import Found, Good, LastKnownGood
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import Missing
from voxgate.model.release import Release


class Way(Enum):
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

    way: Way
    service: str
    placements: tuple[Placement, ...] = ()
    release: Release | None = None
    wanted: Release | None = None
    run: str = ""
    found: str = ""

    @property
    def line(self) -> str:
        """What was found, what is decided."""
        target = f" ({self.release})" if self.release and self.way in {Way.GO_BACK, Way.JUDGE, Way.PROMOTE} else ""
        return f"{self.service}: {self.found} -> {self.way.value}{target}"


def way_of(phase: Phase, *, unsure: bool = False) -> Way:
    """The one way out of each state of a journal. Where one is ``unsure`` that it was judged good, as a host booted since or
    says otherwise, it must be judged again.
    """
    match phase:
        case Phase.DONE | Phase.ROLLED_BACK | Phase.ABANDONED | Phase.CLEARED:
            return Way.NOTHING
        case Phase.CLAIMED | Phase.FETCH:
            return Way.ABANDON
        case Phase.CHECKOUT | Phase.INSTALL | Phase.RESTART:
            return Way.GO_BACK
        case Phase.BACK_CHECKOUT | Phase.BACK_INSTALL | Phase.BACK_RESTART | Phase.BACK_JUDGING:
            return Way.GO_BACK
        case Phase.JUDGING:
            return Way.JUDGE
        case Phase.PROMOTING:
            return Way.JUDGE if unsure else Way.PROMOTE
        case Phase.HELD:
            return Way.HELD


def way_back(goods: Mapping[str, Good]) -> tuple[Release | None, str]:
    """The release to go back to, over all hosts of a service, and a line where they do not agree.

    A host that never knew one follows the others (it is new here); of several, the one promoted last counts.
    """
    known = [good for good in goods.values() if isinstance(good, LastKnownGood)]
    if not known:
        return None, ""
    last = max(known, key=lambda good: good.promoted_at)
    if len(known) == len(goods) and all(good.release.commit == last.release.commit for good in known):
        return last.release, ""
    said = ", ".join(f"{key}: {good.release if isinstance(good, LastKnownGood) else 'none'}" for key, good in goods.items())
    return last.release, f"its hosts disagree on last-known-good ({said}): {last.release}, promoted last, counts"


def credible(
    found: Mapping[str, Found], estate: Estate, on_main: Callable[[str, Collection[str]], frozenset[str] | None], latest: str
) -> dict[str, Found]:
    """The same without the last known goods that no host may decide on for another one. Each host writes its own: where all of
    a service say one commit nobody decides for anybody. Where they do not, what was promoted later than ``latest`` (by a gate,
    whose clocks are about right) counts for nothing, and so does a commit that ``on_main`` does not know of this service:
    it says which are main's, as the remote had it last, and None where nobody can say.
    """
    believed = dict(found)
    for service in estate.services:
        mine = [one.id for one in estate.placements if one.service.name == service.name]
        goods = {key: good for key in mine if isinstance(good := found[key].good, LastKnownGood)}
        commits = {good.release.commit for good in goods.values()}
        if not commits or (len(commits) == 1 and len(goods) == len(mine)):
            continue
        main = on_main(service.name, commits)
        for key, good in goods.items():
            why = ""
            if good.promoted_at > latest:
                why = f"it was promoted in the future, {good.promoted_at}"
            elif main is not None and good.release.commit not in main:
                why = f"{good.release.commit[:12]} is not on main"
            elif main is None and len(commits) > 1:
                why = "nobody can say which of them is on main"
            if why:
                hint = f"mend or remove /var/lib/voxgate/{service.name}/last-known-good.json there: it follows the others then"
                what = f"{good.release} is another one than on other hosts, and {why}"
                believed[key] = replace(found[key], good=Missing("failed", what, key, hint))
    return believed


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
        if away and decision.way is Way.JUDGE:  # it would be judged blind, and go back for nothing
            decision = replace(decision, way=Way.WAITS)
        if decision.way is not Way.NOTHING:
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
    return frozenset(journal.run for journal in journals if way_of(journal.phase) is Way.GO_BACK)


_URGENCY = (Way.HELD, Way.GO_BACK, Way.JUDGE, Way.PROMOTE, Way.ABANDON, Way.NOTHING)


def _decide_one(
    service: str,
    mine: Mapping[Placement, Found],
    here: Mapping[Placement, Found],
    promoted: frozenset[str],
    back: frozenset[str],
) -> Decision:
    """The gravest of its hosts' ways, for all of them that are ``here``."""
    ways = {placement: _way_here(one, promoted, back) for placement, one in here.items()}
    way = min(ways.values(), key=_URGENCY.index, default=Way.NOTHING)
    open_ones = tuple(placement for placement, here in ways.items() if here is not Way.NOTHING)
    journals = [one.journal for placement, one in mine.items() if placement in open_ones and isinstance(one.journal, Journal)]
    journal = journals[0] if journals else None
    wanted, run = (journal.release, journal.run) if journal else (None, "")
    good, disagree = way_back({placement.host.name: one.good for placement, one in mine.items()})
    said = "; ".join(_said(placement, mine[placement]) for placement in open_ones)
    if way in {Way.JUDGE, Way.PROMOTE} and len({one.release.commit for one in journals}) > 1:
        way, said = Way.GO_BACK, f"{said}; its hosts do not agree on what was deployed"
    said += f"; {disagree}" if disagree and way is Way.GO_BACK else ""
    match way:
        case Way.GO_BACK:
            if good is None and any(isinstance(one.good, Missing) for one in mine.values()):
                return Decision(Way.WAITS, service, open_ones, None, wanted, run, f"{said}; {_unknown(mine)}")
            if good is None:
                return Decision(Way.STUCK, service, open_ones, None, wanted, run, said)
            # What was judged or promoted elsewhere goes back too: one release a service.
            return Decision(way, service, open_ones, good, wanted, run, said)
        case _:
            return Decision(way, service, open_ones, wanted, wanted, run, said)


def _unknown(mine: Mapping[Placement, Found]) -> str:
    """Why nobody knows what to go back to."""
    why = next(one.good.why for one in mine.values() if isinstance(one.good, Missing))
    return f"what was last known good is not known ({why})"


def _way_here(one: Found, promoted: frozenset[str], back: frozenset[str]) -> Way:
    """One host's way. A journal that cannot be read says only that something was being done."""
    journal = one.journal
    if journal is None:
        return Way.NOTHING
    if isinstance(journal, Missing):
        return Way.GO_BACK
    way = way_of(journal.phase, unsure=journal.run not in promoted)
    return Way.GO_BACK if way is Way.JUDGE and journal.run in back else way


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
