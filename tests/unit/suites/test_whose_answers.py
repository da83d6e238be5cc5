"""Whose answers they are, what a process is granted, and in whose company it runs: one fact changed, and exactly that turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.advice import commands_in
from voxgate.model.evidence import ProcessFact, known
from voxgate.model.invariant import expected
from voxgate.model.look import Question
from voxgate.model.surroundings import EndFact, TurnFact
from voxgate.plugin import without_pytest
from voxgate.survey.findings import is_started_by_its_unit

from .conftest import Case

ANSWERS = "answers-come-from-the-unit"
LIMITS = "process-gets-what-its-unit-says"
COMPANY = "unit-has-only-its-own-processes"
WORKER = "voxcore@2.service"


def end(case: Case, host: str, unit: str, *, through: int = 0, **parts: Any) -> Case:
    """Another end of the connections to a unit."""
    rows = known(case.of(host).ends).ends
    changed = tuple(replace(one, **parts) if (one.unit, one.through) == (unit, through) else one for one in rows)
    assert changed != rows
    return case.fact(host, "ends", ends=changed)


def turned(case: Case, host: str, *ports: tuple[int, int], where: str = "ip nat OUTPUT handle 7") -> Case:
    return case.fact(host, "ends", turns=(TurnFact(where, "redir", ports),))


def pid_of(case: Case, host: str, unit: str) -> int:
    return known(case.of(host).units)[unit].main_pid


def red(case: Case, name: str) -> dict[str, str]:
    found = case.judge([name])
    assert {verdict for verdict, _ in found.values()} <= {"violated"}
    return {key: said for key, (_, said) in found.items()}


def test_nobody_on_the_host_has_the_other_end(green: Case) -> None:
    found = red(end(green, "fleet-1", WORKER, holders=()), ANSWERS)
    assert found == {f"{ANSWERS}[fleet-1-voxcore@2]": found[f"{ANSWERS}[fleet-1-voxcore@2]"]}
    assert "is answered by nobody on this host" in found.popitem()[1]


def test_another_unit_has_the_other_end(green: Case) -> None:
    other = end(green, "fleet-1", WORKER, holders=((7, "voxcore@1.service"), (8, "")))
    said = red(other, ANSWERS)[f"{ANSWERS}[fleet-1-voxcore@2]"]
    assert "is answered by process 7 of voxcore@1.service, process 8, not by voxcore@2.service" in said


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"status": 503}, "answers 200 to the gate, and 503 on the host itself"),
        ({"outcome": "refused", "holders": (), "status": 0, "pid": 0}, "root's own question on the host was not (refused)"),
    ],
)
def test_what_the_gate_was_told_is_what_comes_over_that_connection(green: Case, parts: dict[str, Any], said: str) -> None:
    found = red(end(green, "sip-1", "voxdialler.service", **parts), ANSWERS)
    assert said in found[f"{ANSWERS}[sip-1-voxdialler]"]


def test_who_is_silent_to_the_host_and_answers_the_gate_is_named(green: Case) -> None:
    """Root's question is told from the gate's: it waits before its last line. Nor does a restart excuse another's process."""
    silent = end(green, "sip-1", "voxdialler.service", outcome="silent", status=0, pid=0, holders=((7, ""),))
    for case in (silent, silent.unit("sip-1", "voxdialler.service", properties={"NRestarts": "1"})):
        found = red(case, ANSWERS)[f"{ANSWERS}[sip-1-voxdialler]"]
        assert "is answered by process 7, not by voxdialler.service" in found


@pytest.mark.parametrize("properties", [{"NRestarts": "1"}, {"InvocationID": "another"}])
def test_a_unit_that_is_started_anew_may_be_away_for_a_moment(green: Case, properties: dict[str, str]) -> None:
    away = end(green, "sip-1", "voxdialler.service", outcome="refused", holders=(), status=0, pid=0)
    assert not red(away.unit("sip-1", "voxdialler.service", properties=properties), ANSWERS)


def test_nginx_answers_itself(green: Case) -> None:
    found = red(end(green, "api-1", "voxbridge.service", through=80, reached=False), ANSWERS)
    assert "nginx answers itself" in found[f"{ANSWERS}[api-1-voxbridge]"]
    assert not red(end(green, "api-1", "voxbridge.service", through=80, reached=False, status=502), ANSWERS), "others say that"


@pytest.mark.parametrize(("away", "red_too"), [(-3600, True), (-1, False), (20, False), (3600, True)])
def test_a_page_began_with_its_process(green: Case, away: float, red_too: bool) -> None:  # noqa: FBT001 - a column of the table
    started = green.of("sip-1")
    pid = pid_of(green, "sip-1", "voxdialler.service")
    answer = green.evidence.second.answer(Question("sip-1", 8090, "/health"))
    assert str(pid).encode() in answer.body
    rows = [one for one in known(started.processes) if one.pid == pid]
    found = red(green.process("sip-1", "voxdialler.service", started=rows[0].started - away), ANSWERS)
    assert bool(found) is red_too


@pytest.mark.parametrize(
    ("host", "ports", "seen"),
    [
        ("fleet-1", [(8102, 8102)], {"fleet-1-voxcore@2"}),
        ("fleet-1", [(0, 65535)], {"fleet-1-voxcore@1", "fleet-1-voxcore@2", "fleet-1-voxcore@3"}),
        ("fleet-1", [(80, 90), (8000, 8100)], set()),
        ("api-1", [(80, 80)], {"api-1-voxbridge"}),
        ("api-1", [(8103, 8103)], {"api-1-voxbridge"}),
        ("api-1", [(443, 443)], set()),
        ("data", [(8101, 8101)], set()),
    ],
)
def test_a_rule_that_leads_a_units_port_elsewhere(green: Case, host: str, ports: Any, seen: set[str]) -> None:
    found = turned(green, host, *ports).judge([ANSWERS])
    assert set(found) == {f"{ANSWERS}[{one}]" for one in seen}


@pytest.mark.parametrize(
    ("where", "typed"),
    [
        ("ip nat OUTPUT handle 7", "nft delete rule ip nat OUTPUT handle 7"),
        ("ip nat OUTPUT;flush handle 7", "nft -a list ruleset"),
        ("ip nat;flush OUTPUT handle 7", "nft -a list ruleset"),
        ('inet nat "/tmp/x" handle 7', "nft -a list ruleset"),
        ("ip nat OUTPUT handle 7 handle 8", "nft -a list ruleset"),
    ],
)
def test_no_name_of_a_table_ends_what_is_typed_for_nft(green: Case, where: str, typed: str) -> None:
    """Who may make rules calls a table as he likes; nft joins its words, and reads them as a text of its own."""
    case = turned(green, "fleet-1", (8102, 8102), where=where)
    (one,) = [
        one
        for one in expected(read_catalogue(), case.estate, (), deploying=frozenset())
        if one.id == f"{ANSWERS}[fleet-1-voxcore@2]"
    ]
    judged = without_pytest.judge(one, case.estate, case.evidence)
    assert judged is not None
    assert [command.text for command in commands_in(judged.advice)][:1] == [typed]


def test_a_host_that_was_not_asked_is_blind(green: Case) -> None:
    rows = tuple(one for one in known(green.of("fleet-1").ends).ends if one.unit != WORKER)
    assert green.fact("fleet-1", "ends", ends=rows).judge([ANSWERS])[f"{ANSWERS}[fleet-1-voxcore@2]"][0] == "blind"
    assert isinstance(rows[0], EndFact)


def test_a_process_that_is_granted_less(green: Case) -> None:
    found = red(green.runtime("sip-1", "dialler", less=("open files 64, not 1024",)), LIMITS)
    assert "has open files 64, not 1024" in found[f"{LIMITS}[sip-1-voxdialler]"]
    found = red(green.runtime("sip-1", "dialler", less=("CPUQuota=5% of system.slice in /etc/x.conf",)), LIMITS)
    assert (
        "systemctl revert system.slice"
        in green.runtime("sip-1", "dialler", less=("CPUQuota=5% of system.slice in /etc/x.conf",)).judge([LIMITS])[
            f"{LIMITS}[sip-1-voxdialler]"
        ][1]
        or found
    )


def test_a_unit_none_of_whose_processes_was_looked_into_is_blind(green: Case) -> None:
    unseen = green.of_service("sip-1", "runtimes", "dialler", processes=())
    assert unseen.judge([LIMITS])[f"{LIMITS}[sip-1-voxdialler]"][0] == "blind"
    rows = tuple(one for one in known(green.of("sip-1").processes) if one.unit != "voxdialler.service")
    assert not unseen.host("sip-1", processes=rows).judge([LIMITS]), "that it does not run is said by others"


def test_a_stranger_in_the_cgroup_and_one_that_looks_in(green: Case) -> None:
    rows = known(green.of("sip-1").processes)
    own = next(one for one in rows if one.unit == "voxdialler.service")
    child = replace(own, pid=99_001, ppid=own.pid)
    stranger = replace(own, pid=99_002, ppid=1)
    assert not red(green.host("sip-1", processes=(*rows, child)), COMPANY)
    found = red(green.host("sip-1", processes=(*rows, stranger)), COMPANY)
    assert "process 99002" in found[f"{COMPANY}[sip-1-voxdialler]"]
    found = red(green.runtime("sip-1", "dialler", traced_by=77), COMPANY)
    assert "is traced by process 77" in found[f"{COMPANY}[sip-1-voxdialler]"]


class Counted(tuple[ProcessFact, ...]):
    """Processes that know how often somebody goes through them."""

    __slots__ = ()
    times = 0

    def __iter__(self) -> Iterator[ProcessFact]:
        Counted.times += 1
        return super().__iter__()


def test_no_number_of_processes_is_gone_through_for_each(green: Case) -> None:
    """A host's root says how many there are, and which started which: all of one line, each the child of the one before."""
    rows = known(green.of("sip-1").processes)
    own = next(one for one in rows if one.unit == "voxdialler.service")
    line = [replace(own, pid=99_000 + number, ppid=98_999 + number if number else own.pid) for number in range(100_000)]
    beside = [replace(one, pid=one.pid + 200_000, ppid=1) for one in line]
    case = green.host("sip-1", processes=Counted((*rows, *line, *beside)))
    Counted.times = 0
    assert all(is_started_by_its_unit(case.of("sip-1"), one) for one in line)
    assert not any(is_started_by_its_unit(case.of("sip-1"), one) for one in beside)
    assert Counted.times == 1


def test_who_started_himself_was_started_by_no_unit(green: Case) -> None:
    rows = known(green.of("sip-1").processes)
    own = next(one for one in rows if one.unit == "voxdialler.service")
    odd = [replace(own, pid=99_001, ppid=99_002), replace(own, pid=99_002, ppid=99_001), replace(own, pid=99_003, ppid=99_003)]
    case = green.host("sip-1", processes=(*rows, *odd))
    assert [is_started_by_its_unit(case.of("sip-1"), one) for one in (own, *odd)] == [True, False, False, False]
