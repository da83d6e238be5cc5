"""What is installed before any lock can be read: by version and hash, like everything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "lab" / "recipe"
PINNED = [ROOT / "uv-pin.txt", *sorted(RECIPE.glob("*.lock.txt"))]
NAMED = re.compile(r"([A-Za-z0-9._-]+)==(\S+)")


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_each_is_named_by_version_and_hash(path: Path) -> None:
    rows = [row for row in path.read_text().replace("\\\n", " ").splitlines() if row.strip()]
    assert rows
    for row in rows:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==\S+( ; [^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*", row), row


@pytest.mark.parametrize("name", ["wheels", "stores"])
def test_the_hashes_are_of_what_the_image_names(name: str) -> None:
    wanted = dict(NAMED.findall((RECIPE / f"{name}.txt").read_text()))
    pinned = dict(NAMED.findall((RECIPE / f"{name}.lock.txt").read_text()))
    assert wanted
    assert wanted.items() <= pinned.items()


def test_nothing_is_installed_without_a_hash() -> None:
    """Every call of pip in the Makefile and the lab, but ``uv sync``, which goes by ``uv.lock``."""
    found = 0
    for path in (ROOT / "Makefile", *(ROOT / "lab").glob("*.py")):
        for line in path.read_text().splitlines():
            if re.search(r"""\bpip install\b|"install", "--quiet\"""", line):
                found += 1
                assert "--require-hashes" in line, (path.name, line)
    assert found == 2
    assert "UV_REQUIRE_HASHES=1" in (ROOT / "lab" / "image.py").read_text(), "of what the image's own scripts install"
