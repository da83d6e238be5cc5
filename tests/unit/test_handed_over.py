"""What is handed over at the edge of what may be, which links lead nowhere else, and what makes an environment another one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.built import builder

MB = 1 << 20


def hand(source: Path, place: Path) -> None:
    builder.Hand().whole(builder.folder_at(str(source)), builder.folder_at(str(place)), "dist")


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Three files of 9 bytes, two folders deep, in five names."""
    for path in ("built/one", "built/a/two", "built/a/b/three"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("123456789")
    return tmp_path / "built"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def names(top: Path) -> list[str]:
    return sorted(str(path.relative_to(top)) for path in top.rglob("*"))


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("FILES", 5, "dist/a/b: over 4 files, or 64 deep, or a name of ours"),
        ("DEEP", 2, "dist/a/b: over 300000 files, or 1 deep, or a name of ours"),
        ("BYTES", 27, "over 26 bytes were built"),
    ],
)
def test_as_much_as_may_be_is_handed_over_and_no_more(
    built: Path, place: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, said: str
) -> None:
    monkeypatch.setattr(builder, limit, most - 1)
    with pytest.raises(builder.Bad) as caught:
        hand(built, place)
    assert str(caught.value) == said
    assert names(place) == []
    monkeypatch.setattr(builder, limit, most)
    hand(built, place)
    assert names(place) == names(built)


def test_what_is_copied_is_weighed_once_more(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build that is still at work could have grown since it was weighed."""
    monkeypatch.setattr(builder.Hand, "weigh", lambda *_: None)
    for limit, most in (("FILES", 5), ("DEEP", 2), ("BYTES", 27)):
        with monkeypatch.context() as less:
            less.setattr(builder, limit, most - 1)
            with pytest.raises(builder.Bad, match="over"):
                hand(built, place)
            less.setattr(builder, limit, most)
            hand(built, place)


@pytest.mark.parametrize(("more", "fits"), [(2 * MB, True), (2 * MB + 1, False)])
def test_the_disk_keeps_what_is_to_stay_free(
    built: Path, place: Path, monkeypatch: pytest.MonkeyPatch, more: int, *, fits: bool
) -> None:
    """Of five blocks three are kept; what is there already in the same size is written in its place."""
    monkeypatch.setattr(builder, "SPARE", 3 * MB)
    monkeypatch.setattr(builder.os, "statvfs", lambda _: SimpleNamespace(f_bavail=5, f_frsize=MB))
    (place / "one").write_text("987654321")
    with (built / "more").open("wb") as file:
        file.truncate(more - 18)
    if fits:
        hand(built, place)
        assert names(place) == names(built)
        return
    with pytest.raises(builder.Bad) as caught:
        hand(built, place)
    assert str(caught.value) == "2 MB were built, and the disk has 2 MB to spare"
    assert names(place) == ["one"]


def test_a_disk_that_is_full_has_nothing_to_spare(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder.os, "statvfs", lambda _: SimpleNamespace(f_bavail=0, f_frsize=MB))
    with pytest.raises(builder.Bad) as caught:
        hand(built, place)
    assert str(caught.value) == "0 MB were built, and the disk has 0 MB to spare"


def _shared(path: Path) -> None:
    os.link(path, path.parent.parent / "another name")


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("a")


def _folder(path: Path) -> None:
    path.unlink()
    (path / "x").mkdir(parents=True)


CHANGED: dict[str, Callable[[Path], object]] = {
    "its last letters": lambda path: path.write_text("12345678x"),
    "longer": lambda path: path.write_text("1234567890"),
    "nothing": lambda path: path.write_text(""),
    "its mode": lambda path: path.chmod(0o600),
    "a program": lambda path: path.chmod(0o755),
    "everybody's": lambda path: path.chmod(0o666),
    "a second name": _shared,
    "gone": lambda path: path.unlink(),
    "a link": _link,
    "a folder": _folder,
}


@pytest.mark.parametrize("how", CHANGED)
def test_a_file_that_is_another_one_is_put_right(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.setattr(builder, "CHUNK", 4)
    hand(built, place)
    untouched = (place / "a/two").stat()
    CHANGED[how](place / "one")
    hand(built, place)
    row = (place / "one").lstat()
    assert (place / "one").read_text() == "123456789"
    assert (row.st_mode, row.st_nlink, row.st_mtime_ns) == (0o100644, 1, (built / "one").stat().st_mtime_ns)
    assert (place / "a/two").stat().st_ctime_ns == untouched.st_ctime_ns
    assert names(place) == names(built)


@pytest.mark.parametrize("mode", [0o700, 0o777])
def test_a_folder_that_is_closed_or_open_to_all_is_put_right(built: Path, place: Path, mode: int) -> None:
    hand(built, place)
    (place / "a").chmod(mode)
    hand(built, place)
    assert (place / "a").stat().st_mode == 0o40755


def test_a_link_that_is_there_stays_and_another_is_put_right(built: Path, place: Path) -> None:
    (built / "link").symlink_to("one")
    hand(built, place)
    was = (place / "link").lstat().st_ino
    hand(built, place)
    assert (place / "link").lstat().st_ino == was
    (place / "link").unlink()
    (place / "link").symlink_to("a")
    hand(built, place)
    assert (place / "link").readlink() == Path("one")


def test_what_cannot_be_written_leaves_what_was_there(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand(built, place)
    (built / "one").write_text("another")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(builder.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space"):
        hand(built, place)
    assert (place / "one").read_text() == "123456789"
    assert names(place) == ["a", "a/b", "a/b/three", "a/two", "one"]


LINKS = [
    ("dist/a", "b", True),
    ("dist/a", "./b//c", True),
    ("dist/a", "../b", False),
    ("dist/a", "b/../c", False),
    ("dist/a", "/etc/passwd", False),
    ("dist/x/a", "..", True),
    ("dist/x/a", "../b", True),
    ("dist/x/a", "../../b", False),
    ("dist/x/a", "../y/../z", False),
    ("dist/x/y/a", "../../b", True),
    (".venv/lib64", "lib", True),
    (".venv/lib64", "bin", False),
    (".venv/bin/python", "python3.13", True),
    (".venv/bin/python3", "/usr/bin/env", True),
    (".venv/bin/python3", "/usr/bin", False),
    (".venv/bin/python3", "/nonexistent/python3", False),
    (".venv/bin/python3", "../lib/x", False),
    (".venv/bin/python3", "pythons", False),
    (".venv/bin/pip", "/usr/bin/env", False),
    (".venv/bin/pip", "../lib/pip", True),
]


@pytest.mark.parametrize(("at", "target", "good"), LINKS)
def test_a_link_leads_nowhere_else(at: str, target: str, *, good: bool) -> None:
    assert builder.is_good_link(target, at) is good


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_an_interpreter_is_root_s_alone() -> None:
    assert builder.is_roots("/usr/bin/env")
    assert not builder.is_roots("/usr/bin")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release and its service's folder in one, with uv for all, and settings of it."""
    for path in ("uv.lock", "pyproject.toml", "uv.toml", ".python-version", "bin/uv", ".venv/bin/python", "etc/uv.toml"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("one = 1\n")
    (tmp_path / "bin/uv").chmod(0o755)
    monkeypatch.setattr(builder, "PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(builder, "HOME", str(tmp_path / "spool"))
    monkeypatch.setattr(builder, "UV_SETTINGS", str(tmp_path / "etc/uv.toml"))
    return tmp_path


def of(folder: Path) -> str:
    said: str = builder.ingredients(str(folder), str(folder))
    return said


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "uv.toml", ".python-version", "etc/uv.toml"])
def test_an_environment_of_other_ingredients_is_another_one(environment: Path, name: str) -> None:
    path, seen = environment / name, [of(environment)]
    assert of(environment) == seen[0] != ""
    for text in ("two = 2\n", "", None):
        path.unlink() if text is None else path.write_text(text)
        seen.append(of(environment))
    assert "" not in seen
    assert len(set(seen)) == 4


@pytest.mark.parametrize("name", ["bin/uv", ".venv/bin/python"])
def test_an_environment_by_another_program_is_another_one(environment: Path, name: str) -> None:
    path, seen = environment / name, [of(environment)]
    os.utime(path, ns=(1, 1))
    seen.append(of(environment))
    path.write_text("longer = 2\n")
    os.utime(path, ns=(1, 1))
    seen.append(of(environment))
    path.rename(f"{path}.old")
    seen.append(of(environment))
    assert len(set(seen)) == 4


def test_a_state_is_of_all_that_lies_in_a_folder(built: Path) -> None:
    """Whose names, modes, places and times; of a folder that is none, or a link to one, there is none."""
    state = builder.state_of
    assert state(str(built / "one")) == state(str(built / "none")) == ""
    (built.parent / "link").symlink_to(built)
    assert state(str(built.parent / "link")) == ""
    seen = [state(str(built))]
    assert state(str(built)) == seen[0]
    for change in (
        lambda: (built / "a/two").chmod(0o600),
        lambda: os.link(built / "a/two", built.parent / "another"),
        lambda: (built / "a/two").rename(built / "a/2"),
        (built / "a/b/new").mkdir,
    ):
        change()
        seen.append(state(str(built)))
    assert len(set(seen)) == 5


def test_a_folder_that_was_moved_while_it_was_removed_takes_nothing_with_it(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``..`` of a moved folder is another one: what is there stays."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").write_text("x")
    step = builder.step

    def moved(here: int, name: str) -> int:
        if name == ".." and (built / "a/b").exists():
            (built / "a/b").rename(tmp_path / "elsewhere/b")
        there: int = step(here, name)
        return there

    monkeypatch.setattr(builder, "step", moved)
    with pytest.raises(builder.Bad, match="b was moved while it was removed"):
        builder.remove("built", builder.folder_at(str(tmp_path)))
    assert (tmp_path / "elsewhere/kept").exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [("one", "/opt/one"), ("srv--voice--one", "/srv/voice/one"), ("opt--a--b", "/opt/a/b"), ("a-b", "/opt/a-b")],
)
def test_a_build_is_told_a_name_for_a_folder(name: str, folder: str) -> None:
    assert (builder.folder_of(name), builder.name_of(folder)) == (folder, name)


def test_a_file_of_somebody_s_is_read_where_it_is_one(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    builder.write(str(path), {"b": 1, "a": "é"})
    assert path.read_text() == '{"a": "\\u00e9", "b": 1}'
    assert builder.read(str(path)) == {"a": "é", "b": 1}
    assert names(tmp_path) == ["x.json"]
    for text in ("[1]", "{", "[" * 70_000, '{"a": 1}' + " " * 70_000 + "x"):
        path.write_text(text)
        assert builder.read(str(path)) == ({"a": 1} if "x" in text else {})
    path.unlink()
    assert builder.read(str(path)) == {}
    path.symlink_to("/etc/passwd")
    assert builder.read(str(path)) == {}
    path.unlink()
    os.mkfifo(path)
    assert builder.read(str(path)) == {}
