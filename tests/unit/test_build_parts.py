"""The modules of the builder, each by itself: what it answers exactly, what it leaves untouched, and what it leaves open."""

from __future__ import annotations

import fcntl
import grp
import os
import signal
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from voxgate.moves.builder import asking, base, build, folders, handing, ingredients, installing, links, main, of_home, releases
from voxgate.moves.builder import renewed as anew
from voxgate.moves.builder.base import Bad, folder_at
from voxgate.moves.builder.handing import Hand

SITE = "lib/python3.13/site-packages"
NOBODY = 65534


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """An environment with one distribution of two files, and what any build may leave: a folder and a link in it."""
    top = tmp_path / "built"
    for path, text in (
        (f"{SITE}/one.py", "one"),
        (f"{SITE}/two.py", "two"),
        (f"{SITE}/one-1.dist-info/RECORD", "one.py,,\n"),
        ("deep/er/file", "file"),
    ):
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    (top / "deep/link").symlink_to("er")
    return top


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folders of the service ``one``; programs are those of ``bin`` alone."""
    for one in ("one/in/tree", "one/out", "one/cache/uv/a", "one/cache/npm", "opt/one", "bin"):
        (tmp_path / one).mkdir(parents=True)
    (tmp_path / "one/in/request.json").write_text('{"do": "tools", "kind": "python", "given": {}, "offline": false}')
    monkeypatch.setattr(base, "HOME", str(tmp_path))
    monkeypatch.setattr(base, "OPT", str(tmp_path / "opt"))
    monkeypatch.setattr(base, "PATH", str(tmp_path / "bin"))
    return tmp_path


@pytest.fixture
def roots() -> Iterator[Path]:
    """A folder on whose way only root can change anything."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    top = next(one for one in ("/var", "/run") if os.access(one, os.W_OK))
    with tempfile.TemporaryDirectory(prefix="voxgate-roots-", dir=top) as folder:
        yield Path(folder)


@pytest.fixture
def signals() -> Iterator[None]:
    """What this process does on a signal is as it was, in the end."""
    were = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    yield
    signal.alarm(0)
    for number, was in were.items():
        signal.signal(number, was)


def program(path: Path, does: str) -> None:
    path.write_text(f"#!/bin/sh\n{does}")
    path.chmod(0o755)


def hand(source: Path, place: Path) -> None:
    """Hand it over, by folders that are open meanwhile, and no other one afterwards."""
    before = len([*Path("/proc/self/fd").iterdir()])
    new, old = folder_at(str(source)), folder_at(str(place))
    try:
        Hand().whole(new, old, ".venv")
    finally:
        os.close(new)
        os.close(old)
        assert len([*Path("/proc/self/fd").iterdir()]) == before


def touched(since: dict[Path, int]) -> list[str]:
    """The files that were written since."""
    return sorted(path.name for path, at in since.items() if path.lstat().st_ctime_ns != at)


def times(place: Path) -> dict[Path, int]:
    return {path: path.lstat().st_ctime_ns for path in place.rglob("*") if not path.is_dir()}


def test_what_was_handed_over_leaves_no_folder_open(built: Path, place: Path) -> None:
    """Of a build with as many folders as it likes a host could open no more."""
    hand(built, place)
    (place / "gone/deep/er").mkdir(parents=True)
    (place / "gone/deep/er/file").touch()
    hand(built, place)
    assert sorted(path.name for path in place.iterdir()) == ["deep", "lib"]


def test_a_distribution_is_anew_by_what_it_says_now(built: Path, place: Path) -> None:
    hand(built, place)
    before = times(place)
    (built / SITE / "one-1.dist-info/RECORD").write_text("\none.py,,\ntwo.py,,\n")
    hand(built, place)
    assert touched(before) == ["RECORD", "one.py", "two.py"]


def test_of_rows_that_are_another_now_there_may_be_so_many(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand(built, place)
    record = built / SITE / "one-1.dist-info/RECORD"
    for number, rows in enumerate(("one.py,,\n" * 3, "two.py,,\n" * 4)):
        record.write_text(rows)
        monkeypatch.setattr(anew, "ROWS", 3)
        if number == 0:
            hand(built, place)
            continue
        with pytest.raises(Bad) as caught:
            hand(built, place)
        assert str(caught.value) == "the RECORDs of what was built have over 3 rows"


def _other(path: Path) -> None:
    path.write_text("123456780")


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("new")


def _theirs(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY)


SAME: dict[str, Callable[[Path], object]] = {
    "gone": Path.unlink,
    "other letters": _other,
    "longer": lambda path: path.write_text("1234567890"),
    "another mode": lambda path: path.chmod(0o600),
    "a second name": lambda path: os.link(path, path.with_name("second")),
    "a link": _link,
    **({"another's": _theirs} if os.geteuid() == 0 else {}),
}


@pytest.mark.parametrize("how", SAME)
def test_a_file_is_the_same_where_nothing_of_it_is_another(tmp_path: Path, how: str) -> None:
    path = tmp_path / "file"
    path.write_text("123456789")
    path.chmod(0o644)
    (tmp_path / "new").write_text("123456789")
    top = folder_at(str(tmp_path))
    try:
        with (tmp_path / "new").open("rb") as new:
            assert handing.same(new, "file", top, 9, 0o644) is True
        SAME[how](path)
        with (tmp_path / "new").open("rb") as new:
            assert handing.same(new, "file", top, 9, 0o644) is False
    finally:
        os.close(top)


def test_a_file_that_is_none_by_now_is_not_copied(tmp_path: Path, place: Path) -> None:
    os.mkfifo(tmp_path / "file")
    with pytest.raises(Bad) as caught:
        Hand().file(folder_at(str(tmp_path)), folder_at(str(place)), "file", "dist/file")
    assert str(caught.value) == "dist/file changed while it was read"
    assert list(place.iterdir()) == []


def test_the_draft_of_one_that_was_killed_is_in_nobodys_way(tmp_path: Path, place: Path) -> None:
    """Where one program is copied nothing beside it is taken away."""
    (tmp_path / "uv").write_text("uv")
    (place / handing.DRAFT).write_text("half of it")
    Hand().file(folder_at(str(tmp_path)), folder_at(str(place)), "uv", "uv")
    assert {path.name: path.read_text() for path in place.iterdir()} == {"uv": "uv"}


@pytest.mark.parametrize(("mode", "wanted"), [(0o700, 0o755), (0o610, 0o644), (0o601, 0o644), (0o444, 0o644)])
def test_a_program_is_what_its_owner_may_run(built: Path, place: Path, mode: int, wanted: int) -> None:
    (built / "file").touch()
    (built / "file").chmod(mode)
    hand(built, place)
    assert stat.S_IMODE((place / "file").stat().st_mode) == wanted


def test_a_disk_that_has_nothing_to_spare_takes_not_one_byte(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand(built, place)
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=1, f_frsize=1))
    hand(built, place)
    (built / "more").write_text("1")
    with pytest.raises(Bad, match="0 MB were built, and the disk has 0 MB to spare"):
        hand(built, place)


@pytest.mark.parametrize(
    ("mode", "owner", "wanted"),
    [(0o755, 0, True), (0o775, 0, False), (0o757, 0, False), (0o755, NOBODY, False), (0o755, None, False)],
    ids=["root's", "its group's too", "everybody's", "another's", "gone"],
)
def test_an_interpreter_is_root_s_or_it_is_none(roots: Path, mode: int, owner: int | None, *, wanted: bool) -> None:
    path = roots / "python3"
    if owner is not None:
        path.touch()
        os.chown(path, owner, owner)
        path.chmod(mode)
    assert links.is_roots(str(path)) is wanted
    assert links.is_roots(str(roots)) is False


def test_a_lock_that_names_no_source_of_its_own_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, own = b'[[package]]\nname = "x"\n', b'[[package]]\nname = "x"\nsource = { path = "x" }\n'
    for read in (ingredients.read_toml, None):
        monkeypatch.setattr(ingredients, "read_toml", read)
        assert (ingredients.has_local(lock), ingredients.has_local(own)) == (False, True)
    monkeypatch.undo()
    assert ingredients.has_local(b"\xff") is True


def test_a_state_is_the_same_in_whatever_order_the_names_come(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen, walk = ingredients.state_of(str(built)), os.walk

    def turned(top: str) -> Iterator[Any]:
        for here, below, names in walk(top):
            below.sort(reverse=True)
            yield here, below, sorted(names, reverse=True)

    monkeypatch.setattr(os, "walk", turned)
    assert ingredients.state_of(str(built)) == seen


def test_the_same_settings_in_another_file_make_another_environment(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingredients, "UV_SETTINGS", str(spool / "none.toml"))
    tree, seen = spool / "one/in/tree", set()
    for name in ("pyproject.toml", "uv.toml", ".python-version"):
        (tree / name).write_text("3.13\n")
        seen.add(ingredients.ingredients(str(tree), str(spool / "opt/one")))
        (tree / name).unlink()
    assert len(seen) == 3
    assert "" not in seen


def test_of_folders_that_go_those_stay_in_which_root_left_byte_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there was more to take away after it."""
    top = tmp_path / "top"
    (top / "__pycache__").mkdir(parents=True)
    for name in "abcdef":
        (top / name / name).mkdir(parents=True)
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    monkeypatch.setattr(os, "chmod", lambda *_, **__: None)
    if (top / "__pycache__").stat().st_uid == 0:
        folders.remove("top", folder_at(str(tmp_path)), but_roots_byte_code=True)
        assert [path.name for path in tmp_path.rglob("*")] == ["top", "__pycache__"]


def test_what_is_usable_is_not_touched(spool: Path) -> None:
    """A cache that was good keeps its times; what its owner could not read or change becomes so."""
    wheel, shut = spool / "one/cache/uv/a/wheel", spool / "one/cache/uv/a/shut"
    for path in (wheel, shut):
        path.write_text(path.name)
    shut.chmod(0o444)
    before = [path.stat().st_ctime_ns for path in (wheel, wheel.parent, wheel.parent.parent)]
    build.mend(str(spool / "one/cache"))
    assert [path.stat().st_ctime_ns for path in (wheel, wheel.parent, wheel.parent.parent)] == before
    assert stat.S_IMODE(shut.stat().st_mode) == 0o644


def test_nothing_is_left_beside_what_programs_said(spool: Path) -> None:
    program(spool / "bin/uv", "echo uv 1.2.3\n")
    (spool / "one/out/old").write_text("of an earlier build")
    build.Build("one").whole()
    assert sorted(path.name for path in (spool / "one/out").iterdir()) == ["result.json", "said"]


def test_a_build_has_a_home_that_is_there(spool: Path) -> None:
    one = build.Build("one")
    one.env["HOME"] = str(spool / "home/of/it")
    for _ in range(2):
        one.prepare()
        assert (spool / "home/of/it").is_dir()


def test_who_asked_for_a_build_ends_by_a_signal_as_before(spool: Path, monkeypatch: pytest.MonkeyPatch, signals: None) -> None:
    """Once the unit has ended nobody is to stop it."""
    assert signals is None
    program(spool / "bin/sudo", "exit 0\n")
    monkeypatch.setenv("PATH", f"{spool}/bin:{os.environ['PATH']}")
    asking.start("one")
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == [signal.SIG_DFL] * 2


def test_a_build_that_ended_is_a_success_whatever_came_of_it(spool: Path, signals: None) -> None:
    """What came of it stands in its result: a unit that fails would say less."""
    assert signals is None
    program(spool / "bin/uv", "exit 3\n")
    umask = os.umask(0)
    try:
        assert main.main(["build", "one"]) == 0
        assert os.umask(0) == 0o022
        assert base.read(str(spool / "one/out/result.json")) == {"exit": 3, "note": ""}
        assert main.main(["build", "one", "two"]) == 70
    finally:
        os.umask(umask)


def test_one_lock_is_held_for_as_long_as_it_is_needed(spool: Path) -> None:
    path = spool / "one/in/lock"
    with installing.alone(str(spool / "opt/one")), path.open() as other:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with path.open() as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_who_is_no_leader_is_ended_alone(signals: None) -> None:
    """Its group is that of whoever started it."""
    assert signals is None
    if (pid := os.fork()) == 0:
        main.given_up(signal.SIGALRM, None)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGALRM


def test_a_commit_that_git_does_not_have_is_told_by_git(spool: Path) -> None:
    words = f"fatal: cannot change to '{spool}/none': No such file or directory"
    for work, asked in (
        (releases.export, "read-tree"),
        (releases.repository, "for-each-ref --format=%(objectname) %(refname)"),
    ):
        with pytest.raises(Bad) as caught:
            work(f"{spool}/none", "a" * 40, "one")
        assert str(caught.value) == f"git {asked}: {words}"


def test_an_index_is_written_nowhere_else(spool: Path) -> None:
    """It is the release's alone: what an earlier one left there is no way to another place."""
    (spool / "kept").write_text("kept")
    (spool / "one/in/index").symlink_to(spool / "kept")
    with pytest.raises(Bad):
        releases.export(f"{spool}/none", "a" * 40, "one")
    assert not (spool / "one/in/index").is_symlink()


@pytest.mark.parametrize(("owner", "is_told"), [(0, False), (NOBODY, False), (1, True)], ids=["root's", "its own", "another's"])
def test_what_root_and_the_account_itself_can_change_is_nobody_else_s(
    roots: Path, monkeypatch: pytest.MonkeyPatch, owner: int, *, is_told: bool
) -> None:
    path = roots / "uv"
    path.touch()
    os.chown(path, owner, owner)
    monkeypatch.setattr(os, "geteuid", lambda: NOBODY)
    assert of_home.changed_by_others(str(path)) == (str(path) if is_told else "")


def test_a_group_in_which_others_are_is_not_the_account_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_mem=["another"]))
    assert of_home.own_group() == -1
