"""The owner on a host, over a real sshd: behind what a startup file prints, and where a host answers what is no answer."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts import answers, journal_writer, state
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.executor import Executor, Task
from voxgate.deploy.hosts.holding import Hold
from voxgate.deploy.hosts.journal import MOST_REASON, Phase
from voxgate.deploy.hosts.state import Author
from voxgate.deploy.stop import Stop
from voxgate.errors import CommandUnknown, Refused
from voxgate.model.evidence import Missing
from voxgate.model.release import Release
from voxgate.model.service import Role
from voxgate.moves.steps import Step
from voxgate.redaction.cutting import Redactor

from .conftest import Ground, Opened, host

# Stands in the place of the shell: reads the program that the gate sends, and answers each request in its own way.
HOSTILE = """
import json, os, re, sys
for stream in (sys.stdout, sys.stderr):
    print(re.search(r"voxgate-[0-9a-f]{16}", os.environ["SSH_ORIGINAL_COMMAND"])[0], file=stream, flush=True)
read, mark = sys.stdin.buffer.readline, b""
while not mark:
    found = re.search(rb"'mark': '(voxgate-[0-9a-f]+)'", read())
    mark = found[1] if found else b""
for line in iter(read, b""):
    number = json.loads(line)["id"]
    if number:
        said = open(sys.argv[1], "rb").read().replace(b"ID", str(number).encode())
        sys.stdout.buffer.write(mark + b" " + said + b"\\n")
        sys.stdout.flush()
"""
NOTHING: dict[str, object] = {
    "good": None, "journal": None, "put_back": None, "owner": None, "held": False, "ledger": [], "git_locks": [],
}  # fmt: skip
"""What a host answers of a service that was never deployed there."""

GARBAGE: dict[str, bytes] = {
    "no object": b"[]",
    "no JSON": b"segmentation fault",
    "empty": b"{}",
    "id of another kind": b'{"id": [1], "ok": {}}',
    "id that is huge": b'{"id": 1e400, "ok": {}}',
    "neither ok nor error": b'{"id": ID}',
    "ok and error": b'{"id": ID, "ok": {"cut": []}, "error": "x"}',
    "ok is a number": b'{"id": ID, "ok": 7}',
    "ok lacks its member": b'{"id": ID, "ok": {}}',
    "ok of another type": b'{"id": ID, "ok": {"cut": {"a": 1}}}',
    "held is nothing": b'{"id": ID, "held": null}',
    "fenced is an object": b'{"id": ID, "fenced": {}}',
    "error is a list": b'{"id": ID, "error": ["x"]}',
    "half a character": b'{"id": ID, "error": "\\ud800"}',
    "deep": b'{"id": ID, "ok": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "ten megabytes": b'{"id": ID, "ok": {"cut": ["' + b"x" * 10_000_000 + b'"]}}',
    "bytes": bytes(range(256)) * 4,
}


def noisy(ground: Ground) -> str:
    """A line of sshd_config by which each command has words before it, as from a startup file."""
    script = ground.folder / "noisy"
    script.write_text(
        '#!/bin/sh\necho Welcome to one\necho "{\\"id\\": 1}"\nprintf "no end of a line"\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    script.chmod(0o755)
    return f"ForceCommand {script}"


def test_words_before_the_owners_are_not_its_own(ground: Ground, opened: Opened) -> None:
    connection = opened(ground.estate(host(ground.sshd(noisy(ground)).port)))["one"]
    hold = Hold(connection)
    try:
        assert hold.ask("cancel", 20, answers.texts_in("cut")) == ()
        hold.beat()
        assert hold.ask("cancel", 20, answers.texts_in("cut")) == ()
        assert not hold.lost
    finally:
        hold.close()
    asked = {"op": "read", "services": {}, "ledger": 0}
    assert state._call(connection, asked, answers.state_of((), 0)).services == {}


def test_what_a_command_says_is_what_it_said_itself(ground: Ground, opened: Opened) -> None:
    connections = opened(ground.estate(host(ground.sshd(noisy(ground)).port)))
    executor = Executor(connections.estate, connections, None, Stop(), back=False)  # type: ignore[arg-type]
    assert executor.look("one", Step(("printf", "%s", "a b\n$HOME"), 10, "x")).stdout == b"a b\n$HOME"
    assert executor.attempt("one", Step(("sh", "-c", "exit 3"), 10, "x")).exit_status == 3
    assert executor.attempt("one", Step(("no-such-program",), 10, "x")).exit_status == 127
    other = opened(ground.estate(host(ground.sshd("ForceCommand /bin/echo active").port)))
    with pytest.raises(CommandUnknown, match="did not begin the command: it ended with 0 and said: active"):
        Executor(other.estate, other, None, Stop(), back=False).attempt("one", Step(("true",), 10, "x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", GARBAGE)
def test_what_is_no_answer_is_a_lost_host_at_once(ground: Ground, opened: Opened, tmp_path: Path, kind: str) -> None:
    said, script = tmp_path / "said", tmp_path / "hostile.py"
    said.write_bytes(GARBAGE[kind])
    script.write_text(HOSTILE)
    server = ground.sshd(f"ForceCommand {sys.executable} -I {script} {said}")
    hold = Hold(opened(ground.estate(host(server.port)))["one"])
    began = time.monotonic()
    try:
        with pytest.raises(CommandUnknown, match="one: this host was lost") as caught:
            hold.ask("cancel", 60, answers.texts_in("cut"))
        assert time.monotonic() - began < 30
        assert "\n" not in caught.value.line
        assert len(caught.value.line) < 1000
        assert hold.lost
        with pytest.raises(CommandUnknown, match="this host was lost"):
            hold.ask("cancel", 1, answers.texts_in("cut"))
    finally:
        hold.close()


def test_a_host_that_answers_without_end_what_nobody_asked_is_lost(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    script = tmp_path / "hostile.py"
    script.write_text(HOSTILE.replace('said + b"\\n")', '(said + b"\\n" + mark + b" ") * 100000 + said + b"\\n")'))
    (tmp_path / "said").write_bytes(b'{"id": 0}')
    server = ground.sshd(f"ForceCommand {sys.executable} -I {script} {tmp_path}/said")
    hold = Hold(opened(ground.estate(host(server.port)))["one"])
    try:
        with pytest.raises(CommandUnknown, match="more often than it was asked"):
            hold.ask("cancel", 20, answers.texts_in("cut"))
    finally:
        hold.close()


@pytest.mark.parametrize("kind", [kind for kind in GARBAGE if b"cut" in GARBAGE[kind] or GARBAGE[kind].startswith(b"[")])
def test_one_question_that_is_answered_so_is_no_answer(ground: Ground, opened: Opened, tmp_path: Path, kind: str) -> None:
    script = tmp_path / "hostile"
    begun = "echo $SSH_ORIGINAL_COMMAND | grep -o 'voxgate-[0-9a-f]*' | head -n 1 | tee /dev/stderr"
    mark = "tr -d '\\n' | sed \"s/.*'mark': '\\(voxgate-[0-9a-f]*\\)'.*/\\1/\""
    said = tmp_path / "said"
    said.write_bytes(GARBAGE[kind].replace(b'"id": ID, ', b""))
    script.write_text(f"#!/bin/sh\n{begun}\nprintf '%s ' \"$({mark})\"; cat {said}; echo\n")
    script.chmod(0o755)
    connection = opened(ground.estate(host(ground.sshd(f"ForceCommand {script}").port)))["one"]
    with pytest.raises(Exception, match="one: ") as caught:
        state._call(connection, {"op": "read", "services": {}, "ledger": 0}, answers.state_of((), 0))
    assert type(caught.value).__module__ == "voxgate.errors"
    assert json.dumps(caught.value.args)


@pytest.mark.parametrize("dead", ["first", "second"])
def test_a_recovery_goes_without_a_host_that_refuses(ground: Ground, opened: Opened, tmp_path: Path, dead: str) -> None:
    """One that refuses SSH, and one that has no part of ours: a deploy is refused, a recovery holds the others."""
    fleet = load_estate("lab").service("fleet")
    answer = {"services": {"fleet": NOTHING}, "boot": "b", "writable": True, "done": None, "others": {}, "epochs": {"fleet": 1}}
    said, script = tmp_path / "said", tmp_path / "claimed.py"
    said.write_text(f'{{"id": ID, "ok": {json.dumps(answer)}}}')
    script.write_text(HOSTILE)
    server = ground.sshd(f"ForceCommand {sys.executable} -I {script} {said}")
    other = ground.sshd("ForceCommand /bin/false")
    refusing = [
        replace(host(1, "away"), roles=frozenset({Role.FLEET})),
        replace(host(other.port, "none"), roles=frozenset({Role.FLEET})),
    ]
    there = replace(host(server.port, "there"), roles=frozenset({Role.FLEET}))
    hosts = [*refusing, there] if dead == "first" else [there, *refusing]
    estate = replace(ground.estate(*hosts), services=(fleet,))
    connections = opened(estate)
    author = Author("r1")
    for whole in (True, False):
        claim = Claim(connections, author, Stop())
        try:
            if whole:
                with pytest.raises(Refused, match="cannot be claimed"):
                    claim.take(0, print, whole=True)
                continue
            found = claim.take(0, print, whole=False)
            assert set(claim.away) == {"away", "none"}
            assert claim.lost == frozenset()
            assert {key: one.boot for key, one in found.items()} == {"fleet-away": "", "fleet-none": "", "fleet-there": "b"}
            assert isinstance(found["fleet-away"].journal, Missing)
        finally:
            claim.release()
    alone = replace(ground.estate(*refusing), services=(fleet,))
    claim = Claim(opened(alone), author, Stop())
    try:
        with pytest.raises(Refused, match="cannot be claimed"):
            claim.take(0, print, whole=False)
    finally:
        claim.release()


def test_what_a_page_or_a_build_says_is_told_no_other_host_with_its_secrets(
    ground: Ground, opened: Opened, tmp_path: Path
) -> None:
    fleet = load_estate("lab").service("fleet")
    answer = {"services": {"fleet": NOTHING}, "boot": "b", "writable": True, "done": None, "others": {}, "epochs": {"fleet": 1}}
    claimed, script, heard = tmp_path / "claimed", tmp_path / "noting.py", tmp_path / "heard"
    claimed.write_text(f'{{"id": ID, "ok": {json.dumps(answer)}}}')
    noting = f'open({str(heard)!r}, "ab").write(line)\n        said = b\'{{"id": ID, "ok": {{}}}}\' if b"mark" in line else '
    answers_it = 'open(sys.argv[1], "rb").read()'
    script.write_text(HOSTILE.replace(f"said = {answers_it}.replace(", f"{noting}{answers_it}\n        said = said.replace("))
    server = ground.sshd(f"ForceCommand {sys.executable} -I {script} {claimed}")
    one = replace(host(server.port), roles=frozenset({Role.FLEET}))
    estate = replace(ground.estate(one), services=(fleet,))
    claim = Claim(opened(estate), Author("r1"), Stop(), Redactor(["given-8d1f55"]))
    tasks = [Task(placement, Release("fleet", "a" * 40), None) for placement in estate.placements]
    why = "npm failed: exit 1: https://vox:s3cret-9x@npm.lan/a, given-8d1f55; " + "x" * 2000
    try:
        claim.take(0, print)
        journal_writer.mark(claim, tasks, Phase.HELD, reason=why)
        journal_writer.promote(claim, tasks, {}, {}, {}, reason=why)
    finally:
        claim.release()
    rows = [json.loads(line) for line in heard.read_text().splitlines()]
    told = [row["event"]["reason"] for row in rows if row["op"] == "mark"]
    assert [reason.startswith("npm failed: exit 1: https://") for reason in told] == [True] * 2
    assert "s3cret-9x" not in heard.read_text()
    assert "given-8d1f55" not in heard.read_text()
    assert max(map(len, told)) <= MOST_REASON
