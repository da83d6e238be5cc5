"""Nothing of somebody else's is shown that cannot be seen, or that moves what stands beside it."""

from __future__ import annotations

from datetime import date

import pytest

from voxgate.errors import VoxgateError, visible
from voxgate.plugin.words import words_of
from voxgate.redaction.cutting import Redactor


@pytest.mark.parametrize("letter", ["\u3164", "\u2800", "\u115f", "\u1160", "\u17b5", "\ufe0f", "\uffa0", "\u034f", "\U000e0100"])
def test_a_letter_without_ink_is_shown_as_its_code(letter: str) -> None:
    code = f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
    assert visible(f"a{letter}b") == f"a{code}b"
    assert visible(letter * 2) == code * 2
    assert Redactor(()).cut(f"a{letter}b") == f"a{code}b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("e\u0301té é", "e\u0301té é"),
        ("हिन्दी বাংলা", "हिन्दी বাংলা"),
        ("\u0301a", "\\u0301a"),
        ("a \u0336b", "a \\u0336b"),
        ("1\u20e3", "1\\u20e3"),
        ("—\u0301", "—\\u0301"),
        ("a" + "\u0300" * 6, "a" + "\u0300" * 4 + "\\u0300\\u0300"),
        ("\u202e\n", "\\u202e\\n"),
    ],
)
def test_a_mark_stands_on_a_letter(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_blanks_push_nothing_out_of_an_errors_line() -> None:
    assert VoxgateError("x" + " " * 200 + "DONE", where="a  b").line == "a  b: x DONE"


def test_what_a_rule_stumbled_over_moves_no_terminal() -> None:
    """It may be a host's word: no library says that it shows what it quotes."""
    said = words_of(ValueError("\x1b[1A\u202eDONE  lab"), None, None, date.min).found
    assert said == r"could not be judged: ValueError: \x1b[1A\u202eDONE  lab"
