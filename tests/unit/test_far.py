"""What a deploy asks at once: of a host that is far each question takes some round trips."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.executor import ESTATE
from voxgate.deploy.hosts import claim, executor
from voxgate.deploy.hosts.executor import Executor
from voxgate.deploy.hosts.state import Author, hosts_with_state
from voxgate.deploy.judging import looks
from voxgate.deploy.judging.looks import Looks
from voxgate.deploy.stop import Stop
from voxgate.errors import MoveFailed, Refused, Unreachable
from voxgate.model.answers import Answer
from voxgate.model.look import Question
from voxgate.model.verdict import RunVerdict
from voxgate.transport.ssh.remote_command import Completed

Said = TypeVar("Said")


class Both:
    """Two questions that are answered only once both were asked; where one waits for the other, it breaks."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2, timeout=30)

    def __call__(self, said: Callable[..., Said]) -> Callable[..., Said]:
        """The same question, asked with another."""

        def answer(*words: Any, **more: Any) -> Said:
            self._barrier.wait()
            return said(*words, **more)

        return answer


class Host:
    """It says of each unit that it is active."""

    host: Any = None

    def __init__(self, both: Both) -> None:
        self.run = both(lambda *_, **__: Completed(0, b"ActiveState=active\nSubState=running\nNRestarts=0\n", b"", 0.1))

    def __getitem__(self, name: str) -> Host:
        return self

    def must_hold(self, name: str) -> None:
        """It is held."""

    def is_set(self) -> bool:
        """Nothing is stopped."""
        return False


def test_systemd_and_the_unit_are_asked_at_once_whether_it_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Both()
    host: Any = Host(both)
    unit = next(one for one in ESTATE.placed_units if one.service.name == "backend")

    def said(_: object, questions: list[Question], **__: object) -> dict[Question, Answer]:
        body = b'{"status": "ok", "commit": "%s"}' % (b"a" * 40)
        return {one: Answer(one.host, one.port, one.path, 200, {}, body, 0.1, 0.0) for one in questions}

    monkeypatch.setattr(executor, "ask", both(said))
    assert Executor(ESTATE, host, host, host).await_up(unit, "a" * 40) == "answers 200, active/running"


class Reached(Exception):  # noqa: N818 - not an error
    """Both looks were taken."""


class Context:
    """Hosts that are looked at, or held."""

    estate, connections = ESTATE, None
    options: Any = type("Options", (), {"bake": 0.0, "changes": False})

    def __init__(self, *, claimed: bool) -> None:
        self.claimed = claimed


class Seen:
    """A look; ``brief`` ones are the first of two."""

    counts_from = 0.0

    def __init__(self, *_: object, brief: bool = False, **__: object) -> None:
        self.brief = brief


def looking(folder: Path, *, claimed: bool) -> Looks:
    """Looks at hosts; no remote is asked, and nothing is judged."""
    context: Any = Context(claimed=claimed)
    nothing: Any = None
    return Looks(context, nothing, folder / "evidence", nothing, [])


@pytest.fixture
def _ends_with_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has taken both looks has gone far enough."""

    def digests(*_: object) -> Any:
        raise Reached

    monkeypatch.setattr(looks, "digests_of", digests)


@pytest.mark.usefixtures("_ends_with_both")
def test_what_is_written_on_the_hosts_is_read_beside_the_second_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever has claimed them changes it alone."""
    both = Both()
    second = both(Seen)
    monkeypatch.setattr(looks, "take_look", lambda *_, brief=False, **__: Seen(brief=True) if brief else second())
    monkeypatch.setattr(looks, "read_all", both(lambda *_: {}))
    with pytest.raises(Reached):
        looking(tmp_path, claimed=True).take({}, tmp_path, lambda _: False)


@pytest.mark.usefixtures("_ends_with_both")
@pytest.mark.parametrize("claimed", [False, True])
def test_a_look_that_was_begun_counts_once_and_not_where_hosts_were_claimed_since(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, claimed: bool
) -> None:
    """What an earlier run left may have been mended since."""
    taken: list[bool] = []

    def look(*_: object, brief: bool = False, **__: object) -> Seen:
        taken.append(brief)
        return Seen(brief=brief)

    monkeypatch.setattr(looks, "take_look", look)
    monkeypatch.setattr(looks, "read_all", lambda *_: {})
    found = looking(tmp_path, claimed=claimed)
    found.glance()
    for _ in range(2):
        with pytest.raises(Reached):
            found.take({}, tmp_path, lambda _: False)
    assert sorted(taken) == [False, False, *([True] * (3 if claimed else 2))]


def test_each_look_of_a_way_back_is_kept_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    context: Any = Context(claimed=True)
    nothing: Any = None
    taken, judged = list[str](), list[str]()

    def judge(folder: Path, **_: object) -> Any:
        judged.append(folder.name)
        return type("Outcome", (), {"verdict": RunVerdict.HOLDS, "judgements": ()})

    found = Looks(context, nothing, tmp_path / "evidence", judge, [])
    monkeypatch.setattr(found, "take", lambda _, folder, *__: taken.append(folder.name))
    assert [found.take_and_judge({}) for _ in range(3)] == [(RunVerdict.HOLDS, ())] * 3
    assert taken == judged == ["evidence-rollback", "evidence-rollback-2", "evidence-rollback-3"]


def test_the_owners_of_all_hosts_are_started_at_once_and_none_is_left_where_one_cannot_be_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts = hosts_with_state(ESTATE)
    barrier, started, closed = threading.Barrier(len(hosts), timeout=30), list[Any](), list[Any]()

    class Owner:
        """It starts only once all are being started, and refuses what it is asked."""

        host, lost = hosts[0], False

        def __init__(self, _: object) -> None:
            barrier.wait()
            started.append(self)

        def ask(self, *_: object, **__: object) -> Any:
            raise MoveFailed("the host could not do it", where="api-1")

        def beat(self) -> None:
            """It is there."""

        def close(self) -> None:
            closed.append(self)

    monkeypatch.setattr(claim, "Hold", Owner)
    connections: Any = type("Connections", (), {"estate": ESTATE, "__getitem__": lambda _, name: name})()
    with pytest.raises(Refused, match="this host cannot be claimed"):
        claim.Claim(connections, Author("r1"), Stop()).take(0.0, lambda _: None)
    assert len(started) == len(hosts) > 1
    assert set(closed) == set(started)


def test_before_a_way_back_the_hosts_that_are_only_seen_are_reached_again_where_they_were_lost() -> None:
    """The dialler's database is asked through a host on which nothing is held. One that is reached is left alone."""
    here, gone, away = ESTATE.hosts[:3]
    reopened, said = list[str](), list[str]()

    class Connections:
        estate = ESTATE

        def __getitem__(self, name: str) -> Any:
            return type("Connection", (), {"alive": name == here.name})

        def reopen(self, host: Any) -> None:
            reopened.append(host.name)
            if host is away:
                raise Unreachable("does not answer", where=host.name)

    connections: Any = Connections()
    claim.Claim(connections, Author("r1"), Stop()).regain((here, gone, away), said.append)
    assert reopened == [gone.name, away.name]
    assert said == [f"not seen: {away.name}: does not answer"]


def test_once_a_run_is_stopped_each_host_is_told_to_cut_what_may_be_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {host.name for host in hosts_with_state(ESTATE)}
    told, all_were = list[str](), threading.Event()

    class Owner:
        """It may be told to cut, once."""

        lost = False

        def __init__(self, name: str) -> None:
            self.name, self.host = name, ESTATE.host(name)

        def ask(self, op: str, *_: object, **__: object) -> Any:
            if op == "cancel":
                told.append(self.name)
            if set(told) == names:
                all_were.set()
            return {}

        def beat(self) -> None:
            """It is there."""

        def close(self) -> None:
            """It is let go."""

    monkeypatch.setattr(claim, "Hold", Owner)
    connections: Any = type("Connections", (), {"estate": ESTATE, "__getitem__": lambda _, name: name})()
    stop = Stop()
    held = claim.Claim(connections, Author("r1"), stop)
    held._holds = {name: Owner(name) for name in names}  # type: ignore[misc]
    stop.set()
    assert all_were.wait(30)
    held.release()
    assert sorted(told) == sorted(names)
