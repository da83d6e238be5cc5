"""What comes out of a build is copied as data: nothing of it leads outside, is special, or is another account's."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.built import BUILDER, builder
from tests.uv import UV
from voxgate.contracts.estates import load_estate
from voxgate.model.release import Release
from voxgate.moves import steps

NOBODY = 65534


def hand(source: Path, place: Path, top: str = "dist") -> None:
    builder.Hand().whole(builder.folder_at(str(source)), builder.folder_at(str(place)), top)


def alone(work: Callable[[], object], *, nobody: bool = True) -> str:
    """Do it in a process of its own, by default as nobody, for whom modes count; "" or the exception's name and words."""
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        said = ""
        try:
            if nobody and os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            work()
        except BaseException:  # noqa: BLE001 - all of it is told
            said = traceback.format_exc(limit=0)
        os.write(writing, said.encode()[-4000:])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    assert os.waitpid(pid, 0)[1] == 0
    return said


@pytest.fixture
def spool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folders of the service ``one``, nobody's as they are the build account's, with a release that waits in ``in/tree``."""
    home = Path(tempfile.mkdtemp(prefix="voxgate-spool-", dir="/dev/shm"))
    home.chmod(0o755)
    monkeypatch.setattr(builder, "HOME", str(home))
    monkeypatch.setattr(builder, "OPT", str(home / "opt"))
    for one in ("one/in/tree/src", "one/out", "one/cache/uv/a", "one/cache/npm", "opt/one"):
        (home / one).mkdir(parents=True)
    (home / "one/in/tree/src/main.js").write_text("good")
    (home / "one/cache/uv/a/wheel").write_text("wheel")
    (home / "one/in/request.json").write_text("{}")
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", home / "opt", home / "one/out", home / "one/cache"], check=True)
    yield home
    subprocess.run(["rm", "-rf", home], check=os.geteuid() == 0)


def prepared() -> str:
    """A build begins; "" if it could."""
    return alone(lambda: builder.Build("one").prepare())


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


def test_a_distribution_that_was_installed_anew_is_of_one_time(tmp_path: Path, place: Path) -> None:
    """A script of it names another path: its RECORD would be much younger than its files, as one is that was forged."""
    built = tmp_path / "venv"
    site = built / "lib/python3.13/site-packages"
    for name, rows in (("one", "one.py,,\none-1.dist-info/RECORD,,\n../../../bin/one,sha256={},9\n"), ("two", "two.py,,\n")):
        (site / f"{name}-1.dist-info").mkdir(parents=True)
        (site / f"{name}.py").write_text(name)
        (site / f"{name}-1.dist-info/RECORD").write_text(rows.format("a"))
    (built / "bin").mkdir()
    (built / "bin/one").write_text("#!/opt/x\n")
    hand(built, place, ".venv")
    before = tree(place)
    (built / "bin/one").write_text("#!/srv/x\n")
    (site / "one-1.dist-info/RECORD").write_text("one.py,,\none-1.dist-info/RECORD,,\n../../../bin/one,sha256=b,9\n")
    hand(built, place, ".venv")
    after = tree(place)
    at = "lib/python3.13/site-packages"
    changed = {path for path in after if after[path][2] != before[path][2] and not (place / path).is_dir()}
    assert changed == {f"{at}/one.py", f"{at}/one-1.dist-info/RECORD", "bin/one"}
    hand(built, place, ".venv")
    assert tree(place) == after


def test_records_of_any_length_take_no_memory_of_the_host_s(tmp_path: Path, place: Path) -> None:
    """What was built may have as many rows as the disk holds, and whoever takes it over has no limit of its own."""
    record = "lib/python3.13/site-packages/one-1.dist-info/RECORD"
    for top, text in ((tmp_path / "venv", "a\n" * (builder.ROWS + 1)), (place, "a,,\n")):
        (top / record).parent.mkdir(parents=True)
        (top / record).write_text(text)
    with pytest.raises(builder.Bad, match="the RECORDs of what was built have over"):
        hand(tmp_path / "venv", place, ".venv")
    assert (place / record).read_text() == "a,,\n"


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
    with pytest.raises(builder.Bad, match=r"dist/evil (is neither|leads to)"):
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
    with pytest.raises(builder.Bad, match=r"\.venv/bin/python leads to"):
        hand(tmp_path / "venv", place, ".venv")


@pytest.mark.parametrize("local", ["editable", "directory", "path"])
def test_an_environment_with_a_source_of_its_own_is_always_built(tmp_path: Path, local: str) -> None:
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "x"\nsource = { registry = "https://registry.example/simple" }\n')
    assert builder.ingredients(str(tmp_path), str(tmp_path))
    with (tmp_path / "uv.lock").open("a") as file:
        file.write(f'[[package]]\nname = "own"\nsource = {{ {local} = "own" }}\n')
    assert builder.ingredients(str(tmp_path), str(tmp_path)) == ""


def test_any_write_to_what_was_handed_over_is_noticed(built: Path, place: Path) -> None:
    hand(built, place)
    before = builder.state_of(str(place))
    row = (place / "index.html").stat()
    assert builder.state_of(str(place)) == before
    (place / "index.html").write_text("<evil>")
    os.utime(place / "index.html", ns=(row.st_atime_ns, row.st_mtime_ns))
    assert builder.state_of(str(place)) != before


@pytest.mark.parametrize(
    "words",
    [
        ["python", "/opt/x", "a" * 40],
        ["python", "../etc", "a" * 40],
        ["python", ".", "a" * 40],
        ["python", "x", "HEAD"],
        ["go", "x", "a" * 40],
    ],
)
def test_only_a_commit_of_a_folder_below_opt_is_built(words: list[str]) -> None:
    with pytest.raises(builder.Bad, match="no such build"):
        builder.asked_for(words)


def deep(top: Path, levels: int) -> None:
    """Folders in folders, deeper than a path can say."""
    os.chdir(top)
    for _ in range(levels):
        Path("d").mkdir()
        os.chdir("d")


@pytest.mark.parametrize("where", ["opt/one", "one/out", "one/cache/uv"])
def test_however_deep_a_build_left_it_the_next_one_begins(spool: Path, where: str) -> None:
    assert alone(lambda: deep(spool / where, 1500)) == ""
    assert prepared() == ""
    assert [path.name for path in (spool / "opt/one").rglob("*")] == ["src", "main.js"]
    assert not (spool / where / "d").exists()


def test_a_release_of_any_depth_is_put_aside(spool: Path) -> None:
    """Where a release waits to be built, the one before it is removed by the deploy account."""
    alone(lambda: deep(spool / "one/in/tree", 1500), nobody=False)
    assert "git" in alone(lambda: builder.export("/nonexistent", "0" * 40, "one"), nobody=False)
    assert list((spool / "one/in/tree").iterdir()) == []


def git(folder: Path, *words: str) -> str:
    """What git says there, with no settings but the folder's own."""
    env = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent"}
    who = {f"GIT_{role}_{what}": "a@vox.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(["git", "-C", folder, *words], env=env | who, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_what_a_build_asks_git_is_answered_and_what_it_sets_reaches_nobody(spool: Path, tmp_path: Path) -> None:
    """A version by ``git describe``, a stamp by ``git rev-parse``, hooks as husky sets them: in a repository of its own."""
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "--quiet")
    for number in ("one", "two"):
        (source / "file").write_text(number)
        git(source, "add", "file")
        git(source, "commit", "--quiet", "-m", number)
    git(source, "tag", "-a", "v-2", "-m", "a tag with words")
    git(source, "tag", "plain")
    commit, settings = git(source, "rev-parse", "HEAD"), (source / ".git" / "config").read_bytes()
    builder.export(str(source), commit, "one")
    builder.repository(str(source), commit, "one")
    tree = spool / "one" / "in" / "tree"
    assert git(tree, "rev-parse", "HEAD") == commit
    assert git(tree, "describe") == "v-2"
    assert git(tree, "log", "--format=%s") == "two"
    assert git(tree, "status", "--porcelain") == ""
    assert git(tree, "fsck", "--strict") == ""
    git(tree, "config", "core.hooksPath", ".husky/_")
    assert (source / ".git" / "config").read_bytes() == settings


@pytest.mark.parametrize("mode", [0o555, 0o111, 0])
def test_what_a_build_protected_is_gone_in_the_next_one(spool: Path, mode: int) -> None:
    def plant() -> None:
        for top in (spool / "opt/one", spool / "one/out"):
            (top / "src/deeper").mkdir(parents=True)
            (top / "src/main.js").write_text("evil")
            (top / "src/deeper/evil.js").write_text("evil")
            for path in (top / "src/main.js", top / "src/deeper", top / "src", top):
                path.chmod(mode & 0o444 if path.is_file() else mode)

    assert alone(plant) == ""
    assert prepared() == ""
    assert [path.name for path in (spool / "opt/one").rglob("*")] == ["src", "main.js"]
    assert (spool / "opt/one/src/main.js").read_text() == "good"
    assert list((spool / "one/out").iterdir()) == []


def test_what_cannot_be_removed_stops_the_build(spool: Path) -> None:
    if os.geteuid() != 0:
        return
    (spool / "opt/one/roots").mkdir()
    (spool / "opt/one/roots/evil.js").write_text("evil")
    assert "PermissionError" in prepared()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave what is root's")
def test_what_cannot_be_seen_of_a_cache_stops_the_build(spool: Path) -> None:
    (spool / "one/cache/uv/roots").mkdir(mode=0o700)
    assert "PermissionError" in prepared()


def test_a_build_cannot_shut_the_cache_for_the_next_one(spool: Path) -> None:
    cache = spool / "one/cache"

    def shut() -> None:
        os.mkfifo(cache / "uv/pipe")
        shutil.rmtree(cache / "npm")
        (cache / "npm").write_text("no folder")
        for path in (cache / "uv/a/wheel", cache / "uv/a", cache / "uv", cache):
            path.chmod(0)

    assert alone(shut) == ""
    assert prepared() == ""
    assert alone((cache / "uv/a/wheel").read_bytes) == ""
    assert alone(lambda: (cache / "uv/a/new").write_text("x")) == ""
    assert sorted(path.name for path in cache.rglob("*")) == ["a", "new", "uv", "wheel"]


@pytest.mark.parametrize(
    "result",
    ['{"exit": 256}', '{"exit": -256}', '{"exit": true}', '{"exit": "0"}', '{"exit": 0.0}', '{"exit": ' + "9" * 5000 + "}"],
)
def test_an_exit_status_is_one_of_256(spool: Path, result: str) -> None:
    """``sys.exit(256)`` is 0: a build that says so would count as installed."""
    (spool / "one/out/result.json").write_text(result)
    with pytest.raises(builder.Bad, match="left no result"):
        builder.outcome("one")


def test_who_is_killed_by_a_signal_ends_as_in_a_shell(spool: Path) -> None:
    said = alone(lambda: os._exit(0) if builder.Build("one").run("sh", "-c", "kill -9 $$") == 128 + 9 else 1 / 0, nobody=False)
    assert said == ""


def test_words_of_a_build_can_be_written_anywhere_and_move_no_terminal(spool: Path) -> None:
    (spool / "one/out/result.json").write_text(json.dumps({"exit": 0, "note": "a\ud800b\x1b]0;x\x07 \u00e9\u202e"}))
    (spool / "one/out/said").write_bytes(b"one\n\x1b[2Jtwo\xff\r\n\xc2\x9bthree")
    _, note, said = builder.outcome("one")
    assert note == r"a\ud800b\x1b]0;x\x07 \xe9\u202e"
    assert said == "one\n" + r"\x1b[2Jtwo" + "\ufffd" + "\n" + r"\x9bthree"


def test_a_chain_of_links_leads_nowhere(built: Path, place: Path, tmp_path: Path) -> None:
    """Each of them stays inside by its words alone."""
    (tmp_path / "secret").write_text("secret")
    (built / "assets/deep/up").symlink_to("../..")
    (built / "m").symlink_to("assets/deep/up/../secret")
    with pytest.raises(builder.Bad, match="dist/m leads to"):
        hand(built, place)


@pytest.mark.parametrize("target", ["assets/deep", "./assets", "index.html"])
def test_a_link_to_what_is_inside_is_handed_over(built: Path, place: Path, target: str) -> None:
    (built / "link").symlink_to(target)
    (built / "assets/deep/up").symlink_to("../../link")
    hand(built, place)
    assert (place / "assets/deep/up").resolve() == (place / target).resolve()


@pytest.mark.parametrize(
    ("name", "target"),
    [("bin/python", "../lib/evil"), ("bin/python3", "evil"), ("bin/python3.13", "../../usr/bin/python3"), ("lib64", "bin")],
)
def test_an_environment_s_own_links_lead_where_uv_has_them_lead(tmp_path: Path, place: Path, name: str, target: str) -> None:
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "lib").mkdir()
    (venv / "lib/evil").write_text("#!/bin/sh\n")
    (venv / "bin/evil").write_text("#!/bin/sh\n")
    (venv / name).symlink_to(target)
    here = Path.cwd()
    os.chdir("/usr/lib")  # from here, and from here only, the third leads to root's interpreter
    try:
        with pytest.raises(builder.Bad, match="leads to"):
            hand(venv, place, ".venv")
    finally:
        os.chdir(here)


def test_a_proof_that_nobody_waits_for_ends_with_all_that_it_started(spool: Path) -> None:
    """A git that hung held the lock of all later builds."""
    (spool / "bin").mkdir()
    (spool / "bin/git").write_text(f"#!/bin/sh\necho $$ >{spool}/one/out/pid\nsleep 600 & wait\n")
    (spool / "bin/git").chmod(0o755)
    code = f"import runpy, sys; m = runpy.run_path({str(BUILDER)!r}); g = m['main'].__globals__; "
    code += (
        f"g.update(HOME={str(spool)!r}, OPT='{spool}/opt', PROVING=1); sys.exit(g['main'](['prove', 'python', 'one', 'a' * 40]))"
    )
    path = {**os.environ, "PATH": f"{spool}/bin:{os.environ['PATH']}"}
    ended = subprocess.run([sys.executable, "-c", code], env=path, start_new_session=True, timeout=60, check=False)
    assert ended.returncode == -signal.SIGKILL
    pid = int((spool / "one/out/pid").read_text())
    until = time.monotonic() + 30  # it was killed at the same moment, and dies when it is its turn
    with suppress(FileNotFoundError, ProcessLookupError):
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}:
            assert time.monotonic() < until
            time.sleep(0.01)
    with (spool / "one/in/lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_an_environment_as_uv_makes_it_is_handed_over(tmp_path: Path, place: Path) -> None:
    subprocess.run(
        [UV, "venv", "--quiet", "--offline", "--no-config", "--python", "/usr/bin/python3", tmp_path / ".venv"], check=True
    )
    hand(tmp_path / ".venv", place, ".venv")
    assert subprocess.run([place / "bin/python", "-c", ""], check=False).returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can leave what is root's")
def test_byte_code_that_roots_python_left_stops_no_hand_over(spool: Path) -> None:
    """Somebody ran the service's Python as root: neither that package nor one that the release has no more is in the way."""
    built, place = spool / "one/out/.venv", spool / "opt/one/.venv"
    for one in (built / "stays", place / "stays", place / "goes/deep"):
        one.mkdir(parents=True)
        (one / "__init__.py").write_text("")
    (place / "goes/plain").mkdir()
    for path in (built, place):
        for one in (path, *path.rglob("*")):
            os.chown(one, NOBODY, NOBODY)
    for one in (place / "stays/__pycache__", place / "goes/deep/__pycache__"):
        one.mkdir()
        (one / "__init__.cpython-313.pyc").write_text("")
    assert alone(lambda: hand(built, place, ".venv")) == ""
    assert sorted(str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir()) == [
        "goes/deep/__pycache__/__init__.cpython-313.pyc",
        "stays/__init__.py",
        "stays/__pycache__/__init__.cpython-313.pyc",
    ]
    assert not (place / "goes/plain").exists()
    (place / "goes/deep/mine").mkdir()
    (place / "goes/deep/mine/file").write_text("")
    assert "PermissionError" in alone(lambda: hand(built, place, ".venv"))


def test_too_much_is_refused_before_anything_is_touched(built: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hand(built, place)
    (built / "index.html").write_text("<HTML>")
    with (built / "zeros").open("wb") as file:
        file.truncate(1 << 20)
    before = tree(place)
    monkeypatch.setattr(builder, "BYTES", 1 << 20)
    with pytest.raises(builder.Bad, match="bytes were built"):
        hand(built, place)
    assert tree(place) == before


@pytest.mark.parametrize("path", ["a/b/c/one", ".voxgate-draft", "many"])
def test_what_is_too_many_too_deep_or_named_as_ours_is_refused_before_anything_is_touched(
    built: Path, place: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    hand(built, place)
    before, had = tree(place), len(list(built.rglob("*")))
    (built / path).parent.mkdir(parents=True, exist_ok=True)
    (built / path).write_text("one")
    monkeypatch.setattr(builder, "DEEP", 2)
    monkeypatch.setattr(builder, "FILES", had + (0 if path == "many" else 9))
    with pytest.raises(builder.Bad, match="files, or 2 deep, or a name of ours"):
        hand(built, place)
    assert tree(place) == before


def test_what_would_fill_the_disk_is_refused_before_anything_is_touched(
    built: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand(built, place)
    before = tree(place)
    monkeypatch.setattr(builder, "SPARE", 1 << 60)
    hand(built, place)  # what is there already needs no space
    (built / "more").write_text("more")
    with pytest.raises(builder.Bad, match="to spare"):
        hand(built, place)
    assert tree(place) == before


def test_a_file_that_could_not_be_written_leaves_no_draft(built: Path, place: Path) -> None:
    (built / "index.html").write_bytes(b"x" * 5000)

    def cramped() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        hand(built, place)

    assert "File too large" in alone(cramped, nobody=False)
    assert [path.name for path in place.iterdir()] == ["assets"]


@pytest.mark.parametrize(
    "lock", ['"editable" = "."', "source.editable = '.'", '"\\u0065ditable" = "."', 'source = { "directory" = "pkg" }', "\\"]
)
@pytest.mark.parametrize("read", [builder.read_toml, None], ids=["read", "before-3.11"])
def test_a_local_source_is_seen_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lock: str, read: object
) -> None:
    monkeypatch.setattr(builder, "read_toml", read)
    (tmp_path / "uv.lock").write_text(f"[[package]]\n{lock}\n")
    assert builder.ingredients(str(tmp_path), str(tmp_path)) == ""


@pytest.mark.parametrize("name", ["uv.lock", "pyproject.toml", "uv.toml", ".python-version"])
def test_what_is_no_file_makes_no_environment_known(tmp_path: Path, name: str) -> None:
    (tmp_path / "deps").write_text("")
    (tmp_path / name).symlink_to("deps")
    assert builder.ingredients(str(tmp_path), str(tmp_path)) == ""
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    assert builder.ingredients(str(tmp_path), str(tmp_path)) == ""


@pytest.mark.parametrize(
    ("mode", "said"), [(None, "uv is not installed for all accounts of this host"), (0o700, "Permission denied")]
)
def test_a_program_is_tried_where_a_build_runs(spool: Path, monkeypatch: pytest.MonkeyPatch, mode: int | None, said: str) -> None:
    monkeypatch.setattr(builder, "PATH", f"{spool}/bin")
    (spool / "bin").mkdir()
    (spool / "one/in/request.json").write_text('{"do": "tools", "kind": "python", "commit": "", "offline": true, "given": {}}')
    program = spool / "bin/uv"
    if mode is not None:
        program.write_text("#!/bin/sh\necho uv 0.9.9 '(of a day)'\n")
        program.chmod(mode)
    assert alone(lambda: builder.Build("one").whole()) == ""
    assert builder.outcome("one")[0] == builder.MISSING
    assert said in builder.outcome("one")[2]
    program.write_text("#!/bin/sh\necho uv 0.9.9 '(of a day)'\n")
    program.chmod(0o755)
    assert alone(lambda: builder.Build("one").whole()) == ""
    assert builder.outcome("one")[:2] == (0, f"uv 0.9.9 in {program}")


def test_a_filter_of_the_account_s_changes_nothing_that_is_checked_out(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As git-lfs, git-crypt or nbstripout leave it in ~/.gitconfig, for attributes that the release has; so with line ends and
    the modes of what git writes for itself.
    """
    folder, home = tmp_path / "opt/one", tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(
        '[filter "cut"]\nsmudge = sed s/good/evil/\nclean = cat\nrequired = true\n'
        "[core]\nsharedRepository = 0600\nautocrlf = true\n"
    )
    by_hand = {**os.environ, "HOME": str(tmp_path)}

    def git(*words: str, env: dict[str, str] = by_hand) -> str:
        me = ["-c", "user.name=x", "-c", "user.email=x@x"]
        return subprocess.run(
            ["git", *me, *words], cwd=folder, env=env, check=True, capture_output=True, text=True
        ).stdout.strip()

    folder.mkdir(parents=True)
    git("init", "-q")
    (folder / ".gitattributes").write_text("*.txt filter=cut\n")
    (folder / "a.txt").write_text("good\n")
    git("add", ".")
    git("commit", "-qm", "x")
    commit = git("rev-parse", "HEAD")
    (folder / "a.txt").unlink()
    monkeypatch.setenv("HOME", str(home))
    service = replace(load_estate("lab").service("backend"), folder=str(folder))
    step = steps.put_in_place(service, Release(service.repository, commit, "vox-backend-2026.01.01-1"))
    subprocess.run(step.argv, check=True, umask=0o022)
    assert (folder / "a.txt").read_bytes() == b"good\n"
    assert (folder / ".git/HEAD").stat().st_mode & 0o777 == 0o644
    builder.export(str(folder), commit, "one")
    assert (spool / "one/in/tree/a.txt").read_bytes() == b"good\n"
