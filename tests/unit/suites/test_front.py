"""The console as people reach it: by https, behind a balancer, beside what else the same nginx serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.model.answers import Answer, Certificate
from voxgate.model.estate import Listener
from voxgate.model.evidence import known
from voxgate.model.front import Front
from voxgate.model.invariant import expected
from voxgate.model.look import Look, Question
from voxgate.model.web_servers import SiteFact
from voxgate.plugin import without_pytest
from voxgate.survey.browsers import called
from voxgate.survey.questions import questions_of
from voxgate.survey.sites import balanced, entrance_of, leading_ways, proxied, site_questions, site_ways

from .conftest import Case

API, FLEET, NAME = "api-1", "fleet-1", "console.vox.example"
FRONT = Front(NAME, 443, tls=True)
REACHED, EXACT, EXPOSED = (
    "people-reach-the-console-by-https",
    "nginx-serves-exactly-dist[console-api-1]",
    "console-exposes-nothing[console-api-1]",
)
HEALTH = "backend-health-is-clean[api-1-voxbridge]"
DAY = 86400.0


def placement(case: Case) -> Any:
    """The console on its host."""
    return next(one for one in case.estate.placements if one.service.name == "console")


def good(case: Case) -> Certificate:
    """A certificate that all is well with."""
    now = case.evidence.second.taken
    return Certificate((NAME,), now - 30 * DAY, now + 60 * DAY)


def as_people(green: Case, front: Front = FRONT) -> Case:
    """The lab, whose console is served as its estate says: what was answered on port 80 is answered there."""
    old = [one for one in known(green.of(API).listeners) if one.port == 80]
    listeners = (*known(green.of(API).listeners), *(replace(one, port=front.own_port) for one in old))
    said = green.estate.listeners or {}
    said = {**said, "api": (*said["api"], Listener("nginx.service", front.own_port))}
    case = replace(green.host(API, listeners=listeners), estate=replace(green.estate, front=front, listeners=said))
    nginx = known(case.of(API).nginx)
    case = case.fact(API, "nginx", sites=(*nginx.sites, SiteFact((str(front.own_port), "[::]:80"), (NAME,), serves=True)))
    service, entrance = placement(case).service, entrance_of(case.estate, placement(case))
    assert entrance is not None
    files = known(case.of(API).dists["console"]).files
    asked = {
        *site_questions(case.of(API), service.site, files, entrance, service.deep_links),
        *questions_of(case.estate),
    }
    leading = {way[:3] for way in leading_ways(case.of(API), entrance)}
    sent = {"location": f"{front.url}/"}

    def change(look: Look) -> Look:
        answers = dict(look.answers)
        for question in asked - answers.keys():
            bare = tuple(one for one in question.headers if one[0] not in {"Host", "X-Forwarded-Proto"})
            from_outside = Question(FLEET, 80, question.path, green.estate.host(API).address, bare)
            here = Question(API, 80, question.path, headers=() if called(bare) else bare)
            like = known(look.answers[from_outside if from_outside in look.answers else here])
            if (question.host, question.address, question.port) in leading and not question.tls and front.served_by_tls:
                like = replace(like, status=301, headers=sent, body=b"", digest="")
            answers[question] = replace(like, certificate=good(case) if question.tls else None)
        return replace(look, answers=answers)

    return case.look(change)


def everywhere(case: Case, wanted: Callable[[Question], bool], **parts: Any) -> Case:
    """Other answers to some questions."""

    def change(look: Look) -> Look:
        found = {one: replace(known(answer), **parts) for one, answer in look.answers.items() if wanted(one)}
        assert found
        return replace(look, answers={**look.answers, **found})

    return case.look(change)


def shows(case: Case, **parts: Any) -> Case:
    """Another certificate."""
    return everywhere(case, lambda one: bool(one.tls), certificate=replace(good(case), **parts))


PLAIN = Front(NAME, 443, tls=True, plain=80, at="192.0.2.80")


@pytest.mark.parametrize(
    "front",
    [
        FRONT,
        Front(NAME, 8443, tls=True),
        Front(NAME, 8080, tls=False),
        Front(NAME, 443, tls=True, at="192.0.2.80"),
        PLAIN,
        Front(NAME, 443, tls=True, plain=8080),
    ],
    ids=["https", "another port", "http", "at another address", "TLS ends before", "at another port"],
)
def test_a_console_that_is_served_as_the_estate_says_holds(green: Case, front: Front) -> None:
    case = as_people(green, front)
    assert case.judge() == {}
    judged = {one.id for one in expected(read_catalogue(), case.estate, (), deploying=frozenset())}
    assert (REACHED in judged) == front.tls
    entrance = entrance_of(case.estate, placement(case))
    assert entrance is not None
    ways = site_ways(case.of(API), entrance)
    assert {way.port for way in ways} == {front.own_port}
    assert {way.tls for way in ways} == {NAME if front.served_by_tls else ""}
    assert all(("Host", front.authority) in way.headers for way in ways)
    through = proxied(case.estate, placement(case))
    assert through is None
    assert (balanced(case.estate) is None) == (front.plain is None and front.at is None)


def test_port_80_is_not_asked_for_the_pages_where_people_use_another(green: Case) -> None:
    case = everywhere(
        as_people(green), lambda one: one.port == 80 and one.headers == () and one.address != "127.0.0.1", status=500
    )
    assert case.judge() == {}


CASES: dict[str, tuple[Callable[[Case], Case], set[str], str]] = {
    "another folder at one address": (
        lambda c: everywhere(c, lambda one: one.port == 443 and one.path == "/" and one.address == "::1", body=b"old", digest=""),
        {EXACT},
        "GET :443/ (from api-1 by ::1, Host console.vox.example, TLS",
    ),
    "another folder": (
        lambda c: everywhere(c, lambda one: one.port == 443 and one.path in {"/", "/favicon.svg"}, body=b"old", digest=""),
        {EXACT},
        "/favicon.svg",
    ),
    "no answer by TLS": (
        lambda c: everywhere(c, lambda one: one.port == 443 and one.host == FLEET, status=0, body=b"", trouble="no TLS: x"),
        {EXACT, EXPOSED, HEALTH},
        "gave no answer: no TLS: x",
    ),
    "settings by https": (
        lambda c: everywhere(c, lambda one: one.port == 443 and one.path == "/.env", status=200, body=b"A=1", digest=""),
        {EXPOSED},
        "GET :443/.env is answered with 200",
    ),
    "settings by http": (
        lambda c: everywhere(c, lambda one: one.port == 80 and one.path == "/.env", status=200, body=b"A=1", digest=""),
        {EXPOSED},
        "GET :80/.env is answered with 200",
    ),
    "the page in the open": (
        lambda c: everywhere(
            c, lambda one: (one.port, one.path) == (80, "/") and one.headers == FRONT.headers, status=200, headers={}
        ),
        {REACHED},
        "answers 200, not on to https://console.vox.example",
    ),
    "sent to another name": (
        lambda c: everywhere(
            c, lambda one: one.port == 80 and one.headers == FRONT.headers, headers={"location": "https://x.example/"}
        ),
        {REACHED},
        "sends people to https://x.example/",
    ),
    "ends soon": (
        lambda c: shows(c, ends=c.evidence.second.taken + 13.2 * DAY),
        {REACHED},
        "ends in 13 days",
    ),
    "ended, of another name, not trusted": (
        lambda c: shows(c, ends=c.evidence.second.taken - 3 * DAY, names=("a.example",), flaw="self-signed certificate"),
        {REACHED},
        "ended 3 days ago",
    ),
    "not trusted": (lambda c: shows(c, flaw="self-signed certificate"), {REACHED}, "not trusted: self-signed certificate"),
    "not begun": (
        lambda c: shows(c, begins=c.evidence.second.taken + 3 * DAY, flaw="certificate is not yet valid"),
        {REACHED},
        "begins only on",
    ),
    "at one address": (
        lambda c: everywhere(c, lambda one: one.tls == NAME and one.address == "::1", certificate=replace(good(c), names=("b",))),
        {REACHED},
        "api-1 :443 (from api-1 by ::1, Host console.vox.example, TLS)",
    ),
    "no certificate": (lambda c: everywhere(c, lambda one: bool(one.tls), certificate=None), {REACHED}, "shows no certificate"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_as_people_see_it_is_red(green: Case, name: str) -> None:
    change, wanted, said = CASES[name]
    found = change(as_people(green)).judge()
    assert {one for one, (verdict, _) in found.items() if verdict == "violated" or one == EXPOSED} == wanted
    assert any(said in what for _, what in found.values()), found


def test_all_that_is_wrong_with_a_certificate_is_said_at_once(green: Case) -> None:
    case = as_people(green)
    found = shows(case, ends=case.evidence.second.taken - DAY, names=("a.example",), flaw="self-signed certificate").judge()
    _, said = found[REACHED]
    assert all(one in said for one in ("ended 1 day ago", "for a.example, not for", "not trusted: self-signed"))


@pytest.mark.parametrize(
    ("front", "parts"),
    [
        (FRONT, {"names": (f"*.{NAME.partition('.')[2]}",)}),
        (FRONT, {"names": ("x.example", NAME.upper())}),
        (replace(FRONT, name="192.0.2.1"), {"names": ("192.0.2.1",)}),
        (replace(FRONT, days=3), {"ends": 4 * DAY}),
    ],
    ids=["a wildcard", "in capitals", "an address", "fewer days"],
)
def test_what_browsers_accept_holds(green: Case, front: Front, parts: dict[str, Any]) -> None:
    case = as_people(green, front)
    if "ends" in parts:
        parts = {"ends": case.evidence.second.taken + parts["ends"]}
    assert shows(case, **parts).judge() == {}


def test_no_wildcard_stands_for_more_than_a_label(green: Case) -> None:
    assert REACHED in shows(as_people(green), names=("*.example", "*")).judge()


def test_a_certificate_that_could_not_be_judged_is_blind(green: Case) -> None:
    found = shows(as_people(green), unread="/ca.pem: No such file or directory").judge()
    assert {one: verdict for one, (verdict, _) in found.items()} == {REACHED: "blind"}


@pytest.mark.parametrize(
    "parts", [{"body": b"old", "digest": ""}, {"status": 503}, {"trouble": "connection refused", "status": 0}]
)
def test_where_tls_ends_before_the_hosts_the_name_itself_is_asked(green: Case, parts: dict[str, Any]) -> None:
    found = everywhere(as_people(green, PLAIN), lambda one: one.address == "192.0.2.80", **parts).judge()
    assert {one: verdict for one, (verdict, _) in found.items()} == {REACHED: "violated"}


def with_site(case: Case, names: tuple[str, ...], **parts: Any) -> Case:
    """A server of nginx more on port 80, by names of its own, that answers so."""
    nginx = known(case.of(API).nginx)
    like = known(case.evidence.second.answers[Question(API, 80, "/")])
    case = case.fact(API, "nginx", sites=(*nginx.sites, SiteFact(("80",), names, serves=True)))
    entrance = entrance_of(replace(case.estate, others=()), placement(case))
    assert entrance is not None
    files = known(case.of(API).dists["console"]).files
    asked = site_questions(case.of(API), placement(case).service.site, files, entrance)
    more: dict[Question, Answer] = {one: replace(like, **parts) for one in asked if one not in case.evidence.second.answers}
    return case.look(lambda look: replace(look, answers={**look.answers, **more}))


def test_a_server_of_something_else_is_allowed_by_its_name_alone(green: Case) -> None:
    def judged(*others: str) -> dict[str, tuple[str, str]]:
        return replace(case, estate=replace(case.estate, others=others)).judge()

    case = with_site(green, ("grafana.x.example", "*.docs.example", "old.x.example"), body=b"<title>Grafana", digest="")
    found = judged()
    assert found.keys() == {EXACT}
    assert all(f"answers as {one} 200" in found[EXACT][1] for one in ("grafana.x.example", "*.docs.example", "old.x.example"))
    assert judged("Grafana.x.example", "*.docs.example", "old.x.example") == {}
    assert judged("grafana.x.example", "*.docs.example").keys() == {EXACT}
    assert judged("*.x.example", "*.docs.example") == {}
    assert judged("grafana.x.example", "docs.example", "old.x.example").keys() == {EXACT}


def test_a_folder_that_nginx_may_serve_is_allowed_by_the_estate_alone(green: Case) -> None:
    case = green.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/var/www/docs/", "/var/www/old", "/var/www/new"))
    found = case.judge()
    assert found.keys() == {EXPOSED}
    assert all(one in found[EXPOSED][1] for one in ("/var/www/docs/", "/var/www/old", "/var/www/new"))
    case = replace(case, estate=replace(case.estate, web_roots=("/var/www/docs", "/var/www/old")))
    assert "/var/www/docs" not in case.judge()[EXPOSED][1]
    assert case.judge()[EXPOSED][1].count("/var/www/new") == 1


def offered(case: Case) -> dict[str, tuple[str, list[str]]]:
    """What is said of what does not hold: the advice, and the lines that the estate may have instead."""
    told = {}
    for one in expected(read_catalogue(), case.estate, (), deploying=frozenset()):
        judged = without_pytest.judge(one, case.estate, case.evidence) if one.id in {EXACT, EXPOSED, HEALTH} else None
        if judged is not None and judged.advice:
            told[one.id] = judged.advice, [entry.line for entry in judged.entries]
    return told


def test_where_all_are_sent_on_to_https_the_line_to_paste_is_told(green: Case) -> None:
    sent = {"location": "https://console.vox.example/health"}
    case = everywhere(green, lambda one: one.port == 80, status=301, headers=sent, body=b"", digest="")
    line = 'url = "https://console.vox.example"'
    told = offered(case)
    assert {one for one, (advice, _) in told.items() if f"[console] in hosts/lab.toml: {line}" in advice} == {
        EXACT,
        EXPOSED,
        HEALTH,
    }
    assert told[EXACT][1] == told[HEALTH][1] == [line]
    other = everywhere(case, lambda one: one.port == 80 and one.address == "::1", headers={"location": "https://x.example/"})
    assert offered(other)[EXACT][1] == []


def test_where_the_console_is_seen_by_its_name_alone_the_line_to_paste_is_told(green: Case) -> None:
    index = known(green.evidence.second.answers[Question(API, 80, "/")])
    none = tuple(replace(one, serves=False) for one in known(green.of(API).nginx).sites)  # a default server that has nothing
    case = with_site(green.fact(API, "nginx", sites=none), (NAME,), body=index.body, digest=index.digest)
    case = everywhere(case, lambda one: one.port == 80 and ("Host", NAME) not in one.headers, status=404, body=b"", digest="")
    assert offered(case)[EXACT][1] == [f'url = "http://{NAME}"']
    to = {"location": f"https://{NAME}/"}
    sent = everywhere(case, lambda one: ("Host", NAME) in one.headers, status=301, headers=to, body=b"", digest="")
    assert offered(sent)[EXACT][1] == [f'url = "https://{NAME}"']
    away = {"location": "https://x.example/"}
    other = everywhere(case, lambda one: ("Host", NAME) in one.headers, status=301, headers=away, body=b"", digest="")
    assert offered(other)[EXACT][1] == []
    old = everywhere(case, lambda one: ("Host", NAME) in one.headers and one.address == "::1", body=b"old", digest="")
    assert offered(old)[EXACT][1] == []
    page = everywhere(
        case, lambda one: one.path == "/" and one.address == "::1" and not one.headers, status=200, body=b"x", digest=""
    )
    assert offered(page)[EXACT][1] == []


def test_who_asks_by_no_name_may_get_another_site(green: Case) -> None:
    """As certbot leaves nginx beside other sites: the first of these is the default server of port 80."""
    docs = "docs.vox.example"
    case = with_site(with_site(green.fact(API, "nginx", sites=()), (docs,)), (NAME,))
    to, page = {"location": f"https://{NAME}/"}, b"<h1>Runbooks</h1>"
    case = everywhere(case, lambda one: one.port == 80 and ("Host", NAME) not in one.headers, status=404, body=b"", digest="")
    told = {"status": 200, "body": page, "digest": "", "headers": {"content-type": "text/html"}}
    case = everywhere(case, lambda one: one.path == "/" and ("Host", NAME) not in one.headers, **told)
    case = everywhere(case, lambda one: ("Host", NAME) in one.headers, status=301, headers=to, body=b"", digest="")
    assert offered(case)[EXACT][1] == [f'url = "https://{NAME}"', f'others = ["{docs}"]']
    strange = everywhere(case, lambda one: one.path == "/" and not one.headers, body=b"an old build", digest="")
    assert offered(strange)[EXACT][1] == []


def test_an_entry_is_offered_where_nothing_else_is_wrong(green: Case) -> None:
    case = with_site(green, ("grafana.x.example", "*.docs.example"), body=b"<title>Grafana", digest="")
    case = case.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/var/www/docs/"))
    told = offered(case)
    assert told[EXACT][1] == ['others = ["grafana.x.example"]', 'others = ["*.docs.example"]']
    assert told[EXPOSED][1] == ['web_roots = ["/var/www/docs/"]']
    old = everywhere(case, lambda one: one.path == "/favicon.svg" and one.address == "::1", body=b"old", digest="")
    assert offered(old)[EXACT][1] == []
    secret = case.answer(Question(API, 80, "/.env"), status=200, body=b"A=1", digest="")
    assert offered(secret)[EXPOSED][1] == []
    anywhere = case.fact(API, "nginx", roots=("/opt/vox-frontend/dist", "/opt/x/$arg_file"))
    assert offered(anywhere)[EXPOSED][1] == []


def with_answers(look: Look, told: dict[Question, Answer]) -> Look:
    """A look with other answers to some questions."""
    return replace(look, answers={**look.answers, **told})


@pytest.mark.parametrize("path", ["/nginx_status", "/server-status", "/.env"])
def test_numbers_that_the_host_alone_gets_are_for_operators(green: Case, path: str) -> None:
    """An agent reads them by loopback; what others get is asked from outside. Nothing else may be served to the host either."""
    entrance = entrance_of(green.estate, placement(green))
    assert entrance is not None
    numbers = replace(known(green.evidence.second.answers[Question(API, 80, path)]), status=200, body=b"Active: 1", digest="")
    for others, held in ((replace(numbers, status=403), path != "/.env"), (numbers, False)):
        told = {Question(API, 80, path): numbers, entrance.public.asked(path): others}
        case = replace(green, evidence=replace(green.evidence, second=with_answers(green.evidence.second, told)))
        assert (EXPOSED not in case.judge(["console-exposes-nothing"])) is held


def test_no_name_of_a_file_makes_the_rule_about_what_browsers_keep_take_time(green: Case) -> None:
    """Whoever is root on a host says how its files are called: each dash of such a name was the beginning of another look."""
    files = {**known(green.of(API).dists["console"]).files, "assets/" + "-a" * 500_000: (1, "0" * 64)}
    assert green.of_service(API, "dists", "console", files=files).judge(["console-exposes-nothing"]) == {}
