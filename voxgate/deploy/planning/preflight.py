"""Preflight: everything that must be so before anything is touched. A deploy that could not be judged, or that could not be
taken back, is not begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from voxgate.deploy.hosts.executor import last_words
from voxgate.deploy.planning.plan import Plan
from voxgate.errors import Refused, VoxgateError, known_error, visible
from voxgate.model.content import listed
from voxgate.model.estate import Estate, Placement
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.release import Release
from voxgate.moves.builder.built import digest
from voxgate.moves.steps import Step, builds_are_possible, is_allowed, is_checkout, is_ready, tools_are_here, way_back_is_here
from voxgate.survey.remedies import for_move
from voxgate.transport.at_once import at_once
from voxgate.transport.clients.database import see
from voxgate.transport.ssh.connections import Connections

NAMED = 5
"""Hosts and services that are named in one line."""


def preflight(connections: Connections, estate: Estate, plan: Plan, *, no_way_back: bool, say: Callable[[str], None]) -> None:
    """Look at what the diallers' databases see, and prove that the moves can be made where they will be; then prove the way
    back, which needs all of that. Each is done at all places at once. Raises Refused.
    """
    looks: dict[str, Callable[[], None]] = {}
    built: dict[Placement, str] = {}
    if any(target.service.name == "dialler" for target in plan.targets):
        looks["databases"] = partial(_databases_say_who_dials, connections, estate)
    for target in plan.targets:
        looks |= {f"checkout of {p.id}": partial(_is_checkout, connections, p) for p in target.placements}
        looks |= {f"build of {p.id}": partial(_can_be_built, connections, p, target.release, built) for p in target.placements}
        looks |= {f"rights at {p.id}": partial(_may_restart, connections, p) for p in target.placements}
        looks |= {f"folders of {p.id}": partial(_is_ready, connections, p) for p in target.placements}
    for name, outcome in at_once(looks, lambda name: looks[name](), limit=len(looks)).items():
        if isinstance(outcome, BaseException):
            raise known_error(outcome, name)
    for line in builders(plan.placements, built):
        say(line)
    ways = [*ways_back(plan).items()]
    ways += [(one, target.release) for target in plan.targets if target.is_on_hosts for one in target.placements]
    for outcome in at_once(ways, lambda way: _is_here(connections, *way), limit=len(ways)).values():
        if isinstance(outcome, Refused) and no_way_back:  # a deploy can do without it, if a person says so
            say(f"no way back, accepted: {outcome.line}")
        elif isinstance(outcome, BaseException):
            raise known_error(outcome, "preflight")


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


def builders(placements: Sequence[Placement], built: Mapping[Placement, str]) -> Iterator[str]:
    """With what is built where, a line for all places where it is the same."""
    for told in dict.fromkeys(built[one] for one in placements if one in built):
        alike = [one for one in placements if built.get(one) == told]
        hosts, services = (listed(list(dict.fromkeys(names)), NAMED) for names in (
            [one.host.name for one in alike], [one.service.name for one in alike]))  # fmt: skip
        yield f"{hosts}: {services} {'is' if ', ' not in services else 'are'} built with {told}"


def _can_be_built(connections: Connections, placement: Placement, release: Release, built: dict[Placement, str]) -> None:
    """What a release runs while it is built must not run as who deploys: without the sandbox nothing is built. Its programs
    are tried in there, and what they are is put into ``built``.
    """
    step = builds_are_possible(placement.service, digest(), placement.service.build_sha256)
    what = f"no release of {placement.service.name} can be built here"
    host = placement.host
    hint = f"uv run voxgate enrol {host.name} --estate NAME | ssh YOU@{host.address} sudo bash (account, builder, folders)"
    _must_be(connections, placement, step, what, hint)
    built[placement] = _must_be(connections, placement, tools_are_here(placement.service, release), what)


def _may_restart(connections: Connections, placement: Placement) -> None:
    """What sudo refuses in the middle of a deploy leaves new code beside an old process."""
    if placement.units:
        _must_be(connections, placement, is_allowed(placement.units), f"{placement.service.name} could not be restarted here")


def _is_ready(connections: Connections, placement: Placement) -> None:
    """What a move makes must be possible to make, and then to read for who runs the service: else it is an outage."""
    what = f"{placement.service.name} cannot be deployed here"
    _must_be(connections, placement, is_ready(placement.service), what)


def _databases_say_who_dials(connections: Connections, estate: Estate) -> None:
    for database in estate.databases:
        seen = see(connections, database, records=False)
        if isinstance(seen, Missing):
            what = "the database does not say who dials on it: the dialler could not be started again"
            raise Refused(what, where=database.name, why=seen.why, hint=seen.hint)


def _is_here(connections: Connections, placement: Placement, release: Release) -> None:
    what = f"there is no way back to {release} of {placement.service.name}"
    hint = "put it there (git fetch, uv sync, a build), or accept it: --no-way-back"
    _must_be(connections, placement, way_back_is_here(placement.service, release), what, hint)


def _must_be(connections: Connections, placement: Placement, step: Step, what: str, hint: str = "") -> str:
    """What the step said. Raises Refused with ``what`` where it does not end with 0, and where it cannot be asked; what mends
    that is told by its words, where they say it, else by ``hint``.
    """
    host = placement.host
    try:
        ended = connections[host.name].run(step.argv, deadline=step.deadline)
    except VoxgateError as error:
        raise Refused(f"{step.says} could not be asked", where=host.name, why=error.line, hint=error.hint) from None
    if ended.exit_status != 0:
        why = last_words(ended)
        units = {*placement.units, placement.service.build_unit}
        by_words = for_move(why, host, placement.service.folder, units)
        raise Refused(what, where=host.name, why=why, hint=by_words if why.startswith("sudo ") else hint or by_words)
    return visible(ended.stdout.decode("utf-8", "replace").strip())


def held_hosts(held: Mapping[str, str]) -> Refused:
    """The refusal where a person must look first; ``held`` maps a service to what was found."""
    service, found = next(iter(held.items()))
    hint = f"look at it, mend it, then: --clear {service} --reason TEXT"
    return Refused(f"{service} must be looked at by a person first", why=found, hint=hint)
