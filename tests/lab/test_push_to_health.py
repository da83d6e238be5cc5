"""From a push to health: the forge's webhook, the service's own pipeline, and on main the gate. What is red reaches no host.

Jenkins itself is in no registry. Here its place is taken by a few lines: they take the webhook as Bitbucket sends it, fetch the
commit by SSH, and run the stages of the checkout's own Jenkinsfile as they stand, on an agent that knows no host. What stage
`Deploy` asks of the gate's job is asked of the gate.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from lab import estate, places
from tests.lab.agent import Agent, Stage, agent
from tests.lab.conftest import ROOT, Gate, GateRun, head_of, known_good, ledger, on_host
from tests.lab.hostile import on_main
from tests.pipelines import parse, stages_of
from voxgate.contracts.releases_answers import FILE as FILE_OF_ANSWERS

REPOSITORY, SERVICE, HOST = "vox-dialler", "dialler", "sip-1"
HEALTH = "http://198.51.100.41:8090/health"
FILE = "vox_dialler/book.py"
BARE = f"/home/git/{estate.WORKSPACE}/{REPOSITORY}.git"
GIT = ["runuser", "-u", "git", "--"]
HOOK = """#!/usr/bin/python3
import json, sys, urllib.request
for line in sys.stdin:
    _, new, ref = line.split()
    said = {"repository": {"name": "REPOSITORY"}, "push": {"changes": [{"new": {
        "type": "branch", "name": ref.removeprefix("refs/heads/"), "target": {"hash": new}}}]}}
    kind = {"content-type": "application/json", "x-event-key": "repo:push"}
    asked = urllib.request.Request("URL", json.dumps(said).encode(), kind)
    urllib.request.urlopen(asked, timeout=10).read()
"""
PUSH = """set -eu
rm -rf /tmp/developer
git clone --quiet "$1" /tmp/developer
cd /tmp/developer
sed -i "$2" "$3"
git -c user.name=a -c user.email=a@vox.example commit --quiet --all --message "$4"
git push --quiet origin main
git rev-parse HEAD
"""


@dataclass
class Pushed:
    """One push as the webhook says it."""

    repository: str
    branch: str
    commit: str


@dataclass
class Builds:
    """The builds of pushes: each by the checkout's own Jenkinsfile."""

    url: str
    builder: Agent
    gate: Gate
    folder: Path
    came: queue.Queue[Pushed] = field(default_factory=queue.Queue)

    def take(self, body: bytes) -> None:
        """A webhook."""
        said = json.loads(body)
        for change in said["push"]["changes"]:
            self.came.put(Pushed(said["repository"]["name"], change["new"]["name"], change["new"]["target"]["hash"]))

    def build(self) -> tuple[Pushed, list[Stage], GateRun | None]:
        """The next push: what its stages said, and the gate's run where it came to that."""
        pushed = self.came.get(timeout=60)
        checkout = self.folder / pushed.commit
        address = next(host.address for host in estate.hosts() if host.role == "forge")
        ssh = f"ssh -F none -i {places.identity()} -o IdentitiesOnly=yes -o UserKnownHostsFile={places.known_hosts()}"
        for words in (
            ["clone", "--quiet", f"git@{address}:{estate.WORKSPACE}/{pushed.repository}.git", str(checkout)],
            ["-C", str(checkout), "checkout", "--quiet", pushed.commit],
        ):
            subprocess.run(["git", "-c", f"core.sshCommand={ssh}", *words], check=True, timeout=120)
        workspace = self.builder.take(pushed.repository, checkout)
        ran = workspace.pipeline()
        deploy = next(one for one in stages_of(parse((checkout / "Jenkinsfile").read_text())) if one.title == "Deploy")
        branch = re.search(r"branch '(\w+)'", " ".join(node.text for node in deploy.one("when").children or ()))
        assert branch is not None
        if any(one.status for one in ran) or pushed.branch != branch[1]:
            return pushed, ran, None
        asked = dict(re.findall(r"name: '(\w+)', value: '([\w-]+)'", deploy.one("steps").one("build").text))
        assert asked["ESTATE"] == "lab"
        return pushed, ran, self.gate("--deploy", f"{asked['SERVICE']}={asked['TAG']}")


@pytest.fixture
def builds(gate: Gate, tmp_path: Path) -> Iterator[Builds]:
    """They listen on the machine's own address, and the forge has a hook that tells them of a push."""
    (tmp_path / "agent").mkdir()
    with agent(tmp_path / "agent") as builder:
        found = Builds("", builder, gate, tmp_path)

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                found.take(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                pass

        with ThreadingHTTPServer((f"{estate.NETWORK}.{estate.GATE}", 0), Answers) as server:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            found.url = f"http://{estate.NETWORK}.{estate.GATE}:{server.server_port}/webhook"
            with hooked(found.url):
                yield found
            server.shutdown()


@contextmanager
def hooked(url: str) -> Iterator[None]:
    """The forge tells of each push to that repository."""
    hook = f"{BARE}/hooks/post-receive"
    text = HOOK.replace("URL", url).replace("REPOSITORY", REPOSITORY)
    try:
        on_host("forge", *GIT, "sh", "-c", 'mkdir -p "${1%/*}"; printf %s "$2" > "$1"; chmod 755 "$1"', "sh", hook, text)
        yield
    finally:
        on_host("forge", "rm", "-rf", hook, "/tmp/developer")  # noqa: S108 - on the forge


def push(edit: str, file: str, message: str) -> str:
    """A developer changes a file on main and pushes it; the commit."""
    return on_host("forge", *GIT, "sh", "-c", PUSH, "sh", BARE, edit, file, message)


def test_a_push_to_main_comes_to_health_and_a_red_one_to_no_host(builds: Builds, gate: Gate) -> None:
    before, tag, lines = head_of(HOST, REPOSITORY), known_good(HOST, SERVICE)["tag"], len(ledger(HOST, SERVICE))
    started = httpx.get(HEALTH).json()["started_at"]
    try:
        with on_main(REPOSITORY, {}):
            # Who placed a call is a number for whoever reads it; lint and the service's own tests do not mind a text.
            bad = push('s|"placed_by": self._pid|"placed_by": str(self._pid)|', FILE, "who placed it, as text")
            pushed, ran, deployed = builds.build()
            assert (pushed.commit, pushed.branch) == (bad, "main")
            assert [(one.title, one.status) for one in ran] == [
                ("Install", 0), ("Lint", 0), ("Test", 0), ("Build", 0), ("Contract", 1),
            ]  # fmt: skip
            assert "breaks the contract dialled-call: $.placed_by" in ran[-1].said
            assert deployed is None
            assert head_of(HOST, REPOSITORY) == before
            assert len(ledger(HOST, SERVICE)) == lines
            assert httpx.get(HEALTH).json()["started_at"] == started

            good = push("s|str(self._pid)|self._pid|", FILE, "who placed it, as a number")
            pushed, ran, deployed = builds.build()
            assert (pushed.commit, pushed.branch) == (good, "main")
            assert [one.status for one in ran] == [0] * 5, ran[-1].said
            assert deployed is not None
            assert deployed.status == 0, deployed.said
            assert httpx.get(HEALTH).json()["commit"] == good
            assert known_good(HOST, SERVICE)["commit"] == good
    finally:
        if head_of(HOST, REPOSITORY) != before:
            assert gate("--deploy", f"{SERVICE}={tag}").status == 0


def test_what_says_that_it_breaks_its_readers_is_refused(gate: Gate) -> None:
    """A release whose own contract.json has lost what the dashboards read: the gate needs no host to know."""
    before, lines = head_of(HOST, REPOSITORY), len(ledger(HOST, SERVICE))
    said = json.loads((ROOT / "lab" / "services" / REPOSITORY / FILE_OF_ANSWERS).read_text("utf-8"))
    del said["answers"]["GET /metrics"]
    with on_main(REPOSITORY, {FILE_OF_ANSWERS: json.dumps(said)}):
        run = gate("--deploy", f"{SERVICE}=main")
    assert run.status == 10, run.said
    assert "what it answers would break gate, monitors: lost GET /metrics" in " ".join(run.said.split())
    assert (head_of(HOST, REPOSITORY), len(ledger(HOST, SERVICE))) == (before, lines)


def test_what_nobody_can_read_of_its_records_is_not_done(gate: Gate) -> None:
    """Its pages are well, its ticks go on, and the way through its pipeline was not taken: the look at its database sees it."""
    before, source = head_of(HOST, REPOSITORY), (ROOT / "lab" / "services" / REPOSITORY / FILE).read_text("utf-8")
    bad = source.replace('"pid": self._pid}', '"pid": str(self._pid)}')
    assert bad != source
    with on_main(REPOSITORY, {FILE: bad}):
        run = gate("--deploy", f"{SERVICE}=main")
    assert run.status == 11, run.said
    assert "break the contract dialler-tick: $.pid: '(text)' is not of type 'integer'" in " ".join(run.said.split())
    assert head_of(HOST, REPOSITORY) == before
