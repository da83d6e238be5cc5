"""The pictures: well-formed, alone in the world, and true."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from voxgate.deploy.moving.rolling import Capacity, Sample
from voxgate.model.estate import Estate, Host
from voxgate.model.service import Role
from voxgate.model.verdict import MoveRecord, RunOutcome, RunVerdict, Verdict
from voxgate.report.pictures.estate import estate_picture
from voxgate.report.pictures.timeline import timeline_picture

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314 - our own


def words(picture: str) -> list[str]:
    root = parsed(picture)
    return [(one.text or "") for one in root.iter(f"{SVG}text")]


def hints(picture: str) -> list[str]:
    return [(one.text or "") for one in parsed(picture).iter(f"{SVG}title")]


@pytest.mark.parametrize("name", ["done", "rolled_back", "looked"])
def test_they_are_small_and_load_nothing(name: str, estate: Estate, request: pytest.FixtureRequest) -> None:
    outcome: RunOutcome = request.getfixturevalue(name)
    for picture in (estate_picture(outcome, estate), timeline_picture(outcome, sampled(outcome, 0, 1))):
        if not picture:
            assert not outcome.moves
            continue
        parsed(picture)
        assert len(picture) < 30_000
        assert "prefers-color-scheme: dark" in picture
        assert re.findall(r"https?://[^\"' ]+", picture) == ["http://www.w3.org/2000/svg"]
        assert "url(" not in picture
        assert "<script" not in picture


def test_the_estate_says_what_holds_in_words_too(rolled_back: RunOutcome, estate: Estate) -> None:
    picture = estate_picture(replace(rolled_back, rollback=(), rollback_verdict=None), estate)
    said = words(picture)
    for host in estate.hosts:
        assert host.name in said
    assert "✗  rolled back" in said
    assert "20/21 ✗1" in said
    assert "9/10 ○1" in said
    assert "2/3 ?1" in said
    assert "2 ✗" in said, "worker 2 of fleet-2"
    assert "voxcore@2.service: 4/5 ✗1" in hints(picture)


def test_after_a_rollback_it_shows_what_runs(rolled_back: RunOutcome, estate: Estate) -> None:
    said = words(estate_picture(rolled_back, estate))
    assert "✗  rolled back" in said
    assert "✓ 21/21" in said, "the worker that fell is well again"
    assert not [one for one in said if "✗1" in one or one == "2 ✗"]
    assert any(one.startswith("judged again, after going back: 83 of 83 invariants hold · ") for one in said)
    assert "vox-agents-2026.11.20-2" in said
    assert "vox-agents-2026.11.22-1" not in said


def test_a_release_that_nobody_knows_is_said(done: RunOutcome, estate: Estate) -> None:
    lost = replace(done, services=tuple(replace(one, running=None) for one in done.services))
    assert "which release runs is not known" in words(estate_picture(lost, estate))


def test_a_dead_host_looks_dead(done: RunOutcome, estate: Estate) -> None:
    away = "fleet-2: could not look (unreachable): no answer within 10 s"
    denied = "sip-1: could not look (denied): sudo says no"
    found = {"fleet-2": away, "sip-1": denied}
    judged = tuple(
        replace(one, verdict=Verdict.BLIND, found=found[one.host]) if one.host in found else one for one in done.judgements
    )
    down = replace(done, verdict=RunVerdict.BLIND, judgements=judged)
    picture = estate_picture(down, estate)
    gone = [one for one in parsed(picture).iter(f"{SVG}rect") if one.get("class") == "box gone"]
    assert len(gone) == 2
    assert all(one.get("stroke-dasharray") for one in gone), "not by its colour alone"
    assert "✗ does not answer · fleet · 198.51.100.32" in hints(picture)
    assert "✗ nothing could be seen · sip · 198.51.100.41" in hints(picture)
    assert "✗ does not answer · 198.51.100.32" in words(picture)
    half = tuple(replace(one, verdict=Verdict.HOLDS, found="") if one.invariant == "clock-is-right" else one for one in judged)
    assert "box gone" not in estate_picture(replace(down, judgements=half), estate), "something of it was seen"


def test_without_its_style_sheet_it_is_as_in_light(rolled_back: RunOutcome, estate: Estate) -> None:
    """Jenkins' policy takes the style sheet from a picture that is opened alone: it was black on black."""
    for picture in (estate_picture(rolled_back, estate), timeline_picture(rolled_back, sampled(rolled_back, 0, 1))):
        root = parsed(picture)
        for one in (*root.iter(f"{SVG}rect"), *root.iter(f"{SVG}text")):
            assert one.get("fill", "").startswith("#"), one.attrib
        boxes = {one.get("fill") for one in root.iter(f"{SVG}rect") if one.get("class") != "bar"}
        assert boxes.isdisjoint({one.get("fill") for one in root.iter(f"{SVG}text")})


def test_a_partial_look_leaves_the_rest_grey(looked: RunOutcome, estate: Estate) -> None:
    assert "not judged here" in words(estate_picture(looked, estate))


def test_odd_names_are_text(rolled_back: RunOutcome, estate: Estate) -> None:
    odd = replace(estate, hosts=(*estate.hosts, Host("<b>&\x01", "198.51.100.99", frozenset({Role.API}))))
    assert "<b>&?" in words(estate_picture(replace(rolled_back, summary="<x> & \x00"), odd))


def test_a_large_estate_is_still_a_picture(done: RunOutcome, estate: Estate) -> None:
    hosts = tuple(Host(f"fleet-{n}", f"198.51.100.{n}", frozenset({Role.FLEET}), workers=20) for n in range(100))
    picture = estate_picture(replace(done, hosts=tuple(host.name for host in hosts)), replace(estate, hosts=hosts))
    parsed(picture)
    assert len(picture) < 1_000_000


def test_the_timeline_has_each_move_where_it_was(rolled_back: RunOutcome) -> None:
    picture = timeline_picture(rolled_back)
    said = hints(picture)
    assert "health voxcore@2, 4.2 s: voxcore@2.service is failed: exit status 1" in said
    assert "install vox-frontend-2026.11.22-1, 5.1 s" in said
    assert "✗ health 4.2 s" in words(picture)
    boxes = [one for one in parsed(picture).iter(f"{SVG}rect") if one.get("class") in {"install", "failed", "health"}]
    assert all(170 < float(box.get("x", "0")) < 1080 for box in boxes)
    assert all(float(box.get("x", "0")) + float(box.get("width", "0")) < 1080 for box in boxes)


def sampled(outcome: RunOutcome, *down: int, unknown: int = 0) -> Capacity:
    """Six workers, sampled every second from the first move on; ``down`` are out of service in each sample."""
    names = [f"fleet-{host}-voxcore@{n}" for host in (1, 2) for n in (1, 2, 3)]
    samples = [Sample(float(at), tuple(names[count:]), tuple(names[:count])) for at, count in enumerate(down)]
    samples += [Sample(float(len(down) + at), (), (), tuple(names)) for at in range(unknown)]
    return Capacity(1, tuple(samples), began=min((move.started for move in outcome.moves), default=0.0))


def test_workers_that_served_are_those_that_were_sampled(done: RunOutcome) -> None:
    picture = timeline_picture(done, sampled(done, 0, 1, 0, 2, 0))
    assert {"lowest 4 of 6", "5 samples"} <= set(words(picture))
    dots = [one for one in parsed(picture).iter(f"{SVG}rect") if one.get("class") == "bar"]
    assert [round(float(one.get("y", "0")) - float(dots[0].get("y", "0")), 1) for one in dots] == [0, 10.7, 0, 21.3, 0]


def test_what_nobody_knows_is_a_gap(done: RunOutcome) -> None:
    assert "lowest 5 of 6" in words(timeline_picture(done, sampled(done, 0, 1, unknown=2)))
    assert "not known" in words(timeline_picture(done, sampled(done, unknown=3)))


def test_a_roll_that_was_not_sampled_has_no_chart(done: RunOutcome) -> None:
    assert "workers" not in words(timeline_picture(done, Capacity()))


def test_checks_that_run_at_once_are_one_bar(done: RunOutcome) -> None:
    checks = tuple(MoveRecord("fleet", "fleet-1", "health", 1000.0 + n / 100, 2.0, f"voxcore@{n}") for n in range(20))
    picture = timeline_picture(replace(done, moves=checks))
    assert len(parsed(picture).findall(f"{SVG}rect[@class='health']")) == 2, "the bar, and its place in the legend"


def test_the_way_back_is_dashed(done: RunOutcome) -> None:
    back = tuple(replace(move, rollback=True, started=move.started + 60) for move in done.moves)
    picture = timeline_picture(replace(done, moves=done.moves + back))
    assert "dashed: rollback" in words(picture)
    assert 'class="install back"' in picture


def test_no_moves_no_timeline(looked: RunOutcome) -> None:
    assert timeline_picture(looked) == ""
