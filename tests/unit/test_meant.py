"""What cannot be meant is one line and a hint, before anything is opened, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.forges import Forge
from voxgate.contracts.estates import load_estate
from voxgate.deploy.errands import tell_history
from voxgate.deploy.gate import Gate
from voxgate.deploy.run_context import Options
from voxgate.errors import Refused, VoxgateError
from voxgate.plugin.meant import age_of, must_be_of, must_be_whole, must_have_what_it_needs, must_know_markers
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.closing import console_for
from voxgate.report.terminal.progress import Progress
from voxgate.survey.saving import load

pytest_plugins = ["pytester"]
ROOT = Path(__file__).resolve().parents[2]
SAVED = ROOT / "tests/unit/evidence"
PART = "a deploy is judged by all rules, or it is not done"
NO_ESTATE = "of which estate?"
LAB = ("--estate", "lab")


def ran(reports: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pytest as a person starts it in the project, with both its streams as one."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--reports={reports}", *arguments]
    return subprocess.run(
        argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said", "hint"),
    [
        (["-m", "dialler"], 4, "no estate to look at", "say --estate NAME"),
        ([*LAB, "-m", "not diallr"], 4, "-m 'not diallr': there is no such marker", "did you mean dialler?"),
        ([*LAB, "-k", "nothing_such"], 5, "deselected", ""),
        ([*LAB, "--deploy", "bakend"], 10, "there is no such service", "did you mean backend?"),
        ([*LAB, "--deploy", "backend", "-m", "dialler"], 10, PART, "leave that out"),
    ],
)
def test_it_is_refused_and_leaves_no_folder(arguments: list[str], status: int, said: str, hint: str, tmp_path: Path) -> None:
    done = ran(tmp_path / "reports", *arguments)
    assert (done.returncode, said in done.stdout, hint in done.stdout) == (status, True, True), done.stdout
    assert len([line for line in done.stdout.splitlines() if line.strip()]) <= 3, done.stdout
    assert not (tmp_path / "reports").exists() or not list((tmp_path / "reports").iterdir())


def test_a_tag_that_the_forge_lacks_leaves_no_folder_and_what_is_refused_otherwise_does(
    forge: Callable[[str], Forge], tmp_path: Path
) -> None:
    """No host of the estate answers here: who asks for what is nowhere is told that first."""
    there = forge("backend").releases[0]
    estate, reports = tmp_path / "lab.toml", tmp_path / "reports"
    text = (ROOT / "hosts/lab.toml").read_text("utf-8").replace("198.51.100.", "127.0.0.")
    text = re.sub(r"^repositories = .*$", f'repositories = "{tmp_path}"', text, flags=re.MULTILINE)
    estate.write_text(re.sub(r"^known_hosts = .*$", f'known_hosts = "{tmp_path}/none"', text, flags=re.MULTILINE), "utf-8")
    kept = ran(reports, "--estate", str(estate), "--deploy", f"backend={there.tag}")
    assert (kept.returncode, "a host cannot be reached" in kept.stdout) == (10, True), kept.stdout
    (run,) = [one.name for one in reports.iterdir() if one.name.startswith("20") and not one.is_symlink()]
    assert json.loads((reports / run / "verdict.json").read_text())["verdict"] == "refused"
    before = sorted(one.name for one in reports.iterdir())
    for options in (("-v",), ("-n", "1")):
        typo = ran(reports, "--estate", str(estate), *options, "--deploy", "backend=vox-backend-2026.06.22-9")
        assert typo.returncode == 10, typo.stdout
        assert "the remote has no such tag" in typo.stdout
        assert f"did you mean {there.tag}?" in " ".join(typo.stdout.split())
        assert "report  " not in typo.stdout
        assert "generated xml" not in typo.stdout
        assert sorted(one.name for one in reports.iterdir()) == before
        assert (reports / "latest").resolve().name == run


def typed(pytester: pytest.Pytester, *arguments: str) -> pytest.Config:
    """The command line as pytest reads it, with our plugin and no other project's."""
    return pytester.parseconfig("-p", "no:hypothesispytest", "-p", "no:anyio", *arguments)


@pytest.mark.parametrize(
    "option", [["--recover"], ["--history"], ["--releases"], ["--clear=x"], ["--standing=x"], ["--plan"], ["--deploy=all"]]
)
@pytest.mark.parametrize("evidence", [[], [f"--evidence={SAVED}"]])
def test_what_is_asked_of_hosts_needs_an_estate_and_no_saved_look(
    option: list[str], evidence: list[str], pytester: pytest.Pytester
) -> None:
    config = typed(pytester, *option, *evidence)
    with pytest.raises(Refused, match=option[0].partition("=")[0]) as refused:
        must_have_what_it_needs(config)
    assert refused.value.hint in {"say which: --estate NAME", f"leave out {option[0].partition('=')[0]} or --evidence"}


@pytest.mark.parametrize(
    "option",
    ["--max-unavailable=2", "--wait=3", "--drain=3", "--no-way-back", "--breaking", "--reason=x", "--bake=3", "--shard=1/2"],
)
def test_how_it_is_done_needs_an_estate_too(option: str, pytester: pytest.Pytester) -> None:
    with pytest.raises(VoxgateError, match="of which estate"):
        must_have_what_it_needs(typed(pytester, option))
    must_have_what_it_needs(typed(pytester, option, "--estate=lab"))


@pytest.mark.parametrize("asked", ["--deploy=backend", "--rollback=backend", "--recover"])
@pytest.mark.parametrize("part", [["-m", "fleet"], ["-k", "clock"], ["--lf"], ["--deselect=x"], ["--ignore-glob=x"], ["other"]])
def test_nothing_is_deployed_or_mended_by_a_part_of_the_suites(asked: str, part: list[str], pytester: pytest.Pytester) -> None:
    folders = (pytester.mkdir("suites"),)
    pytester.mkdir("other")
    config = typed(pytester, "--estate=lab", asked, *part)
    config.args = part if part == ["other"] else ["suites"]
    with pytest.raises(Refused, match=PART):
        must_be_whole(config, folders)
    config = typed(pytester, "--estate=lab", *part)
    must_be_whole(config, folders)


def test_what_is_judged_beside_all_suites_makes_no_part_of_them(pytester: pytest.Pytester) -> None:
    folders = (pytester.mkdir("suites"),)
    config = typed(pytester, "--estate=lab", "--deploy=backend")
    config.args = ["suites", "other/test_more.py"]
    must_be_whole(config, folders)


def test_a_saved_look_of_another_estate_is_refused_and_one_of_the_environment_is_said(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VoxgateError, match="--estate staging: the saved look is of lab") as refused:
        must_be_of("lab", typed(pytester, "--estate", "staging", f"--evidence={SAVED}"))
    assert refused.value.hint == "leave out --estate, or say --estate lab"
    assert must_be_of("lab", typed(pytester, "--estate=hosts/lab.toml", f"--evidence={SAVED}")) == ""
    monkeypatch.setenv("VOXGATE_ESTATE", "staging")
    aside = "VOXGATE_ESTATE=staging is left aside: the saved look is of lab"
    assert must_be_of("lab", typed(pytester, f"--evidence={SAVED}")) == aside


def test_a_marker_is_known_by_its_name_and_may_be_called(pytester: pytest.Pytester) -> None:
    config = typed(pytester, "-m", "fleet and not (slow or level(n=1))")
    config.addinivalue_line("markers", "fleet: ours")
    config.addinivalue_line("markers", "slow(seconds): somebody's")
    with pytest.raises(VoxgateError, match="there is no such marker: level"):
        must_know_markers(config)
    config.addinivalue_line("markers", "level")
    must_know_markers(config)


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 seconds"), (61, "1 minute"), (7300, "2 hours"), (86400, "1 day"), (6 * 86400 + 5, "6 days")]
)
def test_the_age_of_a_look_is_told_in_its_largest_unit(seconds: int, said: str) -> None:
    look = replace(load(SAVED).second, taken=1_790_000_000.0)
    told = age_of(look, datetime.fromtimestamp(look.taken + seconds, UTC))
    assert told == f"a saved look, taken 2026-09-21 14:13:20 UTC, {said} ago"


def test_a_history_that_no_host_told_is_not_that_nothing_was_deployed(tmp_path: Path) -> None:
    """The addresses are for documentation: nobody answers there."""
    text = (ROOT / "hosts/lab.toml").read_text("utf-8").replace("198.51.100.", "127.255.255.")
    (tmp_path / "lab.toml").write_text(text, "utf-8")
    estate = load_estate(str(tmp_path / "lab.toml"))
    gate = Gate(estate, Options(), tmp_path, "run", Progress(console_for(sys.stdout), Redactor(), brief=True))
    lines, whole = tell_history(gate)
    gate.close()
    assert (lines[0], whole) == ("nothing is known of what was deployed here", False)
    assert len(lines) == 1 + len(estate.placements)
    assert all(line.startswith("not read: ") and line.count(": ") > 1 for line in lines[1:]), lines
