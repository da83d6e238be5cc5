"""HAProxy's servers and the estate's workers: who is who, whatever they are called, and whose the other backends are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.evidence import known
from voxgate.model.invariant import expected
from voxgate.model.service import Role
from voxgate.model.web_servers import ServerFact
from voxgate.plugin import without_pytest

from .conftest import Case

API, RULE = "api-1", "haproxy-sees-all-workers"
STRANGER = ServerFact("shop", "shop-1", "127.0.0.1:8201", "DOWN", checked=False, weight=0)


def servers(case: Case) -> tuple[ServerFact, ...]:
    """HAProxy's, as they are."""
    return known(case.of(API).haproxy).servers


def judged(case: Case, *rows: ServerFact) -> str:
    """What the rule says of these servers; empty where it holds."""
    found = case.fact(API, "haproxy", servers=rows).judge([RULE])
    assert set(found) <= {RULE}
    return found[RULE][1] if found else ""


def addressed(case: Case, addresses: dict[str, str]) -> Case:
    """The same estate, with other addresses for its hosts, as an operator may write them."""
    hosts = tuple(replace(one, address=addresses.get(one.name, one.address)) for one in case.estate.hosts)
    return replace(case, estate=replace(case.estate, hosts=hosts))


@pytest.mark.parametrize(
    "addresses",
    [
        {"fleet-1": "fd56:766f:7867::31", "fleet-2": "fd56:766f:7867::32"},
        {"fleet-1": "prd-fleet-1.vox.internal", "fleet-2": "prd-fleet-2.vox.internal"},
        {"fleet-1": "jump-alias", "fleet-2": "203.0.113.7"},
    ],
    ids=["IPv6 in the estate", "names in the estate", "an alias, an address of a NAT"],
)
def test_a_worker_is_who_it_is_by_whichever_of_its_addresses(green: Case, addresses: dict[str, str]) -> None:
    case = addressed(green, addresses)
    assert judged(case, *servers(green)) == ""
    six = [
        replace(one, address=one.address.replace("198.51.100.3", "[fd56:766f:7867::3").replace(":81", "]:81"))
        for one in servers(green)
    ]
    assert judged(case, *six) == ""
    assert "has no server for fleet-1-voxcore@1" in judged(case, *servers(green)[1:])


def test_an_address_that_several_hosts_have_is_no_worker_of_another_host(green: Case) -> None:
    bridge = "172.17.0.1"
    case = green
    for host in ("fleet-1", "fleet-2"):
        case = case.host(host, addresses=(*known(case.of(host).addresses), bridge))
    said = judged(case, replace(servers(green)[0], address=f"{bridge}:8101"), *servers(green)[1:])
    assert f"({bridge}:8101) is no worker of this estate" in said
    said = judged(green, replace(servers(green)[0], address="127.0.0.1:8101"), *servers(green)[1:])
    assert "(127.0.0.1:8101) is no worker of this estate" in said


def test_workers_beside_haproxy_are_known_by_loopback(green: Case) -> None:
    hosts = [one for one in green.estate.hosts if one.name != "fleet-2"]
    hosts = [replace(one, roles=one.roles | {Role.API}) if one.name == "fleet-1" else one for one in hosts]
    hosts = [replace(one, roles=frozenset({Role.DATA})) if one.name == API else one for one in hosts]
    case = replace(green, estate=replace(green.estate, hosts=tuple(hosts)))
    rows = [replace(one, address=f"127.0.0.1:810{number}") for number, one in enumerate(servers(green)[:3], 1)]
    case = case.host("fleet-1", haproxy=replace(known(green.of(API).haproxy), servers=tuple(rows)))
    assert case.judge([RULE]) == {}


def test_a_backend_with_none_of_the_workers_is_something_elses(green: Case) -> None:
    assert judged(green, *servers(green), STRANGER, replace(STRANGER, backend="stats", address="")) == ""


def test_a_server_among_the_workers_is_one_of_them(green: Case) -> None:
    among = replace(STRANGER, backend=servers(green)[0].backend)
    assert judged(green, *servers(green), among).count("is no worker of this estate") == 1


def test_each_backend_that_has_a_worker_has_them_all(green: Case) -> None:
    said = judged(green, *servers(green), replace(servers(green)[0], backend="canary"))
    assert "backend canary has no server for fleet-1-voxcore@2" in said
    assert "fleet-1-voxcore@1," not in said


def advice(case: Case) -> str:
    """What there is to do about it."""
    (one,) = (one for one in expected(read_catalogue(), case.estate, (), deploying=frozenset()) if one.invariant.name == RULE)
    judged = without_pytest.judge(one, case.estate, case.evidence)
    assert judged is not None
    return judged.advice


def test_the_line_that_is_missing_is_said(green: Case) -> None:
    """Whoever mends it at night need not work out a port; the host is reached there as its other workers are."""
    first, *rest = servers(green)
    line = 'add "server fleet-1-1 198.51.100.31:8101 check" to backend'
    assert f"{line} {first.backend}, with what the lines of the others say" in advice(green.fact(API, "haproxy", servers=rest))
    by_name = [replace(one, address=one.address.replace("198.51.100.31", "one.internal")) for one in rest]
    known_by = addressed(green, {"fleet-1": "one.internal"})
    assert '"server fleet-1-1 one.internal:8101 check"' in advice(known_by.fact(API, "haproxy", servers=by_name))
    alone = addressed(green, {"fleet-1": "fd56:766f:7867::31"})
    said = advice(alone.fact(API, "haproxy", servers=servers(green)[3:]))
    assert '"server fleet-1-1 [fd56:766f:7867::31]:8101 check"' in said
    assert "to the backend of the workers" in advice(green.fact(API, "haproxy", servers=()))


def test_all_that_is_wrong_is_said_at_once(green: Case) -> None:
    first, second, third, *rest = servers(green)
    bad: list[Any] = [replace(first, checked=False), replace(second, status="DOWN"), replace(third, weight=0), *rest[:-1]]
    said = judged(green, *bad, replace(STRANGER, backend=first.backend))
    for one in ("is not checked", "is DOWN", "has weight 0", "has no server for", "is no worker of this estate"):
        assert one in said


def test_without_a_worker_in_any_backend_it_is_red(green: Case) -> None:
    assert "HAProxy has no server for fleet-1-voxcore@1" in judged(green, STRANGER)
    assert "HAProxy has no server for fleet-1-voxcore@1" in judged(green)


def test_a_backend_of_workers_is_one_that_calls_are_led_to(green: Case) -> None:
    def said(*led_to: str) -> str:
        found = green.fact(API, "haproxy", led_to=led_to).judge([RULE])
        return found[RULE][1] if found else ""

    name = servers(green)[0].backend
    assert said(name) == said(name, "shop") == said("*") == ""
    assert f"HAProxy leads nothing to backend {name}" in said("shop")
    assert f"HAProxy leads nothing to backend {name}" in said()


def test_a_worker_that_does_not_get_all_that_is_sent_is_red(green: Case) -> None:
    """One that begins late is an accident; where none comes there, and HAProxy says so itself, that is enough."""
    first, *rest = servers(green)
    for sent, status, words in (
        ((8, 4), "UP", "of 8 connections 4 needed their first packet twice"),
        ((8, 2), "UP", "of 8 connections 2 needed"),
        ((8, 8), "UP", "of 8 connections 8 needed"),
        ((20, 5), "UP", "of 20 connections 5 needed"),
        ((20, 4), "UP", ""),
        ((8, 1), "UP", ""),
        ((0, 0), "UP", ""),
    ):
        said = judged(green, replace(first, sent=sent, status=status), *rest)
        assert words in said
        assert bool(words) == bool(said)
    assert "first packet" not in judged(green, replace(first, sent=(8, 8), status="DOWN"), *rest)


def test_each_host_that_the_estate_gives_a_haproxy_must_run_it(green: Case) -> None:
    """Also where another host runs one: the words are of the one that does not."""
    found = green.fact(API, "haproxy", running=False).judge([RULE])
    assert found[RULE][1].startswith("api-1: no HAProxy runs, and the estate says it does")
