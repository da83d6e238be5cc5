"""Which processes run a JavaScript engine, whatever they are called."""

from __future__ import annotations

import os
from contextlib import suppress

from voxgate.probe.base import FILES_AT_MOST, Job, Trouble
from voxgate.probe.elf import dynamic_names
from voxgate.probe.folder import opened_regular, place_of
from voxgate.probe.process_files import living, mapped_to_run

MODULES = b"napi_module_register\0"  # what Node.js, bun and deno export under this name to their native modules


def javascript(found: Job) -> list[int]:
    """The processes that run a JavaScript engine for servers, whatever their program is called: itself, or a library of it,
    names the function that every native module of Node.js calls.
    """
    known: dict[tuple[str, str], bool] = {}
    pids = []
    for row in found.value():
        try:
            pid = living(row["pid"])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
        for one in mapped_to_run(pid) or ():
            if one.inode == "0":
                continue
            if one[1:3] not in known:
                if len(known) >= FILES_AT_MOST:
                    raise Trouble("failed", f"over {FILES_AT_MOST} files are mapped to be run")
                known[one[1:3]] = names_modules(pid, one.place, one.path)
            if known[one[1:3]]:
                pids.append(row["pid"])
                break
    return pids


def names_modules(pid: int | str, place: str, path: str) -> bool:
    """True if a mapped file names it among its dynamic symbols. The mapping itself is opened: the path may hold another now."""
    try:
        fd = mapped_file(pid, place, path)
    except BlockingIOError:
        raise
    except (OSError, Trouble):
        return False
    try:
        return MODULES in dynamic_names(fd)
    finally:
        os.close(fd)


def mapped_file(pid: int | str, place: str, path: str) -> int:
    """A file that a process has mapped, opened; where the kernel does not give the mapping, what has its path now, found from
    the process's root on by no link: one that is there now may lead out of it. Raises Trouble or OSError.
    """
    with suppress(PermissionError, FileNotFoundError, ProcessLookupError):
        return opened_regular(os.open(f"/proc/{pid}/map_files/{place}", os.O_PATH | os.O_CLOEXEC), path)
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return opened_regular(place_of(path, root), path)
    finally:
        os.close(root)
