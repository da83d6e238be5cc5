"""What waivers make of what was found: the one place that decides it. Pure: findings, waivers and a day in, a verdict out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from voxgate.model.counting import counted
from voxgate.model.verdict import Judgement, Verdict
from voxgate.model.waiver import Waiver

SOON = 7
"""Days before its end from which on every run speaks of a waiver."""


WAIVER = "the waiver of "
"""How each remark about a waiver begins."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a judgement says. ``waivers`` are those that cover something of what was found, also where they do not count;
    ``accepted`` is what was found beside what is violated, and is accepted.
    """

    verdict: Verdict
    findings: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    accepted: tuple[str, ...] = ()


def rule_on(findings: Sequence[str], host: str | None, waivers: Sequence[Waiver], day: date, days: int) -> Ruling:
    """*Waived* if each of ``findings`` on a subject (of ``host``, if it is of one) is covered by one of ``waivers`` (those about
    this rule and subject) that counts on ``day``; else violated. A waiver covers one finding: where it fits several, nobody knows
    which of them was meant, and it covers none. What nobody accepted comes first, and what ended is said with its day.
    """
    fitting = {waiver: Counter(one for one in findings if waiver.fits(one, host)) for waiver in waivers}
    counts = {waiver: fits.total() for waiver, fits in fitting.items()}
    red, accepted = [], []
    used: dict[Waiver, None] = {}
    for finding in findings:
        mine = [waiver for waiver in waivers if finding in fitting[waiver]]
        if not mine:
            red.append(finding)
            continue
        waiver = max(mine, key=lambda one: (counts[one] == 1, one.counts(day, days), one.until))
        used[waiver] = None
        if why := _why_not(waiver, counts[waiver], day, days):
            red.append(f"{finding} (the waiver of this {why})")
        else:
            accepted.append((waiver, finding))
    if not red:
        return Ruling(Verdict.WAIVED, tuple(findings), tuple(used))
    beside = (f"waived until {one.until}: {finding}" for one, finding in accepted)
    return Ruling(Verdict.VIOLATED, (*red, *beside), tuple(used), tuple(finding for _, finding in accepted))


def _why_not(waiver: Waiver, fitting: int, day: date, days: int) -> str:
    """Why a waiver covers nothing of what it fits, empty if it does."""
    if fitting > 1:
        return f"fits {fitting} things that were found, and covers one: write what it is"
    if waiver.has_ended(day):
        return f"ended on {waiver.until}"
    return "" if waiver.counts(day, days) else f"ends on {waiver.until}, more than {counted(days, 'day')} after {day}"


def remarks(waivers: Sequence[Waiver], day: date, judged: Sequence[Judgement] | None) -> Iterator[str]:
    """What every run says of the waivers themselves: those that end soon; and of a whole look, of which ``judged`` is all, those
    that cover nothing. What is blind says nothing of that.
    """
    for waiver in waivers:
        left = (waiver.until - day).days
        who = f"{waiver.reason} ({waiver.by})"
        if judged is not None and not any(_may_need(one, waiver) for one in judged):
            yield f"{WAIVER}{waiver.name} until {waiver.until} covers nothing that was found: take it out; {who}"
        elif 0 <= left <= SOON:
            yield f"{WAIVER}{waiver.name} ends on {waiver.until}, {_in(left)}: {who}"


def _may_need(judgement: Judgement, waiver: Waiver) -> bool:
    """True if a waiver covers something of it, or nobody knows."""
    subject = judgement.id.partition("[")[2].removesuffix("]")
    blind = judgement.verdict is Verdict.BLIND and waiver.is_about(judgement.invariant, subject)
    return blind or waiver in judgement.waivers


def _in(days: int) -> str:
    return f"in {counted(days, 'day')}" if days else "today"


def waived_in(judgements: Iterable[Judgement]) -> str:
    """``, 2 waived until 2026-12-20``, to stand behind what holds; empty where nothing is. Of several ends it names the first."""
    waived = [one for one in judgements if one.verdict is Verdict.WAIVED]
    ends = sorted({one.ends for one in waived if one.ends is not None})
    if not ends:
        return ""
    return f", {len(waived)} waived{', the first' if len(ends) > 1 else ''} until {ends[0]}"
