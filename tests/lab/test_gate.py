"""The main job: good releases are done, bad ones are caught and put back, a look changes nothing."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET  # our own JUnit file
from pathlib import Path

import pytest

from tests.lab.conftest import ROOT, Gate, GateRun, head_of, known_good, lab_command, ledger, on_host
from tests.lab.serving import Serving, restarted, running

GOOD = {
    "backend": "vox-backend-2026.06.24-1",
    "fleet": "vox-agents-2026.06.24-1",
    "dialler": "vox-dialler-2026.06.24-1",
    "console": "vox-frontend-2026.06.24-1",
}
HOMES = {
    "backend": [("api-1", "vox-backend")],
    "fleet": [("fleet-1", "vox-agents"), ("fleet-2", "vox-agents")],
    "dialler": [("sip-1", "vox-dialler")],
    "console": [("api-1", "vox-frontend")],
}


def heads() -> dict[str, str]:
    """Every checkout of the estate, by host and repository."""
    return {f"{host}:{name}": head_of(host, name) for homes in HOMES.values() for host, name in homes}


def test_good_releases_are_done(deployed: GateRun) -> None:
    verdict = deployed.verdict
    assert verdict["verdict"] == "done"
    assert verdict["missing"] == []
    assert set(deployed.judged.values()) == {"holds"}
    assert {one["service"]: one["running"]["tag"] for one in verdict["services"]} == GOOD
    for service in verdict["services"]:
        assert service["tried"] == service["running"]
        for host, repository in HOMES[service["service"]]:
            assert head_of(host, repository) == service["running"]["commit"]
            assert known_good(host, service["service"])["commit"] == service["running"]["commit"]
    moved = {(one["service"], one["move"]) for one in verdict["moves"]}
    assert {("fleet", "health"), ("dialler", "restart"), ("console", "install"), ("backend", "checkout")} <= moved


def test_the_report_is_whole(deployed: GateRun) -> None:
    cases = ET.parse(deployed.folder / "junit.xml").getroot().iter("testcase")  # noqa: S314 - written a moment ago
    assert sum(1 for _ in cases) == len(deployed.judged)
    page = (deployed.folder / "allure-report" / "index.html").read_text("utf-8")
    assert "<html" in page
    assert (deployed.folder / "estate.svg").read_text("utf-8").count("voxcore@") >= 6
    assert (deployed.folder / "evidence" / "run.json").is_file()


def test_a_look_changes_nothing_and_says_that_it_is_a_part(gate: Gate) -> None:
    before = heads()
    look = gate("-m", "dialler")
    assert look.status == 0
    assert look.verdict["verdict"] == "holds"
    assert look.verdict["partial"] is True
    assert "partial look" in look.said
    assert all("dialler" in key or "tick" in key or "voxdialler" in key for key in look.judged)
    assert heads() == before


def test_four_workers_judge_as_one(gate: Gate) -> None:
    alone, together = gate(), gate("-n", "4")
    assert (alone.status, together.status) == (0, 0)
    assert together.judged == alone.judged
    assert together.verdict["partial"] is False


def test_a_saved_look_is_judged_again_without_any_connection(deployed: GateRun, gate: Gate) -> None:
    again = gate("--evidence", str(deployed.folder / "evidence"), prefix=("unshare", "--net"))
    assert again.status == 0, again.said
    assert again.judged == deployed.judged


BAD = {
    "backend": (
        "vox-backend-2026.06.23-1",
        {"backend-health-is-clean[api-1-voxbridge]", "service-became-healthy[backend-api-1]"},
    ),
    "fleet": (
        "vox-agents-2026.06.23-1",
        {"all-workers-are-up[fleet-1-voxcore@1]", "capacity-adds-up[fleet-fleet-1]", "service-became-healthy[fleet-fleet-1]"},
    ),
    "dialler": ("vox-dialler-2026.06.23-1", {"service-became-healthy[dialler-sip-1]", "tick-loop-is-alive[sip-1-voxdialler]"}),
    "console": ("vox-frontend-2026.06.23-1", {"release-was-installed[console-api-1]", "dist-is-this-build[console-api-1]"}),
}
TOUCHED = {"backend": ["api-1 voxbridge"], "fleet": ["fleet-1 voxcore@1"], "dialler": ["sip-1 voxdialler"], "console": []}
"""What a bad release restarts: of the fleet the canary alone, although that release starts and answers 200."""


@pytest.mark.parametrize("service", BAD)
def test_a_bad_release_is_caught_and_put_back(gate: Gate, service: str) -> None:
    tag, named = BAD[service]
    before, units = heads(), running()
    with Serving(f"a bad release of {service}") as serving:
        run = gate("--deploy", f"{service}={tag}")
        assert serving.flaws() == []
    assert run.status == 11, run.said
    assert restarted(units) == [f"{unit}.service was restarted" for unit in TOUCHED[service]]
    assert named <= run.red, run.red
    assert run.verdict["verdict"] == "rolled back"
    assert run.verdict["rollback"]["verdict"] == "holds"
    assert {one["verdict"] for one in run.verdict["rollback"]["invariants"]} == {"holds"}
    assert heads() == before
    for host, _ in HOMES[service]:
        assert known_good(host, service)["tag"] == GOOD[service]
        closing = next(one for one in reversed(ledger(host, service)) if one["event"] == "rolled-back")
        assert closing["reason"] in run.verdict["summary"]
    assert gate().status == 0


def test_a_unit_that_was_started_too_often_is_started_all_the_same(gate: Gate) -> None:
    for host, unit in (("sip-1", "voxdialler"), ("fleet-1", "voxcore@1")):
        on_host(host, "systemctl", "reset-failed", unit)
        for _ in range(5):  # one more within ten seconds, and systemd refuses: as after a release that dies as it starts
            on_host(host, "systemctl", "restart", unit)
    run = gate("--deploy", "dialler", "--deploy", "fleet")
    assert run.status == 0, run.said


def test_the_good_release_is_done_after_a_bad_one(gate: Gate) -> None:
    older = gate("--deploy", "console=vox-frontend-2026.06.22-1")
    assert older.status == 0, older.said
    assert known_good("api-1", "console")["previous"]["tag"] == GOOD["console"]
    back = gate("--deploy", "console=previous")
    assert back.status == 0, back.said
    assert known_good("api-1", "console")["tag"] == GOOD["console"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("backend=vox-backend-2026.06.25-1", "not on main"),
        ("backend=x; reboot", "no release tag"),
        ("backend=$(touch /tmp/owned)", "no release tag"),
        ("backend=vox-backend-2026.06.24-9", "no such tag"),
        ("bakend", "no such service"),
    ],
)
def test_what_may_not_be_deployed_is_refused_before_a_host_is_touched(gate: Gate, asked: str, said: str) -> None:
    reflogs = {place: _reflog(*place.split(":")) for place in heads()}
    run = gate("--deploy", asked)
    assert run.status == 10
    assert said in run.said
    if {"no release tag", "no such tag", "no such service"} & {said}:  # a word typed wrong: there is nothing to report
        assert not run.folder.exists()
    else:
        assert run.verdict["verdict"] == "refused"
        assert run.verdict["moves"] == []
    assert {place: _reflog(*place.split(":")) for place in reflogs} == reflogs


def _reflog(host: str, repository: str) -> str:
    return on_host(host, "sha256sum", f"/opt/{repository}/.git/logs/HEAD")


def test_a_stopped_worker_is_named_with_all_that_follows_from_it(gate: Gate) -> None:
    lab_command("break", "worker-stopped")  # returns when HAProxy has noticed, too
    try:
        look = gate()
    finally:
        lab_command("mend", "worker-stopped")
    assert look.status == 1
    assert look.red == {
        "unit-is-active[fleet-1-voxcore@2]",
        "process-is-the-new-code[fleet-1-voxcore@2]",
        "process-is-the-venvs[fleet-1-voxcore@2]",
        "runs-as-its-user[fleet-1-voxcore@2]",
        "all-workers-are-up[fleet-1-voxcore@2]",
        "fleet-runs-one-release",
        "pipecat-is-pinned[fleet-fleet-1]",
        "capacity-adds-up[fleet-fleet-1]",
        "capacity-adds-up[fleet-fleet-2]",
        "haproxy-sees-all-workers",
    }
    found = {one["id"]: one["found"] for one in look.verdict["invariants"]}
    assert found["unit-is-active[fleet-1-voxcore@2]"] == "fleet-1: voxcore@2.service is inactive/dead (success)"


def test_a_first_deploy_that_fails_has_nothing_to_go_back_to(gate: Gate) -> None:
    on_host("api-1", "rm", "/var/lib/voxgate/console/last-known-good.json")
    run = gate("--deploy", "console=vox-frontend-2026.06.23-1")
    good = gate("--deploy", "console")  # first of all, so that the tests behind this one have their console
    assert run.status == 13
    assert "nothing to go back to for console" in run.verdict["summary"]
    assert good.status == 0


def test_the_head_of_main_gets_the_next_tag_of_the_day(gate: Gate) -> None:
    bare = "/home/git/oriserve1/vox-dialler.git"
    git = ["runuser", "-u", "git", "--", "env", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@vox.example"]
    git += ["GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@vox.example", "git", "-C", bare]
    commit = on_host("forge", *git, "commit-tree", "-p", "main", "-m", "a change without a tag", "main^{tree}")
    before = on_host("forge", *git, "rev-parse", "main")
    tags = set(on_host("forge", *git, "tag", "--list").split())
    on_host("forge", *git, "update-ref", "refs/heads/main", commit)
    try:
        run = gate("--deploy", "dialler=main")
        assert run.status == 0, run.said
        tag = next(one["running"]["tag"] for one in run.verdict["services"] if one["service"] == "dialler")
        assert on_host("forge", *git, "rev-parse", f"{tag}^{{commit}}") == commit
        assert on_host("forge", *git, "cat-file", "-t", tag) == "tag"
        assert known_good("sip-1", "dialler")["tag"] == tag
        assert gate().status == 0
    finally:  # the forge as it was, for the next run of these tests
        on_host("forge", *git, "update-ref", "refs/heads/main", before)
        for made in set(on_host("forge", *git, "tag", "--list").split()) - tags:
            on_host("forge", *git, "tag", "--delete", made)
    assert gate("--deploy", f"dialler={GOOD['dialler']}").status == 0


def test_a_teams_own_checks_ride_along(gate: Gate, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True, text=True)
    for name in names.stdout.splitlines():
        if not name.startswith(("lab/", "tests/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    shutil.copytree(ROOT / "lab", copy / "lab", ignore=shutil.ignore_patterns("__pycache__"))
    own = "def test_hosts_file(host):\n    assert host.file('/etc/hosts').contains('forge')\n"
    (copy / "suites" / "test_ours.py").write_text(own, "utf-8")
    look = gate("-k", "ours or nginx_serves", cwd=copy)
    assert look.status == 0, look.said
    assert look.judged["test_ours.py::test_hosts_file[fleet-2]"] == "holds"
    wrong = own.replace("forge", "a line that is nowhere")
    (copy / "suites" / "test_ours.py").write_text(wrong, "utf-8")
    red = gate(cwd=copy)
    assert red.status == 1
    assert red.red == {f"test_ours.py::test_hosts_file[{host}]" for host in ("data", "api-1", "fleet-1", "fleet-2", "sip-1")}
    classes = (
        "class TestOne:\n    def test_it(self):\n        assert not self\n\n\n"
        "class TestTwo:\n    def test_it(self):\n        assert self\n\n\n"
        "class TestEmpty:\n    def test_it(self):\n        pass\n"
    )
    (copy / "suites" / "test_ours.py").write_text(classes, "utf-8")
    two = gate("-k", "ours", cwd=copy)
    assert two.judged == {"test_ours.py::TestOne::test_it": "violated", "test_ours.py::TestTwo::test_it": "holds"}
    (copy / "suites" / "test_ours.py").write_text("import nowhere\n", "utf-8")
    for more in ((), ("-n", "2")):
        whole = gate("--deploy", "backend", *more, cwd=copy)
        assert whole.status == 10, whole.said
        assert "suite cannot be collected" in whole.said
