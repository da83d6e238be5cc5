"""No file of the product is longer than a person reads in one go: 400 lines."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST = 400


def test_no_file_of_the_product_is_too_long() -> None:
    every = (path for part in ("voxgate", "suites", "lab", "bench") for path in (ROOT / part).rglob("*.py"))
    files = [path for path in every if ".venv" not in path.parts]  # `make bench` installs what it measures us beside
    assert len(files) > 300
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in files}
    assert {name: count for name, count in lines.items() if count > MOST} == {}
