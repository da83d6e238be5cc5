"""The steps of each move, whole: what is run, how long it may take, what it changes, and whether a stop may cut it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.model.answers import Answer
from voxgate.model.evidence import Missing
from voxgate.model.installed import BUILDER, BUILDS, STATE
from voxgate.model.release import Release
from voxgate.moves import health, steps
from voxgate.moves.steps import Step

ESTATE = load_estate("lab")
BACKEND, CONSOLE, DIALLER = (ESTATE.service(name) for name in ("backend", "console", "dialler"))
COMMIT, OTHER = "a" * 40, "b" * 40
OLD, NEW = Release("backend", COMMIT, "vox-backend-2026.06.22-1"), Release("backend", OTHER)
PAGE = Release("console", COMMIT, "vox-frontend-2026.06.22-1")
SUDO = ("/usr/bin/sudo", "-n", "/usr/bin/systemctl")
ALONE = ("env", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1")
PLAIN = ("git", "-C", BACKEND.folder, "checkout", "--quiet", "--force", "--detach", COMMIT, "--")


def script(text: str, *words: str) -> tuple[str, ...]:
    return ("sh", "-c", text, "sh", *words)


STEPS: dict[str, tuple[Step, Step]] = {
    "fetch": (steps.fetch(BACKEND), Step(script(steps._FETCH, BACKEND.folder), 170, "git fetch")),
    "checkout": (steps.put_in_place(BACKEND, OLD), Step((*ALONE, *PLAIN), 60, "git checkout", changes="code")),
    "checkout of what was wanted": (
        steps.put_in_place(BACKEND, OLD, replace(NEW, commit=COMMIT)),
        Step((*ALONE, *PLAIN), 60, "git checkout", changes="code"),
    ),
    "checkout on a way back": (
        steps.put_in_place(BACKEND, OLD, NEW),
        Step((*ALONE, *script(steps._PUT_BACK, BACKEND.folder, COMMIT, OTHER)), 60, "git checkout", changes="code"),
    ),
    "is it a checkout": (
        steps.is_checkout(BACKEND),
        Step(("git", "-C", BACKEND.folder, "rev-parse", "--git-dir"), 10, "git rev-parse"),
    ),
    "is it there": (
        steps.has_commit(BACKEND, OLD),
        Step(("git", "-C", BACKEND.folder, "cat-file", "-e", f"{COMMIT}^{{commit}}"), 10, "git cat-file"),
    ),
    "is the build whole": (
        steps.intact_build(CONSOLE, PAGE),
        Step(script(steps._INTACT, CONSOLE.folder, COMMIT), 30, "check build"),
    ),
    "is it served": (steps.is_served(CONSOLE, PAGE), Step(script(steps._SERVED, CONSOLE.folder, COMMIT), 10, "readlink dist")),
    "way back of a console": (
        steps.way_back_is_here(CONSOLE, PAGE),
        Step(script(steps._REPUBLISHABLE, CONSOLE.folder, COMMIT), 120, f"way back to {PAGE}"),
    ),
    "way back": (
        steps.way_back_is_here(BACKEND, OLD),
        Step((BUILDER, "prove", "python", BACKEND.build_name, COMMIT), 120, f"way back to {OLD}"),
    ),
    "can it be built": (
        steps.builds_are_possible(BACKEND, "1" * 64, "2" * 64),
        Step(
            script(
                steps._BUILDS, "1" * 64, BUILDER, "2" * 64, f"{steps.UNITS}/{BACKEND.build_file}",
                f"{BUILDS}/{BACKEND.build_name}/in", BACKEND.build_unit, BACKEND.folder,
            ),
            15, "build",
        ),
    ),
    "is it allowed": (
        steps.is_allowed(["a.service", "b.service"]),
        Step(script(steps._ALLOWED, "a.service", "b.service"), 60, "sudo"),
    ),
    "tools": (
        steps.tools_are_here(CONSOLE, PAGE),
        Step((BUILDER, "tools", "static", CONSOLE.build_name, COMMIT), 120, "tools of a build"),
    ),
    "folders": (
        steps.is_ready(BACKEND),
        Step(
            (steps.PYTHON, "-I", "-c", steps._READY, BACKEND.folder, BACKEND.user or "", STATE,
             f"{BUILDS}/{BACKEND.build_name}/in"),
            60, "folders",
        ),
    ),
    "folders of whom nobody runs": (
        steps.is_ready(replace(BACKEND, user=None)),
        Step(
            (steps.PYTHON, "-I", "-c", steps._READY, BACKEND.folder, "", STATE, f"{BUILDS}/{BACKEND.build_name}/in"),
            60, "folders",
        ),
    ),
    "publish": (
        steps.publish(CONSOLE, PAGE),
        Step(script(steps._PUBLISH, CONSOLE.folder, COMMIT), 30, "switch dist", finish=True, changes="dist"),
    ),
    "restart": (
        steps.systemctl("restart", "x.service"),
        Step((*SUDO, "restart", "x.service"), 120, "restart x", finish=True, changes="x.service"),
    ),
    "reset": (
        steps.systemctl("reset-failed", "x.service"),
        Step((*SUDO, "reset-failed", "x.service"), 120, "reset-failed x", finish=True, owed=True),
    ),
    "start": (
        steps.systemctl("start", "x.service"),
        Step((*SUDO, "start", "x.service"), 120, "start x", finish=True, changes="x.service", owed=True),
    ),
    "left over": (steps.left_over("x.service"), Step(script(steps._LEFT_OVER, "x.service"), 15, "x gone?")),
    "alive": (
        steps.alive("x.service", DIALLER),
        Step(
            script(steps._ALIVE, "x.service", DIALLER.folder.strip("/"), DIALLER.owner, DIALLER.user or "?"), 15, "x alive?"
        ),
    ),
    "alive as nobody's": (
        steps.alive("x.service", replace(DIALLER, user=None)),
        Step(script(steps._ALIVE, "x.service", DIALLER.folder.strip("/"), DIALLER.owner), 15, "x alive?"),
    ),
    "state": (
        steps.unit_state("x.service"),
        Step(
            ("/usr/bin/systemctl", "show", "--property=ActiveState,SubState,Result,NRestarts,MainPID,InvocationID,ExecMainStatus",
             "--", "x.service"),
            10, "x?",
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_exactly_this(name: str) -> None:
    made, wanted = STEPS[name]
    assert made == wanted


def test_an_installation_is_a_build_and_a_console_s_has_a_manifest() -> None:
    build = Step((BUILDER, "install", "python", BACKEND.build_name, COMMIT), 700, "uv sync", changes="packages")
    page = Step((BUILDER, "install", "static", CONSOLE.build_name, COMMIT), 700, "npm ci, npm run build", changes="packages")
    manifest = Step(script(steps._MANIFEST, CONSOLE.folder, COMMIT), 30, "manifest", changes="packages")
    assert steps.install(BACKEND, OLD) == (build,)
    assert steps.install(CONSOLE, PAGE) == (page, manifest)
    assert steps.offline((page, manifest)) == (replace(page, argv=(*page.argv, "--offline")), manifest)


@pytest.mark.parametrize(
    ("state", "is_reset"),
    [({}, False), ({"ActiveState": "inactive"}, False), ({"ActiveState": "failed"}, True), ({"ActiveState": "active"}, True)],
)
def test_only_what_is_loaded_is_reset(state: dict[str, str], *, is_reset: bool) -> None:
    assert steps.unlimited("x.service", state) == ((steps.systemctl("reset-failed", "x.service"),) if is_reset else ())


RUNNING = {"ActiveState": "active", "SubState": "running"}


@pytest.mark.parametrize(
    ("state", "restarts", "up"),
    [
        (RUNNING, "1", "NOT_YET"),
        (RUNNING, "2", "NEVER"),
        (RUNNING, "x", "NOT_YET"),
        (RUNNING, "", "NOT_YET"),
        ({}, "", "NOT_YET"),
    ],
)
def test_two_automatic_restarts_after_ours_are_a_unit_that_dies_as_it_starts(
    state: dict[str, str], restarts: str, up: str
) -> None:
    found = health.pulse({**state, "NRestarts": restarts}, Missing("missing", "x"), COMMIT)
    assert found.up.name == up
    where = "active/running" if state else "unknown/unknown"
    said = f"it dies as it starts: {restarts} automatic restarts, {where}" if up == "NEVER" else f"{where}, not asked: x"
    assert found.said == said


PAGES: list[tuple[int, bytes, str]] = [
    (200, b'{"status": "ok", "commit": "' + OTHER.encode() + b'"}', f"reports commit {OTHER[:12]}, not {COMMIT[:12]}"),
    (200, b'{"status": "ok"}', f"reports commit None, not {COMMIT[:12]}"),
    (200, b"[]", "answers 200, status None"),
    (503, b'{"status": "ok", "checks": {"b": "x", "a": 1, "c": "ok"}}', "answers 503, status 'ok', not ok: a, b"),
    (200, b'{"status": "bad", "checks": {"c": "ok"}}', "answers 200, status 'bad'"),
    (200, b'{"status": "bad", "checks": 7}', "answers 200, status 'bad'"),
    (200, b'{"status": "' + b"x" * 198 + b'"}', f"answers 200, status '{'x' * 198}'"),
    (200, b'{"status": "' + b"x" * 199 + b'"}', "answers 200, status '.."),
]


@pytest.mark.parametrize(("status", "body", "said"), PAGES, ids=range(len(PAGES)))
def test_a_page_that_is_not_well_is_told_in_a_line(status: int, body: bytes, said: str) -> None:
    answer = Answer("api-1", 8080, "/health", status, {}, body, 0.1, 0.0)
    assert health.pulse(RUNNING, answer, COMMIT) == health.Pulse(health.Up.NOT_YET, said)


def test_what_is_no_state_is_none() -> None:
    assert health.read_state(b"ActiveState=active\nno pair\nx=a=b\n=z\n\xff=1") == {
        "ActiveState": "active", "x": "a=b", "": "z", "\ufffd": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("state", "trouble", "said"),
    [
        ({"ActiveState": "failed"}, "", "systemd gave up on it: failed, unknown"),
        ({"ActiveState": "failed", "Result": "signal"}, "", "systemd gave up on it: failed, signal"),
        (RUNNING, "connection refused", "active/running, no answer on :8080/health: connection refused"),
    ],
)
def test_where_no_page_counts_systemd_is_told(state: dict[str, str], trouble: str, said: str) -> None:
    answer = Answer("api-1", 8080, "/health", 0, {}, b"", 0.1, 0.0, trouble)
    assert health.pulse(state, answer, COMMIT).said == said
