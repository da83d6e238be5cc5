"""What the probe says of folders: checkouts by content, environments, .env files by key names, published sites."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import git, service


def tree_of(folder: Path) -> dict[str, list[str]]:
    rows = git(folder, "ls-tree", "-rz", "HEAD").split("\0")[:-1]
    return {path: row.split()[:3:2] for row, _, path in (line.partition("\t") for line in rows)}


def test_a_clean_tree_is_exactly_the_commit(checkout: Path) -> None:
    fact = probe.checkout(service(checkout))
    assert fact["tree"] == tree_of(checkout)
    assert fact["head"] == git(checkout, "rev-parse", "HEAD").strip()
    assert fact["detached"] is False
    assert fact["origin"] == "git@198.51.100.10:oriserve1/vox-backend.git"
    assert fact["changed"] == pytest.approx(checkout.joinpath(".git/HEAD").stat().st_ctime, abs=30)


def test_a_detached_head_is_told(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "--detach")
    assert probe.checkout(service(checkout))["detached"] is True


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_is_mounted_in_the_folder_is_told_and_not_looked_into(checkout: Path) -> None:
    """A mount over a folder of the commit's, over a file of it, and in the environment, where no look at the tree comes."""
    before = probe.checkout(service(checkout))["tree"]
    (checkout / ".venv/models here").mkdir()
    points = ("app/deep", "run.sh", ".venv/models here")
    try:
        for point in points:
            other = checkout.parent / ("vox-file" if point == "run.sh" else "vox-folder")
            other.touch() if point == "run.sh" else other.mkdir(exist_ok=True)
            subprocess.run(["mount", "--bind", other, checkout / point], check=True)
        (checkout / "app/deep/x.py").write_text("")
        found = probe.checkout(service(checkout))["tree"]
    finally:
        for point in points:
            subprocess.run(["umount", checkout / point], check=True)
    changed = {path: row for path, row in found.items() if before.get(path) != row}
    assert changed == {one: ["special", "mounted"] for one in points}
    assert set(before) - set(found) == {"app/deep/schön.txt"}


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_folder_on_a_disk_of_its_own_is_no_mount_in_it(checkout: Path) -> None:
    before = probe.checkout(service(checkout))["tree"]
    subprocess.run(["mount", "--bind", checkout, checkout], check=True)
    (checkout.parent / "vox-backend-2").mkdir()
    subprocess.run(["mount", "--bind", checkout, checkout.parent / "vox-backend-2"], check=True)
    try:
        assert probe.checkout(service(checkout))["tree"] == before
    finally:
        subprocess.run(["umount", checkout.parent / "vox-backend-2"], check=True)
        subprocess.run(["umount", checkout], check=True)


def test_what_git_status_hides_is_seen(checkout: Path) -> None:
    main = checkout / "app/main.py"
    before = main.stat()
    git(checkout, "update-index", "--assume-unchanged", "app/main.py")
    main.write_text("print('hullo')\n")
    os.utime(main, ns=(before.st_atime_ns, before.st_mtime_ns))
    (checkout / "secret.py").write_text("")  # ignored by git
    (checkout / "app" / "dist").mkdir()
    (checkout / "app" / "dist" / "x").write_text("")  # allowed at the top only
    (checkout / "builds").mkdir()
    (checkout / "builds" / "__init__.py").write_text("")  # the console's: here it would be a package
    (checkout / "run.sh").chmod(0o644)
    assert git(checkout, "status", "--porcelain", "app/main.py") == ""
    tree, wanted = probe.checkout(service(checkout))["tree"], tree_of(checkout)
    assert set(tree) - set(wanted) == {"secret.py", "app/dist/x", "builds/__init__.py"}
    assert {path for path in wanted if tree[path] != wanted[path]} == {"app/main.py", "run.sh"}


def test_origin_is_told_after_rewriting(checkout: Path) -> None:
    git(checkout, "config", "url.https://evil.example/.insteadOf", "git@198.51.100.10:")
    assert probe.checkout(service(checkout))["origin"] == "https://evil.example/oriserve1/vox-backend.git"


def test_settings_of_the_account_are_told_apart_from_the_repositorys(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where both say the same, and where the account's file includes another."""
    monkeypatch.undo()
    home = checkout.parent / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = x\n[core]\n\tsshCommand = ssh -4\n[include]\n\tpath = more\n")
    (home / "more").write_text("[http]\n\tproxy = http://proxy:3128\n")
    git(checkout, "config", "core.sshCommand", "ssh -6")
    asked = ["git", "config", "--list", "--name-only", "--show-origin", "-z"]
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1"}
    listed = subprocess.run(asked, cwd=checkout, env=env, capture_output=True, check=True)
    found = probe.settings_of(listed.stdout.decode())
    accounts = [f"account {name}" for name in ("core.sshcommand", "http.proxy", "include.path", "user.name")]
    assert [name for name in found if name.startswith("account ")] == accounts
    assert {"core.sshcommand", "core.repositoryformatversion", "remote.origin.url"} <= set(found)
    assert "remote.origin.url" in probe.checkout(service(checkout))["settings"]


def test_a_fifo_does_not_hang_and_no_link_is_followed(checkout: Path, tmp_path: Path) -> None:
    os.mkfifo(checkout / "pipe")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "shadow").write_text("root:x")
    (checkout / "way-out").symlink_to(tmp_path / "outside")
    tree = probe.checkout(service(checkout))["tree"]
    assert tree["pipe"] == ["special", ""]
    assert tree["way-out"][0] == "120000"
    assert not any("shadow" in path for path in tree)


@pytest.mark.parametrize(("make", "kind"), [(lambda _: None, "missing"), (lambda path: path.symlink_to("/etc"), "failed")])
def test_a_folder_that_is_none_is_an_error(tmp_path: Path, make: Any, kind: str) -> None:
    make(tmp_path / "gone")
    for function in (probe.checkout, probe.venv, probe.env_file, probe.dist):
        outcome = probe.guarded(lambda function=function: function(service(tmp_path / "gone")))
        assert outcome["error"]["kind"] == kind


def test_a_folder_without_git_is_an_error(checkout: Path) -> None:
    (checkout / ".git").rename(checkout.parent / "elsewhere")
    outcome = probe.guarded(lambda: probe.checkout(service(checkout)))
    assert outcome["error"]["kind"] == "failed"
    assert "git rev-parse" in outcome["error"]["text"]


def test_a_tree_too_large_is_an_error(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "FILES_AT_MOST", 3)
    assert "over 3 files" in probe.guarded(lambda: probe.checkout(service(checkout)))["error"]["text"]


RUNNING = ".".join(map(str, sys.version_info[:3]))  # by the interpreter's own word: pyvenv.cfg says another


def test_an_environment_is_told(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "nobody_elses", lambda _: os.geteuid())
    fact = probe.venv(service(checkout))
    assert fact["installed"] == {"pipecat-ai": "1.14.0", "fastapi": "0.115.0"}
    assert fact["declared"] == {"pipecat-ai": "==1.14.0", "fastapi": ">=0.110,<1"}
    assert fact["locked"] == {"vox-backend": "0.1.0", "pipecat-ai": "1.14.0"}
    assert (fact["python"], fact["base_python"], fact["system_site_packages"]) == (RUNNING, "/usr/bin", False)
    assert isinstance(fact["sync_status"], int)


def test_byte_code_is_no_change_of_an_environment(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "nobody_elses", lambda _: os.geteuid())
    site = checkout / ".venv/lib/python3.12/site-packages"
    before = probe.venv(service(checkout))["changed"]
    (site / "fastapi" / "__pycache__").mkdir()
    (site / "__pycache__").mkdir()
    assert probe.venv(service(checkout))["changed"] <= before
    (site / "evil.pth").write_text("import evil")
    assert probe.venv(service(checkout))["changed"] > before


@pytest.mark.parametrize("name", ["pyproject.toml", "uv.lock"])
def test_a_file_that_is_no_toml_is_unparsable_and_not_quoted(checkout: Path, name: str) -> None:
    (checkout / name).write_text("PASSWORD: hunter2-hunter2")
    error = probe.guarded(lambda: probe.venv(service(checkout)))["error"]
    assert error["kind"] == "unparsable"
    assert "hunter2" not in error["text"]


def test_a_project_behind_a_link_is_not_read(checkout: Path) -> None:
    (checkout / "uv.lock").unlink()
    (checkout / "uv.lock").symlink_to("/etc/passwd")
    assert "error" in probe.guarded(lambda: probe.venv(service(checkout)))


def test_an_env_file_is_told_by_its_keys(checkout: Path) -> None:
    fact = probe.env_file(service(checkout))
    assert fact["kind"] == "regular"
    assert fact["mode"] == "0600"
    assert fact["keys"] == ["EMPTY", "JWT_SECRET", "REDIS_URL", "TOKEN"]
    assert (fact["empty"], fact["placeholder"]) == (["EMPTY"], ["TOKEN"])


def test_an_env_file_of_another_kind_is_told(checkout: Path) -> None:
    (checkout / ".env").rename(checkout.parent / "env")
    assert probe.env_file(service(checkout))["kind"] == "absent"
    (checkout / ".env").symlink_to(checkout.parent / "env")
    fact = probe.env_file(service(checkout))
    assert (fact["kind"], fact["keys"]) == ("link", [])
    (checkout / ".env").unlink()
    (checkout / ".env").mkdir()
    assert probe.env_file(service(checkout))["kind"] == "folder"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A=1\nB = two words \n", {"A": "1", "B": "two words"}),
        ("# A=1\n; B=2\n  C=3", {"C": "3"}),
        ('A=\'x # y\'\nB="x\\"y\\z"\n', {"A": "x # y", "B": 'x"y\\z'}),
        ("A='two\nlines'\nB=1", {"A": "two\nlines", "B": "1"}),
        ("A=one\\\ntwo\nB=1", {"A": "onetwo", "B": "1"}),
        ("A=a'b'c\n", {"A": "a'b'c"}),
        ("export A=1\n=2\nno line\nB=1\nB=2", {"B": "2"}),
        ("A=\nB=''\nC=\"\"", {"A": "", "B": "", "C": ""}),
        ("A=\\ x", {"A": "x"}),
        ("A=x=y#z", {"A": "x=y#z"}),
        ("A=1\r\nB=2", {"A": "1", "B": "2"}),
        ("A=1\rB=2\n", {"A": "1", "B": "2"}),
        ("A=1\n\rB=2\r\rC=3", {"A": "1", "B": "2", "C": "3"}),
        ("# A\rB=2\nno line\rC=3", {"B": "2", "C": "3"}),
        ("A='1'\rB=\"x\ry\"\r", {"A": "1", "B": "x\ry"}),
        ("A=one\\\rB=2", {"A": "oneB=2"}),
    ],
)
def test_settings_are_read_as_systemd_does(text: str, wanted: dict[str, str]) -> None:
    assert probe.settings(text) == wanted


@pytest.mark.parametrize(
    "value", ["changeme", "CHANGE_ME", "xxx", "<your key>", "TODO", "example", "${X}", "mongodb://u:changeme@h"]
)
def test_placeholders_are_known(value: str) -> None:
    assert probe.is_placeholder(value)


@pytest.mark.parametrize("value", ["devkey", "http://10.0.0.1", "1", "exampled-7f", "sk-live-xxxxA"])
def test_real_values_are_no_placeholders(value: str) -> None:
    assert not probe.is_placeholder(value)


def test_a_site_is_told_with_what_its_build_promised(site: Path) -> None:
    fact = probe.dist(service(site, kind="static", name="console"))
    assert fact["target"] == "builds/two"
    assert fact["files"].keys() == {"index.html", "assets/a b.js"}
    assert {path: sha for path, (_, sha) in fact["files"].items()} == fact["built"]
    assert fact["files"]["index.html"][0] == 16
    assert fact["changed"] <= fact["published"]


@pytest.mark.parametrize("path", ["builds/two/index.html", "builds/two.sha256"])
def test_what_was_touched_after_it_was_published_is_told(site: Path, path: str) -> None:
    time.sleep(0.02)
    (site / path).write_bytes((site / path).read_bytes())
    fact = probe.dist(service(site, kind="static", name="console"))
    assert fact["changed"] > fact["published"]


def test_a_site_that_points_elsewhere_is_told_by_its_target(site: Path) -> None:
    for target in ("/etc", "builds/../../x", "builds", ".git/refs"):
        (site / "dist").unlink()
        (site / "dist").symlink_to(target)
        fact = probe.dist(service(site))
        assert (fact["target"], fact["files"], fact["built"]) == (target, {}, None)


def test_a_manifest_is_read_as_sha256sum_writes_it(tmp_path: Path) -> None:
    names = ["a b.js", "back\\slash.svg", "two\nlines", "two\\nlines", "cr\rcr", "ü", "page\x0cbreak", " "]
    for name in names:
        (tmp_path / name).write_text(name)
    said = subprocess.run(["sha256sum", "--", *names], cwd=tmp_path, capture_output=True, check=True).stdout
    assert probe.manifest(said.decode()) == {name: hashlib.sha256(name.encode()).hexdigest() for name in names}


def test_a_site_that_is_a_folder_or_has_no_manifest_is_told(site: Path) -> None:
    (site / "builds" / "two.sha256").unlink()
    assert probe.dist(service(site))["built"] is None
    (site / "dist").unlink()
    (site / "builds" / "one").rename(site / "dist")
    (site / "dist" / "shadow").symlink_to("/etc/shadow")
    fact = probe.dist(service(site))
    assert fact["target"] == ""
    assert fact["files"]["shadow"] == [0, "link"]
