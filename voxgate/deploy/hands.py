"""The hands of the engine: run one step on one host, or wait until one unit is up. Everything else is decided elsewhere."""

from __future__ import annotations

import time

from voxgate.errors import MoveFailed
from voxgate.model.estate import Estate, PlacedUnit
from voxgate.model.look import Question
from voxgate.moves.health import Pulse, Up, pulse, read_state
from voxgate.moves.steps import Step, left_over, systemctl, unit_state
from voxgate.transport.connection import Completed
from voxgate.transport.connections import Connections
from voxgate.transport.http import ask

_INTERVAL = 0.15
_GONE_DEADLINE = 45.0
_ANSWER_DEADLINE = 3.0


def attempt(connections: Connections, host: str, step: Step) -> Completed:
    """Run a step and say how it ended. Raises CommandUnknown or Unreachable; any exit status is an answer."""
    return connections[host].run(step.argv, deadline=step.deadline)


def perform(connections: Connections, host: str, step: Step) -> Completed:
    """Run a step that must end with 0. Raises MoveFailed with the last words of the command."""
    completed = attempt(connections, host, step)
    if completed.exit_status != 0:
        why = f"exit {completed.exit_status}: {_last_words(completed)}"
        hint = ""
        if step.argv[0] == "sudo" and b"password is required" in completed.stderr:
            hint = f"sudoers must allow exactly: {' '.join(step.argv[2:])}"
        raise MoveFailed(f"{step.says} failed", where=host, why=why, hint=hint)
    return completed


def _last_words(completed: Completed) -> str:
    """The line of the command that most likely says why: an error's, else the last one."""
    text = (completed.stderr or completed.stdout).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if line.lower().startswith(("error", "fatal", "npm error", "failed"))]
    return (telling or lines[-1:] or ["it said nothing"])[0][:300]


def restart(connections: Connections, unit: PlacedUnit) -> None:
    """Restart one unit. A unit that systemd gave up on is reset first: it would refuse to start again."""
    host = unit.host.name
    if read_state(perform(connections, host, unit_state(unit.unit)).stdout).get("ActiveState") == "failed":
        perform(connections, host, systemctl("reset-failed", unit.unit))
    perform(connections, host, systemctl("restart", unit.unit))


def restart_alone(connections: Connections, estate: Estate, unit: PlacedUnit) -> None:
    """Stop, gone, then start: for a unit of which two must never live. Raises MoveFailed if anything of it still lives,
    here or on any other host of the estate, and then it is not started.
    """
    host = unit.host.name
    perform(connections, host, systemctl("stop", unit.unit))
    _await_gone(connections, unit)
    looked = connections.each(
        estate.hosts, lambda connection: connection.run(left_over(unit.unit).argv, deadline=left_over("").deadline)
    )
    for name, completed in looked.items():
        if not isinstance(completed, Completed) or completed.exit_status != 0:
            why = completed.line if not isinstance(completed, Completed) else _last_words(completed)
            raise MoveFailed(f"{unit.unit} was not started: could not see if one lives there", where=name, why=why)
        if completed.stdout.split():
            why = f"process {completed.stdout.split()[0].decode('ascii', 'replace')} is in its cgroup"
            raise MoveFailed(f"{unit.unit} was not started: one is alive", where=name, why=why, hint="stop that one first")
    if read_state(perform(connections, host, unit_state(unit.unit)).stdout).get("ActiveState") == "failed":
        perform(connections, host, systemctl("reset-failed", unit.unit))
    perform(connections, host, systemctl("start", unit.unit))


def _await_gone(connections: Connections, unit: PlacedUnit) -> None:
    """Wait until the unit's cgroup is empty."""
    until = time.monotonic() + _GONE_DEADLINE
    while perform(connections, unit.host.name, left_over(unit.unit)).stdout.split():
        if time.monotonic() > until:
            raise MoveFailed(f"{unit.unit} does not end", where=unit.host.name, why=f"alive after {_GONE_DEADLINE:.0f} s")
        time.sleep(_INTERVAL)


def look_at(connections: Connections, unit: PlacedUnit, commit: str) -> Pulse:
    """One look at a unit: what systemd says, what it answers."""
    completed = perform(connections, unit.host.name, unit_state(unit.unit))
    endpoint = unit.service.health
    if endpoint is None:
        return Pulse(Up.NEVER, "no health endpoint is declared for it")
    question = Question(unit.host.name, unit.port_of(endpoint), endpoint.path)
    answer = ask(connections, [question], deadline=_ANSWER_DEADLINE)[question]
    return pulse(read_state(completed.stdout), answer, commit)


def await_up(connections: Connections, unit: PlacedUnit, commit: str) -> str:
    """Poll until the unit is up, and say what it said. Raises MoveFailed at once where it can never be (systemd gave up, it
    dies as it starts), else when the service's start deadline is over.
    """
    deadline = unit.service.start_deadline
    until = time.monotonic() + deadline
    name = unit.unit.removesuffix(".service")
    while True:
        seen = look_at(connections, unit, commit)
        match seen.up:
            case Up.YES:
                return seen.said
            case Up.NEVER:
                hint = f"journalctl -u {name} on {unit.host.name} says why"
                raise MoveFailed(f"{name} did not come up", where=unit.host.name, why=seen.said, hint=hint)
            case Up.NOT_YET if time.monotonic() > until:
                why = f"after {deadline:.0f} s: {seen.said}"
                raise MoveFailed(f"{name} is not healthy", where=unit.host.name, why=why)
            case Up.NOT_YET:
                time.sleep(_INTERVAL)
