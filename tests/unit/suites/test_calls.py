"""A call that says nothing, at each worker and through HAProxy: it is refused, or calls do not come through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from voxgate.errors import EstateError
from voxgate.model.estate import Listener
from voxgate.model.evidence import Missing, known
from voxgate.model.look import Look, Question
from voxgate.model.part import narrowed, part_of
from voxgate.survey.balancing import A_WORKER, AT_MOST, call_questions, calls_through

from .conftest import Case
from .test_shapes import LAB, loaded

API, SIP, RULE = "api-1", "sip-1", "haproxy-sees-all-workers"


def answered(case: Case, wanted: Callable[[Question], bool], **parts: Any) -> str:
    """What the rule says where some calls are answered so."""

    def changed(look: Look) -> Look:
        found = {one: replace(known(answer), **parts) for one, answer in look.answers.items() if wanted(one)}
        assert found
        return replace(look, answers={**look.answers, **found})

    found = case.look(changed).judge()
    assert set(found) <= {RULE}
    assert {verdict for verdict, _ in found.values()} <= {"violated"}
    return found[RULE][1] if found else ""


def through(one: Question) -> bool:
    """Asked through HAProxy."""
    return one.method == "POST" and one.port == 8100


def first_worker(one: Question) -> bool:
    """Asked at a worker itself."""
    return one.method == "POST" and (one.port, one.address) == (8101, "198.51.100.31")


@pytest.mark.parametrize(
    ("wanted", "parts", "said"),
    [
        (through, {"status": 503}, "POST :8100/calls through HAProxy, asked by sip-1 at 198.51.100.21, answers 503 (12 of 12"),
        (through, {"status": 0, "trouble": "connection refused"}, "gave no answer: connection refused (12 of 12 times)"),
        (through, {"status": 403}, "answers 403, and no worker does"),
        (through, {"status": 202}, "it may have begun one"),
        (lambda one: through(one) and one.headers[0][1] == "voxgate-5", {"status": 502}, "answers 502 (1 of 12 times)"),
        (first_worker, {"status": 0, "trouble": "the connection broke off"}, "of fleet-1-voxcore@1, asked by api-1 at 198."),
        (first_worker, {"status": 202}, "answers 202 to a call that says nothing: it may have begun one"),
        (first_worker, {"status": 404}, "answers 404"),
        (first_worker, {"status": 500}, "answers 500"),
    ],
)  # fmt: skip
def test_a_call_that_does_not_come_through_is_red(
    green: Case, wanted: Callable[[Question], bool], parts: dict[str, Any], said: str
) -> None:
    assert said in answered(green, wanted, **parts)


@pytest.mark.parametrize(
    ("wanted", "parts"),
    [(lambda one: one.method == "POST", {"status": 400}), (through, {"status": 409}), (first_worker, {"status": 409})],
    ids=["refused otherwise", "a worker has a call by now", "a worker has a call"],
)
def test_a_call_that_is_refused_comes_through(green: Case, wanted: Callable[[Question], bool], parts: dict[str, Any]) -> None:
    assert answered(green, wanted, **parts) == ""


def test_a_worker_that_is_down_is_said_once(green: Case) -> None:
    servers = known(green.of(API).haproxy).servers
    down = green.fact(API, "haproxy", servers=(replace(servers[0], status="DOWN"), *servers[1:]))
    said = answered(down, first_worker, status=0, trouble="connection refused")
    assert "is DOWN" in said
    assert "/calls" not in said


def test_who_could_not_be_asked_is_blind(green: Case) -> None:
    lost = {one: Missing("unreachable", "no way", SIP) for one in green.evidence.second.answers if through(one)}
    case = green.look(lambda look: replace(look, answers={**look.answers, **lost}))
    assert {one: verdict for one, (verdict, _) in case.judge().items()} == {RULE: "blind"}


def asked(case: Case, *listeners: Listener, **parts: Any) -> set[tuple[str, str]]:
    """Who asks HAProxy, and where, on an estate that says so."""
    estate = replace(case.estate, listeners={"api": listeners}, **parts) if listeners else replace(case.estate, **parts)
    return {(one.host, one.address) for one in calls_through(estate, estate.host(API))}


def test_haproxy_is_asked_as_wide_as_the_estate_has_it_listen(green: Case) -> None:
    wide, loopback = Listener("haproxy.service", 8100), Listener("haproxy.service", 8100, loopback=True)
    assert asked(green, wide) == {(SIP, "198.51.100.21")}
    assert asked(green, loopback) == {(API, "127.0.0.1")}
    assert asked(green, wide, called_from=None) == set()
    assert asked(green, wide, called_from=API) == {(API, "127.0.0.1")}
    assert asked(green, Listener("haproxy.service", 443)) == set()
    assert asked(green, listeners=None) == {(SIP, "198.51.100.21")}


def test_nothing_is_sent_to_what_is_no_worker(green: Case) -> None:
    """HAProxy's other servers get nothing, nor does anybody where the services do not say where a call is taken."""
    servers = known(green.of(API).haproxy).servers
    shop = replace(servers[0], backend="shop", address="203.0.113.7:8101")
    hosts = {**green.evidence.second.hosts, API: green.fact(API, "haproxy", servers=(*servers, shop)).of(API)}
    found = call_questions(green.estate, hosts)
    assert len(found) == len(servers) + min(A_WORKER * len(servers), AT_MOST)
    assert all(one.method == "POST" and one.path == "/calls" for one in found)
    assert "203.0.113.7" not in {one.address for one in found}
    silent = replace(green.estate, services=tuple(replace(one, calls=None, balanced_calls=None) for one in green.estate.services))
    assert call_questions(silent, hosts) == ()
    left = {one: answer for one, answer in green.evidence.second.answers.items() if one.method == "GET"}
    assert replace(green, estate=silent).look(lambda look: replace(look, answers=left)).judge() == {}


def test_nobody_is_called_where_the_estate_does_not_say_from_where(green: Case) -> None:
    """A worker that takes a call without a word for one would begin it: whoever lets it be asked says so."""
    estate = replace(green.estate, called_from=None)
    assert call_questions(estate, green.evidence.second.hosts) == ()
    left = {one: answer for one, answer in green.evidence.second.answers.items() if one.method == "GET"}
    assert replace(green, estate=estate).look(lambda look: replace(look, answers=left)).judge() == {}


def test_who_calls_is_a_host(tmp_path: Any) -> None:
    with pytest.raises(EstateError, match="called_from"):
        loaded(tmp_path, LAB.replace('called_from = "sip-1"', 'called_from = "nobody"'))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_parts_ask_together_what_the_whole_asks(green: Case, count: int) -> None:
    """A HAProxy leads to workers on the hosts of other parts, and calls come from a host that another part has."""
    hosts, asked = green.evidence.second.hosts, list[Question]()
    for number in range(1, count + 1):
        part = narrowed(green.estate, part_of(green.estate, None, f"{number}/{count}"))
        asked += call_questions(part, {one.name: hosts[one.name] for one in part.hosts})
    assert sorted(map(str, asked)) == sorted(map(str, call_questions(green.estate, hosts)))
    assert len(asked) > len(green.estate.placements)
