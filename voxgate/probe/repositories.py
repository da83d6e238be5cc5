"""A git repository read without git: its commits, branches and where it came from."""

from __future__ import annotations

import os
import re
import stat
import struct
from contextlib import ExitStack, suppress
from functools import partial
from itertools import islice
from typing import Callable

from voxgate.probe.base import NAMES_AT_MOST, SMALL_FILE, Trouble
from voxgate.probe.believing import led
from voxgate.probe.folder import Folder, passing_over, place_of
from voxgate.probe.reading import taken

LEADS_AWAY = "(its repository is not its owner's)"
COMMIT = re.compile(r"(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])")
STORES_AT_MOST = 64
PACKS_AT_MOST = 1000
TIPS_AT_MOST = 1000


class Elsewhere(Trouble):
    """Something of somebody's leads to what is not his, or to nothing, which is not told apart: root looks at neither for him."""

    def __init__(self, path: str, leads: os.stat_result | None = None) -> None:
        super().__init__("failed", f"{path}: leads to no folder of its owner's")
        self.leads = (leads.st_dev, leads.st_ino) if leads else None


def entered(name: str, at: Folder, held: ExitStack) -> Folder:
    """A folder in a repository, or the one that a link in its place leads to. Raises Trouble or OSError."""
    found = at.stat(name)
    if found is None or not stat.S_ISLNK(found.st_mode):
        return held.enter_context(Folder(name, at))
    handle = place_of(name, at.fd)
    try:
        return followed(os.readlink("", dir_fd=handle), at, at, os.fstat(handle).st_uid, held)
    finally:
        os.close(handle)


def followed(path: str, base: Folder, at: Folder, owner: int, held: ExitStack) -> Folder:
    """The folder that a link or file of ``owner``'s, which lies in ``at``, says by its way from ``base``: where it is his own; or
    where root says it, in a folder that nobody else can put something into. Raises Elsewhere for any other, Trouble or OSError.
    """
    try:
        handle, _ = led(os.path.join(base.path, path))
    except (OSError, Trouble):
        raise Elsewhere(at.path) from None
    try:
        here, there = os.fstat(at.fd), os.fstat(handle)
        if here.st_uid != 0 or here.st_mode & 0o022 if owner == 0 else there.st_uid != owner:
            raise Elsewhere(at.path, there)
        return held.enter_context(Folder(os.readlink(f"/proc/self/fd/{handle}"), handle=handle))
    finally:
        os.close(handle)


def own_text(name: str, at: Folder) -> tuple[str, int]:
    """What a small file of a folder says, and whose it is. It is its folder's owner's, or anybody may read it: others' could have
    been moved there by who may not. Raises Trouble or OSError.
    """
    with at.open(name) as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.fstat(at.fd).st_uid and not found.st_mode & 0o004:
            raise Trouble("denied", f"{at.path}/{name}: another account's")
        return taken(file, SMALL_FILE, f"{at.path}/{name}").decode(errors="surrogateescape"), found.st_uid


class Objects:
    """The objects of a repository, by its files alone: git would do what the repository's configuration says."""

    def __init__(self, repository: Folder, held: ExitStack) -> None:
        self.stores: list[Folder] = []
        self.others: set[tuple[int, int] | None] = set()  # stores that it names, and that are not its owner's
        self.add(partial(entered, "objects", repository, held))
        for store in self.stores:  # it grows meanwhile
            with passing_over():
                info = entered("info", store, held)
                text, owner = own_text("alternates", info)
                for line in text.splitlines():
                    if line and not line.startswith("#") and "\0" not in line:
                        self.add(partial(followed, line, store, info, owner, held))

    def add(self, find: Callable[[], Folder]) -> None:
        """One more store; one that is not there gives nothing, nor one that is there already."""
        if len(self.stores) + len(self.others) >= STORES_AT_MOST:
            return
        try:
            store = find()
        except Elsewhere as elsewhere:
            self.others.add(elsewhere.leads)
        except (OSError, Trouble):
            return
        else:
            if not any(os.path.sameopenfile(store.fd, other.fd) for other in self.stores):
                self.stores.append(store)

    def borrows_of(self, other: Objects) -> bool:
        """True if it names a store of the other's: then it may have any of its objects."""
        return any((found.st_dev, found.st_ino) in self.others for found in (os.fstat(store.fd) for store in other.stores))

    def any_of(self, ids: set[str]) -> bool:
        """True if one of these is there: by itself, or in a pack."""
        return bool(ids) and any(self.has(store, ids) for store in self.stores)

    def has(self, store: Folder, ids: set[str]) -> bool:
        """True if a store has one of them."""
        for one in ids:
            with suppress(OSError, Trouble), ExitStack() as held:
                if entered(one[:2], store, held).stat(one[2:]):
                    return True
        with passing_over(), ExitStack() as held:
            packs = entered("pack", store, held)
            with os.scandir(packs.fd) as entries:
                names = [entry.name for entry in islice(entries, NAMES_AT_MOST) if entry.name.endswith(".idx")]
            if len(names) > PACKS_AT_MOST:
                raise Trouble("failed", f"{packs.path}: over {PACKS_AT_MOST} packs")
            for name in names:
                with passing_over(), packs.open(name) as index:
                    if any(in_pack(index.fileno(), bytes.fromhex(one)) for one in ids):
                        return True
        return False


def in_pack(fd: int, wanted: bytes) -> bool:
    """True if a pack's index, of either version, has an object: a table of how many begin with up to each byte, then names."""
    table, row, skipped = (8, 20, 0) if os.pread(fd, 8, 0) == b"\xfftOc\0\0\0\2" else (0, 24, 4)
    counts = struct.unpack(">256I", os.pread(fd, 1024, table).ljust(1024, b"\0"))
    low, high = counts[wanted[0] - 1] if wanted[0] else 0, counts[wanted[0]]
    while low < high:
        middle = (low + high) // 2
        name = os.pread(fd, 20, table + 1024 + middle * row + skipped)
        if name == wanted:
            return True
        low, high = (middle + 1, high) if name < wanted else (low, middle)
    return False


def repository_of(folder: Folder, held: ExitStack) -> Folder:
    """The repository of a checkout, a worktree or a bare one. Raises Trouble or OSError."""
    found = folder.stat(".git")
    if found is None:
        place = folder
    elif stat.S_ISREG(found.st_mode):
        text, owner = own_text(".git", folder)
        place = followed(leads_to(text), folder, folder, owner, held)
    else:
        place = entered(".git", folder, held)
    if place.stat("commondir") is None:
        return place
    text, owner = own_text("commondir", place)
    return followed(leads_to(f"gitdir:{text}"), place, place, owner, held)


def leads_to(text: str) -> str:
    """The path that a ``.git`` which is a file names. Raises Trouble where it names none."""
    path = text[len("gitdir:") :].strip() if text.startswith("gitdir:") else ""
    if not path or "\0" in path:
        raise Trouble("unparsable", "a .git names no repository")
    return path


def tips_of(repository: Folder) -> set[str]:
    """The commits that a repository names: of one that is shallow the first is not there."""
    texts = []
    with passing_over():
        texts.append(own_text("HEAD", repository)[0])
    branch = re.fullmatch(r"ref: (refs(?:/(?!\.)[\w.+@-]+)+)\n?", texts[0]) if texts else None
    for name in ("shallow", "packed-refs", *(branch.groups() if branch else ())):
        with passing_over():
            texts.append(own_text(name, repository)[0])
    return {match.group() for text in texts for match in islice(COMMIT.finditer(text), TIPS_AT_MOST)}


def origins(folder: Folder, kind: str) -> set[str]:
    """The last part of each URL in a repository's configuration: the names of the repositories it is a copy of."""
    try:
        if kind == "worktree":  # or a submodule: it says where its repository is
            return {os.path.basename(leads_to(own_text(".git", folder)[0]).split("/.git")[0])}
        with ExitStack() as held:
            text, _ = own_text("config", repository_of(folder, held))
    except Elsewhere:
        return {LEADS_AWAY}
    except BlockingIOError:
        raise
    except (OSError, Trouble):
        return set()
    urls = re.findall(r"^[ \t]*url[ \t]*=[ \t]*(\S+)", text, re.MULTILINE)
    return {re.sub(r"\.git$", "", url.rstrip("/")).rpartition("/")[2].rpartition(":")[2] for url in urls}
