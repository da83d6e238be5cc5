"""What an invariant reads is noted and nothing else is, and being watched changes no verdict."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

import allure_commons
import pytest

from voxgate.errors import OutsideLook
from voxgate.model.answers import Answer
from voxgate.model.evidence import HostEvidence, UnitFact, known
from voxgate.model.look import Evidence, Look, Question
from voxgate.plugin.facts_read import NAME, Recorder, attach_read, watched
from voxgate.plugin.without_pytest import suite
from voxgate.redaction.cutting import Redactor
from voxgate.report.facts.lines import Teller
from voxgate.report.facts.values import Absence, Values
from voxgate.survey.answers import read_page

from .conftest import Case
from .test_blindness import FACTS, LOST, PER_SERVICE
from .test_judging import CASES

UNIT = "voxcore@1.service"


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def seen(green: Case, recorder: Recorder) -> Evidence:
    return watched(green.evidence, recorder)


def parts(recorder: Recorder, *begin: object) -> set[tuple[Any, ...]]:
    """What was noted below a path."""
    return {path[len(begin) :] for path in recorder.facts if path[: len(begin)] == begin and len(path) > len(begin)}


def test_views_are_the_nouns_to_whoever_asks(green: Case, seen: Evidence) -> None:
    host, raw = seen.second.host("fleet-1"), green.evidence.second.host("fleet-1")
    assert isinstance(seen, Evidence)
    assert isinstance(seen.second, Look)
    assert isinstance(host, HostEvidence)
    assert known(host) is host
    unit, bare = known(host.units)[UNIT], known(raw.units)[UNIT]
    assert isinstance(unit, UnitFact)
    assert unit == bare
    assert bare == unit
    assert unit != replace(bare, changed=0.5)
    assert (unit.active, unit.main_pid, repr(unit)) == (bare.active, bare.main_pid, repr(bare))
    assert [one.name for one in fields(unit)] == [one.name for one in fields(bare)]
    assert replace(unit, changed=0.5) == replace(bare, changed=0.5)
    assert asdict(unit) == asdict(bare)
    assert deepcopy(host) == raw
    assert dict(known(host.units)).keys() == known(raw.units).keys()
    assert {**unit.properties} == dict(bare.properties)
    tree, wanted = host.checkouts["fleet"], seen.remote("fleet").tree
    assert known(tree).tree == wanted
    assert seen.remote("fleet").on_main & {"x"} == frozenset()
    with pytest.raises(AttributeError, match="nothing"):
        host.nothing  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(OutsideLook):
        seen.second.host("nowhere")
    with pytest.raises(KeyError):
        host.checkouts["nothing"]


def test_only_what_is_read_is_noted(recorder: Recorder, seen: Evidence) -> None:
    unit = known(seen.second.host("fleet-1").units)[UNIT]
    assert unit.load == "loaded"
    assert unit.properties.get("Nothing") is None
    read = parts(recorder, "second", "hosts", "fleet-1", "units", UNIT)
    assert read == {("properties", "LoadState"), ("properties", "Nothing")}
    assert recorder.facts["second", "hosts", "fleet-1", "units", UNIT, "properties", "Nothing"] is Absence.NOT_THERE
    assert {path[:3] for path in recorder.facts if len(path) > 2} == {("second", "hosts", "fleet-1")}
    recorder.begin()
    assert recorder.facts == {}


def test_both_looks_are_told_apart(recorder: Recorder, seen: Evidence) -> None:
    assert known(seen.first.host("sip-1").time) < known(seen.second.host("sip-1").time)
    assert recorder.facts["first", "hosts", "sip-1", "time"] != recorder.facts["second", "hosts", "sip-1", "time"]


def test_going_through_all_of_it_is_noted_as_the_whole(recorder: Recorder, seen: Evidence) -> None:
    owned = [fact.enabled for name, fact in known(seen.second.host("fleet-1").units).items() if name == UNIT]
    assert owned == ["enabled"]
    read = parts(recorder, "second", "hosts", "fleet-1")
    assert ("units",) in read
    assert {path[1] for path in read if len(path) > 2} == {UNIT}, "of the others nothing but their names was read"


def test_a_lost_fact_is_noted_as_lost(green: Case, recorder: Recorder) -> None:
    case = green.host("api-1", engines=LOST)
    assert watched(case.evidence, recorder).second.host("api-1").engines is LOST
    assert recorder.facts["second", "hosts", "api-1", "engines"] is LOST


def test_an_answer_is_noted_by_its_question(recorder: Recorder, seen: Evidence) -> None:
    question = Question("api-1", 8080, "/health")
    answer = seen.second.answer(question)
    assert isinstance(answer, Answer)
    assert answer.status == 200
    assert parts(recorder, "second", "answers", question) == {("status",)}


def test_what_goes_wrong_while_noting_is_nothing_to_the_test(recorder: Recorder) -> None:
    recorder.note(([],), "a path that cannot be a key")
    assert recorder.trouble.startswith("TypeError: unhashable")
    assert recorder.facts == {}


@dataclass
class Kept:
    """A plugin of Allure's that keeps what is attached, or cannot."""

    is_full: bool = False
    said: list[str] = field(default_factory=list)

    @allure_commons.hookimpl
    def attach_data(self, body: str, name: str) -> None:
        """Keep it."""
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.said.append(f"{name}: {body}")


@pytest.fixture
def kept() -> Iterator[Kept]:
    plugin = Kept()
    allure_commons.plugin_manager.register(plugin)
    yield plugin
    allure_commons.plugin_manager.unregister(plugin)


@pytest.fixture
def evidence(green: Case) -> Evidence:
    return green.evidence


@pytest.mark.usefixtures("evidence")
def test_what_cannot_be_told_is_said(request: pytest.FixtureRequest, green: Case, recorder: Recorder, kept: Kept) -> None:
    recorder.note(("second", "hosts", "api-1", "copies"), (([],),))
    teller = Teller(Values(Redactor()))
    assert attach_read(request.node, recorder, teller, None, green.estate, "") == ""
    assert kept.said == [f"{NAME}: not all that was read can be told: TypeError: unhashable type: 'list'\n"]
    kept.is_full = True
    trouble = attach_read(request.node, recorder, teller, None, green.estate, "")
    assert trouble == f"{NAME} could not be attached: OSError: [Errno 28] No space left on device"


@pytest.mark.usefixtures("evidence")
def test_the_row_that_was_found_is_told(request: pytest.FixtureRequest, green: Case, recorder: Recorder, kept: Kept) -> None:
    processes = known(watched(green.evidence, recorder).second.host("sip-1").processes)
    found = f"sip-1: process {processes[-1].pid} of root is node: node x.js"
    assert attach_read(request.node, recorder, Teller(Values(Redactor())), None, green.estate, found) == ""
    assert f"pid={processes[-1].pid} " in kept.said[0]
    assert kept.said[0].count("pid=") - kept.said[0].count("ppid=") == 1


def test_an_invariant_reads_of_its_own_host_only(green: Case, recorder: Recorder, seen: Evidence) -> None:
    unit = next(one for one in green.estate.placed_units if one.id == "fleet-2-voxcore@3")
    suite("test_units.py").test_unit_is_active(unit=unit, estate=green.estate, evidence=seen)
    assert {path[2] for path in recorder.facts if path[1:2] == ("hosts",)} == {"fleet-2"}
    units = {path[4] for path in recorder.facts if len(path) > 4 and path[3] == "units"}
    boots = {path[5] for path in recorder.facts if len(path) > 5 and path[3] == "boot"}
    assert units == boots == {"voxcore@3.service"}


def same(case: Case) -> None:
    """Both judge alike, word for word."""
    views = replace(case, evidence=watched(case.evidence, Recorder()))
    assert views.judge() == case.judge()


@pytest.mark.parametrize("name", CASES)
def test_a_verdict_is_the_same_with_the_views(green: Case, name: str) -> None:
    same(CASES[name][0](green))


@pytest.mark.parametrize("fact", FACTS)
def test_what_is_blind_is_blind_with_the_views(green: Case, fact: str) -> None:
    def without(look: Look) -> Look:
        facts = {name: look.host(name) for name in look.hosts}
        lost: dict[str, Any] = {
            name: dict.fromkeys(getattr(host, fact), LOST) if fact in PER_SERVICE else LOST for name, host in facts.items()
        }
        return replace(look, hosts={name: replace(host, **{fact: lost[name]}) for name, host in facts.items()})

    same(green.look(without))


def test_what_goes_through_the_whole_fleet_is_read_by_the_first_that_asks(green: Case) -> None:
    """Each fleet host's sum is compared with all workers: of two hundred hosts, forty thousand times each worker's page."""
    judge = suite("test_fleet.py").test_capacity_adds_up
    recorder, pages = Recorder(), []
    seen = watched(green.evidence, recorder)
    for placement in (one for one in green.estate.placements if one.service.name == "fleet"):
        recorder.begin()
        judge(placement, green.estate, seen)
        pages.append({path[2] for path in recorder.facts if path[1:2] == ("answers",)})
    told = recorder.facts["second", "the workers"]
    assert ("second", "answers") in {path[:2] for path in recorder.read}  # a deploy that moves a worker moves this too
    assert told == "6 live workers, worker_max 6, worker_calls 0"
    assert "the workers: 6 live workers" in Teller(Values(Redactor())).tell(recorder.facts)
    assert [len(one) for one in pages] == [7, 1]  # six workers and the sum, then the sum
    again = watched(replace(green.evidence, second=replace(green.evidence.second)), recorder)
    recorder.begin()
    judge(next(one for one in green.estate.placements if one.service.name == "fleet"), green.estate, again)
    assert ("second", "the workers") not in recorder.facts  # another look is another fleet


def test_a_page_is_read_once_for_all_rules(green: Case) -> None:
    """A dozen rules ask each worker's page for something: it is parsed, and compared with its contract, once."""
    question = next(one for one in green.evidence.second.answers if one.port == 8101 and one.path == "/health")
    for schema in ("worker-health", None):
        pages = [read_page(green.evidence.second, question, schema) for _ in range(3)]
        assert len({id(page.document) for page in pages}) == 1
        assert (pages[0].problem, pages[0].document["worker"]) == ("", f"{question.host}/1")
