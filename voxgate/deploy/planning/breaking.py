"""Asked before a deploy: whether what a release answers would break somebody who reads what the last known good answers.

Both say it themselves, in the ``contract.json`` of their commits (``voxgate contract --save``): read in the gate's own mirror.
Where one of them has none, nobody knows, and the look after the deploy is what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voxgate.contracts.releases_answers import FILE, Answers, answers_of, compared
from voxgate.deploy.planning.contents import file_of
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import Refused, VoxgateError, visible
from voxgate.model.release import Release
from voxgate.redaction.shortening import beginning
from voxgate.transport.clients.git import Mirror

_LONGEST = 300  # letters that are told of what breaks


def must_break_nobody(plan: Plan, mirrors: Mapping[str, Mirror], *, breaking: bool, say: Callable[[str], None]) -> None:
    """Each release of a plan that was not on the hosts before. Raises Refused; what is accepted, and what cannot be told, is
    said.
    """
    for target in plan.targets:
        try:
            _must_break_nobody(target, mirrors[target.service.name])
        except Refused as error:
            if not breaking:
                raise
            say(f"breaking, accepted: {error.line}")
        except VoxgateError as error:
            say(f"{target.service.name}: whom its answers would break is not known: {error.line}")


def _must_break_nobody(target: Target, mirror: Mirror) -> None:
    """Raises Refused, and VoxgateError where it cannot be told."""
    now, before = target.release, target.way_back
    if target.is_on_hosts or before is None or before.commit == now.commit or not mirror.has(before.commit):
        return
    was, answers = _answers(mirror, before), _answers(mirror, now)
    if was is None or answers is None:
        return
    breaks = [change for change in compared(was, answers) if change.breaks]
    if not breaks:
        return
    whom = ", ".join(sorted({who for change in breaks for who in change.breaks}))
    more = f" (and {len(breaks) - 1} more)" if breaks[1:] else ""
    hint = f"`git diff {before} {now} -- {FILE}`: mend the release; or bring its readers first, then accept it: --breaking"
    why = beginning(visible(" ".join(breaks[0].line.split())), _LONGEST) + f"{more}, after {before}"
    raise Refused(f"what it answers would break {whom}", where=f"{target.service.name}={now}", why=why, hint=hint)


def _answers(mirror: Mirror, release: Release) -> Answers | None:
    """What a release says it answers, None where it has no such file. Raises VoxgateError."""
    content = file_of(mirror, release, FILE)
    return answers_of(content, f"{FILE} of {release}") if content else None
