"""The journal writer: states that no command belongs to, written on all hosts at once, each with the ledger's line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from voxgate.deploy.hosts.answers import nothing
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.done import document_of as document_of_done
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import MOST_REASON, Phase, document_of
from voxgate.deploy.hosts.state import Good, good_document, hosts_with_state, hosts_without_state, ledger_event, placements_of
from voxgate.errors import MoveFailed, known_error
from voxgate.model.estate import Estate
from voxgate.model.fingerprints import Kept
from voxgate.model.release import Release
from voxgate.transport.at_once import at_once

_DEADLINE = 60.0  # seconds for a host to write its line
_EVENTS = {
    Phase.CLAIMED: "begun",
    Phase.DONE: "promoted",
    Phase.ROLLED_BACK: "rolled-back",
    Phase.ABANDONED: "abandoned",
    Phase.HELD: "held",
    Phase.CLEARED: "cleared",
}


def mark(
    claim: Claim,
    tasks: Sequence[Task],
    phase: Phase,
    *,
    reason: str = "",
    before: Mapping[str, Mapping[str, Any]] | None = None,
    contents: Mapping[str, str] | None = None,
) -> None:
    """Write the phase, and its line in the ledger where it begins or closes a deploy. ``before``, where one begins: what the
    journal is to know of the time before it, by placement id. ``contents``, where one went back: the digests of what was judged
    good then, by placement id; of others what was judged good before counts on. Raises MoveFailed naming who did not.
    """
    reason = _told(claim, reason)  # the gate's own words; a person's are refused where they are too many

    def words(task: Task) -> dict[str, Any]:
        said: dict[str, Any] = {"journal": document_of(task.journal(phase, claim.author, reason))}
        if before is not None:
            said["journal"] |= before[task.placement.id]
        if contents is not None and task.placement.id in contents:
            said["journal"]["content"] = contents[task.placement.id]
        if phase in _EVENTS:
            said["event"] = event_of(claim, task, _EVENTS[phase], {"reason": reason}, back=phase is Phase.ROLLED_BACK)
        return said

    _everywhere(claim, tasks, words)


def promote(
    claim: Claim,
    tasks: Sequence[Task],
    goods: Mapping[str, Good],
    tagged: Mapping[str, Release],
    contents: Mapping[str, str],
    *,
    reason: str = "",
) -> None:
    """Move last-known-good of these placements, and close their journals; ``contents`` are the digests of what was judged, by
    placement id, ``reason`` is why, where not all of it holds. Raises MoveFailed naming who did not.
    """

    def words(task: Task) -> dict[str, Any]:
        release = tagged.get(task.placement.service.name, task.release)
        done, key = replace(task, release=release), task.placement.id
        return {
            "record": good_document(release, goods.get(key), task.run or claim.author.run, contents.get(key, "")),
            "event": event_of(claim, done, _EVENTS[Phase.DONE], {"reason": _told(claim, reason)}),
            "journal": document_of(done.journal(Phase.DONE, claim.author)),
        }

    _everywhere(claim, tasks, words)


def keep_done(claim: Claim, estate: Estate, kept: Mapping[str, Kept]) -> list[str]:
    """Have each host keep what was seen of it, by its name: by one of its services, which this gate holds. What was seen of those
    on which nothing is deployed is kept by the others, in turn. A line for each host that could not: a deploy is done without.
    """
    hosts = [host for host in hosts_with_state(estate) if host.name in kept]
    services = {host.name: next(iter(placements_of(estate, host))).service.name for host in hosts}
    others = [host.name for host in hosts_without_state(estate)]
    turns = _turns([name for name in services if name not in claim.lost], [name for name in others if name in kept])
    unseen = {name: None for name in others if name not in kept}

    def write(host: str) -> None:
        beside = {**unseen, **{name: document_of_done(kept[name]) for name in turns.get(host, ())}}
        said = document_of_done(kept[host])
        claim.ask(host, "mark", _DEADLINE, nothing, service=services[host], done=said, others=beside)

    outcomes = at_once(services, write, limit=len(services))
    errors = {host: known_error(one, host) for host, one in outcomes.items() if isinstance(one, BaseException)}
    return [
        f"{host} does not keep what was seen of {', '.join(['it', *turns.get(host, ())])}: {error.line}"
        for host, error in errors.items()
    ]


def _turns(keepers: Sequence[str], others: Sequence[str]) -> dict[str, list[str]]:
    """Which of the others each keeps."""
    return {name: [*others[number :: len(keepers)]] for number, name in enumerate(keepers)}


def _told(claim: Claim, reason: str) -> str:
    """A reason as all hosts of a deploy are told it: what it says of one may hold words of a page or a build there."""
    return claim.cut(reason)[:MOST_REASON]


def note(claim: Claim, tasks: Sequence[Task], event: str, **more: str) -> None:
    """A line in the ledger alone."""
    _everywhere(claim, tasks, lambda task: {"event": event_of(claim, task, event, more)})


def event_of(claim: Claim, task: Task, event: str, more: Mapping[str, str], *, back: bool = False) -> dict[str, Any]:
    """The ledger's line: which release it is about, from which it came, by which option, and whose deploy this run mended."""
    release, other = (task.origin, task.release) if back and task.origin else (task.release, task.origin)
    said = {key: value for key, value in more.items() if value}
    if task.run and task.run != claim.author.run:
        said["mended"] = task.run
    if task.how:
        said["how"] = task.how
    said["from"] = str(other) if other else ""
    return ledger_event(event, release, claim.author, **said)


def _everywhere(claim: Claim, tasks: Sequence[Task], words: Callable[[Task], dict[str, Any]]) -> None:
    by_id = {task.placement.id: task for task in tasks}

    def write(key: str) -> None:
        placement = by_id[key].placement
        claim.ask(placement.host.name, "mark", _DEADLINE, nothing, service=placement.service.name, **words(by_id[key]))

    outcomes = at_once(by_id, write, limit=len(by_id))
    errors = [known_error(outcome, key) for key, outcome in outcomes.items() if isinstance(outcome, BaseException)]
    if errors:
        why = "; ".join(error.line for error in errors)
        raise MoveFailed("the journal could not be written", where=errors[0].where, why=why, hint=errors[0].hint)
