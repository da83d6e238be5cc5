"""What was read, in words: the look and its time, only what is named, and nothing too long."""

from __future__ import annotations

import json

import pytest

from voxgate.model.answers import Answer
from voxgate.model.evidence import Missing, ProcessFact
from voxgate.model.look import Look, Question
from voxgate.redaction.cutting import Redactor
from voxgate.report.facts.lines import Teller
from voxgate.report.facts.values import Absence, Values, moment

LOOK = Look(1795338843.25, {}, {}, {})
UNIT = ("second", "hosts", "fleet-1", "units", "voxcore@1.service")
ASKED = Question("api-1", 8080, "/health")


@pytest.fixture
def teller() -> Teller:
    return Teller(Values(Redactor(["canary-exact"])))


def process(pid: int, unit: str, *argv: str) -> ProcessFact:
    return ProcessFact(pid, 1, 990, "vox", 1795338843.25, "python", argv, "/x", unit, "", "/usr/bin/python3", "/opt", "S")


def answer(body: bytes, kind: str = "application/json") -> Answer:
    return Answer("api-1", 8080, "/health", 200, {"content-type": kind}, body, 0.1, 1795338843.5)


def told(teller: Teller, fact: Answer) -> str:
    path = ("second", "answers", ASKED)
    return teller.tell({("second",): LOOK, path: fact, (*path, "status"): 200, (*path, "body"): fact.body})


def test_a_fact_says_its_look_its_time_and_its_host(teller: Teller) -> None:
    text = teller.tell({(): "", ("second",): LOOK, (*UNIT, "properties", "Result"): "success", (*UNIT, "changed"): 1795338843.0})
    assert text.splitlines() == [
        "second look, 2026-11-22T09:14:03.250Z",
        "  fleet-1 · units · voxcore@1.service: Result=success, changed=2026-11-22T09:14:03.000Z",
    ]


def test_what_is_not_there_and_what_was_not_seen_are_said(teller: Teller) -> None:
    lost = Missing("denied", "Permission denied", "/proc/1/exe", "as root")
    text = teller.tell({("first", "hosts", "sip-1", "processes"): lost, (*UNIT, "properties", "Result"): Absence.NOT_THERE})
    assert "  sip-1 · processes: not seen (denied): Permission denied at /proc/1/exe" in text
    assert "  fleet-1 · units · voxcore@1.service: Result=not there" in text


def test_nothing_read_is_said(teller: Teller) -> None:
    assert teller.tell({}) == "no fact was read"


def test_of_a_long_list_those_rows_are_shown_that_concern_the_subject(teller: Teller) -> None:
    rows = tuple(process(pid, f"voxcore@{pid}.service", "python") for pid in range(1, 41))
    path = ("second", "hosts", "fleet-1", "processes")
    ours = teller.tell({path: rows}, ["unit=voxcore@33.service"]).splitlines()
    assert ours[1] == "  fleet-1 · processes: 40, 1 of them of the subject"
    assert [line.split()[0] for line in ours[2:]] == ["pid=33"]
    first = teller.tell({path: rows}).splitlines()
    assert first[1] == "  fleet-1 · processes: 40"
    assert len(first) == 13
    assert first[-1].strip() == "... 30 more"


def test_a_tree_is_told_by_its_size_and_one_hash(teller: Teller) -> None:
    tree = {f"app/{number}.py": ("100644", "a" * 40) for number in range(3000)}
    path = ("second", "hosts", "api-1", "checkouts", "backend", "tree")
    text = teller.tell({path: tree, (*path, "app/1.py"): tree["app/1.py"], (*path, "b.py"): Absence.NOT_THERE})
    assert "tree=3000 of them, sha256 " in text
    assert "tree[b.py]=not there" in text
    assert "app/" not in text
    changed = teller.tell({path: {**tree, "app/1.py": ("100644", "b" * 40)}})
    assert text.split("sha256 ")[1][:12] != changed.split("sha256 ")[1][:12]


def test_very_many_keys_are_one_line(teller: Teller) -> None:
    read: dict[tuple[object, ...], object] = {(*UNIT, "properties", f"Key{number}"): "x" for number in range(500)}
    lost = {(*UNIT, "properties", f"Lost{number}"): Absence.NOT_THERE for number in range(5)}
    text = teller.tell({**read, **lost})
    assert "properties=500 read, sha256 " in text
    assert "Lost0=not there, Lost1=not there, Lost2=not there, properties=5 in all not there" in text
    assert len(text) < 400


def test_many_answers_are_counted_and_the_last_are_shown(teller: Teller) -> None:
    facts: dict[tuple[object, ...], object] = {("second",): LOOK}
    for number in range(200):
        path = ("second", "answers", Question("api-1", 80, f"/{number}"))
        facts |= {path: answer(b""), (*path, "status"): 200 if number % 2 else 404}
    lines = teller.tell(facts).splitlines()
    assert lines[-3].startswith("  ... 160 more, ")
    assert {"80 with status 404", "80 with status 200"} <= set(lines[-3].split(", "))
    assert lines[-1] == "  api-1 · GET :80/199: status=200"


def test_a_body_is_shown_if_it_is_json_or_plain_and_short(teller: Teller) -> None:
    assert '        "pid": 7' in told(teller, answer(b'{"pid":7}'))
    page = told(teller, answer(b"<html>page</html>", "text/html"))
    assert "page" not in page
    assert "body=17 bytes, sha256 " in page
    assert len(told(teller, answer(json.dumps(["x"] * 5000).encode()))) < 4096
    large = told(teller, answer(b'"' + b"x" * 100_000 + b'"'))
    assert "xxx" not in large
    assert "body=100002 bytes" in large


def test_of_long_metrics_the_values_are_shown(teller: Teller) -> None:
    body = "".join(f"# HELP metric_{number} {'words ' * 9}\nmetric_{number} {number}\n" for number in range(60))
    text = told(teller, answer(body.encode(), "text/plain; version=0.0.4"))
    assert "metric_59 59" in text
    assert "# HELP" not in text


def test_it_is_never_longer_than_16_kib(teller: Teller) -> None:
    facts: dict[tuple[object, ...], object] = {
        (look, "hosts", f"host-{number}", "processes"): tuple(process(pid, "é" * 90, "é" * 90) for pid in range(20))
        for look in ("first", "second")
        for number in range(200)
    }
    facts |= {(*UNIT, f"part{number}"): "é" * 280 for number in range(100)}
    text = teller.tell(facts)
    assert 10_000 < len(text.encode()) <= 16 * 1024
    assert text.endswith("more lines")


@pytest.mark.parametrize(
    "argv",
    [
        ("vox", "--password", "canary-word"),
        ("vox", "--password", "canary-" + "x" * 400),
        ("x" * 250, "mongodb://vox:canary-" + "y" * 60 + "@data/vox"),
        ("vox", "DB_PASSWORD='one\ncanary-word'"),
        ("vox", "canary-exact"),
    ],
)
def test_a_secret_in_the_arguments_is_cut_whole(teller: Teller, argv: tuple[str, ...]) -> None:
    text = teller.tell({("second", "hosts", "api-1", "processes"): (process(7, "u", *argv),)})
    assert "canary" not in Redactor(["canary-exact"]).cut(text), "this is what the sink writes"


@pytest.mark.parametrize(
    "body",
    [
        rb'{"checks": {"note": "\u0070assword=canary-word"}}',
        rb'{"\u0070assword": "canary-word"}',
        rb'{"argv": ["--password", "canary-word"]}',
        rb'{"env": [{"name": "DB_PASSWORD", "value": "canary-word"}]}',
        rb'{"inner": "{\"apiKey\": \"canary-word\"}"}',
        b'{"x": "' + b"x" * 2000 + b" mongodb://vox:canary-" + b"y" * 90 + b'@data/vox"}',
        rb'{"exact": "canary\u002dexact"}',
    ],
)
def test_a_secret_in_a_body_is_cut_however_it_is_written(teller: Teller, body: bytes) -> None:
    assert "canary" not in Redactor(["canary-exact"]).cut(told(teller, answer(body)))


def test_no_line_is_more_than_a_line(teller: Teller) -> None:
    said = "one\ntwo\x1b[31m\u2028three"
    assert len(teller.tell({(*UNIT, "properties", "Result"): said}).splitlines()) == 2
    assert "\x1b" not in told(teller, answer(b"a 1\x1b[31m\n", "text/plain"))
    files = {"x\nsecond look, of nobody": (1, "a" * 64), "\udc80": (1, "b" * 64)}
    assert len(teller.tell({("second", "hosts", "api-1", "dists", "console", "files"): files}).splitlines()) == 2


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"a":' * 900 + b"1" + b"}" * 900, b"\xff\xfe", b"9" * 5000, b"NaN"])
def test_a_body_that_is_meant_to_break_its_reader_breaks_nothing(teller: Teller, body: bytes) -> None:
    assert f"body={len(body)} bytes" in told(teller, answer(body))


def test_a_number_that_is_no_time_stays_one() -> None:
    assert [moment(value) for value in (0, -1.5, 1e300, float("inf"))] == ["0", "-1.5", "1e+300", "inf"]
