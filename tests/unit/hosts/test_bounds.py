"""How much a host may say: as much as its own part ever does, and not one more."""

from __future__ import annotations

import json
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.local_hosts import ESTATE, wait_for
from voxgate.contracts.typed import WrongFormError
from voxgate.deploy.hosts import answers, chain, done, holding
from voxgate.deploy.hosts.holding import Hold
from voxgate.deploy.hosts.speaking import Speech
from voxgate.deploy.on_host import main
from voxgate.errors import CommandUnknown, MoveFailed, VoxgateError
from voxgate.model.evidence import Missing
from voxgate.model.fingerprints import FORM, Kept
from voxgate.transport.ssh.failures import NotBegun

WELL: dict[str, Any] = {"exit": 0, "out": "", "err": "", "why": "", "seconds": 0.0}


def ended(**more: Any) -> Any:
    return answers.ended(1)({"results": [WELL | more]})


MOST: dict[str, tuple[Callable[[int], object], int]] = {
    "a text": (lambda n: answers.long("x" * n), 200_000),
    "a short text": (lambda n: answers.short("x" * n), 4096),
    "rows": (lambda n: answers.texts_in("cut")({"cut": ["x"] * n}), 2000),
    "a number": (lambda n: answers.reply({"id": n, "ok": {}}), 2**53),
    "an exit status": (lambda n: answers._ended(WELL | {"exit": n}), 255),
    "an exit status of a signal": (lambda n: answers._ended(WELL | {"exit": -n}), 255),
    "seconds": (lambda n: ended(seconds=n), 10_000_000),
    "lines of a ledger": (lambda n: answers._written(WRITTEN | {"ledger": ["x"] * n}, 3), 3),
    "noise": (lambda n: Speech(mark="m").hear("x" * (n - 1), "api-1") is None, 256 * 1024),
    "noise before a word": (lambda n: Speech(mark="m").hear("x" * n + "m y", "api-1"), 256 * 1024),
}
WRITTEN: dict[str, Any] = {
    "good": None, "journal": None, "put_back": None, "owner": None, "held": False, "ledger": [], "git_locks": [],
}  # fmt: skip


@pytest.mark.parametrize("what", MOST)
def test_so_much_may_be_said_and_not_one_more(what: str) -> None:
    say, most = MOST[what]
    say(most)
    with pytest.raises((WrongFormError, CommandUnknown)):
        say(most + 1)


def test_of_a_list_that_is_too_long_it_is_said_how_long_it_may_be() -> None:
    with pytest.raises(WrongFormError, match="a list of at most 2000"):
        answers.texts_in("cut")({"cut": ["x"] * 2001})


def test_noise_adds_up_from_line_to_line() -> None:
    speech = Speech(mark="m")
    for _ in range(256):
        assert speech.hear("x" * 1023, "api-1") is None
    assert speech.hear("m y", "api-1") == b"y"
    with pytest.raises(CommandUnknown) as caught:
        speech.hear("", "api-1")
    assert caught.value.line == "api-1: the host says what is no answer: something else fills its channel"


def kept(prints: object, **more: object) -> Kept | Missing | None:
    head = {"format": 1, "form": FORM, "run": "r", "at": "now", "estate": "lab", "clock": 1.5, "prints": prints}
    return done.read_done(json.dumps(head | more), "api-1")


@pytest.mark.parametrize(
    ("make", "most", "why"),
    [
        (lambda n: kept({f"k{i}": {} for i in range(n)}), 100, "fewer kinds wanted"),
        (lambda n: kept({"k": {f"n{i}": "" for i in range(n)}}), 400, "fewer or shorter names wanted"),
        (lambda n: kept({"k": {"n" * n: ""}}), 160, "fewer or shorter names wanted"),
        (lambda n: kept({"k" * n: {}}), 200, "a shorter text wanted"),
        (lambda n: kept({}, run="r" * n), 200, "a shorter text wanted"),
    ],
    ids=["kinds", "names", "a name", "a kind", "a run"],
)
def test_of_fingerprints_as_many_are_believed_as_are_written(make: Callable[[int], Any], most: int, why: str) -> None:
    assert isinstance(make(most), Kept)
    found = make(most + 1)
    assert isinstance(found, Missing)
    assert (found.kind, found.where) == ("unparsable", "api-1: /var/lib/voxgate/done.json")
    assert why in found.why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("x", "api-1: /var/lib/voxgate/done-data.json: not strict JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[]", "an object wanted, list found"),
        ('{"format": 2}', "another voxgate kept it, which sees other things"),
        (f'{{"format": 1, "form": {FORM + 1}}}', "another voxgate kept it, which sees other things"),
    ],
)
def test_what_is_not_as_it_was_kept_is_said(said: str, why: str) -> None:
    found = done.read_done(said, "api-1", of="data")
    assert found == Missing("unparsable", why, "api-1: /var/lib/voxgate/done-data.json")


@pytest.mark.parametrize("digest", ["a" * 11, "a" * 13, "a" * 11 + "!", 7])
def test_what_is_no_digest_is_not_believed(digest: object) -> None:
    assert isinstance(kept({"k": {"n": digest}}), Missing)
    assert isinstance(kept({"k": {"n": "a" * 12, "unseen": ""}}), Kept)


@pytest.mark.parametrize(
    ("texts", "whole"),
    [([], True), (["x" * 2046], True), (["x" * 2047], False), (["x" * 1000, "x" * 100], False), (["x"], True)],
)
def test_a_ledger_is_whole_where_a_host_has_no_more_than_it_was_asked_for(texts: list[str], *, whole: bool) -> None:
    assert chain.is_whole(texts, 2) is whole


class Told:
    """A connection to an owner that says what it is told to, and notes what it hears."""

    host = ESTATE.host("api-1")

    def __init__(self) -> None:
        self.says: queue.Queue[str | Exception] = queue.Queue()
        self.heard: list[bytes] = []
        self.waits: list[float] = []
        self.closed = 0
        self.fails: VoxgateError | None = None

    def start(self, argv: tuple[str, ...]) -> Told:
        """It is there."""
        assert argv[:3] == ("/usr/bin/python3", "-I", "-c")
        self.size = int(argv[-1])
        return self

    def write(self, data: bytes) -> None:
        """Noted."""
        if self.fails is not None:
            raise self.fails
        self.heard.append(data)

    def read_line(self, deadline: float) -> str:
        """The next one."""
        self.waits.append(deadline)
        said = self.says.get()
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        """Counted."""
        self.closed += 1


@pytest.fixture
def owner() -> Iterator[tuple[Told, Hold]]:
    """An owner, and who holds it."""
    told = Told()
    hold = Hold(told)  # type: ignore[arg-type] # all that is used of one
    hold._speech.mark = "m"
    yield told, hold
    told.says.put(CommandUnknown("the test is over"))


Owner = tuple[Told, Hold]
ENDED = CommandUnknown("its outcome is unknown: it ended", where="api-1", why="last words")


def test_a_gate_speaks_ten_times_in_what_its_host_waits_for_a_word() -> None:
    assert (holding.BEAT, holding._SILENCE, main.SILENCE) == (2.0, 20.0, 20.0)


def test_the_program_travels_whole_and_silence_ends_it(owner: Owner) -> None:
    told, hold = owner
    wait_for(lambda: len(told.waits) == 1)
    assert 19.0 < told.waits[0] <= 20.0
    assert [len(told.heard[0])] == [told.size]
    told.says.put("Welcome")
    wait_for(lambda: len(told.waits) == 2)
    assert told.waits[1] < told.waits[0], "what is noise keeps nobody"
    told.says.put(CommandUnknown("its outcome is unknown: it said nothing within 20 s", where="api-1"))
    wait_for(lambda: hold.lost)
    assert hold.why_lost is not None
    assert hold.why_lost.line == "api-1: this host was lost: what ran there is unknown: nothing heard for 20 s"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ENDED, "api-1: this host was lost: what ran there is unknown: last words"),
        (CommandUnknown("ended"), "api-1: this host was lost: what ran there is unknown: its channel ended"),
        (NotBegun("the shell did not begin it", where="api-1", why="x"), "api-1: the shell did not begin it: x"),
        (
            RecursionError("too deep"),
            "api-1: this host was lost: what ran there is unknown: RecursionError: too deep",
        ),
    ],
)
def test_an_owner_that_is_gone_is_lost_with_why(owner: Owner, error: Exception, line: str) -> None:
    told, hold = owner
    assert (hold.lost, hold.why_lost) == (False, None)
    told.says.put(error)
    wait_for(lambda: hold.lost and told.closed > 0)
    assert hold.why_lost is not None
    assert hold.why_lost.line == line
    for _ in range(2):
        with pytest.raises(VoxgateError) as caught:
            hold.ask("cancel", 5, answers.texts_in("cut"))
        assert caught.value is hold.why_lost
    hold.beat()
    assert len(told.heard) == 1


@pytest.mark.parametrize(
    ("why", "hint", "wanted"),
    [
        ("No space left on device: '/x'", "", "make room there"),
        ("No space left on device: '/x'", "look at it", "look at it"),
        ("x", "look at it", "look at it"),
    ],
)
def test_a_host_is_lost_with_what_mends_it(owner: Owner, why: str, hint: str, wanted: str) -> None:
    told, hold = owner
    told.says.put(CommandUnknown("it ended", where="api-1", why=why, hint=hint))
    wait_for(lambda: hold.lost)
    assert hold.why_lost is not None
    assert hold.why_lost.hint.startswith(wanted)


def test_beats_may_be_answered_a_hundred_times_more_than_they_were_sent(owner: Owner) -> None:
    told, hold = owner
    hold.beat()
    assert told.heard[1:] == [b'{"id": 0}\n']
    for _ in range(101):
        told.says.put('m {"id": 0}')
    wait_for(lambda: told.says.empty() and len(told.waits) == 102)
    assert not hold.lost
    told.says.put('m {"id": 0}')
    wait_for(lambda: hold.lost)
    assert hold.why_lost is not None
    assert hold.why_lost.why == "it answers what no gate's part does: more often than it was asked"


def test_a_beat_that_cannot_be_said_is_a_lost_host(owner: Owner) -> None:
    told, hold = owner
    told.fails = ENDED
    hold.beat()
    assert hold.lost
    assert told.closed == 1, "so that its end is seen there, too"
    assert hold.why_lost is not None
    assert hold.why_lost.why == "last words"


def test_no_beat_is_said_while_the_last_one_is_not_taken(owner: Owner) -> None:
    told, hold = owner
    with hold._beating:
        hold.beat()
    assert len(told.heard) == 1
    for number in (1, 2):
        hold.beat()
        assert len(told.heard) == 1 + number
    began = time.monotonic()
    hold.close()
    assert told.closed == 1
    assert time.monotonic() - began < 5


def answered(told: Told, line: str) -> None:
    """It says so to the next question."""
    before = len(told.heard)

    def write(data: bytes) -> None:
        told.heard.append(data)
        told.says.put(line.replace("ID", str(json.loads(data)["id"])))

    told.write = write  # type: ignore[method-assign]
    assert before == len(told.heard)


def test_what_the_owner_answers_is_read_or_raised(owner: Owner) -> None:
    told, hold = owner
    answered(told, 'm {"id": ID, "ok": {"cut": ["a"]}}')
    assert hold.ask("cancel", 5, answers.texts_in("cut"), more=[1]) == ("a",)
    assert json.loads(told.heard[-1]) == {"id": 1, "op": "cancel", "more": [1]}
    answered(told, 'm {"id": ID, "error": "' + "x" * 600 + '"}')
    with pytest.raises(MoveFailed) as caught:
        hold.ask("cancel", 5, answers.texts_in("cut"))
    assert caught.value.line == f"api-1: the host could not do or note it: {'x' * 500}"
    answered(told, 'm {"id": ID, "error": "OSError: No space left on device: \'/var/lib/voxgate\'"}')
    with pytest.raises(MoveFailed) as caught:
        hold.ask("cancel", 5, answers.texts_in("cut"))
    assert caught.value.hint.startswith("make room there")
    assert not hold.lost
    answered(told, 'm {"id": ID, "ok": {"cut": 7}}')
    with pytest.raises(CommandUnknown, match=r"api-1: this host was lost: .*: it answers what no gate's part does: to cancel: "):
        hold.ask("cancel", 5, answers.texts_in("cut"))
    assert hold.lost


AT = {"service": "backend", "phase": "install"}


@pytest.mark.parametrize(
    ("owner", "journal", "said"),
    [
        ({"by": "me", "since": "now", "run": "r1"}, {}, "me since now, run r1"),
        ({"by": "me", "since": "now", "run": "r1", "build": ""}, AT, "me since now, run r1"),
        ({"by": "me", "since": "now", "run": "r1", "build": "b-1"}, {}, "me since now, build b-1, run r1"),
        ({"by": "me", "since": "now", "run": "r1"}, AT | {"run": "r0"}, "me since now, run r1"),
        ({"by": "me", "since": "now", "run": "r1"}, AT | {"run": "r1"}, "me since now, run r1, at backend install"),
        (
            {"by": "me", "since": "now", "run": "r1"},
            AT | {"run": "r1", "step": "uv sync"},
            "me since now, run r1, at backend install uv sync",
        ),
        ({}, AT, "somebody since ?, run ?"),
        ({}, AT | {"run": "r1"}, "somebody since ?, run ?"),
    ],
)
def test_who_is_at_work_is_said_with_what_its_own_journal_says(owner: dict[str, str], journal: dict[str, str], said: str) -> None:
    """A journal of an earlier run says nothing of this one."""
    found = holding.held_elsewhere("api-1", answers.Holder(owner, journal))
    assert found.line == f"api-1: another gate is at work: {said}"
    assert found.hint == "wait for it: --wait SECONDS; nothing needs to be unlocked, the lock is gone when that gate is"


def prints(length: int) -> dict[str, dict[str, str]]:
    """Fingerprints that are so many characters of JSON."""
    rows: dict[str, str] = {}
    made = {f"k{kind}": {f"{number:03d}{'x' * 57}": "a" * 12 for number in range(250)} for kind in range(2)} | {"last": rows}
    while (left := length - len(json.dumps(made))) > 150:
        rows[f"{len(rows):03d}{'x' * 57}"] = "a" * 12
    rows["y" * (left - len(', "": "aaaaaaaaaaaa"'))] = "a" * 12
    return made


def test_fingerprints_have_as_much_room_as_a_host_reads_and_are_fewer_where_they_are_more() -> None:
    for length, is_whole in ((48_000, True), (48_001, False)):
        given = prints(length)
        assert len(json.dumps(given)) == length
        said = json.loads(done.document_of(Kept("r", "now", "lab", 1.5, given)))
        assert (said.pop("prints") == given) is is_whole
        assert said == {"format": 1, "form": FORM, "run": "r", "at": "now", "estate": "lab", "clock": 1.5}
