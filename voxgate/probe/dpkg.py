"""What the distribution's packages vouch for."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from contextlib import suppress
from functools import lru_cache

from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.folder import opened
from voxgate.probe.text import resolved

DPKG = "/var/lib/dpkg"
OF_STARTERS = "lib/systemd/system", "lib/udev/rules.d", "lib/NetworkManager/dispatcher.d", "lib/networkd-dispatcher"
BROUGHT = re.compile(rb"^([0-9a-f]{32})  ((?:usr/)?(?:%b)\S+)$" % "|".join(OF_STARTERS).encode(), re.MULTILINE)
CONFIGURED = re.compile(rb"^ (/etc/\S+) ([0-9a-f]{32})$", re.MULTILINE)
ANY = re.compile(rb"^([0-9a-f]{32})  (.+)$", re.MULTILINE)
OF_PYTHON = re.compile(rb"^ (/etc/python3\S*) ([0-9a-f]{32})$", re.MULTILINE)
LARGEST_PROGRAM = 64 * 1024 * 1024
OWNERS: dict[str, str] = {}  # of the files that dpkg_hashes knows: the package that brought each
ROOTS_OF_USR = ("lib/", "bin/", "sbin/", "lib64/")


def vouched_for(paths: set[str]) -> set[str]:
    """Those of the files that are as a package of the distribution brought them, by dpkg's own hashes, and that nobody but root
    may change. None where there is no dpkg: then nobody vouches for anything.
    """
    real = {path: resolved(path) for path in paths}
    known = dpkg_hashes()
    # Some packages link what systemd reads to a file that lies elsewhere.
    linked = {path for path in real.values() if not path.startswith(("/etc/", "/dev/"))}
    linked = {path for path in linked if not any(place in path for place in OF_STARTERS)}
    known = {**known, **dpkg_hashes_of(linked)} if linked else known
    return {path for path in paths if known.get(real[path], "") == md5_of(real[path])}


@lru_cache(maxsize=None)
def dpkg_hashes() -> dict[str, str]:
    """The hash of every file that a package brought for systemd and others that start something, and of every configuration file:
    path to md5, as dpkg has it.
    """
    return {**noted(BROUGHT, holding=[place.encode() for place in OF_STARTERS], owners=OWNERS), **configured(CONFIGURED)}


def dpkg_hashes_of(paths: set[str]) -> dict[str, str]:
    """The same for files anywhere."""
    names = [os.fsencode(name) for path in paths for name in {path[1:], path[1:].removeprefix("usr/")}]
    return noted(re.compile(rb"^([0-9a-f]{32})  (%b)$" % b"|".join(map(re.escape, names)), re.MULTILINE), holding=names)


def noted(
    lines: re.Pattern[bytes],
    packages: str = "*",
    holding: list[bytes] | None = None,
    owners: dict[str, str] | None = None,
) -> dict[str, str]:
    """What dpkg has noted of files that packages brought: path to md5, of the lines that are asked for. ``holding`` passes over
    a package that has none of these words; ``owners`` is told the package of each path. Empty where there is no dpkg.
    """
    found: dict[str, str] = {}
    merged = os.path.islink("/lib")  # then what a package calls /lib/systemd lies in /usr/lib
    for path in glob.iglob(f"{glob.escape(DPKG)}/info/{packages}.md5sums"):
        with open(path, "rb") as file:
            content = file.read()
        if holding is None or any(word in content for word in holding):
            for digest, brought in lines.findall(content):
                name = os.fsdecode(brought)
                whole = f"/usr/{name}" if merged and name.startswith(ROOTS_OF_USR) else f"/{name}"
                found[whole] = digest.decode()
                if owners is not None:
                    owners[whole] = os.path.basename(path).partition(".md5sums")[0].partition(":")[0]
    return found


def replaced_since(paths: set[str], started: float) -> set[str]:
    """Those of the files that a package of the distribution has brought anew since a moment (epoch seconds), and that are now as
    it brought them: so an older one of that name is what the package had before. Never one that nobody vouches for.
    """
    if not paths:
        return set()
    merged = os.path.islink("/lib")
    found = set()
    for notes in glob.iglob(f"{glob.escape(DPKG)}/info/*.md5sums"):
        if os.stat(notes).st_ctime <= started:
            continue
        with open(notes, "rb") as file:
            for digest, brought in ANY.findall(file.read()):
                name = os.fsdecode(brought)
                path = f"/usr/{name}" if merged and name.startswith(ROOTS_OF_USR) else f"/{name}"
                if path in paths and whole_md5_of(path) == digest.decode():
                    found.add(path)
    return found


def configured(lines: re.Pattern[bytes]) -> dict[str, str]:
    """The same of configuration files, as they were brought."""
    with suppress(FileNotFoundError), open(f"{DPKG}/status", "rb") as file:
        return {os.fsdecode(name): digest.decode() for name, digest in lines.findall(file.read())}
    return {}


def md5_of(path: str) -> str:
    """Dpkg's hash of a regular file; ``gone`` for anything else, and for one that others than root, or who looks, may change: it
    may be another by the time that it is read.
    """
    try:
        with open(opened(path), "rb") as file:
            row = os.fstat(file.fileno())
            if row.st_uid not in {0, os.geteuid()} or row.st_mode & 0o002 or (row.st_mode & 0o020 and row.st_gid != 0):
                return "gone"
            return hashlib.md5(file.read(SMALL_FILE)).hexdigest()
    except (OSError, Trouble):
        return "gone"


def whole_md5_of(path: str) -> str:
    """The same of a program or library, which may be large."""
    found, left = hashlib.md5(), LARGEST_PROGRAM
    try:
        with open(opened(path), "rb") as file:
            while left > 0 and (piece := file.read(1 << 20)):
                found.update(piece)
                left -= len(piece)
    except (OSError, Trouble):
        return "gone"
    return found.hexdigest() if left > 0 else "too large"


def package_sums() -> dict[str, str]:
    """The md5 of each file of the Python packages, as dpkg has noted it; empty where there is no dpkg."""
    return {**noted(ANY, "*python3*"), **configured(OF_PYTHON)}
