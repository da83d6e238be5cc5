"""The executor: looks, steps of a move, and the wait until a unit is up. What it says where one of them fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from tests.local_hosts import ESTATE, ME, Gates, Hosts, silent
from voxgate.deploy.hosts import executor
from voxgate.deploy.hosts.executor import Executor, Task, last_words
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, Interrupted, MoveFailed, VoxgateError
from voxgate.model.answers import Answer
from voxgate.model.estate import PlacedUnit
from voxgate.model.evidence import Missing
from voxgate.model.look import Question
from voxgate.model.release import Release
from voxgate.moves.health import Up
from voxgate.moves.steps import Step, systemctl
from voxgate.transport import deadline
from voxgate.transport.ssh.connection import Completed

OLD, NEW = Release("backend", "a" * 40, "vox-backend-2026.06.22-1"), Release("backend", "b" * 40, "vox-backend-2026.06.24-1")
BACKEND = next(one for one in ESTATE.placements if one.id == "backend-api-1")
(UNIT,) = BACKEND.placed_units
COMMIT = NEW.commit
OK = Answer("api-1", 7100, "/health", 200, {}, b'{"status": "ok", "commit": "' + COMMIT.encode() + b'"}', 0.1, 0.0)
PATIENCE = executor._PATIENCE
STARTING = replace(OK, status=503, body=b'{"status": "starting"}')
REFUSED = replace(OK, status=0, body=b"", trouble="connection refused")
UNASKED = Missing("unreachable", "no route", "api-1")
ACTIVE = b"ActiveState=active\nSubState=running\nNRestarts=0\n"
FAILED = b"ActiveState=failed\nSubState=failed\nResult=exit-code\nNRestarts=0\n"


def test_what_a_run_was_asked_for_is_in_the_journal_as_its_own_unless_an_earlier_one_began_it() -> None:
    task = Task(BACKEND, NEW, OLD)
    wanted = Journal(Phase.RESTART, "r1", NEW, OLD, by="me@vm", build="b-1", reason="why")
    assert task.journal(Phase.RESTART, ME, "why") == wanted
    assert replace(task, run="r0").journal(Phase.RESTART, ME, "why") == replace(wanted, run="r0")


@pytest.fixture
def hands(hosts: Hosts, gate: Gates) -> Executor:
    """Of a gate that holds all hosts."""
    stop = Stop()
    held = gate(stop=stop)
    held.take(0, silent)
    return Executor(ESTATE, hosts, held, stop)


def test_once_the_run_is_stopped_nothing_more_is_begun_but_on_the_way_back(hands: Executor, hosts: Hosts) -> None:
    task, step = Task(BACKEND, NEW, OLD), Step(("touch", str(hosts.folder / "touched")), 10, "a step")
    hands.check()
    hands.stop.set()
    for begun in (hands.check, lambda: hands.do(task, Phase.INSTALL, [step])):
        with pytest.raises(Interrupted, match="the run was interrupted: nothing more is begun"):
            begun()
    assert not (hosts.folder / "touched").exists()
    back = replace(hands, back=True)
    back.check()
    (ended,) = back.do(task, Phase.BACK_INSTALL, [step])
    assert ended.exit_status == 0
    assert (hosts.folder / "touched").exists()
    said = hosts.read("api-1", "backend", "journal.json")
    assert (said["phase"], said["run"], said["release"], said["from"], said["by"], said["build"]) == (
        "back-install", "r1", {"tag": NEW.tag, "commit": NEW.commit}, {"tag": OLD.tag, "commit": OLD.commit}, "me@vm", "b-1",
    )  # fmt: skip


def test_a_step_that_fails_ends_the_move_with_its_last_words(hands: Executor) -> None:
    task = Task(BACKEND, NEW, OLD)
    fails = Step(("sh", "-c", "echo fatal: no such voice >&2; echo more >&2; exit 9"), 10, "git checkout")
    with pytest.raises(MoveFailed) as said:
        hands.do(task, Phase.CHECKOUT, [Step(("true",), 10, "first"), fails])
    assert (said.value.line, said.value.hint) == ("api-1: git checkout failed: exit 9: fatal: no such voice", "")
    full = Step(("sh", "-c", "echo 'fatal: x: No space left on device' >&2; exit 1"), 10, "git checkout")
    with pytest.raises(MoveFailed) as said:
        hands.do(task, Phase.CHECKOUT, [full])
    assert said.value.hint.startswith("make room there, of bytes and of inodes")


def test_any_exit_status_is_an_answer_to_a_question_and_none_to_a_look(hands: Executor) -> None:
    ends = Step(("sh", "-c", "echo here; exit 4"), 10, "a look")
    assert hands.attempt("sip-1", ends).exit_status == 4
    with pytest.raises(MoveFailed, match="sip-1: a look failed: exit 4: here"):
        hands.look("sip-1", ends)
    assert hands.look("sip-1", Step(("echo", "here"), 10, "a look")).stdout == b"here\n"


SORRY = "Sorry, user deploy is not allowed to execute '/usr/bin/systemctl restart x' as root on api-1."
RULE = "`echo 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart voxbridge.service' | sudo tee -a /etc/sudoers.d/zz-voxgate`"


@pytest.mark.parametrize(
    ("argv", "said", "why", "hint"),
    [
        (systemctl("restart", UNIT.unit).argv, f"Lecture.\n{SORRY}\n", f"exit 1: {SORRY}", RULE),
        (systemctl("restart", UNIT.unit).argv, "Failed to restart it\n", "exit 1: Failed to restart it", ""),
        (("sh",), f"{SORRY}\nlast\n", "exit 1: last", ""),
    ],
)
def test_what_sudo_refuses_is_told_with_the_rule_that_lets_it(argv: tuple[str, ...], said: str, why: str, hint: str) -> None:
    """Of another program sudo's words are words like any other."""
    with pytest.raises(MoveFailed) as caught:
        executor._good(Completed(1, b"", said.encode(), 0.0), Step(argv, 10, "restart"), ESTATE.host("api-1"))
    assert (caught.value.what, caught.value.where) == ("restart failed", "api-1")
    assert (caught.value.why, caught.value.hint) == (why, hint)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (b"", "it said nothing"),
        (b"only\n", "only"),
        (b"one\n\n  two  \n\n", "two"),
        (b"error: first\nerror: second\n", "error: first"),
        (b"x\nerror during build:\n", "error during build:"),
        (b"x\nerror during build:\n  it is\nmore\n", "error during build: it is"),
        (b"x\nerror during build:\n  it is\n", "error during build: it is"),
        (b"error: no colon at the end\nmore\n", "error: no colon at the end"),
        (b"y" * 400, "y" * 300),
    ],
)
def test_last_words(words: bytes, wanted: str) -> None:
    assert last_words(Completed(1, b"of stdout\n" if words else b"", words, 0.0)) == wanted


def test_a_unit_is_asked_on_its_own_port(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, list[Question], float]] = []

    def ask(connections: object, questions: list[Question], *, deadline: float) -> dict[Question, Answer]:
        asked.append((connections, questions, deadline))
        return dict.fromkeys(questions, OK)

    monkeypatch.setattr(executor, "ask", ask)
    hands = Executor(ESTATE, hosts, None, Stop())  # type: ignore[arg-type]
    worker = next(one for one in ESTATE.placed_units if one.host.name == "fleet-2" and "@2" in one.unit)
    assert hands.answer(worker) is OK
    health = worker.service.health
    assert health is not None
    assert asked == [(hosts, [Question("fleet-2", worker.port_of(health), health.path)], 3.0)]
    without = replace(worker, placement=replace(worker.placement, service=replace(worker.service, health=None)))
    assert hands.answer(without) == Missing("missing", "no health endpoint is declared for it", worker.id)
    assert len(asked) == 1


@dataclass(frozen=True, slots=True)
class Waiting(Executor):
    """Hands that see what they are told, one look after the other, the last one for ever; and note what they ask."""

    answers: list[Any] = field(default_factory=list)
    states: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    most: int = 50

    def answer(self, unit: PlacedUnit) -> Answer | Missing:
        """As told."""
        assert unit is UNIT
        self.asked.append("unit")
        found: Answer | Missing = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return found

    def look(self, host: str, step: Step) -> Completed:
        """As told."""
        assert (host, step.says) == ("api-1", "voxbridge?")
        self.asked.append("systemd")
        return Completed(0, self.states.pop(0) if len(self.states) > 1 else self.states[0], b"", 0.0)

    def pause(self) -> None:
        """No time is lost, and there is an end."""
        self.asked.append("pause")
        assert len(self.asked) < self.most


class Held:
    """A claim whose hosts are held, until they are not."""

    def __init__(self, lost: VoxgateError | None = None) -> None:
        self.lost, self.hosts = lost, list[str]()

    def must_hold(self, host: str) -> None:
        """As told."""
        self.hosts.append(host)
        if self.lost is not None:
            raise self.lost


Waits = Callable[..., Waiting]


@pytest.fixture
def waits(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> Waits:
    monkeypatch.setattr(executor, "_PATIENCE", 1000.0)

    def made(answers: list[Any], states: list[bytes], *, claim: Held | None = None, stop: Stop | None = None) -> Waiting:
        return Waiting(ESTATE, hosts, claim or Held(), stop or Stop(), answers=answers, states=states)  # type: ignore[arg-type]

    return made


def test_a_unit_that_is_up_at_once_is_asked_once(waits: Waits) -> None:
    claim = Held()
    hands = waits([OK], [ACTIVE], claim=claim)
    assert hands.await_up(UNIT, COMMIT) == "answers 200, active/running"
    assert sorted(hands.asked) == ["systemd", "unit"]
    assert claim.hosts == ["api-1"]


def test_while_a_unit_does_not_answer_systemd_is_asked_only_now_and_then(waits: Waits) -> None:
    hands = waits([UNASKED, REFUSED, UNASKED, STARTING, OK], [ACTIVE])
    assert hands.await_up(UNIT, COMMIT) == "answers 200, active/running"
    first, rest = sorted(hands.asked[:2]), hands.asked[2:]
    assert first == ["systemd", "unit"]
    assert rest == ["pause", "unit", "pause", "unit", "pause", "unit", "systemd", "pause", "unit", "systemd"]


def test_systemd_is_asked_beside_the_unit_about_once_a_second(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_PATIENCE", PATIENCE)
    hands = waits([REFUSED], [ACTIVE, ACTIVE, FAILED])
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: hands.asked.count("pause") / 2))
    with pytest.raises(MoveFailed):
        hands.await_up(UNIT, COMMIT)
    looks = " ".join(hands.asked).replace("unit systemd", "both").replace("systemd unit", "both")
    assert looks == "both pause unit pause both pause unit pause both"


def test_where_the_patience_is_over_systemd_says_whether_it_can_ever_be(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor, "_PATIENCE", 0.0)
    hands = waits([REFUSED], [ACTIVE, ACTIVE, FAILED])
    with pytest.raises(MoveFailed) as said:
        hands.await_up(UNIT, COMMIT)
    assert said.value.line == "api-1: voxbridge did not come up: systemd gave up on it: failed, exit-code"
    assert said.value.hint.startswith("on api-1: ")
    assert UNIT.unit in said.value.hint
    assert hands.asked.count("systemd") == 3


def test_a_unit_that_is_not_healthy_in_its_time_is_said_so(waits: Waits, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = replace(UNIT, placement=replace(BACKEND, service=replace(BACKEND.service, start_deadline=0.0)))
    monkeypatch.setattr(Waiting, "answer", lambda *_: STARTING)
    hands = waits([STARTING], [ACTIVE])
    with pytest.raises(MoveFailed) as said:
        hands.await_up(unit, COMMIT)
    assert said.value.line == "api-1: voxbridge is not healthy: after 0 s: answers 503, status 'starting'"
    assert said.value.hint.startswith("on api-1: ")
    assert "pause" not in hands.asked


def test_nobody_waits_for_a_unit_of_a_run_that_is_stopped_or_of_a_host_that_was_lost(waits: Waits) -> None:
    stop = Stop()
    stop.set()
    stopped = waits([OK], [ACTIVE], stop=stop)
    with pytest.raises(Interrupted):
        stopped.await_up(UNIT, COMMIT)
    lost = waits([OK], [ACTIVE], claim=Held(CommandUnknown("this host was lost", where="api-1")))
    with pytest.raises(CommandUnknown, match="this host was lost"):
        lost.await_up(UNIT, COMMIT)
    assert stopped.asked == lost.asked == []


def test_one_look_is_what_systemd_says_beside_what_the_unit_answered(waits: Waits) -> None:
    hands = waits([], [ACTIVE, FAILED])
    assert hands.up(UNIT, COMMIT, OK).up is Up.YES
    assert hands.up(UNIT, COMMIT, OK).up is Up.NEVER
    assert hands.asked == ["systemd"] * 2


def test_a_pause_is_short(hosts: Hosts) -> None:
    class Noted(Stop):
        """Notes how long is waited for it."""

        def wait(self, seconds: float) -> bool:
            """At once."""
            waited.append(seconds)
            return False

    waited: list[float] = []
    Executor(ESTATE, hosts, None, Noted()).pause()  # type: ignore[arg-type]
    assert waited == [0.15]


def test_a_pause_ends_with_the_stop_but_on_the_way_back(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()
    stop.set()
    there = Executor(ESTATE, hosts, None, stop)  # type: ignore[arg-type]
    monkeypatch.setattr(executor, "_INTERVAL", 1000.0)
    there.pause()
    monkeypatch.setattr(executor, "_INTERVAL", 0.3)
    began = time.monotonic()
    replace(there, back=True).pause()
    assert time.monotonic() - began >= 0.3
