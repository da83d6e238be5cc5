"""Errands: what is asked of the hosts without deploying or judging anything: plan, history, releases, clearing a held service."""

from __future__ import annotations

from voxgate.deploy.gate import Gate
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.chain import broken
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import MOST_REASON, Journal, Phase
from voxgate.deploy.hosts.state import read_all
from voxgate.deploy.judging.standing import lines_of, refused
from voxgate.deploy.plan_text import history, history_lines, plan_lines
from voxgate.deploy.planning.releases import release_lines
from voxgate.deploy.planning.remotes import Remotes, must_run
from voxgate.deploy.recovery.policy import WayOut, decide
from voxgate.errors import Refused
from voxgate.model.evidence import Missing
from voxgate.model.nearest import nearest
from voxgate.survey.collect import survey

_LEDGER = 500  # lines of each host's ledger that are shown


def plan(gate: Gate) -> list[str]:
    """What ``--deploy`` would do. Nothing is claimed, nothing is changed. Raises Refused as the deploy would."""
    if not gate.requests:
        raise Refused("a plan of what?", where="--plan", hint="say what would be deployed: --deploy SERVICE[=TAG]")
    gate.connect()
    gate.must_reach_all()
    gate.read()
    decisions = decide(gate.estate, gate.context.found)
    made = gate.plan()
    lines = plan_lines(gate.estate, made, decisions, gate.context.found, gate.context.options.pace.most, gate.contents)
    gate.looks.before()
    gate.stand(made)
    must = must_run(gate.estate, {}, gate.context.goods)
    stands = lines_of(gate.standing.found, must) or ["nothing"]
    lines += ["", "does not hold now", *(f"   {line}" for line in stands)]
    asked = [(target.service, target.release) for target in made.targets if not target.is_on_hosts]
    if gate.promotion and asked and (error := gate.promotion.refusal(gate.estate, asked)):
        word = "would be overridden" if gate.promotion.override else "would be refused"
        lines += ["", f"promotion of this deploy {word}: {error.text}"]
    held = {one.service: one.found for one in decisions if one.way is WayOut.HELD}
    if stopping := gate.standing.stopping(made):
        lines += ["", f"this deploy would be refused: {refused(stopping, made, must, held, gate.estate).text}"]
    return lines


def tell_history(gate: Gate) -> tuple[list[str], bool]:
    """What was ever deployed here, from the hosts' own ledgers; and if all of them could be read. What cannot be read, and a
    ledger that was cut or edited, is named below the table: that nothing was ever deployed is said only by hosts that were heard.
    """
    found = read_all(gate.context.connections, gate.estate, ledger=_LEDGER)
    entries = history(gate.estate, found)
    unread = {key: one.good.why if isinstance(one.good, Missing) else "" for key, one in found.items() if not one.boot}
    nothing = "nothing is known of what was deployed here" if unread else "nothing was ever deployed here"
    lines = history_lines(entries) if entries else [nothing]
    cut = broken(found, _LEDGER)
    return [*lines, *(f"not read: {key}: {why}" for key, why in unread.items()), *cut], not unread and not cut


def tell_releases(gate: Gate) -> tuple[list[str], bool]:
    """What may be deployed here, and what runs; and if all of it could be told. Nothing is claimed, nothing is changed."""
    remotes = Remotes(gate.estate)
    remotes.ask()
    found = read_all(gate.context.connections, gate.estate)
    seen = survey(gate.context.connections, gate.estate)
    return release_lines(gate.estate, remotes.views, found, seen)


def clear(gate: Gate, service: str, reason: str) -> list[str]:
    """Let a held service go, or one whose way back could not be judged to its end: a person looked at it, and says why it is
    in order. Raises Refused.
    """
    names = [one.name for one in gate.estate.services]
    if service not in names:
        near = nearest(service, names)
        hint = f"did you mean {near}?" if near else f"services: {', '.join(names)}"
        raise Refused("there is no such service", where=f"--clear {service!r}", hint=hint)
    if not reason.strip():
        raise Refused("without a reason nothing is cleared", where=f"--clear {service}", hint='--reason "what was mended"')
    if len(reason) > MOST_REASON:
        why = f"{len(reason)} characters, at most {MOST_REASON}"
        raise Refused("the reason is too long for a line of the ledger", where=f"--clear {service}", why=why)
    gate.connect()
    gate.must_reach_all()
    gate.context.take()
    tasks = [
        Task(placement, journal.release, journal.origin, journal.run)
        for placement in gate.estate.placements
        if placement.service.name == service
        and isinstance(journal := gate.context.found[placement.id].journal, Journal)
        and (journal.phase is Phase.HELD or journal.phase.back)
    ]
    if not tasks:
        raise Refused(f"{service} is not held", where=f"--clear {service}", hint="make history tells what was done")
    journal_writer.mark(gate.context.claim, tasks, Phase.CLEARED, reason=reason.strip())
    hosts = ", ".join(task.placement.host.name for task in tasks)
    return [f"{service} is cleared on {hosts}: {reason.strip()}", "deploy it again: nothing was promoted"]
