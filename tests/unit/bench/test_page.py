"""docs/PERFORMANCE.md says what the numbers say, and stands as they make it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # what we made ourselves

import pytest

from bench import plots
from bench.page import DOCS, NUMBERS, page, pictures
from bench.tables import met, number, plain, seconds, table
from bench.targets import targets
from tests.pages import must_be_as_made

KEPT: dict[str, Any] = json.loads(NUMBERS.read_text("utf-8"))
TARGETS = 11


def test_the_page_and_its_pictures_are_as_the_kept_numbers_make_them() -> None:
    must_be_as_made(DOCS / "PERFORMANCE.md", page(KEPT))
    made = pictures(KEPT)
    for name, text in made.items():
        must_be_as_made(DOCS / name, text)
    assert {path.name for path in DOCS.glob("performance-*.svg")} == set(made)


def test_each_target_is_a_row_also_where_nothing_was_measured() -> None:
    rows = list(targets({}))
    assert len(rows) == TARGETS
    assert {row.measured for row in rows} == {"not measured yet"}
    assert [(row.wanted, row.before) for row in targets(KEPT["parts"])] == [(row.wanted, row.before) for row in rows]
    assert len({row.before for row in rows}) == len(rows), "each began somewhere else"


@pytest.mark.parametrize("part", KEPT["parts"])
def test_a_page_of_one_part_alone_is_whole(part: str) -> None:
    alone = {**KEPT, "parts": {part: KEPT["parts"][part]}}
    said = page(alone)
    assert said.startswith("# How long it takes\n")
    assert "## Our own tests" in said
    for name in pictures(alone):
        assert f"({name})" in said


def test_numbers_have_three_digits_that_mean_something() -> None:
    assert [number(one) for one in (0, 0.1234, 1.236, 12.34, 123.4, 12345.6)] == ["0", "0.12", "1.24", "12.3", "123", "12,346"]
    spread = {"median": 2.0, "least": 1.0, "most": 30.0}
    assert (seconds(spread), plain(spread, " x")) == ("2.00 s (1.00..30.0)", "2.00 x (1.00..30.0)")
    assert (met(1.0, 1.0), met(1.01, 1.0)) == ("**met**", "not met")


def test_no_cell_ends_a_column() -> None:
    assert table(["a", "b"], [["x|y", "1"]]) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 |"


def test_bars_and_lines_are_drawn_to_one_scale_with_their_numbers_beside_them() -> None:
    drawn = plots.bars("Title", "about", [plots.Bar("a<b", 2.0, 1.0, 3.0), plots.Bar("c", 4.0, 4.0, 6.0, "5 judged")], "x")
    root = ET.fromstring(drawn)  # noqa: S314
    said = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a<b", "2 x", "4 x · 5 judged"} <= set(said)
    boxes = [
        float(box.attrib["width"]) for box in root.iter("{http://www.w3.org/2000/svg}rect") if box.attrib.get("height") == "18"
    ]
    assert boxes[1] == pytest.approx(2 * boxes[0])
    lines = plots.lines(
        "Title", "about", [plots.Line("a", ((0, 1.0), (10, 2.0))), plots.Line("b", ((0, 1.0), (10, 2.0)))], "ms", "s"
    )
    root = ET.fromstring(lines)  # noqa: S314
    labels = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.text in {"a 2 s", "b 2 s"}]
    assert len({text.attrib["y"] for text in labels}) == len(labels) == 2, "two lines that end at one place are told apart"


def test_deploys_are_summed_by_move(tmp_path: Path) -> None:
    from bench.deploys import summed  # noqa: PLC0415 - of one part

    def move(host: str, began: float, took: float) -> dict[str, Any]:
        return {"move": "fetch", "host": host, "started": began, "seconds": took}

    gap = {"service": "dialler", "host": "sip-1", "unit": "voxdialler.service", "stopped": 1.0, "seconds": 2.0, "rollback": False}
    verdict = {
        "seconds": 20.0,
        "counts": {"holds": 3, "missing": 4},
        "moves": [move("a", 10.0, 1.0), move("b", 10.5, 2.0)],
        "gaps": [gap, {**gap, "seconds": None}, {**gap, "service": "fleet", "seconds": 1.5}],
    }
    found = summed([verdict, {**verdict, "gaps": []}])
    assert (found["judged"], found["deploys"], found["gaps"]["runs"], found["gaps"]["median"]) == (3, 2, 1, 2.0)
    assert found["away"]["fleet"]["median"] == 1.5
    assert found["moves"]["fetch"]["median"] == 2.5
    assert summed([{**verdict, "gaps": []}])["gaps"] is None


def test_a_deploy_over_a_distance_is_told_by_move_in_round_trips() -> None:
    from bench.deploys import by_distance  # noqa: PLC0415 - of one part

    def verdict(took: float, fetch: float) -> dict[str, Any]:
        return {"seconds": took, "moves": [{"move": "fetch", "started": 5.0, "seconds": fetch}]}

    found = by_distance({0: [verdict(20.0, 1.0), verdict(25.0, 9.0)], 200: [verdict(28.0, 2.0)]})
    assert found["round_trips"] == 40.0, "8 s more at 200 ms, by the quickest of each"
    assert found["moves"] == {"fetch": 5.0}
    assert [one["seconds"]["median"] for one in found["at"]] == [22.5, 28.0]
    rows = {
        row.wanted: (row.measured, row.outcome) for row in targets({"deploy-far": {**found, "rounds": 2, "service": "backend"}})
    }
    assert rows["a move of a deploy: at most 6 round trips in a row"] == ("fetch 5.0", "**met**")
    lost = rows["`make gate SERVICE=backend` loses at most 8 s at 200 ms"]
    assert lost == ("8.00 s: 40.0 round trips in a row (0 ms: 22.5 s, 200 ms: 28.0 s)", "**met**")
    alone = by_distance({0: [verdict(20.0, 1.0)]})
    assert (alone["round_trips"], alone["moves"]) == (None, {"fetch": None})
