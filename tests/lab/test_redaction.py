"""No secret leaves: canaries stand wherever secrets stand, and appear nowhere in what the gate writes or says."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import places
from lab.hosts import execute, must
from tests.lab.conftest import ROOT, Gate, GateRun
from voxgate.contracts.envelope import decode

# One for each way out, so that a leak says which way it took. Made as secrets are made; never the same as a planted one.
BARE = "canary-q7Zt2LxV9mRb4KwYc8Hd"
NAMED = "canary-argument-named"
IN_URL = "canary-in-a-url"
IN_JOURNAL = "canary-journal-named"
IN_HEALTH = "canary-health-named"
IN_HEADER = "canary-header-named"
IN_EXCEPTION = "canary-exception-named"
IN_PARAMETER = "canary-parameter-named"
IN_LOCALS = "canary-locals-named"
IN_OUTPUT = "canary-output-named"
IN_ENVIRONMENT = "canary environment plain words"
LAST_LINE = "that was all of it"
OURS = (BARE, NAMED, IN_URL, IN_JOURNAL, IN_HEALTH, IN_HEADER, IN_EXCEPTION, IN_PARAMETER, IN_LOCALS, IN_OUTPUT, IN_ENVIRONMENT)

LEAKY = f'''
"""A team's own checks, written as carelessly as checks are written."""
import logging
import os
import warnings
import pytest
from testinfra.host import Host

@pytest.mark.parametrize("uri", ["mongodb://vox:{IN_PARAMETER}@data/vox", "mongodb://vox:{IN_PARAMETER}2@data/vox", "{BARE}"])
def test_of_a_parameter(uri):
    assert uri == ""

def test_that_raises():
    api_key = "{IN_LOCALS}"
    plain = "{BARE}"
    raise RuntimeError("cannot reach redis://:{IN_EXCEPTION}@data:6379 with {BARE}")

def test_that_talks():
    print("JWT_SECRET={IN_OUTPUT} {BARE}")
    logging.getLogger("x").warning("password: {IN_OUTPUT}")
    given = os.environ["DEPLOY_TOKEN"]
    assert given == "", f"got {{given}}"

def test_that_warns():
    warnings.warn("token={IN_OUTPUT} " + os.environ["DEPLOY_TOKEN"])

@pytest.mark.skip(reason="api_key={IN_OUTPUT}")
def test_that_is_skipped(): ...

def test_on_a_host(host):
    command = host.run("echo S3_SECRET_KEY={IN_OUTPUT}; echo {BARE} >&2; exit 3")
    assert command.rc == 0, command
'''

SERVER = f"""
import http.server
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{{"status": "ok", "mongodb_uri": "mongodb://vox:{IN_URL}@data/vox", "api_key": "{IN_HEALTH}", "note": "{BARE}"}}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "session={IN_HEADER}")
        self.send_header("X-Api-Key", "{IN_HEADER}")
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", 8080), Answers).serve_forever()
"""


@pytest.fixture(scope="module")
def canaries() -> set[str]:
    """Every value that is planted in a ``.env`` of the lab, and ours."""
    planted: dict[str, dict[str, str]] = json.loads(places.canaries().read_text())
    values = {value for settings in planted.values() for value in settings.values()}
    assert len(values) > 5
    return values | set(OURS)


@pytest.fixture(scope="module")
def careless_estate() -> Iterator[None]:
    """Canaries on live hosts: in arguments of processes, in a journal, in what the backend answers."""
    backend = "voxbridge.service"
    arguments = ["python3", "-c", "import time; time.sleep(900)", "--api-key", NAMED, f"--uri=redis://:{IN_URL}@data", BARE]
    answers = "import socket, time\nfor _ in range(50):\n try: socket.create_connection(('127.0.0.1', 8080)); break\n"
    answers += " except OSError: time.sleep(.1)\nelse: raise SystemExit(1)"
    run = ["systemd-run", "--quiet", "--collect"]
    careless = f"""echo $$ >/sys/fs/cgroup/system.slice/{backend}/cgroup.procs
        exec systemd-cat -t vox-backend bash -c 'echo "JWT_SECRET={IN_JOURNAL} {BARE}"; cat /opt/vox-backend/.env
            echo "{LAST_LINE}"; until journalctl -q -u {backend} | grep -q "{LAST_LINE}"; do sleep .1; done'"""
    must("api-1", ["timeout", "20", "bash", "-c", careless])
    must("api-1", ["systemctl", "stop", backend])
    try:
        must("api-1", [*run, "--unit=canary-argument", *arguments])
        must("api-1", ["tee", "/run/canary.py"], SERVER)
        must("api-1", [*run, "--unit=canary-health", "python3", "/run/canary.py"])
        must("api-1", ["python3", "-c", answers])
        yield
    finally:
        execute("api-1", ["systemctl", "stop", "canary-argument", "canary-health"])
        must("api-1", ["systemctl", "reset-failed", backend])
        must("api-1", ["systemctl", "restart", backend])  # what systemd itself started again would count
        # The deploy among these could not come back, rightly: its host is held until a person says that it is in order.
        cleared = [sys.executable, "-m", "pytest", "--estate", "lab", "--clear", "backend", "--reason", "the canaries are gone"]
        subprocess.run(cleared, cwd=ROOT, check=False, capture_output=True, timeout=60)


def leaks(run: GateRun, canaries: set[str]) -> list[str]:
    """Where a canary stands: file and canary's beginning. Packed bodies are looked into, and what is attested."""
    found = [f"output: {one[:16]}" for one in canaries if one in run.said]
    for path in sorted(run.folder.rglob("*")):
        if not path.is_file():
            continue
        body = path.read_bytes()
        body += gzip.decompress(body) if body[:2] == b"\x1f\x8b" else b""
        body += decode(body).payload if path.name == "attestation.json" else b""
        found += [f"{path.relative_to(run.folder)}: {one[:16]}" for one in canaries if one.encode() in body]
        found += [f"name of {path.name}" for one in canaries if one in path.name]
    return found


def test_the_page_of_a_deploy_holds_none(deployed: GateRun, canaries: set[str]) -> None:
    assert (deployed.folder / "allure-report/index.html").is_file()
    assert not leaks(deployed, canaries)


HOW = {"showlocals": ["-vv", "--showlocals"], "xdist": ["-n2", "-v"], "quiet": ["-q"], "deploy": ["--deploy", "backend", "-v"]}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_no_canary_leaves(
    how: list[str], gate: Gate, tmp_path: Path, canaries: set[str], careless_estate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaky = tmp_path / "test_leaky.py"
    leaky.write_text(LEAKY)
    monkeypatch.setenv("DEPLOY_TOKEN", IN_ENVIRONMENT)
    page = "never" if "-q" in how else "always"
    if "--deploy" in how:  # what is planted stands before it, and would stop it
        planted = sorted(gate("-q", "suites").red)
        how = [*how, *(word for one in planted for word in ("--standing", one)), "--reason", "canaries"]
    run = gate(*how, "--html", page, "suites", str(leaky), "-W", "default", "-o", "log_cli=true")
    assert run.status != 0
    assert run.red >= {f"test_leaky.py::test_of_a_parameter[mongodb://[cut]@data/vox{number}]" for number in ("", "-2")}, run.red
    assert any(one.startswith("health-answers") or "health" in one for one in run.red), "the planted answer was not judged"
    assert not leaks(run, canaries)
    papers = [path.read_text() for path in (run.folder / "allure-results").glob("*-attachment.txt")]
    if "deploy" not in "".join(how):  # which starts the unit anew, with a journal of its own
        assert any(LAST_LINE in text for text in papers), "the journal into which all of .env was written was not attached"
    evidence = (run.folder / "evidence/second/hosts/api-1.json").read_text()
    assert "time.sleep(900)" in evidence, "the planted process was not seen"


def test_what_was_cut_is_judged_as_it_was_served(gate: Gate, tmp_path: Path) -> None:
    """A console that carries a word like a secret is cut in the evidence, and is still compared by bytes, also offline."""
    script = must("api-1", ["bash", "-c", "cd /opt/vox-frontend/dist/ && ls assets/*.js | head -1"]).strip()
    path = f"/opt/vox-frontend/dist/{script}"
    must("api-1", ["bash", "-c", f"cp -p {path} /run/script-as-built && echo 'const x = {{api_key: \"{NAMED}\"}}' >> {path}"])
    try:
        run = gate("-m", "console")
        assert "dist-is-this-build[console-api-1]" in run.red
        assert "nginx-serves-exactly-dist[console-api-1]" not in run.red
        assert NAMED.encode() not in b"".join(one.read_bytes() for one in (run.folder / "evidence/bodies").iterdir())
        again = subprocess.run(
            [ROOT / ".venv/bin/pytest", f"--evidence={run.folder}/evidence", "-m", "console", f"--reports={tmp_path}/again"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert again.returncode == run.status, again.stdout
        said: Any = json.loads((tmp_path / "again/latest/verdict.json").read_text())
        assert {one["id"] for one in said["invariants"] if one["verdict"] != "holds"} == run.red
    finally:
        again_published = "cd /opt/vox-frontend && ln -sfn $(readlink dist) .dist.next && mv -T .dist.next dist"
        must("api-1", ["bash", "-c", f"cp -p /run/script-as-built {path} && rm /run/script-as-built"])
        must("api-1", ["runuser", "-u", "deploy", "--", "bash", "-c", again_published])  # what was touched since is not the build
