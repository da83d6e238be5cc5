"""The dialler's restart: stop, gone, nobody else anywhere, then start. Two diallers on one database over-dial real people."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from voxgate.deploy.hosts.executor import Executor, Task, last_words
from voxgate.deploy.hosts.journal import Phase
from voxgate.errors import CommandUnknown, MoveFailed, Unreachable
from voxgate.model.answers import DatabaseClient
from voxgate.model.database import Database
from voxgate.model.digits import natural_in
from voxgate.model.estate import Estate, PlacedUnit
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.moves.health import read_state
from voxgate.moves.steps import Step, alive, left_over, systemctl, unit_state, unlimited
from voxgate.survey.collect import survey
from voxgate.survey.containers import SHORT, livekits
from voxgate.survey.findings import is_started_by_its_unit, process_at
from voxgate.transport.clients.database import see
from voxgate.transport.clients.database_login import wants_login
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.connection import Completed

_GONE_DEADLINE = 45.0  # seconds for the last process of a stopped dialler to end
_PROGRAMS = frozenset({"/usr/bin", "/usr/sbin", "/bin", "/sbin"})
_SHELLS = frozenset({"sh", "dash", "bash", "ksh", "zsh", "busybox", "env"})
_LET_GO = 10.0  # seconds for the database to notice that a connection is gone


def restart_alone(executor: Executor, task: Task, unit: PlacedUnit, phase: Phase, stopping: Callable[[], None]) -> None:
    """Stop, gone, nobody else, start; ``stopping`` is called just before the stop. Raises MoveFailed, and has not started it, if
    another one lives anywhere, on a host or as the database sees it, or if that cannot be seen. Where systemd says nothing of the
    unit it is not stopped; once it is stopped that keeps it from nothing.
    """

    def unlimited_now() -> tuple[Step, ...]:
        return unlimited(unit.unit, read_state(executor.look(unit.host.name, unit_state(unit.unit)).stdout))

    nobody_else_lives(executor, unit)  # said while ours still dials
    stopping()
    executor.do(task, phase, [*unlimited_now(), systemctl("stop", unit.unit)])
    await_gone(executor, unit)
    nobody_dials(executor, unit)
    limited: tuple[Step, ...] = ()
    with suppress(CommandUnknown, MoveFailed, Unreachable):
        # Any account can keep systemd from answering, and so from starting anything. What it is told it does once that ends.
        limited = unlimited_now()
    executor.do(task, phase, [*limited, systemctl("start", unit.unit)])


def await_gone(executor: Executor, unit: PlacedUnit) -> None:
    """Wait until the unit's cgroup is empty. An interruption does not end this wait: what follows must not be guessed."""
    deadline = Deadline.after(_GONE_DEADLINE)
    while executor.look(unit.host.name, left_over(unit.unit)).stdout.split():
        if deadline.passed:
            raise MoveFailed(f"{unit.unit} does not end", where=unit.host.name, why=f"alive after {deadline}")
        executor.pause()


def nobody_else_lives(executor: Executor, unit: PlacedUnit, *, gone: bool = False) -> None:
    """Prove that no dialler lives on any host beside the unit's own; once that is ``gone``, none at all. Raises MoveFailed."""
    what = f"{unit.unit} was not {'started' if gone else 'stopped'}"
    step = alive(unit.unit, unit.service)
    looked = executor.connections.each(executor.estate.hosts, lambda one: executor.attempt(one.host.name, step))
    others = other_diallers(executor.estate, unit)
    called: dict[str, set[int]] = {}
    for name, completed in looked.items():
        if not isinstance(completed, Completed) or completed.exit_status != 0:
            why = last_words(completed) if isinstance(completed, Completed) else completed.line
            raise MoveFailed(f"{what}: could not see if one lives there", where=name, why=why)
        for words in map(str.split, completed.stdout.decode("ascii", "replace").splitlines()):
            if words[1:] == ["unit"] and (name, unit.unit) not in others:
                if gone or name != unit.host.name:
                    raise _alive(what, name, words[0])
            elif words and words[1:] != ["unit"]:
                called.setdefault(name, set()).add(natural_in(words[0]) or 0)
    if called:  # seldom, and so worth a look of root's: by its words alone it is none yet
        seen = survey(executor.connections, executor.estate, brief=True)
        boxes = livekits(executor.estate, seen)
        for name, pids in called.items():
            if (found := first_dialler(seen[name], pids, others, unit.service.folder, boxes)) is not None:
                raise _alive(what, name, str(found))


def first_dialler(
    seen: HostEvidence | Missing,
    called: Collection[int],
    others: Collection[tuple[str, str]],
    folder: str,
    boxes: Collection[tuple[str, str]] = (),
) -> int | None:
    """The first of the processes that say on a host that they run the dialler's code, of which root's probe does not know better;
    None where there is none. ``boxes`` as in ``is_another_program``. How many there are a host says: of millions that the probe
    has not seen each is gone by now.
    """
    if isinstance(seen, HostEvidence) and not isinstance(seen.processes, Missing):
        called = {one.pid for one in seen.processes}.intersection(called)
    for pid in sorted(called):
        if not is_of_units(seen, pid, others) and not is_another_program(seen, pid, folder, boxes):
            return pid
    return None


def _alive(what: str, host: str, pid: str) -> MoveFailed:
    return MoveFailed(
        f"{what}: one is alive beside it", where=host, why=f"process {pid} runs its code", hint="stop that one first"
    )


def is_another_program(seen: HostEvidence | Missing, pid: int, dialler: str, boxes: Collection[tuple[str, str]] = ()) -> bool:
    """True for a process that root's probe saw run a program of the system's that is neither Python nor a shell, and none of the
    code in the dialler's folder, whatever it calls itself; and for one that is not there any more. In a container each path may
    be anything: only what is in one of ``boxes`` (host and id), which are as the estate says, has nothing to dial with.
    """
    if isinstance(seen, Missing) or isinstance(seen.processes, Missing):
        return False
    found = process_at(seen, pid)
    if found is None:
        return True
    if dialler in found.runs:
        return False
    if found.container:
        return (seen.name, found.container[:SHORT]) in boxes
    folder, _, program = (found.exe or "").rpartition("/")
    return folder in _PROGRAMS and not program.startswith(("python", "pypy")) and program not in _SHELLS


def other_diallers(estate: Estate, unit: PlacedUnit) -> frozenset[tuple[str, str]]:
    """Host and unit of each dialler of another database."""
    same = (unit.host.name, unit.unit)
    ours = {(one.host.name, one.unit) for one in estate.placed_units if one.service.name == unit.service.name}
    return frozenset(ours - {same})


def is_of_units(seen: HostEvidence | Missing, pid: int, units: Collection[tuple[str, str]]) -> bool:
    """True for a process that systemd runs in one of these units (host and unit), as root's probe saw it."""
    if isinstance(seen, Missing) or isinstance(seen.processes, Missing) or isinstance(seen.units, Missing):
        return False
    found = process_at(seen, pid)
    return found is not None and (seen.name, found.unit) in units and is_started_by_its_unit(seen, found)


def nobody_dials(executor: Executor, unit: PlacedUnit) -> None:
    """Prove that no dialler lives on any host, and that its databases see none. Raises MoveFailed."""
    nobody_else_lives(executor, unit, gone=True)
    if unit.database is not None:
        _database_is_free(executor, unit, unit.database)


def _database_is_free(executor: Executor, unit: PlacedUnit, database: Database) -> None:
    """No client of the dialler's name on that database, in the database's own view. Whoever reaches its port can call himself so:
    who has not logged in all the time, where the server wants that, does nothing there.
    """
    deadline = Deadline.after(_LET_GO)
    what = f"{unit.unit} was not started"
    while True:
        view = see(executor.connections, database, records=False)
        if isinstance(view, Missing):
            raise MoveFailed(f"{what}: could not see who dials", where=database.name, why=view.why, hint=view.hint)
        others = dialling(view.clients, unit.service.app_name)
        if others and (homes := other_diallers(executor.estate, unit)):  # their database may be on the same server
            others = not_held_by(others, survey(executor.connections, executor.estate, brief=True), homes)
        if not others:
            return
        if deadline.passed:
            if not any(one.user for one in others) and wants_login(executor.connections, database):
                return
            why = f"{others[0].app_name} at {others[0].address}:{others[0].port}"
            raise MoveFailed(f"{what}: another one dials on it", where=database.name, why=why, hint="stop that one first")
        executor.pause()


def not_held_by(
    clients: Iterable[DatabaseClient], seen: Mapping[str, HostEvidence | Missing], units: Collection[tuple[str, str]]
) -> tuple[DatabaseClient, ...]:
    """Those clients of a database whose end no process of these units has open."""
    held = {
        (socket.address, socket.port)
        for host in seen.values()
        if isinstance(host, HostEvidence) and not isinstance(host.connections, Missing)
        for socket in host.connections
        if socket.pids and all(is_of_units(host, pid, units) for pid in socket.pids)
    }
    return tuple(client for client in clients if (client.address, client.port) not in held)


def dialling(clients: Iterable[DatabaseClient], app_name: str | None) -> tuple[DatabaseClient, ...]:
    """Those clients of a database that call themselves its dialler."""
    return tuple(client for client in clients if app_name is not None and client.app_name == app_name)
