"""The roll over a fleet: who comes next, and how many served meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.moving import sampler
from voxgate.deploy.moving.engine import Pace
from voxgate.deploy.moving.rolling import Capacity, Sample, calls_of, joined, next_batch, serves
from voxgate.model.answers import Answer
from voxgate.model.evidence import Missing
from voxgate.model.look import Question
from voxgate.model.run_facts import Gap, Roll, Turn, away, gaps

ESTATE = load_estate("lab")
UNITS = [unit for unit in ESTATE.placed_units if unit.host.name == "fleet-1"]
ONE, TWO, THREE = (unit.id for unit in UNITS)


def answer(status: int = 200, body: bytes = b"", trouble: str = "") -> Answer:
    return Answer("fleet-1", 8101, "/health", status, {}, body, 0.1, 0.0, trouble)


@pytest.mark.parametrize(
    ("calls", "most", "drained", "names", "cut"),
    [
        ({ONE: 0, TWO: 0, THREE: 0}, 1, False, [ONE], 0),
        ({ONE: 1, TWO: 0, THREE: 0}, 1, False, [TWO], 0),
        ({ONE: 1, TWO: None, THREE: 0}, 1, False, [TWO], 0),
        ({ONE: 1, TWO: 1, THREE: 1}, 1, False, [], 0),
        ({ONE: 3, TWO: 1, THREE: 2}, 1, True, [TWO], 1),
        ({ONE: 3, TWO: 1, THREE: 2}, 2, True, [TWO, THREE], 3),
        ({ONE: 0, TWO: 0, THREE: 0}, 2, False, [ONE, TWO], 0),
        ({}, 5, False, [ONE, TWO, THREE], 0),
    ],
)
def test_idle_workers_come_first(calls: dict[str, int | None], most: int, drained: bool, names: list[str], cut: int) -> None:  # noqa: FBT001
    batch = next_batch(UNITS, calls, most, drained=drained)
    assert [unit.id for unit in batch.units] == names
    assert batch.calls == cut


@pytest.mark.parametrize(
    ("said", "calls", "up"),
    [
        (answer(body=b'{"status": "ok", "worker_calls": 1}'), 1, True),
        (answer(503, b'{"status": "draining", "worker_calls": 1}'), 1, False),
        (answer(body=b'{"status": "ok", "worker_calls": true}'), None, True),
        (answer(body=b'{"status": "ok", "worker_calls": "1"}'), None, True),
        (answer(body=b'{"status": "ok", "worker_calls": -1}'), None, True),
        (answer(body=b'{"status": "ok", "worker_calls": 0}'), 0, True),
        (answer(503, b'{"status": "ok"}'), None, False),
        (answer(body=b'{"status": "ok", "worker_calls": 1}', trouble="cut in the middle"), None, False),
        (answer(body=b'["status"]'), None, False),
        (answer(body=b"{}"), None, False),
        (answer(body=b"<html>"), None, False),
        (answer(0, trouble="connection refused"), None, False),
        (Missing("unreachable", "gone"), None, None),
    ],
)
def test_a_worker_is_believed_as_far_as_it_goes(said: Answer | Missing, calls: int | None, up: bool | None) -> None:  # noqa: FBT001
    assert calls_of(said) == calls
    assert serves(said) is up


def test_a_number_of_calls_that_nobody_can_write_is_not_believed() -> None:
    said = answer(body=b'{"worker_calls": ' + b"9" * 4300 + b"}")
    batch = next_batch(UNITS, dict.fromkeys((ONE, TWO, THREE), calls_of(said)), 3, drained=True)
    assert str(batch.calls) == "3000000"


def test_the_worst_moment_counts_only_those_that_served_before() -> None:
    samples = (
        Sample(0.0, (ONE, TWO), (THREE,)),
        Sample(0.7, (TWO,), (ONE, THREE)),
        Sample(1.4, (), (ONE, TWO, THREE)),
    )
    capacity = Capacity(1, samples)
    assert capacity.served_before == {ONE, TWO}
    assert capacity.worst == samples[2]


def test_what_nobody_could_ask_is_a_gap() -> None:
    samples = (Sample(0.0, (ONE,), ()), Sample(5.0, (), (), (ONE,)), Sample(11.0, (ONE,), ()))
    assert Capacity(1, samples).longest_gap == 11.0
    assert Capacity(1).worst is None


def test_a_moment_that_was_not_seen_whole_is_no_lowest() -> None:
    samples = (Sample(0.0, (ONE, TWO), (THREE,)), Sample(5.0, (), (), (ONE, TWO, THREE)), Sample(6.0, (ONE,), (TWO, THREE)))
    assert Capacity(1, samples, 2).roll == Roll(3, 1, 2)
    assert Capacity(1, samples[1:2]).roll == Roll(3, None)
    assert Capacity(1).roll is None
    assert joined([None, Roll(3, 1, 2), Roll(3, 2, 1), Roll(3, None)]) == Roll(3, 1, 3)
    assert joined([None]) is None


def test_a_gap_is_from_the_first_stop_to_the_next_time_it_is_up() -> None:
    """There it was stopped and did not come up; the way back stopped it once more. A second unit never comes back."""
    turns = [
        Turn("dialler", "sip-1", "a", 10.0, up=False),
        Turn("dialler", "sip-1", "b", 12.0, up=False),
        Turn("dialler", "sip-1", "a", 20.0, up=False, rollback=True),
        Turn("dialler", "sip-1", "a", 25.5, up=True, rollback=True),
        Turn("dialler", "sip-1", "a", 26.0, up=True, rollback=True),
        Turn("dialler", "sip-2", "a", 30.0, up=False),
        Turn("dialler", "sip-2", "a", 31.0, up=True),
    ]
    assert gaps(turns) == (
        Gap("dialler", "sip-1", "a", 10.0, 15.5, rollback=True),
        Gap("dialler", "sip-1", "b", 12.0, None),
        Gap("dialler", "sip-2", "a", 30.0, 1.0),
    )
    assert gaps([]) == ()


def test_how_long_units_were_away_is_said_by_service() -> None:
    """Of the dialler it is said apart: nobody dials then."""
    found = [
        Gap("fleet", "fleet-1", "voxcore@1", 1.0, 1.31),
        Gap("fleet", "fleet-1", "voxcore@1", 9.0, None, rollback=True),
        Gap("fleet", "fleet-2", "voxcore@1", 3.0, 1.49),
        Gap("backend", "api-1", "voxbridge", 3.0, 1.7),
        Gap("other", "api-1", "a", 3.0, 1.71),
        Gap("other", "api-1", "b", 3.0, 1.69),
        Gap("lost", "api-1", "a", 3.0, None),
        Gap("dialler", "sip-1", "voxdialler", 3.0, 0.5),
    ]
    assert list(away(found)) == [
        ("fleet", "2 units were away, each for 1.3 to 1.5 s, 1 not seen up again"),
        ("backend", "1 unit was away for 1.7 s"),
        ("other", "2 units were away, each for 1.7 s"),
        ("lost", "1 unit was away, 1 not seen up again"),
    ]


class Ended:
    """An end that comes after so many waits, each of which is noted."""

    def __init__(self, waits: int) -> None:
        self.left, self.waited = waits, list[float]()
        self.is_set = False

    def wait(self, seconds: float) -> bool:
        """Not yet, until it is."""
        self.waited.append(seconds)
        self.left -= 1
        return self.left < 0

    def set(self) -> None:
        """Whoever leaves sets it."""
        self.is_set = True


def test_who_serves_is_sampled_each_second_and_less_often_where_the_gate_is_short_of_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sampling must not slow down what it watches; and what changed with the last restart is seen, too."""
    health = UNITS[0].service.health or pytest.fail("it has none")
    now, took, asked = [100.0], [0.25, 0.1, 1.5, 10.0, 0.25], list[float]()
    (up, down, third), other = UNITS, [unit for unit in ESTATE.placed_units if unit.host.name == "fleet-2"]

    def ask(connections: object, questions: Sequence[Question], *, deadline: float) -> dict[Question, Answer | Missing]:
        assert (connections, len(questions)) == ("the hosts", 6)
        asked.append(deadline)
        now[0] += took[len(asked) - 1]
        said: dict[Question, Answer | Missing] = {one: answer(body=b'{"status": "ok"}') for one in questions}
        one, two, three = (next(q for q in questions if (q.host, q.port) == (u.host.name, u.port_of(health))) for u in UNITS)
        return {**said, two: answer(503), three: Missing("unreachable", "gone")} if one in said else {}

    monkeypatch.setattr(sampler, "ask", ask)
    monkeypatch.setattr(sampler, "time", SimpleNamespace(monotonic=lambda: now[0], time=lambda: now[0] + 1000.0))
    made = sampler.Sampler("the hosts", ESTATE)  # type: ignore[arg-type] # nobody is asked by it
    assert (made.samples, made.started) == ((), 0.0)
    ended = Ended(3)
    monkeypatch.setattr(made, "_ended", ended)
    with made as entered:
        assert entered is made
        assert made._thread is not None
        made._thread.join()
        before = ended.is_set
    assert (before, ended.is_set) == (False, True)
    assert ended.waited == [1.0, 1.0, 4.5, 5.0]
    assert asked == [3.0] * 5
    assert made.started == 1100.0
    serving = (up.id, *(unit.id for unit in other))
    wanted = [Sample(at, serving, (down.id,), (third.id,)) for at in (0.0, 0.25, 0.35, 1.85, 11.85)]
    assert [(one.serving, one.down, one.unknown) for one in made.samples] == [
        (one.serving, one.down, one.unknown) for one in wanted
    ]
    assert [one.at for one in made.samples] == pytest.approx([one.at for one in wanted])


def test_the_last_sample_is_taken_once_the_others_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would not be the last."""
    went: list[str] = []
    monkeypatch.setattr(sampler, "ask", lambda *_, **__: went.append("ask") or {})  # type: ignore[func-returns-value]
    monkeypatch.setattr(
        sampler,
        "threading",
        SimpleNamespace(
            Event=lambda: SimpleNamespace(set=lambda: went.append("end")),
            Thread=lambda **_: SimpleNamespace(start=lambda: went.append("begin"), join=lambda: went.append("join")),
        ),
    )
    with sampler.Sampler("the hosts", ESTATE):  # type: ignore[arg-type] # nobody is asked by it
        went.append("roll")
    assert went == ["ask", "begin", "roll", "end", "join", "ask"]


def test_where_nothing_was_rolled_nothing_is_told() -> None:
    none = Capacity()
    assert (none.most, none.samples, none.calls_cut, none.began) == (1, (), 0, 0.0)
    assert (none.served_before, none.worst, none.roll, none.longest_gap) == (frozenset(), None, None, 0.0)
    assert Pace() == Pace(drain=0.0, most=1)
    assert Sample(1.5, ("a",), ()).later(2.0) == Sample(3.5, ("a",), ())
