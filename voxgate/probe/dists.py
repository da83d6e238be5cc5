"""What is published of a static site."""

from __future__ import annotations

import os
import re
import stat
from typing import Any

from voxgate.probe.base import BYTES_AT_MOST, FILES_AT_MOST, Trouble
from voxgate.probe.folder import Folder, fingerprint
from voxgate.probe.request import Service

ESCAPED = {"\\": "\\", "n": "\n", "r": "\r"}


def dist(service: Service) -> dict[str, Any]:
    """What is published: where the link points, each file below it, and what the build itself said they must be; when the
    last of these was changed, and when the link was made. Nothing is listed where the link leaves ``builds/``: then its target
    says enough.
    """
    with Folder(service.folder) as root:
        found = root.stat("dist")
        if found is None:
            raise Trouble("missing", f"{service.folder}/dist: not there")
        if not stat.S_ISLNK(found.st_mode):
            with Folder("dist", root) as published:
                return {"target": "", "files": sizes(published)[0], "built": None, "changed": 0.0, "published": found.st_ctime}
        target = os.readlink("dist", dir_fd=root.fd)
        inside = os.path.relpath(os.path.join(service.folder, target), service.folder).split("/")
        if len(inside) != 2 or inside[0] != "builds":
            return {"target": target, "files": {}, "built": None, "changed": 0.0, "published": found.st_ctime}
        with Folder("builds", root) as builds:
            with Folder(inside[1], builds) as published:
                files, changed = sizes(published)
            name = f"{inside[1]}.sha256"
            written = builds.stat(name)
            built = manifest(builds.text(name)) if written else None
            changed = max(changed, written.st_ctime if written else 0.0)
    return {"target": target, "files": files, "built": built, "changed": changed, "published": found.st_ctime}


def sizes(folder: Folder) -> tuple[dict[str, list[Any]], float]:
    """Size and sha256 of each file below, and their newest change; a link has ``link`` for its hash: it is not followed."""
    found: dict[str, list[Any]] = {}
    changed = 0.0
    for below, name, path in folder.walk(lambda _prefix, _name, _is_folder: False):
        row = os.stat(name, dir_fd=below.fd, follow_symlinks=False)
        if len(found) >= FILES_AT_MOST or row.st_size > BYTES_AT_MOST:
            raise Trouble("failed", f"{folder.path}: too many or too large files")
        changed = max(changed, row.st_ctime)
        if stat.S_ISREG(row.st_mode):
            found[path] = list(fingerprint(below, name))
        else:
            found[path] = [0, "link" if stat.S_ISLNK(row.st_mode) else "special"]
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
