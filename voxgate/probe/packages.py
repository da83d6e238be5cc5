"""Every file of an environment against the RECORD of its distribution."""

from __future__ import annotations

import csv
import hashlib
import mmap
import os
import re
import shutil
import stat
from contextlib import suppress
from typing import Any, Iterator

from voxgate.probe.base import BYTES_AT_MOST, INSTALLED_AT_MOST, PATH, SHOWN, Trouble
from voxgate.probe.byte_code import PYC, ByteCodes, closed_by_root
from voxgate.probe.cache import HashCache
from voxgate.probe.folder import Folder
from voxgate.probe.own_uv import own_uv
from voxgate.probe.reading import taken
from voxgate.probe.request import Service
from voxgate.probe.rights import Writers
from voxgate.probe.times import moved_at

INSTALLING = 300.0  # seconds: RECORD is the last that an installer writes of a distribution
ENVIRONMENT_FILES = re.compile(
    r"\.gitignore|\.lock|CACHEDIR\.TAG|pyvenv\.cfg|bin/(?:activate(?:\.[a-z0-9]+|_this\.py)?|(?:deactivate|pydoc)\.bat)", re.ASCII
)
ENVIRONMENT_LINKS = re.compile(r"lib64|bin/python[0-9.]*", re.ASCII)
RECORDED_AT_MOST = 1_000_000  # rows of all RECORDs of an environment


CLOSED = "may not be read by who asks"


def packages(service: Service) -> dict[str, Any]:
    """Every file of the environment, against the RECORD of the distribution that owns it. What has no owner, is not as
    recorded, is gone or may not be read by who asks is named; byte code belongs to the module that it is of.
    """
    found = Environment(service)
    forged = found.codes.found_by(found.walk())
    found.cache.keep()
    bad = [*found.bad, *([path, "is not the byte code of its source"] for path in forged)]
    return {
        "changed": found.changed,
        "distributions": len(found.records), "files": len(found.there), "hashed": found.cache.read,
        "bad": bad[:SHOWN], "bad_count": len(bad),
        "loose": found.writers.found,
        "records": hashlib.sha256("\n".join(sorted(found.records)).encode()).hexdigest(),
    }  # fmt: skip


class Environment:
    """What is found of an environment, read with the rights of who asks: whether what he may not read has the hash that he wrote
    into a RECORD would confirm his guesses at it.
    """

    def __init__(self, service: Service) -> None:
        self.folder, self.cache = service.folder, HashCache("packages", service)
        self.codes = ByteCodes(service, HashCache("code", service))
        self.bad: list[list[str]] = []
        self.changed = 0.0
        self.records: list[str] = []
        self.owned: dict[str, set[str]] = {}
        self.there: set[str] = set()
        self.born: dict[str, float] = {}
        self.unowned: list[str] = []
        self.writers = Writers(service.owner, ".venv/")

    def walk(self) -> Iterator[None]:
        """Look at each file. A stop wherever byte code has to be compared."""
        with Folder(self.folder) as root, Folder(".venv", root) as home:
            of_record: dict[str, list[str]] = {}
            self.owned, self.records, site = recorded(home, self.bad, of_record)
            for folder, name, path in home.walk(lambda _prefix, _name, _is_folder: False, denied=self.denied, enter=self.enter):
                self.there.add(path)
                if len(self.there) > INSTALLED_AT_MOST:
                    raise Trouble("failed", f"{home.path}: over {INSTALLED_AT_MOST} files")
                try:
                    wrong = self.wrong_with(folder, name, path)
                except PermissionError:
                    wrong = CLOSED
                if wrong:
                    self.bad.append([path, wrong])
                if self.codes.enough():
                    yield
            self.writers.walked(self.there)
            self.bad += [[path, "gone"] for path in sorted(self.owned.keys() - self.there) if not path.endswith(".pyc")]
            strays = ((path, stray(home, path, self.owned, site)) for path in self.unowned)
            self.bad += [[path, wrong] for path, wrong in strays if wrong]
            self.bad += changed_later(of_record, self.born)

    def enter(self, folder: Folder, path: str) -> None:
        """A folder by itself: who else could change it, and when it was moved."""
        self.writers.enter(folder, path)
        if not path.endswith("__pycache__/"):
            self.changed = max(self.changed, moved_at(os.fstat(folder.fd)))

    def denied(self, folder: Folder, name: str, path: str) -> None:
        """A folder that may not be read."""
        row = folder.stat(name)
        if row and not (name == "__pycache__" and closed_by_root(row)):
            self.bad.append([path, CLOSED])

    def wrong_with(self, folder: Folder, name: str, path: str) -> str:
        """What is wrong with one file, empty for nothing. Of what no RECORD has that is seen when all files are known."""
        row = os.stat(name, dir_fd=folder.fd, follow_symlinks=False)
        self.writers.see(folder, name, path, row)
        wrong = as_recorded(self.cache, folder, name, path, row, self.owned[path]) if path in self.owned else None
        if path.endswith(".pyc"):
            self.codes.takes(folder, name, path)
        else:
            # uv may link files from its cache: each link made or removed elsewhere, or `uv cache clean`, moves their ctime.
            linked = self.cache.has_links(path, row) if wrong == "" else row.st_nlink > 1
            self.changed = max(self.changed, row.st_mtime if linked else row.st_ctime)
            self.born[path] = row.st_ctime
        if wrong is not None:
            return wrong
        if stat.S_ISLNK(row.st_mode):
            own = ENVIRONMENT_LINKS.fullmatch(path) is not None
            if path == "lib64":  # a Python that keeps its packages there searches it first
                own = os.readlink(name, dir_fd=folder.fd) in {"lib", f"{folder.path}/lib"}
            return "" if own else "a link that no distribution owns"
        self.unowned.append(path)
        return ""


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
                except PermissionError:
                    bad.append([f"{place}/{info}/RECORD", CLOSED])
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
    with suppress(PermissionError):
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
        with own_uv() as own:
            return own is not None and taken(open(own, "rb", closefd=False), BYTES_AT_MOST, "uv").find(text.encode()) >= 0
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text.encode()) >= 0
