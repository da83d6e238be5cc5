"""Below the first screen: what is accepted, what is where, all that does not hold, and how much holds of each rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from voxgate.model.verdict import Judgement, RunOutcome, Verdict
from voxgate.report.page.markup import Content, Element, advised, el, folded, table
from voxgate.report.pictures import svg
from voxgate.report.tally import ESTATE, PLATFORM, Tally, by_cell, invariant_of, place, place_missing, subject_of, unjudged

MANY = 20
"""Hosts up to which all of them are shown; of more, table and picture are folded."""


def accepted(outcome: RunOutcome) -> Iterator[Element]:
    """What is waived, and until when; what a person let stand."""
    waived = [one for one in outcome.judgements if one.verdict is Verdict.WAIVED]
    if waived:
        yield el("h2", f"{svg.SIGNS['waived']} Waived: accepted in writing until a day ({len(waived)})")
        rows: list[tuple[Content, ...]] = [
            (_named(one), [el("strong", waiver.until.isoformat()), " (last day)"], waiver.reason, waiver.by, one.found)
            for one in waived
            for waiver in one.waivers
        ]
        yield table(("what", "until", "why", "by", "found"), rows, class_="waived")
    if outcome.allowed:
        yield el("h2", f"Let stand by name ({len(outcome.allowed)})")
        yield el("p", el("strong", "Why: "), outcome.reason or "(no reason was given)")
        found = {one.id: one.found for one in outcome.standing}
        yield table(("what", "found before the deploy"), [(name, found.get(name, "")) for name in outcome.allowed])


def _named(one: Judgement) -> str:
    subject = subject_of(one.id)
    return f"{one.sentence} [{subject}]" if subject else one.sentence


def places(outcome: RunOutcome) -> Iterator[Element]:
    """Host by service: how many hold there, in words."""
    cells = by_cell(outcome)
    if not cells:
        return
    services = [name for name in _services(outcome) if any(key[0] == name for key in cells)]
    hosts = [name for name in (*outcome.hosts, ESTATE) if any(key[1] == name for key in cells)]
    rows = [
        ("the estate as a whole" if host == ESTATE else host, *[_cell(cells.get((one, host), Tally())) for one in services])
        for host in hosts
    ]
    made = table(("host", *services), rows, class_="places")
    yield el("h2", "What holds where")
    yield made if len(hosts) <= MANY else folded(f"{len(hosts)} hosts", made)


def _services(outcome: RunOutcome) -> list[str]:
    judged = [one.service for one in outcome.judgements if one.service]
    return [*dict.fromkeys([*(one.service for one in outcome.services), *judged]), PLATFORM]


def _cell(tally: Tally) -> Content:
    return el("span", _said(tally), class_=f"cell {tally.worst}") if tally.total else "-"


def _said(tally: Tally) -> str:
    parts = [f"{svg.SIGNS['holds'] if tally.worst == 'holds' else ''} {tally.holds} of {tally.total}".strip()]
    for kind, word in (("violated", "violated"), ("blind", "blind"), ("missing", "not judged"), ("waived", "waived")):
        if count := getattr(tally, kind):
            parts.append(f"{svg.SIGNS[kind]} {count} {word}")
    return ", ".join(parts)


def findings(outcome: RunOutcome, title: str, name: str = "") -> Iterator[Element]:
    """All that does not hold, folded by service and host; what was found alike there is said once. Then what holds, as counts.
    ``name`` is what a link calls it.
    """
    bad: dict[tuple[str, str], list[Judgement]] = {}
    for one in outcome.judgements:
        if one.verdict is not Verdict.HOLDS:
            where = place(one)
            bad.setdefault((where.service, where.host), []).append(one)
    lost: dict[tuple[str, str], list[str]] = {}
    for identity in unjudged(outcome):
        lacks = place_missing(identity, outcome)
        lost.setdefault((lacks.service, lacks.host), []).append(identity)
    cells = by_cell(outcome)
    yield el("h2", title, id=name)
    order = {name: number for number, name in enumerate(_services(outcome))}
    hosts = {name: number for number, name in enumerate((*outcome.hosts, ESTATE))}
    for key in sorted({**bad, **lost}, key=lambda key: (order.get(key[0], len(order)), hosts.get(key[1], len(hosts)), key)):
        named = "the estate as a whole" if key[1] == ESTATE else key[1]
        summary: Content = [
            el("strong", f"{key[0]} · {named}"),
            " ",
            el("span", _said(cells[key]), class_=f"cell {cells[key].worst}"),
        ]
        yield folded(summary, el("ul", [*_found(bad.get(key, ())), *_lost(lost.get(key, ()))]), class_="place")
    if not bad and not lost:
        yield el("p", "Nothing: all that was judged holds.")
    yield from _held(outcome)


def _found(judgements: Sequence[Judgement]) -> Iterator[Element]:
    """What was found, violated before blind before waived, with all that was found in the same words below it."""
    alike: dict[tuple[Verdict, str, str], list[Judgement]] = {}
    for one in judgements:
        alike.setdefault((one.verdict, one.found, one.advice), []).append(one)
    for (verdict, found, advice), group in sorted(alike.items(), key=lambda item: _ORDER[item[0][0]]):
        first, *rest = group
        kind = verdict.value
        yield el(
            "li",
            el("p", el("strong", f"{svg.SIGNS[kind]} {kind}: {_named(first)}"), class_="what"),
            el("ul", [el("li", _named(one)) for one in rest], class_="alike") if rest else None,
            el("p", found, class_="found"),
            el("p", el("strong", "To do: "), advised(advice), class_="advice") if advice.strip() else None,
            el("p", first.reason, class_="reason") if not rest else None,
            class_=f"cause {kind}",
        )


_ORDER = {Verdict.VIOLATED: 0, Verdict.BLIND: 1, Verdict.WAIVED: 2, Verdict.HOLDS: 3}


def _lost(identities: Sequence[str]) -> Iterator[Element]:
    for identity in identities:
        yield el("li", el("strong", f"{svg.SIGNS['missing']} not judged: {identity}"), class_="cause missing")


def _held(outcome: RunOutcome) -> Iterator[Element]:
    """What holds, by service and rule: how often."""
    held: dict[str, Counter[str]] = {}
    for one in outcome.judgements:
        if one.verdict is Verdict.HOLDS:
            held.setdefault(place(one).service, Counter())[one.sentence or invariant_of(one.id)] += 1
    if held:
        yield el("h2", "What holds, by rule")
    for service in (name for name in _services(outcome) if name in held):
        rules = held[service]
        count = sum(rules.values())
        summary: Content = [el("strong", service), f" {svg.SIGNS['holds']} {count} {'hold' if count > 1 else 'holds'}"]
        yield folded(summary, table(("rule", "holds"), [(rule, str(often)) for rule, often in rules.items()]), class_="held")


def moves(outcome: RunOutcome) -> Iterator[Element]:
    """Each step of the deploy in words: what the timeline draws."""
    if not outcome.moves:
        return
    began = min(one.started for one in outcome.moves)
    rows: list[tuple[Content, ...]] = [
        (
            f"{one.started - began:.1f} s",
            f"{'back: ' if one.rollback else ''}{one.move}",
            one.service,
            one.host,
            one.detail,
            f"{one.seconds:.1f} s",
            [f"{svg.SIGNS['violated']} {one.error}", el("br"), one.hint] if one.error else "went well",
        )
        for one in sorted(outcome.moves, key=lambda move: (move.started, move.host, move.service, move.move))
    ]
    heads = ("after", "step", "service", "host", "of what", "took", "how it went")
    yield folded(f"The steps in words ({len(rows)})", table(heads, rows, class_="steps"))
