"""``voxgate contract``, as a process, of services that are started: each way to break a promise is broken, and named, alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from voxgate.promises import test_between, test_promises
from voxgate.promises.contract import promise_of

HERE = Path(__file__).resolve().parent
SERVICE = HERE / "service.py"
MINE = {"backend": ("MONGODB_URI", "JWT_SECRET"), "dialler": ("MONGODB_URI", "DIALLER_TICK_SECONDS")}
WORDS = """
[backend]
repository = "vox-backend"
role = "api"
kind = "python"
folder = "/opt/vox-backend"
owner = "deploy"
user = "vox"
unit = "voxbridge.service"
health = { port = 8080, path = "/health", schema = "backend-health" }
start_deadline = 20
required_settings = ["MONGODB_URI", "JWT_SECRET"]
stores = { MONGODB_URI = "mongodb" }

[dialler]
repository = "vox-dialler"
role = "sip"
kind = "python"
folder = "/opt/vox-dialler"
owner = "deploy"
user = "vox"
unit = "voxdialler.service"
app_name = "vox-dialler"
health = { port = 8090, path = "/health", schema = "dialler-health" }
metrics = { port = 8090, path = "/metrics" }
start_deadline = 20
required_settings = ["MONGODB_URI", "DIALLER_TICK_SECONDS"]
stores = { MONGODB_URI = "mongodb", REDIS_URL = "redis" }
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose services need two settings each, and are not waited for long."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "hosts").mkdir()
    (folder / "hosts/services.toml").write_text(WORDS, "utf-8")
    return folder


@pytest.fixture(scope="module")
def settings(project: Path) -> Iterator[Path]:
    """Settings whose store is there."""
    with socket.create_server(("127.0.0.1", 0)) as store:
        threading.Thread(target=take_all, args=(store,), daemon=True).start()
        uri = f"mongodb://vox:s3cret-of-vox@127.0.0.1:{store.getsockname()[1]}/vox"
        file = project / "test.env"
        beside = "REDIS_URL=x\nS3_ENDPOINT=y\nDIALLER_TICK_SECONDS=0.2"
        file.write_text(f"MONGODB_URI={uri}\nJWT_SECRET=hunter2-hunter2\n{beside}\n", "utf-8")
        yield file


def take_all(store: socket.socket) -> None:
    """Every connection is taken, and ended."""
    with suppress(OSError):  # closed at the end
        while True:
            store.accept()[0].close()


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def asked(project: Path, *words: str, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "voxgate.cli.main", "contract", *words],
        cwd=project,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


def broken(said: str) -> set[str]:
    return {line.split()[1] for line in said.splitlines() if line.startswith("  BROKEN")}


@contextmanager
def running(kind: str, settings: Path, *flaws: str) -> Iterator[str]:
    """One that runs; what it is asked by."""
    port = free()
    environ = dict(line.split("=", 1) for line in settings.read_text("utf-8").splitlines())
    process = subprocess.Popen([sys.executable, str(SERVICE), kind, str(port), *flaws], env=environ)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=20).close()
            except ConnectionRefusedError:
                assert process.poll() is None
                time.sleep(0.02)  # between two looks whether it listens
                continue
            break
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def test_each_promise_says_what_is_promised() -> None:
    found = {name: one for name, one in {**vars(test_promises), **vars(test_between)}.items() if name.startswith("test_")}
    assert len(found) >= 35
    for name, one in found.items():
        assert promise_of(one), name
        assert len(" ".join(one.__doc__.split())) > 40, name


def test_one_that_keeps_all_is_started_asked_and_stopped(project: Path, settings: Path) -> None:
    port = free()
    start = f"{sys.executable} {SERVICE} backend {port}"
    words = (
        "--at",
        f"http://127.0.0.1:{port}",
        "--start",
        start,
        "--env",
        str(settings),
        "--junit",
        "out.xml",
        "--allure",
        "out",
    )
    status, said = asked(project, "backend", *words)
    assert (status, broken(said)) == (0, set()), said
    cases = ET.parse(project / "out.xml").getroot().findall(".//testcase")  # noqa: S314 - our own
    assert f"KEPT  {len(cases)} of {len(cases)} promises are kept" in said
    wanted = {f"test_it_does_not_start_without_a_setting[{name}]" for name in MINE["backend"]}
    assert wanted <= {case.get("name") for case in cases}
    assert list((project / "out").glob("*-result.json"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)


def test_the_answers_are_kept_and_compared(project: Path, settings: Path) -> None:
    """By a file in the checkout nothing must be typed; what was answered before, and is read, must be answered still."""
    port = free()
    file = project / "contract.toml"
    said_of = 'service = "backend"\nat = "http://127.0.0.1:{port}"\nstart = "{start}"\nanswers = "contract.json"\n[settings]\n'
    lines = [f'{name} = "{value}"' for name, value in (one.split("=", 1) for one in settings.read_text("utf-8").splitlines())]

    def write(*flaws: str) -> None:
        start = f"{sys.executable} {SERVICE} backend {port} {' '.join(flaws)}"
        file.write_text(said_of.format(port=port, start=start) + "\n".join(lines) + "\n", "utf-8")

    try:
        write()
        status, said = asked(project, "--save", "contract.json", "--only", "it-names-itself")
        assert (status, "its answers are kept in contract.json" in said) == (0, True), said
        assert "2 of 2 promises are kept" in said  # that it starts is what the other one waits for
        kept = json.loads((project / "contract.json").read_text("utf-8"))
        assert set(kept["answers"]) == {"GET /health", "GET /api/ping"}
        assert asked(project, "--only", "it-answers-as-before")[0] == 0
        write("another-ping")
        status, said = asked(project, "--only", "it-answers-as-before")
        assert (status, broken(said)) == (1, {"it-answers-as-before"})
        assert "changed GET /api/ping: type is text/plain, was application/json; breaks nginx, console" in " ".join(said.split())
        status, said = asked(project, "--only", "it-is-red")
        assert (status, "there is no such promise" in said) == (10, True)
        file.write_text('servise = "backend"\n', "utf-8")
        status, said = asked(project)
        assert (status, "says what nobody knows" in said, "servise" in said) == (10, True, True), said
    finally:
        file.unlink()


@pytest.mark.parametrize(
    ("kind", "flaw", "named"),
    [
        ("backend", "another-name", {"it-names-itself"}),
        ("backend", "no-commit", {"its-health-keeps-the-contract", "it-names-its-commit"}),
        ("backend", "two-processes", {"it-is-one-process"}),
        ("backend", "no-zone", {"its-health-keeps-the-contract", "it-started-before-now"}),
        ("backend", "head-fails", {"head-is-no-error"}),
        ("backend", "anything-is-found", {"an-unknown-path-is-404"}),
        ("backend", "html", {"its-health-keeps-the-contract"}),
        ("dialler", "ticks-nine-times", {"it-ticks-at-its-pace"}),
        ("dialler", "does-not-tick", {"it-ticks-at-its-pace"}),
        ("dialler", "counter-without-total", {"its-metrics-are-well-formed", "its-metrics-are-those-of-the-dashboards"}),
        ("dialler", "other-metrics", {"its-metrics-are-those-of-the-dashboards"}),
        ("backend", "no-ping", {"its-api-has-what-the-console-asks"}),
    ],
)
def test_what_a_running_one_breaks_is_named(project: Path, settings: Path, kind: str, flaw: str, named: set[str]) -> None:
    with running(kind, settings, flaw) as at:
        status, said = asked(project, kind, "--at", at)
    assert status == 1
    assert named <= broken(said)
    if len(named) == 1 and flaw != "html":
        assert broken(said) == named


@pytest.mark.parametrize(
    ("flaw", "named"),
    [
        ("starts-without-JWT_SECRET", {"it-does-not-start-without-a-setting[JWT_SECRET]"}),
        ("names-no-setting", {f"it-does-not-start-without-a-setting[{name}]" for name in ("JWT_SECRET", "MONGODB_URI")}),
        ("believes-nobody", {"it-says-that-a-store-is-down[MONGODB_URI]"}),
        ("prints-a-secret", {"it-stops-when-asked"}),
    ],
)
def test_what_one_breaks_that_is_started_is_named(project: Path, settings: Path, flaw: str, named: set[str]) -> None:
    port = free()
    start = f"{sys.executable} {SERVICE} backend {port} {flaw}"
    toml = project / "hosts/services.toml"
    whole = toml.read_text("utf-8")
    toml.write_text(whole.replace("start_deadline = 20", "start_deadline = 4"), "utf-8")
    try:
        status, said = asked(project, "backend", "--at", f"http://127.0.0.1:{port}", "--start", start, "--env", str(settings))
    finally:
        toml.write_text(whole, "utf-8")
    assert (status, broken(said)) == (1, named), said
    assert "hunter2" not in said
    assert "s3cret" not in said


def test_a_dialler_s_health_tells_of_its_database_alone(project: Path, settings: Path) -> None:
    """Its page tells of its ticks, and these are in its database: nobody can ask it for its Redis."""
    port = free()
    at = ("--at", f"http://127.0.0.1:{port}", "--start", f"{sys.executable} {SERVICE} dialler {port}", "--env", str(settings))
    status, said = asked(project, "dialler", *at, "--only", "it-says-that-a-store-is-down")
    assert (status, broken(said)) == (0, set()), said
    assert "kept    it-says-that-a-store-is-down[MONGODB_URI] " in said
    assert "REDIS_URL" not in said


def test_an_agent_that_is_busy_has_patience(project: Path, settings: Path) -> None:
    name = "its-health-keeps-the-contract"
    with running("backend", settings, "slow") as at:
        status, said = asked(project, "backend", "--at", at, "--only", name)
        assert (status, broken(said), "GET /health took " in said) == (1, {name}, True), said
        status, said = asked(project, "backend", "--at", at, "--only", name, "--patience", "30")
        assert (status, said.splitlines()[0]) == (0, f"vox-backend at {at}, as it runs, each time limit 30 times as long")
        status, said = asked(project, "backend", "--at", at, "--only", name, environ={"VOXGATE_PATIENCE": "30"})
        assert status == 0, said
        status, said = asked(project, "backend", "--at", at, "--patience", "0.5")
        assert (status, "--patience, or VOXGATE_PATIENCE, is no such number" in said) == (10, True), said


def test_no_value_of_a_setting_is_in_what_is_written(project: Path, settings: Path) -> None:
    """CI publishes JUnit and Allure: what a service says of its settings where it should not stands in neither."""
    with running("backend", settings, "tells-its-secrets") as at:
        words = ("--at", at, "--env", str(settings), "--junit", "told.xml", "--allure", "told")
        status, said = asked(project, "backend", *words)
    assert (status, broken(said)) == (1, {"it-names-itself"}), said
    results = [path.read_text("utf-8") for path in (project / "told.xml", *(project / "told").iterdir())]
    assert any("service is" in text for text in results)
    for text in (said, *results):
        assert "hunter2" not in text
        assert "s3cret" not in text


def test_what_cannot_be_asked_is_refused_in_a_line(project: Path, settings: Path) -> None:
    port = free()
    at = f"http://127.0.0.1:{port}"
    for words, what in (
        (("backend", "--at", at), "nobody answers there"),
        (("backend", "--at", "ftp://x"), "--at is no address of a service"),
        (("bakend", "--at", at), "there is no such service"),
        (("backend", "--at", at, "--start", "x"), "settings are not there"),
        (("backend", "--at", at, "--start", "'", "--env", str(settings)), "--start is no command"),
        (("backend", "--at", at, "--start", "there-is-no-such-program", "--env", str(settings)), "there-is-no-such-program"),
    ):
        status, said = asked(project, *words)
        assert status != 0
        assert what in said
        assert "Traceback" not in said
    with socket.create_server(("127.0.0.1", port)):
        status, said = asked(project, "backend", "--at", at, "--start", "true", "--env", str(settings))
    assert (status, "somebody answers there already" in said) == (10, True)
