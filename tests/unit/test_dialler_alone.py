"""The dialler's restart, move by move: what is looked at before it, between its halves, and what keeps it from being started."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import executor
from tests.executor import ESTATE
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.moving import dialling
from voxgate.deploy.moving.dialling import (
    await_gone,
    first_dialler,
    is_another_program,
    is_of_units,
    nobody_dials,
    nobody_else_lives,
    restart_alone,
)
from voxgate.errors import MoveFailed, Unreachable
from voxgate.model.answers import DatabaseClient, DatabaseView
from voxgate.model.evidence import ContainerFact, EnginesFact, HostEvidence, MadeFact, Missing, ProcessFact, SocketFact, known
from voxgate.model.release import Release
from voxgate.moves.steps import Step
from voxgate.survey.containers import livekits
from voxgate.survey.host_documents import host_evidence
from voxgate.transport import deadline
from voxgate.transport.ssh.remote_command import Completed

PLACEMENT = next(one for one in ESTATE.placements if one.id == "dialler-sip-1")
(UNIT,) = PLACEMENT.placed_units
TASK = Task(PLACEMENT, Release("dialler", "a" * 40), None)
OURS = DatabaseClient("198.51.100.41", 4711, UNIT.service.app_name or "", "vox")
OTHERS = DatabaseClient("198.51.100.31", 4712, "voxcore", "vox")


def said(stdout: bytes = b"", status: int = 0, stderr: bytes = b"") -> Completed:
    return Completed(status, stdout, stderr, 0.0)


class Hands(executor.Executor):
    """Hands that note each look and each step; ``alive`` is what each host says of diallers, ``left`` what the unit's cgroup has
    from look to look, ``active`` the unit's states.
    """

    def __init__(self, alive: dict[str, Any] | None = None, left: tuple[bytes, ...] = (b"",), active: str = "active") -> None:
        super().__init__(lambda *_: None)
        self.went: list[str] = []
        self.now = 0.0
        self.alive, self.left, self.active = alive or {}, list(left), active

    def each(self, hosts: Any, function: Callable[[Any], Any]) -> dict[str, Any]:
        """What each host says."""
        self.went.append("who lives?")
        return {host.name: self.alive.get(host.name) or function(SimpleNamespace(host=host)) for host in hosts}

    def attempt(self, host: str, step: Step) -> Completed:
        """No dialler is there."""
        assert step.says == "voxdialler alive?"
        assert host in {one.name for one in ESTATE.hosts}
        return said()

    def look(self, host: str, step: Step) -> Completed:
        """At the unit."""
        assert host == "sip-1"
        self.went.append(step.says)
        if step.says == "voxdialler gone?":
            return said(self.left.pop(0) if len(self.left) > 1 else self.left[0])
        return said(f"ActiveState={self.active}\n".encode())

    def do(self, task: Any, phase: Any, steps: Any) -> tuple[Completed, ...]:
        """Noted."""
        assert (task, phase) == (TASK, Phase.RESTART)
        self.went += [step.says for step in steps]
        return super().do(task, phase, steps)

    def pause(self) -> None:
        """Half a second, by the clock that deadlines have here."""
        self.went.append("pause")
        self.now += 0.5
        assert len(self.went) < 300


Sees = Callable[..., list[Any]]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """Hands whose pauses are all the time that goes by."""
    hands = Hands()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: hands.now))
    return hands


@pytest.fixture
def sees(monkeypatch: pytest.MonkeyPatch) -> Sees:
    """``sees(view, ..)``: what the database sees, look by look, the last one for ever. Returns what it was asked."""

    def made(*views: Any, hands: Hands | None = None) -> list[Any]:
        left, asked = list(views), list[Any]()

        def see(connections: object, database: object, *, records: bool) -> Any:
            asked.append((connections, database, records))
            if hands is not None:
                hands.went.append("who dials?")
            found = left.pop(0) if len(left) > 1 else left[0]
            return found if isinstance(found, Missing) else DatabaseView("vox", "mongodb", found, "voxgate")

        monkeypatch.setattr(dialling, "see", see)
        return asked

    return made


def test_it_is_stopped_and_started_only_when_nobody_else_dials_anywhere(sees: Sees) -> None:
    hands = Hands(left=(b"7\n8\n", b"8\n", b"\n"))
    asked = sees((OTHERS,), hands=hands)
    restart_alone(hands, TASK, UNIT, Phase.RESTART, lambda: hands.went.append("now"))  # type: ignore[arg-type]
    assert hands.went == [
        "who lives?", "now", "voxdialler?", "reset-failed voxdialler", "stop voxdialler",
        "voxdialler gone?", "pause", "voxdialler gone?", "pause", "voxdialler gone?",
        "who lives?", "who dials?", "voxdialler?", "reset-failed voxdialler", "start voxdialler",
    ]  # fmt: skip
    assert asked == [(hands, UNIT.database, False)]


def test_what_is_not_loaded_is_not_reset(sees: Sees) -> None:
    hands = Hands(active="inactive")
    sees(())
    restart_alone(hands, TASK, UNIT, Phase.RESTART, lambda: None)  # type: ignore[arg-type]
    assert [one for one in hands.went if one.endswith(" voxdialler")] == ["stop voxdialler", "start voxdialler"]


def test_while_another_one_lives_ours_is_not_even_stopped(sees: Sees) -> None:
    hands = Hands({"fleet-1": said(b"9 unit\n")})
    sees(())
    with pytest.raises(MoveFailed) as caught:
        restart_alone(hands, TASK, UNIT, Phase.RESTART, lambda: hands.went.append("now"))  # type: ignore[arg-type]
    assert caught.value.line == "fleet-1: voxdialler.service was not stopped: one is alive beside it: process 9 runs its code"
    assert caught.value.hint == "stop that one first"
    assert hands.went == ["who lives?"]


def test_one_that_does_not_end_is_said_and_nothing_is_started(slow: Hands) -> None:
    slow.left = [b"7\n"]
    with pytest.raises(MoveFailed) as caught:
        await_gone(slow, UNIT)  # type: ignore[arg-type]
    assert caught.value.line == "sip-1: voxdialler.service does not end: alive after 45 s"
    assert slow.now == 45.0
    slow.left = [b" \n"]
    await_gone(slow, UNIT)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (said(b"", 3, b"sh: can not start anything more\n"), "sh: can not start anything more"),
        (said(b"9 unit\n", 124), "9 unit"),
        (Unreachable("no connection", where="fleet-2", why="no route"), "fleet-2: no connection: no route"),
    ],
)
@pytest.mark.parametrize(("gone", "what"), [(False, "stopped"), (True, "started")])
def test_a_host_that_could_not_be_looked_at_keeps_it_as_it_is(found: object, why: str, what: str, *, gone: bool) -> None:
    with pytest.raises(MoveFailed) as caught:
        nobody_else_lives(Hands({"fleet-2": found}), UNIT, gone=gone)  # type: ignore[arg-type]
    assert caught.value.where == "fleet-2"
    assert caught.value.what == f"voxdialler.service was not {what}: could not see if one lives there"
    assert caught.value.why == why


def test_its_own_unit_may_live_until_it_is_stopped_and_not_after_it() -> None:
    hands: Any = Hands({"sip-1": said(b"\n7 unit\n8 unit\n")})
    nobody_else_lives(hands, UNIT)
    with pytest.raises(MoveFailed, match=r"sip-1: voxdialler\.service was not started: one is alive beside it: process 7 runs"):
        nobody_else_lives(hands, UNIT, gone=True)


def test_who_says_that_it_runs_the_code_is_looked_at_by_root(monkeypatch: pytest.MonkeyPatch) -> None:
    surveyed: list[Any] = []

    def survey(connections: object, estate: object, *, brief: bool) -> dict[str, Missing]:
        surveyed.append((connections, estate, brief))
        return {host.name: Missing("denied", "no root") for host in ESTATE.hosts}

    monkeypatch.setattr(dialling, "survey", survey)
    hands: Any = Hands({"fleet-1": said(b"12\n11 9\n")})
    with pytest.raises(MoveFailed, match=r"fleet-1: .*: process 11 runs its code"):
        nobody_else_lives(hands, UNIT)
    assert surveyed == [(hands, ESTATE, True)]
    nobody_else_lives(Hands(), UNIT)  # type: ignore[arg-type]
    assert len(surveyed) == 1
    with pytest.raises(MoveFailed, match=r"fleet-1: .*: process 0 runs its code"):  # whoever does not say its number lives, too
        nobody_else_lives(Hands({"fleet-1": said(b"dialler.py\n")}), UNIT)  # type: ignore[arg-type]


def test_it_is_not_started_while_its_database_sees_another_one(sees: Sees, slow: Hands) -> None:
    """Ten seconds it has to notice that a connection is gone."""
    sees((OTHERS, OURS))
    with pytest.raises(MoveFailed) as caught:
        nobody_dials(slow, UNIT)  # type: ignore[arg-type]
    why = f"{OURS.app_name} at 198.51.100.41:4711"
    assert caught.value.line == f"vox: voxdialler.service was not started: another one dials on it: {why}"
    assert caught.value.hint == "stop that one first"
    assert slow.now == 10.0
    assert set(slow.went) == {"who lives?", "pause"}


@pytest.mark.parametrize(("login", "started"), [(True, True), (False, False)])
def test_who_only_calls_itself_the_dialler_at_the_database_s_port_keeps_it_from_nothing(
    sees: Sees, slow: Hands, monkeypatch: pytest.MonkeyPatch, *, login: bool, started: bool
) -> None:
    """Anybody who reaches that port can, without a login, and would once the dialler has stopped; a dialler logs in."""
    asked: list[Any] = []

    def wants_login(*given: Any) -> bool:
        asked.append(given)
        return login

    monkeypatch.setattr(dialling, "wants_login", wants_login)
    sees((OTHERS, replace(OURS, user="")))
    if started:
        nobody_dials(slow, UNIT)  # type: ignore[arg-type]
    else:
        with pytest.raises(MoveFailed, match="another one dials on it"):
            nobody_dials(slow, UNIT)  # type: ignore[arg-type]
    assert asked == [(slow, UNIT.database)]
    assert slow.now == 10.0
    sees((replace(OURS, user=""), replace(OURS, user="vox")))
    with pytest.raises(MoveFailed, match="another one dials on it"):
        nobody_dials(slow, UNIT)  # type: ignore[arg-type]
    assert len(asked) == 1


def test_a_connection_that_the_database_has_still_to_notice_is_waited_for(sees: Sees) -> None:
    asked = sees((OURS,), (OURS, OTHERS), (OTHERS,))
    hands: Any = Hands()
    nobody_dials(hands, UNIT)
    assert len(asked) == 3
    assert hands.went == ["who lives?", "pause", "pause"]


def test_a_database_that_does_not_say_who_dials_keeps_it_from_being_started(sees: Sees) -> None:
    sees(Missing("denied", "not authorized", "vox", "give it the right"))
    with pytest.raises(MoveFailed) as caught:
        nobody_dials(Hands(), UNIT)  # type: ignore[arg-type]
    assert caught.value.line == "vox: voxdialler.service was not started: could not see who dials: not authorized"
    assert caught.value.hint == "give it the right"


def test_a_dialler_that_lives_on_a_host_is_enough_whatever_the_database_sees(sees: Sees) -> None:
    asked = sees(())
    with pytest.raises(MoveFailed, match="was not started: one is alive beside it"):
        nobody_dials(Hands({"sip-1": said(b"7 unit\n")}), UNIT)  # type: ignore[arg-type]
    assert asked == []


def test_one_without_a_database_of_ours_is_looked_for_on_the_hosts_alone(sees: Sees) -> None:
    asked = sees((OURS,))
    without = replace(UNIT, placement=replace(PLACEMENT, databases=()))
    assert without.database is None
    nobody_dials(Hands(), without)  # type: ignore[arg-type]
    assert asked == []


def test_on_a_server_that_two_diallers_share_the_other_one_s_connection_is_its_own(
    sees: Sees, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Any] = []

    def survey(*given: Any, **words: Any) -> dict[str, Missing]:
        looks.append((given, words))
        return {}

    monkeypatch.setattr(dialling, "survey", survey)
    estate = replace(
        ESTATE,
        hosts=(*ESTATE.hosts, replace(ESTATE.host("sip-1"), name="sip-2", address="198.51.100.42")),
        databases=(*ESTATE.databases, replace(ESTATE.databases[0], name="other", dialler="sip-2")),
    )
    unit = next(one for one in estate.placed_units if one.host.name == "sip-1" and one.service.name == "dialler")
    theirs = replace(OURS, address="198.51.100.42")
    told: list[Any] = []

    def not_held_by(clients: Any, seen: Any, units: Any) -> Any:
        told.append((clients, seen, units))
        return ()

    monkeypatch.setattr(dialling, "not_held_by", not_held_by)
    sees((theirs, OTHERS))
    hands = Hands()
    hands.estate = estate
    monkeypatch.setattr(hands, "attempt", lambda *_: said())
    nobody_dials(hands, unit)  # type: ignore[arg-type]
    assert told == [((theirs,), {}, frozenset({("sip-2", "voxdialler.service")}))]
    assert looks == [((hands, estate), {"brief": True})]


SEEN = host_evidence("sip-1", json.loads((Path(__file__).parents[2] / "schemas/examples/evidence/valid-fleet.json").read_text()))
UNITS = [(SEEN.name, UNIT.unit)]
BLIND = Missing("denied", "no root")


def process(**more: Any) -> ProcessFact:
    """A process that the dialler's unit started, but for what is said."""
    said: dict[str, Any] = {"pid": 77, "unit": UNIT.unit, "exe": "/usr/bin/sleep", "runs": (), "container": ""}
    return replace(known(SEEN.processes)[0], **said | more)


@pytest.mark.parametrize(
    ("seen", "is_other"),
    [
        (BLIND, False),
        (replace(SEEN, processes=BLIND), False),
        (replace(SEEN, processes=()), True),
        (replace(SEEN, processes=(process(pid=78),)), True),
        (replace(SEEN, processes=(process(),)), True),
        (replace(SEEN, processes=(process(container="b" * 64),)), False),
        (replace(SEEN, processes=(process(runs=(UNIT.service.folder,)),)), False),
        (replace(SEEN, processes=(process(runs=("/opt/else",)),)), True),
        (replace(SEEN, processes=(process(exe=None),)), False),
        (replace(SEEN, processes=(process(exe="/opt/x/sleep"),)), False),
        *((replace(SEEN, processes=(process(exe=exe),)), False) for exe in ("/usr/bin/python3.11", "/bin/pypy3", "/bin/dash")),
        (replace(SEEN, processes=(process(exe="/usr/sbin/pythonic/x"),)), False),
    ],
)
def test_a_process_is_another_program_only_where_root_saw_it_run_one(seen: HostEvidence | Missing, *, is_other: bool) -> None:
    assert is_another_program(seen, 77, UNIT.service.folder) is is_other
    assert first_dialler(seen, [77], (), UNIT.service.folder) == (None if is_other else 77)


def test_no_words_of_livekit_s_own_container_keep_the_dialler_down() -> None:
    """It has none of the dialler's settings. Who takes livekit over sees the dialler stop, and would call itself so then."""
    wanted = ESTATE.containers
    made = MadeFact(("sha256:1",), ("/livekit",), ("/livekit",), wanted.mounts, wanted.rights, as_image=True)
    made = replace(made, digests=tuple(pin.partition("@")[2] for pin in wanted.pins.values()) or made.digests)
    image = wanted.images[0]
    if image in wanted.commands:
        made = replace(made, command=wanted.commands[image], as_image=False)
    name = wanted.pins.get(image, image).partition("@")[0]
    box = ContainerFact("docker", "b" * 64, "livekit", name, "running", "Up", wanted.project, made)
    seen = replace(SEEN, processes=(process(container="b" * 64, exe="/bin/sh"),))

    def first(one: ContainerFact, here: HostEvidence = seen, host: str = "sip-1") -> int | None:
        here = replace(here, name=host, engines=EnginesFact({"docker": "28"}, (one,), ()))
        return first_dialler(here, [77], (), UNIT.service.folder, livekits(ESTATE, {host: here}))

    assert first(box) is None
    assert first(box, host="fleet-1") == 77
    for other in (
        replace(box, id="c" * 64),
        replace(box, project="mine"),
        replace(box, image="python:3.12"),
        replace(box, made=None),
        replace(box, made=replace(made, mounts=(*made.mounts, f"{UNIT.service.folder}:/app"))),
        replace(box, made=replace(made, command=("python", "[cut]"), as_image=False)),
    ):
        assert first(other) == 77
    assert first(box, replace(seen, processes=(process(container="b" * 64, runs=(UNIT.service.folder,)),))) == 77
    assert livekits(ESTATE, {"sip-1": BLIND, "fleet-1": replace(SEEN, engines=BLIND)}) == frozenset()


def test_what_was_not_seen_is_of_no_unit() -> None:
    ours = replace(SEEN, processes=(process(),))
    for seen in (BLIND, replace(SEEN, processes=BLIND), replace(ours, units=BLIND), replace(SEEN, processes=())):
        assert is_of_units(seen, 77, UNITS) is False
    assert is_of_units(ours, 77, [("sip-2", UNIT.unit)]) is False


FACT = next(iter(known(SEEN.units).values()))
MAIN = replace(FACT, name=UNIT.unit, properties={**FACT.properties, "MainPID": "77"})


def holding(*pids: int) -> HostEvidence:
    """A host on which these processes have the end of our connection open."""
    ours = SocketFact(OURS.address, OURS.port, "198.51.100.51", 27017, pids)
    return replace(SEEN, processes=(process(),), units={MAIN.name: MAIN}, connections=(ours,))


@pytest.mark.parametrize(
    ("seen", "held"),
    [
        (holding(77), True),
        (holding(77, 1), False),
        (holding(1), False),
        (holding(), False),
        (replace(holding(77), connections=BLIND), False),
        (BLIND, False),
    ],
    ids=["a unit's own", "somebody's too", "somebody's", "nobody's", "not seen", "no host"],
)
def test_a_connection_is_another_dialler_s_only_where_root_saw_it_alone_hold_it(
    seen: HostEvidence | Missing, *, held: bool
) -> None:
    left = dialling.not_held_by((OURS, OTHERS), {"data": BLIND, SEEN.name: seen}, UNITS)
    assert left == ((OTHERS,) if held else (OURS, OTHERS))


@pytest.mark.parametrize(("name", "wanted"), [(UNIT.service.app_name, (OURS,)), ("voxcore", (OTHERS,)), ("", ()), (None, ())])
def test_who_dials_is_who_calls_itself_so(name: str | None, wanted: tuple[DatabaseClient, ...]) -> None:
    assert dialling.dialling((OTHERS, OURS), name) == wanted
    nameless = replace(OURS, app_name="")
    assert dialling.dialling((nameless,), None) == ()
