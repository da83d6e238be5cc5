"""What people are served, whoever they are and whatever their browsers say: the page, and the API behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import brotli
import pytest
import zstandard

from voxgate.model.answers import Answer
from voxgate.model.evidence import known
from voxgate.model.look import Look, Question
from voxgate.survey.browsers import BROWSERS, RETURNING, called
from voxgate.survey.codings import packed, unpacked
from voxgate.survey.sites import NO_PAGE

from .conftest import Case

API, FLEET = "api-1", "fleet-1"
EXACT, HEALTH = "nginx-serves-exactly-dist[console-api-1]", "backend-health-is-clean[api-1-voxbridge]"


def other(case: Case, wanted: Callable[[Question], bool], change: Callable[[Answer], Answer]) -> Case:
    """Other answers to some questions."""

    def changed(look: Look) -> Look:
        found = {one: change(known(answer)) for one, answer in look.answers.items() if wanted(one)}
        assert found
        return replace(look, answers={**look.answers, **found})

    return case.look(changed)


def by(*agents: str) -> Callable[[Question], bool]:
    """The page, asked for by a browser whose name has one of these words."""
    return lambda one: one.path == "/" and any(word in called(one.headers) for word in agents)


def with_header(**headers: str) -> Callable[[Answer], Answer]:
    """The same answer, with more headers."""
    return lambda one: replace(one, headers={**one.headers, **{key.replace("_", "-"): value for key, value in headers.items()}})


def instead(**parts: Any) -> Callable[[Answer], Answer]:
    """Another answer."""
    return lambda one: replace(one, **parts)


def of_the_api(path: str) -> Callable[[Question], bool]:
    """A page of the API through nginx."""
    return lambda one: one.path == f"/api/{path}" and one.port == 80


OLD: Mapping[str, Any] = {"body": b"<h1>of before</h1>", "digest": "", "headers": {"content-type": "text/html"}}
WRONG: dict[str, tuple[Callable[[Question], bool], Callable[[Answer], Answer], str, str]] = {
    "another page for one browser": (by("Firefox"), instead(**OLD), EXACT, "as Firefox"),
    "another page for phones": (by("of a phone"), instead(**OLD), EXACT, "as Safari of a phone, and 1 more way"),
    "no page for phones": (by("of a phone"), instead(status=403), EXACT, "answers 403"),
    "304 to whoever was there": (
        lambda one: RETURNING[0] in one.headers and one.path == "/",
        instead(status=304, body=b""),
        EXACT,
        "answers 304 to a browser that has another page",
    ),
    "no deep link": (lambda one: one.path == "/calls/7", instead(status=404, body=b""), EXACT, "GET :80/calls/7"),
    "sent on by a header": (by("Chrome of"), with_header(refresh="0; url=http://192.0.2.1/"), EXACT, "has Refresh"),
    "kept as a file": (by("Chrome of"), with_header(content_disposition="Attachment; filename=x"), EXACT, "has Content-Disp"),
    "logged out": (by("Chrome of"), with_header(clear_site_data='"*"'), EXACT, "has Clear-Site-Data"),
    "another style": (by("Chrome of"), with_header(link='</a>; rel="preload", </x.css>; REL="stylesheet"'), EXACT, "has Link"),
    "no program": (
        by("Chrome of"),
        with_header(content_security_policy="default-src https:; script-src 'none'; script-src 'self'"),
        EXACT,
        "has Content-Security-Policy, which forbids the page its own scripts",
    ),
    "nothing at all": (
        by("Chrome of"),
        with_header(content_security_policy="default-src 'none'; sandbox"),
        EXACT,
        "its own styles",
    ),
    "no backend": (by("Chrome of"), with_header(content_security_policy="connect-src"), EXACT, "its own questions"),
    "a sandbox": (by("Chrome of"), with_header(content_security_policy="sandbox allow-forms"), EXACT, "its own scripts"),
    "packed, and another page": (
        by("Safari"),
        instead(**{**OLD, "body": brotli.compress(b"x"), "headers": {"content-type": "text/html", "content-encoding": "br"}}),
        EXACT,
        "1 bytes with sha256",
    ),
    "an API that is not there": (of_the_api("ping"), instead(status=502, body=b"Bad Gateway"), HEALTH, "answers 502, and"),
    "an API that refuses": (of_the_api("ping"), instead(status=0, trouble="connection refused"), HEALTH, "gave no answer"),
    "an API of another service": (
        of_the_api("ping"),
        instead(body=b'{"pong":true,"service":"other","version":"1"}'),
        HEALTH,
        "answers otherwise than the backend itself: service, version",
    ),
    "an API that is a page": (of_the_api("ping"), instead(body=b"<html>"), HEALTH, "answers otherwise"),
    "one page of an API alone": (of_the_api(NO_PAGE), instead(status=200, body=b"<html>"), HEALTH, "the backend itself 404"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_some_people_alone_get_is_red(green: Case, case: str) -> None:
    wanted, change, rule, said = WRONG[case]
    found = other(green, wanted, change).judge()
    assert {one: verdict for one, (verdict, _) in found.items()} == {rule: "violated"}
    assert said in found[rule][1]


def in_coding(coding: str) -> Callable[[Answer], Answer]:
    """The same answer, packed so."""
    return lambda one: replace(
        one, body=packed(unpacked(one), coding), headers={**one.headers, "content-encoding": coding}, digest=""
    )


RIGHT: dict[str, tuple[Callable[[Question], bool], Callable[[Answer], Answer]]] = {
    **{f"packed by {one}": (by("Chrome", "Firefox", "Safari"), in_coding(one)) for one in ("br", "zstd", "gzip", "deflate")},
    "an API packed by br": (of_the_api("ping"), in_coding("br")),
    "headers of a balancer": (
        by("Chrome", "Firefox", "Safari"),
        with_header(
            link="</assets/x.css>; rel=preload; as=style",
            content_security_policy="default-src 'self'; script-src 'self' 'unsafe-inline', object-src 'none'",
            content_disposition="inline",
            alt_svc='h3=":443"',
            set_cookie="AWSALB=x",
            strict_transport_security="max-age=1",
            refresh="",
        ),
    ),
    "a policy by nonces": (
        by("Firefox"),
        with_header(content_security_policy="default-src 'none'; script-src 'nonce-x'; style-src *; connect-src https:"),
    ),
    "an API that says the time": (
        lambda one: one.path == "/api/ping" and one.port == 8080,
        instead(body=b'{"pong":false,"service":"vox-backend","version":"VERSION"}'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_what_rightly_differs_holds(green: Case, case: str) -> None:
    wanted, change = RIGHT[case]
    version = unpacked(green.evidence.second.answer(Question(API, 8080, "/api/ping"))).split(b'"version":"')[1].split(b'"')[0]

    def as_there(answer: Answer) -> Answer:
        found = change(answer)
        return replace(found, body=found.body.replace(b"VERSION", version))

    assert other(green, wanted, as_there).judge() == {}


def test_what_the_backend_itself_cannot_answer_is_nothing_of_nginx_s(green: Case) -> None:
    away = other(green, lambda one: one.path.startswith("/api/"), instead(status=503, body=b""))
    assert away.judge([HEALTH.partition("[")[0]]) == {}


def test_a_console_without_deep_links_and_an_api_that_is_not_named_are_not_asked(green: Case) -> None:
    services = tuple(replace(one, deep_links=(), proxied_api=None) for one in green.estate.services)
    estate = replace(green.estate, services=services)
    left = {one: two for one, two in green.evidence.second.answers.items() if not one.path.startswith(("/api/", "/calls/"))}
    assert replace(green, estate=estate).look(lambda look: replace(look, answers=left)).judge() == {}


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate", ""])
def test_a_body_is_unpacked_as_browsers_do(green: Case, coding: str) -> None:
    like = green.evidence.second.answer(Question(API, 80, "/"))
    plain = b"<html>" * 100_000
    answer = replace(like, body=packed(plain, coding), headers={"content-encoding": coding})
    assert unpacked(answer) == plain
    if coding:
        assert unpacked(replace(answer, body=b"\x00 no such thing")) == f"not {coding}".encode()


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip"])
def test_no_packed_body_is_unpacked_without_end(green: Case, coding: str) -> None:
    like = green.evidence.second.answer(Question(API, 80, "/"))
    huge = packed(bytes(80 << 20), coding)
    assert len(huge) < 1 << 20
    assert len(unpacked(replace(like, body=huge, headers={"content-encoding": coding}))) == 64 << 20
    if coding == "zstd":
        wide = zstandard.ZstdCompressor(compression_params=zstandard.ZstdCompressionParameters(window_log=27)).compressobj()
        body = wide.compress(b"x" * 100) + wide.flush()
        assert unpacked(replace(like, body=body, headers={"content-encoding": coding})) == b"not zstd"


def test_each_browser_says_another_name(green: Case) -> None:
    assert len({called(one.headers) for one in BROWSERS}) == len(BROWSERS)
    assert called((("Host", "x"),)) == ""
