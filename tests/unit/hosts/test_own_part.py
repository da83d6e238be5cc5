"""What the gate's own part writes on a host, piece by piece: files, ledger, journal."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.local_hosts import open_below
from voxgate.deploy.on_host import files, journal, ledger

BEGUN = {"phase": "install", "run": "r1", "by": "me", "build": "b-1", "service": "backend"}


def mode(path: Path) -> str:
    return f"{path.lstat().st_mode & 0o7777:04o}"


def test_a_folder_and_each_file_are_the_gate_s_own_account_s_alone(root: Path) -> None:
    assert files.folder_of("backend") == files.folder_of("backend") == str(root / "backend")
    files.replace(str(root / "backend"), "epoch", "1\n")
    assert [mode(path) for path in (root / "backend", root / "backend" / "epoch")] == ["0700", "0600"]
    for name in ("", "../x", "a/b", "a1"):
        with pytest.raises(ValueError, match="no service name"):
            files.folder_of(name)
    for name in ("", "a/b", "..", "-"):
        with pytest.raises(ValueError, match="no host's name"):
            files.done_of(name)
    assert files.done_of("db-1") == "done-db-1.json"


def test_what_an_earlier_voxgate_left_open_is_shut_and_nothing_else_is_touched(backend: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch(mode=0o644)
    for name in ("open", "theirs"):
        (backend / name).touch()
        (backend / name).chmod(0o644)
    (backend / "inner").mkdir(mode=0o755)
    (backend / "link").symlink_to(tmp_path / "elsewhere")
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(backend / "theirs", 65534, 65534)
    backend.chmod(0o755)
    backend.parent.chmod(0o755)
    files.shut(str(backend))
    assert {path.name: mode(path) for path in (backend.parent, backend, *backend.iterdir()) if path.name != "link"} == {
        "state": "0700", "backend": "0700", "open": "0600", "inner": "0700", "theirs": "0644" if is_root else "0600",
    }  # fmt: skip
    assert mode(tmp_path / "elsewhere") == "0644"


def test_a_file_is_on_the_disk_before_it_has_its_name_and_then_its_name_is(
    backend: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    went: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        went.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        if went[-1] == "sync .x.part":
            assert (backend / ".x.part").read_text() == "new"
        fsync(descriptor)

    def renamed(part: str, name: str) -> None:
        went.append(f"{Path(part).name} is {Path(name).name}")
        rename(part, name)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    (backend / ".x.part").write_text("what was left of a longer one")
    files.replace(str(backend), "x", "new")
    assert open_below(backend) == [], "all is closed again"
    assert went == ["sync .x.part", ".x.part is x", "sync backend"]
    assert {path.name: path.read_text() for path in backend.iterdir()} == {"x": "new"}


def test_a_file_is_read_as_far_as_it_may_be_long(backend: Path) -> None:
    (backend / "x").write_bytes(b"\xff" + b"x" * 70_000)
    assert files.text_of(str(backend), "x") == "\ufffd" + "x" * 65_535
    assert files.text_of(str(backend), "gone") is None


def test_what_is_kept_of_other_hosts_is_theirs_that_are_named(backend: Path) -> None:
    root = backend.parent
    for name in ("done-old.json", "done-kept.json", "done.json", "done-x.txt", "other-x.json"):
        (root / name).write_text("old\n")
    (root / "done-folder.json").mkdir()
    (root / "done-link.json").symlink_to(backend)
    files.keep_of_others({"kept": None, "new": "said"})
    assert sorted(path.name for path in root.iterdir()) == [
        "backend", "done-folder.json", "done-kept.json", "done-new.json", "done-x.txt", "done.json", "other-x.json",
    ]  # fmt: skip
    assert files.text_of_host("done-new.json") == "said\n"
    assert files.text_of_host("done-kept.json") == "old\n"
    assert files.text_of_host("done-folder.json") is None
    assert files.text_of_host("done-gone.json") is None


def test_the_ledger_s_last_lines_are_as_many_as_asked_for_and_no_more_bytes(backend: Path) -> None:
    assert ledger.last_lines(str(backend), 3) == []
    (backend / "ledger.jsonl").write_text("".join(f"{n}\n" for n in range(10)))
    assert ledger.last_lines(str(backend), 3) == ["7", "8", "9"]
    assert ledger.last_lines(str(backend), 20) == [str(n) for n in range(10)]
    (backend / "ledger.jsonl").write_text("x" * 2048 + "\n" + "y" * 100 + "\n")
    assert ledger.last_lines(str(backend), 2) == ["x" * (2048 - 102) + "", "y" * 100]


def test_a_line_follows_the_last_one_that_is_ours(backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    folder, book = str(backend), backend / "ledger.jsonl"
    ledger.append(folder, {"event": "begun", "run": "r1", "commit": "c"})
    first = book.read_text()
    assert json.loads(first) == {"event": "begun", "run": "r1", "commit": "c", "n": 1, "prev": ""}
    assert len(synced) == 1
    ledger.append(folder, {"event": "begun", "run": "r1", "commit": "c"})
    assert book.read_text() == first, "whoever mends a kill may do the same thing again"
    with book.open("a") as file:
        file.write('{"torn')
    ledger.append(folder, {"event": "begun", "run": "r1", "commit": "d"})
    (again, torn, second) = book.read_text().splitlines()
    assert (again + "\n", torn) == (first, '{"torn')
    digest = hashlib.sha256(again.encode()).hexdigest()
    assert json.loads(second) == {"event": "begun", "run": "r1", "commit": "d", "n": 2, "prev": digest}
    for _ in range(2):
        ledger.append(folder, {"event": "note", "run": "r1", "commit": "d"})
    assert [json.loads(line)["n"] for line in book.read_text().splitlines()[3:]] == [3, 4]
    assert mode(book) == "0600"
    with book.open("a") as file:
        file.write("no line of ours\n" * 63)
    ledger.append(folder, {"event": "promoted", "run": "r1", "commit": "d"})
    assert json.loads(book.read_text().splitlines()[-1])["n"] == 5
    with book.open("a") as file:
        file.write("no line of ours\n" * 64)
    ledger.append(folder, {"event": "promoted", "run": "r1", "commit": "d"})
    assert json.loads(book.read_text().splitlines()[-1])["n"] == 1, "it looks no further back"
    assert open_below(backend) == []


def test_the_journal_says_when_in_which_boot_and_by_which_claim(backend: Path) -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    before = time.time()
    said = journal.write_journal(str(backend), dict(BEGUN), "", epoch=7, step="s", status="begun")
    at = said.pop("at")
    assert said == {**BEGUN, "changed": [], "boot": boot, "epoch": 7, "step": "s", "status": "begun"}
    assert json.loads((backend / "journal.json").read_text()) == {**said, "at": at}
    assert abs(time.mktime(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone - before) < 5
    assert "since" not in journal.write_journal(str(backend), dict(BEGUN), "x.service", epoch=7)
    changed = journal.write_journal(str(backend), dict(BEGUN), "code", epoch=7)
    assert changed["changed"] == ["x.service", "code"]
    assert before - 0.06 < changed["since"] < time.time() - 0.04
    again = journal.write_journal(str(backend), dict(BEGUN), "code", epoch=7)
    assert (again["changed"], again["since"]) == (["x.service", "code"], changed["since"])
    other = journal.write_journal(str(backend), {**BEGUN, "run": "r2"}, "", epoch=8)
    assert (other["changed"], "since" in other) == ([], False)
    back = journal.write_journal(str(backend), {**BEGUN, "run": "r3", "phase": "back-install"}, "code", epoch=9)
    assert back["changed"] == ["everything", "code"]


@pytest.mark.parametrize(
    ("told", "put_back"),
    [
        ({"since": 5.0, "code": 2.0, "seen": 3.0}, {"since": 5.0, "code": 2.0, "seen": 3.0}),
        ({"since": 5.0, "code": 2.0, "seen": None}, {"since": 5.0, "code": 2.0}),
        ({"since": 5.0, "code": None}, None),
        ({"code": 2.0}, None),
    ],
)
def test_what_was_put_back_is_said_where_it_is_known_how_old_the_code_was(
    backend: Path, told: dict[str, Any], put_back: dict[str, Any] | None
) -> None:
    journal.note_put_back(str(backend), {**BEGUN, **told})
    found = json.loads((backend / "put-back.json").read_text()) if (backend / "put-back.json").exists() else None
    assert (put_back is None) is (found is None)
    if found is not None:
        assert time.time() - 5 < found.pop("until") <= time.time()
        assert found == {**(put_back or {}), "format": 1, "service": "backend"}


def test_whose_step_still_runs_is_told_by_the_journal(backend: Path) -> None:
    assert json.loads(journal.at_work(str(backend))) == {"owner": "{}", "journal": None}
    (backend / "journal.json").write_text("[7]")
    assert json.loads(journal.at_work(str(backend))) == {"owner": "{}", "journal": "[7]"}
    said = journal.write_journal(str(backend), dict(BEGUN), "", epoch=1)
    owner_of = {"by": "me", "run": "r1", "build": "b-1", "since": said["at"]}
    found = json.loads(journal.at_work(str(backend)))
    assert (json.loads(found["owner"]), json.loads(found["journal"])) == (owner_of, said)
