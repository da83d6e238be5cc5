"""A claim that does not come at once: how long another gate, and a lost host, is waited for; and what is not kept meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from tests.local_hosts import ESTATE, OTHER, SOON, Gates, Hosts, Line, silent, taken, wait_for
from voxgate.deploy.hosts import claim
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.holding import HeldElsewhere, Hold
from voxgate.deploy.stop import Stop
from voxgate.errors import Refused, Unreachable
from voxgate.model.evidence import Missing

PAUSE = claim._PAUSE


class Clock:
    """A clock that only goes on where somebody waits, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        """Now."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Later."""
        self.now += seconds


class Waiting(Stop):
    """A stop that never comes, by that clock; the heartbeat waits by its own."""

    clock: Clock

    def wait(self, seconds: float) -> bool:
        """Later."""
        if threading.current_thread().name == "heartbeat":
            return super().wait(seconds)
        self.clock.sleep(seconds)
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(claim, "time", made)
    monkeypatch.setattr(claim, "_PAUSE", PAUSE)
    return made


def test_heartbeats_are_two_seconds_apart_and_a_stop_is_heard_between_them(hosts: Hosts, gate: Gates) -> None:
    assert hosts.lines == []
    waited: list[tuple[str, float]] = []

    class Noted(Stop):
        """Notes who waits for it, and how long."""

        def wait(self, seconds: float) -> bool:
            """As told."""
            waited.append((threading.current_thread().name, seconds))
            return super().wait(seconds)

    gate(stop=Noted())
    wait_for(lambda: len(waited) > 0)
    assert waited == [("heartbeat", 2.0)]


def test_a_lost_host_is_tried_again_each_half_second_for_forty(hosts: Hosts, gate: Gates, clock: Clock) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("sip-1", "no route")
    wait_for(lambda: one.lost == {"sip-1"})
    told: list[str] = []
    one.regain(ESTATE.hosts, told.append)
    assert told == ["lost for good: sip-1: no connection: no route"]
    assert clock.now == 40.5


def test_another_gate_is_waited_for_no_longer_than_is_said(hosts: Hosts, gate: Gates, clock: Clock) -> None:
    gate().take(0, silent)
    stop = Waiting()
    stop.clock = clock
    told: list[str] = []
    before = len(hosts.owners("api-1"))
    with pytest.raises(HeldElsewhere):
        gate(OTHER, stop).take(1.0, told.append)
    assert clock.now == 1.0
    assert len(hosts.owners("api-1")) == before + 3
    assert len(told) == 1


def test_who_was_away_while_another_gate_was_waited_for_may_be_there_again(hosts: Hosts, gate: Gates) -> None:
    first, second = gate(), gate(OTHER)
    first.take(0, silent)
    hosts.down["api-1"] = Unreachable("no connection", where="api-1")
    hosts._outcomes.pop("api-1")

    def again(_: str) -> None:
        hosts.down.clear()
        hosts._outcomes.pop("api-1")
        first.release()

    found = second.take(SOON, again, whole=False)
    assert second.away == {}
    assert {one.held for one in found.values()} == {True}


def test_while_another_gate_has_the_first_host_no_other_one_is_touched(hosts: Hosts, gate: Gates) -> None:
    """Else of two gates that come at once each could have a part."""
    with taken(hosts, OTHER, "api-1", "backend"), pytest.raises(HeldElsewhere, match="other@vm"):
        gate().take(0, silent)
    assert [list(hosts.state(name).iterdir()) for name in ("fleet-1", "fleet-2", "sip-1")] == [[]] * 3


def test_what_was_claimed_in_vain_counts_for_nothing(hosts: Hosts, gate: Gates) -> None:
    """Of the hosts that it had let go another gate had one meanwhile: that is no reason to stay away from it."""
    with ExitStack() as other:
        other.enter_context(taken(hosts, OTHER))

        def over(_: str) -> None:
            (hosts.state("api-1") / "backend" / "epoch").write_text("5\n")
            other.close()

        one = gate()
        found = one.take(SOON, over)
    assert {each.held for each in found.values()} == {True}
    assert (hosts.state("api-1") / "backend" / "epoch").read_text() == "6\n"
    assert one.waited


def test_a_host_whose_part_cannot_write_is_left_out_like_one_that_is_away(hosts: Hosts, gate: Gates) -> None:
    hosts.open([ESTATE.host("sip-1")])
    (hosts.state("sip-1") / "dialler").write_text("no folder")
    one = gate()
    found = one.take(0, silent, whole=False)
    assert set(one.away) == {"sip-1"}
    assert one.away["sip-1"].line.startswith("sip-1: the host could not do or note it: FileExistsError: ")
    assert isinstance(found["dialler-sip-1"].good, Missing)
    assert hosts.owners("sip-1")[0].popen.wait(SOON) == 0
    assert one.lost == frozenset()


def test_a_mistake_of_ours_where_a_part_is_started_is_that_host_s_alone(
    hosts: Hosts, gate: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Line.start

    def wrong(line: Line, command: Sequence[str] | str, **words: Any) -> Any:
        if line.host.name == "sip-1":
            raise KeyError("ours")
        return start(line, command, **words)

    monkeypatch.setattr(Line, "start", wrong)
    one = gate()
    one.take(0, silent, whole=False)
    assert {name: error.line for name, error in one.away.items()} == {
        "sip-1": "sip-1: the gate itself failed here: KeyError: 'ours'"
    }


def test_a_part_that_ended_before_it_was_asked_is_started_anew(
    hosts: Hosts, gate: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Claim._begin

    def ends(one: Claim, name: str) -> None:
        begin(one, name)
        hold = one._begun[name]
        if name == "sip-1":
            hosts.lose(name)
            wait_for(lambda: isinstance(hold, Hold) and hold.lost)

    monkeypatch.setattr(Claim, "_begin", ends)
    one = gate()
    one.take(0, silent)
    assert [len(hosts.owners(name)) for name in ("api-1", "sip-1")] == [1, 2]
    assert one.lost == frozenset()


def test_hosts_that_were_begun_and_not_asked_are_let_go(hosts: Hosts, gate: Gates) -> None:
    hosts.down["api-1"] = Unreachable("no connection", where="api-1")
    with pytest.raises(Refused):
        gate().take(0, silent)
    for name in ("fleet-1", "fleet-2", "sip-1"):
        (owner,) = hosts.owners(name)
        assert owner.popen.wait(SOON) == 0
