"""What the rules about pages say at the edge of what is in order: of the backend, of the console, of its address by https.

The words are compared in docs/MESSAGES.md, whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from suites.test_console import NOTHING_OF_OURS
from suites.test_exposed import MONTH
from voxgate.model.evidence import Missing, known
from voxgate.model.front import Front
from voxgate.model.look import Look, Question
from voxgate.model.web_servers import SiteFact
from voxgate.survey.sites import api_asked, entrance_of, leading_ways, page_ways, site_questions

from .conftest import Case
from .test_all_at_once import page_says
from .test_each_message import API, mute, of_estate, placed, remote, services
from .test_front import DAY, FRONT, NAME, PLAIN, as_people, everywhere, good, placement, shows, with_site
from .test_judging import HEALTH, SITE
from .test_people import by, other, with_header

NO_WORD_OF_OURS = " ".join(sorted(NOTHING_OF_OURS))
LOST = Missing("failed", "nobody knows")
CLEAN, EXACT, EXPOSED, REACHED = (
    "backend-health-is-clean",
    "nginx-serves-exactly-dist",
    "console-exposes-nothing",
    "people-reach-the-console-by-https",
)


def sent_on(case: Case) -> Case:
    """Whoever asks the console on port 80 is sent on to https."""
    sent = {"location": f"https://{NAME}/"}
    return everywhere(case, lambda one: one.port == 80, status=301, headers=sent, body=b"", digest="")


def by_name_alone(case: Case, name: str = NAME, **parts: Any) -> Case:
    """The default server of nginx has nothing, and one by a name of its own answers so."""
    none = tuple(replace(one, serves=False) for one in known(case.of(API).nginx).sites)
    case = with_site(case.fact(API, "nginx", sites=none), (name,), **parts)
    return everywhere(case, lambda one: one.port == 80 and ("Host", name) not in one.headers, status=404, body=b"", digest="")


def by_no_name(case: Case, page: bytes) -> Case:
    """As certbot leaves nginx beside other sites: the first of these is the default server of port 80, and has this page."""
    case = with_site(with_site(case.fact(API, "nginx", sites=()), ("docs.vox.example",)), (NAME,))
    sent, html = {"location": f"https://{NAME}/"}, {"content-type": "text/html"}
    case = everywhere(case, lambda one: one.port == 80 and ("Host", NAME) not in one.headers, status=404, body=b"", digest="")
    others = lambda one: one.path == "/" and ("Host", NAME) not in one.headers  # noqa: E731
    case = everywhere(case, others, status=200, body=b"<h1>Runbooks", digest="", headers=html)
    case = everywhere(case, lambda one: ("Host", NAME) in one.headers, status=301, headers=sent, body=b"", digest="")
    return everywhere(case, lambda one: one.path == "/" and not one.headers, body=page)


def beside(case: Case, port: int, *, serves: bool, **parts: Any) -> Case:
    """A server of nginx more, by a name of its own, that answers so."""
    nginx = known(case.of(API).nginx)
    case = case.fact(API, "nginx", sites=(*nginx.sites, SiteFact((str(port),), ("x.example",), serves)))
    site, entrance = placement(case).service.site, entrance_of(case.estate, placement(case))
    assert entrance is not None
    ways = [*page_ways(case.of(API), entrance), *leading_ways(case.of(API), entrance)]
    like = replace(known(case.evidence.second.answer(SITE)), **parts)
    more = {question: like for way in ways if (question := way.question(site, "")) not in case.evidence.second.answers}
    assert more
    return case.look(lambda look: replace(look, answers={**look.answers, **more}))


def at_an_address(case: Case) -> Case:
    """One of many addresses of the host shows another page to whoever comes by no name."""
    host = case.of(API)
    case = case.host(API, addresses=(*known(host.addresses), *(f"198.51.100.{number}" for number in range(90, 99))))
    site, entrance = placement(case).service.site, entrance_of(case.estate, placement(case))
    assert entrance is not None
    files = known(case.of(API).dists["console"]).files
    answers = case.evidence.second.answers
    told: dict[Question, Any] = {}
    for question in site_questions(case.of(API), site, files, entrance) - answers.keys():
        named = ("Host", "x.example") in question.headers
        like = known(answers[Question(API, 80, question.path, headers=question.headers if named else ())])
        is_old = question.address == "198.51.100.98" and not named
        told[question] = replace(like, body=b"old", digest="") if is_old else like
    return case.look(lambda look: replace(look, answers={**told, **look.answers}))


def api(case: Case, own: Mapping[str, Any], passed: Mapping[str, Any]) -> Case:
    """A page of the API as the backend itself answers it, and as it comes through nginx, each with these parts."""
    for question, parts in zip(api_asked(case.estate, placed(case, "backend"))[0], (own, passed), strict=True):
        case = case.answer(question, **parts)
    return case


def says(**words: Any) -> dict[str, Any]:
    """A page of the API with these members more."""
    document = {"pong": True, "service": "vox-backend", "version": "1"} | words
    return {"body": json.dumps(document).encode(), "headers": {}, "digest": ""}


def ends(case: Case, days: float) -> Case:
    """A certificate that ends so long after it was asked for."""
    asked = {one.asked for question, one in case.evidence.second.answers.items() if question.tls}  # type: ignore[union-attr]
    return everywhere(
        everywhere(case, lambda one: bool(one.tls), asked=max(asked)),
        lambda one: bool(one.tls),
        certificate=replace(good(case), ends=max(asked) + days * DAY, begins=max(asked)),
    )


def kept(case: Case, words: str) -> Case:
    """What browsers may keep is said so."""
    assets = lambda one: one.path.startswith("/assets/") and one.path != "/assets/"  # noqa: E731
    return other(case, assets, with_header(cache_control=words))


def without_index(case: Case) -> Case:
    """A build that has none."""
    files = {path: row for path, row in known(case.of(API).dists["console"]).files.items() if path != "index.html"}
    return case.of_service(API, "dists", "console", files=files)


def strange_root(case: Case, **parts: Any) -> Case:
    """A folder more that nginx serves, and no page."""
    return case.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/var/www/old")).answer(SITE, **parts)


def lost_page(case: Case) -> Case:
    """A host's build is not known."""
    dists: Any = {**case.of(API).dists, "console": LOST}
    return case.host(API, dists=dists)


CASES: dict[str, tuple[Callable[[Case], Case], str]] = {
    "a page in two seconds": (lambda g: g.answer(HEALTH, seconds=2.0), CLEAN),
    "a page of another service": (lambda g: page_says(g, HEALTH, service="vox-other"), CLEAN),
    "a page that fails": (lambda g: g.answer(HEALTH, status=500), CLEAN),
    "no page": (lambda g: mute(g, [HEALTH]), CLEAN),
    "no page, and never released": (lambda g: remote(mute(g, [HEALTH]), "backend", release=None), CLEAN),
    "no page through nginx alone": (lambda g: mute(g, [Question(API, 80, "/health")]), CLEAN),
    "no page through nginx, as people ask": (
        lambda g: everywhere(
            as_people(g), lambda one: one.path == "/health" and bool(one.tls), status=0, body=b"", trouble="refused"
        ),
        CLEAN,
    ),
    "a backend behind what sends people on": (sent_on, CLEAN),
    "an API that the backend itself has not": (lambda g: api(g, {"status": 499}, {"status": 502}), CLEAN),
    "another version of an API": (lambda g: api(g, says(), says(version="2")), CLEAN),
    "a member less of an API": (lambda g: api(g, says(more="x"), says()), CLEAN),
    "a console behind what sends people on": (sent_on, EXACT),
    "a console by its name alone": (
        lambda g: by_name_alone(g, body=g.evidence.second.answer(SITE).body, digest=g.evidence.second.answer(SITE).digest),
        EXACT,
    ),
    "another page by that name": (lambda g: by_name_alone(g, body=b"<h1>docs", digest=""), EXACT),
    "another site by no name": (lambda g: by_no_name(g, b"<h1>Runbooks"), EXACT),
    "a third page by no name": (lambda g: by_no_name(g, b"an old build"), EXACT),
    "a default server that is mute": (
        lambda g: everywhere(
            by_name_alone(g, body=g.evidence.second.answer(SITE).body, digest=g.evidence.second.answer(SITE).digest),
            lambda one: one.port == 80 and one.path == "/" and ("Host", NAME) not in one.headers,
            status=0,
            trouble="connection refused",
        ),
        EXACT,
    ),
    "a site beside that is mute": (
        lambda g: beside(g, 80, serves=False, status=0, body=b"", digest="", trouble="connection refused"), EXACT,
    ),
    "one that serves files, and sends people elsewhere": (
        lambda g: beside(g, 80, serves=True, status=301, headers={"location": "http://x.example/"}, body=b"", digest=""), EXACT,
    ),
    "one that serves another page, and names https": (
        lambda g: beside(g, 80, serves=True, headers={"location": "https://x.example/"}, body=b"old", digest=""), EXACT,
    ),
    "one that serves files, and is mute, where people come by https": (
        lambda g: beside(as_people(g), 443, serves=True, status=0, body=b"", digest="", trouble="refused"), EXACT,
    ),
    "no listener is known, where people come by https": (lambda g: as_people(g).host(API, listeners=LOST), EXACT),
    "every word that lets nothing in": (
        lambda g: other(g, by("Chrome of"), with_header(content_security_policy=f"script-src {NO_WORD_OF_OURS}")), EXACT,
    ),
    "no index": (without_index, EXACT),
    "from where people see it is not said": (lambda g: of_estate(g, seen_from=None), EXACT),
    "another page at one of many addresses, beside another site": (
        lambda g: at_an_address(beside(g, 80, serves=True, body=b"<h1>docs", digest="")), EXACT,
    ),
    "no address is known": (lambda g: g.host(API, addresses=LOST), EXACT),
    "nothing of nginx is known": (lambda g: g.host(API, nginx=LOST), EXACT),
    "no listener is known, for what is hidden": (lambda g: as_people(g).host(API, listeners=LOST), EXPOSED),
    "a page that nginx does not have": (lambda g: g.answer(SITE, status=503), EXPOSED),
    "a page that breaks off": (lambda g: g.answer(SITE, trouble="the connection broke off"), EXPOSED),
    "what is hidden, where all are sent on": (sent_on, EXPOSED),
    "a folder more, and no page": (lambda g: strange_root(g, status=503, headers={}), EXPOSED),
    "a folder more, and a page that breaks off": (lambda g: strange_root(g, trouble="broke off", headers={}), EXPOSED),
    "something is handed out by another status": (
        lambda g: g.answer(Question(API, 80, "/.env"), status=299, body=b"A=1", digest=""), EXPOSED,
    ),
    "kept for a month but for a second": (lambda g: kept(g, f"immutable, max-age={MONTH - 1}"), EXPOSED),
    "kept by others for long": (lambda g: kept(g, f"immutable, s-maxage={MONTH}"), EXPOSED),
    "kept, and asked for again": (lambda g: kept(g, f"max-age={MONTH}"), EXPOSED),
    "not to be asked for again, for no time": (lambda g: kept(g, "immutable"), EXPOSED),
    "a certificate that ends at once": (lambda g: ends(as_people(g), 0), REACHED),
    "a certificate that has just ended": (lambda g: ends(as_people(g), -0.001), REACHED),
    "a certificate that ends in less than a day": (lambda g: ends(as_people(g), 0.9), REACHED),
    "a certificate that ends a little too soon": (lambda g: ends(as_people(g), FRONT.days - 0.001), REACHED),
    "a certificate that could not be read": (lambda g: shows(as_people(g), unread="/ca.pem: No such file"), REACHED),
    "one that could not be read beside one that ended": (
        lambda g: everywhere(
            shows(as_people(g), unread="/ca.pem: No such file"),
            lambda one: one.tls == NAME and one.address == "::1",
            certificate=replace(good(g), ends=0.0),
        ),
        REACHED,
    ),
    "a certificate for another address": (
        lambda g: shows(as_people(g, replace(FRONT, name="192.0.2.1")), names=("192.0.2.2", "*.0.2.1")), REACHED,
    ),
    "a certificate for the first label alone": (lambda g: shows(as_people(g), names=("*.console", "*.", "console")), REACHED),
    "a name without a dot": (
        lambda g: shows(as_people(g, replace(FRONT, name="console")), names=("*.", "*")), REACHED,
    ),
    "a balancer that is mute": (
        lambda g: everywhere(
            as_people(g, PLAIN), lambda one: one.address == PLAIN.at, status=0, body=b"", trouble="connection refused"
        ),
        REACHED,
    ),
    "a balancer that leads elsewhere": (
        lambda g: everywhere(as_people(g, PLAIN), lambda one: one.address == PLAIN.at, body=b"old", digest=""), REACHED,
    ),
    "a balancer, and a build that is not known": (lambda g: lost_page(as_people(g, PLAIN)), REACHED),
    "no listener is known, for certificates": (lambda g: as_people(g).host(API, listeners=LOST), REACHED),
    "no address is known, for certificates": (lambda g: as_people(g).host(API, addresses=LOST), REACHED),
}  # fmt: skip


def at_port(case: Case, front: Front, **parts: Any) -> Case:
    """The console as people reach it, with a server beside it."""
    return beside(as_people(case, front), front.own_port, serves=False, **parts)


def with_type(look: Look) -> Look:
    """The page says in which letters it is written."""
    headers = {**known(look.answer(SITE)).headers, "content-type": "text/html; charset=utf-8"}
    return replace(look, answers={**look.answers, SITE: replace(known(look.answer(SITE)), headers=headers)})


FINE: dict[str, tuple[Callable[[Case], Case], str]] = {
    "a page in less than two seconds": (lambda g: g.answer(HEALTH, seconds=1.9), CLEAN),
    "an API that fails by itself": (lambda g: api(g, {"status": 500}, {"status": 502}), CLEAN),
    "an API that itself is mute": (lambda g: api(g, {"status": 0, "trouble": "refused"}, {}), CLEAN),
    "an API that says the time, in letters": (lambda g: api(g, says(time="a"), says(time="b")), CLEAN),
    "a page in letters that it names": (lambda g: g.look(with_type), EXACT),
    "a site beside that sends people on to https": (
        lambda g: beside(g, 80, serves=True, status=301, headers={"location": "https://x.example/"}, body=b"", digest=""), EXACT,
    ),
    "a site beside that is mute, where people come by https": (
        lambda g: at_port(g, FRONT, status=0, body=b"", digest="", trouble="connection refused"), EXACT,
    ),
    "no listener is known": (lambda g: g.host(API, listeners=LOST), EXACT),
    "no listener is known, for what is hidden": (lambda g: g.host(API, listeners=LOST), EXPOSED),
    "a policy against questions, where there is no API": (
        lambda g: other(
            services(g, "backend", proxied_api=None), by("Chrome of"), with_header(content_security_policy="connect-src 'none'")
        ),
        EXACT,
    ),
    "kept for a month": (lambda g: kept(g, f"immutable, max-age={MONTH}"), EXPOSED),
    "a hidden path that is sent elsewhere": (
        lambda g: g.answer(Question(API, 80, "/.env"), status=300, body=b"A=1", digest=""), EXPOSED,
    ),
    "a hidden path that is not answered yet": (
        lambda g: g.answer(Question(API, 80, "/.env"), status=199, body=b"A=1", digest=""), EXPOSED,
    ),
    "a certificate that ends just late enough, and begins now": (lambda g: ends(as_people(g), FRONT.days), REACHED),
    "a certificate for all of a domain": (
        lambda g: shows(as_people(g), names=(f"*.{NAME.partition('.')[2]}",)), REACHED,
    ),
    "a certificate for an address": (
        lambda g: shows(as_people(g, replace(FRONT, name="192.0.2.1")), names=("x.example", "192.0.2.1")), REACHED,
    ),
    "a certificate for a name without a dot": (
        lambda g: shows(as_people(g, replace(FRONT, name="console")), names=("console",)), REACHED,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_over_the_edge_is_said(green: Case, name: str) -> None:
    change, said_by = CASES[name]
    assert change(green).judge([said_by])


@pytest.mark.parametrize("name", FINE)
def test_what_is_just_in_order_is(green: Case, name: str) -> None:
    change, said_by = FINE[name]
    assert change(green).judge([said_by]) == {}
