"""The gate's files on a host, its own account's alone: each is read and written whole."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Dict, Optional

ROOT = "/var/lib/voxgate"
DONE = "done.json"  # of the whole host: what was seen of it when a deploy was done
OURS, OURS_ALONE = 0o700, 0o600  # whoever can open a lock can hold it, if only to read: so nobody else opens anything here


def folder_of(service: str) -> str:
    """The service's folder, made where it is missing. The name is one of the gate's own, checked all the same."""
    if not service.isalpha():
        raise ValueError("no service name: %r" % service)
    path = os.path.join(ROOT, service)
    os.makedirs(path, mode=OURS, exist_ok=True)
    return path


def open_file(folder: str, name: str, flags: int) -> int:
    """A file of the gate's own, made where it is missing."""
    return os.open(os.path.join(folder, name), flags | os.O_CREAT, OURS_ALONE)


def shut(folder: str) -> None:
    """No other account can open anything here, also where an earlier voxgate left it open."""
    for path in (ROOT, folder, *(os.path.join(folder, name) for name in os.listdir(folder))):
        with suppress(FileNotFoundError):  # a half-written file of another gate's, which has its name by now
            found, mode = os.lstat(path), OURS_ALONE if os.path.isfile(path) else OURS
            if found.st_uid == os.geteuid() and not stat.S_ISLNK(found.st_mode) and stat.S_IMODE(found.st_mode) != mode:
                os.chmod(path, mode)


def replace(folder: str, name: str, text: str) -> None:
    """Write a file whole or not at all, and durably."""
    part = os.path.join(folder, "." + name + ".part")
    with open(open_file(folder, "." + name + ".part", os.O_WRONLY | os.O_TRUNC), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.rename(part, os.path.join(folder, name))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def done_of(host: str) -> str:
    """The same of a host that keeps nothing itself, as nothing is deployed there. The name is one of an estate's, checked all the
    same.
    """
    if not host.replace("-", "").isalnum():
        raise ValueError("no host's name: %r" % host)
    return "done-%s.json" % host


def keep_of_others(said: Dict[str, Optional[str]]) -> None:
    """Keep what was seen of such hosts, by name. Of one with None what lies here stays, as it was not seen; of all that are not
    named it goes: they were renamed or taken out, or another host keeps it now.
    """
    for host, text in said.items():
        if text is not None:
            replace(ROOT, done_of(host), text + "\n")
    for name in set(os.listdir(ROOT)) - {done_of(host) for host in said}:
        path = os.path.join(ROOT, name)
        if name.startswith("done-") and name.endswith(".json") and not (os.path.isdir(path) and not os.path.islink(path)):
            os.unlink(path)


def text_of_host(name: str) -> Optional[str]:
    """A state file that is about the whole host, as it is; None where it is none, or cannot be read: nothing depends on it."""
    try:
        return text_of(ROOT, name) if os.path.isfile(os.path.join(ROOT, name)) else None
    except OSError:
        return None


def text_of(folder: str, name: str) -> Optional[str]:
    """A state file as it is, None where there is none."""
    try:
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            return file.read(65536)
    except FileNotFoundError:
        return None
