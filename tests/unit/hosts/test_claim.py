"""The claim: every host of an estate held by one gate, over the gate's own part on each; what is lost, and got back."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.local_hosts import ESTATE, ME, OTHER, SOON, WITH_STATE, Gates, Hosts, silent, taken, wait_for
from voxgate.deploy.hosts import answers, claim
from voxgate.deploy.hosts.holding import HeldElsewhere
from voxgate.deploy.hosts.state import Found, read_all
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, Refused, Unreachable
from voxgate.model.estate import Host
from voxgate.model.evidence import Missing
from voxgate.transport.ssh.connection import Connection

IDS = {one.id for one in ESTATE.placements}


def test_every_host_with_state_is_held_by_the_one_who_claimed_it(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    found = one.take(0, silent)
    assert set(found) == IDS
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert found["backend-api-1"] == Found(None, None, boot, owner=ME.document(), held=True)
    assert sorted(line.host.name for line in hosts.lines) == WITH_STATE
    assert hosts.read("sip-1", "dialler", "owner.lock") == ME.document()
    assert (one.lost, one.away, one.waited) == (frozenset(), {}, False)
    one.must_hold("sip-1")
    assert {one.held for one in read_all(hosts, ESTATE).values()} == {True}
    one.release()
    one.release()
    wait_for(lambda: {one.held for one in read_all(hosts, ESTATE).values()} == {False})


def test_another_gate_hears_who_is_at_work_and_lets_everything_be(hosts: Hosts, gate: Gates) -> None:
    first, second = gate(), gate(OTHER)
    first.take(0, silent)
    with pytest.raises(
        HeldElsewhere, match="another gate is at work: me@vm since 2026-06-22T10:00:00Z, build b-1, run r1"
    ) as said:
        second.take(0, silent)
    assert said.value.where == "api-1"
    assert not second.waited
    assert hosts.read("api-1", "backend", "owner.lock") == ME.document()
    assert first.lost == frozenset()


def test_who_waits_says_once_for_whom_and_gets_it_when_that_one_ends(hosts: Hosts, gate: Gates) -> None:
    first, second = gate(), gate(OTHER)
    first.take(0, silent)
    told: list[str] = []
    others = WITH_STATE[1:]
    waiting = threading.Thread(target=lambda: found.update(second.take(SOON, told.append)))
    found: dict[str, Found] = {}
    waiting.start()
    wait_for(lambda: len(hosts.owners("api-1")) > 3)
    assert [len(hosts.owners(name)) for name in others] == [2, 2, 2], "while it waits, the first host alone is asked"
    first.release()
    waiting.join(SOON)
    assert set(found) == IDS
    assert second.waited
    line = "waiting: api-1: another gate is at work: me@vm since 2026-06-22T10:00:00Z, build b-1, run r1"
    assert told[0] == line
    assert len(told) == len(set(told))
    assert {one.owner["run"] for one in found.values() if one.owner} == {"r2"}


def test_a_gate_that_is_stopped_waits_for_no_other(gate: Gates) -> None:
    first, stop = gate(), Stop()
    first.take(0, silent)
    stop.set()
    second = gate(OTHER, stop)
    with pytest.raises(HeldElsewhere):
        second.take(10 * SOON, silent)


def test_a_host_that_cannot_be_claimed_is_refused_and_nothing_is_kept(hosts: Hosts, gate: Gates) -> None:
    hosts.down["fleet-2"] = Unreachable("no connection", where="fleet-2", why="no route", hint="look at it")
    one = gate()
    with pytest.raises(Refused) as said:
        one.take(0, silent)
    assert said.value.line == "fleet-2: this host cannot be claimed: fleet-2: no connection: no route"
    assert said.value.hint == "look at it"
    del hosts.down["fleet-2"]
    hosts.reopen(ESTATE.host("fleet-2"))
    gate(OTHER).take(SOON, lambda _: None)


@pytest.mark.parametrize("away", [("api-1",), ("fleet-1", "sip-1"), ("api-1", "fleet-1", "fleet-2")])
def test_where_not_all_are_needed_who_is_away_is_left_out(hosts: Hosts, gate: Gates, away: tuple[str, ...]) -> None:
    for name in away:
        hosts.down[name] = Unreachable("no connection", where=name, why="no route", hint="look at it")
    one = gate()
    found = one.take(0, silent, whole=False)
    assert set(found) == IDS
    assert {name: error.line for name, error in one.away.items()} == {name: f"{name}: no connection: no route" for name in away}
    for placement in ESTATE.placements:
        name, is_away = placement.host.name, placement.host.name in away
        missing = Missing("unreachable", f"{name}: no connection: no route", name, "look at it")
        assert (found[placement.id] == Found(missing, missing)) is is_away
    assert one.lost == frozenset()


def test_where_all_are_away_nothing_is_claimed(hosts: Hosts, gate: Gates) -> None:
    for name in WITH_STATE:
        hosts.down[name] = Unreachable("no connection", where=name)
    with pytest.raises(Refused, match="this host cannot be claimed"):
        gate().take(0, silent, whole=False)


def test_who_another_gate_has_is_not_left_out(hosts: Hosts, gate: Gates) -> None:
    gate().take(0, silent)
    hosts.down["api-1"] = Unreachable("no connection", where="api-1")
    hosts._outcomes.clear()
    with pytest.raises(HeldElsewhere, match="me@vm"):
        gate(OTHER).take(0, silent, whole=False)


def test_a_host_that_was_lost_is_got_back_and_none_beside_it_is_asked(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("fleet-1")
    wait_for(lambda: one.lost == {"fleet-1"})
    with pytest.raises(CommandUnknown, match="fleet-1: this host was lost"):
        one.must_hold("fleet-1")
    with pytest.raises(CommandUnknown, match="fleet-1: this host was lost"):
        one.ask("fleet-1", "cancel", SOON, answers.texts_in("cut"))
    told: list[str] = []
    one.regain(ESTATE.hosts, told.append)
    assert told == ["fleet-1: was lost, is held again"]
    assert one.lost == frozenset()
    one.must_hold("fleet-1")
    assert (hosts.state("fleet-1") / "fleet" / "epoch").read_text() == "2\n"
    assert [len(hosts.owners(name)) for name in WITH_STATE] == [1, 2, 1, 1]
    one.regain(ESTATE.hosts, silent)


def test_a_host_that_stays_away_is_lost_for_good_and_keeps_no_other(
    hosts: Hosts, gate: Gates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "_REGAIN", 0.2)
    one = gate()
    one.take(0, silent)
    hosts.lose("fleet-1", "no route")
    hosts.lose("sip-1")
    wait_for(lambda: one.lost == {"fleet-1", "sip-1"})
    told: list[str] = []
    one.regain([ESTATE.host("fleet-1"), ESTATE.host("sip-1")], told.append)
    assert sorted(told) == ["lost for good: fleet-1: no connection: no route", "sip-1: was lost, is held again"]
    assert one.lost == {"fleet-1"}


def test_a_host_that_comes_back_late_is_waited_for(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("sip-1", "no route")
    wait_for(lambda: one.lost == {"sip-1"})
    tries: list[str] = []
    connect = hosts._connect

    def late(host: object) -> object:
        tries.append("once")
        if len(tries) > 2:
            hosts.down.clear()
        return connect(host)  # type: ignore[arg-type]

    hosts._connect = late  # type: ignore[method-assign,assignment]
    told: list[str] = []
    one.regain(ESTATE.hosts, told.append)
    assert told == ["sip-1: was lost, is held again"]
    assert len(tries) == 3  # the first was for the host on which nothing is deployed


def test_a_host_that_another_gate_had_meanwhile_is_lost_for_good_at_once(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("sip-1")
    wait_for(lambda: one.lost == {"sip-1"})
    (hosts.state("sip-1") / "dialler" / "epoch").write_text("2\n")
    told: list[str] = []
    one.regain(ESTATE.hosts, told.append)
    (line,) = told
    assert line.startswith("lost for good: sip-1: the host refuses this gate: dialler was another gate's meanwhile: epoch 2")
    assert one.lost == {"sip-1"}


def test_a_host_that_another_gate_has_now_is_lost_for_good_at_once(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("sip-1")
    wait_for(lambda: one.lost == {"sip-1"})
    told: list[str] = []
    with taken(hosts, OTHER):
        one.regain(ESTATE.hosts, told.append)
    assert told == ["lost for good: sip-1: another gate is at work: other@vm since 2026-06-22T11:00:00Z, build b-2, run r2"]
    assert len(hosts.owners("sip-1")) == 2
    assert hosts.owners("sip-1")[1].popen.wait(SOON) == 0, "what was started in vain is let go"
    with pytest.raises(CommandUnknown, match="this host was lost"):
        one.must_hold("sip-1")


def test_what_this_run_itself_left_there_is_waited_for(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("sip-1")
    wait_for(lambda: one.lost == {"sip-1"})
    told: list[str] = []
    again = threading.Thread(target=one.regain, args=(ESTATE.hosts, told.append))
    with taken(hosts, ME):
        again.start()
        wait_for(lambda: len(hosts.owners("sip-1")) > 2)
    again.join(SOON)
    assert told == ["sip-1: was lost, is held again"]


def test_a_mistake_of_ours_on_one_host_is_that_host_s_alone(hosts: Hosts, gate: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
    one = gate()
    one.take(0, silent)
    hosts.lose("fleet-1")
    hosts.lose("sip-1")
    wait_for(lambda: one.lost == {"fleet-1", "sip-1"})
    reopen = hosts.reopen

    def wrong(host: Host) -> Connection:
        if host.name == "fleet-1":
            raise KeyError(host.name)
        return reopen(host)

    monkeypatch.setattr(hosts, "reopen", wrong)
    told: list[str] = []
    one.regain(ESTATE.hosts, told.append)
    assert sorted(told) == [
        "lost for good: fleet-1: the gate itself failed here: KeyError: 'fleet-1'",
        "sip-1: was lost, is held again",
    ]


def test_a_host_of_which_something_must_only_be_seen_is_connected_anew_where_its_line_is_gone(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.open([ESTATE.host("data")])

    def lines() -> list[bool]:
        return [line.is_alive for line in hosts.lines if line.host.name == "data"]

    one.regain(ESTATE.hosts, silent)
    assert lines() == [True]
    hosts.lines[-1].is_alive = False
    one.regain(ESTATE.hosts, silent)
    assert lines() == [False, True]
    hosts.lines[-1].is_alive = False
    hosts.down["data"] = Unreachable("no connection", where="data", why="no route")
    told: list[str] = []
    one.regain(ESTATE.hosts, told.append)
    assert told == ["not seen: data: no connection: no route"]
