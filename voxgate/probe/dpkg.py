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
from voxgate.probe.text import files_in, lines_of, resolved

DPKG = "/var/lib/dpkg"
BROUGHT = re.compile(rb"^([0-9a-f]{32})  ((?:usr/)?lib/systemd/system\S+)$", re.MULTILINE)
CONFIGURED = re.compile(rb"^ (/etc/(?:init\.d|systemd)/\S+) ([0-9a-f]{32})$", re.MULTILINE)


def vouched_for(paths: set[str]) -> set[str]:
    """Those of the files that are as a package of the distribution brought them, by dpkg's own hashes. None where there is no
    dpkg: then nobody vouches for anything.
    """
    real = {path: resolved(path) for path in paths}
    known = dpkg_hashes()
    # Some packages link what systemd reads to a file that lies elsewhere.
    linked = {path for path in real.values() if "lib/systemd/system" not in path and not path.startswith(("/etc/", "/dev/"))}
    known = {**known, **dpkg_hashes_of(linked)} if linked else known
    return {path for path in paths if known.get(real[path], "") == md5_of(real[path])}


@lru_cache(maxsize=None)
def dpkg_hashes() -> dict[str, str]:
    """The hash of every file that a package brought for systemd, and of every configuration file: path to md5, as dpkg has it."""
    found: dict[str, str] = {}
    merged = os.path.islink("/lib")  # then what a package calls /lib/systemd lies in /usr/lib
    for path in files_in(f"{DPKG}/info"):
        if path.endswith(".md5sums"):
            with open(path, "rb") as file:
                content = file.read()
            for digest, brought in BROUGHT.findall(content) if b"lib/systemd/system" in content else ():
                name = os.fsdecode(brought)
                found[f"/usr/{name}" if merged and name.startswith("lib/") else f"/{name}"] = digest.decode()
    with suppress(FileNotFoundError), open(f"{DPKG}/status", "rb") as file:
        found.update((os.fsdecode(name), digest.decode()) for name, digest in CONFIGURED.findall(file.read()))
    return found


def dpkg_hashes_of(paths: set[str]) -> dict[str, str]:
    """The same for files anywhere."""
    found: dict[str, str] = {}
    names = {path: [os.fsencode(f"  {name}\n") for name in (path[1:], path[1:].removeprefix("usr/"))] for path in paths}
    for file in files_in(f"{DPKG}/info"):
        if file.endswith(".md5sums"):
            with open(file, "rb") as sums:
                content = sums.read()
            for path, lines in names.items():
                at = next((at for at in map(content.find, lines) if at >= 0), -1)
                if at >= 32:
                    found[path] = content[at - 32 : at].decode(errors="replace")
    return found


def md5_of(path: str) -> str:
    """Dpkg's hash of a regular file, ``gone`` for anything else."""
    try:
        with open(opened(path), "rb") as file:
            return hashlib.md5(file.read(SMALL_FILE)).hexdigest()
    except (OSError, Trouble):
        return "gone"


def package_sums() -> dict[str, str]:
    """The md5 of each file of the Python packages, as dpkg has noted it; empty where there is no dpkg."""
    sums: dict[str, str] = {}
    for path in glob.glob("/var/lib/dpkg/info/*python3*.md5sums"):
        for line in lines_of(path):
            digest, _, name = line.partition("  ")
            sums[f"/{name}"] = digest
    with suppress(OSError), open("/var/lib/dpkg/status", encoding="utf-8", errors="replace") as file:
        sums.update(dict(re.findall(r"^ (/etc/python3\S*) ([0-9a-f]{32})$", file.read(), re.MULTILINE)))
    # a merged /usr: what a package has in /lib is found in /usr/lib
    return {(f"/usr{path}" if path.startswith(("/lib/", "/bin/")) else path): digest for path, digest in sums.items()}
