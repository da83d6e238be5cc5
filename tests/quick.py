"""``make quick``: the unit tests of what is changed, by what they name. All of them are ``make unit``.

Changed is what differs from main, committed or not, and what git does not know yet; on main itself, from the commit before.
A test belongs to a module that it imports, else to what uses that module; to a suite of which it names a rule; and to a module of
the probe of which it names a function, as the probe is tested as one file. So are the other programs that run on hosts, each by
tests of its own.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tests.limits import ROOMS

ROOT = Path(__file__).resolve().parents[1]
UNIT = "tests/unit"
ONE_FILE = {
    "voxgate/probe/": [f"{UNIT}/survey/test_built_probe.py"],
    "voxgate/deploy/on_host/": [
        *(f"{UNIT}/hosts/test_{name}.py" for name in ("own_part", "own_work", "held", "state")),
        *(f"{UNIT}/test_{name}.py" for name in ("on_host", "ledger_chain", "since_done")),
        f"{UNIT}/report/test_causes.py",
    ],
    "voxgate/moves/builder/": [f"{UNIT}/test_{one}.py" for one in ("building", "builds", "handed_over", "programs_of_a_home")],
}
"""Packages that run as one file, and the tests of all of it."""
NUMBERS = f"{UNIT}/test_limits_page.py"
"""The test of what is told of all modules of some rooms."""
_RULE = re.compile(r"^def test_(\w+)", re.MULTILINE)
_TOP = re.compile(r"^(?:def|class) (\w+)|^([A-Z_]+)\b", re.MULTILINE)


def git(*words: str) -> list[str]:
    """The lines that git prints."""
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def changed() -> list[str]:
    """Files that are there and differ, from the top of the project."""
    here, main = git("rev-parse", "HEAD"), git("rev-parse", "--verify", "main")
    since = "HEAD~1" if here == main else git("merge-base", "HEAD", "main")[0]
    return sorted({*git("diff", "--name-only", "--diff-filter=d", since), *git("ls-files", "--others", "--exclude-standard")})


def chosen(paths: Iterable[str], sources: dict[str, str]) -> list[str]:
    """The test files, of ``sources`` (path to text), that are changed themselves or name what is."""
    found: set[str] = set()
    for path in paths:
        if path in sources:
            found.add(path)
            continue
        if of_all := next((tests for package, tests in ONE_FILE.items() if path.startswith(package)), None):
            found |= {*of_all, f"{UNIT}/test_one_file.py"}
        if path.endswith(".py") and path.startswith(tuple(ROOMS)):
            found.add(NUMBERS)
        if path.startswith("voxgate/probe/"):
            names = [one or other for one, other in _TOP.findall((ROOT / path).read_text("utf-8"))]
            word = re.compile(rf"\b(?:probe\.|\"|')(?:{'|'.join(names)})\b") if names else re.compile(r"(?!)")
            found |= {test for test, text in sources.items() if word.search(text)}
        elif path.endswith(".py") and path.startswith(("voxgate/", "lab/")):
            found |= using(path, sources)
        elif path.startswith(("suites/", "schemas/", "hosts/")):
            found |= {test for test in sources if test.startswith(f"{UNIT}/suites/") or "catalogue" in test or "estates" in test}
            rules = _RULE.findall((ROOT / path).read_text("utf-8")) if path.startswith("suites/") and path.endswith(".py") else []
            named = [rule.replace("_", "-") for rule in rules]
            found |= {test for test, text in sources.items() if any(name in text for name in named)}
        elif path in _helpers():
            found |= {test for test, text in sources.items() if _imports(text, path)}
        elif path.endswith(".md"):
            found |= {test for test, text in sources.items() if Path(path).name in text}
    return sorted(found)


@cache
def _modules() -> dict[str, str]:
    """Every module that may use another, path to text."""
    return {one: (ROOT / one).read_text("utf-8") for one in git("ls-files", "voxgate/*.py", "lab/*.py", "suites/*.py")}


@cache
def _helpers() -> dict[str, str]:
    """What tests share, path to text."""
    paths = git("ls-files", "tests/*.py", f"{UNIT}/*.py")
    return {one: (ROOT / one).read_text("utf-8") for one in paths if not Path(one).name.startswith(("test_", "conftest"))}


@cache
def _shared(text: str) -> tuple[str, ...]:
    """The texts of what a test imports of that."""
    return tuple(shared for one, shared in _helpers().items() if _imports(text, one))


def _tests(text: str, path: str) -> bool:
    """Whether a test imports a module, or shares what does."""
    return _imports(text, path) or any(_imports(shared, path) for shared in _shared(text))


def using(path: str, sources: dict[str, str]) -> set[str]:
    """The tests that import a module; where none does, those of what uses it, and so on."""
    modules = _modules()
    waiting, known = {path}, {path}
    while waiting:
        found = {test for test, text in sources.items() if any(_tests(text, one) for one in waiting)}
        found |= (
            {test for test in sources if test.startswith(f"{UNIT}/suites/")}
            if any("suites/" in one for one in waiting)
            else set()
        )
        if found:
            return found
        waiting = {one for one, text in modules.items() if one not in known and any(_imports(text, path) for path in waiting)}
        known |= waiting
    return set()


def beyond(path: str, sources: dict[str, str]) -> set[str]:
    """The tests of what uses a module, whatever tests it has itself."""
    users = {one for one, text in _modules().items() if one != path and _imports(text, path)}
    return set(chosen(sorted(users), sources))


def _imports(text: str, path: str) -> bool:
    """Whether a module's text imports another, on however many lines."""
    package, _, module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".").rpartition(".")
    if module not in text or package not in text:  # most have neither word, and this is a hundred times as fast
        return False
    return re.search(rf"\b{re.escape(package)}(?:\.{module}\b| import (?:\([^)]*|[^\n]*)\b{module}\b)", text) is not None


def main() -> int:
    """Run them; 0 where there is none."""
    sources = {path: (ROOT / path).read_text("utf-8") for path in git("ls-files", f"{UNIT}/**/test_*.py", f"{UNIT}/test_*.py")}
    found = chosen(changed(), sources)
    if not found:
        print("no unit test is of what is changed")  # noqa: T201 - a command's answer
        return 0
    return subprocess.run([sys.executable, "-m", "pytest", "-q", "-n", "2", *found], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
