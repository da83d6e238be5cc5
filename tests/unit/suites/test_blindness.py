"""What was not seen is blind: never green where it matters, never violated."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.invariant import expected
from voxgate.model.look import Look, Question

from .conftest import Case
from .test_judging import body

LOST = Missing("denied", "not to be read", "somewhere", "")
ABOUT = {"name", "document", "signed_by", "noise", "proof", "probe"}  # what is said of the evidence itself, by the gate
FACTS = [field.name for field in fields(HostEvidence) if field.name not in ABOUT]
UNUSED = {"boot_id", "uptime"}
PER_SERVICE = {"checkouts", "venvs", "env_files", "dists", "packages", "leaks", "runtimes", "stores"}


@pytest.mark.parametrize("fact", FACTS)
def test_a_lost_fact_is_blind_and_nothing_else(green: Case, fact: str) -> None:
    def without(look: Look) -> Look:
        hosts = {}
        for name in look.hosts:
            host = look.host(name)
            lost: Any = dict.fromkeys(getattr(host, fact), LOST) if fact in PER_SERVICE else LOST
            hosts[name] = replace(host, **{fact: lost})
        return replace(look, hosts=hosts)

    evidence = replace(green.evidence, first=without(green.evidence.first), second=without(green.evidence.second))
    found = replace(green, evidence=evidence).judge()
    assert {verdict for verdict, _ in found.values()} == (set() if fact in UNUSED else {"blind"}), found


@pytest.mark.parametrize("name", ["data", "api-1", "fleet-1", "fleet-2", "sip-1"])
def test_a_lost_host_is_blind_also_for_what_is_judged_over_all(green: Case, name: str) -> None:
    found = green.look(lambda look: replace(look, hosts={**look.hosts, name: LOST})).judge()
    assert {verdict for verdict, _ in found.values()} == {"blind"}
    over_all = {"exactly-one-dialler-per-database[vox]", f"keys-are-known[{name}]", f"clock-is-right[{name}]"}
    assert over_all <= found.keys()
    assert {one for one in found if one.startswith("clock-")} == {f"clock-is-right[{name}]"}, "the others' are compared"


def test_a_clock_that_no_other_can_be_compared_with_is_blind(green: Case) -> None:
    others = [name for name in green.evidence.second.hosts if name != "data"]
    found = green.look(lambda look: replace(look, hosts={**look.hosts, **dict.fromkeys(others, LOST)})).judge(["clock-is-right"])
    assert found["clock-is-right[data]"] == ("blind", "data: the clock could not be compared: no other host was seen")


def test_what_a_worker_was_not_asked_in_the_first_look_makes_no_sum_wrong(green: Case) -> None:
    """The second look alone says then how many calls there are; one may have begun, or ended, before the sum was asked for."""
    worker, total = Question("fleet-1", 8101, "/health"), Question("fleet-1", 8101, "/health/fleet")
    first = green.evidence.first
    lost = replace(green.evidence, first=replace(first, answers={**first.answers, worker: LOST}))
    case = body(replace(green, evidence=lost), worker, worker_calls=1)
    for calls, red in ((0, False), (1, False), (2, False), (3, True)):
        judged = body(case, total, worker_calls=calls, fleet_available=6 - calls).judge(["capacity-adds-up"])
        assert ("capacity-adds-up[fleet-fleet-1]" in judged) is red, judged


def test_a_lost_database_is_blind(green: Case) -> None:
    found = green.look(lambda look: replace(look, databases={"vox": LOST})).judge()
    assert {key: verdict for key, (verdict, _) in found.items()} == {
        "database-sees-one-dialler[vox]": "blind",
        "dialler-keeps-its-pace[sip-1-voxdialler]": "blind",
        "dialler-records-keep-the-contract[sip-1-voxdialler]": "blind",
    }


def test_a_lost_way_to_every_answer_is_blind(green: Case) -> None:
    found = green.look(lambda look: replace(look, answers=dict.fromkeys(look.answers, LOST))).judge()
    assert {verdict for verdict, _ in found.values()} == {"blind"}, {k: v for k, v in found.items() if v[0] != "blind"}
    assert "console-exposes-nothing[console-api-1]" in found


@pytest.mark.parametrize("what", ["listeners", "keys", "stores", "seen_from"])
def test_what_the_estate_does_not_say_is_blind(green: Case, what: str) -> None:
    nothing: Any = () if what == "stores" else None
    estate = replace(green.estate, **{what: nothing})
    names = ["only-expected-listeners", "keys-are-known", "stores-are-private", "nginx-serves-exactly-dist"]
    found = replace(green, estate=estate).judge(names)
    verdicts = {
        verdict for key, (verdict, _) in found.items() if not (what == "stores" and key == "only-expected-listeners[data]")
    }
    assert verdicts == {"blind"}


def test_nginx_that_serves_nothing_cannot_be_said_to_expose_nothing(green: Case) -> None:
    case = green.answer(Question("api-1", 80, "/"), status=0, body=b"", trouble="connection refused")
    assert case.judge(["console-exposes-nothing"])["console-exposes-nothing[console-api-1]"][0] == "blind"


def test_secrets_that_could_not_be_compared_are_blind(green: Case) -> None:
    for parts in ({"compared": ()}, {"lines": 0}):
        found = green.of_service("api-1", "leaks", "backend", **parts).judge(["no-secret-leaks"])
        assert {key: verdict for key, (verdict, _) in found.items()} == {"no-secret-leaks[backend-api-1]": "blind"}


@pytest.mark.parametrize("service", ["backend", "fleet", "dialler", "console"])
def test_a_look_at_one_service_is_enough_to_judge_it(green: Case, service: str) -> None:
    """What the probe leaves out then, nothing that is about the service asks for; what does ask for it is blind."""

    def narrow(look: Look) -> Look:
        hosts = {}
        for name in look.hosts:
            host = look.host(name)
            facts: Any = {
                fact: {one: value if one == service else LOST for one, value in getattr(host, fact).items()}
                for fact in PER_SERVICE
            }
            facts |= dict.fromkeys(("copies", "jobs", "room", "sudo", "keys"), LOST)
            hosts[name] = replace(host, **facts)
        return replace(look, hosts=hosts)

    found = green.look(narrow).judge()
    about = {one.id: one.subject.service for one in expected(read_catalogue(), green.estate, (), deploying=frozenset())}
    assert not [key for key in found if about[key] == service]
    assert {verdict for verdict, _ in found.values()} == {"blind"}
    assert {about[key] for key in found} == {None, "backend", "fleet", "dialler", "console"} - {service}
