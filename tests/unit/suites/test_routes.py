"""What nginx does with the console's paths: nothing but what the build, the estate's services and the estate's words have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.cli.draft import drafted
from voxgate.model.evidence import known
from voxgate.model.web_servers import RouteFact, SiteFact

from .conftest import Case

API, RULE, SUBJECT = "api-1", "console-routes-are-known", "console-routes-are-known[console-api-1]"
DIST = RouteFact("server", "serves", "/opt/vox-frontend/dist")


def said(case: Case, *rows: tuple[str, str, str], names: tuple[str, ...] = ("_",), dist: RouteFact = DIST) -> str:
    """What the rule says of a server more that serves the build and does this; empty where it holds."""
    routes = (dist, *(RouteFact(*row) for row in rows))
    sites = (*known(case.of(API).nginx).sites, SiteFact(("80",), names, serves=True, routes=routes))
    found = case.fact(API, "nginx", sites=sites).judge([RULE])
    assert set(found) <= {SUBJECT}
    return found[SUBJECT][1] if found else ""


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("= /config.js", "answers", "application/javascript"), "answers = /config.js itself, with application/javascript"),
        (("/x", "answers", "text/html; charset=utf-8"), "that is no file of the build"),
        (("/x", "answers", "image/svg+xml"), "that is no file of the build"),
        (("/api/", "passes", "127.0.0.1:8079"), "passes /api/ on to 127.0.0.1:8079, where nothing of the estate listens"),
        (("/api/", "passes", "203.0.113.1:8080"), "where nothing of the estate listens"),
        (("/api/", "passes", "198.51.100.31:8080"), "where nothing of the estate listens"),
        (("/x", "passes", "unix:/run/x.sock"), "where nothing of the estate listens"),
        (("/x", "sends", "http://evil.example"), "sends people from /x on to http://evil.example"),
        (("/", "changes", "sub_filter"), "makes something else of what is served at /, by sub_filter"),
        (("/", "runs", "js_content"), "by js_content"),
        (("server", "tells apart", "$http_user_agent"), "serves at server by who asks, told apart by $http_user_agent"),
        (("server", "more", ""), "more routes than are looked at"),
    ],
)
def test_what_is_nothing_of_the_console_s_is_red(green: Case, row: tuple[str, str, str], words: str) -> None:
    assert words in said(green, row)


@pytest.mark.parametrize(
    "row",
    [
        ("= /lb-check", "answers", "text/plain"),
        ("= /nginx-health", "answers", "application/json"),
        ("/api/", "passes", "127.0.0.1:8080"),
        ("/api/", "passes", "localhost:8080"),
        ("/api/", "passes", "198.51.100.21:8080"),
        ("/api/", "passes", "[fd56:766f:7867::21]:8080"),
        ("/rtc", "passes", "198.51.100.41:7880"),
        ("/calls", "passes", "127.0.0.1:8100"),
        ("/calls", "passes", "198.51.100.32:8102"),
        ("server", "sends", "https://console.vox.example"),
        ("/old", "sends", "/"),
        ("/old", "sends", "$scheme://$host"),
        ("/.well-known/", "serves", "/var/www/letsencrypt"),
    ],
)
def test_what_is_the_estate_s_or_no_code_holds(green: Case, row: tuple[str, str, str]) -> None:
    assert said(green, row) == ""


def test_no_type_that_a_host_names_takes_time_or_is_no_code_by_a_line_more(green: Case) -> None:
    """Whoever is root on it says what stands there: a million letters were looked through once for each of them."""
    assert said(green, ("/x", "answers", "text/html" * 200_000 + "\n")).startswith("api-1: nginx answers /x itself, with")
    assert said(green, ("/x", "answers", "text/plain " * 200_000 + "\n")) == ""


def test_a_location_that_the_estate_names_is_not_judged(green: Case) -> None:
    rows = ("/grafana/", "passes", "127.0.0.1:3000"), ("= /config.js", "answers", "application/javascript")
    allowed = replace(green, estate=replace(green.estate, routes=("/grafana/", "= /config.js")))
    assert said(allowed, *rows) == ""
    assert "127.0.0.1:3000" in said(allowed, ("/grafana", "passes", "127.0.0.1:3000"))


def test_servers_of_something_else_are_not_judged(green: Case) -> None:
    row = ("/", "passes", "127.0.0.1:3000")
    elsewhere = RouteFact("server", "serves", "/var/www/docs")
    assert said(green, row, dist=elsewhere) == ""
    others = replace(green, estate=replace(green.estate, others=("docs.vox.example",)))
    assert said(others, row, names=("DOCS.vox.example",)) == ""
    assert said(others, row, names=("docs.vox.example", "_")) != ""


def test_an_earlier_probe_that_did_not_look_says_nothing(green: Case) -> None:
    sites = tuple(replace(one, routes=()) for one in known(green.of(API).nginx).sites)
    assert green.fact(API, "nginx", sites=sites).judge() == {}


@pytest.mark.parametrize(
    ("more", "offered"),
    [((), {"/grafana/", "= /config.js"}), ((RouteFact("server", "tells apart", "$http_user_agent"),), set())],
    ids=["locations", "and something else"],
)
def test_locations_are_offered_where_they_are_all_that_there_is(
    green: Case, more: tuple[RouteFact, ...], offered: set[str]
) -> None:
    rows = RouteFact("= /config.js", "answers", "text/css"), RouteFact("/grafana/", "passes", "127.0.0.1:3000")
    site = SiteFact(("80",), ("_",), serves=True, routes=(DIST, *rows, *more))
    case = green.fact(API, "nginx", sites=(*known(green.of(API).nginx).sites, site))
    found = [one.value for one in drafted(case.estate, case.evidence).entries if one.place == ("console", "routes")]
    assert {name for value in found if isinstance(value, tuple) for name in value} == offered
