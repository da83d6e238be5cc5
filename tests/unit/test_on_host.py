"""The gate's part on a host, run here in a folder of its own: lock, fence, journal, ledger, steps."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from voxgate.contracts.schemas import check
from voxgate.deploy.on_host.built import program
from voxgate.moves.steps import systemctl

JOURNAL = {"format": 1, "service": "backend", "phase": "install", "run": "r1", "by": "me", "build": ""}
WORD = "voxgate-0123"
BACK = JOURNAL | {"phase": "back-install"}


LOOKS = "\nwhile True: read({'services': {'backend': '/x'}})"
"""Looks, one after the other."""


def source(root: Path) -> str:
    """The gate's part as it travels, with a folder of its own."""
    return program().decode().replace('"/var/lib/voxgate"', repr(str(root)))


class Host:
    """The owner process, as a gate has it."""

    def __init__(self, root: Path, silence: float = 20.0) -> None:
        text = source(root)
        text = text.replace("SILENCE = 20.0", f"SILENCE = {silence}").replace("STEP_WAIT = 45.0", "STEP_WAIT = 1.0")
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-c", text + f"\nmain({{'op': 'serve', 'mark': {WORD!r}}})"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self.number = 0

    def send(self, op: str, **words: Any) -> None:
        """A request, not waited for."""
        assert self.process.stdin is not None
        self.number += 1
        self.process.stdin.write(json.dumps({"id": self.number, "op": op, **words}).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The next answer."""
        assert self.process.stdout is not None
        word, _, said = self.process.stdout.readline().partition(b" ")
        assert word.decode() == WORD
        return dict(json.loads(said))

    def ask(self, op: str, **words: Any) -> dict[str, Any]:
        """A request and its answer."""
        self.send(op, **words)
        return self.hear()

    def claim(self) -> dict[str, Any]:
        """Take the backend."""
        return self.ask("claim", services={"backend": "/nowhere"}, owner={"by": "me"})

    def do(self, *argv: str, deadline: float = 10, **more: Any) -> dict[str, Any]:
        """One step."""
        step = {"argv": list(argv), "deadline": deadline, "says": "a step", **more}
        return self.ask("do", service="backend", journal=JOURNAL, steps=[step])

    def end(self) -> None:
        """The gate goes away."""
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait(20)

    def journal(self) -> dict[str, Any]:
        """What is being done."""
        return dict(json.loads((self.root / "backend" / "journal.json").read_text()))

    def ledger(self) -> list[dict[str, Any]]:
        """What was done."""
        return [json.loads(line) for line in (self.root / "backend" / "ledger.jsonl").read_text().splitlines()]


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[list[Host]]:
    started = [Host(tmp_path), Host(tmp_path)]
    yield started
    for host in started:
        host.end()


def test_of_two_gates_one_gets_it_and_the_other_hears_who(hosts: list[Host]) -> None:
    one, two = hosts
    assert "ok" in one.claim()
    assert json.loads(two.claim()["held"]["owner"]) == {"by": "me"}
    one.end()
    assert "ok" in two.claim()


def held(root: Path) -> bool:
    """What a look reads, in a process of its own as on a host."""
    text = source(root)
    request = {"op": "read", "mark": WORD, "services": {"backend": "/nowhere"}}
    argv = [sys.executable, "-I", "-c", f"{text}\nmain({request!r})"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout
    return bool(json.loads(said.partition(" ")[2])["ok"]["services"]["backend"]["held"])


def test_a_look_sees_who_holds_it_and_is_in_nobodys_way(hosts: list[Host], tmp_path: Path) -> None:
    one, two = hosts
    assert held(tmp_path) is False
    one.claim()
    assert held(tmp_path) is True
    one.end()
    assert held(tmp_path) is False, "the file alone, and who it names, is nobody at work"
    with (tmp_path / "backend" / "owner.lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert held(tmp_path) is False, "who only reads it holds nothing"
    looks = [subprocess.Popen([sys.executable, "-I", "-c", source(tmp_path) + LOOKS]) for _ in range(2)]
    try:
        for _ in range(20):
            assert "ok" in two.claim(), "a look took the lock to see if it was free"
            two.end()
            two = Host(tmp_path)
    finally:
        for look in looks:
            look.kill()
            look.wait()
        two.end()


def test_a_killed_owner_leaves_no_lock(hosts: list[Host]) -> None:
    one, two = hosts
    one.claim()
    one.process.kill()
    one.process.wait()
    assert "ok" in two.claim()


def test_a_step_is_journalled_before_and_after(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    seen = tmp_path / "seen"
    done = one.do("cp", str(tmp_path / "backend" / "journal.json"), str(seen))
    assert done["ok"]["results"][0]["exit"] == 0
    assert json.loads(seen.read_text())["status"] == "begun"
    assert (one.journal()["status"], one.journal()["step"], one.journal()["epoch"]) == ("done", "a step", 1)


def test_the_first_failure_ends_a_move(hosts: list[Host]) -> None:
    one, _ = hosts
    one.claim()
    steps = [{"argv": ["false"], "deadline": 5, "says": "first"}, {"argv": ["true"], "deadline": 5, "says": "second"}]
    said = one.ask("do", service="backend", journal=JOURNAL, steps=steps)
    assert [result["exit"] for result in said["ok"]["results"]] == [1]
    assert (one.journal()["step"], one.journal()["status"]) == ("first", "failed")


@pytest.mark.parametrize(("argv", "why"), [(["sleep", "30"], "within 1 s"), (["sh", "-c", "kill -9 $$"], "killed by signal 9")])
def test_what_did_not_end_by_itself_is_unknown(hosts: list[Host], argv: list[str], why: str) -> None:
    one, _ = hosts
    one.claim()
    result = one.do(*argv, deadline=1)["ok"]["results"][0]
    assert result["exit"] is None
    assert why in result["why"]


def test_an_older_epoch_can_do_nothing(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    (tmp_path / "backend" / "epoch").write_text("2\n")
    assert "epoch 1, now 2" in one.do("touch", str(tmp_path / "touched"))["fenced"]
    assert not (tmp_path / "touched").exists()
    assert "fenced" in one.ask("mark", service="backend", journal=JOURNAL)


def test_who_lost_the_host_comes_back_only_if_nobody_was_there_meanwhile(hosts: list[Host], tmp_path: Path) -> None:
    one, two = hosts
    had = one.claim()["ok"]["epochs"]
    one.end()
    again = {"services": {"backend": "/nowhere"}, "owner": {}, "epochs": had}
    (tmp_path / "backend" / "epoch").write_text("2\n")
    assert "another gate's meanwhile" in two.ask("claim", **again)["fenced"]
    (tmp_path / "backend" / "epoch").write_text("1\n")
    assert two.ask("claim", **again)["ok"]["epochs"] == {"backend": 2}


@pytest.mark.parametrize("left", ["x\n", "\x00\x00", "1 2"])
def test_an_epoch_that_is_no_number_locks_nobody_out(hosts: list[Host], tmp_path: Path, left: str) -> None:
    one, two = hosts
    one.claim()
    one.end()
    (tmp_path / "backend" / "epoch").write_text(left)
    epochs = two.claim()["ok"]["epochs"]
    assert epochs["backend"] > 1_700_000_000
    assert (tmp_path / "backend" / "epoch").read_text() == f"{epochs['backend']}\n"
    assert two.do("true")["ok"]["results"][0]["exit"] == 0


@pytest.mark.parametrize("left", ["[1]", "null", '"x"', '{"n": "x"}', '{"event": "note"}', "\x00", '{"n": true}'])
def test_a_line_of_the_ledger_that_is_not_ours_hurts_no_other(hosts: list[Host], tmp_path: Path, left: str) -> None:
    one, _ = hosts
    one.claim()
    event = {"event": "begun", "run": "r", "commit": "c"}
    one.ask("mark", service="backend", journal=JOURNAL, event=event)
    with (tmp_path / "backend" / "ledger.jsonl").open("a") as ledger:
        ledger.write(left + "\n")
    assert "ok" in one.ask("mark", service="backend", journal=JOURNAL, event=event | {"event": "promoted"})
    lines = (tmp_path / "backend" / "ledger.jsonl").read_text().splitlines()
    assert (json.loads(lines[-1])["n"], json.loads(lines[-1])["event"]) == (2, "promoted")


def test_a_hook_of_a_checkout_is_not_run(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    there = tmp_path / "checkout"
    subprocess.run(["git", "init", "--quiet", there], check=True)
    hook = there / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run(["git", "-C", there, *who, "commit", "--quiet", "--allow-empty", "-m", "one"], check=True)
    subprocess.run(["git", "-C", there, "checkout", "--quiet", "--detach"], check=True)
    assert (tmp_path / "ran").exists()
    (tmp_path / "ran").unlink()
    assert one.do("git", "-C", str(there), "checkout", "--quiet", "--detach")["ok"]["results"][0]["exit"] == 0
    assert not (tmp_path / "ran").exists()


def test_the_journal_knows_what_a_deploy_changed(hosts: list[Host], tmp_path: Path) -> None:
    """Before each step, whichever run goes on with the deploy; and when all of it is as before, since when nothing was."""
    one, _ = hosts
    one.claim()
    began = time.time()
    steps = [{"argv": ["true"], "deadline": 9, "says": "s", "changes": what} for what in ("", "code", "packages")]
    one.ask("mark", service="backend", journal=JOURNAL | {"phase": "claimed", "code": 12.5})
    assert one.journal()["changed"] == []
    one.ask("do", service="backend", journal=JOURNAL, steps=steps[:1])
    assert "since" not in one.journal()
    one.ask("do", service="backend", journal=JOURNAL, steps=[*steps, steps[1], steps[0] | {"argv": ["false"], "changes": "x"}])
    said = one.journal()
    assert (said["changed"], said["code"], said["status"]) == (["code", "packages", "x"], 12.5, "failed")
    assert began - 0.1 < said["since"] < time.time()
    put_back = tmp_path / "backend" / "put-back.json"
    one.do("true", changes="")
    one.ask("mark", service="backend", journal=JOURNAL | {"phase": "back-checkout"})
    assert not put_back.exists()
    one.ask("mark", service="backend", journal=JOURNAL | {"phase": "back-judging"})
    told = json.loads(put_back.read_text())
    assert (told["since"], told["code"]) == (said["since"], 12.5)
    assert said["since"] < told["until"] <= time.time()
    one.ask("mark", service="backend", journal=JOURNAL | {"phase": "claimed", "run": "r2", "code": None})
    assert (one.journal()["changed"], "since" in one.journal()) == ([], False)


def test_what_was_seen_before_a_deploy_is_kept_until_all_is_put_back(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    one.ask("mark", service="backend", journal=JOURNAL | {"phase": "claimed", "code": 12.5, "seen": 20.25})
    step = {"argv": ["true"], "deadline": 9, "says": "s", "changes": "code"}
    one.ask("do", service="backend", journal=JOURNAL, steps=[step])
    one.ask("mark", service="backend", journal=JOURNAL | {"phase": "back-judging"})
    told = json.loads((tmp_path / "backend" / "put-back.json").read_text())
    assert (told["code"], told["seen"]) == (12.5, 20.25)
    check("put-back", told)


@pytest.mark.parametrize("left", ["", "{torn", '{"run": "r1", "phase": "restart"}', '{"run": "r0", "changed": []}'])
def test_a_way_back_whose_journal_does_not_say_puts_back_everything(hosts: list[Host], tmp_path: Path, left: str) -> None:
    one, _ = hosts
    one.claim()
    (tmp_path / "backend" / "journal.json").write_text(left)
    one.ask("mark", service="backend", journal=BACK)
    assert one.journal()["changed"] == ["everything"]


def test_nothing_is_done_without_a_claim(hosts: list[Host]) -> None:
    assert "fenced" in hosts[0].do("true")


def test_a_step_of_a_killed_owner_is_waited_for(hosts: list[Host], tmp_path: Path) -> None:
    one, two = hosts
    one.claim()
    one.send(
        "do", service="backend", journal=JOURNAL, steps=[{"argv": ["sleep", "4"], "deadline": 9, "says": "s", "finish": True}]
    )
    while not (tmp_path / "backend" / "journal.json").exists():
        time.sleep(0.01)
    time.sleep(0.2)
    one.process.kill()
    one.process.wait()
    held = two.claim()["held"]  # so that --wait waits for it
    assert json.loads(held["owner"]) == {"by": "me", "run": "r1", "build": "", "since": json.loads(held["journal"])["at"]}
    while "held" in (said := two.claim()):
        assert json.loads(said["held"]["journal"])["step"] == "s"
    assert "ok" in said


def test_a_stop_cuts_the_way_there_and_not_the_way_back(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    step = {"argv": ["sleep", "60"], "deadline": 90, "says": "long"}
    one.send("do", service="backend", journal=JOURNAL, steps=[step, step])
    until_begun(tmp_path, "install")
    one.send("cancel")
    said = {answer["id"]: answer["ok"] for answer in (one.hear(), one.hear())}
    assert said[3] == {"cut": ["backend"]}
    assert [one["why"] for one in said[2]["results"]] == ["was cut short"]
    assert one.do("touch", str(tmp_path / "touched"))["ok"]["results"][0]["why"] == "was not begun: the run was stopped"
    assert not (tmp_path / "touched").exists()
    back = {"argv": ["sh", "-c", f"sleep 1; touch {tmp_path}/back"], "deadline": 9, "says": "back"}
    one.send("do", service="backend", journal=BACK, steps=[back])
    until_begun(tmp_path, "back-install")
    one.send("cancel")
    answers = [one.hear(), one.hear()]
    assert answers[0]["ok"] == {"cut": []}
    assert answers[1]["ok"]["results"][0]["exit"] == 0
    assert (tmp_path / "back").exists()


def until_begun(root: Path, phase: str) -> None:
    """Wait until the journal says that a step of the phase runs, and it does."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            said = json.loads((root / "backend" / "journal.json").read_text())
        except FileNotFoundError:
            said = {}
        if (said.get("phase"), said.get("status")) == (phase, "begun"):
            time.sleep(0.2)
            return
        time.sleep(0.01)
    raise AssertionError(phase)


def test_nothing_more_is_begun_once_the_gate_is_gone(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.claim()
    first = {"argv": ["sleep", "1"], "deadline": 9, "says": "restart", "finish": True}
    second = {"argv": ["touch", str(tmp_path / "second")], "deadline": 9, "says": "more", "finish": True}
    host.send("do", service="backend", journal=BACK, steps=[first, second])
    until_begun(tmp_path, "back-install")
    host.end()
    assert not (tmp_path / "second").exists()
    assert (host.journal()["step"], host.journal()["status"]) == ("restart", "done")


def test_what_cannot_be_killed_is_not_waited_for_for_ever(hosts: list[Host]) -> None:
    one, _ = hosts
    one.claim()
    began = time.monotonic()
    result = one.do("sh", "-c", "echo here; setsid sleep 25 & sleep 25", deadline=1)["ok"]["results"][0]  # keeps our pipe open
    assert (result["exit"], result["why"]) == (None, "was not done within 1 s")
    assert (result["out"], result["err"]) == ("here\n", "")
    assert time.monotonic() - began < 15


def test_the_ledger_says_once_what_two_runs_closed(hosts: list[Host]) -> None:
    one, _ = hosts
    one.claim()
    for event in ({"event": "promoted", "run": "r1"}, {"event": "promoted", "run": "r2", "mended": "r1"}):
        one.ask("mark", service="backend", event=event | {"commit": "c"})
    assert [line["run"] for line in one.ledger()] == ["r1"]


def test_a_line_for_which_there_is_no_room_leaves_no_half_of_it(hosts: list[Host]) -> None:
    one, _ = hosts
    one.claim()
    event = {"event": "begun", "run": "r1", "commit": "c"}
    one.ask("mark", service="backend", event=event)
    before = (one.root / "backend" / "ledger.jsonl").read_bytes()
    room = (len(before) + 20, resource.RLIM_INFINITY)
    resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, room)
    assert "no room" in one.ask("mark", service="backend", event=event | {"event": "promoted"})["error"]
    assert (one.root / "backend" / "ledger.jsonl").read_bytes() == before
    resource.prlimit(one.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert one.ask("mark", service="backend", event=event | {"event": "promoted"})["ok"] == {}
    assert [(line["n"], line["event"]) for line in one.ledger()] == [(1, "begun"), (2, "promoted")]


def test_silence_ends_the_owner_and_what_it_was_doing(tmp_path: Path) -> None:
    host = Host(tmp_path, silence=1.0)
    host.claim()
    began = time.monotonic()
    host.send("do", service="backend", journal=JOURNAL, steps=[{"argv": ["sleep", "60"], "deadline": 90, "says": "long"}])
    assert host.hear()["ok"]["results"][0]["why"] == "was cut short"
    assert host.process.wait(20) == 0
    assert time.monotonic() - began < 15
    assert host.journal()["status"] == "failed"
    host.end()


def test_a_step_that_must_finish_finishes(tmp_path: Path) -> None:
    host = Host(tmp_path, silence=60.0)
    host.claim()
    script = f"sleep 1; touch {tmp_path}/finished"
    step = {"argv": ["sh", "-c", script], "deadline": 9, "says": "restart", "finish": True}
    host.send("do", service="backend", journal=JOURNAL, steps=[step])
    time.sleep(0.3)
    host.end()
    assert (tmp_path / "finished").exists()
    assert host.journal()["status"] == "done"


def test_the_ledger_counts_and_says_nothing_twice(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    for event in ("begun", "promoted", "promoted", "verdict"):
        one.ask("mark", service="backend", event={"event": event, "run": "r1", "commit": "c"})
    with (tmp_path / "backend" / "ledger.jsonl").open("a") as file:
        file.write('{"torn": ')
    one.ask("mark", service="backend", event={"event": "begun", "run": "r2", "commit": "c"})
    lines = (tmp_path / "backend" / "ledger.jsonl").read_text().splitlines()
    assert lines[3] == '{"torn": '
    assert [json.loads(line)["n"] for line in (*lines[:3], lines[4])] == [1, 2, 3, 4]


def test_a_full_disk_stops_before_the_step(hosts: list[Host], tmp_path: Path) -> None:
    one, _ = hosts
    one.claim()
    (tmp_path / "backend" / ".journal.json.part").mkdir()  # stands for: it cannot be written
    assert "error" in one.do("touch", str(tmp_path / "touched"))
    assert not (tmp_path / "touched").exists()


def test_what_was_stopped_is_started_also_on_a_full_disk(tmp_path: Path) -> None:
    """Any account can fill a disk while the dialler is stopped."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=0755", "tmpfs", tmp_path], check=True)
    host = Host(tmp_path)
    try:
        assert "ok" in host.claim()
        assert "ok" in host.do("true", changes="voxdialler.service")
        (tmp_path / "tmp").mkdir(mode=0o777)
        (tmp_path / "tmp").chmod(0o777)
        fill = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", "cat /dev/zero >fill"]
        subprocess.run(fill, cwd=tmp_path / "tmp", stderr=subprocess.DEVNULL, check=False)
        assert "No space left" in host.do("false")["error"], "nothing else is begun that cannot be noted"
        todo = [systemctl(verb, "voxdialler.service") for verb in ("reset-failed", "start")]
        steps = [{"argv": ["true"], "deadline": 10, "says": one.says, "changes": one.changes, "owed": one.owed} for one in todo]
        said = host.ask("do", service="backend", journal=JOURNAL, steps=steps)
        assert [one["exit"] for one in said["ok"]["results"]] == [0, 0]
        assert host.journal()["changed"] == ["voxdialler.service"]
    finally:
        host.end()
        subprocess.run(["umount", "-l", tmp_path], check=True)


def test_git_locks_are_removed_only_by_the_owner(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    (checkout / ".git" / "refs").mkdir(parents=True)
    (checkout / ".git" / "index.lock").touch()
    host = Host(tmp_path)
    assert "fenced" in host.ask("tidy", service="backend", checkout=str(checkout))
    found = host.ask("claim", services={"backend": str(checkout)}, owner={})
    assert found["ok"]["services"]["backend"]["git_locks"] == [str(checkout / ".git" / "index.lock")]
    assert host.ask("tidy", service="backend", checkout=str(checkout))["ok"]["removed"]
    assert not list(checkout.rglob("*.lock"))
    host.end()


NAMED = """import ctypes, sys, time
ctypes.CDLL(None).prctl(15, b"git\\xff\\xfe", 0, 0, 0)
print(end=".", flush=True)
sys.stdin.read()
"""


def test_no_name_of_a_process_stands_before_a_claim(tmp_path: Path) -> None:
    """Anybody chooses one, in any bytes; the kernel cuts a longer one in the middle of a letter."""
    (tmp_path / "checkout/.git").mkdir(parents=True)
    lock = tmp_path / "checkout/.git/index.lock"
    lock.touch()
    argv = ["/usr/bin/python3", "-I", "-c", NAMED]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/") as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.read(1) == b"."
        host = Host(tmp_path)
        found = host.ask("claim", services={"backend": str(lock.parent.parent)}, owner={})
        other.stdin.close()
    assert found["ok"]["services"]["backend"]["git_locks"] == [str(lock)]
    host.end()


def test_it_ends_when_nobody_listens(tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.claim()
    os.killpg(host.process.pid, signal.SIGHUP)
    assert host.process.poll() is None
    host.end()
    assert host.process.returncode == 0


HOLDS = """import fcntl, sys, time
fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)"""
NOBODY = 65534


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("name", ["owner.lock", "step.lock"])
def test_no_other_account_holds_a_lock(tmp_path: Path, name: str) -> None:
    """To hold a lock it is enough to read it. What an earlier voxgate left open is shut when a gate comes."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    root = tmp_path / "state"
    for folder in (root, root / "backend"):
        folder.mkdir(mode=0o755)
    for file in ("owner.lock", "step.lock", "journal.json", "epoch"):
        (root / "backend" / file).touch(mode=0o644)
    before = Host(root)
    assert "ok" in before.claim()
    before.do("true")
    before.ask("mark", service="backend", journal=JOURNAL | {"phase": "judging"}, event={"event": "begun", "run": "r1"})
    before.end()
    argv = ["/usr/bin/python3", "-I", "-c", HOLDS, str(root / "backend" / name)]
    with subprocess.Popen(argv, user=NOBODY, cwd="/", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as other:
        assert other.stdout is not None
        said = other.stdout.readline()
        host = Host(root)
        answer = host.claim()
        host.end()
        other.kill()
    assert said == b""
    assert "ok" in answer
    modes = {path.name: path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"))}
    assert modes.pop("state") == modes.pop("backend") == 0o700
    assert set(modes) >= {"owner.lock", "step.lock", "journal.json", "epoch", "ledger.jsonl"}
    assert set(modes.values()) == {0o600}


def test_a_look_changes_nothing(tmp_path: Path) -> None:
    text = source(tmp_path)
    asked = "\nmain({'op': 'read', 'services': {'backend': '/nowhere'}, 'ledger': 5, 'mark': ''})"
    said = subprocess.run([sys.executable, "-I", "-c", text + asked], capture_output=True, check=True, text=True).stdout
    assert json.loads(said)["ok"]["services"]["backend"]["journal"] is None
    assert not list(tmp_path.iterdir())
