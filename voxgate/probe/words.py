"""What units say of themselves, for a person who asks why."""

from __future__ import annotations

import os
import re
import stat
from functools import partial
from typing import Any

from voxgate.probe.accounts import caller
from voxgate.probe.base import DEADLINE, Job
from voxgate.probe.programs import run
from voxgate.probe.request import Service
from voxgate.probe.systemctl import said

WORDS_LINES = 200


def words(services: list[Service]) -> dict[str, Any]:
    """What each unit says of itself, for a person who asks why: by unit, in lines."""
    told = {name: Job(partial(words_of, name, service.folder)) for service in services for name in service.units}
    return {name: job.result() for name, job in told.items()}


def runs_in(properties: dict[str, str], folder: str) -> bool:
    """True for a unit that runs what stands in this folder, as systemd says it."""
    program_path = re.match(r"\{ path=(/\S+) ; ", properties.get("ExecStart", ""))
    places = [program_path.group(1) if program_path else "", f"{properties.get('WorkingDirectory', '')}/"]
    return any(place.startswith(f"{folder}/") for place in places)


def is_callers(properties: dict[str, str], folder: str, uid: int) -> bool:
    """True for a unit that runs what stands in this folder, which is of the account that asks. A request is that account's word:
    root reads it no journal but of what it itself has put here.
    """
    row = os.lstat(folder)
    return stat.S_ISDIR(row.st_mode) and row.st_uid == uid and runs_in(properties, folder)


def words_of(unit: str, folder: str) -> dict[str, list[str]]:
    """Its status, which all may read; and its journal since it was started, or of the whole boot where that start was not the
    only one. Root reads it to nobody whose unit it is not.
    """
    show = said("systemctl", "show", "--property=InvocationID,NRestarts,ExecStart,WorkingDirectory", "--", unit)
    properties = dict(line.partition("=")[::2] for line in show.splitlines())
    mute = os.geteuid() == 0 and not is_callers(properties, folder, caller())
    started = properties.get("InvocationID", "")
    once = properties.get("NRestarts", "0") == "0" and re.fullmatch(r"[0-9a-f]{32}", started)
    mine = [f"_SYSTEMD_INVOCATION_ID={started}", "+", f"INVOCATION_ID={started}"] if once else ["--boot", f"--unit={unit}"]
    shape = ("--quiet", "--no-pager", "--output=short-iso", "--no-hostname", f"--lines={WORDS_LINES}")
    # 3 is what status says of a unit that is not active
    status = run(["systemctl", "status", "--no-pager", "--full", "--lines=0", "--", unit], DEADLINE - 1)
    return {
        "status": (status.out or status.err).splitlines()[:WORDS_LINES],
        "journal": [f"not told: nothing of {folder} runs in it"] if mute else said("journalctl", *shape, *mine).splitlines(),
    }
