"""The first words of the page: what a run came to, so that nobody needs to know the gate's own terms."""

from __future__ import annotations

from voxgate.model.counting import counted
from voxgate.model.run_facts import How
from voxgate.model.verdict import RunOutcome, RunVerdict
from voxgate.report.tally import Tally

KINDS = {
    RunVerdict.HOLDS: "holds",
    RunVerdict.DONE: "holds",
    RunVerdict.PARTIAL: "partial",
    RunVerdict.VIOLATED: "violated",
    RunVerdict.BLIND: "blind",
    RunVerdict.INCOMPLETE: "missing",
    RunVerdict.REFUSED: "blind",
    RunVerdict.ROLLED_BACK: "violated",
    RunVerdict.BROKEN: "violated",
}
"""The colour of a verdict. Only what is green for the gate is green here."""


def first_words(outcome: RunOutcome, tally: Tally) -> str:
    """What it came to, in a sentence or two. ``tally`` counts the run's judgements."""
    match outcome.verdict:
        case RunVerdict.HOLDS:
            return f"Everything that was asked for is as it must be{_or_waived(tally)}."
        case RunVerdict.PARTIAL:
            return f"What was looked at is as it must be{_or_waived(tally)}. Not everything was looked at."
        case RunVerdict.DONE:
            return _done(outcome, tally)
        case RunVerdict.VIOLATED:
            return f"{counted(tally.violated, 'thing')} {_not_as_must_be(tally.violated)}."
        case RunVerdict.BLIND:
            return (
                f"Nothing that was seen is wrong, but {counted(tally.blind, 'thing')} could not be seen. Not seen is not green."
            )
        case RunVerdict.INCOMPLETE:
            return f"Not everything was judged. {_after(outcome)}".rstrip()
        case RunVerdict.REFUSED:
            return "No host was touched."
        case RunVerdict.ROLLED_BACK:
            return f"{_releases(outcome)} not pass. {_after(outcome)}".rstrip()
        case RunVerdict.BROKEN:
            return "It is not done, and was not put back whole. A person is needed."


def _or_waived(tally: Tally) -> str:
    return ", or accepted in writing" if tally.waived else ""


def _not_as_must_be(count: int) -> str:
    return "is not as it must be" if count == 1 else "are not as they must be"


def _done(outcome: RunOutcome, tally: Tally) -> str:
    runs = _runs(outcome)
    if outcome.allowed:
        count = len(outcome.allowed)
        were = "was" if count == 1 else "were"
        return f"{runs}. {counted(count, 'thing')} {_not_as_must_be(count)}, and {were} let stand by name."
    return f"{runs}, and everything is as it must be{_or_waived(tally)}."


def _runs(outcome: RunOutcome) -> str:
    tried = [one for one in outcome.services if one.deployed]
    if outcome.how is How.ROLLBACK:
        return f"{len(tried)} releases from before run again" if len(tried) > 1 else "The release from before runs again"
    if tried and all(one.tried == one.before for one in tried):
        return f"{len(tried)} releases were put there anew" if len(tried) > 1 else "The same release was put there anew"
    return f"{len(tried)} new releases run" if len(tried) > 1 else "The new release runs"


def _releases(outcome: RunOutcome) -> str:
    return "The releases that were tried did" if sum(one.deployed for one in outcome.services) > 1 else "The new release did"


def _after(outcome: RunOutcome) -> str:
    """What runs after a way back."""
    match outcome.rollback_verdict:
        case None:
            return "What ran before runs again." if outcome.verdict is RunVerdict.ROLLED_BACK else ""
        case RunVerdict.HOLDS | RunVerdict.DONE:
            return "What ran before runs again, and holds."
        case _:
            return "What ran before runs again; not all of it holds."
