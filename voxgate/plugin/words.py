"""What a failed judgement says: verdict, what was found, what to do, and who accepted it in writing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from voxgate.errors import VoxgateError, visible
from voxgate.model.advice import without
from voxgate.model.estate import Estate
from voxgate.model.invariant import Expected
from voxgate.model.verdict import Verdict
from voxgate.model.waiver import Waiver
from voxgate.model.waiving import rule_on
from voxgate.plugin.invariants import ARROW, PARTED

_MOST = 50_000
"""Letters of what was found, and of what to do: hosts say how much there is, and a verdict has it from each rule, many times."""


@dataclass(frozen=True, slots=True)
class Words:
    """What came of a test that failed."""

    verdict: Verdict
    found: str
    advice: str = ""
    waivers: tuple[Waiver, ...] = ()


def words_of(error: BaseException, about: Expected | None, estate: Estate | None, day: date) -> Words:
    """An assertion is a violation, which the estate may have waived on ``day``; whatever else happened, we could not judge.
    ``about`` is the rule and its subject, None for a plain test: nobody waives that. Of what is longer than anybody reads the
    beginning is kept.
    """
    said = _words_of(error, about, estate, day)
    return replace(said, found=_begun(said.found), advice=_begun(said.advice))


def _begun(text: str) -> str:
    """As much of it as a verdict has room for, in whole findings where that is possible."""
    if len(text) <= _MOST:
        return text
    ends = (text.rfind(part, 1, _MOST) for part in (PARTED, " "))  # half a number would be another process to be ended
    kept = text[: next((end for end in ends if end > 0), _MOST)]
    return f"{kept}{PARTED}and {len(text) - len(kept)} letters more, which are not kept"


def _words_of(error: BaseException, about: Expected | None, estate: Estate | None, day: date) -> Words:
    """The same, however long it is."""
    if isinstance(error, AssertionError):
        # pytest's rewriting indents the lines after the first, and adds its own below ours.
        lines = [line.strip() for line in str(error).splitlines()] or ["an assertion failed without a word"]
        advice = lines[1].removeprefix(ARROW) if len(lines) > 1 and lines[1].startswith(ARROW) else ""
        waivers = _waivers(about, estate) if about and estate else ()
        if not (waivers and about and estate):
            return Words(Verdict.VIOLATED, lines[0], advice)
        findings = lines[0].removeprefix(place := f"{about.subject.host}: ")
        ruling = rule_on(findings.split(PARTED), about.subject.host, waivers, day, estate.waived_days)
        found = PARTED.join(ruling.findings)
        if ruling.accepted:
            advice = without(advice, ruling.accepted, ruling.findings[: -len(ruling.accepted)])
        return Words(ruling.verdict, found if findings == lines[0] else place + found, advice, ruling.waivers)
    if isinstance(error, VoxgateError):
        return Words(Verdict.BLIND, error.line, error.hint)
    lines = str(error).splitlines() or [""]
    advice = "this is a fault of the test, not of the host: look at its traceback with -vv"
    return Words(Verdict.BLIND, f"could not be judged: {type(error).__name__}: {visible(lines[0])}", advice)


def _waivers(about: Expected, estate: Estate) -> tuple[Waiver, ...]:
    """Those that are about it; none where it cannot be waived, and none ever for a dialler."""
    if not about.invariant.waivable or about.subject.service == "dialler":
        return ()
    return tuple(one for one in estate.waived if one.is_about(about.invariant.name, about.subject.id))
