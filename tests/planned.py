"""``docs/PLAN.md``: what ``make plan`` prints, whole, of a deploy of all of the lab's services of which one has never been there.

So whoever has a plan before them finds each of its lines explained by its place; and each change of a command, an order or a word
is a line of a page that is read before it lands.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.plan_text import plan_lines
from voxgate.deploy.planning.plan import Plan, Target
from voxgate.deploy.recovery.policy import Decision, WayOut
from voxgate.model.content import Commit, Commits, Content, Direction, Files
from voxgate.model.evidence import Missing
from voxgate.model.release import Release

PAGE = Path(__file__).resolve().parents[1] / "docs" / "PLAN.md"
HEAD = """\
# What a plan says

Made by `make docs`: what `make plan` prints, whole, of a deploy of all services of the lab. The backend has never been there, the
fleet goes back to a release that its hosts have, the dialler is deployed again, and one host could not be read.
"""
ESTATE = load_estate("lab")
LOST = Missing("denied", "permission denied")


def release(service: str, day: int) -> Release:
    """One of a day."""
    repository = ESTATE.service(service).repository
    return Release(service, f"{day:02d}" * 20, f"{repository}-2026.06.{day}-1")


def target(service: str, before: int | None, now: int) -> Target:
    """Of a release of a day to another's."""
    placements = tuple(one for one in ESTATE.placements if one.service.name == service)
    good = None if before is None else LastKnownGood(release(service, before))
    return Target(ESTATE.service(service), release(service, now), placements, {one.id: good for one in placements}, how="deploy")


JOURNAL = Journal(Phase.PROMOTING, "r", release("fleet", 23), None)
PLAN = Plan(
    (
        target("backend", None, 24),
        replace(target("fleet", 23, 22), is_on_hosts=True, how="rollback"),
        target("dialler", 24, 24),
        target("console", 23, 24),
    )
)
"""In the order of a deploy."""


def found() -> Iterator[tuple[str, Found]]:
    """What is written on the hosts: of the console nothing could be asked."""
    yield "backend-api-1", Found(None, git_locks=("/opt/vox-backend/.git/index.lock", "/opt/vox-backend/.git/shallow.lock"))
    yield "fleet-fleet-1", Found(LastKnownGood(release("fleet", 23)), journal=LOST)
    yield "fleet-fleet-2", Found(LastKnownGood(release("fleet", 23)), journal=JOURNAL)
    yield "dialler-sip-1", Found(LOST, journal=LOST)


def page() -> str:
    """All of its lines."""
    commits = tuple(Commit(f"{number:040x}", f"Subject {number}", "Ada", 0) for number in range(1, 23))
    content = Content(Direction.FORWARD, brought=Commits(22, commits), files=Files(1, 2, 3))
    decisions = (
        Decision(WayOut.GO_BACK, "fleet", PLAN.targets[1].placements, release("fleet", 21), found="restarted"),
        Decision(WayOut.PROMOTE, "console", PLAN.targets[3].placements, release("console", 23), found="judged"),
    )
    lines = plan_lines(ESTATE, PLAN, decisions, dict(found()), 2, {"console": content})
    return f"{HEAD}\n```text\n" + "".join(f"{line}\n" for line in lines) + "```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
