"""What monitors are told: status, words, numbers, and what changed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from voxgate.model.verdict import Ran, RunOutcome, RunVerdict, Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.monitors import Level, as_json, level, nagios, prometheus
from voxgate.report.verdict import verdict_file
from voxgate.report.verdict.changes import baseline, changes


def look(outcome: RunOutcome, verdict: RunVerdict = RunVerdict.HOLDS, *red: tuple[str, Verdict]) -> RunOutcome:
    """The same estate, only looked at, with some of it red."""
    wanted = dict(red)
    judgements = tuple(
        replace(one, verdict=wanted[one.id], found="found | it", advice="mend it")
        if one.id in wanted
        else replace(one, verdict=Verdict.HOLDS, found="", advice="")
        for one in outcome.judgements
    )
    status = 0 if verdict in {RunVerdict.HOLDS, RunVerdict.PARTIAL, RunVerdict.DONE} else 1
    return replace(
        outcome, verdict=verdict, exit_status=status, deploy=False, partial=False, missing=(), moves=(), judgements=judgements
    )


def test_levels(done: RunOutcome) -> None:
    first = done.judgements[0]
    assert level(look(done), ()) is Level.OK
    violated = look(done, RunVerdict.VIOLATED, (first.id, Verdict.VIOLATED))
    assert level(violated, ()) is Level.CRITICAL
    assert level(violated, {first.invariant}) is Level.WARNING
    assert level(look(done, RunVerdict.BLIND, (first.id, Verdict.BLIND)), {first.invariant}) is Level.UNKNOWN
    for verdict in (RunVerdict.INCOMPLETE, RunVerdict.REFUSED, RunVerdict.PARTIAL, RunVerdict.BROKEN):
        assert level(look(done, verdict), ()) is Level.UNKNOWN
    assert level(replace(look(done), partial=True), ()) is Level.UNKNOWN


WHO = "a deploy is at work: ci@vm since 2026-11-28T10:00:00Z, run r-1: backend on api-1, restart begun"


def test_beside_a_deploy_it_is_a_warning(done: RunOutcome) -> None:
    one = done.judgements[0]
    moving = replace(look(done, RunVerdict.BLIND, (one.id, Verdict.BLIND)), at_work=(WHO,), moving=(one.id,))
    assert level(moving, ()) is Level.WARNING
    line = nagios(moving, Level.WARNING, changes(moving, look(done))).splitlines()[0]
    assert line.startswith("VOXGATE WARNING - lab: ")
    assert f"invariants hold; 1 cannot be judged now, as {WHO} | " in line
    assert json.loads(as_json(moving, Level.WARNING, changes(moving, None)))["at_work"] == {"said": [WHO], "moving": [one.id]}
    text = prometheus(moving, Level.WARNING, changes(moving, None))
    assert 'voxgate_deploys_at_work{estate="lab"} 1.0' in text
    assert 'voxgate_moving{estate="lab"} 1.0' in text
    well = replace(look(done), at_work=(WHO,))
    assert level(well, ()) is Level.OK
    assert f"invariants hold; {WHO} | " in nagios(well, Level.OK, changes(well, None))


def test_what_does_not_move_is_as_critical_as_ever(done: RunOutcome) -> None:
    one, two = done.judgements[0], done.judgements[1]
    red = look(done, RunVerdict.VIOLATED, (one.id, Verdict.BLIND), (two.id, Verdict.VIOLATED))
    red = replace(red, at_work=(WHO,), moving=(one.id,))
    assert level(red, ()) is Level.CRITICAL
    assert f"first: {two.id}: found / it; 1 cannot" in nagios(red, Level.CRITICAL, changes(red, None))
    unseen = look(done, RunVerdict.BLIND, (one.id, Verdict.BLIND), (two.id, Verdict.BLIND))
    assert level(replace(unseen, at_work=(WHO,), moving=(one.id,)), ()) is Level.UNKNOWN
    lost = replace(look(done, RunVerdict.BLIND, (one.id, Verdict.BLIND)), at_work=(WHO,), moving=(one.id,), missing=(two.id,))
    assert level(lost, ()) is Level.UNKNOWN


def test_changes_are_said_once(done: RunOutcome) -> None:
    one, two, three = (judgement.id for judgement in done.judgements[:3])
    then = look(done, RunVerdict.VIOLATED, (one, Verdict.VIOLATED), (two, Verdict.BLIND))
    now = look(done, RunVerdict.VIOLATED, (two, Verdict.VIOLATED), (three, Verdict.VIOLATED))
    found = changes(now, then)
    assert [fallen.id for fallen in found.fallen] == [three]
    assert found.mended == (one,)
    assert (found.gone, found.new) == ((), ())
    less = replace(now, judgements=now.judgements[1:])
    assert changes(less, then).gone == (one,)
    assert changes(then, less).new == (one,)
    assert not list(changes(then, then).lines())


def test_another_release_is_a_change(done: RunOutcome) -> None:
    now = look(done)
    service = replace(now.services[0], running=Ran("vox-x-2027.01.01-1", "a" * 40))
    found = changes(replace(now, services=(service, *now.services[1:])), now)
    assert found.releases == ((service.service, "vox-backend-2026.11.22-1", "vox-x-2027.01.01-1"),)


def test_nagios_is_one_status_line_and_the_changes(done: RunOutcome) -> None:
    first = done.judgements[0]
    now = look(done, RunVerdict.VIOLATED, (first.id, Verdict.VIOLATED))
    lines = nagios(now, Level.CRITICAL, changes(now, look(done))).splitlines()
    assert re.fullmatch(
        r"VOXGATE CRITICAL - lab: \d+ of \d+ invariants hold, first: [^|]*: found / it \| .* seconds=[\d.]+s", lines[0]
    )
    assert f"violated={1}" in lines[0]
    assert lines[1].startswith("changed since ")
    assert lines[2] == f"violated: {first.id}: found / it"
    assert "nothing changed since" in nagios(look(done), Level.OK, changes(look(done), look(done)))


def test_json_and_prometheus_say_the_same(done: RunOutcome) -> None:
    first = done.judgements[0]
    now = look(done, RunVerdict.VIOLATED, (first.id, Verdict.VIOLATED))
    changed = changes(now, look(done))
    said = json.loads(as_json(now, Level.CRITICAL, changed))
    samples = [
        sample for family in text_string_to_metric_families(prometheus(now, Level.CRITICAL, changed)) for sample in family.samples
    ]
    for verdict in ("holds", "violated", "blind", "missing"):
        counted = sum(one.value for one in samples if one.name == "voxgate_invariants" and one.labels["verdict"] == verdict)
        assert said["counts"][verdict] == counted
    by_name = {one.name: one.value for one in samples if set(one.labels) == {"estate"}}
    assert (said["status"], by_name["voxgate_level"], by_name["voxgate_changed"]) == (2, 2, 1)
    assert by_name["voxgate_run_timestamp_seconds"] == now.started
    assert [one.labels["id"] for one in samples if one.name == "voxgate_invariant"] == said["changed"]["fallen"] == [first.id]
    assert [one.labels["verdict"] for one in samples if one.name == "voxgate_verdict" and one.value] == ["violated"]


def test_the_baseline_is_the_newest_whole_run_that_held(done: RunOutcome, tmp_path: Path) -> None:
    def run(name: str, outcome: RunOutcome, root: Path = tmp_path) -> None:
        (root / name).mkdir(parents=True)
        verdict_file.write(replace(outcome, run=name), root / name / "verdict.json", Redactor())

    watch = tmp_path / "watch-lab"
    assert baseline("lab", tmp_path, watch) is None
    run("2026-11-22T09-00-00Z-lab-0001", look(done))
    run("2026-11-22T09-10-00Z-lab-0002", look(done), watch)
    run("2026-11-22T09-20-00Z-lab-0003", look(done, RunVerdict.VIOLATED, (done.judgements[0].id, Verdict.VIOLATED)))
    run("2026-11-22T09-30-00Z-lab-0004", replace(look(done), partial=True))
    run("2026-11-22T09-40-00Z-lab-two-0005", replace(look(done), estate="lab-two"))
    (tmp_path / "2026-11-22T09-50-00Z-lab-0006").mkdir()
    found = baseline("lab", tmp_path, watch)
    assert found is not None
    assert found.run == "2026-11-22T09-10-00Z-lab-0002"
    again = baseline("lab", tmp_path, watch, but=found.run)
    assert again is not None
    assert again.run == "2026-11-22T09-00-00Z-lab-0001"
