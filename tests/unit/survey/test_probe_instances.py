"""A service with a file of settings for each instance of its unit: each is told of, and nothing of any is."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe

from .conftest import CANARY, service

OTHER = CANARY[::-1]
UNITS = ["d@vox.service", "d@other.service"]
ENVS = [".env.vox", ".env.other"]


@pytest.fixture
def folder(place: Path) -> Path:
    """Its folder."""
    found = place / "vox-dialler"
    found.mkdir()
    (found / ".env.vox").write_text(f'JWT_SECRET="{CANARY}"\nA=1\n')
    (found / ".env.other").write_text(f'JWT_SECRET="{OTHER}"\n')
    return found


def asked(folder: Path) -> probe.Service:
    return service(folder, name="dialler", unit="d@.service", units=UNITS, envs=ENVS)


def test_each_file_is_told_of_by_the_name_of_its_instance(folder: Path) -> None:
    told = {probe.told_as(one): probe.env_file(one) for one in probe.by_env(asked(folder))}
    assert {name: row["keys"] for name, row in told.items()} == {
        "dialler@vox": ["A", "JWT_SECRET"], "dialler@other": ["JWT_SECRET"],
    }  # fmt: skip
    (folder / ".env.other").unlink()
    assert [probe.env_file(one)["kind"] for one in probe.by_env(asked(folder))] == ["regular", "absent"]
    assert [one.units for one in probe.by_env(asked(folder))] == [[unit] for unit in UNITS]
    plain = service(folder)
    assert probe.by_env(plain) == [plain]


def test_the_secrets_of_all_are_cut(folder: Path) -> None:
    found = probe.secrets([asked(folder)], "")
    assert {CANARY, OTHER} <= set(found)


def test_a_leak_of_any_is_found_and_the_files_themselves_are_none(folder: Path) -> None:
    (folder / ".env.other").write_text(f'JWT_SECRET="{OTHER}"\nSAME_SECRET="{CANARY}"\n')
    processes = probe.Job(lambda: [{"argv": ["x", OTHER], "pid": 7, "command": "x", "unit": ""}])

    def leaks() -> dict[str, Any]:
        found: dict[str, Any] = probe.leaks(asked(folder), [], processes, probe.Job(dict), probe.Job(dict))
        return found

    assert leaks()["found"] == [["JWT_SECRET", "the arguments of process 7 (x)"]]
    (folder / "notes.txt").write_text(CANARY)
    assert ["JWT_SECRET", "notes.txt"] in [hit[:2] for hit in leaks()["found"]]


def test_the_files_are_no_foreign_files_of_the_tree(folder: Path) -> None:
    left_out = probe.outside_of(asked(folder))
    names = [".env", *ENVS, ".env.third", ".env.example"]
    assert [name for name in names if left_out("", name, False)] == [".env", *ENVS]  # noqa: FBT003 - it is called so
    assert not left_out("sub/", ".env.vox", False)  # noqa: FBT003


def row(**changes: object) -> bytes:
    found = dict.fromkeys(probe.SHAPES) | {
        "name": "dialler", "folder": "/opt/vox-dialler", "kind": "python", "owner": "deploy", "units": UNITS,
        "required_settings": [], **changes,
    }  # fmt: skip
    return json.dumps({"format": probe.FORMAT, "services": [found]}).encode()


def test_a_request_names_files_of_settings_and_no_others() -> None:
    assert [list(one.envs) for one in probe.services_of(row(envs=ENVS))] == [ENVS]
    assert [list(one.envs) for one in probe.services_of(row())] == [[".env"]]
    many = [f".env.{number}" for number in range(21)]
    for envs in ([], [".env/../x"], [".envrc"], ["shadow"], [".env."], [".env.a", ".env.a"], ".env", [1], many):
        with pytest.raises(probe.Trouble, match="envs has another form"):
            probe.services_of(row(envs=envs))


def test_each_process_is_compared_with_the_settings_of_its_own_instance(folder: Path) -> None:
    """What the other instance's file sets, and nobody gave to this one, is strange."""
    (folder / ".venv/bin").mkdir(parents=True)
    (folder / ".venv/bin/python").symlink_to("/usr/bin/python3")
    (folder / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    with subprocess.Popen(["/usr/bin/env", "-i", "A=1", "JWT_SECRET=x", "/bin/sleep", "60"]) as child:
        while Path(f"/proc/{child.pid}/environ").read_bytes() != b"A=1\0JWT_SECRET=x\0":  # until env has become sleep
            os.sched_yield()

        def strange(unit: str) -> list[str]:
            row = {
                "pid": child.pid,
                "unit": unit,
                "argv": ["sleep"],
                "exe": "/bin/sleep",
                "uid": os.getuid(),
                "started": 0.0,
                "cgroup": "/",
            }
            told = probe.runtime(asked(folder), probe.Job(lambda: [row]), probe.Job(dict))
            found: list[str] = told["processes"][str(child.pid)]["strange"]
            return found

        try:
            assert [strange(unit) for unit in UNITS] == [[], ["A"]]
        finally:
            child.kill()
