"""What comes out of a build is copied as data: nothing of it leads outside, is special, or is another account's."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from voxgate.moves import building


def hand(source: Path, place: Path, top: str = "dist") -> None:
    building.Hand().over(building.folder_at(str(source)), building.folder_at(str(place)), top)


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """What a build left."""
    folder = tmp_path / "built"
    (folder / "assets" / "deep").mkdir(parents=True)
    (folder / "index.html").write_text("<html>")
    (folder / "assets" / "run").write_text("#!/bin/sh\n")
    (folder / "assets" / "run").chmod(0o4777)
    (folder / "assets" / "deep" / "link").symlink_to("../run")
    (folder / "assets").chmod(0o777)
    return folder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where it goes."""
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def tree(top: Path) -> dict[str, tuple[int, int, int]]:
    """Each path below, with what shows that it was touched."""
    return {
        str(path.relative_to(top)): (path.lstat().st_mode, path.lstat().st_ino, path.lstat().st_ctime_ns)
        for path in sorted(top.rglob("*"))
    }


def test_what_was_built_is_there_as_plain_files(built: Path, place: Path) -> None:
    hand(built, place)
    assert (place / "index.html").read_text() == "<html>"
    assert (place / "assets/deep/link").readlink() == Path("../run")
    assert stat.S_IMODE((place / "assets/run").stat().st_mode) == 0o755
    assert stat.S_IMODE((place / "assets").stat().st_mode) == 0o755
    assert stat.S_IMODE((place / "index.html").stat().st_mode) == 0o644


def test_what_is_equal_stays_untouched_and_what_is_gone_goes(built: Path, place: Path) -> None:
    hand(built, place)
    before = tree(place)
    (place / "left" / "over").mkdir(parents=True)
    (place / "left" / "over" / "evil.pth").write_text("import evil")
    (built / "index.html").write_text("<HTML>")
    hand(built, place)
    after = tree(place)
    assert after.keys() == before.keys()
    assert {path for path in after if after[path] != before[path]} == {"index.html"}


def test_an_edited_file_of_the_same_size_and_time_is_put_right(built: Path, place: Path) -> None:
    hand(built, place)
    row = (place / "index.html").stat()
    (place / "index.html").write_text("<evil>")
    os.utime(place / "index.html", ns=(row.st_atime_ns, row.st_mtime_ns))
    hand(built, place)
    assert (place / "index.html").read_text() == "<html>"


def test_a_hard_link_to_a_file_of_the_builds_is_replaced_by_a_file_of_ours(built: Path, place: Path) -> None:
    os.link(built / "index.html", place / "index.html")
    hand(built, place)
    assert (place / "index.html").stat().st_ino != (built / "index.html").stat().st_ino


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        try:
            one.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.parametrize(
    "make",
    [
        _fifo,
        _socket,
        lambda path: path.symlink_to("/etc/shadow"),
        lambda path: path.symlink_to("../../secret"),
        lambda path: path.symlink_to("assets/../../secret"),
        lambda path: path.symlink_to("/usr/bin/python3"),
    ],
    ids=["fifo", "socket", "absolute", "upwards", "round", "interpreter-elsewhere"],
)
def test_what_is_no_data_or_leads_outside_is_refused(built: Path, place: Path, make: Callable[[Path], None]) -> None:
    make(built / "evil")
    with pytest.raises(building.Bad, match=r"dist/evil (is neither|leads to)"):
        hand(built, place)


def test_a_link_in_the_place_of_a_folder_is_not_followed(built: Path, place: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("x")
    (place / "assets").symlink_to(tmp_path / "outside")
    hand(built, place)
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["kept"]
    assert not (place / "assets").is_symlink()


def test_an_interpreter_that_others_can_change_is_refused(tmp_path: Path, place: Path) -> None:
    own = tmp_path / "python3"
    own.write_text("#!/bin/sh\n")
    own.chmod(0o777)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(own)
    with pytest.raises(building.Bad, match=r"\.venv/bin/python leads to"):
        hand(tmp_path / "venv", place, ".venv")


@pytest.mark.parametrize("local", ["editable", "directory", "path"])
def test_an_environment_with_a_source_of_its_own_is_always_built(tmp_path: Path, local: str) -> None:
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "x"\nsource = { registry = "https://pypi.org/simple" }\n')
    assert building.ingredients(str(tmp_path), str(tmp_path))
    with (tmp_path / "uv.lock").open("a") as file:
        file.write(f'[[package]]\nname = "own"\nsource = {{ {local} = "own" }}\n')
    assert building.ingredients(str(tmp_path), str(tmp_path)) == ""


def test_any_write_to_what_was_handed_over_is_noticed(built: Path, place: Path) -> None:
    hand(built, place)
    before = building.state_of(str(place))
    row = (place / "index.html").stat()
    assert building.state_of(str(place)) == before
    (place / "index.html").write_text("<evil>")
    os.utime(place / "index.html", ns=(row.st_atime_ns, row.st_mtime_ns))
    assert building.state_of(str(place)) != before


@pytest.mark.parametrize(
    "words", [["python", "/etc/x", "a" * 40], ["python", "/opt/../etc", "a" * 40], ["python", "/opt/x", "HEAD"]]
)
def test_only_a_commit_of_a_folder_below_opt_is_built(words: list[str]) -> None:
    with pytest.raises(building.Bad, match="no such build"):
        building.asked_for(words)
