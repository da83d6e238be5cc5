"""SECURITY.md: each promise names what proves it, and all that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
WHO = (
    "A service account",
    "The deploy account",
    "A release on main",
    "Another branch",
    "A host",
    "The network",
    "Jenkins",
    "Whoever edits",
)
SECTIONS = dict(zip(*[iter(re.split(r"^## (.*)$", PAGE, flags=re.MULTILINE)[1:])] * 2, strict=True))
PROMISES = [
    " ".join(promise.split())
    for text in SECTIONS.values()
    for promise in re.split(r"^\* ", text.partition("Promised:\n")[2].partition("Not promised:")[0], flags=re.MULTILINE)[1:]
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`|`fault ([\w-]+)`")


def test_everybody_has_a_place_with_what_is_and_is_not_promised() -> None:
    for who in WHO:
        found = [text for title, text in SECTIONS.items() if title.startswith(who)]
        assert len(found) == 1, who
        assert "\nPromised:\n" in found[0], who
        assert "\nNot promised: " in found[0], who
    assert "Reporting" in SECTIONS
    assert "[SECURITY.md](SECURITY.md)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:40])
def test_each_promise_names_what_proves_it(promise: str) -> None:
    named = NAMED.findall(promise)
    assert named
    assert len(named) == len(re.findall(r"`tests/|`fault ", promise)), "one is written in another form"
    for file, test, fault in named:
        if fault:
            assert (ROOT / "lab" / "faults" / f"{fault}.sh").is_file(), fault
        else:
            assert test in re.findall(r"^def (\w+)\(", (ROOT / file).read_text(), re.MULTILINE), file
