"""A release that says of itself that it breaks who reads the last known good is refused, by real repositories."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.forges import Forge
from voxgate.deploy.run_context import Options

KEPT = Path(__file__).resolve().parents[2] / "lab/services/vox-backend/contract.json"
ANYHOW = Options(deploy=("backend",), breaking=True)


def answers(here: Forge, edit: Callable[[dict[str, Any]], object] = lambda _: None) -> None:
    """The next release has the answers of the lab's backend, edited."""
    said = json.loads(KEPT.read_text("utf-8"))
    edit(said["answers"])
    (here.work / "contract.json").write_text(json.dumps(said), "utf-8")


def test_what_breaks_a_reader_is_refused_before_a_host_is_touched(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    answers(here)
    good = here.release()
    answers(here, lambda said: (said.pop("GET /api/ping"), said["GET /health"].update(type="text/json")))
    bad = here.release()
    found = here.refused(good=good)
    assert found.what == "what it answers would break console, gate, monitors, nginx"
    assert found.where == f"backend={bad}"
    assert found.why == f"lost GET /api/ping: is answered no more; breaks nginx, console (and 1 more), after {good}"
    assert found.hint.startswith(f"`git diff {good} {bad} -- contract.json`: ")
    here.said.notes.clear()
    assert here.plan(ANYHOW, good).targets[0].release == bad
    assert here.said.notes == [f"breaking, accepted: {found.line}"]


def test_what_breaks_is_told_in_one_line_of_some_length(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    ping = f"GET /api/{'p' * 400}"
    answers(here, lambda said: said.update({ping: said["GET /api/ping"]}))
    good = here.release()
    answers(here)
    here.release()
    assert here.refused(good=good).why == f"lost GET, after {good}", "a word that does not fit is told not at all"


def test_going_back_is_never_refused_for_it(forge: Callable[[str], Forge]) -> None:
    here = forge("backend")
    answers(here, lambda said: said.pop("GET /api/ping"))
    old = here.release()
    answers(here)
    good = here.release()
    assert here.plan(Options(rollback=(f"backend={old.tag}",)), good).targets[0].release == old


@pytest.mark.parametrize(
    "edit",
    [
        dict.items,
        lambda said: said.update({"GET /api/more": said["GET /api/ping"]}),
        lambda said: said["GET /health"]["schema"]["properties"].update(more={"type": "string"}),
    ],
    ids=["the same", "one more", "a field more"],
)
def test_what_is_added_breaks_nobody(forge: Callable[[str], Forge], edit: Callable[[dict[str, Any]], object]) -> None:
    here = forge("backend")
    answers(here)
    good = here.release()
    answers(here, edit)
    (here.work / "app.py").write_text("2\n")
    new = here.release()
    assert here.plan(good=good).targets[0].release == new


def test_what_has_no_such_file_is_let_in(forge: Callable[[str], Forge]) -> None:
    """A repository that has none yet, or keeps none any more: the look after the deploy is what is left."""
    here = forge("backend")
    good = here.releases[-1]
    answers(here)
    new = here.release()
    assert here.plan(good=good).targets[0].release == new
    assert here.plan().targets[0].release == new


@pytest.mark.parametrize("text", ["{", '{"format": 1}', "[" * 100_000, "\x00"])
def test_what_is_no_such_file_is_said_and_let_in(forge: Callable[[str], Forge], text: str) -> None:
    here = forge("backend")
    answers(here)
    good = here.release()
    (here.work / "contract.json").write_text(text, "utf-8")
    new = here.release()
    assert here.plan(good=good).targets[0].release == new
    (said,) = (line for line in here.said.notes if "is not known" in line)
    assert said.startswith("backend: whom its answers would break is not known: contract.json of vox-backend-")
    assert "\n" not in said


def doubled(kind: str) -> dict[str, Any]:
    """A few hundred letters that stand for 2^40 parts, unless somebody counts."""
    node = {name: {"$ref": "#/$defs/node"} for name in ("a", "b")}
    return {"$ref": "#/$defs/node", "$defs": {"node": {"properties": {**node, "x": {"type": kind}}}}}


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (doubled("string"), doubled("integer"), "is more than is compared"),
        ({"minimum": 1}, {"minimum": "x"}, "is no JSON Schema"),
        ({"properties": {"a": {}}}, {"properties": {"a": 5}}, "is no JSON Schema"),
        ({}, {"required": [[]]}, "is no JSON Schema"),
        ({"items": {}}, {"items": []}, "is no JSON Schema"),
    ],
    ids=["doubled", "bound", "field", "names", "items"],
)
def test_no_shape_that_a_release_tells_holds_a_deploy_up(
    forge: Callable[[str], Forge], was: dict[str, Any], now: dict[str, Any], why: str
) -> None:
    """The hosts are held while it is asked. What nobody can compare is said, as is what no shape is."""
    here = forge("backend")
    answers(here, lambda said: said["GET /health"].update(schema=was))
    good = here.release()
    answers(here, lambda said: said["GET /health"].update(schema=now))
    new = here.release()
    assert here.plan(good=good).targets[0].release == new
    (said,) = (line for line in here.said.notes if "is not known" in line)
    assert why in said
