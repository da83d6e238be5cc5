"""The probe on byte code as marshal writes it, and on the files that uv writes itself."""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import pwd
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.built import probe
from tests.late import writing_late

from .conftest import service

FIELDS = probe.CODE_FIELDS["new" if sys.version_info >= (3, 11) else "old"]

# Byte code that takes whoever unmarshals it: a text whose length runs behind the end, a set that holds itself, references.
CRASHING = (
    b"",
    b"c",
    b"\xf3",
    b"z\xff",
    b"(\xff\xff\xff\x7f",
    b"(\xff\xff\xff\xff",
    b"u\xff\xff\xff\x7fx",
    b"l\xff\xff\xff\x7f",
    b"r\0\0\0\0",
    b"\xa9\x01r\0\0\0\0",
    b"\xbe\x01\0\0\0r\0\0\0\0",
    b")\x01" * 100_000 + b"N",
    b"{NN0",
    b"[\x01\0\0\0N",
)


@pytest.mark.parametrize("code", CRASHING, ids=lambda code: repr(code[:8]))
def test_byte_code_that_is_no_code_is_other(code: bytes) -> None:
    made = marshal.dumps(compile("A = 1\n", "x", "exec"))
    for given in (code, made + code if code else made[:-1], made[:40] + code + made[40:] if code else made[1:]):
        assert not probe.ByteCodes.alike(given, made, FIELDS)
    for at in range(len(made)):
        assert not probe.ByteCodes.alike(made[:at], made, FIELDS)


SOURCES = (
    "A = 1\n",
    "A = 'caf\xe9', '\u20ac', 'a', b'a', 1.5, -0.0, 1j, 2**70, -2**70, None, True, False, ...\n",
    "def f(x):\n    return x in {1, 2, 'a', 'b', None}\n",
    "class A:\n    x: int = 1\n    async def f(self, *a, b=1, **c):\n        return [y for y in a if y is not self]\n",
    "A = 'one'\nB = 'one'\nC = ('one', 'one', ('one', 2))\n",
)
CHANGED = (("1", "2"), ("'a'", "'c'"), ("None", "True"), ("x", "z"), ("'one'", "b'one'"), ("-0.0", "0.0"), ("int", "str"))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_byte_code_is_the_same_however_it_is_written(source: str, level: int) -> None:
    def code(text: str, name: str = "x") -> bytes:
        return marshal.dumps(compile(text, name, "exec", dont_inherit=True, optimize=level))

    unshared = marshal.dumps(marshal.loads(code(source)), 2)  # nothing referred to, nothing interned  # noqa: S302
    assert unshared != code(source)
    for same in (code(source, "/another/name.py"), unshared, marshal.dumps(marshal.loads(code(source)))):  # noqa: S302
        assert probe.ByteCodes.alike(same, code(source), FIELDS)
    for old, new in CHANGED:
        other = source.replace(old, new, 1)
        if other != source:
            assert not probe.ByteCodes.alike(code(other), code(source), FIELDS), other


CONSTANTS: tuple[object, ...] = (
    None, True, False, ..., StopIteration, 1, 2**70, 1.5, 1j, b"a", "a", "caf\xe9", "a" * 300, (), (1,), frozenset(),
    frozenset((1,)), compile("A = None", "x", "exec"),
)  # fmt: skip


@pytest.mark.parametrize("constant", CONSTANTS, ids=lambda constant: repr(constant)[:20])
def test_a_reference_is_to_what_python_takes_it_for(constant: Any) -> None:
    """What is marked as to be referred to counts for Python by its kind: one that is counted here alone shifts all others."""
    written = bytearray(marshal.dumps(constant))
    for mark in (0, 0x80):
        written[0] = written[0] & 0x7F | mark
        head = b"(\4\0\0\0" + bytes(written) + b"\xda\4deny\xda\5allow"
        for number in range(6):
            given = head + b"r" + struct.pack("<i", number)
            for value in ("deny", "allow", constant):
                made = marshal.dumps((constant, "deny", "allow", value))
                if probe.ByteCodes.alike(given, made, FIELDS):
                    assert marshal.loads(given) == marshal.loads(made), (number, value)  # noqa: S302


PACKAGES = ("asyncio", "email", "json", "unittest", "xml")


def test_what_imports_and_compileall_write_is_the_byte_code_of_its_sources(tmp_path: Path) -> None:
    """Whoever wrote it, in whichever process: how often an object is referred to differs, and the order of sets."""
    for package in PACKAGES:
        origin = Path(json.__file__).parents[1] / package
        shutil.copytree(origin, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "test"))
    environment = {"PYTHONPATH": str(tmp_path), "PYTHONHASHSEED": "7"}
    imports = f"import {', '.join(PACKAGES)}, email.mime.text, xml.dom.minidom, xml.etree.ElementTree, asyncio.taskgroups"
    compiling = ["-m", "compileall", "-q", "-o", "0", "-o", "1", "-o", "2", "--invalidation-mode", "checked-hash", str(tmp_path)]
    for argv in (["-c", imports], compiling):
        subprocess.run([sys.executable, *argv], env=environment, check=True, timeout=120)
        compared = [
            (cached, probe.ByteCodes.alike(cached.read_bytes()[16:], of_source(cached), FIELDS))
            for cached in sorted(tmp_path.rglob("*.pyc"))
        ]
        assert [cached.name for cached, same in compared if not same] == []
        assert len(compared) > 50


def of_source(cached: Path) -> bytes:
    """What this Python makes of the source beside byte code."""
    match = probe.PYC.fullmatch(cached.name)
    assert match is not None
    source = cached.parent.parent / f"{match.group(1)}.py"
    return marshal.dumps(compile(source.read_bytes(), "x", "exec", dont_inherit=True, optimize=int(match.group(2) or 0)))


PYTHON = "/usr/bin/python3"
# What code of the folder tries, as the account that a look starts it by: to hold the end of the pipe where the compiler answers.
THIEF = """
import ctypes, os
print("ready", flush=True)
mark = ", ".join(("import base64", "importlib.util", "marshal")).encode()
while True:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if mark not in file.read(4096):
                    continue
            compiler = os.pidfd_open(int(pid))
        except OSError:
            continue
        print("held" if ctypes.CDLL(None).syscall(438, compiler, 1, 0) >= 0 else "refused", flush=True)
        raise SystemExit
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@contextmanager
def running(code: str, uid: int) -> Iterator[subprocess.Popen[str]]:
    """A program that another account runs meanwhile, ready."""
    argv = [PYTHON, "-I", "-S", "-c", code]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, user=uid, group=uid, extra_groups=[], cwd="/") as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def compiled(source: Path, code: str) -> Path:
    """Byte code whose header says that it is of this source."""
    found = source.stat()
    head = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(found.st_mtime), found.st_size)
    cached = source.parent / "__pycache__" / f"{source.stem}.{sys.implementation.cache_tag}.pyc"
    cached.parent.mkdir(exist_ok=True)
    cached.write_bytes(head + marshal.dumps(compile(code, str(source), "exec", dont_inherit=True)))
    return cached


@pytest.fixture
def app(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A service's folder whose Python is the system's."""
    monkeypatch.setattr(probe, "CACHE", str(place / "cache"))
    monkeypatch.setattr(sys, "executable", PYTHON)
    (place / "app/.venv/bin").mkdir(parents=True)
    (place / "app/.venv/bin/python").symlink_to(PYTHON)
    return place / "app"


def codes_of(folder: Path) -> Any:
    """What compares the byte code of a folder."""
    return probe.ByteCodes(service(folder), probe.HashCache("tree", service(folder)))


def others(folder: Path) -> list[str]:
    """Byte code of this folder that is not of its source."""
    codes = codes_of(folder)
    for place in sorted(folder.rglob("__pycache__")):
        with probe.Folder(str(place)) as held:
            for cached in sorted(place.iterdir()):
                assert codes.takes(held, cached.name, str(cached.relative_to(folder)))
    found: list[str] = codes.others()
    return found


@as_root
def test_code_of_the_folder_cannot_answer_for_the_compiler(app: Path) -> None:
    """What a look starts of the folder runs as nobody. While it lives, it reaches for what compiles."""
    slow = "A = [" + "(1, 'a', b'c', 2.5)," * 60_000 + "]\n"  # until somebody has seen it
    (app / "m.py").write_text(slow)
    cached = compiled(app / "m.py", "A = 2\n")
    with running(THIEF, pwd.getpwnam("nobody").pw_uid) as thief:
        assert others(app) == [str(cached.relative_to(app))]
        assert thief.communicate(timeout=30)[0] == "refused\n"


@as_root
def test_where_two_files_exchange_what_stands_in_them_byte_code_is_known_by_that(
    app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on XFS: whatever a look says of a file but its content, stays."""
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    monkeypatch.setattr(probe.ByteCodes, "key", lambda *_: ["as it was"])
    (app / "m.py").write_text("A = 1\n")
    cached = compiled(app / "m.py", "A = 1\n")
    monkeypatch.setattr(probe, "swapping_devices", lambda: {app.stat().st_dev})
    os.chown(cached, 1, 1)
    assert others(app) == []
    with monkeypatch.context() as again:  # what is the very same is not compiled again
        again.setattr(probe, "run", None)
        assert others(app) == []
    compiled(app / "m.py", "A = 2\n")
    os.chown(cached, 1, 1)
    assert others(app) == [str(cached.relative_to(app))]


@as_root
def test_byte_code_that_comes_late_is_compared_again(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written when its times have moved long ago: nothing but its content tells of it."""
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    (app / "m.py").write_text("A = 1\n")
    forged = compiled(app / "m.py", "A = 2\n").read_bytes()
    cached = compiled(app / "m.py", "A = 1\n")
    os.chown(cached, 1, 1)
    with writing_late(cached, forged) as come:
        assert others(app) == []
        come()
        assert cached.read_bytes() == forged
        assert others(app) == [str(cached.relative_to(app))]


@as_root
def test_what_was_compared_is_what_lay_there(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a look reads, somebody moves the folder of byte code beside another source, of the same size and time, and back."""
    monkeypatch.setattr(probe, "SETTLED", -1.0)
    for name, text in (("a", "A = 1\n"), ("b", "A = 2\n")):
        (app / name).mkdir()
        (app / name / "m.py").write_text(text)
        os.utime(app / name / "m.py", (1, 1))
    cached = compiled(app / "b/m.py", "A = 2\n")
    (app / "b/__pycache__").rename(app / "a/__pycache__")
    forged = f"a/__pycache__/{cached.name}"
    opened = probe.Folder.open

    def moving(folder: Any, name: str) -> Any:
        if not name.startswith(".."):
            return opened(folder, name)
        (app / "a/__pycache__").rename(app / "b/__pycache__")
        try:
            return opened(folder, name)
        finally:
            (app / "b/__pycache__").rename(app / "a/__pycache__")

    with monkeypatch.context() as moved:
        moved.setattr(probe.Folder, "open", moving)
        assert others(app) == []
    assert others(app) == [forged]
    one, other = os.stat_result((1, 2, 3, 1, 0, 0, 6, 1, 1, 1)), os.stat_result((1, 4, 3, 1, 0, 0, 6, 1, 1, 1))
    assert codes_of(app).key(one, one) != codes_of(app).key(one, other)  # the kernel's clock goes in steps: all times are one


STATUS = "print(open('/proc/self/status').read(), end='')"


@as_root
def test_what_runs_apart_runs_as_a_user_that_there_is_not() -> None:
    users = set()
    for _ in range(20):
        said = probe.run([PYTHON, "-I", "-S", "-c", STATUS], 30, apart=True).out
        rows = {key: value.split() for key, _, value in (line.partition(":") for line in said.splitlines())}
        (uid,) = set(rows["Uid"])
        assert set(rows["Gid"]) == set(rows["Groups"]) == {uid}
        with pytest.raises(KeyError):
            pwd.getpwuid(int(uid))
        users.add(uid)
    assert len(users) == 20


@as_root
def test_a_number_is_nobody_elses_also_where_there_are_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sixteen numbers the upper half has an account, a process and what an account was given; one is left."""
    rows = {"/etc/subuid": ["# no row\n", "deploy:1210:3\n", "x:y:z\n", "\n"]}
    read = probe.rows_of
    monkeypatch.setattr(probe, "rows_of", lambda path: iter(rows[path]) if path in rows else read(path))
    known = pwd.getpwuid
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: known(0) if uid == 1208 else known(uid))
    with (
        running("import time; print('ready', flush=True); time.sleep(600)", 1209),
        running("import os, time; os.setuid(1214); print('ready', flush=True); time.sleep(600)", 0),
        running("import os, time; os.setresuid(1215, 1215, 1213); print('ready', flush=True); time.sleep(600)", 0),
        pytest.raises(probe.Trouble, match="there is no number for a user"),
    ):
        probe.nobody_elses((1200, 1216))
    assert {probe.nobody_elses((1200, 1216)) for _ in range(100)} == {1209, 1213, 1214, 1215}


def test_the_numbers_that_a_user_can_have_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    first, end = probe.uids_here()
    assert first <= os.getuid() < end
    rows = ["         0       1000          1\n", "         1     100000      65536\n"]
    monkeypatch.setattr(probe, "rows_of", lambda _: iter(rows))
    assert probe.uids_here() == (1, 65537)


UV_TEXTS = (
    '"""Patches that are applied at runtime to the virtual environment."""\n\nimport os\n\nsys.meta_path.insert(0, _Finder())\n'
)


def test_a_file_of_uv_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "uv").write_bytes(b"\x7fELF lib_virtualenv.py" + UV_TEXTS.encode() + b"_virtualenv.pthimport _virtualenvevent")
    (tmp_path / "uv").chmod(0o755)
    monkeypatch.setattr(probe, "PATH", str(tmp_path))
    assert probe.of_uv("x/_virtualenv.py", UV_TEXTS)
    assert probe.of_uv("x/_virtualenv.pth", "import _virtualenv")
    for at in range(len(UV_TEXTS)):
        assert not probe.of_uv("x/_virtualenv.py", UV_TEXTS[:at])
        assert not probe.of_uv("x/_virtualenv.py", UV_TEXTS[at + 1 :])
        assert not probe.of_uv("x/_virtualenv.pth", UV_TEXTS[at : at + 30])
    for other in (UV_TEXTS.replace("os", "so"), UV_TEXTS * 2, f"{UV_TEXTS}_virtualenv.pth", UV_TEXTS[:71] + UV_TEXTS):
        assert not probe.of_uv("x/_virtualenv.py", other)
    for other in ("import _virtualenv\n", "import _virtualenvevent", " import _virtualenv", "import _virtual", ""):
        assert not probe.of_uv("x/_virtualenv.pth", other)
