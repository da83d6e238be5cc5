"""Work: another gate that changes, or may change, what is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxgate.errors import visible
from voxgate.redaction.shortening import beginning

AT_WORK = "a deploy is at work"
_LONGEST = 300
_SERVICES = 4


@dataclass(frozen=True, slots=True)
class Work:
    """What one host says of another gate that holds one service there: ``by`` whom, since when (UTC, RFC 3339), in which ``run``
    and build; ``doing`` is how far it is, empty before the first step. ``moves`` is True where that gate changes the service, or
    nobody can say that it does not.
    """

    service: str
    host: str
    by: str
    since: str
    run: str
    build: str = ""
    doing: str = ""
    moves: bool = True


def said_of(works: Sequence[Work]) -> tuple[str, ...]:
    """One line for each gate at work: who, since when, which run, which step; as it may be shown, and not longer."""
    runs: dict[tuple[str, str, str, str], list[Work]] = {}
    for one in works:
        runs.setdefault((one.by, one.since, one.run, one.build), []).append(one)
    return tuple(_line(*key, found) for key, found in runs.items())


def _is_begun(work: Work) -> bool:
    """True in the middle of a step."""
    return work.doing.endswith(" begun")


def _line(by: str, since: str, run: str, build: str, works: Sequence[Work]) -> str:
    """The same of one gate: of each service the host that is furthest from rest, as the others wait for it."""
    steps: dict[str, Work] = {}
    for one in works:
        if one.moves and (one.service not in steps or _is_begun(one) > _is_begun(steps[one.service])):
            steps[one.service] = one
    where = [f"{one.service} on {one.host}{f', {one.doing}' if one.doing else ''}" for one in steps.values()]
    more = f" and {len(where) - _SERVICES} more" if len(where) > _SERVICES else ""
    doing = "; ".join(where[:_SERVICES]) + more if where else "nothing is changed"
    who = f"{by or 'somebody'} since {since or '?'}{f', build {build}' if build else ''}, run {run or '?'}"
    line = visible(f"{AT_WORK}: {who}: {doing}")
    return line if len(line) <= _LONGEST else f"{beginning(line, _LONGEST)}..."
