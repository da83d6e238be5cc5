"""What a gate does on hosts that it holds: steps, and what a dead git left; heartbeats, and the stop."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.local_hosts import ESTATE, ME, SOON, WITH_STATE, Gates, Hosts, silent, wait_for
from voxgate.deploy.hosts import claim, holding, journal_writer
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.holding import TakenOver
from voxgate.deploy.hosts.journal import Journal, Phase, document_of
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, MoveFailed
from voxgate.model.release import Release
from voxgate.moves.steps import Step
from voxgate.redaction.cutting import Redactor

RELEASE = Release("backend", "a" * 40, "vox-backend-2026.06.22-1")
BACKEND = next(one for one in ESTATE.placements if one.id == "backend-api-1")
JOURNAL = document_of(Journal(Phase.INSTALL, "r1", RELEASE, None))


def step(*argv: str, deadline: float = 30.0) -> Step:
    return Step(argv, deadline, "a step")


def test_steps_are_done_one_after_the_other_and_noted(hosts: Hosts, gate: Gates, tmp_path: Path) -> None:
    one = gate()
    one.take(0, silent)
    out = tmp_path / "out"
    first = step("sh", "-c", f"echo one >>{out}; echo said; echo erred >&2")
    steps = [first, step("sh", "-c", "exit 3"), step("touch", str(tmp_path / "never"))]
    ended = one.do("api-1", "backend", JOURNAL, steps)
    assert [(each.exit_status, each.stdout, each.stderr) for each in ended] == [(0, b"said\n", b"erred\n"), (3, b"", b"")]
    assert out.read_text() == "one\n"
    assert not (tmp_path / "never").exists()
    said = hosts.read("api-1", "backend", "journal.json")
    assert (said["phase"], said["step"], said["status"]) == ("install", "a step", "failed")


def test_a_step_that_did_not_end_by_itself_is_unknown(gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    words = "echo " + "x" * 300 + " >&2; kill -9 $$"
    with pytest.raises(CommandUnknown) as said:
        one.do("api-1", "backend", JOURNAL, [step("true"), step("sh", "-c", words)])
    assert said.value.line == "api-1: a step was killed by signal 9: " + "x" * 200


def test_what_the_host_refuses_is_said_and_nothing_is_lost(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    with pytest.raises(MoveFailed, match=r"api-1: the host could not do or note it: FileNotFoundError: .*no-such-program"):
        one.do("api-1", "backend", JOURNAL, [step("no-such-program")])
    one.must_hold("api-1")
    (hosts.state("api-1") / "backend" / "epoch").write_text("7\n")
    with pytest.raises(TakenOver) as fenced:
        one.do("api-1", "backend", JOURNAL, [step("true")])
    assert fenced.value.line == "api-1: the host refuses this gate: backend is not this gate's any more: epoch 1, now 7"
    assert fenced.value.hint == "another gate took over; this one may change nothing any more"


def test_each_question_has_its_time_and_a_move_that_of_its_steps_and_some_more(
    gate: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host ends a step by itself: whoever waits here would know less."""
    one, waited, words = gate(), dict[str, float](), dict[str, Any]()
    ask = holding.Hold.ask

    def asked(hold: holding.Hold, op: str, deadline: float, *rest: Any, **said: Any) -> Any:
        waited[op], words[op] = deadline, said
        return ask(hold, op, deadline, *rest, **said)

    monkeypatch.setattr(holding.Hold, "ask", asked)
    one.take(0, silent)
    one.tidy(BACKEND)
    one.do("api-1", "backend", JOURNAL, [step("true", deadline=2.0), step("true", deadline=3.5)])
    journal_writer.note(one, [Task(BACKEND, RELEASE, None)], "verdict")
    one.stop.set()
    wait_for(lambda: "cancel" in waited)
    assert waited == {"claim": 60.0, "tidy": 30.0, "do": 65.5, "mark": 60.0, "cancel": 60.0}
    assert (words["claim"]["ledger"], words["claim"]["done"], words["claim"]["others"]) == (200, True, ["data"])
    told = {"argv": ("true",), "deadline": 3.5, "says": "a step", "finish": False, "changes": "", "owed": False}
    assert words["do"]["steps"][1] == told


def test_what_a_git_that_is_gone_left_is_taken_away_and_said(hosts: Hosts, gate: Gates, tmp_path: Path) -> None:
    one = gate()
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    lock = checkout / ".git" / "index.lock"
    lock.touch()
    placement = replace(BACKEND, service=replace(BACKEND.service, folder=str(checkout)))
    one.take(0, silent)
    assert one.tidy(placement) == [f"found: api-1: {lock} of a git that is gone -> removed"]
    assert not lock.exists()
    assert one.tidy(placement) == []


def test_a_stop_cuts_what_may_be_cut_and_the_way_back_goes_on(hosts: Hosts, gate: Gates, tmp_path: Path) -> None:
    stop = Stop()
    one = gate(stop=stop)
    one.take(0, silent)
    raised: list[BaseException] = []

    def work() -> None:
        try:
            one.do("api-1", "backend", JOURNAL, [step("sh", "-c", f"touch {tmp_path}/begun; exec sleep 600", deadline=600)])
        except CommandUnknown as error:
            raised.append(error)

    working = threading.Thread(target=work)
    working.start()
    wait_for((tmp_path / "begun").exists)
    stop.set()
    working.join(SOON)
    assert [str(error) for error in raised] == ["api-1: a step was cut short"]
    with pytest.raises(CommandUnknown, match="a step was not begun: the run was stopped"):
        one.do("api-1", "backend", JOURNAL, [step("true")])
    (ended,) = one.do("api-1", "backend", JOURNAL | {"phase": "back-checkout"}, [step("true")])
    assert ended.exit_status == 0
    assert one.lost == frozenset()


def test_beats_go_on_for_as_long_as_it_is_held_and_what_runs_is_cut_once(
    hosts: Hosts, gate: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "BEAT", 0.02)
    others = set(threading.enumerate())
    beats, cuts, stop = Counter[str](), Counter[str](), Stop()
    beat, ask = holding.Hold.beat, holding.Hold.ask
    monkeypatch.setattr(holding.Hold, "beat", lambda hold: (beats.update([hold.host.name]), beat(hold))[1])

    def asked(hold: holding.Hold, op: str, *rest: Any, **words: Any) -> Any:
        cuts.update([hold.host.name] if op == "cancel" else [])
        return ask(hold, op, *rest, **words)

    monkeypatch.setattr(holding.Hold, "ask", asked)
    one = gate(stop=stop)
    one.take(0, silent)
    beats.clear()
    wait_for(lambda: min(beats[name] for name in WITH_STATE) >= 3)
    assert not cuts
    hosts.lose("sip-1")
    wait_for(lambda: one.lost == {"sip-1"})
    stop.set()
    wait_for(lambda: set(cuts) == {"api-1", "fleet-1", "fleet-2"})
    beats.clear()
    wait_for(lambda: min(beats[name] for name in WITH_STATE) >= 3)
    assert cuts == Counter(["api-1", "fleet-1", "fleet-2"])
    one.release()
    wait_for(lambda: not any(thread.name == "heartbeat" for thread in {*threading.enumerate()} - others))


def test_words_of_one_host_are_told_another_without_secrets(hosts: Hosts) -> None:
    for cutter, said in ((None, "a s3cr3t word"), (Redactor(["s3cr3t"]), "a [cut] word")):
        one = Claim(hosts, ME, Stop(), cutter)
        try:
            assert one.cut("a s3cr3t word") == said
        finally:
            one.release()
