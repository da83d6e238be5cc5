"""What a deploy and a rollback are called, from the command line by the gate's part on a host to the history."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.unit.test_on_host import Host
from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts import journal_writer
from voxgate.deploy.hosts.claim import Claim
from voxgate.deploy.hosts.executor import Task
from voxgate.deploy.hosts.journal import Phase
from voxgate.deploy.hosts.state import Author, Found, Good, LastKnownGood, ledger_event
from voxgate.deploy.plan_text import Entry, history, history_lines
from voxgate.deploy.planning.plan import Plan, make_plan, read_requests
from voxgate.deploy.stop import Stop
from voxgate.model.release import Release, RemoteView
from voxgate.transport.ssh.connections import Connections

ESTATE = load_estate("lab")
OLD = Release("backend", "a" * 40, "vox-backend-2026.06.22-1")
NEW = Release("backend", "b" * 40, "vox-backend-2026.06.24-1")
HERE = "backend-api-1"

T = TypeVar("T")


class Here(Claim):
    """A claim whose one host is the gate's part on this machine."""

    def __init__(self, host: Host, run: str) -> None:
        super().__init__(Connections(ESTATE), Author(run, by="me@here", build="b-7"), Stop())
        self._host = host

    def ask(self, host: str, op: str, deadline: float, read: Callable[[object], T], **words: Any) -> T:  # noqa: ARG002
        """One request, to it."""
        return read(self._host.ask(op, **words)["ok"])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    started = Host(tmp_path)
    started.claim()
    yield started
    started.end()


def told(host: Host) -> list[Entry]:
    """The history of what stands in the ledger, as it stands there."""
    lines = (host.root / "backend" / "ledger.jsonl").read_text().splitlines()
    return history(ESTATE, {HERE: Found(None, ledger=tuple(lines))})


def asked(option: str, state: Good) -> Plan:
    """The plan of ``--deploy backend=TAG`` or ``--rollback backend``."""
    tags = {str(one): one.commit for one in (OLD, NEW)}
    view = RemoteView("backend", "https://forge.example/backend", NEW.commit, tags, frozenset(tags.values()))
    requests = read_requests([f"backend={NEW}"], [], ESTATE) if option == "--deploy" else read_requests([], ["backend"], ESTATE)
    return make_plan(ESTATE, requests, {"backend": view}, {HERE: state})


@pytest.mark.parametrize(
    ("option", "before", "how", "way"),
    [
        ("--deploy", LastKnownGood(OLD), "deploy", (str(OLD), str(NEW))),
        ("--rollback", LastKnownGood(NEW, OLD), "rollback", (str(NEW), str(OLD))),
    ],
)
def test_each_is_called_what_it_is(host: Host, option: str, before: LastKnownGood, how: str, way: tuple[str, str]) -> None:
    plan, claim = asked(option, before), Here(host, "r1")
    journal_writer.mark(claim, plan.tasks, Phase.CLAIMED)
    (entry,) = told(host)
    assert (entry.how, entry.outcome) == (how, "open")
    journal_writer.promote(claim, plan.tasks, {HERE: before}, {}, {})
    journal_writer.note(claim, plan.tasks, "verdict", verdict="done", digest="d" * 64)
    assert [(line["event"], line["how"]) for line in host.ledger()] == [("begun", how), ("promoted", how), ("verdict", how)]
    (entry,) = told(host)
    assert (entry.how, entry.origin, entry.release, entry.outcome, entry.verdict) == (how, *way, "done", "done")
    head, row = (line.split() for line in history_lines([entry]))
    assert (head[3], row[3]) == ("how", how)


def test_one_that_went_back_ends_with_the_words_of_its_verdict(host: Host) -> None:
    plan, claim = asked("--rollback", LastKnownGood(NEW, OLD)), Here(host, "r1")
    journal_writer.mark(claim, plan.tasks, Phase.CLAIMED)
    journal_writer.mark(claim, plan.tasks, Phase.ROLLED_BACK, reason="1 is violated")
    journal_writer.note(claim, plan.tasks, "verdict", verdict="rolled back", digest="d" * 64)
    (entry,) = told(host)
    assert (entry.how, entry.outcome, entry.verdict) == ("rollback", "rolled back", "rolled back")


def test_who_mends_says_nothing_of_how_and_the_history_knows_it(host: Host) -> None:
    """Another run closes what a rollback left, by what the journal says alone."""
    plan = asked("--rollback", LastKnownGood(NEW, OLD))
    journal_writer.mark(Here(host, "r1"), plan.tasks, Phase.CLAIMED)
    left = [Task(task.placement, task.release, task.origin, "r1") for task in plan.tasks]
    journal_writer.promote(Here(host, "r2"), left, {HERE: LastKnownGood(NEW, OLD)}, {}, {})
    assert "how" not in host.ledger()[-1]
    (entry,) = told(host)
    assert (entry.run, entry.how, entry.outcome) == ("r1", "rollback", "done by r2")


def test_a_ledger_that_is_older_than_the_word_is_read(host: Host) -> None:
    for event in ("begun", "rolled-back"):
        host.ask("mark", service="backend", event=ledger_event(event, NEW, Author("r0", by="me@here")))
    (entry,) = told(host)
    assert (entry.how, entry.outcome) == ("", "rolled back")
    assert history_lines([entry])[1].split()[3] == "-"
