"""The probe on byte code as marshal writes it, and on the files that uv writes itself."""

from __future__ import annotations

import json
import marshal
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.built import probe

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
