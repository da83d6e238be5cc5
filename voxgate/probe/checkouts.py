"""HEAD, origin, and every file of a checkout by its content."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from typing import Any, Callable, Iterator

from voxgate.probe.accounts import account, caller, seeing_as
from voxgate.probe.base import BYTES_AT_MOST, DEADLINE, FILES_AT_MOST, Job, Trouble
from voxgate.probe.byte_code import ByteCodes, closed_by_root
from voxgate.probe.cache import HashCache
from voxgate.probe.folder import UNREADABLE, Folder, fingerprint
from voxgate.probe.mounts import mounted_in
from voxgate.probe.programs import git_each, last_words
from voxgate.probe.request import Service
from voxgate.probe.rights import Writers
from voxgate.probe.times import moved_at

MOUNTED = "mounted"  # stands for what another file system, or another folder, lies over
LEFT_OUT_FOLDERS = {".git", ".ruff_cache", ".pytest_cache", ".mypy_cache"}
LEFT_OUT_FILES = {".env", ".git"}  # .git is a file in a worktree
INSTALLED_FOLDERS = {"python": {".venv"}, "static": {"node_modules", "dist", "builds"}}
INSTALLED_FILES: dict[str, set[str]] = {"python": set(), "static": {"dist"}}  # dist is the published link

ASKED_OF_GIT = [
    ["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"],
    ["ls-remote", "--get-url", "origin"],
    ["config", "--list", "--name-only", "--show-origin", "-z"],
]


def outside_of(service: Service) -> Callable[[str, str, bool], bool]:
    """True for what may lie in this service's checkout beside the commit's files: what its own installation puts there. In a
    Python service a folder of another kind's can be imported. Byte code may lie there too, but is looked into.
    """
    folders = LEFT_OUT_FOLDERS | INSTALLED_FOLDERS[service.kind]
    files = LEFT_OUT_FILES | INSTALLED_FILES[service.kind] | {*service.envs, *service.beside}
    return lambda prefix, name, is_folder: not prefix and name in (folders if is_folder else files)


def checkout(service: Service) -> dict[str, Any]:
    """HEAD and origin as git says them, and every file of the tree by its content, whatever git thinks of it."""
    git = Job(lambda: head_and_origin(service.folder))
    codes = ByteCodes(service, HashCache("tree", service))
    writers = Writers(service.owner)
    told: dict[str, Any] = {"owner": "", "tree": {}, "changed": 0.0, "loose": writers.found}
    told["tree"].update({path: ["special", ""] for path in codes.found_by(tree_of(service, codes, told, writers))})
    writers.around(service.folder)
    return {**git.value(), **told}


def tree_of(service: Service, codes: ByteCodes, told: dict[str, Any], writers: Writers) -> Iterator[None]:
    """Every file of the tree into ``told``, read with the rights of who asks: the hash of what he may not read would confirm his
    guesses at it. What is mounted in it is told and not looked into: who mounts can show us other than the service has. A stop
    wherever byte code has to be compared.
    """
    tree: dict[str, list[str]] = told["tree"]
    total = 0

    def denied(folder: Folder, name: str, path: str) -> None:
        found = folder.stat(name)
        if found and not (name == "__pycache__" and closed_by_root(found)):
            tree[path] = ["special", UNREADABLE]

    def enter(folder: Folder, path: str) -> None:
        writers.enter(folder, path)
        if path and not path.endswith("__pycache__/"):  # of the folder itself the ways of the processes that stand in it tell
            told["changed"] = max(told["changed"], moved_at(os.fstat(folder.fd)))

    beside, mounted = outside_of(service), mounted_in(service.folder)
    tree.update({path: ["special", MOUNTED] for path in mounted})
    with Folder(service.folder) as root:
        told["owner"] = account(os.fstat(root.fd).st_uid)
        of_git(root, writers)
        for folder, name, path in root.walk(
            lambda *one: f"{one[0]}{one[1]}" in mounted or beside(*one), denied=denied, enter=enter
        ):
            try:
                _, cached, code = f"/{path}".partition("/__pycache__/")
                if cached and "/" not in code and codes.takes(folder, name, path):  # Python makes no folder below
                    if codes.enough():
                        yield
                    continue
                found = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            except PermissionError:  # its folder's names may be read, and nothing else of it
                tree[path] = ["special", UNREADABLE]
                continue
            total += found.st_size
            if len(tree) >= FILES_AT_MOST or total > BYTES_AT_MOST:
                raise Trouble("failed", f"{service.folder}: over {FILES_AT_MOST} files or {BYTES_AT_MOST} bytes")
            tree[path] = blob(folder, name, found)
            writers.see(folder, name, path, found)
            told["changed"] = max(told["changed"], found.st_ctime)
        with suppress(PermissionError):
            head = root.stat(".git/HEAD")
            told["changed"] = max(told["changed"], head.st_ctime if head else 0.0)
        writers.walked(tree)


def of_git(root: Folder, writers: Writers) -> None:
    """Who could change what git itself runs or reads there: its own folder, and what lies at the top of it."""
    found = root.stat(".git")
    if found is None:
        return
    writers.see(root, ".git", ".git", found)
    with suppress(PermissionError, Trouble), Folder(".git", root) as own:
        for name in os.listdir(own.fd):
            row = own.stat(name)
            if row is not None:
                writers.see(own, name, f".git/{name}", row)


def blob(folder: Folder, name: str, found: os.stat_result) -> list[str]:
    """Git's mode and id of one file as it is on disk. A file that who asks may not read has the id ``unreadable``."""
    if stat.S_ISLNK(found.st_mode):
        target = os.fsencode(os.readlink(name, dir_fd=folder.fd))
        return ["120000", hashlib.sha1(b"blob %d\0" % len(target) + target).hexdigest()]
    if not stat.S_ISREG(found.st_mode):
        return ["special", ""]
    mode = "100755" if found.st_mode & 0o100 else "100644"
    try:
        return [mode, fingerprint(folder, name, "sha1")[1]]
    except PermissionError:
        return [mode, UNREADABLE]


def head_and_origin(folder: str) -> dict[str, Any]:
    """Three words of git, asked as the folder's owner, by whose configuration too: that is what the next fetch goes by."""
    with Folder(folder) as root:
        ended = git_each(ASKED_OF_GIT, root, DEADLINE - 1)
        head, *more = ended.out.split("\0", 2)
        lines = head.split()
        if not more or len(lines) != 2 or not re.fullmatch(r"[0-9a-f]{40}", lines[0]):
            raise Trouble("failed", f"git rev-parse HEAD ended with {ended.status}: {last_words(ended.err, 1)}")
        if ended.status != 0:
            what = "ls-remote --get-url origin" if len(more) == 1 else "config --list"
            raise Trouble("failed", f"git {what}: {last_words(ended.err, 1)}")
        return {
            "head": lines[0],
            "detached": lines[1] == "HEAD",
            "origin": more[0].strip(),
            "settings": settings_of(more[1]),
            "hooks": hooks_for_caller(root),
        }


def settings_of(listed: str) -> list[str]:
    """The names of git's settings, those of the account or the system behind ``account ``. A file is the repository's where git
    names it from there, or it says that it is one's.
    """
    words_said = listed.split("\0")
    rows = [(words_said[at], words_said[at + 1]) for at in range(0, len(words_said) - 1, 2)]
    own = {origin for origin, key in rows if not origin.startswith("file:/") or key == "core.repositoryformatversion"}
    return sorted({key if origin in own else f"account {key}" for origin, key in rows if not origin.startswith("command line:")})


def hooks_for_caller(root: Folder) -> list[str]:
    """The same as ``hooks``, as far as who asks may look: a folder of another's could have been moved there."""
    try:
        with seeing_as(caller()):
            return hooks(root)
    except PermissionError:
        return [UNREADABLE]


def hooks(root: Folder) -> list[str]:
    """The programs that git runs by itself in this repository: whatever git takes for one; its own samples it does not."""
    if root.stat(".git/hooks") is None:
        return []
    with Folder(".git", root) as place, Folder("hooks", place) as found:
        rows = {name: found.stat(name) for name in os.listdir(found.fd) if not name.endswith(".sample")}
    return sorted(name for name, row in rows.items() if row and (stat.S_ISLNK(row.st_mode) or row.st_mode & 0o111))
