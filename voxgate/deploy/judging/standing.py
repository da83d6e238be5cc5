"""Standing: what did not hold before anything was touched, what of it stops a deploy, and what is worse afterwards. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from voxgate.deploy.hosts.journal import MOST_REASON
from voxgate.deploy.planning.plan import Plan
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused
from voxgate.model.advice import quoted
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import Missing
from voxgate.model.nearest import nearest
from voxgate.model.release import Release
from voxgate.model.verdict import Judgement, RunVerdict, Verdict

KEPT = 500
"""Ids that a journal keeps."""

SHOWN = 25
"""Ids that a refusal names; it counts the others, and the verdict has them all."""

TOLD = 3
"""What was found is told of so many on one host, of one service; the others there are named."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``found`` is what did not hold before; ``ids`` are theirs, which is all that a journal keeps. ``allowed`` may stay so, for
    the ``reason`` that a person gave. Of nothing known before, everything that does not hold afterwards is worse.
    """

    ids: frozenset[str] = frozenset()
    found: tuple[Judgement, ...] = ()
    allowed: frozenset[str] = frozenset()
    reason: str = ""

    @classmethod
    def of(cls, judgements: Sequence[Judgement], plan: Plan, allowed: Collection[str], reason: str, *, back: bool) -> Standing:
        """From the judgement of the look before. Going ``back`` on purpose is never stopped by what stands."""
        found = tuple(one for one in judgements if not one.verdict.is_green)
        ids = frozenset(one.id for one in found)
        if back:
            allowed, reason = {one.id for one in found if not is_mended(one, plan)}, reason or "a rollback"
        return cls(ids, found, ids.intersection(allowed), reason)

    @property
    def kept(self) -> list[str]:
        """The ids as a journal keeps them: of a whole estate in flames not all, as a journal is read up to a size."""
        return sorted(self.ids)[:KEPT]

    def stopping(self, plan: Plan) -> tuple[Judgement, ...]:
        """What this deploy does not mend, and nobody allowed to stay so."""
        return tuple(one for one in self.found if one.id not in self.allowed and not is_mended(one, plan))

    def against(self, judged: tuple[RunVerdict, tuple[Judgement, ...]]) -> tuple[RunVerdict, tuple[Judgement, ...]]:
        """A judgement against what was before: what did not hold then counts as no worse, whatever it is now."""
        verdict, judgements = judged
        return _counted(verdict, _forgiving(judgements, [one.id for one in judgements if self.stood(one)]))

    def permitting(self, judgements: Sequence[Judgement]) -> tuple[Judgement, ...]:
        """The judgements of a deploy: what was allowed to stay as it was counts as holding."""
        return _forgiving(judgements, self.allowed)

    def still(self, judgements: Sequence[Judgement]) -> tuple[str, ...]:
        """What did not hold before and does not now, by id."""
        return tuple(one.id for one in judgements if self.stood(one) and not one.verdict.is_green)

    def stood(self, judgement: Judgement) -> bool:
        """True if that did not hold before."""
        return judgement.id in self.ids


@dataclass(frozen=True, slots=True)
class Told(Standing):
    """What did not hold before, as open journals say: each placement's is the word of one host's account, which decides for no
    other. It counts for what is of that service or about that host; of the estate as a whole all must say it.
    """

    words: tuple[tuple[Placement, frozenset[str]], ...] = ()

    @classmethod
    def by(cls, words: Iterable[tuple[Placement, frozenset[str]]]) -> Told:
        """From the ids in each placement's journal."""
        words = tuple(words)
        return cls(ids=frozenset[str]().union(*(ids for _, ids in words)), words=words)

    def stood(self, judgement: Judgement) -> bool:
        """True if that did not hold before, as those say who may."""
        if not judgement.service and not judgement.host:
            return bool(self.words) and all(judgement.id in ids for _, ids in self.words)
        return any(
            judgement.id in ids and (placement.service.name == judgement.service or placement.host.name == judgement.host)
            for placement, ids in self.words
        )


def is_mended(judgement: Judgement, plan: Plan) -> bool:
    """True if a deploy is there to mend it: it is of a service that is deployed, and of no host on which that is not."""
    return any(
        judgement.service == target.service.name
        and (not judgement.host or judgement.host in {placement.host.name for placement in target.placements})
        for target in plan.targets
    )


def _forgiving(judgements: Sequence[Judgement], ids: Collection[str]) -> tuple[Judgement, ...]:
    return tuple(replace(one, verdict=Verdict.HOLDS) if one.id in ids else one for one in judgements)


def _counted(verdict: RunVerdict, judgements: tuple[Judgement, ...]) -> tuple[RunVerdict, tuple[Judgement, ...]]:
    """The verdict that is left. What was not judged to its end stays so."""
    left = {one.verdict for one in judgements}
    if Verdict.VIOLATED in left:
        return RunVerdict.VIOLATED, judgements
    if Verdict.BLIND in left:
        return RunVerdict.BLIND, judgements
    return (RunVerdict.HOLDS if verdict in {RunVerdict.VIOLATED, RunVerdict.BLIND} else verdict), judgements


def named(ids: Sequence[str]) -> str:
    """Ids as a person reads them: the first, and how many more."""
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return ", ".join(ids[:SHOWN]) + more


def lines_of(found: Sequence[Judgement], must: Mapping[str, Release | Missing | None]) -> list[str]:
    """One line each, and one for the rest of what is of the same service on the same host; what is only that a service was never
    deployed here, one line a service.
    """
    never = {name for name in must if must[name] is None}
    counts = Counter(one.service for one in found)
    lines = [
        f"{name}: no release of it ever passed the gate here, {count} {'rule does' if count == 1 else 'rules do'} not hold"
        for name in must
        if name in never and (count := counts[name])
    ]
    places: dict[tuple[str | None, str | None], list[Judgement]] = {}
    for one in found:
        if one.service not in never:
            places.setdefault((one.service, one.host), []).append(one)
    for (service, _host), ours in places.items():
        told = ours if service is None or len(ours) == TOLD + 1 else ours[:TOLD]
        lines += [f"{one.id} is {one.verdict}: {one.found}" for one in told]
        if rest := ours[len(told) :]:
            lines.append(f"and {len(rest)} more of {service} there: {named([one.id for one in rest])}")
    return lines


def refused(
    stopping: Sequence[Judgement],
    plan: Plan,
    must: Mapping[str, Release | Missing | None],
    held: Mapping[str, str],
    estate: Estate,
) -> Refused:
    """The refusal: all of it at once, and the ways on."""
    never = [name for name in must if must[name] is None and any(one.service == name for one in stopping)]
    others = [one.id for one in stopping if one.service not in never]
    first = [f"{name} was never deployed here" for name in never]
    ways = []
    if never:
        ways.append(f"deploy {', '.join(never)} too (SERVICE=all)")
    elif together := _together(stopping, plan, must, estate):
        ways.append(f"what only a deploy mends goes along: `{together}`")
    ways.append(f"mend it first (`make verify ESTATE={quoted(estate.name)}` says how)")
    ways += [f"look at what is held, mend it, then --clear {name} --reason TEXT" for name in held]
    ways.append("or let it stand: --standing ID --reason TEXT, for each")
    what = "what does not hold now, and this deploy does not mend, would stop it"
    return Refused(what, why="; ".join([*first, *([named(others)] if others else [])]), hint="; ".join(ways))


def _together(
    stopping: Sequence[Judgement], plan: Plan, must: Mapping[str, Release | Missing | None], estate: Estate
) -> str | None:
    """The command that deploys what is planned, and puts each other service that is in the way back as it must be. Where both
    wait for a deploy, each alone would be refused for the other. None where there is none.
    """
    releases = {target.service.name: target.release for target in plan.targets}
    for one in stopping:
        release = must.get(one.service or "")
        where = {placement.host.name for placement in estate.placements if placement.service.name == one.service}
        if one.service and isinstance(release, Release) and (one.host is None or one.host in where):
            releases.setdefault(one.service, release)
    if len(releases) == len(plan.targets) or not all(release.tag for release in releases.values()):
        return None
    deploys = [word for name, release in releases.items() for word in ("--deploy", f"{name}={release.tag}")]
    return quoted("uv", "run", "pytest", "--estate", estate.name, *deploys)


def must_be_meant(options: Options, known: Collection[str], plain: Collection[str] = ()) -> None:
    """Raises Refused for a ``--standing`` that nobody can mean: of no deploy, without a reason, of no invariant; ``plain`` are a
    team's own tests.
    """
    if not options.standing:
        return
    where = f"--standing {options.standing[0]}"
    if not options.deploy:
        raise Refused("only a deploy may leave something violated", where=where, hint="--rollback goes back whatever stands")
    if not options.reason.strip():
        raise Refused("without a reason nothing is left to stand", where=where, hint='--reason "why it may stay so"')
    if len(options.reason) > MOST_REASON // 2:
        why = f"{len(options.reason)} characters, at most {MOST_REASON // 2}"
        raise Refused("the reason is too long for a line of the ledger", where=where, why=why)
    for one in options.standing:
        if one not in known and one.partition("[")[0] not in plain:
            near = nearest(one, known)
            hint = f"did you mean {near}?" if near else "an id as a look says it: only-expected-listeners[api-1]"
            raise Refused("there is no such invariant here", where=f"--standing {one!r}", hint=hint)
