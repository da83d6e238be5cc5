"""What follows from what: the findings of a run, grouped by their causes.

One stopped unit turns six rules red, one host without power makes sixty blind. Who reads that at night needs the one line that
explains the others, first. Three things join findings:

* *The same reason why nobody could look*: whatever is blind for it is one cause.
* *The model*: a rule that cannot hold where another does not, on the same unit, the same placement, the same host, the same
  service. ``AFTER`` says so, each line seen on a fault of the lab.
* *The same stranger*: one process, or one unit that is not the estate's, that several rules found.

Nothing is dropped: every finding is in exactly one cause, as what leads it or as what follows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxgate.model.content import listed
from voxgate.model.counting import counted
from voxgate.model.verdict import Judgement, MoveRecord, Verdict
from voxgate.report.causes.order import (
    AFTER,
    AT_WORK,
    BESIDE,
    CALLS_PEOPLE,
    OF_A_MOVE,
    OF_STRANGERS,
    STARTS,
    STOPPED_BEFORE,
    After,
)
from voxgate.report.tally import subject_of

_COULD_NOT = re.compile(r"(?:(?P<where>[^\s:]+|[^\s@]+@\S+): )?(?P<what>could not look \([a-z]+\)): (?P<why>.*)", re.DOTALL)
_SECTION = re.compile(r"[a-z_]+(?: of [\w-]+)?: ")
_PROCESS_ON = re.compile(r"process (\d+)(?: \([^()]*\))?(?: of \S+ in (?:no unit|\S+))? on ([\w.-]+)")
_PROCESS = re.compile(r"process (\d+)\b")
_SERVICE_UNIT = re.compile(r"(?<![\w@:.\\-])[\w@:.\\-]+\.service\b")  # each word is looked at once, however long
_AT = re.compile(r"(?:database [\w.-]+|(?P<host>[\w.-]+)): ")
_NUMBER = re.compile(r"\d+")
_COMMAND = re.compile(r"(?<=systemctl )[a-z-]+ (?=ended|was not)")

SHOWN = 10
"""Rules and waivers that are named in one list; verdict.json has them all."""

_NAMED = 5
"""Places of a cause that are named."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What explains findings: one of them, a failed move, or why nobody could look. ``leads`` is what it is told by, and what
    found the same elsewhere; ``follow`` is the rest. ``blinds`` is True where nobody could look, for what ``found`` says.
    """

    verdict: Verdict
    label: str
    found: str
    advice: str
    leads: tuple[Judgement, ...]
    follow: tuple[Judgement, ...] = ()
    blinds: bool = False

    @property
    def findings(self) -> tuple[Judgement, ...]:
        """All that it explains, and is."""
        return (*self.leads, *self.follow)


def causes_of(judgements: Sequence[Judgement], moves: Sequence[MoveRecord] = ()) -> tuple[Cause, ...]:
    """The causes of all that does not hold, gravest first: failed moves, what may call people twice, then by how much each of
    them explains, violated before blind, and a door that is open besides last.
    """
    bad = [one for one in judgements if not one.verdict.is_green]
    roots = _roots(bad)
    groups: dict[str, list[Judgement]] = {}
    for one in bad:
        groups.setdefault(_alike(roots[one.id]), []).append(one)
    moved, told = list[Cause](), set[tuple[str, ...]]()
    for move in (move for move in moves if move.error):
        said = (move.service, move.move, move.host, move.error)
        if said in told:  # the way back failed for what the deploy failed for
            continue
        told.add(said)
        mine = [key for key, group in groups.items() if _is_of(move, roots[group[0].id])]
        follow = tuple(one for key in mine for one in groups.pop(key))
        moved.append(_of_a_move(move, follow, roots))
    made = [_cause(group, roots) for group in groups.values()]
    made.sort(
        key=lambda cause: (
            not _calls_people(cause),
            -len(cause.findings),
            cause.verdict is Verdict.BLIND,
            any(one.invariant in BESIDE for one in cause.leads),
        )
    )
    return (*moved, *made)


def _of_a_move(move: MoveRecord, follow: tuple[Judgement, ...], roots: dict[str, Judgement]) -> Cause:
    """A failed move, with what was found of the unit that did not come up, and what to do about that."""
    label = f"{move.service}: {move.move} on {move.host}{', going back' if move.rollback else ''}"
    unit = next((one for one in follow if one.invariant in AT_WORK and roots[one.id] is one), None)
    if unit is None or unit.id in move.error:
        return Cause(Verdict.VIOLATED, label, move.error, move.hint, (), follow)
    return Cause(Verdict.VIOLATED, label, f"{move.error}; {unit.found}", unit.advice or move.hint, (), follow)


def _calls_people(cause: Cause) -> bool:
    return any(one.invariant in CALLS_PEOPLE and one.verdict is Verdict.VIOLATED for one in cause.findings)


def _is_of(move: MoveRecord, root: Judgement) -> bool:
    """True for what a deploy's own rules say of a move, what the canary found, and what was not begun for it on other hosts;
    where a unit did not come up, for what is said of that unit too.
    """
    if root.id in move.error or (root.invariant in OF_A_MOVE and STOPPED_BEFORE in root.found):
        return True
    rules = OF_A_MOVE | AT_WORK if move.move in STARTS else OF_A_MOVE
    return root.invariant in rules and root.service == move.service and root.host in {move.host, None}


def _roots(bad: Sequence[Judgement]) -> dict[str, Judgement]:
    """By the id of each: what it follows from in the end, itself where that is so."""
    by_rule: dict[str, list[Judgement]] = {}
    for one in bad:
        by_rule.setdefault(one.invariant, []).append(one)
    strangers = _strangers(bad)
    parents = {one.id: _parent(one, by_rule) or strangers.get(one.id, one) for one in bad}
    roots = {}
    for one in bad:
        seen, at = {one.id}, one
        while (parent := parents[at.id]).id not in seen:
            seen.add(parent.id)
            at = parent
        roots[one.id] = at
    return roots


def _parent(one: Judgement, by_rule: dict[str, list[Judgement]]) -> Judgement | None:
    unseen = _reason(one) is not None
    for after in AFTER.get(one.invariant, ()):
        for other in by_rule.get(after.rule, ()) if after.blinds or not unseen else ():
            if after.near(one, other) and after.when.search(other.found) and _may_explain(other, after):
                return other
    return None


def _may_explain(other: Judgement, after: After) -> bool:
    reason = _reason(other)
    return reason is None or (after.away and reason.why.startswith("could not look (unreachable)"))


def _strangers(bad: Sequence[Judgement]) -> dict[str, Judgement]:
    """By the id of each that found a stranger which a rule before it found too: that one."""
    found: dict[tuple[str, str], Judgement] = {}
    led: dict[str, Judgement] = {}
    for rule in OF_STRANGERS:
        for one in bad:
            if one.invariant != rule or one.verdict is not Verdict.VIOLATED:
                continue
            named = list(_named(one))
            leader = next((found[name] for name in named if name in found), one)
            led[one.id] = leader
            for name in named:
                found.setdefault(name, leader)
    return led


def _named(one: Judgement) -> Iterator[tuple[str, str]]:
    """The processes and units that a finding names, each with its host. A stranger's own words (a path, a command, the name in
    brackets of his process) name none: by them he would put what somebody else did below a finding of his.
    """
    for part in one.found.split("; "):
        begins = _AT.match(part)
        where = (begins["host"] if begins else "") or one.host or ""
        head = part[begins.end() if begins else 0 :].partition("/")[0].partition(": ")[0]
        for place in _PROCESS_ON.finditer(head):
            yield place[2], place[1]
        ours = _without_brackets(_PROCESS_ON.sub("", head))
        for process in _PROCESS.finditer(ours):
            yield where, process[1]
        for unit in _SERVICE_UNIT.finditer(ours):
            yield where, unit[0]


def _without_brackets(text: str) -> str:
    """Without what stands from the first to the last bracket."""
    begins, ends = text.find("("), text.rfind(")")
    return text[:begins] + text[ends + 1 :] if 0 <= begins < ends else text


@dataclass(frozen=True, slots=True)
class _Reason:
    """Why nobody could look: where, and why. ``key`` is the same for all that is blind for it, wherever."""

    where: str
    why: str

    @property
    def key(self) -> str:
        return _NUMBER.sub("", _COMMAND.sub("", self.why))


def _reason(one: Judgement) -> _Reason | None:
    """Why it is blind; None for what was seen."""
    said = _COULD_NOT.fullmatch(one.found) if one.verdict is Verdict.BLIND else None
    if said is None:
        return None
    where, why = said["where"] or "", said["why"]
    why = why.removeprefix(f"{where}: ")
    if section := _SECTION.match(why):
        why = why[section.end() :]
    return _Reason(where.partition(":")[0], f"{said['what']}: {why}")  # of a repository its server


def _alike(root: Judgement) -> str:
    """The same for what is one cause: one reason not to see, or one rule that found the same in several places."""
    if reason := _reason(root):
        return reason.key
    shape = _NUMBER.sub("", root.found.removeprefix(f"{root.host}: ")) if root.host else root.found
    return f"{root.invariant} {root.verdict} {shape}"


def _cause(group: Sequence[Judgement], roots: dict[str, Judgement]) -> Cause:
    leads = tuple(one for one in group if roots[one.id] is one)
    follow = tuple(one for one in group if roots[one.id] is not one)
    first = leads[0]
    if reason := _reason(first):
        places = dict.fromkeys(found.where for one in leads if (found := _reason(one)))
        advice = next((one.advice for one in leads if one.advice), "")
        return Cause(first.verdict, listed(list(places), _NAMED), reason.why, advice, leads, follow, blinds=True)
    subject = first.id.partition("[")[2].removesuffix("]")
    label = f"{first.sentence} [{subject}]" if subject else first.sentence
    return Cause(first.verdict, label, first.found, first.advice, leads, follow)


def what_follows(cause: Cause) -> str:
    """What else is so for this cause, by rule: `4 follow from it: capacity-adds-up x2, ...`; empty where nothing is."""
    if cause.blinds:
        blind = [one for one in cause.findings if one.verdict is Verdict.BLIND]
        seen = [one for one in cause.findings if one.verdict is not Verdict.BLIND]
        more = f"; {counted(len(seen), 'follows', 'follow')} from it: {_rules(seen)}" if seen else ""
        return f"{how_many(blind, 'is', 'are')} blind for it: {_rules(blind)}{more}"
    parts = []
    if same := cause.leads[1:]:
        parts.append(f"the same on {listed([subject_of(one.id) or one.invariant for one in same], SHOWN)}")
    if cause.follow:
        count = len(cause.follow)
        parts.append(f"{counted(count, 'follows', 'follow')} from it: {_rules(cause.follow)}")
    return "; ".join(parts)


def how_many(judgements: Sequence[Judgement], verb: str, verbs: str) -> str:
    """How many rules they are of, and how many they are where a rule was judged of several: ``2 rules (5 judgements) are``."""
    rules = len({one.invariant for one in judgements})
    several = f" ({counted(len(judgements), 'judgement')})" if len(judgements) > rules else ""
    return f"{counted(rules, 'rule')}{several} {verb if rules == 1 else verbs}"


def _rules(judgements: Sequence[Judgement]) -> str:
    """Their rules, each once, with how often where that is not once."""
    counts = Counter(one.invariant for one in judgements)
    return listed([name if count == 1 else f"{name} x{count}" for name, count in counts.items()], SHOWN)
