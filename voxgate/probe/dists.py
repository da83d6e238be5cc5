"""What is published of a static site."""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from typing import Any

from voxgate.probe.accounts import as_caller
from voxgate.probe.base import BYTES_AT_MOST, FILES_AT_MOST, Trouble
from voxgate.probe.folder import UNREADABLE, Folder, fingerprint
from voxgate.probe.request import Service
from voxgate.probe.rights import Writers

ESCAPED = {"\\": "\\", "n": "\n", "r": "\r"}


def dist(service: Service) -> dict[str, Any]:
    """What is published, read with the rights of who asks: the hash of what he may not read would confirm his guesses at it."""
    writers = Writers(service.owner, "dist/")
    told: dict[str, Any] = as_caller(lambda: published(service, writers))
    return {**told, "loose": writers.found}


def published(service: Service, writers: Writers) -> dict[str, Any]:
    """What is published: where the link points, each file below it, and what the build itself said they must be; when the
    last of these was changed, and when the link was made. Nothing is listed where the link leaves ``builds/``: then its target
    says enough.
    """
    with Folder(service.folder) as root:
        found = root.stat("dist")
        if found is None:
            raise Trouble("missing", f"{service.folder}/dist: not there")
        if not stat.S_ISLNK(found.st_mode):
            with Folder("dist", root) as place:
                return {
                    "target": "",
                    "files": sizes(place, writers)[0],
                    "built": None,
                    "changed": 0.0,
                    "published": found.st_ctime,
                }
        target = os.readlink("dist", dir_fd=root.fd)
        inside = os.path.relpath(os.path.join(service.folder, target), service.folder).split("/")
        if len(inside) != 2 or inside[0] != "builds":
            return {"target": target, "files": {}, "built": None, "changed": 0.0, "published": found.st_ctime}
        with Folder("builds", root) as builds:
            writers.note("builds", writers.who(os.fstat(builds.fd), f"/proc/self/fd/{builds.fd}/."))
            writers.prefix = f"builds/{inside[1]}/"
            with Folder(inside[1], builds) as place:
                files, changed = sizes(place, writers)
            name = f"{inside[1]}.sha256"
            written = builds.stat(name)
            writers.prefix = "builds/"
            if written:
                writers.see(builds, name, name, written)
            built = None
            with suppress(PermissionError):
                built = manifest(builds.text(name)) if written else None
            changed = max(changed, written.st_ctime if written else 0.0)
    return {"target": target, "files": files, "built": built, "changed": changed, "published": found.st_ctime}


def sizes(folder: Folder, writers: Writers) -> tuple[dict[str, list[Any]], float]:
    """Size and sha256 of each file below, and their newest change; a link has ``link`` for its hash: it is not followed;
    what may not be read ``unreadable``.
    """
    found: dict[str, list[Any]] = {}
    changed = 0.0

    def denied(_folder: Folder, _name: str, path: str) -> None:
        found[path] = [0, UNREADABLE]

    for below, name, path in folder.walk(lambda _prefix, _name, _is_folder: False, denied=denied, enter=writers.enter):
        try:
            row = os.stat(name, dir_fd=below.fd, follow_symlinks=False)
        except PermissionError:
            found[path] = [0, UNREADABLE]
            continue
        if len(found) >= FILES_AT_MOST or row.st_size > BYTES_AT_MOST:
            raise Trouble("failed", f"{folder.path}: too many or too large files")
        changed = max(changed, row.st_ctime)
        writers.see(below, name, path, row)
        if stat.S_ISREG(row.st_mode):
            found[path] = [row.st_size, UNREADABLE]
            with suppress(PermissionError):
                found[path] = list(fingerprint(below, name))
        else:
            found[path] = [0, "link" if stat.S_ISLNK(row.st_mode) else "special"]
    writers.walked(found)
    return found, changed


def manifest(text: str) -> dict[str, str]:
    """What ``sha256sum`` wrote: path to hash, paths without a leading ``./``. Behind a backslash at its beginning, a line has
    those of its path, and newlines, escaped.
    """
    found = {}
    for line in text.split("\n")[: -1 if text.endswith("\n") else None]:
        match = re.fullmatch(r"(\\?)([0-9a-f]{64}) [ *](?:\./)?(.+)", line)
        if match is None:
            raise Trouble("unparsable", "the build's manifest is not of the form of sha256sum")
        path = match.group(3)
        found[re.sub(r"\\([\\nr])", lambda part: ESCAPED[part.group(1)], path) if match.group(1) else path] = match.group(2)
    return found
