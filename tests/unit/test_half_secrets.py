"""What is cut to a length is cut of secrets first, and between two words: half a secret is one that nothing recognizes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.suites.conftest import Case, as_it_is
from voxgate.contracts import schemas
from voxgate.deploy.hosts.executor import last_words
from voxgate.deploy.on_host import commands
from voxgate.errors import ContractError, VoxgateError, unforeseen
from voxgate.model.evidence import known
from voxgate.moves.builder import base
from voxgate.redaction.cutting import Redactor
from voxgate.redaction.shortening import beginning, ending
from voxgate.transport.clients import npm
from voxgate.transport.local import LocalCompleted
from voxgate.transport.ssh.begin import not_begun
from voxgate.transport.ssh.remote_command import Completed

SECRET = "Wintergarten-im-Sommer-2026"
SHAPES = (
    f"mongodb://vox:{SECRET}@db.example:27017/vox",
    f"--password {SECRET}",
    f"password={SECRET}",
    f'{{"password":"{SECRET}"}}',
    f"mysql -u vox -p{SECRET} vox",
    f"curl -u vox:{SECRET} https://x",
    f"Authorization: Basic {SECRET}",
)


def pieces(text: str) -> bool:
    """True if anything of the secret stands there that says more than a word of it."""
    return any(SECRET[at : at + 5] in text for at in range(len(SECRET) - 4))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("keep", [beginning, ending])
def test_no_piece_of_a_secret_is_left_wherever_it_is_cut(keep: object, shape: str) -> None:
    assert callable(keep)
    for before in range(80):
        for text in (f"{'x' * before} {shape} {'and so on ' * 600}", f"{'and so on ' * 600} {shape} {'x' * before}"):
            kept = keep(text, 90)
            assert len(kept) <= 90
            assert not pieces(Redactor().cut(kept)), (before, kept)


def test_what_is_short_enough_stays_as_it_is() -> None:
    """Whoever writes it cuts it, and knows more secrets."""
    for text in ("", "x" * 90, SHAPES[0]):
        assert beginning(text, 90) == ending(text, 90) == text
    assert beginning("x" * 91, 90) == ending("x" * 91, 90) == "x" * 90
    assert beginning("one two three", 9) == "one two"
    assert ending("one two three", 10) == "two three"


@pytest.mark.parametrize("before", range(250, 300, 7))
def test_no_piece_of_one_is_in_the_last_words_of_a_command(before: int) -> None:
    said = f"error: {'x' * before} {SHAPES[0]} failed".encode()
    assert not pieces(Redactor().cut(last_words(Completed(1, b"", said, 0.0))))


def test_no_piece_of_one_is_in_what_a_shell_said() -> None:
    for after in range(150, 210):
        said = not_begun(as_it_is().estate.host("api-1"), 1, f"{SHAPES[0]} {'x' * after}".encode()).line
        assert not pieces(Redactor().cut(said)), after


@pytest.mark.parametrize("says", ["npm error {}", "{}"])
def test_no_piece_of_one_is_in_what_npm_said(says: str) -> None:
    for before in range(200, 300, 7):
        for text in (f"{'x' * before} {SHAPES[0]} {'y' * 400}", f"{'y' * 400} {SHAPES[0]} {'x' * before}"):
            ended = LocalCompleted(1, b"", says.format(text).encode(), 0.0)
            with pytest.raises(VoxgateError) as caught:
                npm.must(lambda *_, ended=ended, **__: ended, ["npm"], what="no", left=1.0, cwd=Path(), env={})
            assert not pieces(Redactor().cut(caught.value.line)), before


def test_no_piece_of_one_is_in_what_breaks_a_schema() -> None:
    for before in range(100, 200, 3):
        with pytest.raises(ContractError) as caught:
            schemas.check("approval", "x" * before + " " + SHAPES[0] + " y" * 200)
        assert not pieces(Redactor().cut(caught.value.line)), before


def test_no_piece_of_one_is_in_a_mistake_of_the_gates_own() -> None:
    for before in range(100, 200, 3):
        error = unforeseen(ValueError("x" * before + " " + SHAPES[0]))
        assert not pieces(Redactor().cut(error.line)), before


def test_no_piece_of_one_is_among_the_words_of_a_process() -> None:
    green = as_it_is()
    worker = "voxcore@1.service"
    like = next(one for one in known(green.of("fleet-1").processes) if one.unit == worker)
    for before in range(30, 80, 3):
        argv = ("python", "x" * before, SHAPES[0], "--more", "y" * 200)
        case = with_process(green, replace(like, pid=5001, unit="x.service", argv=argv))
        found = case.judge(["units-are-all-there-are"])["units-are-all-there-are[fleet-fleet-1]"][1]
        assert "process 5001" in found
        assert not pieces(Redactor().cut(found)), before


def with_process(green: Case, row: object) -> Case:
    return green.host("fleet-1", processes=(*known(green.of("fleet-1").processes), row))


@pytest.mark.parametrize(("module", "most"), [(commands, commands.KEPT), (base, base.SAID)])
def test_a_host_sends_whole_lines(module: object, most: int) -> None:
    """It knows no secret by its shape; the gate does, where it has all of it."""
    end_of = getattr(module, "_end_of", None) or module.end_of  # type: ignore[attr-defined]
    for after in range(most - 60, most + 2):
        kept = end_of(f"first\n{SHAPES[0]}\n{'y' * (after - 10)}\nlast")
        assert kept.endswith("\nlast")
        assert not pieces(Redactor().cut(kept)), after
    assert end_of(f"{'x' * most} one two").endswith(" two")
    assert end_of("short") == "short"
