"""What changed since done, where an estate wants it judged: what nothing explains is violated, what is not compared is blind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.evidence import Missing
from voxgate.model.fingerprints import Change, HostChanges
from voxgate.model.invariant import expected
from voxgate.model.part import is_within, narrowed
from voxgate.model.verdict import Verdict
from voxgate.model.waiver import Waiver
from voxgate.model.work import Work
from voxgate.plugin import without_pytest
from voxgate.plugin.facts_read import Recorder, watched
from voxgate.redaction.cutting import Redactor
from voxgate.report.facts.lines import Teller
from voxgate.report.facts.values import Values
from voxgate.survey.movement import Movement

from .conftest import Case

AT = "2026-11-22T09:14:03Z"
RULE = "what-changed-since-done-is-explained"
ID = f"{RULE}[fleet-1]"
CRON = Change("job", "/etc/cron.d/x", "new")
KEY = Change("key", "anna: SHA256:abc", "new")
AGENT = Change("boot", "agent.service", "new", ("package agent, put there since then",))
NEXT = "the next deploy that is done keeps all of it anew, and is let through by --standing ID --reason TEXT"


def case(green: Case, *changes: Change, note: str = "", more: int = 0, places: tuple[str, ...] = ("fleet-1",)) -> Case:
    """Where fleet-1 has these, the other hosts none."""
    quiet = {host.name: HostChanges(host.name, "r1", AT) for host in green.estate.hosts}
    said = {**quiet, "fleet-1": HostChanges("fleet-1", "r1", AT, note, changes, more)}
    return Case(replace(green.estate, changes=places), replace(green.evidence, changes=said))


def judged(one: Case) -> list[str]:
    """On what the rule is judged."""
    rules = expected(read_catalogue(), one.estate, (), deploying=frozenset())
    return [rule.subject.id for rule in rules if rule.invariant.name == RULE]


@pytest.mark.parametrize(
    ("places", "hosts"),
    [
        ((), []),
        (("data",), ["data"]),
        (("fleet", "sip-1"), ["fleet-1", "fleet-2", "sip-1"]),
        (("fleet-*",), ["fleet-1", "fleet-2"]),
        (("all",), ["data", "api-1", "fleet-1", "fleet-2", "sip-1"]),
    ],
)
def test_it_is_judged_where_the_estate_says_so(green: Case, places: tuple[str, ...], hosts: list[str]) -> None:
    assert judged(case(green, places=places)) == hosts


def test_what_is_told_alone_is_no_verdict(green: Case) -> None:
    assert case(green, CRON, places=()).judge() == {}


def test_what_something_may_explain_holds(green: Case) -> None:
    assert case(green).judge() == {}
    assert case(green, AGENT).judge() == {}


def test_what_nothing_explains_is_violated_with_all_of_it(green: Case) -> None:
    one = case(green, CRON, AGENT, KEY, more=2)
    found = "job /etc/cron.d/x is new; key anna: SHA256:abc is new; 2 more things changed: nobody looked for their reasons"
    assert one.judge() == {ID: ("violated", f"fleet-1: {found}")}
    (rule,) = (each for each in expected(read_catalogue(), one.estate, (), deploying=frozenset()) if each.id == ID)
    said = without_pytest.judge(rule, one.estate, one.evidence)
    assert said is not None
    assert said.advice == f"find out who did it, since {AT} (run r1), and put back what nobody wants; {NEXT}"


def test_what_cannot_be_compared_is_blind(green: Case) -> None:
    note = "no done is kept here: nothing to compare with"
    ((verdict, found),) = case(green, note=note).judge().values()
    assert (verdict, note in found) == ("blind", True)
    probe = Change("probe", "voxgate-probe", "changed", ("another probe looked then: this one may see more",))
    ((verdict, found),) = case(green, probe, replace(CRON, why=probe.why)).judge().values()
    assert (verdict, "another probe looked at done" in found) == ("blind", True)
    ((verdict, found),) = case(green, CRON, note="dpkg could not be asked: x").judge().values()
    assert (verdict, "dpkg could not be asked" in found) == ("blind", True), "a package might have explained it"
    lost = case(green)
    ((verdict, found),) = replace(lost, evidence=replace(lost.evidence, changes={})).judge().values()
    assert (verdict, "no part of this evidence" in found) == ("blind", True)
    gone = case(green).look(lambda look: replace(look, hosts={**look.hosts, "fleet-1": Missing("unreachable", "x")}))
    assert gone.judge([RULE])[ID][0] == "blind"


def test_beside_a_deploy_there_it_is_the_deploy_s(green: Case) -> None:
    """What that moves is another one than at done, and nobody knows yet what stays."""
    one, recorder = case(green, CRON), Recorder()
    (rule,) = (each for each in expected(read_catalogue(), one.estate, (), deploying=frozenset()) if each.id == ID)
    said = without_pytest.judge(rule, one.estate, watched(one.evidence, recorder))
    assert said is not None
    assert said.verdict is Verdict.VIOLATED
    here, there = (Work("fleet", host, "ci@vm", AT, "r-1", moves=True) for host in ("fleet-1", "fleet-2"))
    assert Movement(one.estate, (here, there)).moved(None, "fleet-1", recorder.read) == (here,)
    told = Teller(Values(Redactor())).tell(recorder.facts).splitlines()
    below = told[told.index("changed since done") :]
    assert "run=r1" in below[1]
    assert "/etc/cron.d/x" in below[2]


def test_a_part_judges_its_own_hosts(green: Case) -> None:
    part = frozenset({"fleet-1"})
    estate = narrowed(case(green, places=("fleet",)).estate, part)
    rules = [one for one in expected(read_catalogue(), estate, (), deploying=frozenset()) if one.invariant.name == RULE]
    assert [(one.id, is_within(one.invariant, one.subject, part)) for one in rules] == [(ID, True)]


def test_it_may_be_accepted_in_writing(green: Case) -> None:
    """Each thing by itself."""
    until = datetime.fromtimestamp(green.evidence.second.taken, UTC).date() + timedelta(days=3)
    waiver = Waiver(RULE, "fleet-1", "job /etc/cron.d/x is new", "until it is a package", "ops@example.com", until)

    def with_it(*changes: Change) -> Case:
        one = case(green, *changes)
        return replace(one, estate=replace(one.estate, waived=(waiver,)))

    assert with_it(CRON).judge()[ID][0] == "waived"
    verdict, found = with_it(CRON, KEY).judge()[ID]
    assert verdict == "violated"
    assert found.startswith("fleet-1: key anna: SHA256:abc is new; ")
