"""What each process of a service really runs."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any, Iterable, Iterator

from voxgate.probe.accounts import seeing_as
from voxgate.probe.base import SHOWN, Job, Trouble
from voxgate.probe.bases import base_flaws
from voxgate.probe.believing import really
from voxgate.probe.copies import modules_in
from voxgate.probe.dpkg import replaced_since
from voxgate.probe.env_files import Env
from voxgate.probe.folder import Folder
from voxgate.probe.granted import less_than_usual
from voxgate.probe.libraries import library_flaws
from voxgate.probe.mounts import mounted_apart
from voxgate.probe.process_files import environment, executable_maps, living, threads_of
from voxgate.probe.reading import content
from voxgate.probe.request import Service, by_env
from voxgate.probe.sudo import loose_of
from voxgate.probe.text import lines_of
from voxgate.probe.venvs import pyvenv
from voxgate.probe.ways import interpreter_of

GIVEN = re.compile(
    r"PATH|LANG(?:UAGE)?|LC_[A-Z]+|USER|LOGNAME|HOME|SHELL|TZ|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MANAGERPID(?:FDID)?"
    r"|NOTIFY_SOCKET|WATCHDOG_(?:PID|USEC)|MAINPID|LISTEN_(?:PID|PIDFDID|FDS|FDNAMES)|FDSTORE|MEMORY_PRESSURE_(?:WATCH|WRITE)"
    r"|(?:RUNTIME|STATE|CACHE|LOGS|CONFIGURATION|CREDENTIALS)_DIRECTORY|SYSTEMD_[A-Z_]+|TERM"
)
PRELOAD = "/etc/ld.so.preload"
FIRST = "LD_PRELOAD="
WHOLE_PATH = re.compile(r"/[\w./+@$-]+", re.ASCII)
LIBRARIES_AT_MOST = 100  # that a program loads before all others
DELETED = " (deleted)"  # as the kernel calls a file that has no name any more
LOADER_NAMES = re.compile(
    r"LD_.*|PYTHON(?:PATH|HOME|STARTUP|USERBASE|PLATLIBDIR|EXECUTABLE|PYCACHEPREFIX|INSPECT|BREAKPOINT|CASEOK)|GCONV_PATH"
)


def runtime(service: Service, found: Job, spoken: Job) -> dict[str, Any]:
    """What each process of the service's units runs: the venv's interpreter or another, code mapped from elsewhere or from
    a file that is gone (apart from one that a package has brought anew since), and variables that neither the unit nor ``.env``
    gave it. Names only; of LD_PRELOAD the libraries too.
    """
    home = f"{really(service.folder)}/.venv"  # as the kernel calls what is mapped: /opt may be a link of root's
    program = interpreter_of(service.folder)
    system = (f"{home}/", f"{os.path.dirname(os.path.dirname(program))}/lib/", "/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")
    with Folder(service.folder) as root:
        given = {
            unit: set(names) for one in by_env(service) for names in [Env(root, one.envs[0]).settings()] for unit in one.units
        }
    shown = spoken.value()
    rows = {}
    modules = modules_in(service.folder)
    loose: set[str] = set()
    loaded: set[str] = set()
    for row in found.value():
        if row["unit"] not in service.units:
            continue
        try:
            pid = living(row["pid"])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        variables = environment(pid)
        names = None if variables is None else {text.partition("=")[0] for text in variables}
        unit = shown.get(row["unit"], {}).get("properties", {}).get("EnvironmentNames", "").split()
        mapped, apart = executable_maps(pid), mounted_apart(pid, service.folder)
        if mapped is None or names is None or apart is None:
            continue  # it ended while we looked
        gone = {path for path in mapped if path.endswith(DELETED)}
        replaced = replaced_since({path[: -len(DELETED)] for path in gone}, row["started"])
        loaded |= mapped - gone
        loads = {path for text in variables or () if text.startswith(FIRST) for path in libraries(text[len(FIRST) :])}
        with seeing_as(row["uid"]):  # they are its own words
            loose |= set(loose_libraries(loads))
        rows[str(row["pid"])] = {
            "unit": row["unit"],
            "argv0": row["argv"][0] if row["argv"] else "",
            "interpreter": row["exe"] == program or (program in replaced and row["exe"] == f"{program}{DELETED}"),
            "elsewhere": sorted(p for p in mapped - gone if p != program and not p.startswith(system)),
            "gone": sorted(path for path in gone if path[: -len(DELETED)] not in replaced),
            "replaced": sorted(replaced),
            "mounts": apart,
            "loader": sorted(name for name in names if LOADER_NAMES.fullmatch(name)),
            "loads": sorted(loads),
            "less": less_than_usual(pid, row["cgroup"], shown.get(row["unit"], {}).get("files", {})),
            "traced_by": tracer_of(pid),
            "stands": stands_apart(pid, row["uid"], service.folder, modules),
            "strange": sorted(name for name in names - given.get(row["unit"], set()) - set(unit) if not GIVEN.fullmatch(name)),
        }
    with Folder(f"{service.folder}/.venv") as venv_folder:
        config = pyvenv(venv_folder)
    base = base_flaws(service, program, config.get("home", ""))
    base += [[path, what] for path, what in sorted(library_flaws(service, loaded).items())]
    preload = os.path.exists(PRELOAD) and os.path.getsize(PRELOAD) > 0
    preloads = libraries("\n".join(lines_of(PRELOAD))) if preload else []
    loose |= set(loose_libraries(preloads))
    return {"processes": rows, "preload": preload, "preloads": preloads, "loose": sorted(loose)[:SHOWN], "base": base[:SHOWN]}


def stands_apart(pid: str, uid: int, folder: str, modules: Iterable[str]) -> str:
    """The folder that a process stands in, by the kernel's word, where it is not the service's as that is now, and is gone, or
    has one of its packages: Python imports from where it was started. Else empty.
    """
    place = f"/proc/{pid}/cwd"
    try:
        name, there = os.readlink(place), os.stat(place)
        if os.path.samestat(there, os.stat(folder)):
            return ""
        if name.endswith(DELETED) and there.st_nlink == 0:
            return name
        with seeing_as(uid):  # it has chosen where it stands
            return name if any(os.path.lexists(f"{place}/{one}") for one in modules) else ""
    except OSError:
        return ""  # it ended while we looked


TRACER = re.compile(rb"^TracerPid:\t([0-9]+)", re.MULTILINE)


def tracer_of(pid: int | str) -> int:
    """The process that looks into a process and can change it, 0 for none: by any of its threads, which have one memory. Raises
    Trouble where these are too many.
    """
    with suppress(FileNotFoundError, ProcessLookupError):
        for one in threads_of(pid):
            with suppress(FileNotFoundError, ProcessLookupError):
                found = TRACER.search(content(f"/proc/{pid}/task/{one}/status"))
                if found and int(found[1]):
                    return int(found[1])
    return 0


def libraries(text: str) -> list[str]:
    """The libraries that a list for the loader names, as it separates them; ``?`` for what is no whole path. Raises Trouble where
    they are too many.
    """
    found = [word if WHOLE_PATH.fullmatch(word) else "?" for word in re.split(r"[\s:]+", text) if word]
    if len(found) > LIBRARIES_AT_MOST:
        raise Trouble("failed", f"over {LIBRARIES_AT_MOST} libraries to be loaded first")
    return found


def loose_libraries(paths: Iterable[str]) -> Iterator[str]:
    """What others than root can change of these, or of the way to one, as far as we can see it."""
    for path in paths:
        with suppress(OSError):
            yield from loose_of(path)
