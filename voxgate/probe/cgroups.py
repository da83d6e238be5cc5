"""The unit and the container of a process, by its cgroups."""

from __future__ import annotations

import os
import re

from voxgate.probe.reading import rows_of

HEX_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
NAMED_CONTAINER = re.compile(r"/(?:lxc(?:\.payload)?[./]|machine-|systemd-nspawn@)([^/]+?)(?:\.scope|\.service)?(?=/|$)")
USERS_OWN = re.compile(r"/_?user@[^/]*\.service(?=/|$)")
CGROUPS = "/sys/fs/cgroup"


def cgroup_lines(pid: str) -> dict[str, str]:
    """Controller to path of one process: ``""`` for cgroup v2, ``name=systemd`` for what systemd keeps on v1."""
    rows = [line.rstrip("\n").split(":", 2) for line in rows_of(f"/proc/{pid}/cgroup")]
    return {row[1]: row[2] for row in rows if len(row) == 3}


def unit_of(path: str) -> str:
    """The service a cgroup belongs to, by systemd's own rule: slices are skipped, the next part is the unit. What a
    user's own systemd started belongs to ``user@UID.service``.
    """
    for part in path.strip("/").split("/"):
        if not part.endswith(".slice"):
            part = part.removeprefix("_")  # noqa: PLW2901 - systemd escapes names of its own kind
            return part if part.endswith(".service") else ""
    return ""


def container_of(lines: dict[str, str]) -> str:
    """The container a process is in, by any of its cgroups: an id of 64 digits, or an LXC or nspawn name; empty for
    none. An engine's own monitor (conmon) is not in the container that it watches. Below a user's own systemd, or in a folder
    that is not root's, an account calls its cgroups what it wants.
    """
    for controller, full in lines.items():
        path = USERS_OWN.split(full, 1)[0]
        parts = path.split("/")
        for at, part in enumerate(parts):
            found = None if "conmon-" in part else HEX_ID.search(part)
            if found and made_by_root(controller, "/".join(parts[:at])):
                return found.group()
        named = NAMED_CONTAINER.search(path)
        if named and made_by_root(controller, path[: named.start()]):
            return named.group(1)
    return ""


def made_by_root(controller: str, path: str) -> bool:
    """False where a cgroup is seen to be another's than root's: whoever owns it makes others in it."""
    kept = controller.partition("=")[2] or controller or "unified"
    folder = CGROUPS if os.path.exists(f"{CGROUPS}/cgroup.controllers") else f"{CGROUPS}/{kept}"
    try:
        return os.stat(f"{folder}{path}").st_uid == 0
    except OSError:
        return True


class Cgroups:
    """Which hierarchy systemd keeps, and where this host's own root is in it: both as process 1 has them."""

    def __init__(self) -> None:
        first = cgroup_lines("1")
        kept = first.get("name=systemd", "")
        self.hierarchy = "name=systemd" if kept.endswith("/init.scope") or "" not in first else ""
        self.roots = {
            name: path[: -len("/init.scope")] if path.endswith("/init.scope") else path.rstrip("/")
            for name, path in first.items()
        }

    def below_root(self, lines: dict[str, str]) -> dict[str, str]:
        """The same paths as seen from this host's own root."""
        cut = {}
        for name, path in lines.items():
            root = self.roots.get(name, "")
            cut[name] = path[len(root) :] or "/" if path == root or path.startswith(f"{root}/") else path
        return cut
