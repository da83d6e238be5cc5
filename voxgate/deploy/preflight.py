"""Preflight: everything that must be so before anything is touched. A deploy that could not be judged, or that could not be
taken back, is not begun.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from voxgate.deploy.hands import last_words
from voxgate.deploy.plan import Plan
from voxgate.errors import Refused, VoxgateError, known_error
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.release import Release
from voxgate.moves import building
from voxgate.moves.steps import Step, builds_are_possible, is_checkout, way_back_is_here
from voxgate.transport.at_once import at_once
from voxgate.transport.connections import Connections
from voxgate.transport.database import see


def preflight(connections: Connections, estate: Estate, plan: Plan, *, no_way_back: bool, say: Callable[[str], None]) -> None:
    """Look at what the diallers' databases see, and prove the way back, all at once. Raises Refused."""
    looks: dict[str, Callable[[], None]] = {}
    if any(target.service.name == "dialler" for target in plan.targets):
        looks["databases"] = partial(_databases_say_who_dials, connections, estate)
    for target in plan.targets:
        looks |= {f"checkout of {p.id}": partial(_is_checkout, connections, p) for p in target.placements}
        looks |= {f"build of {p.id}": partial(_can_be_built, connections, p) for p in target.placements}
    needed = frozenset(looks)  # what follows is the way back: a deploy can do without it, if a person says so
    for placement, release in ways_back(plan).items():
        looks[placement.id] = partial(_is_here, connections, placement, release)
    for target in plan.targets:
        if target.is_on_hosts:
            looks |= {f"to {p.id}": partial(_is_here, connections, p, target.release) for p in target.placements}
    for name, outcome in at_once(looks, lambda name: looks[name](), limit=len(looks)).items():
        if isinstance(outcome, Refused) and no_way_back and name not in needed:
            say(f"no way back, accepted: {outcome.line}")
        elif isinstance(outcome, BaseException):
            raise known_error(outcome, name)


def ways_back(plan: Plan) -> dict[Placement, Release]:
    """What may have to be put back where, if this plan fails; what is not known good anywhere is no way back, and what is
    deployed again needs none.
    """
    return {
        placement: back
        for target in plan.targets
        for placement in target.placements
        if (back := target.way_back) is not None and back.commit != target.release.commit
    }


def must_be_seen(hosts: Mapping[str, HostEvidence | Missing]) -> None:
    """Raises Refused where a host of a look was not seen."""
    for name, one in hosts.items():
        if isinstance(one, Missing):
            raise Refused("this host could not be judged after a deploy", where=name, why=one.why, hint=one.hint)


def _is_checkout(connections: Connections, placement: Placement) -> None:
    """Where there is no checkout the first move fails, and so does going back, which needs a person then."""
    service, host = placement.service, placement.host
    hint = f"git clone it once, as {host.user}; from then on the gate brings the code"
    _must_be(connections, placement, is_checkout(service), f"{service.folder} is no checkout of {service.repository}", hint)


def _can_be_built(connections: Connections, placement: Placement) -> None:
    """What a release runs while it is built must not run as who deploys: without the sandbox nothing is built."""
    builder = hashlib.sha256(Path(building.__file__).read_bytes()).hexdigest()
    step = builds_are_possible(placement.service, builder, placement.service.build_sha256)
    what = f"no release of {placement.service.name} can be built here"
    hint = "README, On your own hosts, step 4, says what to install: account, program, unit, folder, sudo rules"
    _must_be(connections, placement, step, what, hint)


def _databases_say_who_dials(connections: Connections, estate: Estate) -> None:
    for database in estate.databases:
        seen = see(connections, database)
        if isinstance(seen, Missing):
            what = "the database does not say who dials on it: the dialler could not be started again"
            raise Refused(what, where=database.name, why=seen.why, hint=seen.hint)


def _is_here(connections: Connections, placement: Placement, release: Release) -> None:
    what = f"there is no way back to {release} of {placement.service.name}"
    hint = "put it there (git fetch, uv sync, a build), or accept it: --no-way-back"
    _must_be(connections, placement, way_back_is_here(placement.service, release), what, hint)


def _must_be(connections: Connections, placement: Placement, step: Step, what: str, hint: str) -> None:
    """Raises Refused with ``what`` where the step does not end with 0, and where it cannot be asked."""
    host = placement.host.name
    try:
        ended = connections[host].run(step.argv, deadline=step.deadline)
    except VoxgateError as error:
        raise Refused(f"{step.says} could not be asked", where=host, why=error.line) from None
    if ended.exit_status != 0:
        raise Refused(what, where=host, why=last_words(ended), hint=hint)


def held_hosts(held: Mapping[str, str]) -> Refused:
    """The refusal where a person must look first; ``held`` maps a service to what was found."""
    service, found = next(iter(held.items()))
    hint = f"look at it, mend it, then: --clear {service} --reason TEXT"
    return Refused(f"{service} must be looked at by a person first", why=found, hint=hint)
