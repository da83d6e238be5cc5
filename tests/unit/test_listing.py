"""A folder by the digests of its files, a list of them as sha256sum has it, files read below a folder; and what a lock pins."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from voxgate.contracts import manifest, uv_lock
from voxgate.contracts.manifest import digests_of, dir_hash, read_below, read_file, read_text, text_of, within
from voxgate.errors import ContractError


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files and a link, in two folders."""
    (tmp_path / "top/a/b").mkdir(parents=True)
    (tmp_path / "top/z").write_text("12345")
    (tmp_path / "top/a/b/one").write_text("123")
    (tmp_path / "top/a/link").symlink_to("../z")
    return tmp_path / "top"


def test_a_folder_is_its_files_by_their_digests(folder: Path) -> None:
    found = digests_of(folder)
    assert list(found.items()) == [("a/b/one", digest("123")), ("a/link -> ../z", digest("../z")), ("z", digest("12345"))]
    assert list(digests_of(folder, ["z", "one"])) == ["a/b/one", "a/link -> ../z"]
    listed = text_of(found)
    assert listed.decode().splitlines()[0] == f"{digest('123')}  a/b/one"
    assert read_text(listed) == found
    assert dir_hash(found) == sha256(listed).hexdigest()
    assert within(found, "a") == {"b/one": digest("123"), "link -> ../z": digest("../z")}
    assert within(found, "b") == {}


def test_what_sha256sum_writes_and_checks_is_that_list(folder: Path) -> None:
    (folder / "a/link").unlink()
    (folder / "SHA256SUMS").write_bytes(text_of(digests_of(folder)))
    assert subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=False).returncode == 0


@pytest.mark.parametrize(
    ("limit", "most", "why"),
    [
        ("MOST_FILES", 3, "a/b/one|more than 2 files"),
        ("DEEPEST", 2, "|more than 1 folders deep"),
        ("MOST_BYTES", 8, "more than 0 GiB"),
    ],
)
def test_as_much_as_may_be_is_listed_and_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, why: str
) -> None:
    monkeypatch.setattr(manifest, limit, most)
    assert len(digests_of(folder)) == 3
    monkeypatch.setattr(manifest, limit, most - 1)
    with pytest.raises(ContractError) as caught:
        digests_of(folder)
    assert (caught.value.what, caught.value.why) == ("this folder cannot be listed", why.rpartition("|")[2])


@pytest.mark.parametrize("name", ["a\nb", "a -> b"])
def test_a_name_that_no_list_can_say_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("")
    with pytest.raises(ContractError) as caught:
        digests_of(folder)
    assert (caught.value.what, caught.value.why) == ("this folder cannot be listed", "its name cannot stand in a list")


def test_what_is_no_file_is_not_listed(folder: Path) -> None:
    os.mkfifo(folder / "a/pipe")
    with pytest.raises(ContractError) as caught:
        digests_of(folder)
    assert caught.value.line == "a/pipe: this is no file: a pipe, a socket or a device"
    with pytest.raises(ContractError, match="gone: this folder cannot be listed: No such file or directory"):
        digests_of(folder / "gone")


def test_a_file_is_read_whole_and_no_part_of_its_way_is_a_link(folder: Path) -> None:
    assert read_file(folder / "z", 5) == read_below(folder, "z", 5) == b"12345"
    assert read_below(folder, "a/b/one", 3) == b"123"
    (folder / "around").symlink_to("a")
    os.mkfifo(folder / "pipe")
    for name, line in (
        ("z", f"{folder}/z: this file is too large: more than 4 bytes"),
        ("a", f"{folder}/a: this is no file"),
        ("pipe", f"{folder}/pipe: this is no file"),
        ("gone", f"{folder}/gone: this file cannot be read: No such file or directory"),
        ("a/link", f"{folder}/a/link: this file cannot be read: Too many levels of symbolic links"),
        ("around/b/one", f"{folder}/around/b/one: this file cannot be read: Not a directory"),
    ):
        with pytest.raises(ContractError) as caught:
            read_below(folder, name, 4)
        assert caught.value.line == line


def test_who_reads_files_holds_none_of_them_open(folder: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    read_below(folder, "a/b/one", 3)
    digests_of(folder)
    with pytest.raises(ContractError):
        read_below(folder, "a/b/gone", 3)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"x\n", "a line is of another form"),
        (b"%s a\n" % (b"0" * 64), "a line is of another form"),
        (b"%s  a\n" % (b"G" * 64), "a line is of another form"),
        (b"%s  a" % (b"0" * 64), "a name stands twice, or its last line is cut"),
        (b"%s  a\n" % (b"0" * 64) * 2, "a name stands twice, or its last line is cut"),
    ],
)
def test_what_is_no_list_of_digests_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_text(body, "x")
    assert caught.value.line == f"x: this is no list of digests: {why}"
    assert read_text(b"") == {}


LOCK = """
[[package]]
name = "b"
version = "1.0"
source = { registry = "https://x" }
[[package]]
name = "a"
version = "2"
source = { git = "https://x/y?rev=main#0123456789abcdef" }
[[package]]
name = "own"
version = "3"
source = { editable = "." }
[[package]]
name = "none"
"""
PINNED = [["b", "1.0"], ["a", "2 @0123456789ab"], ["none", ""]]


def test_a_lock_s_packages_are_those_that_are_not_the_repository_s_own() -> None:
    assert uv_lock.packages(LOCK) == PINNED
    assert uv_lock.packages("") == []
    for source in ("virtual", "directory"):
        assert uv_lock.packages(f'[[package]]\nname = "own"\nsource = {{ {source} = "x" }}\n') == []


NO_LOCKS = {
    "package = 1": "package is no list",
    "package = [1]": "a package has no name",
    '[[package]]\nversion = "1"': "a package has no name",
    "[[package]]\nname = 1": "a package has no name",
    '[[package]]\nname = "a"\nsource = "x"': "a package has no name",
}


@pytest.mark.parametrize("lock", NO_LOCKS)
def test_what_is_no_lock_is_refused(lock: str) -> None:
    with pytest.raises(ValueError, match=f"^{NO_LOCKS[lock]}$"):
        uv_lock.packages(lock)


def read(lock: bytes) -> tuple[int, str, str]:
    """As the gate has it read: by a process of its own."""
    done = subprocess.run([sys.executable, "-I", uv_lock.__file__], input=lock, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_lock_is_read_by_a_process_that_says_what_is_wrong_in_a_line() -> None:
    assert read(LOCK.encode()) == (0, '[["b", "1.0"], ["a", "2 @0123456789ab"], ["none", ""]]\n', "")
    assert read(b"package = 1") == (1, "", "package is no list\n")
    status, said, line = read(b"\xff")
    assert (status, said, line.count("\n")) == (1, "", 1)
    status, said, line = read(b"x = " + b"[" * 100_000)
    assert (status, said, line.count("\n")) == (1, "", 1)
    status, said, line = read(b"x = {}\n[x.%s]\n" % (b"y" * 300))
    assert (status, said, len(line)) == (1, "", 200 + len("\n"))


def test_who_reads_a_lock_ends_where_it_needs_more_than_its_limits() -> None:
    """TOML can be written so that nobody gets to its end, and so that no memory holds what is meant."""
    after = (
        "status = uv_lock.main(); import resource as of; print(status, of.getrlimit(of.RLIMIT_CPU), of.getrlimit(of.RLIMIT_AS))"
    )
    code = f"import sys; sys.path.insert(0, {str(Path(uv_lock.__file__).parent)!r}); import uv_lock; {after}"
    done = subprocess.run([sys.executable, "-I", "-c", code], input=b"", capture_output=True, check=True)
    assert done.stdout.decode() == "[]\n0 (5, 5) (1073741824, 1073741824)\n"
