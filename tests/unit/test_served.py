"""What people are served while a console is installed."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from voxgate.contracts.estates import load_estate
from voxgate.model.release import Release
from voxgate.moves import steps

COMMIT = "a" * 40


def test_a_build_that_is_served_is_never_away_while_it_is_made_again(tmp_path: Path) -> None:
    """The same commit once more: its build takes the place of the one that ``dist`` points to."""
    console = replace(load_estate("lab").service("console"), folder=str(tmp_path))
    release = Release("console", COMMIT, "vox-frontend-2026.06.24-1")
    (tmp_path / "builds").mkdir()
    (tmp_path / "dist").symlink_to(f"builds/{COMMIT}")
    page, done, away = tmp_path / "dist" / "index.html", threading.Event(), list[int]()

    def make(number: int) -> None:
        (tmp_path / "builds/.next").mkdir()
        (tmp_path / "builds/.next/index.html").write_text(f"{number}")
        subprocess.run(steps.install(console, release)[-1].argv, check=True, timeout=30)
        assert page.read_text() == f"{number}"

    def ask() -> None:
        while not done.is_set():
            away.extend([] if page.exists() else [1])

    make(0)
    people = threading.Thread(target=ask)
    people.start()
    try:
        for number in range(1, 21):
            make(number)
    finally:
        done.set()
        people.join()
    assert not away
    assert sorted(path.name for path in (tmp_path / "builds").iterdir()) == [COMMIT, f"{COMMIT}.sha256"]
