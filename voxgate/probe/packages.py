"""Every file of an environment against the RECORD of its distribution."""

from __future__ import annotations

import csv
import hashlib
import mmap
import os
import re
import shutil
import stat
from typing import Any, Iterator

from voxgate.probe.base import INSTALLED_AT_MOST, PATH, SHOWN, Trouble
from voxgate.probe.byte_code import PYC, ByteCodes
from voxgate.probe.cache import HashCache
from voxgate.probe.folder import Folder
from voxgate.probe.request import Service

INSTALLING = 300.0  # seconds: RECORD is the last that an installer writes of a distribution
ENVIRONMENT_FILES = re.compile(
    r"\.gitignore|\.lock|CACHEDIR\.TAG|pyvenv\.cfg|bin/(?:activate(?:\.[a-z0-9]+|_this\.py)?|(?:deactivate|pydoc)\.bat)", re.ASCII
)
ENVIRONMENT_LINKS = re.compile(r"lib64|bin/python[0-9.]*", re.ASCII)
RECORDED_AT_MOST = 1_000_000  # rows of all RECORDs of an environment


def packages(service: Service) -> dict[str, Any]:
    """Every file of the environment, against the RECORD of the distribution that owns it. What has no owner, is not as
    recorded or is gone is named; byte code belongs to the module that it is of.
    """
    cache = HashCache("packages", service)
    codes = ByteCodes(service, HashCache("code", service))
    bad: list[list[str]] = []
    changed = 0.0
    with Folder(service.folder) as root, Folder(".venv", root) as home:
        of_record: dict[str, list[str]] = {}
        owned, records, site = recorded(home, bad, of_record)
        there: set[str] = set()
        born: dict[str, float] = {}
        found: list[str] = []
        for folder, name, path in home.walk(lambda _prefix, _name, _is_folder: False):
            row = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
            there.add(path)
            if len(there) > INSTALLED_AT_MOST:
                raise Trouble("failed", f"{home.path}: over {INSTALLED_AT_MOST} files")
            if path.endswith(".pyc"):
                codes.takes(folder, name, path)
            else:
                # uv may link files from its cache: each link made or removed elsewhere moves the ctime of all of them.
                changed = max(changed, row.st_ctime if row.st_nlink == 1 else row.st_mtime)
                born[path] = row.st_ctime
            if path in owned:
                wrong = as_recorded(cache, folder, name, path, row, owned[path])
            elif stat.S_ISLNK(row.st_mode):
                wrong = "" if ENVIRONMENT_LINKS.fullmatch(path) else "a link that no distribution owns"
            else:
                found.append(path)
                continue
            if wrong:
                bad.append([path, wrong])
        bad += [[path, "gone"] for path in sorted(owned.keys() - there) if not path.endswith(".pyc")]
        for path in found:
            wrong = stray(home, path, owned, site)
            if wrong:
                bad.append([path, wrong])
        bad += changed_later(of_record, born)
        bad += [[path, "is not the byte code of its source"] for path in codes.others()]
    cache.keep()
    return {
        "changed": changed,
        "distributions": len(records), "files": len(there), "hashed": cache.read,
        "bad": bad[:SHOWN], "bad_count": len(bad),
        "records": hashlib.sha256("\n".join(sorted(records)).encode()).hexdigest(),
    }  # fmt: skip


def changed_later(of_record: dict[str, list[str]], born: dict[str, float]) -> Iterator[list[str]]:
    """Each RECORD that is much younger than the oldest file of its distribution: the installer writes it last, and at once."""
    for record, paths in of_record.items():
        times = [born[path] for path in paths if path in born]
        if record in born and times and born[record] - min(times) > INSTALLING:
            yield [record, "was changed after its distribution was installed"]


def recorded(home: Folder, bad: list[list[str]], of_record: dict[str, list[str]]) -> tuple[dict[str, set[str]], list[str], str]:
    """Path to the hashes that any RECORD has for it (none for RECORD itself), each RECORD's own hash, site-packages; and the
    paths of each RECORD, into ``of_record``.
    """
    owned: dict[str, set[str]] = {}
    records = []
    left = RECORDED_AT_MOST
    with Folder("lib", home) as lib:
        pythons = [name for name in os.listdir(lib.fd) if name.startswith("python3")]
        if len(pythons) != 1:
            raise Trouble("failed", f"{lib.path}: {len(pythons)} Pythons in one environment")
        with Folder(pythons[0], lib) as python, Folder("site-packages", python) as site:
            place = f"lib/{pythons[0]}/site-packages"
            for info in sorted(name for name in os.listdir(site.fd) if name.endswith(".dist-info")):
                try:
                    with Folder(info, site) as folder:
                        text = folder.text("RECORD")
                except (FileNotFoundError, Trouble):
                    bad.append([f"{place}/{info}", "has no RECORD"])
                    continue
                records.append(f"{info} {hashlib.sha256(text.encode()).hexdigest()}")
                left -= text.count("\n")
                if left < 0:
                    raise Trouble("failed", f"{site.path}: over {RECORDED_AT_MOST} rows of RECORDs")
                for row in csv.reader(text.splitlines()):
                    path = os.path.normpath(f"{place}/{row[0]}" if row else "..")
                    hashes = owned.setdefault(path, set())
                    of_record.setdefault(f"{place}/{info}/RECORD", []).append(path)
                    if len(row) > 1 and row[1].startswith("sha256="):
                        hashes.add(row[1][len("sha256=") :].rstrip("="))
    return owned, records, place


def as_recorded(cache: HashCache, folder: Folder, name: str, path: str, found: os.stat_result, hashes: set[str]) -> str:
    """What is wrong with a file that a distribution owns, empty for nothing."""
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if not hashes:
        return "" if path.endswith((".dist-info/RECORD", ".pyc")) else "has no hash in RECORD"
    return "" if cache.digest(folder, name, path, found) in hashes else "is not as it was installed"


def stray(home: Folder, path: str, owned: dict[str, set[str]], site: str) -> str:
    """Why a file that no distribution owns must not be there, empty if it may."""
    if ENVIRONMENT_FILES.fullmatch(path):
        return ""
    at, inside, file = f"/{path}".rpartition("/__pycache__/")
    code = PYC.fullmatch(file) if inside else None
    if code and f"{at}/{code.group(1)}.py"[1:] in owned:
        return ""
    if path in {f"{site}/_virtualenv.py", f"{site}/_virtualenv.pth"} and of_uv(path, home.text(path)):
        return ""
    return "belongs to no distribution"


VIRTUALENV_PTH = "import _virtualenv"
# How uv's _virtualenv.py begins and ends; both stand there once, so there is one text between them.
VIRTUALENV_PY = (
    '"""Patches that are applied at runtime to the virtual environment."""\n', "\nsys.meta_path.insert(0, _Finder())\n",
)  # fmt: skip


def of_uv(path: str, text: str) -> bool:
    """True for a file that uv itself puts into an environment: the whole of it as it stands in uv's program, and no part."""
    if path.endswith(".pth"):
        return text == VIRTUALENV_PTH
    first, last = VIRTUALENV_PY
    if not (text.startswith(first) and text.endswith(last) and text.count(first) == text.count(last) == 1):
        return False
    program = shutil.which("uv", path=PATH)
    if program is None:
        return False
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text.encode()) >= 0
