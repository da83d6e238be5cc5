"""The chain of a ledger: the gate's part on a host writes it, and whatever is taken out of it or edited is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.test_on_host import JOURNAL, Host
from voxgate.contracts.ledger_copy import as_copy, read_copy
from voxgate.contracts.ledger_lines import Line, flaws, lines_of
from voxgate.contracts.manifest import sha256
from voxgate.deploy.hosts.chain import LINES, broken, is_whole
from voxgate.deploy.hosts.journal import Journal, Phase
from voxgate.deploy.hosts.state import Found
from voxgate.errors import ContractError
from voxgate.model.release import Release
from voxgate.redaction.cutting import Redactor

EVENTS = ("begun", "promoted", "verdict", "attested")
RELEASE = Release("backend", "a" * 40, "vox-backend-2026.06.22-1")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    started = Host(tmp_path)
    started.claim()
    yield started
    started.end()


def texts(host: Host) -> list[str]:
    """The ledger as it stands."""
    return (host.root / "backend" / "ledger.jsonl").read_text().splitlines()


def write(host: Host, run: str, *events: str) -> None:
    """Some lines of a run."""
    for event in events:
        assert "ok" in host.ask("mark", service="backend", event={"event": event, "run": run, "commit": "c"})


def wrong(lines: list[str]) -> list[str]:
    """What is wrong with a whole ledger."""
    return list(flaws(list(lines_of(lines)), whole=True))


def chain(count: int) -> list[str]:
    """A ledger as a host writes it."""
    made: list[str] = []
    for number in range(1, count + 1):
        before = sha256(made[-1].encode()) if made else ""
        said = {"event": EVENTS[number % 4], "run": f"r{number // 4}", "n": number, "prev": before}
        made.append(json.dumps(said, sort_keys=True))
    return made


def test_each_line_has_the_hash_of_the_one_before(host: Host) -> None:
    write(host, "r1", *EVENTS)
    lines = texts(host)
    assert [json.loads(line)["prev"] for line in lines] == ["", *(sha256(line.encode()) for line in lines[:-1])]
    assert lines == [json.dumps(json.loads(line), sort_keys=True) for line in lines]
    assert wrong(lines) == []


def test_what_is_torn_or_foreign_breaks_no_chain(host: Host) -> None:
    write(host, "r1", "begun")
    with (host.root / "backend" / "ledger.jsonl").open("a") as file:
        file.write('{"event": "promoted", "n": 2, "pr')
    write(host, "r1", "promoted")
    with (host.root / "backend" / "ledger.jsonl").open("a") as file:
        file.write("a note of somebody\n")
    write(host, "r2", "begun")
    assert len(texts(host)) == 5
    assert wrong(texts(host)) == []


def test_a_ledger_that_is_older_is_read_and_goes_on(host: Host) -> None:
    old = [json.dumps({"event": event, "run": "r0", "n": number}) for number, event in enumerate(EVENTS[:2], 1)]
    (host.root / "backend" / "ledger.jsonl").write_text("".join(f"{line}\n" for line in old))
    write(host, "r1", *EVENTS)
    assert wrong(texts(host)) == []
    assert json.loads(texts(host)[2])["prev"] == sha256(old[-1].encode())
    assert wrong([*texts(host)[:1], old[1].replace("promoted", "held"), *texts(host)[2:]])


def test_an_earlier_voxgate_that_writes_on_is_said() -> None:
    lines = chain(3)
    later = json.dumps({"event": "begun", "run": "r9", "n": 4})
    (said,) = wrong([*lines, later])
    assert said == "line 4 has no hash of the one before it: an earlier voxgate wrote it, or somebody else"


@settings(max_examples=200)
@given(st.data())
def test_whatever_is_taken_out_or_edited_is_seen(data: st.DataObject) -> None:
    lines = chain(data.draw(st.integers(3, 12)))
    first, last = sorted(data.draw(st.lists(st.integers(0, len(lines) - 1), min_size=2, max_size=2)))
    if data.draw(st.booleans(), label="cut"):
        if last == len(lines) - 1:
            last -= 1  # an end that is cut shows in the journal
        first = min(first, last)
        assert wrong([*lines[:first], *lines[last + 1 :]])
    else:
        at = data.draw(st.integers(0, len(lines) - 2))
        body = lines[at]
        where, what = data.draw(st.integers(0, len(body) - 1)), data.draw(st.characters(codec="ascii", exclude_characters="\n"))
        edited = body[:where] + what + body[where + 1 :]
        if edited != body:
            assert wrong([*lines[:at], edited, *lines[at + 1 :]])


def test_lines_that_change_places_are_seen() -> None:
    lines = chain(4)
    assert wrong([lines[1], lines[0], *lines[2:]])
    assert wrong([*lines[:2], lines[1], *lines[2:]])


def test_what_the_journal_knows_to_be_closed_stands_in_the_ledger() -> None:
    lines = [json.dumps({"event": "begun", "run": "r1", "n": 1, "prev": ""})]
    for phase, said in ((Phase.DONE, 1), (Phase.CLAIMED, 0)):
        journal = Journal(phase, "r2", RELEASE, None)
        found = {"backend-api-1": Found(None, journal=journal, ledger=tuple(lines))}
        assert len(broken(found, LINES)) == said
    mended = json.dumps({"event": "promoted", "run": "r3", "mended": "r2", "n": 2, "prev": sha256(lines[0].encode())})
    journal = Journal(Phase.DONE, "r2", RELEASE, None)
    assert not broken({"backend-api-1": Found(None, journal=journal, ledger=(*lines, mended))}, LINES)
    (all_gone,) = broken({"backend-api-1": Found(None, journal=journal)}, LINES)
    assert all_gone.startswith("the ledger of backend-api-1 was cut or edited: it does not tell how run r2 ended")


def test_of_many_lines_only_the_last_are_read_and_that_is_no_cut(host: Host) -> None:
    write(host, "r1", *(f"event {number}" for number in range(8)))
    last = texts(host)[-5:]
    assert not is_whole(last, 5)
    assert list(flaws(list(lines_of(last)), whole=is_whole(last, 5))) == []
    assert list(flaws(list(lines_of(last)), whole=True)) == ["the lines before 4 are gone"]


def test_a_copy_has_nothing_secret_and_the_whole_chain() -> None:
    lines = chain(2)
    said = {"event": "promoted", "reason": "password=hunter2hunter2", "n": 3, "prev": sha256(lines[-1].encode())}
    lines.append(json.dumps(said, sort_keys=True))
    copy = as_copy({"backend-api-1": lines}, Redactor().cut)
    last = {"n": 3, "sha256": sha256(lines[-1].encode()), "prev": said["prev"]}
    assert copy == json.dumps({"format": 1, "ledgers": {"backend-api-1": [*lines[:2], last]}}, indent=1).encode() + b"\n"
    read = read_copy(copy)["backend-api-1"]
    assert [(line.n, line.digest) for line in read] == [(line.n, line.digest) for line in lines_of(lines)]
    assert list(flaws(read, whole=True)) == []
    assert isinstance(read[0], Line)


NO_COPIES = {
    b"": "not strict JSON: Expecting value: line 1 column 1 (char 0)",
    b"[]": "this is no copy of ledgers: TypeError",
    b'{"format":1}': "this is no copy of ledgers: KeyError",
    b'{"format":1,"ledgers":[]}': "this is no copy of ledgers: AttributeError",
    b'{"format":2,"ledgers":{}}': "this is a copy of ledgers of another format",
    b'{"format":1,"ledgers":{"x":[1]}}': "this is no copy of ledgers: ValueError",
    b'{"format":1,"ledgers":{"x":["y"]}}': "this is no copy of ledgers: ValueError",
    b'{"format":1,"ledgers":{"x":[{"n":1,"sha256":"a","prev":1}]}}': "this is no copy of ledgers: ValueError",
}


@pytest.mark.parametrize("body", NO_COPIES)
def test_what_is_no_copy_is_a_line(body: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        read_copy(body)
    assert caught.value.line == f"ledger.json: {NO_COPIES[body]}"


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ([3], "line 3 is gone"),
        ([3, 4], "line 3 to 4 is gone"),
        ([3, 4, 5], "line 3 to 5 is gone"),
        ([1], "the lines before 2 are gone"),
    ],
)
def test_lines_that_are_gone_are_named(gone: list[int], said: str) -> None:
    assert wrong([line for number, line in enumerate(chain(7), 1) if number not in gone]) == [said]


def test_a_line_in_which_something_is_another_is_named() -> None:
    lines = chain(4)
    lines[1] = lines[1].replace("r0", "r9")
    assert wrong(lines) == ["line 2 is not what was written, or something before line 3 is gone"]


def test_a_number_and_a_hash_are_what_they_are_of() -> None:
    """What is none of ours is passed over; a hash that is no text is that of an older ledger."""
    texts = ['{"n": true, "prev": ""}', "[1]", '{"n": "1"}', '{"n": 1, "prev": 7}']
    (line,) = lines_of(texts)
    assert (line.n, line.before, line.digest) == (1, None, sha256(texts[3].encode()))


def test_a_journal_of_a_closed_run_is_written_after_its_line(host: Host) -> None:
    """So whoever is killed in between leaves no journal that its ledger does not know."""
    journal = {**JOURNAL, "phase": "done", "run": "r1", "release": {"tag": None, "commit": "c"}, "from": None, "reason": ""}
    (host.root / "backend" / "ledger.jsonl").mkdir()
    said = host.ask("mark", service="backend", journal=journal, event={"event": "promoted", "run": "r1", "commit": "c"})
    assert "error" in said
    assert not (host.root / "backend" / "journal.json").exists()


@pytest.mark.parametrize(("number", "before"), [(1, "e" * 64), (4, "")], ids=["another-one-before-it", "not-the-first"])
def test_a_first_line_has_none_before_it(host: Host, number: int, before: str) -> None:
    write(host, "r1", "begun")
    first = json.dumps({**json.loads(texts(host)[0]), "n": number, "prev": before})
    assert list(flaws(list(lines_of([first])), whole=True)) == [f"the lines before {number} are gone"]
