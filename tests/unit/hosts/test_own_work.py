"""What the gate's own part does on a host, piece by piece: it runs commands, holds what is one gate's, and answers."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.local_hosts import open_below
from voxgate.deploy.hosts import claim, holding
from voxgate.deploy.on_host import commands, files, journal, looking, main, owner
from voxgate.deploy.on_host.commands import Commands
from voxgate.deploy.on_host.main import Channel
from voxgate.deploy.on_host.owner import Fenced, Held, Owner

BEGUN = {"phase": "install", "run": "r1", "by": "me", "build": "b-1", "service": "backend"}


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
    assert open_below(root) == ["owner.lock", "owner.lock"], "the first one's"
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
    one, waits = Owner(), list[float]()
    one.claim(CLAIM)
    with (root / "backend" / "step.lock").open("r+") as other, monkeypatch.context() as clock:
        clock.setattr(owner, "time", SimpleNamespace(time=time.time, monotonic=lambda: sum(waits), sleep=waits.append))
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="a step of an earlier gate still runs after 45 s"):
            do(one, "true")
    assert set(waits) == {0.02}
    assert 45 <= sum(waits) < 45.1
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


def test_what_is_waited_for_on_a_host_is_over_before_the_gate_gives_up() -> None:
    """A claim waits for a step that somebody left; who is gone is noticed, and its last restart still noted."""
    assert owner.STEP_WAIT == 45.0 < claim._CLAIM_DEADLINE
    assert (main.SILENCE, main.LEAVE_AFTER) == (holding._SILENCE, 300.0)
    assert 2 * commands.KILL_AFTER == 10.0 < claim._SLACK
    assert (commands.PAUSE, journal.TICK) == (0.02, 0.05)


EVENT = {"event": "promoted", "run": "r1", "commit": "c"}


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ({"journal": {**BEGUN, "phase": "judging"}}, ["journal.json"]),
        (
            {"record": {"tag": "t"}, "event": EVENT, "journal": {**BEGUN, "phase": "done"}},
            ["last-known-good.json", "ledger.jsonl", "journal.json"],
        ),
        ({"event": {**EVENT, "event": "begun"}, "journal": {**BEGUN, "phase": "claimed"}}, ["journal.json", "ledger.jsonl"]),
        ({"event": {**EVENT, "event": "begun"}}, ["ledger.jsonl"]),
        ({"event": EVENT}, ["ledger.jsonl"]),
        ({"done": "seen", "others": {"db": "of it"}}, ["done.json", "done-db.json"]),
        ({"journal": {**BEGUN, "phase": "back-judging", "since": 5.0, "code": 2.0}}, ["journal.json", "put-back.json"]),
        ({"journal": {**BEGUN, "phase": "back-restart", "since": 5.0, "code": 2.0}}, ["journal.json"]),
        ({"journal": {**BEGUN, "phase": "done", "since": 5.0, "code": 2.0}}, ["journal.json"]),
        ({}, []),
    ],
    ids=["a phase", "done", "begun", "begun alone", "an event", "what was seen", "put back", "on its way", "over", "nothing"],
)
def test_whoever_dies_between_two_writes_leaves_what_the_next_gate_can_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], order: list[str]
) -> None:
    """The last known good, the ledger's line, the journal that says so; where a deploy begins the journal is the first."""
    one, went = Owner(), list[str]()
    one.claim(CLAIM)
    fsync = os.fsync

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        went.extend([path.name.removeprefix(".").removesuffix(".part")] if path.is_file() else [])
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    assert one.mark({"service": "backend", **said}) == {}
    assert went == order
    written = {path.name: path.read_text() for path in (*root.glob("done*"), *(root / "backend").iterdir())}
    assert set(order) <= set(written)
    assert set(written) - set(order) <= {"owner.lock", "step.lock", "epoch"}
    if "record" in said:
        assert written["last-known-good.json"] == '{"tag": "t"}\n'
    if "done" in said:
        assert (written["done.json"], written["done-db.json"]) == ("seen\n", "of it\n")
    if "journal" in said:
        told = json.loads(written["journal.json"])
        assert (told["step"], told["status"], told["epoch"], told["phase"]) == ("", "done", 1, said["journal"]["phase"])


def test_each_step_is_in_the_journal_before_it_begins_and_when_it_ended(root: Path) -> None:
    one = Owner()
    one.claim(CLAIM)
    book = root / "backend" / "journal.json"
    steps = [
        {"argv": ["cat", str(book)], "deadline": 20, "says": "first", "changes": "code"},
        {"argv": ["sh", "-c", f"cat {book}; exit 4"], "deadline": 20, "says": "second"},
        {"argv": ["cat", str(book)], "deadline": 20, "says": "third"},
    ]
    results = one.do({"service": "backend", "journal": BEGUN, "steps": steps})["results"]
    assert [row["exit"] for row in results] == [0, 4]
    seen = [json.loads(row["out"]) for row in results] + [json.loads(book.read_text())]
    assert [(each["step"], each["status"], each["changed"], each["epoch"]) for each in seen] == [
        ("first", "begun", ["code"], 1), ("second", "begun", ["code"], 1), ("second", "failed", ["code"], 1),
    ]  # fmt: skip


def test_a_lock_that_a_git_left_is_there_only_while_no_git_works_in_the_checkout(root: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".git" / "refs").mkdir(parents=True)
    (checkout / "other.lock").touch()
    locks = [checkout / ".git" / name for name in ("index.lock", "refs/main.lock")]
    for path in (*locks, checkout / ".git" / "HEAD"):
        path.touch()
    wanted = sorted(map(str, locks))
    assert sorted(looking.git_locks(str(checkout))) == wanted
    assert looking.git_locks("/nowhere") == []
    works = "import ctypes; ctypes.CDLL(None).prctl(15, b'git-fetch', 0, 0, 0); print(flush=True); input()"
    for folder, there in ((checkout, []), (tmp_path, wanted)):
        argv = [sys.executable, "-c", works]
        with subprocess.Popen(argv, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
            assert git.stdout is not None
            git.stdout.readline()
            assert sorted(looking.git_locks(str(checkout))) == there
            git.communicate(b"\n")
    one = Owner()
    with pytest.raises(Fenced):
        one.tidy({"service": "backend", "checkout": str(checkout)})
    one.claim(CLAIM)
    assert sorted(one.tidy({"service": "backend", "checkout": str(checkout)})["removed"]) == wanted
    assert sorted(path.name for path in checkout.rglob("*.*") if path.is_file()) == ["other.lock"]
    assert root.is_dir()


def test_a_look_reads_all_and_only_what_it_is_asked_for(root: Path) -> None:
    one = Owner()
    one.claim(CLAIM)
    one.mark({"service": "backend", "event": EVENT, "done": "seen", "others": {"db": "of it"}})
    services = {"backend": "/nowhere", "dialler": "/nowhere"}
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    plain = looking.read({"services": services})
    nothing = dict.fromkeys(("good", "journal", "put_back", "owner")) | {"held": False, "ledger": [], "git_locks": []}
    backend = nothing | {"held": True, "owner": json.dumps(CLAIM["owner"])}
    wanted = {"services": {"backend": backend, "dialler": nothing}, "boot": boot, "writable": True, "done": None, "others": {}}
    assert plain == wanted
    asked = looking.read({"services": services, "ledger": 1, "done": True, "others": ["db", "gone"]})
    assert (asked["done"], asked["others"]) == ("seen\n", {"db": "of it\n", "gone": None})
    assert [json.loads(line)["n"] for line in asked["services"]["backend"]["ledger"]] == [1]
    assert looking.held_locks() == {"backend/owner.lock", "fleet/owner.lock"}
    with (root / "backend" / "step.lock").open("r+") as step, (root / "fleet" / "x.lock").open("w") as read:
        fcntl.flock(step, fcntl.LOCK_EX)
        fcntl.flock(read, fcntl.LOCK_SH)
        assert looking.held_locks() == {"backend/owner.lock", "backend/step.lock", "fleet/owner.lock"}
