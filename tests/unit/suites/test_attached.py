"""The gate's own pytest on a saved look: each result carries what it was judged on, with workers and without."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from voxgate.deploy.moving.engine import State
from voxgate.plugin.facts_read import NAME
from voxgate.report.allure.files import results

from .conftest import SAVED

ROOT = Path(__file__).parents[3]


def taken(look: str) -> str:
    """The line that a look is told by, with the time at which the saved one was taken."""
    moment = json.loads((SAVED / look / "look.json").read_text("utf-8"))["taken"]
    return f"{look} look, {datetime.fromtimestamp(moment, UTC).strftime('%Y-%m-%dT%H:%M:%S.%f')[:-3]}Z"


TAKEN = taken("second")


def rewritten(path: Path, change: Any) -> None:
    """One file of the saved look, changed."""
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def break_fleet(document: dict[str, Any]) -> None:
    """A unit failed, the clock may not be asked, and a process was given a secret."""
    sections = document["sections"]
    sections["units"]["value"]["voxcore@2.service"]["properties"].update(ActiveState="failed", SubState="failed")
    sections["clock"] = {"seconds": 0.1, "error": {"kind": "denied", "text": "adjtimex"}}
    next(one for one in sections["processes"]["value"] if one["unit"] == "voxcore@1.service")["argv"].append(
        "--password=canary-argv"
    )


def tell_a_secret(document: dict[str, Any]) -> None:
    """A body with a secret, written so that it must be read to be seen."""
    answer = next(row for row in document["answers"] if (row["question"]["host"], row["port"]) == ("fleet-1", 8101))
    answer["body"] = json.dumps({**json.loads(answer["body"]), "note": "?"}).replace('"?"', r'"\u0070assword=canary-body"')


def deployed(document: dict[str, Any]) -> None:
    """The fleet was deployed: its checkouts, and a roll with one worker down at a time."""
    moves = [
        {"service": "fleet", "host": host, "move": "checkout", "started": 1795342700.0, "seconds": 0.3}
        for host in ("fleet-1", "fleet-2")
    ]
    samples = [
        {"at": 0.0, "serving": ["fleet-1/1", "fleet-1/2"], "down": [], "unknown": []},
        {"at": 1.5, "serving": ["fleet-1/1"], "down": ["fleet-1/2"], "unknown": []},
    ]
    capacity = {"most": 1, "samples": samples, "calls_cut": 0}
    document.update(services=["fleet"], moves=moves, reached=int(State.HEALTHY), failure=None, capacity=capacity)


@pytest.fixture(scope="module", params=[(), ("-n2",)], ids=["alone", "workers"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Any]], Path]:
    """Results by id, and where their attachments are."""
    folder = tmp_path_factory.mktemp("attached")
    saved = shutil.copytree(SAVED, folder / "evidence")
    rewritten(saved / "second/hosts/fleet-1.json", break_fleet)
    rewritten(saved / "second/answers.json", tell_a_secret)
    rewritten(saved / "run.json", deployed)
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--html", "never", f"--evidence={saved}"]
    argv += [f"--reports={folder}/reports", "-k", "test_units or clock or contracts or deploy", *request.param]
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
    ended = subprocess.run(argv, cwd=ROOT, env=outer, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    written = folder / "reports/latest/allure-results"
    return {result["fullName"]: result for _path, result in results(written)}, written


def told(ran: tuple[dict[str, dict[str, Any]], Path], name: str) -> list[str]:
    """The lines of the one attachment of that name."""
    found, folder = ran
    (attachment,) = of_name(found[name])
    assert attachment["type"] == "text/plain"
    return Path(folder / attachment["source"]).read_text("utf-8").splitlines()


def of_name(result: dict[str, Any]) -> list[dict[str, str]]:
    """What is attached to a result as that which it was judged on."""
    return [one for one in result.get("attachments", ()) if one["name"] == NAME]


def test_one_that_holds_says_on_what(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    assert ran[0]["unit-is-active[fleet-1-voxcore@1]"]["status"] == "passed"
    heading, line, *others = told(ran, "unit-is-active[fleet-1-voxcore@1]")
    assert any("boot" in one and "at_boot" in one for one in others), others
    place, _, said = line.partition(": ")
    assert (heading, place) == (TAKEN, "  fleet-1 · units · voxcore@1.service")
    state = ["LoadState=loaded", "Result=success", "ActiveState=active", "SubState=running"]
    assert said.split(", ") == [*state, "UnitFileState=enabled", "Transient=no"]


def test_one_that_is_violated_says_what_it_read_until_then(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    assert ran[0]["unit-is-active[fleet-1-voxcore@2]"]["status"] == "failed"
    state = "LoadState=loaded, Result=success, ActiveState=failed, SubState=failed, UnitFileState=enabled, Transient=no"
    assert told(ran, "unit-is-active[fleet-1-voxcore@2]")[:2] == [TAKEN, f"  fleet-1 · units · voxcore@2.service: {state}"]


def test_one_that_is_blind_says_what_was_not_seen(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    assert ran[0]["clock-is-right[fleet-1]"]["status"] == "broken"
    lines = told(ran, "clock-is-right[fleet-1]")
    assert lines[0] == TAKEN
    assert lines[1].startswith("  fleet-1 · clock: not seen (denied): ")


def test_two_looks_have_two_times(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    lines = told(ran, "nothing-restarts-during-the-bake[sip-1-voxdialler]")
    assert [line for line in lines if not line.startswith(" ")] == [taken("first"), TAKEN]


def test_no_fact_of_another_host_is_told(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    text = "\n".join(told(ran, "process-is-the-new-code[fleet-2-voxcore@3]"))
    assert "fleet-2 · checkouts · fleet: changed=" in text
    assert "unit=voxcore@3.service" in text
    assert not [name for name in ("fleet-1", "api-1", "sip-1", "data", "unit=voxcore@1", "tree") if name in text]


def test_a_deploy_is_told_by_its_moves_and_its_capacity(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    assert told(ran, "release-was-checked-out[fleet-fleet-2]") == [
        "the deploy",
        "  moves: 1",
        "      service=fleet host=fleet-2 move=checkout started=2026-11-22T10:18:20.000Z seconds=0.3 rollback=False",
    ]
    lines = told(ran, "rolling-restart-kept-serving[fleet]")
    assert lines[:4] == ["the deploy", "  most: 1", "  longest_gap: 1.5", "  served_before: fleet-1/1, fleet-1/2"]
    assert lines[5].strip() == "at=1.5 serving=fleet-1/1 down=fleet-1/2"


def test_a_secret_is_cut_wherever_it_stands(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    text = "\n".join(told(ran, "process-is-the-new-code[fleet-1-voxcore@1]"))
    assert text.count("[cut]") == 2, text
    for path in ran[1].iterdir():
        assert b"canary-" not in path.read_bytes(), path.name


def test_every_judgement_but_those_of_schemas_has_one(ran: tuple[dict[str, dict[str, Any]], Path]) -> None:
    found, folder = ran
    judged = {name: result for name, result in found.items() if not name.startswith("deploy:")}
    without = {name.partition("[")[0] for name, result in judged.items() if not of_name(result)}
    assert without == {"schema-is-valid", "good-examples-pass", "bad-examples-fail-for-their-reason"}
    sizes = sorted((folder / one["source"]).stat().st_size for result in judged.values() for one in of_name(result))
    assert sizes[len(sizes) // 2] < 4096
    assert sizes[-1] <= 16 * 1024
