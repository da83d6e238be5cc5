"""The probe as one file: its modules joined, so that it travels over one connection and is installed as one program.

Half of the processor time of a short look was spent on compiling that file. So its text stands in it as one string, which costs
nothing to read, and root keeps it compiled, for this very text and this very Python, where root alone can write.

How a module has to look, for that: its imports stand at its beginning, from other modules of the probe always as
``from voxgate.probe.NAME import ..``, and no name at its top level is another module's too. Tests hold all of that.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

PACKAGE = Path(__file__).parent
MARK = "# ---- "
_HEAD = """#!/usr/bin/python3 -IS
# {about}

import sys

sys.dont_write_bytecode = True
TEXT = r'''
"""
_END = "'''"
_INNER = """from __future__ import annotations

{imports}
"""
# Only root's own file in root's own folder is believed, whole, and only of this text and this Python. Where the program is
# imported, or comes from memory, it is compiled.
_TAIL = """'''


def compiled():
    from hashlib import sha256
    from marshal import dumps, loads
    from os import O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY, fdopen, fstat, geteuid, getpid, lstat, makedirs, open, rename

    def make():
        return compile("\\n" * {line} + TEXT, globals().get("__file__", "voxgate-probe"), "exec", dont_inherit=True)

    if __name__ != "__main__" or "PROGRAM" in globals() or geteuid() != 0:
        return make()
    folder = "/var/lib/voxgate-probe"
    path = "%s/program.%s.%x" % (folder, sha256(TEXT.encode()).hexdigest()[:32], sys.hexversion)
    try:
        makedirs(folder, mode=0o700, exist_ok=True)
        place = lstat(folder)
        if place.st_mode & 0o170022 != 0o040000 or place.st_uid != 0:
            return make()
        with fdopen(open(path, O_NOFOLLOW), "rb") as file:
            if (fstat(file.fileno()).st_mode & 0o170077, fstat(file.fileno()).st_uid) == (0o100000, 0):
                kept = file.read(1 << 24)
                if sha256(kept[32:]).digest() == kept[:32]:
                    return loads(kept[32:])
    except OSError:
        pass
    code = make()
    try:
        kept, draft = dumps(code), "%s.%d" % (path, getpid())
        with fdopen(open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600), "wb") as file:
            file.write(sha256(kept).digest() + kept)
        rename(draft, path)
    except OSError:
        pass
    return code


exec(compiled())
if __name__ == "__main__":
    # Not sys.exit: a thread that hangs in the kernel must not keep the program.
    os._exit(main())
"""
_OURS = re.compile(r"from voxgate\.probe\.(\w+) import ")
_LINE = re.compile(r"\bin line ([0-9]{1,6}) of the probe\b")
_FUTURE = "from __future__ import annotations\n"


@cache
def program() -> bytes:
    """The probe as it runs on a host: the same bytes for the same modules, whoever builds it."""
    about = (PACKAGE / "__init__.py").read_text(encoding="utf-8").strip().strip('"')
    head = _HEAD.replace("{about}", about.replace("\n", "\n# ").replace("# \n", "#\n"))
    return (head + text() + _TAIL.replace("{line}", str(head.count("\n") - 1))).encode()


@cache
def text() -> str:
    """The text of its modules, one after the other. Raises ValueError for one that cannot stand in a string."""
    needs: dict[str, list[str]] = {}
    bodies: dict[str, str] = {}
    imports: set[str] = set()
    for path in sorted({*PACKAGE.glob("[a-z]*.py")} - {Path(__file__)}):
        outer, needs[path.stem], bodies[path.stem], _ = _parted(path.read_text(encoding="utf-8"))
        imports |= outer
    order = TopologicalSorter({name: sorted(needs[name]) for name in sorted(needs)}).static_order()
    joined = "".join(f"\n\n{MARK}{name}.py\n\n{bodies[name]}" for name in order)
    if _END in joined:
        msg = "three single quotes in a module of the probe: it cannot be joined"
        raise ValueError(msg)
    return _INNER.format(imports="\n".join(sorted(imports))) + joined


@cache
def digest() -> str:
    """The sha256 of these bytes, in hexadecimal digits."""
    return hashlib.sha256(program()).hexdigest()


def placed(words: str) -> str:
    """What this probe said of a mistake of its own, with the file and line of the package in the place of the built file's."""
    return _LINE.sub(lambda found: f"in {origin(int(found[1]))} of the probe", words)


def origin(line: int) -> str:
    """Where a line of the built file stands in the package, as ``keys.py:31``; a line of none as ``line 3``."""
    built = program().decode().splitlines()[:line]
    if _END in built:
        return f"line {line}"
    start = next((at for at in range(len(built), 0, -1) if built[at - 1].startswith(MARK)), 0)
    if not start:
        return f"line {line}"
    name = built[start - 1][len(MARK) :]
    return f"{name}:{_parted((PACKAGE / name).read_text(encoding='utf-8'))[3] + line - start - 1}"


def _parted(source: str) -> tuple[set[str], list[str], str, int]:
    """A module's imports from outside, the modules of the probe that it uses, its text behind both, and the lines before that."""
    before, _, rest = source.partition(_FUTURE)
    outer: set[str] = set()
    inner: list[str] = []
    lines = rest.splitlines(keepends=True)
    at = 0
    while at < len(lines) and lines[at].startswith(("import ", "from ", "\n")):
        end = at + 1
        while "".join(lines[at:end]).count("(") > "".join(lines[at:end]).count(")"):
            end += 1
        statement, at = "".join(lines[at:end]), end
        ours = _OURS.match(statement)
        if ours:
            inner.append(ours.group(1))
        elif statement.strip():
            outer.add(statement.rstrip())
    return outer, inner, "".join(lines[at:]), before.count("\n") + 1 + at
