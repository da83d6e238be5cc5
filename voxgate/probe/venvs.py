"""The virtual environment, and what uv says of it against the lock."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
from contextlib import suppress
from typing import Any, Callable

from voxgate.probe.accounts import as_caller
from voxgate.probe.base import DEADLINE, UV_DEADLINE, Job, Trouble
from voxgate.probe.cache import HashCache
from voxgate.probe.folder import Folder
from voxgate.probe.own_uv import own_uv
from voxgate.probe.programs import last_words, run, run_by_a_stranger
from voxgate.probe.request import Service
from voxgate.probe.times import changed_by_byte_code, moved_at
from voxgate.probe.ways import interpreter_of

# No cache: who could write it could say what the interpreter is. What uv needs for a moment has room in memory, not on a disk.
SYNC = ["sync", "--locked", "--no-dev", "--check", "--offline", "--no-cache"]
READER_OF_TOML = 1  # counts up with ``declared`` and ``locked``: what an earlier one of them said is read again
CHANGE = re.compile(r"^ ([-+~]) ([\w.-]+)(?:==\S+)?(?: \(from (\S+)\)| @ (\S+))?$", re.MULTILINE | re.ASCII)
WOULD = re.compile(r"^Would (?!(?:use project environment|download|uninstall|install) )", re.MULTILINE)
DISTRIBUTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)


def normal(name: str) -> str:
    """A distribution's name in its one form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def venv(service: Service) -> dict[str, Any]:
    """The virtual environment: what it is made of, what is in it, and what uv says of it against the lock."""
    sync = Job(lambda: uv_sync(service.folder), UV_DEADLINE)
    kept = HashCache("project", service)
    told = as_caller(lambda: project_of(service, kept))
    kept.keep()
    return {"python": version_of(service.folder), **told, **sync.value()}


def project_of(service: Service, kept: HashCache) -> dict[str, Any]:
    """What it is made of and what is in it, read with the rights of who asks: any file of his could stand in a lock's place. What
    such a text says is ``kept`` by the hash of the text: to read TOML takes much longer than all else that is done with it.
    """
    with Folder(service.folder) as root:
        project, _ = of_toml(root, "pyproject.toml", declared, kept)
        lock, digest = of_toml(root, "uv.lock", locked, kept)
        with Folder(".venv", root) as home:
            config = pyvenv(home)
            installed, changed = site_packages(home)
    if "home" not in config:
        raise Trouble("unparsable", f"{service.folder}/.venv/pyvenv.cfg: no home")
    return {
        "base_python": config["home"],
        "system_site_packages": "true" in config.get("include-system-site-packages", "").lower().split(" | "),
        "installed": installed,
        "declared": project,
        "locked": lock,
        "lock_sha256": digest,
        "changed": changed,
    }


def version_of(folder: str) -> str:
    """The version of an interpreter, by its own word: pyvenv.cfg says what was there when it was written."""
    program = interpreter_of(folder)
    with suppress(OSError):
        if os.path.samestat(os.stat(program), os.stat("/proc/self/exe")):
            return ".".join(map(str, sys.version_info[:3]))  # it is the very program that runs this
    argv = [program, "-I", "-S", "-B", "-c", "import sys; print(*sys.version_info[:3], sep='.')"]
    ended = run_by_a_stranger(argv, DEADLINE, folder)
    if ended.status != 0 or not re.fullmatch(r"\d+\.\d+\.\d+", ended.out.strip()):
        raise Trouble("failed", f"{folder}/.venv/bin/python does not say its version: it ended with {ended.status}")
    return ended.out.strip()


def uv_sync(folder: str) -> dict[str, Any]:
    """Exit status and last words of uv's own comparison: 0 equal, 1 drift, anything else: it could not tell. Asked as a user that
    nothing else runs as, who owns nothing: uv starts the environment's python, and with it whatever a ``.pth`` file there says.
    """
    if os.geteuid() != 0:
        return {"sync_status": 126, "sync_said": "only root can have it asked by a stranger"}
    try:
        with Folder(folder) as root, own_uv() as own:
            argv = ["env", "TMPDIR=/dev/shm", "uv" if own is None else f"/proc/self/fd/{own}", *SYNC]
            ended = run(argv, UV_DEADLINE - 1, root, apart=True, held=own)
    except Trouble as trouble:
        return {"sync_status": {"missing": 127, "timeout": 124}.get(trouble.kind, 126), "sync_said": trouble.text}
    said = f"{ended.out}\n{ended.err}"
    equal = ended.status == 1 and is_equal_but_for_times(said, folder)
    return {"sync_status": 0 if equal else ended.status, "sync_said": last_words(said)}


def is_equal_but_for_times(said: str, folder: str) -> bool:
    """True if all that uv would do is install packages of the folder itself anew. It does that by the ctime of their
    ``pyproject.toml``, which each checkout moves; each deploy installs them, and their files are compared like all others.
    """
    rows = [(sign, normal(name), one or other) for sign, name, one, other in CHANGE.findall(said)]
    mine = all(url == f"file://{folder}" or url.startswith(f"file://{folder}/") for _, _, url in rows)
    goes, comes = ({(name, url) for sign, name, url in rows if sign in which} for which in ("-~", "+~"))
    return bool(rows) and mine and goes == comes and ".." not in said and not WOULD.search(said)


def of_toml(
    folder: Folder, name: str, read: Callable[[dict[str, Any]], dict[str, str]], kept: HashCache
) -> tuple[dict[str, str], str]:  # fmt: skip
    """What a TOML file of the project says, and the sha256 of the file. Raises Trouble."""
    text = folder.text(name)
    digest = hashlib.sha256(text.encode()).hexdigest()
    row = kept.kept.get(name)
    if not isinstance(row, list) or row[:-1] != [READER_OF_TOML, digest]:
        row = [READER_OF_TOML, digest, read(toml(text, f"{folder.path}/{name}"))]
    kept.seen[name] = row
    return row[-1], digest


def toml(text: str, path: str) -> dict[str, Any]:
    """A TOML file's text. Raises Trouble."""
    try:
        import tomllib  # noqa: PLC0415 - not in Python < 3.11, where the rest of the probe still works
    except ImportError:
        raise Trouble("missing", "the host's Python is older than 3.11: it reads no TOML") from None
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        raise Trouble("unparsable", f"{path}: not TOML") from None


def declared(project: dict[str, Any]) -> dict[str, str]:
    """Name to version specification (``==1.14.0``) of the project's own dependencies."""
    rows = project.get("project", {}).get("dependencies", [])
    found: dict[str, str] = {}
    for row in rows:
        text = row.strip()
        match = DISTRIBUTION.match(text)
        if match is None or "\n" in text:
            raise Trouble("unparsable", "pyproject.toml: a dependency without a name")
        rest = text[match.end() :].strip()
        rest = rest.partition("]")[2] if rest.startswith("[") and "]" in rest else rest  # its extras
        name, specification = normal(match.group()), rest.replace(" ", "")
        found[name] = f"{found[name]} | {specification}" if name in found else specification
    return found


def locked(lock: dict[str, Any]) -> dict[str, str]:
    """Name to version of every package of the lock; several versions of one are all told."""
    found: dict[str, str] = {}
    for row in lock.get("package", []):
        name, version = normal(row["name"]), str(row.get("version", ""))
        found[name] = f"{found[name]} | {version}" if name in found else version
    return found


def site_packages(home: Folder) -> tuple[dict[str, str], float]:
    """What is installed by its dist-info folders, and the newest change (epoch seconds) of the environment. A folder in which the
    last that was done is that byte code came into it tells nothing by its own time: an import did that.
    """
    changed = os.stat("pyvenv.cfg", dir_fd=home.fd, follow_symlinks=False).st_ctime
    installed: dict[str, str] = {}
    with Folder("lib", home) as lib:
        pythons = [name for name in os.listdir(lib.fd) if name.startswith("python3")]
        if len(pythons) != 1:
            raise Trouble("failed", f"{lib.path}: {len(pythons)} Pythons in one environment")
        with Folder(pythons[0], lib) as python, Folder("site-packages", python) as site:
            changed = max(changed, *(moved_at(os.fstat(one.fd)) for one in (home, lib, python)))
            with os.scandir(site.fd) as entries:
                names = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
            for name, found in names:
                cached = f"{name}/__pycache__"
                by_import = stat.S_ISDIR(found.st_mode) and site.stat(cached) and changed_by_byte_code(found, cached, site.fd)
                if not by_import and name != "__pycache__":
                    # A file may be linked from uv's cache: by its ctime it is told by ``packages``, which knows its links.
                    changed = max(changed, found.st_mtime if stat.S_ISREG(found.st_mode) else found.st_ctime)
                if name.endswith(".dist-info"):
                    package, _, version = name[: -len(".dist-info")].rpartition("-")
                    key = normal(package)
                    installed[key] = f"{installed[key]} | {version}" if key in installed else version
            own = os.fstat(site.fd)
            if not (site.stat("__pycache__") and changed_by_byte_code(own, "__pycache__", site.fd)):
                changed = max(changed, own.st_ctime)
    return installed, changed


def pyvenv(home: Folder) -> dict[str, str]:
    """The lines of pyvenv.cfg. Of a key that stands in several, Python takes the first here and the last there: all are told.
    Raises Trouble where not even its lines are the same to all that read them.
    """
    found: dict[str, str] = {}
    for line in home.text("pyvenv.cfg").split("\n"):
        key, _, value = (part.strip() for part in line.partition("="))
        if "\r" in f"{key}{value}":
            raise Trouble("unparsable", f"{home.path}/pyvenv.cfg: a carriage return in the middle of a line")
        found[key.lower()] = f"{found[key.lower()]} | {value}" if key and key.lower() in found else value
    return found
