"""The build itself, in the sandbox, as ``voxbuild``."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from typing import List, NoReturn

from voxgate.moves.builder.base import OPEN, TOOLS, folder_at, folder_of, path_of, read, where, write
from voxgate.moves.builder.folders import clear, empty, usable
from voxgate.moves.builder.ingredients import has_local

MARKED = 1 << 20  # characters of what a program said, in which its own marks are looked for
MISSING = 127  # as a shell tells of a program that is not there, or cannot be started


class Build:
    """One build: its programs, one after the other, each with its output in the file ``said``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tree = folder_of(name)
        self.out = where(name, "out")
        self.request = read(where(name, "in", "request.json"))
        self.notes: List[str] = []
        cache = where(name, "cache")
        self.env = {
            **os.environ, "PATH": path_of(name), "HOME": "/tmp/home", "LC_ALL": "C.UTF-8", "NO_COLOR": "1", "CI": "true",  # noqa: S108
            "UV_CACHE_DIR": cache + "/uv", "UV_LINK_MODE": "copy", "UV_NO_PROGRESS": "1", "UV_PYTHON_DOWNLOADS": "never",
            "UV_PYTHON_PREFERENCE": "only-system", "npm_config_cache": cache + "/npm",
        }  # fmt: skip

    def prepare(self) -> None:
        """Nothing of an earlier build is left but the caches, which are usable: what it planted, it planted for itself."""
        for path in (self.tree, self.out):
            empty(path)
        mend(where(self.name, "cache"))
        os.makedirs(self.env["HOME"], exist_ok=True)
        shutil.copytree(where(self.name, "in", "tree"), self.tree, symlinks=True, dirs_exist_ok=True)

    def run(self, *argv: str) -> int:
        """One program in the tree."""
        with open(os.path.join(self.out, "said"), "ab") as said:
            try:
                ended = subprocess.run(
                    argv, cwd=self.tree, env=self.env, stdin=subprocess.DEVNULL, stdout=said, stderr=said, check=False
                )
            except OSError as error:
                words = (
                    "is not installed for all accounts of this host" if isinstance(error, FileNotFoundError) else error.strerror
                )
                said.write(("error: %s %s\n" % (argv[0], words)).encode())
                return MISSING
        return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode  # as a shell tells of a signal

    def said(self) -> str:
        """What was said so far."""
        with open(os.path.join(self.out, "said"), encoding="utf-8", errors="replace") as file:
            return file.read(MARKED)

    def tools(self) -> int:
        """The programs of a build, each tried, with what it says of its version and where it is."""
        for name in TOOLS[self.request["kind"]]:
            self.forget()
            status = self.run(name, "--version")
            if status != 0:
                return status
            version = (self.said().split("\n")[0].split() or ["?"])[:2]
            at = self.request["given"].get(name) or shutil.which(name, path=path_of(self.name))
            self.notes.append("%s %s in %s" % (name, version[-1].lstrip("v"), at))
        return 0

    def forget(self) -> None:
        """What was said by a program that is tried in another way."""
        with open(os.path.join(self.out, "said"), "wb"):
            pass

    def python(self) -> int:
        """uv, without any code of a package where wheels are all there is."""
        more = ["--offline"] if self.request["offline"] else []
        sync = ["uv", "sync", "--locked", "--no-dev", *more]
        status = self.run(*sync, "--no-build")
        if status != 0 and re.search(r"--no-build|[Bb]uilding source distributions is disabled", self.said()):
            names = set(re.findall(r"[Dd]istribution `([\w.-]+)", self.said()))
            self.forget()
            status = self.run(*sync)
            names |= set(re.findall(r"^\s*Built ([\w.-]+)", self.said(), re.MULTILINE))
            self.notes.append("builds %s from source" % (", ".join(sorted(names)) or "a package"))
        return status

    def dry(self) -> int:
        """Whether uv would have to download anything. Its dry run ends with 0 then too: it only says so. Of a package of the
        release's own it knows only once it is built, so such a release is installed, here where nobody runs it.
        """
        with open(os.path.join(self.tree, "uv.lock"), "rb") as file:
            if has_local(file.read()):
                return self.python()
        status = self.run("uv", "sync", "--locked", "--offline", "--dry-run", "--no-dev")
        missing = [line for line in self.said().splitlines() if "Would download" in line]
        return status or (3 if missing else 0)

    def static(self) -> int:
        """npm, without the scripts of packages where none has any."""
        with open(os.path.join(self.tree, "package-lock.json"), encoding="utf-8") as file:
            packages = json.load(file).get("packages", {})
        names = sorted(
            path.rpartition("node_modules/")[2] or "the release"
            for path, row in packages.items()
            if row.get("hasInstallScript") and "linux" in row.get("os", ["linux"])
        )
        more = ["--offline"] if self.request["offline"] else []
        if names:
            self.notes.append("runs install scripts of %s" % ", ".join(names))
        else:
            more.append("--ignore-scripts")
        status = self.run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", *more)
        return status or self.run("npm", "run", "build")

    def whole(self) -> None:
        """All of it; its outcome is in ``result.json``."""
        if self.request["do"] == "tools":
            empty(self.out)
        else:
            self.prepare()
        work = {
            ("tools", "python"): self.tools,
            ("tools", "static"): self.tools,
            ("install", "python"): self.python,
            ("prove", "python"): self.dry,
            ("install", "static"): self.static,
        }
        status = work[self.request["do"], self.request["kind"]]()
        write(os.path.join(self.out, "result.json"), {"exit": status, "note": "; ".join(self.notes)})


def mend(cache: str) -> None:
    """A build may have taken itself the right to its cache, or left a pipe there: whoever reads it would fail or wait for ever.
    A cache that cannot be walked is emptied.
    """

    def fail(error: OSError) -> NoReturn:
        raise error

    os.chmod(cache, OPEN)
    try:
        for name in ("uv", "npm"):
            clear(name, folder_at(cache), keep=stat.S_ISDIR)
        for top, folders, names in os.walk(cache, onerror=fail):
            for path in [os.path.join(top, one) for one in folders + names]:
                found = os.lstat(path)
                if stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode):
                    usable(path, None, found)
                elif not stat.S_ISLNK(found.st_mode):
                    os.unlink(path)
    except (OSError, RecursionError):
        empty(cache)
