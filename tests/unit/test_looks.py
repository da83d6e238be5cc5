"""The looks of a run: how long is waited between two, what is read beside them, and what is kept and said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.gates import Scene, outcome
from tests.gates import scene as scene  # noqa: PLC0414 - a fixture
from tests.hosts import ESTATE, NEW, OLD
from tests.unit.test_gate_order import SEEN, WORKER
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.judging import canary, looks
from voxgate.deploy.judging.canary import Canary, verdict_on
from voxgate.deploy.judging.standing import Standing
from voxgate.deploy.run_context import Options, RunContext
from voxgate.deploy.stop import Stop
from voxgate.errors import Interrupted, MoveFailed, VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.look import Look
from voxgate.model.release import RemoteView
from voxgate.model.verdict import RunVerdict, Verdict
from voxgate.survey.judged import digests_of
from voxgate.survey.questions import question_of

FOLDER = "evidence"
TAKEN = 1000.0  # the first look of a scene, epoch seconds


def at(monkeypatch: pytest.MonkeyPatch, now: float) -> None:
    """It is so late once the first look is taken."""
    for place in (looks, canary):
        monkeypatch.setattr(place, "time", SimpleNamespace(time=lambda: now))


class Waited(Stop):
    """A stop that notes how long was waited for it."""

    def __init__(self, *, comes: bool = False) -> None:
        super().__init__()
        self.waits: list[float] = []
        self.comes = comes

    def wait(self, seconds: float) -> bool:
        """At once."""
        self.waits.append(seconds)
        return self.comes


@pytest.mark.parametrize(
    ("options", "now", "seconds"),
    [
        (Options(), TAKEN, 1.3),  # what the estate says of a mere look
        (Options(), TAKEN + 1.0, 0.3),
        (Options(), TAKEN + 5.0, 0.0),
        (Options(deploy=("backend",)), TAKEN, 3.0),  # and of a deploy
        (Options(recover=True), TAKEN, 3.0),
        (Options(bake=0.0), TAKEN, 0.0),
        (Options(deploy=("backend",), bake=20.0), TAKEN + 1.0, 19.0),
    ],
)
def test_between_two_looks_is_the_time_that_is_asked_for(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, options: Options, now: float, seconds: float
) -> None:
    at(monkeypatch, now)
    gate = scene.made(options)
    gate.read()
    waits: list[float] = []

    def wait(one: float) -> bool:
        scene.note("wait")
        waits.append(one)
        return False

    evidence = gate.looks.take({}, scene.folder / FOLDER, wait)
    assert waits == [pytest.approx(seconds)]
    assert scene.order == ["read 200 lines done", "look brief", "wait", "look", "read"]
    assert evidence is scene.saved[FOLDER]


def test_a_look_that_is_told_to_stop_meanwhile_is_none(scene: Scene) -> None:
    gate = scene.made(Options(bake=0.0))
    assert gate.looks.take({}, scene.folder / FOLDER, lambda _: True) is None
    assert scene.order == ["look brief"]
    assert scene.saved == {}


@pytest.mark.parametrize(("now", "seconds"), [(TAKEN, 1.3), (TAKEN + 1.0, 0.3), (TAKEN + 2.0, 0.0)])
def test_before_a_deploy_it_is_the_time_of_a_look(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, now: float, seconds: float
) -> None:
    at(monkeypatch, now)
    gate = scene.made(Options(deploy=("backend",)))
    gate.context.take()
    gate.context.stop = stop = Waited()
    seen = gate.looks.before()
    assert stop.waits == [pytest.approx(seconds)]
    assert scene.order == ["claim all, wait 0", "look brief", "look"]
    assert seen is scene.saved["evidence-before"].second
    assert gate.looks.folder_before == scene.folder / "evidence-before"


@pytest.mark.parametrize("judged", [False, True])
def test_what_changed_since_done_is_seen_before_a_deploy_where_it_is_judged(scene: Scene, *, judged: bool) -> None:
    gate = scene.made(Options(deploy=("backend",)))
    gate.context.take()
    gate.context.stop = Waited()
    gate.context.estate = replace(ESTATE, changes=("unit file",) if judged else ())
    gate.looks.before()
    assert list(scene.saved["evidence-before"].changes) == ([one.name for one in ESTATE.hosts] if judged else [])


def test_what_is_judged_last_is_kept_for_the_hosts(scene: Scene) -> None:
    gate = scene.made(Options(recover=True, bake=0.0))
    gate.context.take()
    evidence = gate.looks.take({"backend": NEW["backend"]}, scene.folder / FOLDER, lambda _: False)
    assert evidence is not None
    assert gate.context.seen is evidence.second
    assert gate.context.contents == digests_of(ESTATE, evidence.second)
    views = {name: view.release for name, view in evidence.remotes.items() if isinstance(view, RemoteView)}
    assert views == {**OLD, "backend": NEW["backend"]}


def test_whoever_holds_the_hosts_judges_by_what_is_written_there_now_and_a_look_by_what_was_before_it(scene: Scene) -> None:
    """Where another gate is at work meanwhile the look knows it, and is judged by what had to run before."""
    for held in (False, True):
        gate = scene.made(Options(recover=held, bake=0.0))
        if held:
            gate.context.take()
        else:
            gate.read()
        before = dict(scene.found)
        scene.found["backend-api-1"] = replace(scene.found["backend-api-1"], good=None, journal=None, owner={"run": "r9"})
        evidence = gate.looks.take({}, scene.folder / FOLDER, lambda _: False)
        scene.found = before
        assert evidence is not None
        view = evidence.remotes["backend"]
        assert isinstance(view, RemoteView)
        assert (view.judged, [one.run for one in evidence.works]) == (({}, []) if held else ({"api-1": "d" * 64}, ["r9"]))


def test_of_a_host_that_is_away_a_look_takes_what_the_others_say(scene: Scene) -> None:
    lost = Missing("unreachable", "no route", "fleet-2")
    scene.found["fleet-fleet-2"] = Found(lost, lost)
    gate = scene.made(Options(bake=0.0))
    evidence = gate.prepare()
    assert evidence is not None
    view = evidence.remotes["fleet"]
    assert isinstance(view, RemoteView)
    assert view.release == OLD["fleet"]


def test_what_a_reader_must_know_is_noted_once(scene: Scene) -> None:
    scene.seen["api-1"] = replace(scene.seen["api-1"], signed_by="", noise="hello")  # type: ignore[arg-type]
    gate = scene.made(Options(bake=0.0))
    gate.read()
    said = [
        "api-1: a login prints something beside the probe's answer, which does no harm: hello",
        "not signed, the word of the deploy account alone (probe = stdin): api-1",
    ]
    gate.notes.append(said[0])
    for _ in range(2):
        gate.looks.take({}, scene.folder / FOLDER, lambda _: False)
    assert gate.notes == said


def test_a_way_back_is_looked_at_in_a_folder_of_its_own_and_judged(scene: Scene) -> None:
    gate = scene.made(Options(recover=True, bake=0.0))
    gate.context.take()
    gate.stop()  # a way back is judged whatever comes
    scene.outcomes["evidence-rollback-2"] = outcome(WORKER, verdict=RunVerdict.VIOLATED)
    assert gate.looks.take_and_judge(OLD) == (RunVerdict.HOLDS, ())
    assert gate.looks.take_and_judge(OLD) == (RunVerdict.VIOLATED, (WORKER,))
    assert scene.order[1:] == [*SEEN, "judge evidence-rollback", *SEEN, "judge evidence-rollback-2"]
    assert list(scene.saved) == ["evidence-rollback", "evidence-rollback-2"]


def test_a_first_look_counts_once(scene: Scene) -> None:
    gate = scene.made(Options(bake=0.0))
    gate.read()
    gate.looks.glance()
    gate.looks.forget_glance()
    gate.looks.take({}, scene.folder / FOLDER, lambda _: False)
    assert scene.order.count("look brief") == 2
    gate.looks.glance()
    for _ in range(2):
        gate.looks.take({}, scene.folder / FOLDER, lambda _: False)
    assert scene.order.count("look brief") == 4


PLACE = next(one for one in ESTATE.placements if one.id == "fleet-fleet-1")
ONE, TWO, _ = PLACE.placed_units


class Looking:
    """The two looks of a canary, noted; and what is judged of them."""

    def __init__(
        self,
        scene: Scene,
        monkeypatch: pytest.MonkeyPatch,
        *,
        comes: bool = False,
        changes: bool = False,
        now: float = TAKEN + 1.0,
    ) -> None:
        self.scene, self.looks, self.parts = scene, list[tuple[Any, ...]](), list[Any]()
        gate = scene.made(Options())
        context: RunContext = gate.context
        context.found, context.stop = scene.found, (stop := Waited(comes=comes))
        context.estate = replace(ESTATE, changes=("unit file",)) if changes else ESTATE
        self.stop = stop
        monkeypatch.setattr(canary, "take_look", self.look)
        monkeypatch.setattr(canary, "save", lambda evidence, folder, _: scene.saved.update({folder.name: evidence}))
        at(monkeypatch, now)
        tried = {"fleet": str(NEW["fleet"])}
        self.canary = Canary(context, Standing(), dict, self.judge, scene.folder / FOLDER, gate.cutter, tried)

    def look(self, there: object, estate: Estate, pages: list[Any], *, brief: bool = False, only: Any = None) -> Look:
        """Noted."""
        assert there is self.scene.hosts
        self.looks.append(([one.name for one in estate.hosts], pages, brief, only))
        return self.scene.look(there, estate)

    def judge(self, folder: Path, *, part: Any = None, stopped: Any = None) -> Any:
        """It holds."""
        self.parts.append((folder.name, part, stopped()))
        return outcome(replace(WORKER, verdict=Verdict.HOLDS))


@pytest.mark.parametrize("alone", [True, False])
def test_a_canary_is_looked_at_on_its_host_and_of_the_others_what_their_workers_answer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> None:
    there = Looking(scene, monkeypatch)
    assert there.canary(PLACE, (ONE,) if alone else ()) == f"{'voxcore@1' if alone else 'the whole host'} judged, 1 rule holds"
    health = PLACE.service.health
    assert health is not None
    pages = [question_of(one, health) for one in ESTATE.placed_units if one.host.name == "fleet-2"]
    assert len(pages) == 3
    assert there.looks == [(["fleet-1"], pages, True, None), (["fleet-1"], pages, False, {"fleet"} if alone else None)]
    assert there.stop.waits == [pytest.approx(0.3)]
    assert there.parts == [("evidence-canary-1", {"fleet-1"}, False)]
    assert scene.saved["evidence-canary-1"].changes == {}
    there.canary(PLACE, ())
    assert [one for one, *_ in there.parts] == ["evidence-canary-1", "evidence-canary-2"]


def test_a_canary_that_was_long_looked_at_is_not_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Looking(scene, monkeypatch, now=TAKEN + 9.0)
    there.canary(PLACE, (ONE,))
    assert there.stop.waits == [0.0]


def test_a_canary_of_what_answers_nowhere_asks_no_other(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Looking(scene, monkeypatch)
    console = next(one for one in ESTATE.placements if one.service.name == "console")
    with pytest.raises(MoveFailed, match="nothing of it was judged"):
        there.canary(console, ())
    assert [pages for _, pages, *_ in there.looks] == [[], []]


def test_a_canary_is_compared_with_the_last_done_where_that_is_judged(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Looking(scene, monkeypatch, changes=True)
    there.canary(PLACE, (ONE,))
    assert list(scene.saved["evidence-canary-1"].changes) == ["fleet-1"]


def test_once_the_run_is_stopped_a_canary_is_looked_at_no_more(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Looking(scene, monkeypatch, comes=True)
    with pytest.raises(Interrupted, match="the run was interrupted: nothing more is begun"):
        there.canary(PLACE, (ONE,))
    assert (len(there.looks), there.parts) == (1, [])


def test_a_canary_that_cannot_be_judged_says_where_why_and_what_to_do(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    there = Looking(scene, monkeypatch)

    def judge(*_: object, **__: object) -> Any:
        raise VoxgateError("no verdict", where="x", hint="look")

    there.canary.judge = judge
    with pytest.raises(MoveFailed) as caught:
        there.canary(PLACE, (ONE,))
    assert caught.value.text == "fleet-1: the canary could not be judged: x: no verdict\n  hint: look"


HOLDS = replace(WORKER, verdict=Verdict.HOLDS)
WAIVED = replace(WORKER, id="a[fleet-1-voxcore@1]", verdict=Verdict.WAIVED)
STANDS = replace(WORKER, id="b[fleet-1-voxcore@1]")


@pytest.mark.parametrize(
    ("judged", "said"),
    [
        ((HOLDS,), "voxcore@1 judged, 1 rule holds"),
        ((HOLDS, replace(HOLDS, id="c[fleet-1-voxcore@1]")), "voxcore@1 judged, 2 rules hold"),
        ((HOLDS, WAIVED), "voxcore@1 judged, 1 rule holds, 1 waived"),
        ((HOLDS, STANDS), "voxcore@1 judged, 1 rule holds, 1 stand as before"),
        ((WAIVED, STANDS), "voxcore@1 judged, 0 rules hold, 1 waived, 1 stand as before"),
    ],
)
def test_what_a_canary_says_counts_what_holds_what_is_waived_and_what_stands(judged: tuple[Any, ...], said: str) -> None:
    standing = Standing(allowed=frozenset({STANDS.id}))
    assert verdict_on(outcome(*judged), PLACE, (ONE,), standing) == said


def test_what_is_found_of_a_canary_is_not_told_at_any_length() -> None:
    """The ledgers of all hosts get it."""
    long = replace(WORKER, found="x" * 401, advice="do this")
    with pytest.raises(MoveFailed) as caught:
        verdict_on(outcome(long), PLACE, (ONE, TWO), Standing())
    assert caught.value.text == (f"fleet-1: the canary is not in order: {WORKER.id} is violated: {'x' * 400}\n  hint: do this")


def test_what_was_not_judged_of_a_canary_is_named_and_what_was_of_another_is_not() -> None:
    lost = replace(outcome(HOLDS), missing=("a[fleet-2-voxcore@1]", "b[fleet-1-voxcore@1]", "c[fleet-1-voxcore@1]"))
    with pytest.raises(MoveFailed) as caught:
        verdict_on(lost, PLACE, (ONE,), Standing())
    assert caught.value.line == "fleet-1: the canary could not be judged: b[fleet-1-voxcore@1] was not judged"
