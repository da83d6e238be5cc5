"""What each process of a service really runs."""

from __future__ import annotations

import os
import re
from typing import Any

from voxgate.probe.base import SHOWN, Job
from voxgate.probe.bases import base_flaws
from voxgate.probe.env_files import Env
from voxgate.probe.folder import Folder
from voxgate.probe.mounts import mounted_apart
from voxgate.probe.process_files import environment, executable_maps, living
from voxgate.probe.request import Service
from voxgate.probe.venvs import pyvenv
from voxgate.probe.ways import interpreter_of

GIVEN = re.compile(
    r"PATH|LANG|LC_[A-Z]+|USER|LOGNAME|HOME|SHELL|TZ|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|MANAGERPID(?:FDID)?"
    r"|NOTIFY_SOCKET|WATCHDOG_(?:PID|USEC)|MAINPID|LISTEN_(?:PID|PIDFDID|FDS|FDNAMES)|FDSTORE|MEMORY_PRESSURE_(?:WATCH|WRITE)"
    r"|(?:RUNTIME|STATE|CACHE|LOGS|CONFIGURATION|CREDENTIALS)_DIRECTORY|SYSTEMD_[A-Z_]+|TERM"
)
LOADER_NAMES = re.compile(
    r"LD_.*|PYTHON(?:PATH|HOME|STARTUP|USERBASE|PLATLIBDIR|EXECUTABLE|PYCACHEPREFIX|INSPECT|BREAKPOINT|CASEOK)|GCONV_PATH"
)


def runtime(service: Service, found: Job, spoken: Job) -> dict[str, Any]:
    """What each process of the service's units runs: the venv's interpreter or another, code mapped from elsewhere or from
    a file that is gone, and variables that neither the unit nor ``.env`` gave it. Names only.
    """
    home = f"{service.folder}/.venv"
    program = interpreter_of(service.folder)
    system = (f"{home}/", f"{os.path.dirname(os.path.dirname(program))}/lib/", "/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/")
    with Folder(service.folder) as root:
        given = set(Env(root).settings())
    shown = spoken.value()
    rows = {}
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
        rows[str(row["pid"])] = {
            "unit": row["unit"],
            "argv0": row["argv"][0] if row["argv"] else "",
            "interpreter": row["exe"] == program,
            "elsewhere": sorted(p for p in mapped if p != program and not p.startswith(system) and not p.endswith(" (deleted)")),
            "gone": sorted(p for p in mapped if p.endswith(" (deleted)")),
            "mounts": apart,
            "loader": sorted(name for name in names if LOADER_NAMES.fullmatch(name)),
            "strange": sorted(name for name in names - given - set(unit) if not GIVEN.fullmatch(name)),
        }
    with Folder(f"{service.folder}/.venv") as venv_folder:
        config = pyvenv(venv_folder)
    base = base_flaws(service, program, config.get("home", ""))
    preload = os.path.exists("/etc/ld.so.preload") and os.path.getsize("/etc/ld.so.preload") > 0
    return {"processes": rows, "preload": preload, "base": base[:SHOWN]}
