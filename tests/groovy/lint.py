"""The Jenkinsfiles by npm-groovy-lint: ``python -m tests.groovy.lint [FILE ..]``, without a file all of them.

Its exit status is not believed: it is 0 where Java was killed, and where it read no file. What counts is its report, and
that every file stands in it.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voxgate.contracts.estates import cache_folder
from voxgate.errors import VoxgateError
from voxgate.transport import local
from voxgate.transport.clients.npm import Recipe, Run, install, node_and_npm

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / ".groovylintrc.json"
RECIPE = Recipe(
    name="npm-groovy-lint",
    folder=Path(__file__).resolve().parent,
    cli=Path("node_modules/npm-groovy-lint/lib/index.js"),
)
DEADLINE = 180.0
"""Seconds for installing it, and again for running it."""

# It runs for seconds: what the second compiler and a parallel collector would win later is never earned.
_JAVA = "-Xmx512m,-XX:TieredStopAtLevel=1,-XX:+UseSerialGC,-XX:-UsePerfData"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that the lint says of a file."""

    path: Path
    line: int
    severity: str
    rule: str
    message: str

    def __str__(self) -> str:
        """One line, with a place that an editor can open."""
        path = self.path.relative_to(ROOT) if self.path.is_relative_to(ROOT) else self.path
        return f"{path}:{self.line}: {self.severity}: {self.message} [{self.rule}]"


def jenkinsfiles() -> list[Path]:
    """What is linted: the gate's own, those under pipelines/, and those of the lab's services."""
    own = (ROOT / "lab/services").glob("*/Jenkinsfile")
    return [ROOT / "Jenkinsfile", *sorted((ROOT / "pipelines").glob("Jenkinsfile*")), *sorted(own)]


def installed(*, run: Run = local.run, cache: Path | None = None) -> Path:
    """The folder with npm-groovy-lint as the lock pins it. Raises VoxgateError if npm cannot install it."""
    return install(RECIPE, cache or cache_folder(), *node_and_npm(), run=run, deadline=DEADLINE)


def lint(files: Sequence[Path], *, run: Run = local.run, cache: Path | None = None) -> list[Finding]:
    """What the lint finds in ``files``. Raises VoxgateError if it cannot be said of each of them."""
    if missing := [path for path in files if not path.is_file()]:
        raise VoxgateError("no such file", where=str(missing[0]))
    java = shutil.which("java")
    if java is None:
        raise VoxgateError("no Java on this machine", why="npm-groovy-lint runs in it", hint="make lint-groovy installs it")
    argv = [str(node_and_npm()[0]), str(installed(run=run, cache=cache) / RECIPE.cli), "--config", str(CONFIG)]
    # Without a server nothing lives on; with a Java that is named none is fetched.
    argv += ["--noserver", "--javaexecutable", java, f"--javaoptions={_JAVA}", "--output", "json"]
    ended = run([*argv, *(str(path.resolve()) for path in files)], deadline=DEADLINE, cwd=ROOT)
    try:
        report = json.loads(ended.stdout)["files"]
    except (ValueError, KeyError, TypeError):
        raise VoxgateError("npm-groovy-lint gave no report", why=_words(ended.stderr), hint="it needs Java 17 or newer") from None
    if unread := [path for path in files if str(path.resolve()) not in report]:
        raise VoxgateError("npm-groovy-lint did not read it", where=str(unread[0]), why=_words(ended.stderr))
    found = [
        Finding(Path(path), int(one["line"]), one["severity"], one["rule"], one["msg"].split("\n")[0])
        for path, said in report.items()
        for one in said["errors"]
    ]
    if ended.exit_status != 0 and not found:
        raise VoxgateError("npm-groovy-lint failed", why=f"exit status {ended.exit_status}: {_words(ended.stderr)}")
    return sorted(found)


def _words(stderr: bytes) -> str:
    """What a failure said, without the traces of Java and Node."""
    lines = (line.strip() for line in stderr.decode("utf-8", "replace").splitlines())
    return " ".join(line for line in lines if line and not line.startswith("at "))[:300] or "it said nothing"


def main(words: Sequence[str]) -> int:
    """Lint, and say what was found, a line each."""
    files = [Path(word) for word in words] or jenkinsfiles()
    try:
        found = lint(files)
    except VoxgateError as error:
        print(f"lint-groovy: {error.text}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    for one in found:
        print(one)  # noqa: T201
    print(f"npm-groovy-lint: {len(found) or 'nothing'} found in {len(files)} Jenkinsfiles")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
