"""``voxgate contract diff``: each difference has its kind, its place and those whom it breaks."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.differing import differences
from voxgate.contracts.openapi import operations
from voxgate.contracts.readers import ANSWER, READERS, readers
from voxgate.contracts.releases_answers import Answers, Told, compared
from voxgate.contracts.schemas import FOLDER, check, faults, names, schema
from voxgate.contracts.shapes_of_answers import shape

Edit = Callable[[Any], object]


def changed(name: str, edit: Edit) -> list[str]:
    """The lines of what differs after that edit of a schema."""
    new = copy.deepcopy(schema(name))
    edit(new)
    return [" ".join(one.line.split()) for one in differences(name, schema(name), new, judged=True)]


@pytest.mark.parametrize(
    ("name", "edit", "lines"),
    [
        ("worker-health", lambda new: new.update(title="said otherwise"), []),
        (
            "worker-health",
            lambda new: new["required"].remove("worker_max"),
            ["lost worker-health $.worker_max: may be missing; breaks gate, monitors"],
        ),
        (
            "fleet-health",
            lambda new: new["required"].append("workers"),
            ["stricter fleet-health $.workers: must be there; breaks gate"],
        ),
        (
            "fleet-health",
            lambda new: (new["properties"].pop("fleet_available"), new["required"].remove("fleet_available")),
            ["lost fleet-health $.fleet_available: is gone; breaks gate, monitors"],
        ),
        (
            "worker-health",
            lambda new: new["properties"]["worker_calls"].update(type=["integer", "string"]),
            ["lost worker-health $.worker_calls: is integer or string, was integer; breaks gate, monitors"],
        ),
        (
            "fleet-health",
            lambda new: new["properties"]["fleet_available"].update(type="integer"),
            ["stricter fleet-health $.fleet_available: is integer, was boolean or integer; breaks gate"],
        ),
        (
            "worker-health",
            lambda new: new["properties"]["pid"].update(type="string"),
            ["changed worker-health $.pid: is string, was integer; breaks gate"],
        ),
        (
            "backend-health",
            lambda new: new["properties"]["checks"]["properties"].update(queue={"const": "ok"}),
            ["added backend-health $.checks.queue: is new"],
        ),
        (
            "backend-health",
            lambda new: new["properties"]["status"].update(const="well"),
            ["changed backend-health $.status: is 'well', was 'ok'; breaks gate, console, monitors"],
        ),
        (
            "worker-health",
            lambda new: new["properties"]["worker_max"].update(minimum=0),
            ["lost worker-health $.worker_max: minimum is 0, was 1; breaks gate, monitors"],
        ),
        (
            "worker-health",
            lambda new: new["properties"]["version"].update(minLength=5, maxLength=9),
            [
                "stricter worker-health $.version: minLength is 5, was 1; breaks gate",
                "stricter worker-health $.version: maxLength is 9, was none; breaks gate",
            ],
        ),
        (
            "fleet-health",
            lambda new: new["properties"]["workers"]["items"].pop("pattern"),
            ["lost fleet-health $.workers[]: pattern is none, was ^[A-Za-z0-9.-]+/[0-9]+$; breaks gate, monitors"],
        ),
        (
            "registry-entry",
            lambda new: new.pop("additionalProperties"),
            ["lost registry-entry $: other fields may be there, or be anything; breaks fleet"],
        ),
        (
            "dialler-metrics",
            lambda new: (
                new["properties"].pop("voxdialler_ticks_total"),
                new["required"].remove("voxdialler_ticks_total"),
            ),
            ["lost dialler-metrics $.voxdialler_ticks_total: is gone; breaks gate, monitors"],
        ),
    ],
)
def test_what_differs_between_schemas(name: str, edit: Edit, lines: list[str]) -> None:
    assert changed(name, edit) == lines


def test_references_are_followed_and_may_go_round() -> None:
    old = {"$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "id": {"type": "integer"}}}}}
    old |= {"properties": {"first": {"$ref": "#/$defs/node"}}}
    new = copy.deepcopy(old)
    assert differences("x", old, new, judged=True) == []
    new["$defs"]["node"]["properties"]["id"] = {"type": "string"}  # type: ignore[index]
    assert differences("x", old, new, judged=True)[0].part == "$.first.id"


def test_no_name_of_a_field_writes_a_line_of_its_own_or_moves_the_terminal() -> None:
    """Whoever writes a repository's contract.json could say BREAKS NOBODY himself."""
    (change,) = differences("x", {"properties": {"a\nBREAKS NOBODY\x1b[1A": {}}}, {}, judged=False)
    assert change.line.isprintable()


def test_no_name_of_a_field_makes_its_readers_take_time() -> None:
    """They are looked for in the part above, and the one above that: a name of dots had as many."""

    class Counted(str):
        __slots__ = ()
        cuts = 0

        def __getitem__(self, key: Any) -> Counted:
            Counted.cuts += 1
            return Counted(super().__getitem__(key))

    assert readers("backend-health", Counted("$.checks" + "." * 5000)) == ("gate", "console", "monitors")
    assert Counted.cuts < 500


@pytest.mark.parametrize("name", [one for one in names() if one in READERS])
def test_the_shape_of_what_is_good_is_itself_unchanged(name: str) -> None:
    """A release that answers the same is no difference, whatever the values; and it keeps its shape."""
    for path in sorted((FOLDER / "examples" / name).glob("valid-*.json")):
        document = json.loads(path.read_text("utf-8"))
        assert differences(name, shape(document), shape(copy.deepcopy(document)), judged=False) == []


@pytest.mark.parametrize("name", sorted(READERS))
def test_each_field_of_a_contract_has_its_readers(name: str) -> None:
    assert readers(name, ANSWER)
    for field in schema(name)["properties"]:
        assert readers(name, f"$.{field}") or name == "backend-api", field


def test_what_two_releases_answer() -> None:
    """A new field breaks nobody, a narrower one neither; what is gone breaks who reads it."""
    health = {"status": "ok", "version": "1", "commit": "c", "pid": 1, "checks": {"redis": "ok"}}
    old = Answers("backend", {
        "GET /health": Told("backend-health", shape(health), 200, "application/json"),
        "GET /api/ping": Told("backend-api", shape({"pong": True}), 200, "application/json"),
        "GET /api/old": Told("backend-api", shape({}), 200, "application/json"),
    })  # fmt: skip
    new = Answers("backend", {
        "GET /health": Told("backend-health", shape({**health, "checks": {}, "region": "eu"}), 200, "application/json"),
        "GET /api/ping": Told("backend-api", shape({"pong": "yes"}), 201, "application/json", ("query tenant",)),
        "GET /api/new": Told("backend-api", shape({}), 200, "application/json"),
    })  # fmt: skip
    check("answers", json.loads(old.text))
    assert compared(old, old) == []
    assert [" ".join(one.line.split()) for one in compared(old, new)] == [
        "added GET /api/new: is new",
        "lost GET /api/old: is answered no more; breaks nginx, console",
        "changed GET /api/ping: status is 201, was 200; breaks nginx, console",
        "stricter GET /api/ping: must be told query tenant; breaks nginx, console",
        "changed GET /api/ping $.pong: is string, was boolean",
        "lost GET /health $.checks.redis: is gone; breaks gate, console, monitors",
        "added GET /health $.region: is new",
    ]


def test_an_openapi_document_says_what_is_needed() -> None:
    tenant = {"name": "tenant", "in": "query", "required": True, "schema": {"type": "string"}}
    good = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Call"}}}}
    document = {
        "openapi": "3.1.0",
        "paths": {
            "/calls/{id}": {
                "parameters": [{"name": "id", "in": "path", "required": True}],
                "get": {"parameters": [tenant], "responses": {"404": {}, "200": good}},
                "put": {"requestBody": {"required": True}, "responses": {"204": {"description": ""}}},
            },
            "/odd": "text",
        },
        "components": {"schemas": {"Call": {"type": "object"}}},
    }
    found = operations(document)
    assert set(found) == {"GET /calls/{id}", "PUT /calls/{id}"}
    assert (found["GET /calls/{id}"]["needs"], found["GET /calls/{id}"]["status"]) == (["query tenant"], 200)
    assert (found["PUT /calls/{id}"]["needs"], found["PUT /calls/{id}"]["status"]) == (["body"], 204)
    assert "components" in found["GET /calls/{id}"]["schema"]


OPERATION = {"needs": [], "status": 200, "type": "", "schema": {}}
QUERY = {"in": "query", "name": "q", "required": True}
JSON_OF = {"content": {"application/json": {"schema": {"type": "object"}}}}
ASKED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "nothing": ({}, {}),
    "what a head has": ({"x": {}}, {}),
    "a parameter for all of a path": ({"parameters": [QUERY], "get": {}}, {"GET /": {**OPERATION, "needs": ["query q"]}}),
    "parameters in order": (
        {"parameters": [QUERY], "get": {"parameters": [{**QUERY, "in": "header", "name": "a"}]}},
        {"GET /": {**OPERATION, "needs": ["header a", "query q"]}},
    ),
    "what may be left out": (
        {"get": {"parameters": [{**QUERY, "required": False}, {**QUERY, "required": "yes"}, {**QUERY, "in": "path"}, "q"]}},
        {"GET /": OPERATION},
    ),
    "parameters that are none": ({"parameters": {"q": QUERY}, "get": {"parameters": "q"}}, {"GET /": OPERATION}),
    "a body that may be left out": ({"post": {"requestBody": {"required": False}}}, {"POST /": OPERATION}),
    "a body": ({"post": {"requestBody": {"required": True}}}, {"POST /": {**OPERATION, "needs": ["body"]}}),
    "the first good answer": (
        {"get": {"responses": {"400": {}, "204": {}, "201": JSON_OF, "2XX": {}, "200": "none"}}},
        {"GET /": {**OPERATION, "status": 201, "type": "application/json", "schema": {"type": "object"}}},
    ),
    "an operation that is none": ({"get": 1, "put": {}}, {"PUT /": OPERATION}),
}


@pytest.mark.parametrize("what", ASKED)
def test_an_operation_is_what_it_needs_and_its_good_answer(what: str) -> None:
    item, found = ASKED[what]
    assert operations({"paths": {"/": item, "/odd": 1}}) == found
    beside = {name: {**one, "schema": {**one["schema"], "components": 7} if one["schema"] else {}} for name, one in found.items()}
    assert operations({"paths": {"/": item}, "components": 7}) == beside
    assert operations({"paths": [item]}) == {}


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (None, {"type": "null"}),
        (True, {"type": "boolean"}),
        (1, {"type": "integer"}),
        (1.0, {"type": "number"}),
        ("x", {"type": "string"}),
        ([], {"type": "array"}),
        ([1, 2], {"type": "array", "items": {"type": "integer"}}),
        ([1, "x"], {"type": "array"}),
        (
            {"b": 1, "a": []},
            {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "array"}, "b": {"type": "integer"}}},
        ),
    ],
)
def test_a_shape_is_types_without_values(document: object, found: dict[str, Any]) -> None:
    assert shape(document) == found


def said(*words: str | Path) -> tuple[int, str]:
    argv = [sys.executable, "-m", "voxgate.cli.main", "contract", "diff", *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def test_the_command_compares_folders_and_files(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        for path in FOLDER.glob("*-health.schema.json"):
            shutil.copy(path, folder)
    assert said(old, new) == (0, f"BREAKS NOBODY  0 differences between {old} and {new}\n")
    worker = json.loads((new / "worker-health.schema.json").read_text("utf-8"))
    worker["required"].remove("commit")
    (new / "worker-health.schema.json").write_text(json.dumps(worker), "utf-8")
    (new / "fleet-health.schema.json").unlink()
    status, text = said(old, new)
    assert status == 1
    assert "lost      worker-health $.commit: may be missing; breaks gate" in text
    assert "lost      fleet-health: is gone; breaks HAProxy, gate, monitors" in text
    assert "BREAKS HAProxy, gate, monitors  2 differences" in text
    status, text = said(old / "worker-health.schema.json", new / "worker-health.schema.json")
    assert (status, "BREAKS gate  1 difference between" in text) == (1, True)


def test_the_command_compares_the_lab_s_releases(tmp_path: Path) -> None:
    answers = Path(__file__).resolve().parents[3] / "lab/services/vox-agents/contract.json"
    assert faults("answers", json.loads(answers.read_text("utf-8"))) == ()
    new = tmp_path / "new.json"
    new.write_text(answers.read_text("utf-8").replace('"fleet_available"', '"fleet_free"'), "utf-8")
    status, text = said(answers, new)
    assert status == 1
    assert "lost      GET /health/fleet $.fleet_available: is gone; breaks gate, monitors" in text
    assert "added     GET /health/fleet $.fleet_free: is new" in text


def test_what_is_no_contract_is_refused_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "plain.json").write_text('{"a": 1}', "utf-8")
    (tmp_path / "cut.json").write_text('{"a": ', "utf-8")
    (tmp_path / "empty").mkdir()
    good = FOLDER / "worker-health.schema.json"
    for words in ((good,), (good, tmp_path / "none.json"), (good, tmp_path / "plain.json"), (good, tmp_path / "empty")):
        status, text = said(*words)
        assert (status, text.count("\n")) == (10, 2), text
    status, text = said(good, tmp_path / "cut.json")
    assert (status, text.count("\n")) != (0, 0)
