"""Every checkout, project and package on the host that is a copy of a service's."""

from __future__ import annotations

import errno
import os
import pwd
import re
import stat
import time
from contextlib import ExitStack, suppress
from typing import Any, Iterable, Iterator

from voxgate.probe.accounts import caller, seeing_as
from voxgate.probe.base import LONGEST_PATH, Job, Trouble
from voxgate.probe.folder import NO_FILES, UNREADABLE, Folder, fingerprint, passing_over
from voxgate.probe.known_folders import ANY_CODE, BARE, SIGNS, KnownFolders, LookedInto, read_in
from voxgate.probe.mounts import plain_path
from voxgate.probe.places import name_of
from voxgate.probe.programs import NO_CONFIGURATION, git
from voxgate.probe.reading import rows_of
from voxgate.probe.repositories import COMMIT, Objects, origins, own_text, repository_of, tips_of
from voxgate.probe.request import Service
from voxgate.probe.ways import leads_callers_eyes

COPY_ROOTS = ("/",)
FOLDERS_AT_MOST = 5_000_000  # a store of recordings alone has hundreds of thousands, at some 15 us each for the first time
SEARCH = 28.0  # seconds, of which each look does so much; what it found out is kept, and the next one goes on
COPIES_AT_MOST = 200
PROJECT_NAME = re.compile(r"""^[ \t]*(?:name[ \t]*=|"name"[ \t]*:)[ \t]*["']([A-Za-z0-9._@/-]{1,100})["']""", re.MULTILINE)
LOCK_AT_MOST = 64 * 1024 * 1024  # bytes: a file of holes can have any size, and takes its time
STEPS_AT_MOST = 200  # to a folder whose path is longer than the kernel takes: what lies deeper is not searched, and told


def copies(services: list[Service], accounts: frozenset[int] = frozenset()) -> dict[str, Any]:
    """Every checkout on this host besides the services' own, bare ones and worktrees too, by path and origin; every project
    folder by the name in its project file; every copy of a service's Python package. What an engine keeps for containers
    is the engines' matter, and a folder of one of ``accounts``, by which the stores run, is a store's data.
    """
    own = {service.folder for service in services}
    ours = ids_of(own)
    modules = {name: service.name for service in services for name in modules_in(service.folder)}
    found: list[dict[str, Any]] = []
    count, folders = 0, KnownFolders(modules.keys())
    with ExitStack() as held:
        known: list[Ours] = []
        for path, names in folders_to_search(own, accounts, folders):
            count += 1
            if UNREADABLE in names:
                found.append({"path": path[:LONGEST_PATH], "kind": UNREADABLE, "names": [], "same": []})
            elif not names or (path not in own and is_one_of(path, ours)):
                continue
            elif path not in own and (names & SIGNS or (names >= BARE and not path.endswith("/.git"))):
                try:
                    with passing_over(), held_by_steps(path) as folder:  # gone, or moved, meanwhile
                        rows = list(copy_in(folder, names))
                        known = known or [Ours(row, held) for row in services if rows and os.path.isdir(row.folder)]
                        same = same_as(folder, names, known) if rows else []
                        found += [{**row, "same": same} for row in rows]
                except BlockingIOError:
                    found.append({"path": path[:LONGEST_PATH], "kind": UNREADABLE, "names": [], "same": []})
            parent, _, name = path.rpartition("/")
            if name in modules and ANY_CODE in names and parent not in own and not is_one_of(parent, ours):
                found.append({"path": path, "kind": "package", "names": [name], "same": [modules[name]]})
            if len(found) > COPIES_AT_MOST:
                raise Trouble("failed", f"over {COPIES_AT_MOST} checkouts and projects: not all of them were looked at")
    return {"folders": count + folders.passed, "found": found}


def accounts_of(stores: list[str], services: list[Service], found: Job) -> frozenset[int]:
    """The accounts that the stores' units run by, and nobody else has code by; none where the processes cannot be told: then
    all is searched.
    """
    rows = found.result().get("value", []) if stores else []
    people = {person.pw_name: person.pw_uid for person in pwd.getpwall()}
    others = {people.get(name) for service in services for name in (service.owner, service.user or service.owner)} | {0}
    return frozenset({row["uid"] for row in rows if row["unit"] in stores} - others)


def folders_to_search(own: set[str], accounts: frozenset[int], known: KnownFolders) -> Iterator[tuple[str, set[str]]]:
    """Each folder where a copy may lie, and the telling names in it, but for those known to be empty; no link is followed.
    Somebody may move folders meanwhile: what is read in one is read in what ``held_by_steps`` finds there. Of one that root
    cannot look into, or that lies too deep, the name is ``UNREADABLE``. Raises Trouble where they are too many for one look.
    """
    left = {f"{folder}/{name}" for folder in own for name in (".venv", "node_modules", "dist", "builds")}
    left |= {"/var/lib/docker", "/var/lib/containerd", "/var/lib/containers", "/run/containerd", "/run/docker"}
    left |= {f"/var/lib/voxbuild/{name_of(folder)}/{part}" for folder in own for part in ("in/tree", "tree", "cache")}
    mounted = is_made_up()
    left |= {"/proc", *(path for path, made_up in mounted.items() if made_up)}
    ours = ids_of(own)
    inodes = {inode for _, inode in ours}  # by the inode that its folder has for it, most are none of ours without a look
    waiting = [path for path in COPY_ROOTS if os.path.isdir(path) and not os.path.islink(path)]
    tops, until = frozenset(waiting), time.monotonic() + SEARCH
    waiting += [path for path in within_made_up(mounted) if path not in left and path.startswith(COPY_ROOTS)]
    for count in range(FOLDERS_AT_MOST):
        known.done(len(waiting))
        if not waiting:
            known.keep()
            return
        in_time(until, known, count)
        path = waiting.pop()
        try:
            names, below, found = looked_into(path, known, accounts if path not in tops else frozenset())
            if below:
                known.begin(found, len(waiting))
            top = path.rstrip("/")
            for name, inode in below.items():
                inner = f"{top}/{name}"
                if inner not in left and (inode not in inodes or inner in own or not is_one_of(inner, ours)):
                    waiting.append(inner)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, Trouble):
            if os.geteuid() != 0:  # then most of a host cannot be looked into, and the whole is no answer
                raise
            names = {UNREADABLE}
        yield path, names
    if waiting:
        raise Trouble("failed", f"over {FOLDERS_AT_MOST} folders: not all of them were searched")


def in_time(until: float, known: KnownFolders, count: int) -> None:
    """Raises Trouble where it is too late to go on; what was found out is kept."""
    if count % 50 == 0 and time.monotonic() > until:
        known.keep(ended_early=True)
        searched = f"{count + known.passed} folders were searched in {SEARCH:.0f} s"
        raise Trouble("timeout", f"{searched}, and that was not all of them")


def ids_of(folders: Iterable[str]) -> set[tuple[int, int]]:
    """The device and inode of each of these folders that is there, wherever it lies: on another volume, behind a link."""
    found = set()
    for folder in folders:
        with suppress(OSError):
            row = os.stat(folder)
            found.add((row.st_dev, row.st_ino))
    return found


def is_one_of(path: str, ours: set[tuple[int, int]]) -> bool:
    """True for a folder that is one of ours, by another path: it is one copy then, not two."""
    with suppress(OSError):
        row = os.lstat(path)
        return (row.st_dev, row.st_ino) in ours
    return False


def looked_into(path: str, known: KnownFolders, accounts: frozenset[int]) -> LookedInto:
    """The same as ``read_in``, however long the path is, or as it is known. Raises OSError, FileNotFoundError also for a folder
    of one of these accounts; Trouble where the path is too long for us.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        if path.count("/") > STEPS_AT_MOST:
            raise Trouble("failed", "a folder that lies too deep") from None
        with held_by_steps(path) as folder:
            return of_held(folder.fd, path, known, accounts)
    try:
        return of_held(fd, path, known, accounts)
    finally:
        os.close(fd)


def of_held(fd: int, path: str, known: KnownFolders, accounts: frozenset[int]) -> LookedInto:
    """The same of a folder that is held."""
    known.began = time.time()
    found = os.fstat(fd)
    if found.st_uid in accounts:
        raise FileNotFoundError
    row = None if path.rpartition("/")[2] in known.packages else known.of(found)  # what tells there is by its name
    return read_in(fd, found, path, known) if row is None else (*row, found)


def is_made_up() -> dict[str, bool]:
    """Each place where something is mounted, True where that is a file system without files of anybody's: mounted by root, who
    alone can, but for those of FUSE. Of several at one place the last one counts: so a disk lies over its own automount.
    """
    rows = [line.split(" - ", 1) for line in rows_of("/proc/self/mountinfo")]
    mounts = [(plain_path(row[0].split()[4]), row[1].split()) for row in rows if len(row) == 2]
    return {
        path: (kind in NO_FILES and (not kind.startswith("fuse.") or "user_id=0" in options.split(",")))
        or (kind == "squashfs" and path.startswith("/snap/"))
        for path, (kind, *_, options) in mounts
    }


def within_made_up(mounted: dict[str, bool]) -> Iterator[str]:
    """Where something else is mounted in one of these: no search comes there by itself. A map of automounts has all of its so."""
    for path, made_up in mounted.items():
        above = os.path.dirname(path)
        while above not in mounted and above != "/":
            above = os.path.dirname(above)
        if not made_up and mounted.get(above, False):
            yield path


def modules_in(folder: str) -> list[str]:
    """The Python packages that lie at the top of a folder: without its name a copy of one does not run. What a link leads to is
    not looked at: that would tell its owner whether it is there.
    """
    found = []
    with suppress(FileNotFoundError, Trouble), Folder(folder) as root:
        for name in os.listdir(root.fd):
            with suppress(OSError, Trouble), Folder(name, root) as package:
                row = package.stat("__init__.py")
                if row is not None and name != "tests" and not stat.S_ISDIR(row.st_mode):
                    found.append(name)
    return found


def held_by_steps(path: str) -> Folder:
    """A folder held open, found from the root on step by step: no link is followed on the whole way."""
    at = Folder("/")
    for part in filter(None, path.split("/")):
        with at:
            at = Folder(part, at)
    return at


def locks_of(folder: Folder, names: Iterable[str]) -> set[str]:
    """The hashes of the locks in a folder: a copy's is the same. Read with the rights of who asks: he could put another's file in
    a lock's place, and compare it with one of his own words.
    """
    found = set()
    with seeing_as(caller()):
        for name in {"uv.lock", "package-lock.json"}.intersection(names):
            with passing_over():
                row = folder.stat(name)
                if row is not None and row.st_size <= LOCK_AT_MOST:
                    found.add(fingerprint(folder, name)[1])
    return found


class Ours:
    """What a copy of a service's project shares with it, whatever it is called: commits, a lock."""

    def __init__(self, service: Service, held: ExitStack) -> None:
        self.name = service.name
        self.firsts: set[str] = set()
        self.objects: Objects | None = None
        self.locks: set[str] = set()
        with passing_over():  # it may lie behind a link: by its name a copy is found all the same
            root = held.enter_context(Folder(leads_callers_eyes(service.folder)))
            self.locks = locks_of(root, ("uv.lock", "package-lock.json"))
            self.objects = Objects(repository_of(root, held), held)
            ended = git(["rev-list", "--max-parents=0", "--all"], root, 3.0, NO_CONFIGURATION)
            self.firsts = set(COMMIT.findall(ended.out)) if ended.status == 0 else set()


def same_as(folder: Folder, names: set[str], known: list[Ours]) -> list[str]:
    """The services of whose project a folder is a copy: it has the first commit, or what it has checked out is one of theirs, or
    the lock is the same. It is only read: by root, who runs nothing there and believes nothing.
    """
    locks = locks_of(folder, names)
    found = {one.name for one in known if locks & one.locks}
    with passing_over(), ExitStack() as held:
        repository = repository_of(folder, held) if names & {".git", "objects"} else None
        if repository:
            objects, tips = Objects(repository, held), tips_of(repository)
            found |= {one.name for one in known if one.objects and (objects.borrows_of(one.objects) or one.objects.any_of(tips))}
            found |= {one.name for one in known if objects.any_of(one.firsts)}
    return sorted(found)


def copy_in(folder: Folder, names: set[str]) -> Iterator[dict[str, Any]]:
    """What a folder is a copy of, judged by what lies in it."""
    kind = "bare" if names >= BARE else ""
    if ".git" in names:
        kind = "worktree"
        found = folder.stat(".git")
        if found is not None and not stat.S_ISREG(found.st_mode):
            kind = "checkout"
    if kind:
        names_told = sorted(origins(folder, kind))
        if kind != "worktree" or names_told:  # uv's cache has an empty file of that name, against searches from below
            yield {"path": folder.path, "kind": kind, "names": names_told}
    if any(part in f"{folder.path}/" for part in ("/node_modules/", "/site-packages/", "/usr/share/nodejs/")):
        return
    for file in {"pyproject.toml", "package.json"} & names:
        project = None
        with passing_over():
            project = PROJECT_NAME.search(own_text(file, folder)[0])
        if project:
            yield {"path": folder.path, "kind": "project", "names": [project.group(1)]}
