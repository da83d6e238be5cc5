"""What is asked before anything is touched: of the releases by themselves, of the plan, and of those who may stop it.

The door to the questions; each stands in a module of its own. All raise Refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from voxgate.deploy.hosts.state import Good
from voxgate.deploy.planning.breaking import must_break_nobody
from voxgate.deploy.planning.contents import contents_of
from voxgate.deploy.planning.green import require_green
from voxgate.deploy.planning.plan import Plan, Request, make_plan
from voxgate.deploy.planning.remotes import Remotes, must_be_judgeable
from voxgate.deploy.planning.trees import must_be_deployable, must_spare_hosts
from voxgate.model.content import Content
from voxgate.model.estate import Estate
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.transport.clients.bitbucket import Bitbucket


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan that spares the hosts and breaks nobody, and what is in each of its services' releases, by name."""

    plan: Plan
    contents: Mapping[str, Content]


def releases_must_be_deployable(asked: Iterable[tuple[Service, Release]], remotes: Remotes) -> None:
    """By what each commit has, as the gate's own mirror holds it; no host is asked."""
    for service, release in asked:
        must_be_deployable(service, release, remotes.mirrors[service.name])


def planned(
    estate: Estate,
    requests: tuple[Request, ...],
    remotes: Remotes,
    goods: Mapping[str, Good],
    say: Callable[[str], None],
    *,
    no_way_back: bool,
    breaking: bool,
) -> Planned:
    """What is to be done, as the remotes and the hosts stand. What was accepted in writing is said."""
    if requests and all(request.back for request in requests):
        remotes.remember()
    plan = make_plan(estate, requests, remotes.views, goods)
    must_spare_hosts(plan, remotes.mirrors, no_way_back=no_way_back, say=say)
    must_break_nobody(plan, remotes.mirrors, breaking=breaking, say=say)
    return Planned(plan, contents_of(plan, estate, remotes.mirrors))


def must_be_allowed(estate: Estate, plan: Plan, remotes: Remotes, goods: Mapping[str, Good], builds: Bitbucket | None) -> None:
    """The remotes can judge it afterwards; and where ``builds`` are asked, its own was green."""
    must_be_judgeable(estate, plan, remotes.views, goods)
    if builds is not None:
        require_green(plan.targets, builds)
