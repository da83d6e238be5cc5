"""``make mutants``: small mistakes put into the rules and into what deploys, one at a time, and whether a unit test sees each.

A sample, by a seed. Each is made in a clone of what is committed and tried by the unit tests that ``make quick`` would take for
its file, up to the first that fails, and where none does by those of what uses that file; a test that fails without any mistake
is left out from then on. There is a clone for each processor. As root they run where they can change nothing of this machine
(namespaces of their own, only the clone and /tmp to be written): what is tried here builds commands that remove files. What
survives is no proof of a gap, as a mistake may change nothing that matters: people read those.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import queue
import random
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.quick import NUMBERS, UNIT, beyond, chosen, git

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "reports" / "mutants.md"
WHERE = ("suites/*.py", "voxgate/deploy/*.py", "voxgate/moves/*.py", "voxgate/contracts/*.py")
_OF_RULES = ("messages", "each_message", "judging", "deploy_rules", "contract_rules", "at_the_edge", "just_in_order")
FIRST = (NUMBERS, *(f"{UNIT}/suites/test_{name}.py" for name in _OF_RULES))
"""The quickest of the tests of the rules: most mistakes end there."""

DEADLINE = 900.0  # seconds for the tests of one mistake
FAILED = 1
OTHER: dict[type[ast.AST], Any] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
APART = """\
mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / &&
mount -t tmpfs tmpfs "$2" && mount -t tmpfs -o mode=755 tmpfs /run && shift 2 && exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: in which file, what kind of one, and which bytes of it become what."""

    path: str
    line: int
    kind: str
    begin: int
    end: int
    new: str

    def made(self, before: str) -> str:
        """The file's text with it."""
        source = before.encode()
        return (source[: self.begin] + self.new.encode() + source[self.end :]).decode()

    def diff(self, before: str) -> str:
        """What is changed, without what is around it."""
        rows = difflib.unified_diff(before.splitlines(), self.made(before).splitlines(), lineterm="", n=0)
        return "\n".join(row for row in rows if not row.startswith(("---", "+++", "@@")))


def mutants(path: str, text: str) -> Iterator[Mutant]:
    """Every mistake that is made of a file."""
    starts = [0]
    for line in text.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node, kind, new in _changes(ast.parse(text)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        yield Mutant(path, node.lineno, kind, begin, end, new)


def _changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str, str]]:
    """What is changed, into what. Not what stands in a text: where it does, Python 3.11 does not say."""
    apart = {inner for node in ast.walk(tree) for passed in _apart(node) for inner in ast.walk(passed)}
    for node in ast.walk(tree):
        if node not in apart:
            yield from _of_node(node)


def _apart(node: ast.AST) -> Iterator[ast.AST]:
    """What no test is meant to see: texts, decorators, annotations, docstrings, what is for the type checker alone."""
    if isinstance(node, ast.JoinedStr):
        yield from node.values
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield from node.decorator_list
    if isinstance(node, ast.FunctionDef) and node.returns is not None:
        yield node.returns
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        yield node.annotation
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        yield node
    if isinstance(node, ast.Assert) and node.msg is None:
        yield node


def _of_node(node: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str, str]]:
    """The mistakes that are made of one place."""
    match node:
        case ast.Compare():
            first = OTHER[type(node.ops[0])]()
            yield node, "comparison turned", f"({ast.unparse(ast.Compare(node.left, [first, *node.ops[1:]], node.comparators))})"
        case ast.BoolOp():
            yield node, "and / or", f"({ast.unparse(ast.BoolOp(OTHER[type(node.op)](), node.values))})"
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            yield test, "condition negated", f"(not ({ast.unparse(test)}))"
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            for more in (1, -1):
                yield node, f"constant {more:+d}", f"({value + more})"
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield node, "value not returned", "return None"
        case ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Expr():
            yield node, "statement removed", "pass"


class Tried:
    """A clone in which mistakes are tried, one at a time; it lies in ``folder``, and there is nothing else to be written. What is
    known of the tests it has from ``other``, and tells it. For what needs a place on whose way nobody else can change anything
    there is a /run.
    """

    def __init__(self, folder: Path, clone: Path, other: Tried | None = None) -> None:
        self.folder, self.clone, self.writes = folder, clone, 0
        # One of its own over /tmp would hide a Python, or a project, that lies there.
        self.tmp = folder / "tmp" if any(Path(one).is_relative_to("/tmp") for one in (sys.prefix, ROOT)) else Path("/tmp")  # noqa: S108
        self.fine: set[str] = other.fine if other else set()  # tests that pass in there without any mistake
        self.apart: set[str] = other.apart if other else set()  # and that fail
        self.tests = {
            path.relative_to(clone).as_posix(): path.read_text("utf-8") for path in sorted((clone / UNIT).rglob("test_*.py"))
        }

    def outcome(self, one: Mutant) -> str:
        """``killed by TEST``, ``survived``, or why nobody can say."""
        nearest = chosen([one.path], self.tests)
        outcome = self._tried(one, self._in_order(one.path, nearest)) if nearest else "survived (no test)"
        further = beyond(one.path, self.tests).difference(nearest) if outcome.startswith("survived") else set()
        return self._tried(one, self._in_order(one.path, further)) if further else outcome

    def _in_order(self, path: str, tests: Iterable[str]) -> list[str]:
        """Those first that see most mistakes in the least time, then those that speak most of it."""
        stem = Path(path).stem
        return sorted(tests, key=lambda test: (test not in FIRST, stem not in test, -self.tests[test].count(stem), test))

    def _tried(self, one: Mutant, tests: list[str]) -> str:
        before = (self.clone / one.path).read_text("utf-8")
        while True:
            self._write(one.path, one.made(before))
            try:
                status, said = self._run("-x", *(f"--deselect={name}" for name in sorted(self.apart.copy())), *tests)
            finally:
                self._write(one.path, before)
            if status is None:
                return "killed by its deadline"
            if status == 0:
                return "survived"
            failed = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+::[^\s\[]+(?:\[.*\])?)(?: - |$)", said, re.MULTILINE)
            if failed is None or status != FAILED:
                fine = self._run("--collect-only", *tests)[0] == 0
                return "killed by an error before any test" if fine else "nobody can say: without it there is an error, too"
            if failed[1] not in self.fine and self._run(failed[1])[0] != 0:
                self.apart.add(failed[1])
                tests = tests[tests.index(failed[1].partition("::")[0]) :]  # those before it have passed
                continue
            self.fine.add(failed[1])
            return f"killed by {failed[1]}"

    def _write(self, path: str, text: str) -> None:
        """With a time of its own: Python's byte code is taken for that of a text of the same second and size."""
        (self.clone / path).write_text(text, "utf-8")
        self.writes += 1
        os.utime(self.clone / path, (time.time() - 100_000 + 2 * self.writes,) * 2)

    def _run(self, *words: str) -> tuple[int | None, str]:
        """Tests in the clone: their exit status, None where they were not done in time, and what they said."""
        for place in (self.folder / "home", self.tmp):
            place.mkdir(exist_ok=True)
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
        if os.geteuid() == 0:
            apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            argv = [*apart, "sh", "-c", APART, "sh", str(self.folder), str(self.tmp), *argv]
        env = {**os.environ, "PYTHONPATH": str(self.clone), "HOME": str(self.folder / "home"), "TMPDIR": str(self.tmp)}
        with subprocess.Popen(
            argv, cwd=self.clone, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        ) as process:
            try:
                said, _ = process.communicate(timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return None, ""
        return process.returncode, said


def page(seed: int, rows: list[tuple[Mutant, str, str]]) -> str:
    """What became of each."""
    killed = sum(outcome.startswith("killed") for _, _, outcome in rows)
    lines = [
        "# Small mistakes, and whether a test sees them",
        "",
        "Made by `make mutants`. Each mistake stood alone in the rules or in what deploys.",
        f"Of {len(rows)} (seed {seed}) {killed} were seen by the unit tests of their file, or of what uses it.",
        "",
        "## Not seen",
    ]
    for one, diff, outcome in rows:
        if not outcome.startswith("killed"):
            lines += ["", f"`{one.path}:{one.line}`, {one.kind}: {outcome}", "", "```diff", diff, "```"]
    lines += ["", "## Seen", "", "| where | mistake | by |", "|---|---|---|"]
    for one, _, outcome in rows:
        if outcome.startswith("killed"):
            lines.append(
                f"| `{one.path}:{one.line}` | {one.kind} | `{outcome.removeprefix('killed by ').replace('|', '')[:150]}` |"
            )
    return "\n".join(lines) + "\n"


def main() -> int:
    """Try a sample, tell each as it is known, and write the page; 0 if all were seen."""
    words = [word for given in sys.argv[1:] for word in shlex.split(given)]  # make gives them as one
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--of", default="", help="only files whose path begins so")
    asked = parser.parse_args(words)
    if git("status", "--porcelain"):
        print("mutants: something is not committed, and would not be tried\n  hint: commit it first")  # noqa: T201
        return 2
    paths = [path for path in git("ls-files", *WHERE) if path.startswith(asked.of)]
    texts = {path: (ROOT / path).read_text("utf-8") for path in paths}
    every = [one for path, text in texts.items() for one in mutants(path, text)]
    sample = random.Random(asked.seed).sample(every, min(asked.count, len(every)))  # noqa: S311 - no secret
    rows: list[tuple[Mutant, str, str]] = []
    places, tried = queue.SimpleQueue[Tried](), None

    def outcome(one: Mutant) -> str:
        place = places.get()
        try:
            return place.outcome(one)
        finally:
            places.put(place)

    jobs = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="mutants-", dir="/var/tmp") as folder, ThreadPoolExecutor(jobs) as pool:
        for number in range(jobs):
            clone = Path(folder) / str(number) / "clone"
            subprocess.run(["git", "clone", "-q", "--shared", str(ROOT), str(clone)], check=True)
            tried = Tried(clone.parent, clone, tried)
            places.put(tried)
        for number, (one, said) in enumerate(zip(sample, pool.map(outcome, sample), strict=True), 1):
            diff = one.diff(texts[one.path])
            rows.append((one, diff, said))
            print(f"{number} of {len(sample)}: {one.path}:{one.line}, {one.kind}: {said}\n{diff}", flush=True)  # noqa: T201
            PAGE.write_text(page(asked.seed, rows), "utf-8")  # of as many as were tried, should somebody end it
    return 0 if all(said.startswith("killed") for _, _, said in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
