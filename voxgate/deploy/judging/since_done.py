"""What is not as it was when a deploy was done last, and why it may be: told beside the verdict. Evidence has it too, so that an
estate may have it judged (``changes`` in ``[estate]``).

The hosts' own state says what was seen then (``hosts.done``), and that of others what was seen of a host on which nothing is
deployed. A host is asked for more only where something is another one: what dpkg did since then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from voxgate.contracts.ledger_lines import lines_of
from voxgate.deploy.hosts.journal_writer import keep_done
from voxgate.deploy.hosts.state import Found, now, placements_of
from voxgate.deploy.run_context import RunContext
from voxgate.errors import VoxgateError, known_error
from voxgate.model.estate import Estate, Host, Placement
from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.model.fingerprints import HostChanges, Kept, differences
from voxgate.model.look import Look
from voxgate.survey.brought import Packages, packages_since
from voxgate.survey.explaining import CHANGES_AT_MOST, explained, files_of
from voxgate.survey.fingerprints import prints_of, rows_of
from voxgate.transport.at_once import at_once

_MOVED = frozenset({"begun", "promoted", "rolled-back"})
_LONGEST = 200  # letters of a word of a ledger: a host says how long it is


def kept_of(look: Look, estate: Estate, run: str, at: str) -> dict[str, Kept]:
    """What is kept of a look, by the names of the hosts; of one that was not seen nothing."""
    found = {}
    for host in estate.hosts:
        seen = look.hosts.get(host.name)
        if isinstance(seen, HostEvidence) and not isinstance(seen.time, Missing):
            found[host.name] = Kept(run, at, estate.name, seen.time, prints_of(rows_of(seen)))
    return found


def keep(context: RunContext) -> list[str]:
    """Once a deploy is done, have all hosts keep what was seen of them last: the look by which it was judged. A line for each
    that could not.
    """
    if context.seen is None:
        return []
    try:
        kept = kept_of(context.seen, context.estate, context.author.run, now())
    except Exception as error:  # noqa: BLE001 - all is promoted: nothing that is only told makes of it a deploy that is not done
        return [f"no host keeps what was seen of it: {known_error(error).line}"]
    return keep_done(context.claim, context.estate, kept)


def changes_since(context: RunContext, look: Look, tried: Mapping[str, str]) -> tuple[HostChanges, ...]:
    """Of each host what changed since the last done there; ``tried`` are the releases of this run, by service. A host that was
    not seen is left out. Whatever goes wrong is a note; where it is judged, that is blind.
    """
    hosts = [host for host in context.estate.hosts if isinstance(look.hosts.get(host.name), HostEvidence)]
    outcomes = at_once(hosts, lambda host: _of_host(context, host, known(look.hosts[host.name]), tried), limit=len(hosts))
    return tuple(
        one if isinstance(one, HostChanges) else HostChanges(host.name, note=f"not compared: {known_error(one, host.name).line}")
        for host, one in outcomes.items()
    )


def by_host(changes: Sequence[HostChanges]) -> dict[str, HostChanges]:
    """The same by the hosts' names, as evidence has it."""
    return {one.host: one for one in changes}


def _of_host(context: RunContext, host: Host, seen: HostEvidence, tried: Mapping[str, str]) -> HostChanges:
    mine = placements_of(context.estate, host)
    own = (context.found[one.id].done for one in mine if one.id in context.found)
    kept = next(own, None) if mine else _kept_elsewhere(context, host)
    if kept is None:
        where = "here" if mine else "of it" if context.estate.whole is None else "of it by the hosts of this part"
        return HostChanges(host.name, note=f"no done is kept {where}: nothing to compare with")
    if isinstance(kept, Missing):
        return HostChanges(host.name, note=f"what was kept at done is not compared: {kept.why}")
    if kept.estate != context.estate.name:
        return HostChanges(host.name, kept.run, kept.at, "what was kept at done is another estate's: it is not compared")
    rows = rows_of(seen)
    differ = list(differences(kept.prints, prints_of(rows)))
    shown = differ[:CHANGES_AT_MOST]
    if not shown:
        return HostChanges(host.name, kept.run, kept.at)
    released, note = _released(mine, context.found, kept, tried), ""
    changes = explained(shown, rows, context.estate, host, Packages(), released)
    if not all(one.why for one in changes):
        try:
            packages = packages_since(files_of(shown, rows), kept.clock, context.connections[host.name])
            changes = explained(shown, rows, context.estate, host, packages, released)
        except VoxgateError as error:
            note = f"dpkg could not be asked: {error.line}"
    return HostChanges(host.name, kept.run, kept.at, note, changes, len(differ) - len(shown))


def _kept_elsewhere(context: RunContext, host: Host) -> Kept | Missing | None:
    """What others keep of a host on which nothing is deployed. The last word counts, as who could not be reached at a later done
    has an earlier one; this estate's before another's, which may have a host of that name too.
    """
    said = [one.others[host.name] for one in context.found.values() if host.name in one.others]
    whole = [one for one in said if isinstance(one, Kept)]
    return max(whole, key=lambda one: (one.estate == context.estate.name, one.at), default=next(iter(said), None))


def _released(
    placements: Sequence[Placement], found: Mapping[str, Found], kept: Kept, tried: Mapping[str, str]
) -> dict[str, str]:
    """Which release came to a service of a host since then, in words: this run's, else by the host's own ledger. By the names of
    the service and of its units.
    """
    said: dict[str, str] = {}
    for one in placements:
        name = one.service.name
        if name in tried:
            said[name] = f"release {tried[name]} of this run"
            continue
        for line in lines_of(found[one.id].ledger) if one.id in found else ():
            event, run, at, tag, commit = (
                str(line.event.get(key) or "")[:_LONGEST] for key in ("event", "run", "at", "tag", "commit")
            )
            if event in _MOVED and run != kept.run and at >= kept.at:
                said[name] = f"release {tag or commit[:12]} of run {run} ({event})"
    return said | {unit: said[one.service.name] for one in placements if one.service.name in said for unit in one.units}
