"""A team's own checks are judged by what they assert: a warning is none, and one that asserts nothing is no rule that holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.catalogue import plain_tests
from voxgate.contracts.estates import load_estate
from voxgate.errors import ContractError
from voxgate.model.service import Role
from voxgate.plugin.session import Session

from .conftest import SAVED

ROOT = Path(__file__).parents[3]

OURS = '''
import pytest, warnings
from voxgate.errors import Blind
from voxgate.model.evidence import known
from voxgate.plugin import invariant

FILES = []

def must(truth):
    assert truth

def look(evidence):
    return evidence.second.hosts

def by_another_name(truth):
    must(truth)

@pytest.fixture
def asserted(evidence):
    assert evidence

# What asserts, and warns beside it.

def test_full_unclosed(evidence):
    assert open("/etc/passwd").read(1)

def test_full_unclosed_in_a_circle(evidence):
    circle = [open("/etc/passwd")]
    circle.append(circle)
    assert circle

def test_full_warns(evidence):
    warnings.warn("old", DeprecationWarning)
    assert evidence

def test_full_violated(evidence):
    """Why it is there."""
    assert not evidence, "this is what it is"

def test_full_by_a_helper(evidence):
    by_another_name(evidence)

def test_full_by_a_fixture(asserted):
    pass

def test_full_by_pytest(evidence):
    with pytest.raises(KeyError):
        evidence.second.hosts["nobody"]

def test_full_by_a_library(evidence):
    known(evidence.second.host("api-1").clock)

def test_full_by_a_value(evidence):
    check = must
    check(evidence)

@pytest.mark.parametrize("check", [must])
def test_full_by_a_parameter(evidence, check):
    check(evidence)

class TestFull:
    def must(self, truth):
        assert truth

    def test_full_by_a_method(self, evidence):
        self.must(evidence)

# What asserts nothing.

def test_empty():
    """Nothing at all."""

def test_empty_compared(evidence):
    evidence.second.host("api-1").name == "api-2"

def test_empty_by_a_helper(evidence):
    look(evidence)
    print(evidence, "assert")

@pytest.mark.parametrize("name", ["api-1", "data"])
def test_empty_on_each(evidence, name):
    for other in sorted(evidence.second.hosts):
        if other == name:
            _ = evidence.second.host(name)

def test_empty_of_a_constant(evidence):
    assert True

@invariant(per="estate")
def test_our_rule(evidence):
    """Because."""
    assert open("/etc/passwd").read(1)
'''

HOSTS = """
from voxgate import plugin
from voxgate.plugin import on

def test_empty(host):
    found = host.file("/etc/hosts")
    with host.sudo():
        print(found.exists, host.run("id %s", "deploy").rc == 0)

def test_full(host):
    host.check_output("true")

@on(role="fleet")
def test_empty_on_some(host):
    host.run("uptime")

@plugin.on(host=("api-1", "data"))
def test_empty_on_two(host):
    found = host.file("/etc/hosts").exists == True

@on(role="fleet")
def test_full_on_some(host):
    assert host.run("true").rc == 0
"""

TELL = """
from voxgate.plugin.empty import is_empty

def pytest_collection_modifyitems(items):
    for item in items:
        print(f"{item.originalname}={is_empty(item)}")
"""


def project(team: Path, checks: str) -> Path:
    """A project of a team's own, with the lab as its estate."""
    (team / "suites").mkdir()
    (team / "hosts").mkdir()
    shutil.copy(ROOT / "hosts/lab.toml", team / "hosts")
    (team / "suites/test_ours.py").write_text(checks)
    (team / "pyproject.toml").write_text('[tool.pytest]\nfilterwarnings = ["error"]\n')
    return team


def judged(team: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A saved look, judged there."""
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--html", "never", "--evidence", str(SAVED), *arguments]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "VOXGATE_"))}
    return subprocess.run(argv, cwd=team, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    """The verdict over a saved look, and what was printed; in a project of its own, where warnings are errors."""
    team = project(tmp_path_factory.mktemp("team"), OURS)
    done = judged(team, "-k", "test_ours or clock", "-n", "1")
    assert done.returncode == 1, done.stdout + done.stderr
    return json.loads((team / "reports/latest/verdict.json").read_text("utf-8")), done.stdout


def test_a_warning_is_no_verdict(said: tuple[dict[str, Any], str]) -> None:
    judged = {one["id"]: (one["verdict"], one["found"]) for one in said[0]["invariants"]}
    full = {name for name in judged if "full" in name.lower()}
    assert len(full) == 11
    assert {name for name in full if judged[name][0] != "holds"} == {"test_ours.py::test_full_violated"}
    assert judged["test_ours.py::test_full_violated"] == ("violated", "this is what it is; assert not evidence")
    (violated,) = (one for one in said[0]["invariants"] if one["verdict"] == "violated")
    assert (violated["reason"], violated["advice"]) == ("Why it is there.", "it is there for this: Why it is there.")
    assert "→ it is there for this: Why it is there." in said[1]
    assert judged["our-rule"][0] == "holds"
    assert [judged[name][0] for name in sorted(judged) if name.startswith("clock")] == ["holds"] * 5


def test_what_asserts_nothing_is_named_and_holds_nothing(said: tuple[dict[str, Any], str]) -> None:
    document, printed = said
    assert not [one["id"] for one in document["invariants"] if "empty" in one["id"]]
    assert not [name for name in document["missing"] if name.startswith("test_ours")]
    age, *notes = document["notes"]
    assert age.startswith("a saved look, taken ")
    empty = {note.partition(" is an empty check")[0] for note in notes}
    assert empty == {f"test_ours.py::test_empty{end}" for end in ("", "_compared", "_by_a_helper", "_on_each", "_of_a_constant")}
    for name in empty:
        assert f"{name} is an empty check" in " ".join(printed.split())


def test_what_a_host_says_is_no_assertion(tmp_path: Path) -> None:
    """Also where testinfra's own plugin is there, which has a ``host`` of its own. What testinfra asserts itself counts."""
    team = project(tmp_path, HOSTS)
    (team / "conftest.py").write_text(TELL)
    done = judged(team, "--collect-only", "-q", "suites")
    told = dict(line.split("=") for line in done.stdout.splitlines() if "=" in line)
    empty = {name for name, said in told.items() if said == "True"}
    assert (empty, told.keys() - empty) == (
        {"test_empty", "test_empty_on_some", "test_empty_on_two"},
        {"test_full", "test_full_on_some"},
    ), done.stderr


ON = """
from voxgate.plugin import on

def test_everywhere(host):
    assert host.file("/etc/hosts").exists

@on(role="fleet")
def test_of_a_role(host):
    assert host.file("/etc/hosts").exists

class TestTwo:
    @on(role=("sip", "data"), host="api-1")
    def test_of_several(self, host):
        assert host.file("/etc/hosts").exists

@on(host="elsewhere")
def test_of_another_estate(host):
    assert host.file("/etc/hosts").exists
"""


def test_a_check_runs_on_the_hosts_that_it_is_for(tmp_path: Path) -> None:
    """And what is for none of the hosts here need not be judged: it is not missing either."""
    team = project(tmp_path, ON)
    done = judged(team, "--collect-only", "-q", "-k", "test_ours")
    ids = {line.partition("::")[2] for line in done.stdout.splitlines() if "test_ours.py::" in line}
    everywhere = {f"test_everywhere[{host}]" for host in ("data", "api-1", "fleet-1", "fleet-2", "sip-1")}
    assert ids == {
        *everywhere,
        *(f"test_of_a_role[fleet-{n}]" for n in (1, 2)),
        *(f"TestTwo::test_of_several[{host}]" for host in ("data", "api-1", "sip-1")),
    }
    checks = {one.name: one for one in plain_tests(team / "suites")}
    estate = load_estate("lab")
    assert not any(checks["test_ours.py::test_of_another_estate"].is_on(host) for host in estate.hosts)
    assert "test_ours.py::test_of_another_estate" not in Session(estate, None, root=team).plain()
    whole, part = (Session(estate, None, root=team, part=part) for part in (None, frozenset({"api-1"})))
    assert "test_ours.py::test_of_a_role" in whole.plain()
    assert "test_ours.py::test_of_a_role" not in part.plain()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('role="flet"', "there is no role 'flet'"),
        ('roles="fleet"', "takes role= and host="),
        ('"fleet"', "takes role= and host="),
        ("role=FLEET", "@on takes literals"),
    ],
)
def test_an_on_that_cannot_be_read_is_one_line(said: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(f"@on({said})\ndef test_x(host):\n    assert host\n")
    with pytest.raises(ContractError, match=why):
        plain_tests(tmp_path)


def test_the_example_in_the_readme_passes_the_lint_and_runs_where_it_says(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    for command in (["check", "--quiet"], ["format", "--check", "--quiet"]):
        argv = [sys.executable, "-m", "ruff", *command, "--stdin-filename", "suites/test_ours.py", "-"]
        done = subprocess.run(argv, cwd=ROOT, input=example, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    path = tmp_path / "test_ours.py"
    path.write_text(example, "utf-8")
    argv = [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", str(path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (check,) = plain_tests(tmp_path)
    assert check.roles == {Role.API}
