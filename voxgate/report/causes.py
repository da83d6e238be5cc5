"""What follows from what: the findings of a run, grouped by their causes.

One stopped unit turns six rules red, one host without power makes sixty blind. Who reads that at night needs the one line that
explains the others, first. Three things join findings:

* *The same reason why nobody could look*: whatever is blind for it is one cause.
* *The model*: a rule that cannot hold where another does not, on the same unit, the same placement, the same host, the same
  service. ``_AFTER`` says so, each line seen on a fault of the lab.
* *The same stranger*: one process, or one unit that is not the estate's, that several rules found.

Nothing is dropped: every finding is in exactly one cause, as what leads it or as what follows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from voxgate.model.content import listed
from voxgate.model.counting import counted
from voxgate.model.verdict import Judgement, MoveRecord, Verdict
from voxgate.report.tally import subject_of

Near: TypeAlias = Callable[[Judgement, Judgement], bool]


def _unit(one: Judgement, other: Judgement) -> bool:
    return one.id.partition("[")[2] == other.id.partition("[")[2] != ""


def _placement(one: Judgement, other: Judgement) -> bool:
    return one.service == other.service is not None and one.host == other.host is not None


def _host(one: Judgement, other: Judgement) -> bool:
    return one.host == other.host is not None


def _service(one: Judgement, other: Judgement) -> bool:
    return one.service == other.service is not None


def _told_of(one: Judgement, other: Judgement) -> bool:
    return one.host is not None and other.found.startswith(f"{one.host}: ")


def _anywhere(_one: Judgement, _other: Judgement) -> bool:
    return True


def _unwell(one: Judgement, _other: Judgement) -> bool:
    return " answers 503 " in one.found  # what a service says of itself while a store is away


def _still_before(one: Judgement, other: Judgement) -> bool:
    return _placement(one, other) and " reports " in one.found  # it answers, as the release that ran before


def _none_on(one: Judgement, other: Judgement) -> bool:
    return other.service == "dialler" and one.found.startswith(f"{other.host}: 0 dialler processes ")


def _diallers(one: Judgement, other: Judgement) -> bool:
    return other.service == "dialler" and "no connection of the dialler" in one.found


def _through_nginx(one: Judgement, other: Judgement) -> bool:
    return _host(one, other) and "(through nginx" in one.found and "(direct)" not in one.found


def _at_its_port(one: Judgement, other: Judgement) -> bool:
    port = _PORT.search(other.found)
    return port is not None and f":{port[1]}: connection refused" in one.found


def _for_livekit(one: Judgement, _other: Judgement) -> bool:
    return all(_OF_LIVEKIT.fullmatch(part) for part in one.found.split("; "))


@dataclass(frozen=True, slots=True)
class _After:
    """A rule that explains another where it is as ``near``, and where ``when`` stands in what it found; ``blinds`` says that it
    explains why nobody could look, too, and ``away`` that it does so also where its own host could not be reached.
    """

    rule: str
    near: Near
    when: re.Pattern[str] = re.compile("")
    blinds: bool = False
    away: bool = False


_DOWN = re.compile(r" is (?!enabled|active/running|transient)\S+ ?\(|is masked|is not-found|is halted|restarted between")
_NOT_THERE = re.compile("does not listen")
_PORT = re.compile(r"does not listen on port (\d+)")
_OF_LIVEKIT = re.compile(
    r"(?:[\w.-]+: )?(?:GET \S+ \([^()]*\) answers 503 '[a-z]+': livekit [a-z ]+"
    r"|the address in LIVEKIT_URL could not be reached from here: [a-z ]+)"
)
_NO_LIVEKIT = _After("livekit-is-healthy", _for_livekit, away=True)
_STORES = "stores-are-private"
_STORE_AWAY = _After(_STORES, _unwell, _NOT_THERE)
_NO_NGINX = re.compile(r"\b0 nginx run here")
_STOPPED = _After("unit-is-active", _unit, _DOWN)
_NOT_SET = _After("env-file-is-complete", _placement, re.compile(r" lacks | is empty or a placeholder| are empty or "))
_RESTARTS = _After("nothing-restarts-during-the-bake", _unit)  # a look may come between its end and its next start
_RESTARTED = replace(_RESTARTS, near=_placement)
_ANOTHERS = _After("answers-come-from-the-unit", _unit, re.compile("answered by|elsewhere"))
_DIES = (_STOPPED, _NOT_SET, _RESTARTS, _ANOTHERS)
"""Why a unit does not do its work, the first reason first: it does not run, cannot run, or does not run for long."""

_CODE = tuple(
    _After(rule, _placement)
    for rule in (
        "tree-is-the-commit",
        "no-foreign-files",
        "head-is-the-release",
        "pipecat-is-pinned",
        "venv-is-the-lock",
        "site-packages-are-intact",
        "python-is-3-12-or-newer",
    )
)
_PAGES = (_After("backend-health-is-clean", _unit), _After("all-workers-are-up", _unit))
_MADE_BY = _After("unit-file-is-the-expected", _unit)
_FLEET = tuple(
    _After(rule, _service, when)
    for rule, when in (
        ("unit-is-active", _DOWN),
        ("units-are-all-there-are", re.compile("")),
        ("each-worker-has-its-own-id", re.compile("")),
        ("all-workers-are-up", re.compile("")),
    )
)

_ONE_DIALLER = "exactly-one-dialler-per-database"
_UNHEALTHY = _After("service-became-healthy", _placement)
_NO_DIALLER = (_After("service-became-healthy", _diallers), replace(_RESTARTS, near=_diallers))

_AFTER: dict[str, tuple[_After, ...]] = {
    _ONE_DIALLER: (_After("unit-is-active", _none_on, _DOWN),),
    "database-sees-one-dialler": (
        _After(_ONE_DIALLER, _unit),
        _After(_STORES, _at_its_port, _NOT_THERE, blinds=True),
        *_NO_DIALLER,
    ),
    "dialler-keeps-its-pace": (  # of two it is not the right one that is stopped
        _After(_ONE_DIALLER, _anywhere),
        _After("database-sees-one-dialler", _anywhere, blinds=True),
        _After(_STORES, _at_its_port, _NOT_THERE, blinds=True),
    ),
    "settings-lead-to-what-is-there": (_After(_STORES, _anywhere, _NOT_THERE), _NO_LIVEKIT, _UNHEALTHY, _RESTARTED),
    "dialler-is-on-the-sip-host": (_After(_ONE_DIALLER, _told_of),),
    "one-copy-only": (_After(_ONE_DIALLER, _told_of),),
    "unit-is-active": (_MADE_BY, _NOT_SET, _After("units-are-all-there-are", _placement)),
    "nothing-restarts-during-the-bake": (_STOPPED, _NOT_SET),
    "runs-as-its-user": (_STOPPED, _MADE_BY, _RESTARTS),
    "process-is-the-venvs": (_STOPPED, _MADE_BY, _After("env-file-is-complete", _placement), _RESTARTS),
    "process-is-the-new-code": (_STOPPED, *_CODE, *_PAGES, _UNHEALTHY, _RESTARTS, _ANOTHERS),
    "backend-health-is-clean": (
        *_DIES,
        _After(_STORES, _anywhere, _NOT_THERE),
        _After("nginx-runs-its-config", _through_nginx, _NO_NGINX),
        _After("service-became-healthy", _still_before),
        _NO_LIVEKIT,
    ),
    "backend-reaches-its-stores": (
        _After("unit-is-active", _placement, _DOWN),
        _After("backend-health-is-clean", _placement),
        _After(_STORES, _anywhere, _NOT_THERE),
        _RESTARTED,
    ),
    "all-workers-are-up": (*_DIES, _STORE_AWAY),
    "each-worker-has-its-own-id": (_After("all-workers-are-up", _service, re.compile("is answered by worker")),),
    "haproxy-sees-all-workers": _FLEET,
    "capacity-adds-up": _FLEET,
    "fleet-runs-one-release": (
        _After("unit-is-active", _service, _DOWN),
        *(replace(one, near=_service) for one in _CODE),
        _After("process-is-the-new-code", _service),
    ),
    "metrics-are-well-formed": (_STOPPED, _UNHEALTHY, _RESTARTS, _ANOTHERS),
    "answers-come-from-the-unit": (_STOPPED, _MADE_BY, _RESTARTS),
    "process-gets-what-its-unit-says": (_MADE_BY,),
    "tick-loop-is-alive": (*_DIES, _After("metrics-are-well-formed", _unit), _UNHEALTHY, _STORE_AWAY),
    "venv-is-the-lock": (_After("tree-is-the-commit", _placement), _After("pipecat-is-pinned", _placement)),
    "site-packages-are-intact": (_After("pipecat-is-pinned", _placement), _After("venv-is-the-lock", _placement)),
    "pipecat-is-pinned": (_After("unit-is-active", _placement, _DOWN), _After("tree-is-the-commit", _placement)),
    "tree-is-the-commit": (_After("head-is-the-release", _placement),),
    "dist-is-this-build": (_After("release-was-installed", _placement), _After("service-was-restarted", _placement)),
    "console-exposes-nothing": (_After("nginx-runs-its-config", _placement, _NO_NGINX),),
    "nginx-serves-exactly-dist": (_After("console-exposes-nothing", _placement), _After("nginx-runs-its-config", _placement)),
    "people-reach-the-console-by-https": (_After("nginx-runs-its-config", _placement),),
    "rolling-restart-kept-serving": (_After("service-became-healthy", _service),),
    "service-became-healthy": (_After("service-was-restarted", _placement),),
    "service-was-restarted": (_After("release-was-installed", _placement),),
    "release-was-installed": (_After("release-was-checked-out", _placement),),
    "livekit-is-healthy": (_After("only-livekit-in-containers", _host),),
    "only-expected-listeners": (
        _After("only-livekit-in-containers", _host, re.compile("engine")),
        _After(_STORES, _host, re.compile("listens on")),
    ),
}

_OF_A_MOVE = frozenset({
    "release-was-checked-out",
    "release-was-installed",
    "service-was-restarted",
    "service-became-healthy",
    "rolling-restart-kept-serving",
})  # fmt: skip

_STOPPED_BEFORE = "the deploy stopped before it"
_STARTS = frozenset({"restart", "health"})
AT_WORK = frozenset(
    ["unit-is-active", "nothing-restarts-during-the-bake", "backend-health-is-clean", "all-workers-are-up", "tick-loop-is-alive"]
)
"""Where these do not hold, a unit does not do its work, and its own last words say why."""

_OF_STRANGERS = (
    "exactly-one-dialler-per-database",
    "units-are-all-there-are",
    "dialler-is-on-the-sip-host",
    "only-livekit-in-containers",
    "database-sees-one-dialler",
    "one-copy-only",
    "boot-starts-only-what-is-known",
    "process-is-the-venvs",
    _STORES,
    "only-expected-listeners",
)
"""The rules that find what should not be there; the first of them that found it leads."""

_CALLS_PEOPLE = frozenset({_ONE_DIALLER, "database-sees-one-dialler", "dialler-is-on-the-sip-host", "dialler-keeps-its-pace"})
"""What two diallers do to people cannot be undone: that stands first, however many rules another cause has."""

_BESIDE = frozenset({"only-expected-listeners"})
"""Who listens besides is told after what does not do its work, where neither explains more."""

_COULD_NOT = re.compile(r"(?:(?P<where>[^\s:]+|[^\s@]+@\S+): )?(?P<what>could not look \([a-z]+\)): (?P<why>.*)", re.DOTALL)
_SECTION = re.compile(r"[a-z_]+(?: of [\w-]+)?: ")
_PROCESS_ON = re.compile(r"process (\d+)(?: \([^()]*\))?(?: of \S+ in (?:no unit|\S+))? on ([\w.-]+)")
_PROCESS = re.compile(r"process (\d+)\b")
_SERVICE_UNIT = re.compile(r"(?<![\w@:.\\-])[\w@:.\\-]+\.service\b")  # each word is looked at once, however long
_AT = re.compile(r"(?:database [\w.-]+|(?P<host>[\w.-]+)): ")
_IN_BRACKETS = re.compile(r"\(.*\)", re.DOTALL)
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
            any(one.invariant in _BESIDE for one in cause.leads),
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
    return any(one.invariant in _CALLS_PEOPLE and one.verdict is Verdict.VIOLATED for one in cause.findings)


def _is_of(move: MoveRecord, root: Judgement) -> bool:
    """True for what a deploy's own rules say of a move, what the canary found, and what was not begun for it on other hosts;
    where a unit did not come up, for what is said of that unit too.
    """
    if root.id in move.error or (root.invariant in _OF_A_MOVE and _STOPPED_BEFORE in root.found):
        return True
    rules = _OF_A_MOVE | AT_WORK if move.move in _STARTS else _OF_A_MOVE
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
    for after in _AFTER.get(one.invariant, ()):
        for other in by_rule.get(after.rule, ()) if after.blinds or not unseen else ():
            if after.near(one, other) and after.when.search(other.found) and _may_explain(other, after):
                return other
    return None


def _may_explain(other: Judgement, after: _After) -> bool:
    reason = _reason(other)
    return reason is None or (after.away and reason.why.startswith("could not look (unreachable)"))


def _strangers(bad: Sequence[Judgement]) -> dict[str, Judgement]:
    """By the id of each that found a stranger which a rule before it found too: that one."""
    found: dict[tuple[str, str], Judgement] = {}
    led: dict[str, Judgement] = {}
    for rule in _OF_STRANGERS:
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
        ours = _IN_BRACKETS.sub("", _PROCESS_ON.sub("", head))
        for process in _PROCESS.finditer(ours):
            yield where, process[1]
        for unit in _SERVICE_UNIT.finditer(ours):
            yield where, unit[0]


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
