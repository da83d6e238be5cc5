"""What the processes that the gate starts are given of its environment, and who may read what it keeps."""

from __future__ import annotations

import ast
import grp
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voxgate.errors import VoxgateError
from voxgate.report.allure import site as allure_site
from voxgate.report.folder import ReportFolder
from voxgate.transport import local
from voxgate.transport.clients import npm
from voxgate.transport.ssh import dial
from voxgate.transport.surroundings import environment, own_folder

from .test_git import SERVICE, Remote, remote

__all__ = ["remote"]
ROOT = Path(__file__).resolve().parents[3]
SECRETS = {
    "BITBUCKET_TOKEN": "planted",
    "VOXGATE_MONGODB_URI": "mongodb://u:planted@db",
    "AWS_SECRET_ACCESS_KEY": "planted",
    "JENKINS_SECRET": "planted",
    "GIT_CONFIG_PARAMETERS": "'core.fsmonitor=planted'",
    "GIT_SSH": "planted",
    "LD_PRELOAD": "",
    "PYTEST_ADDOPTS": "--planted",
}
NOTING = """#!{python}
import json, os, sys
with open({log!r}, "a") as file:
    file.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
{then}
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Secrets in the gate's environment; what programs of ``noting`` were given stands in this file."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    return tmp_path / "log"


def noting(path: Path, log: Path, then: str = "") -> Path:
    """A program that writes down what it was given."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(NOTING.format(python=sys.executable, log=str(log), then=then))
    path.chmod(0o755)
    return path


def given(log: Path) -> list[tuple[list[str], dict[str, str]]]:
    """What each start was given: arguments and environment. None of them has a secret."""
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    for argv, environ in rows:
        assert "planted" not in json.dumps(environ), argv
        assert not environ.keys() & SECRETS.keys(), argv
        assert environ["PATH"] == os.environ["PATH"]
    return [(argv, environ) for argv, environ in rows]


def test_git_gets_the_agent_only_where_it_asks_the_remote(remote: Remote, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.commit("a", "1")
    bin_folder = log.parent / "bin"
    noting(bin_folder / "git", log, f"os.environ['PATH'] = {os.environ['PATH']!r}\nos.execvp('git', sys.argv)")
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    mirror = remote.mirror
    mirror.fetch()
    commit = mirror.main()
    assert mirror.read(commit, "a") == b"1"
    rows = given(log)
    with_agent = {"SSH_AUTH_SOCK" in environ for argv, environ in rows if "fetch" in argv or "push" in argv}
    without = {"SSH_AUTH_SOCK" in environ or "HTTPS_PROXY" in environ for argv, environ in rows if "fetch" not in argv}
    assert (with_agent, without) == ({True}, {False})


def test_node_gets_no_agent_and_npm_the_proxy(log: Path, tmp_path: Path) -> None:
    made = f"os.makedirs('node_modules/allure'); open({str(allure_site.RECIPE.cli)!r}, 'w')"
    making = f"if 'ci' in sys.argv: {made}"
    node = noting(tmp_path / "node", log, making)
    npm.install(allure_site.RECIPE, tmp_path / "cache", node, tmp_path / "npm", run=local.run, deadline=60)
    results, page = tmp_path / "results", tmp_path / "page.html"
    results.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(allure_site, "node_and_npm", lambda: (node, tmp_path / "npm"))
        with pytest.raises(VoxgateError, match="allure made no page"):
            allure_site.make_page(results, page, title="t", history=tmp_path / "h", cache=tmp_path / "cache")
    (_, installing), (_, generating) = given(log)
    assert installing["HTTPS_PROXY"]
    assert "HTTPS_PROXY" not in generating
    assert "SSH_AUTH_SOCK" not in installing.keys() | generating.keys()


def test_a_process_without_wishes_gets_no_secret(log: Path, tmp_path: Path) -> None:
    local.run([str(noting(tmp_path / "some", log))], deadline=60)
    assert given(log)[0][1].keys() <= environment().keys() | {"LC_CTYPE"}  # Python's own


def test_a_proxy_command_gets_the_agent_and_what_is_kept(log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "vox")
    monkeypatch.setenv("VOXGATE_KEEP", "AWS_PROFILE, ABSENT")
    ours, proxy = dial._command_socket(str(noting(tmp_path / "proxy", log)), "x")
    with ours, proxy:
        assert proxy.wait(60) == 0
    environ = given(log)[0][1]
    assert environ["SSH_AUTH_SOCK"] == str(tmp_path / "agent")
    assert environ["AWS_PROFILE"] == "vox"
    assert "AWS_PROFILE" not in environment(network=True)


def test_every_process_of_the_gate_is_given_an_environment() -> None:
    """No process inherits: each start names ``env``. The files that run on hosts have tests of their own."""
    starts = 0
    for path in (ROOT / "voxgate").rglob("*.py"):
        if path.parent.name in {"probe", "on_host", "builder"}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            assert not name.startswith(("os.system", "os.spawn", "os.popen", "os.posix_spawn", "pty.")), path
            if name.startswith("subprocess."):
                starts += 1
                assert "env" in {word.arg for word in node.keywords}, (path, node.lineno)
    assert starts >= 2


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_what_the_gate_keeps_is_its_own_account_s(remote: Remote, tmp_path: Path) -> None:
    remote.commit("a", "1")
    remote.mirror.fetch()
    assert mode(remote.cache / "mirrors") == 0o700
    folder = ReportFolder.create(tmp_path / "reports", datetime.now(UTC), "lab")
    assert mode(folder.path) == 0o700
    assert SERVICE.repository in next((remote.cache / "mirrors").glob("*.git")).name


def test_a_group_may_read_where_one_is_named(tmp_path: Path) -> None:
    group = grp.getgrgid(os.getegid()).gr_name
    folder = own_folder(tmp_path / "a", {"VOXGATE_GROUP": group})
    assert (mode(folder), folder.stat().st_gid) == (0o2750, os.getegid())
    assert mode(own_folder(folder, {})) & 0o777 == 0o700
    with pytest.raises(VoxgateError, match="no group 'nobodies'"):
        own_folder(folder, {"VOXGATE_GROUP": "nobodies"})
