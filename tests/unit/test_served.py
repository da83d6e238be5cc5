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


def test_what_was_served_as_a_folder_stays_where_there_is_no_room_for_a_link(tmp_path: Path) -> None:
    """The first publication; any account can use up what a disk has."""
    console = replace(load_estate("lab").service("console"), folder=str(tmp_path))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=20,mode=0755", "tmpfs", tmp_path], check=True)
    try:
        for folder in ("dist", f"builds/{COMMIT}"):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "index.html").write_text(folder)
        subprocess.run(
            ["sh", "-c", "for one in $(seq 30); do : >$one; done"], cwd=tmp_path, stderr=subprocess.DEVNULL, check=False
        )
        release = Release("console", COMMIT, "vox-frontend-2026.06.24-1")
        assert subprocess.run(steps.publish(console, release).argv, check=False, capture_output=True).returncode != 0
        assert (tmp_path / "dist/index.html").read_text() == "dist"
        (tmp_path / "1").unlink()
        subprocess.run(steps.publish(console, release).argv, check=True)
        assert (tmp_path / "dist/index.html").read_text() == f"builds/{COMMIT}"
    finally:
        subprocess.run(["umount", "-l", tmp_path], check=True)
