"""The gate's own part, piece by piece: how it writes files, journal and ledger, runs commands, and holds what is one gate's."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from voxgate.deploy.on_host import commands, files, journal, ledger, looking, main, owner
from voxgate.deploy.on_host.commands import Commands
from voxgate.deploy.on_host.main import Channel
from voxgate.deploy.on_host.owner import Fenced, Held, Owner

BEGUN = {"phase": "install", "run": "r1", "by": "me", "build": "b-1", "service": "backend"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of this host."""
    made = tmp_path / "state"
    for module in (files, looking, owner):
        monkeypatch.setattr(module, "ROOT", str(made))
    return made


@pytest.fixture
def backend(root: Path) -> Path:
    """The backend's state."""
    return Path(files.folder_of("backend")) if root else root


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
    before = len(list(Path("/proc/self/fd").iterdir()))
    files.replace(str(backend), "x", "new")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
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


def ran(service: str, lock: int, *argv: str, deadline: float = 30.0, **more: Any) -> dict[str, Any]:
    return Commands().run(service, {"argv": list(argv), "deadline": deadline, **more}, lock, back=False)


def test_a_command_is_told_by_its_end_and_its_last_words(backend: Path) -> None:
    lock = files.open_file(str(backend), "step.lock", os.O_RDWR)
    try:
        said = ran("backend", lock, "sh", "-c", "printf %09000d 7; echo no >&2; cat; exit 3")
        seconds = said.pop("seconds")
        assert said == {"exit": 3, "out": "0" * 8191 + "7", "err": "no\n", "why": ""}
        assert 0 < seconds < 30
        assert ran("backend", lock, "sh", "-c", "kill -15 $$")["why"] == "was killed by signal 15"
        assert ran("backend", lock, "true")["exit"] == 0
        env = ran("backend", lock, "git", "config", "--get-regexp", "^(gc.autodetach|core.hookspath|fetch.fsckobjects)$")["out"]
        assert env.splitlines() == ["gc.autodetach false", "core.hookspath /dev/null", "fetch.fsckobjects true"]
        ids = ran("backend", lock, "sh", "-c", f"ps -o sid= -p $$; echo $$; test -e /proc/self/fd/{lock}")
        assert ids["exit"] == 0, "the lock is the command's, too: whoever comes next waits for it"
        assert len(set(ids["out"].split())) == 1, "it has a session of its own"
    finally:
        os.close(lock)


def test_a_command_over_its_time_is_ended_with_all_that_it_started(backend: Path, tmp_path: Path) -> None:
    lock = files.open_file(str(backend), "step.lock", os.O_RDWR)
    script = f"sleep 600 & echo $! >{tmp_path}/child; echo early; wait"
    said = ran("backend", lock, "sh", "-c", script, deadline=1)
    os.close(lock)
    assert (said["exit"], said["out"], said["why"]) == (None, "early\n", "was not done within 1 s")
    child = int((tmp_path / "child").read_text())
    until = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split(")")[1]:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_of_what_runs_only_that_is_cut_which_may_be() -> None:
    made = Commands()
    children = {name: subprocess.Popen(["sleep", "600"], start_new_session=True) for name in ("there", "back")}
    made.running = {"there": (children["there"], False), "back": (children["back"], True)}
    assert made.cut_short(back=False) == ["there"]
    assert children["there"].wait(20) == -15
    assert children["back"].poll() is None
    assert made.cut == {"there"}
    assert made.cut_short(back=True) == ["back", "there"]
    assert children["back"].wait(20) == -15
    assert Commands().cut_short(back=True) == []


def test_who_does_not_end_when_asked_to_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "KILL_AFTER", 0.3)
    argv = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert child.stdout is not None
        child.stdout.readline()
        made = Commands()
        made.running = {"one": (child, False)}
        assert made.cut_short(back=False) == ["one"]
        assert child.wait(20) == -9


CLAIM = {"services": {"backend": "/nowhere", "fleet": "/nowhere"}, "owner": {"by": "me", "run": "r1"}}


def held(path: Path) -> bool:
    """Whether somebody has the lock."""
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def test_a_claim_takes_all_services_or_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owner, "STEP_WAIT", 0.1)
    one = Owner()
    found = one.claim(CLAIM)
    assert found["epochs"] == one.epochs == {"backend": 1, "fleet": 1}
    assert found["services"]["fleet"]["held"] is True
    assert json.loads((root / "fleet" / "owner.lock").read_text()) == CLAIM["owner"]
    assert [held(root / name / "owner.lock") for name in ("backend", "fleet")] == [True, True]
    two = Owner()
    with pytest.raises(Held) as said:
        two.claim({"services": {"console": "/nowhere", "fleet": "/nowhere"}, "owner": {}})
    assert json.loads(str(said.value)) == {"owner": json.dumps(CLAIM["owner"]), "journal": None}
    assert two.locks == {}
    assert not held(root / "console" / "owner.lock")
    assert not (root / "console" / "epoch").exists()
    (root / "dialler").mkdir()
    with (root / "dialler" / "step.lock").open("w") as step:
        fcntl.flock(step, fcntl.LOCK_EX)
        with pytest.raises(Held):
            two.claim({"services": {"dialler": "/nowhere"}, "owner": {}})
        assert not held(root / "dialler" / "owner.lock")
    assert two.claim({"services": {"dialler": "/nowhere"}, "owner": {}, "epochs": {"dialler": 0}})["epochs"] == {"dialler": 1}


def test_who_was_gone_while_another_gate_was_there_is_fenced_off(root: Path) -> None:
    two = Owner()
    (root / "backend").mkdir(parents=True)
    (root / "backend" / "epoch").write_text("5\n")
    with pytest.raises(Fenced, match="backend was another gate's meanwhile: epoch 5"):
        two.claim({**CLAIM, "epochs": {"backend": 4}})
    assert two.locks == {}
    assert (root / "backend" / "epoch").read_text() == "5\n"
    assert two.claim({**CLAIM, "epochs": {"backend": 5}})["epochs"] == {"backend": 6, "fleet": 1}


def do(one: Owner, *argv: str, phase: str = "install") -> list[dict[str, Any]]:
    step = {"argv": list(argv), "deadline": 20, "says": "s"}
    found: list[dict[str, Any]] = one.do({"service": "backend", "journal": {**BEGUN, "phase": phase}, "steps": [step, step]})[
        "results"
    ]
    return found


def test_once_stopped_only_the_way_back_goes_on_and_once_the_gate_is_gone_nothing(root: Path, tmp_path: Path) -> None:
    one = Owner()
    with pytest.raises(Fenced, match="backend is not this gate's any more: epoch None, now 0"):
        do(one, "true")
    one.claim(CLAIM)
    assert [row["exit"] for row in do(one, "true")] == [0, 0]
    one.commands.cut.add("backend")
    assert [row["exit"] for row in do(one, "true")] == [0, 0], "what was cut before is over"
    assert one.cancel({}) == {"cut": []}
    assert do(one, "touch", str(tmp_path / "x")) == [
        {"exit": None, "out": "", "err": "", "why": "was not begun: the run was stopped", "seconds": 0.0}
    ]
    assert not (tmp_path / "x").exists()
    assert [row["exit"] for row in do(one, "true", phase="back-install")] == [0, 0]
    one.closing = True
    with pytest.raises(Fenced, match="epoch 1, now 1"):
        do(one, "true", phase="back-install")
    assert json.loads((root / "backend" / "journal.json").read_text())["status"] == "done"


def test_a_step_that_another_one_left_is_waited_for_and_not_for_ever(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = Owner()
    one.claim(CLAIM)
    monkeypatch.setattr(owner, "STEP_WAIT", 0.1)
    with (root / "backend" / "step.lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="a step of an earlier gate still runs after 0 s"):
            do(one, "true")
    assert [row["exit"] for row in do(one, "true")] == [0, 0]


def test_each_request_has_its_answer_whatever_became_of_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(main, "print_line", lambda word, words: said.append((word, words)))
    channel, other = Channel("m"), Owner()
    channel.answer({"id": 1, "op": "tidy", "service": "backend", "checkout": "/nowhere"})
    channel.answer({"id": 2, "op": "nothing of ours"})
    channel.answer({"id": 3, "op": "cancel"})
    other.claim({**CLAIM, "services": {"backend": "/nowhere"}})
    channel.answer({"id": 4, "op": "claim", **CLAIM})
    assert said == [
        ("m", {"id": 1, "fenced": "backend is not this gate's any more: epoch None, now 0"}),
        ("m", {"id": 2, "error": "KeyError: 'nothing of ours'"}),
        ("m", {"id": 3, "ok": {"cut": []}}),
        ("m", {"id": 4, "held": {"owner": json.dumps(CLAIM["owner"]), "journal": None}}),
    ]
    assert not (root / "fleet").exists()

    def gone(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(main, "print_line", gone)
    assert channel.owner.closing is False
    channel.say({})
    assert channel.owner.closing is True


def test_a_line_is_said_whole_however_little_is_taken_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[bytes] = []

    def write(descriptor: int, data: bytes) -> int:
        assert descriptor == 1
        taken.append(data[:3])
        return len(taken[-1])

    monkeypatch.setattr(os, "write", write)
    main.print_line("m", {"id": 7})
    monkeypatch.undo()
    assert b"".join(taken) == b'm {"id": 7}\n'
