"""What is written on hosts, read strictly there and back: by a look that claims nothing, and by who writes it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.local_hosts import ESTATE, OTHER, Gates, Hosts, Line, silent
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Journal, Phase, document_of
from voxgate.deploy.hosts.state import (
    Author,
    Found,
    LastKnownGood,
    checkouts,
    found_of,
    good_document,
    hosts_with_state,
    hosts_without_state,
    placements_of,
    read_all,
)
from voxgate.errors import CommandUnknown, MoveFailed, Unreachable
from voxgate.model.evidence import Missing
from voxgate.model.fingerprints import Kept
from voxgate.model.release import PutBack, Release
from voxgate.transport.ssh.connection import Completed

OLD, NEW = Release("backend", "a" * 40, "vox-backend-2026.06.22-1"), Release("backend", "b" * 40, "vox-backend-2026.06.24-1")
BACKEND = next(one for one in ESTATE.placements if one.id == "backend-api-1")
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
PLACE = "api-1: /var/lib/voxgate/backend/last-known-good.json"
MEND = "look at it; the ledger beside it says what was promoted; remove it to begin anew"


def test_the_hosts_of_an_estate_are_those_with_a_service_and_all_others() -> None:
    assert [host.name for host in hosts_with_state(ESTATE)] == ["api-1", "fleet-1", "fleet-2", "sip-1"]
    assert [host.name for host in hosts_without_state(ESTATE)] == ["data"]
    (one,) = placements_of(ESTATE, ESTATE.host("fleet-2"))
    assert one.id == "fleet-fleet-2"
    assert checkouts((one, BACKEND)) == {"fleet": one.service.folder, "backend": BACKEND.service.folder}


def test_a_look_reads_what_is_there_and_nothing_of_a_host_that_is_away(hosts: Hosts) -> None:
    hosts.down["fleet-1"] = Unreachable("no connection", where="fleet-1", why="no route", hint="look at it")
    found = read_all(hosts, ESTATE)
    missing = Missing("unreachable", "fleet-1: no connection: no route", "fleet-1", "look at it")
    assert found["fleet-fleet-1"] == Found(missing, missing)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    others = {key: one for key, one in found.items() if key != "fleet-fleet-1"}
    assert others == dict.fromkeys(others, Found(None, None, boot, owner={}))
    assert set(found) == {one.id for one in ESTATE.placements}
    assert not list(hosts.state("api-1").iterdir()), "nothing is changed by a look"


def answering(hosts: Hosts, monkeypatch: pytest.MonkeyPatch, status: int, said: bytes, erred: bytes = b"") -> Found:
    """What is known of the backend where its host's one answer is this."""
    run = Line.run

    def answer(line: Line, command: Any, *, stdin: bytes = b"", deadline: float = 30.0, **more: Any) -> Completed:
        assert deadline == 20.0
        if line.host.name != "api-1":
            return run(line, command, stdin=stdin, deadline=deadline, **more)
        mark = stdin.rpartition(b"'mark': '")[2].partition(b"'")[0]
        return Completed(status, said.replace(b"MARK", mark), erred, 0.0)

    monkeypatch.setattr(Line, "run", answer)
    return read_all(hosts, ESTATE)["backend-api-1"]


@pytest.mark.parametrize(
    ("status", "said", "erred", "why", "hint"),
    [
        (1, b"", b"", "no word of why", ""),
        (1, b"", b"one\n" + b"x" * 600 + b"\n", "x" * 500, ""),
        (0, b"somebody else's words\n", b"last\n", "last", ""),
        (1, b'MARK {"ok": 1}\n', b"broken pipe\n", "broken pipe", ""),
        (0, b'MARK {"error": "OSError: No space left on device"}\n', b"", "OSError: No space left on device", "make room there"),
        (0, b'MARK {"error": "' + b"x" * 600 + b'"}\n', b"", "x" * 500, ""),
    ],
)
def test_a_host_that_cannot_say_is_failed_with_its_last_words(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch, status: int, said: bytes, erred: bytes, why: str, hint: str
) -> None:
    good = answering(hosts, monkeypatch, status, said, erred).good
    assert isinstance(good, Missing)
    assert (good.kind, good.why) == ("failed", f"api-1: the gate's state could not be read: {why}")
    assert good.hint.startswith(hint)
    assert bool(good.hint) is bool(hint)


@pytest.mark.parametrize("said", [b'{"ok": 1}', b'{"error": "x", "ok": {}}', b'{"error": 7}', b"[]", b'{"ok": {}}'])
def test_what_is_no_answer_is_said_so(hosts: Hosts, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    good = answering(hosts, monkeypatch, 0, b"Welcome\nMARK " + said + b"\n").good
    assert isinstance(good, Missing)
    assert good.why.startswith("api-1: the gate's state could not be read: no answer: ")


GOOD = good_document(NEW, LastKnownGood(OLD), "r1", "c" * 64)
PUT_BACK = {"format": 1, "service": "backend", "since": 5.0, "until": 7.5, "code": 2.25}


def written(hosts: Hosts, name: str, document: object) -> Found:
    """What is known of the backend where this stands in that file."""
    folder = hosts.state("api-1") / "backend"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(document if isinstance(document, str) else json.dumps(document))
    return read_all(hosts, ESTATE, ledger=3)["backend-api-1"]


def test_what_is_last_known_good_is_read_as_it_was_written(hosts: Hosts) -> None:
    assert written(hosts, "last-known-good.json", GOOD).good == LastKnownGood(NEW, OLD, GOOD["promoted_at"], "c" * 64)
    plain = {key: value for key, value in GOOD.items() if key != "content"} | {"previous": None}
    assert written(hosts, "last-known-good.json", plain).good == LastKnownGood(NEW, None, GOOD["promoted_at"], "")


@pytest.mark.parametrize(
    ("document", "why", "hint"),
    [
        ("{torn", f"{PLACE}: ", MEND),
        (GOOD | {"commit": "x"}, f"{PLACE}: ", MEND),
        (GOOD | {"service": "fleet"}, "it is about fleet", "somebody copied it here"),
    ],
)
def test_a_last_known_good_that_is_not_whole_is_missing(hosts: Hosts, document: object, why: str, hint: str) -> None:
    good = written(hosts, "last-known-good.json", document).good
    assert isinstance(good, Missing)
    assert (good.kind, good.where, good.hint) == ("unparsable", PLACE, hint)
    assert good.why.startswith(why)


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (PUT_BACK, PutBack(5.0, 7.5, 2.25, None)),
        (PUT_BACK | {"seen": 3.5}, PutBack(5.0, 7.5, 2.25, 3.5)),
        (PUT_BACK | {"service": "fleet"}, None),
        (PUT_BACK | {"since": 0}, None),
        ("{torn", None),
        ("", None),
    ],
)
def test_what_was_put_back_is_read_or_counts_for_nothing(hosts: Hosts, document: object, wanted: PutBack | None) -> None:
    assert written(hosts, "put-back.json", document).put_back == wanted


def test_a_journal_is_one_of_its_service_or_none(hosts: Hosts) -> None:
    document = document_of(Journal(Phase.RESTART, "r1", NEW, OLD, by="me", build="b"))
    document |= {"step": "restart", "status": "begun", "boot": "b", "at": "2026-06-22T10:00:00Z", "epoch": 1, "changed": ["code"]}
    where = "api-1: /var/lib/voxgate/backend/journal.json"
    read = written(hosts, "journal.json", document).journal
    changed = frozenset({"code"})
    assert read == Journal(
        Phase.RESTART, "r1", NEW, OLD, "restart", "begun", "b", "2026-06-22T10:00:00Z", "me", "b", changed=changed
    )
    assert isinstance(read, Journal)
    assert (read.said, Journal(Phase.DONE, "r1", NEW, None).said) == ("restart, restart begun", "done")
    assert written(hosts, "journal.json", document | {"changed": ["code", "everything"]}).journal == replace(read, changed=None)
    other = written(hosts, "journal.json", document | {"service": "fleet"}).journal
    assert other == Missing("unparsable", "it is about fleet", where)
    torn = written(hosts, "journal.json", "{torn").journal
    assert isinstance(torn, Missing)
    assert (torn.kind, torn.where) == ("unparsable", where)


JUDGED = LastKnownGood(NEW, content="c" * 64)


@pytest.mark.parametrize(
    ("good", "phase", "changed", "wanted"),
    [
        (JUDGED, Phase.DONE, None, "c" * 64),
        (JUDGED, Phase.ROLLED_BACK, frozenset({"code"}), "d" * 64),
        (JUDGED, Phase.ABANDONED, frozenset(), "d" * 64),
        (JUDGED, Phase.ABANDONED, frozenset({"code"}), ""),
        (JUDGED, Phase.ABANDONED, None, ""),
        (JUDGED, Phase.INSTALL, frozenset(), ""),
        (JUDGED, None, None, ""),
        (None, Phase.DONE, None, ""),
    ],
)
def test_what_was_judged_last_is_known_while_nothing_else_was_put_there(
    good: LastKnownGood | None, phase: Phase | None, changed: frozenset[str] | None, wanted: str
) -> None:
    journal = Journal(phase, "r1", NEW, OLD, changed=changed, content="d" * 64) if phase else None
    assert Found(good, journal).content == wanted


def test_once_something_is_deployed_the_journal_of_before_is_over() -> None:
    found = Found(LastKnownGood(OLD), Journal(Phase.DONE, "r1", OLD, None), "b", held=True)
    assert found.begun == replace(found, journal=None)


def test_the_phases_of_a_way_back_and_those_with_nothing_left_to_do() -> None:
    assert [str(one) for one in Phase if one.back] == ["back-checkout", "back-install", "back-restart", "back-judging"]
    assert [str(one) for one in Phase if one.closed] == ["done", "rolled-back", "abandoned", "cleared", "held"]


def test_of_nothing_nothing_is_known() -> None:
    assert found_of(None, ()) == {}  # type: ignore[arg-type] # it is not looked at


def test_what_a_promotion_writes_keeps_the_release_before_it() -> None:
    """A release promoted again keeps the one before it: going back must lead elsewhere."""

    def document(before: object, content: str = "") -> dict[str, Any]:
        return good_document(NEW, before, "r1", content)  # type: ignore[arg-type]

    plain = {"format": 1, "service": "backend", "tag": NEW.tag, "commit": NEW.commit, "run": "r1", "previous": None}
    for before, previous in (
        (None, None),
        (Missing("unparsable", "x"), None),
        (LastKnownGood(OLD, NEW), OLD),
        (LastKnownGood(NEW, OLD), OLD),
        (LastKnownGood(NEW), None),
    ):
        said = document(before)
        at = said.pop("promoted_at")
        assert time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")
        assert said == plain | {"previous": {"tag": previous.tag, "commit": previous.commit} if previous else None}
    assert document(None, "c" * 64)["content"] == "c" * 64


def test_whoever_runs_it_is_named_with_the_build_that_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for environment, build in (
        ({"BUILD_TAG": "tag", "BUILD_URL": "url"}, "tag"),
        ({"BUILD_TAG": "", "BUILD_URL": "url"}, "url"),
        ({"BUILD_URL": ""}, ""),
    ):
        for name in ("BUILD_TAG", "BUILD_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        said = Author("r1").document()
        assert (said["run"], said["build"], said["services"]) == ("r1", build, "")
        assert said["by"].count("@") == 1
    monkeypatch.delenv("BUILD_URL")
    assert Author("r1").build == ""


Write = Callable[..., None]
TASK = Task(BACKEND, NEW, OLD)


def ledgered(hosts: Hosts) -> list[dict[str, Any]]:
    """The backend's ledger, without when."""
    return [
        {key: value for key, value in row.items() if key not in {"at", "n", "prev"}} for row in hosts.ledger("api-1", "backend")
    ]


def test_a_deploy_is_written_on_its_hosts_from_its_beginning_to_its_end(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    journal_writer.mark(one, [TASK], Phase.CLAIMED, before={BACKEND.id: {"standing": ["x[api-1]"]}})
    journal_writer.mark(one, [TASK], Phase.JUDGING)
    judging = hosts.read("api-1", "backend", "journal.json")
    assert (judging["phase"], judging["standing"], judging["changed"]) == ("judging", ["x[api-1]"], [])
    goods = {BACKEND.id: LastKnownGood(OLD)}
    named = replace(NEW, tag="vox-backend-2026.06.24-2")
    journal_writer.promote(one, [TASK], goods, {"backend": named}, {BACKEND.id: "c" * 64}, reason="known")
    found = read_all(hosts, ESTATE, ledger=9)["backend-api-1"]
    assert isinstance(found.good, LastKnownGood)
    assert found.good == LastKnownGood(named, OLD, found.good.promoted_at, "c" * 64)
    assert isinstance(found.journal, Journal)
    assert (found.journal.phase, found.journal.release, found.journal.origin) == (Phase.DONE, named, OLD)
    assert found.content == "c" * 64
    assert len(found.ledger) == 2
    assert read_all(hosts, ESTATE)["backend-api-1"].ledger == (), "nobody asked for it"
    assert hosts.read("api-1", "backend", "last-known-good.json")["run"] == "r1"
    event = {"service": "backend", "commit": NEW.commit, "run": "r1", "by": "me@vm", "build": "b-1", "from": str(OLD)}
    assert ledgered(hosts) == [
        event | {"event": "begun", "tag": NEW.tag},
        event | {"event": "promoted", "tag": named.tag, "reason": "known"},
    ]
    assert not (hosts.state("sip-1") / "dialler" / "journal.json").exists()
    journal_writer.promote(one, [replace(TASK, run="r0")], goods, {}, {})
    assert hosts.read("api-1", "backend", "last-known-good.json")["run"] == "r0", "whose deploy it was"


def test_what_went_back_is_about_what_is_there_again(hosts: Hosts, gate: Gates) -> None:
    """By a run that mends what another one left: the ledger says whose deploy that was, and how it was asked for."""
    one = gate(OTHER)
    one.take(0, silent)
    task = replace(TASK, run="r1", how="deploy")
    journal_writer.mark(one, [task], Phase.ROLLED_BACK, reason="does not hold", contents={BACKEND.id: "d" * 64})
    (row,) = ledgered(hosts)
    assert row == {
        "event": "rolled-back", "service": "backend", "tag": OLD.tag, "commit": OLD.commit, "run": "r2", "by": "other@vm",
        "build": "b-2", "mended": "r1", "how": "deploy", "from": str(NEW), "reason": "does not hold",
    }  # fmt: skip
    journal = hosts.read("api-1", "backend", "journal.json")
    assert (journal["run"], journal["reason"], journal["content"]) == ("r1", "does not hold", "d" * 64)
    journal_writer.mark(one, [replace(task, origin=None)], Phase.HELD, contents={"fleet-fleet-1": "d" * 64})
    (_, row) = ledgered(hosts)
    assert (row["event"], row["tag"], row["from"]) == ("held", NEW.tag, "")
    assert "reason" not in row
    journal_writer.note(one, [TASK], "verdict", verdict="holds", more="")
    assert ledgered(hosts)[-1]["verdict"] == "holds"
    assert "more" not in ledgered(hosts)[-1]
    assert hosts.read("api-1", "backend", "journal.json")["phase"] == "held"


def test_who_could_not_write_is_named(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    (hosts.state("api-1") / "backend" / "epoch").write_text("7\n")
    sip = next(placement for placement in ESTATE.placements if placement.id == "dialler-sip-1")
    with pytest.raises(MoveFailed) as said:
        journal_writer.mark(one, [Task(sip, replace(NEW, service="dialler"), None), TASK], Phase.HELD)
    fenced = "backend is not this gate's any more: epoch 1, now 7"
    assert said.value.line == f"api-1: the journal could not be written: api-1: the host refuses this gate: {fenced}"
    assert said.value.hint == "another gate took over; this one may change nothing any more"
    assert hosts.ledger("sip-1", "dialler")[0]["event"] == "held"
    hosts.lose("sip-1")
    while not one.lost:
        time.sleep(0.01)
    with pytest.raises(MoveFailed) as said:
        journal_writer.mark(one, [TASK, Task(sip, replace(NEW, service="dialler"), None)], Phase.HELD)
    assert (said.value.where, said.value.hint) == ("api-1", "another gate took over; this one may change nothing any more")
    assert said.value.why.startswith(f"api-1: the host refuses this gate: {fenced}; sip-1: this host was lost: ")


KEPT = {name: Kept("r1", "2026-06-22T10:00:00Z", "lab", 1.5, {"units": {name: "A" * 12}}) for name in ("api-1", "sip-1", "data")}


def test_each_host_keeps_what_was_seen_of_it_and_one_what_was_seen_of_the_database_s(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    assert journal_writer.keep_done(one, ESTATE, KEPT) == []
    found = read_all(hosts, ESTATE, done=True)
    assert (found["backend-api-1"].done, found["dialler-sip-1"].done) == (KEPT["api-1"], KEPT["sip-1"])
    assert found["fleet-fleet-1"].done is None
    assert {key: dict(each.others) for key, each in found.items() if each.others} == {
        key: {"data": KEPT["data"]} for key in found if key.endswith("api-1")
    }
    assert read_all(hosts, ESTATE)["backend-api-1"].done is None, "nobody asked for it"
    hosts.lose("api-1")
    while not one.lost:
        time.sleep(0.01)
    (line,) = journal_writer.keep_done(one, ESTATE, KEPT)
    assert line.startswith("api-1 does not keep what was seen of it: api-1: this host was lost: what ran there is unknown: ")
    assert dict(read_all(hosts, ESTATE, done=True)["dialler-sip-1"].others) == {"data": KEPT["data"]}
    without = {name: kept for name, kept in KEPT.items() if name != "data"}
    assert len(journal_writer.keep_done(one, ESTATE, without)) == 1
    assert dict(read_all(hosts, ESTATE, done=True)["dialler-sip-1"].others) == {"data": KEPT["data"]}, (
        "it was not seen, and stays"
    )


def test_a_host_that_does_not_answer_is_unknown(hosts: Hosts, gate: Gates) -> None:
    one = gate()
    one.take(0, silent)
    hosts.owners("api-1")[0].popen.send_signal(19)  # it stands still
    try:
        with pytest.raises(CommandUnknown, match=r"api-1: no answer to tidy within 0\.2 s"):
            one.ask("api-1", "tidy", 0.2, lambda _: None)
    finally:
        hosts.owners("api-1")[0].popen.send_signal(18)
    one.must_hold("api-1")
