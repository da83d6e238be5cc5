"""The system's libraries that a process has loaded, against the packages that brought them."""

from __future__ import annotations

import glob
import os
from contextlib import suppress
from typing import Iterable

from voxgate.probe.cache import HashCache
from voxgate.probe.dpkg import DPKG, ROOTS_OF_USR, whole_md5_of
from voxgate.probe.request import Service

LIBRARY_FOLDERS = ("/usr/lib/", "/usr/lib64/", "/usr/lib32/", "/lib/", "/lib64/")


def library_flaws(service: Service, loaded: Iterable[str]) -> dict[str, str]:
    """What is wrong with files of the system's that are run: they are not as a package of the distribution has them. That one is
    as it should be is kept as long as it is the same file. Nothing where there is no dpkg.
    """
    cache, keys = HashCache("libraries", service, "md5"), {}
    for path in loaded:
        if path.startswith(LIBRARY_FOLDERS):
            with suppress(OSError):  # it is gone: that is told otherwise
                row = os.stat(path)
                keys[path] = [row.st_dev, row.st_ino, row.st_size, row.st_mtime_ns, row.st_ctime_ns]
    asked = {path for path, key in keys.items() if cache.word(path, key) is None}
    noted = sums_of(asked) if asked else {}
    found = {}
    for path in asked if noted else ():
        if path not in noted:
            found[path] = "is run, and no package of this host has it"
        elif whole_md5_of(path) not in noted[path]:
            found[path] = "is not as its package has it"
        else:
            cache.note(path, keys[path], keys[path][-1] / 1e9, "packaged")
    cache.keep()
    return found


def sums_of(paths: set[str]) -> dict[str, set[str]]:
    """The md5 of each of these, as dpkg has noted it for whichever packages; at the empty path dpkg's own files. Empty where
    there is no dpkg.
    """
    wanted = {}
    for path in paths:
        wanted[os.fsencode(path[1:])] = path
        if path.startswith("/usr/") and path[5:].startswith(ROOTS_OF_USR):
            wanted[os.fsencode(path[5:])] = path
    found: dict[str, set[str]] = {}
    for note in glob.iglob(f"{glob.escape(DPKG)}/info/*.md5sums"):
        found.setdefault("", set()).add(note)
        with open(note, "rb") as file:
            for line in file.read().split(b"\n"):
                path = wanted.get(line[34:], "")
                if path:
                    found.setdefault(path, set()).add(line[:32].decode("ascii", "replace"))
    return found
