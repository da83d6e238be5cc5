"""The probe on the next boot: what the disk says, whatever systemd has loaded; and who vouches for it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

Writing = Callable[..., None]
TREE = {
    "lib/multi-user.target": "[Unit]\nRequires=basic.target\n",
    "lib/basic.target": "[Unit]\nWants=timers.target\n",
    "lib/timers.target": "[Unit]\n",
    "lib/rescue.target": "[Unit]\n",
    "lib/ssh.service": "[Service]\nExecStart=/usr/sbin/sshd\n",
    "lib/job.timer": "[Timer]\nOnBootSec=1\n",
    "lib/job.service": "[Service]\nExecStart=/bin/true\n",
    "etc/app@.service": "[Unit]\nWants=%i-side.service\n[Service]\nExecStart=/opt/app/run\n",
}
LINKS = {
    "etc/default.target": "../lib/multi-user.target",
    "etc/multi-user.target.wants/ssh.service": "../../lib/ssh.service",
    "etc/multi-user.target.wants/app@1.service": "../app@.service",
    "etc/timers.target.wants/job.timer": "../../lib/job.timer",
}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Writing:
    """A host that is as a package brought it, and one service of its own; more is written by path, ``to`` makes a link."""

    def one(path: str, content: str = "", to: str = "") -> None:
        place = tmp_path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        if to:
            place.symlink_to(to)
        else:
            place.write_text(content)

    for path, content in TREE.items():
        one(path, content)
    for path, target in LINKS.items():
        one(path, to=target)
    known = {
        str(tmp_path / path): hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        for path, text in TREE.items()
        if path[:3] == "lib"
    }
    monkeypatch.setattr(probe, "UNIT_FOLDERS", (str(tmp_path / "etc"), str(tmp_path / "lib")))
    monkeypatch.setattr(probe, "GENERATORS", (str(tmp_path / "makers"),))
    monkeypatch.setattr(probe, "RUNLEVELS", (str(tmp_path / "rc3.d"),))
    monkeypatch.setattr(probe, "dpkg_hashes", lambda: known)
    return one


def foreign() -> dict[str, list[str]]:
    """What the next boot starts and nobody vouches for."""
    found: dict[str, Any] = probe.boot()["services"]
    return {name: [Path(path).name for path in row["foreign"]] for name, row in found.items() if row["foreign"]}


def test_what_the_default_target_leads_to_is_told(write: Writing) -> None:
    found = probe.boot()
    assert found["target"] == "multi-user.target"
    assert {name: row["at_boot"] for name, row in found["services"].items()} == {
        "ssh.service": True,
        "app@1.service": True,
        "job.service": False,
    }
    assert foreign() == {"app@1.service": ["app@.service"]}
    write("etc/default.target", to="../lib/rescue.target")
    assert "ssh.service" not in probe.boot()["services"]


@pytest.mark.parametrize(
    "how",
    [
        {"lib/multi-user.target.wants/x.service": "../x.service"},
        {"etc/multi-.target.wants/x.service": "/nowhere"},
        {"etc/default.target.wants/x.service": "../x.service"},
        {"etc/service.wants/x.service": "../x.service"},
        {"etc/ssh.service.upholds/x.service": "../x.service"},
        {"etc/multi-user.target.d/x.conf": "[Unit]\nWants=\\\n  x.service\n"},
        {"etc/x.timer": "[Timer]\n", "etc/timers.target.wants/x.timer": "../x.timer"},
        {"etc/y.path": "[Path]\nUnit=x.service\n", "lib/basic.target.requires/y.path": "../y.path"},
        {"etc/ssh.service.d/x.conf": "[Unit]\nOnFailure=x.service\n"},
        {"etc/ssh.service.d/x.conf": "[Unit]\nOnSuccess=other.service x.service\n"},
        {"etc/multi-user.target.d/x.conf": "[Unit]\nDescription=a\rWants=x.service\n"},
    ],
)
def test_every_way_to_a_unit_is_gone(write: Writing, how: dict[str, str]) -> None:
    write("lib/x.service", "[Service]\nExecStart=/srv/x\n")
    before = foreign()
    for path, said in how.items():
        write(path, said) if said.startswith("[") else write(path, to=said)
    assert foreign() == {**before, "x.service": ["x.service"]}


def test_what_fills_in_its_name_is_found(write: Writing) -> None:
    write("etc/1-side.service", "[Service]\nExecStart=/srv/x\n")
    assert "1-side.service" in foreign()


def test_what_is_masked_starts_nothing(write: Writing) -> None:
    write("etc/ssh.service", to="/dev/null")
    write("etc/timers.target.wants/job.timer", to="/dev/null")
    assert list(probe.boot()["services"]) == ["app@1.service"]


def test_a_packages_file_is_vouched_for_as_it_came_only(write: Writing) -> None:
    write("lib/ssh.service", TREE["lib/ssh.service"] + "ExecStartPost=/srv/x\n")
    assert foreign()["ssh.service"] == ["ssh.service"]


def test_a_drop_in_may_tune_and_not_change(write: Writing) -> None:
    write("etc/ssh.service.d/a.conf", "[Service]\nLimitNOFILE=9\nMemoryMax=1G\n")
    assert "ssh.service" not in foreign()
    write("etc/service.d/b.conf", "[Service]\nExecStartPre=/srv/x\n")
    assert foreign()["ssh.service"] == ["b.conf"]


@pytest.mark.parametrize(
    "said",
    [
        "Nice=5\rExecStart=\rExecStart=/srv/x",
        "Nice=5 \\\n5\nExecStart=/srv/x",
        "Environment=LD_PRELOAD=/srv/x.so",
        "Environment=LD_PRELOAD=1",
        "Environment=A=1 'BASH_ENV=/srv/x'",
        "Environment=PYTHONPATH=/srv OPTIONS=x",
        "Environment=OPTIONS=-f/srv/x",
        'Environment="HTTP_PROXY=a" "\\x4cD_PRELOAD=1"',
        "Environment=PATH=/srv:/usr/bin",
    ],
)
def test_what_is_dropped_in_and_starts_something_does_not_tune(write: Writing, said: str) -> None:
    write("etc/ssh.service.d/a.conf", f"[Service]\n{said}\n")
    assert foreign()["ssh.service"] == ["a.conf"]


@pytest.mark.parametrize(
    "said",
    [
        'Environment="HTTP_PROXY=http://user@proxy.example:3128/" no_proxy=localhost,10.0.0.0/8',
        "Environment=TZ=Europe/Berlin LANG=de_DE.UTF-8 GOMAXPROCS=4\nEnvironment=",
        "Environment=MALLOC_ARENA_MAX=2 SYSTEMD_LOG_LEVEL=debug",
        "; ExecStart=/srv/x\n# Environment=LD_PRELOAD=/srv/x",
    ],
)
def test_variables_that_start_nothing_tune(write: Writing, said: str) -> None:
    write("etc/ssh.service.d/a.conf", f"[Service]\n{said}\nNice=5\n")
    assert "ssh.service" not in foreign()


def test_what_starts_when_another_has_ended_does_not_start_at_boot(write: Writing) -> None:
    write("etc/ssh.service.d/x.conf", "[Unit]\nOnFailure=x.service\n")
    write("lib/x.service", "[Service]\nExecStart=/srv/x\n")
    assert probe.boot()["services"]["x.service"]["at_boot"] is False


@pytest.mark.parametrize("kind", ["socket", "mount", "swap", "timer"])
def test_whatever_runs_something_is_told_of_whatever_kind_it_is(write: Writing, kind: str) -> None:
    write(f"etc/a.{kind}", "[X]\nListenStream=/run/a\n")
    write(f"etc/multi-user.target.wants/a.{kind}", to=f"../a.{kind}")
    assert f"a.{kind}" not in probe.boot()["services"]
    write(f"etc/a.{kind}", "[X]\nListenStream=/run/a\nExecStartPre=/usr/bin/git -C /opt/app pull\n")
    assert foreign()[f"a.{kind}"] == [f"a.{kind}"]
    write(f"etc/a.{kind}", "[X]\n")
    write(f"etc/{kind}.d/b.conf", "[X]\nExecStartPost=/srv/x\n")
    assert foreign()[f"a.{kind}"] == ["b.conf"]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("ExecStart=/srv/x", {"/srv/x"}),
        ("User=root\nExecStart=-/bin/sh -c 'cd /; exec /srv/x -a'", {"/srv/x"}),
        ("User=games\nExecStart=/srv/x", set()),
        ("User=games\nExecStart=/srv/x\nExecStartPre=+/srv/y", {"/srv/y"}),
        ("User=games\nExecStart=/srv/x\nExecStopPost=-!/srv/y\nExecReload=@+/srv/z z", {"/srv/y", "/srv/z"}),
        ("User=games\nUser=\nExecStart=/srv/x", {"/srv/x"}),
        ("DynamicUser=yes\nExecStart=/srv/x", set()),
    ],
)
def test_what_a_unit_starts_as_root_is_told_whoever_runs_it(write: Writing, said: str, found: set[str]) -> None:
    """Also one that waits for a connection, and that systemd has not started yet."""
    write("etc/x.service", f"[Service]\n{said}\n")
    write("etc/x.socket", "[Socket]\nListenStream=/run/x\n")
    write("etc/multi-user.target.wants/x.socket", to="../x.socket")
    begun: set[str] = set()
    probe.boot(begun, frozenset({"app@1.service"}))
    assert {path for path in begun if path.startswith(("/srv/", "/opt/app/"))} == found
    probe.boot(begun)
    assert "/opt/app/run" in begun


def test_a_program_confined_by_snapd_is_the_distributions(write: Writing) -> None:
    write("etc/multi-user.target.wants/snap.agent.agent.service", to="../snap.agent.agent.service")
    write("etc/snap.agent.agent.service", "[Service]\nExecStart=/usr/bin/snap run agent.agent\n")
    assert "snap.agent.agent.service" not in foreign()
    write("etc/snap.agent.agent.service", "[Service]\nExecStart=/usr/bin/snap run agent.agent\nExecStartPost=/srv/x\n")
    assert "snap.agent.agent.service" in foreign()


def test_a_program_that_makes_units_is_told(write: Writing) -> None:
    write("makers/x", "#!/bin/sh\n")
    assert [Path(path).name for path in probe.boot()["generators"]] == ["x"]


def test_a_script_of_old_is_a_service_where_no_unit_has_its_name(write: Writing) -> None:
    write("rc3.d/S01ssh", "#!/bin/sh\n")
    write("rc3.d/K01gone", "#!/bin/sh\n")
    write("rc3.d/S01old", "#!/bin/sh\n")
    assert foreign() == {"app@1.service": ["app@.service"], "old.service": ["S01old"]}


def test_a_program_that_a_package_keeps_elsewhere_is_its_own(
    write: Writing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("elsewhere/generate", "#!/bin/sh\n")
    write("makers/netplan", to="../elsewhere/generate")
    digest = hashlib.md5(b"#!/bin/sh\n", usedforsecurity=False).hexdigest()
    write("dpkg/info/netplan.md5sums", f"{'a' * 32}  usr/x\n{digest}  {str(tmp_path)[1:]}/elsewhere/generate\n")
    assert len(probe.boot()["generators"]) == 1
    monkeypatch.setattr(probe, "DPKG", str(tmp_path / "dpkg"))
    assert probe.boot()["generators"] == []


def test_dpkg_is_read_as_it_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "info").mkdir()
    rows = f"{'a' * 32}  usr/lib/systemd/system/x.service\n{'b' * 32}  usr/share/doc/x\n"
    (tmp_path / "info/x.md5sums").write_text(rows)
    (tmp_path / "status").write_text(f"Package: x\nConffiles:\n /etc/init.d/x {'c' * 32}\n /etc/init.d/y {'d' * 32} obsolete\n")
    monkeypatch.setattr(probe, "DPKG", str(tmp_path))
    probe.dpkg_hashes.cache_clear()
    assert probe.dpkg_hashes() == {"/usr/lib/systemd/system/x.service": "a" * 32, "/etc/init.d/x": "c" * 32}
    assert probe.OWNERS["/usr/lib/systemd/system/x.service"] == "x"
    probe.dpkg_hashes.cache_clear()


def test_a_mount_of_one_process_alone_is_seen() -> None:
    root, over = probe.Mount("/", "8:1", "/", "20", "1"), probe.Mount("/opt", "8:1", "/srv/evil", "31", "20")
    assert probe.seen_at("/opt/app", [root]) == ("8:1", "/opt/app")
    # A place that a unit may write to is mounted over itself: it is the same place.
    itself = probe.Mount("/opt/app", "8:1", "/opt/app", "30", "20")
    assert probe.seen_at("/opt/app", [root, itself]) == ("8:1", "/opt/app")
    assert probe.seen_at("/opt/app", [root, over]) == ("8:1", "/srv/evil/app")
    assert probe.seen_at("/opt/app", [over, itself, root]) == ("8:1", "/srv/evil/app"), "it lies below a later one"
    inner = probe.Mount("/opt/app", "0:9", "/", "32", "31")
    assert probe.seen_at("/opt/app", [root, inner, over, itself]) == ("0:9", "/")
    assert probe.seen_at("/", [root, probe.Mount("/", "0:7", "/", "33", "20")]) == ("0:7", "/"), "one over the other"
    assert probe.seen_at("/opt/app", [itself]) == ("8:1", "/opt/app"), "its root is no mount"
    assert probe.mounted_apart(os.getpid(), "/opt") == []


def test_a_process_that_is_hidden_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "mounts_of", lambda _: [probe.Mount("/proc/302", "8:1", "/var/empty")])
    with pytest.raises(probe.Trouble, match="mounted over /proc/302"):
        probe.processes()
    monkeypatch.undo()

    def hidden(pid: str, *_: object) -> None:
        raise FileNotFoundError(pid)

    cgroups = probe.Cgroups()
    monkeypatch.setattr(probe, "process", hidden)
    with pytest.raises(probe.Trouble, match="is there and cannot be read"):
        probe.process_if_there(str(os.getpid()), cgroups, 0.0)
    assert probe.process_if_there("4194305", cgroups, 0.0) is None
