"""What lies below a virtual environment: the interpreter and its standard library."""

from __future__ import annotations

import glob
import os
import re
import stat
import sys
from contextlib import suppress

from voxgate.probe.believing import others_change
from voxgate.probe.cache import HashCache
from voxgate.probe.dpkg import package_sums
from voxgate.probe.folder import Folder
from voxgate.probe.programs import all_can_run
from voxgate.probe.request import Service
from voxgate.probe.sudo import loose_of
from voxgate.probe.ways import leads_callers_eyes

UV_PYTHON = re.compile(r"(/.+/uv/python/cpython-[\w.+-]+)/bin/python3[\w.]*", re.ASCII)
STARTERS = ("sitecustomize.py", "usercustomize.py")


def base_flaws(service: Service, program: str, home: str) -> list[list[str]]:
    """What is wrong below a virtual environment: the interpreter and its standard library are the distribution's, file by file as
    its packages have them, or uv's own; and the environment names the folder of that very interpreter for its home.
    """
    bad: list[list[str]] = []
    is_home = False
    with suppress(OSError):  # who may not see where it leads is told no more of it than that it is another one
        is_home = is_home_of(program, home)
    if not is_home:
        bad.append([f"{service.folder}/.venv/pyvenv.cfg", f"has another home than {program}"])
    return bad + program_flaws(service, program)


def is_home_of(program: str, home: str) -> bool:
    """True for the folder of an interpreter. Python looks for its standard library beside the path as it is written, and not
    where a link on it leads: so that is the folder's own path, or one that root alone can change. Of an interpreter that is not
    root's alone either, as uv's for one account, the folder above has to be the same too. Raises OSError.
    """
    own = os.path.dirname(program)
    if not home.startswith("/") or leads_callers_eyes(home) != own:
        return False
    if home == own or not others_change(home):
        return True
    return bool(others_change(program)) and leads_callers_eyes(os.path.dirname(home)) == os.path.dirname(own)


def python_flaw(service: Service, program: str) -> str:
    """Why a Python is not believed: it is not as its package or uv has it, others than root can change it, or not everybody can
    run it: it has to run as a user that there is not, for nobody to answer in its place. Empty for one that is believed, as the
    one is that we run by ourselves.
    """
    if program == os.path.realpath(sys.executable):
        return ""
    if os.geteuid() == 0 and not all_can_run(program):
        return f"not everybody can run {program}"
    place = others_change(program)
    if place:
        return f"not only root can change {place}"
    of_uv_itself = UV_PYTHON.fullmatch(program)
    if of_uv_itself:
        for at, folders, files in os.walk(of_uv_itself.group(1)):
            for name in ("", *folders, *files):
                found = os.stat(f"{at}/{name}", follow_symlinks=False)
                if found.st_uid != 0 or (found.st_mode & 0o022 and not stat.S_ISLNK(found.st_mode)):
                    return f"not only root can change {at}/{name}"
    return next((f"{path} {why}" for path, why in program_flaws(service, program)), "")


def program_flaws(service: Service, program: str) -> list[list[str]]:
    """The same of an interpreter and its standard library alone."""
    bad: list[list[str]] = []
    of_uv_itself = UV_PYTHON.fullmatch(program)
    if of_uv_itself:
        for folder in glob.glob(f"{glob.escape(of_uv_itself.group(1))}/lib/python3*"):
            for name in STARTERS:
                bad += [[path, "runs at each start"] for path in (f"{folder}/{name}", f"{folder}/site-packages/{name}")
                        if os.path.lexists(path)]  # fmt: skip
        return bad
    sums = package_sums()
    if not sums:  # no dpkg: then it must at least be the system's, and root's alone
        loose = [] if program.startswith("/usr/") else [program]
        return [[path, "is not the system's alone"] for path in [*loose, *loose_of(program)]]
    if program not in sums:
        return [[program, "belongs to no package of this host"]]
    cache = HashCache("base", service, "md5")
    name = os.path.basename(program)
    library = f"/usr/lib/{name}"
    with Folder(os.path.dirname(program)) as programs:
        bad += as_packaged(cache, programs, name, program, sums)
    if os.path.isdir(library):
        with Folder(library) as root:
            for at, file, path in root.walk(lambda _prefix, below, is_folder: is_folder and below == "__pycache__"):
                bad += as_packaged(cache, at, file, f"{library}/{path}", sums)
    cache.keep()
    archive = f"/usr/lib/{name.replace('.', '')}.zip"
    return bad + ([[archive, "stands before the standard library"]] if os.path.lexists(archive) else [])


def as_packaged(cache: HashCache, folder: Folder, name: str, path: str, sums: dict[str, str]) -> list[list[str]]:
    """What is wrong with one file of the distribution's Python: nothing, in a list of one otherwise."""
    found = folder.stat(name)
    if found is None or (not name.endswith((".py", ".so", ".pth")) and path not in sums):
        return []
    if stat.S_ISLNK(found.st_mode):
        target = os.path.realpath(path)
        if name not in STARTERS or target not in sums or not os.path.isfile(target):
            return [[path, "leads to what no package has"]] if name in STARTERS else []
        with Folder(os.path.dirname(target)) as behind_it:
            return as_packaged(cache, behind_it, os.path.basename(target), target, sums)
    if path not in sums:
        return [[path, "belongs to no package of this host"]]
    return [] if cache.digest(folder, name, path, found) == sums[path] else [[path, "is not as its package has it"]]
