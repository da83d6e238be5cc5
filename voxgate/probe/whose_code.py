"""Whose code a process runs, whatever it and the way there are called."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress

from voxgate.probe.accounts import account, home_of
from voxgate.probe.base import Trouble
from voxgate.probe.marks import Marks
from voxgate.probe.process_files import Mapped, environment, mapped_to_run, unless_denied
from voxgate.probe.python_folders import Search
from voxgate.probe.python_programs import is_python
from voxgate.probe.python_words import folder_of, handed, module_ways, program_ways, script_of, ways_of
from voxgate.probe.reading import TOO_LONG
from voxgate.probe.spelling import SLASHES

PREFIXES = ("/", "/usr", "/usr/local")  # of Pythons that are no environment's
SEARCHED_AT_MOST = 1000  # folders that one process's variables name
SERVERS = ("UVICORN_", "GUNICORN_", "HYPERCORN_", "GRANIAN_", "UWSGI_", "FLASK_")  # of servers of Python's: words by another way
TURNED = ("LD_PRELOAD=", "LD_AUDIT=", "LD_LIBRARY_PATH=")


def code_run_by(pid: str, uid: int, program_path: str, cwd: str, words: str, marks: Marks) -> list[str]:
    """The folders of which a process, by the number that ``living`` tells, runs the code, whatever it is called: its program lies
    there, or what it was called by, which of a program of root's own without Python says nothing; or it has mapped a file of it
    that may be run. So does Python that stands there, was started there, or was given a path that leads there, by a word or by a
    variable of its own. Decided here, by what is: what the document says of it may be cut. What root runs of its own programs is
    not asked what it has mapped.
    """
    if not marks.folders:
        return []
    cwd = f"/proc/{pid}/cwd" if cwd == TOO_LONG else cwd  # what is relative is found by it too
    places, argv = [program_path], words.split("\0")
    space = marks.space_of(pid)
    found = set(marks.above(space, os.path.dirname(program_path))) if program_path.startswith("/") else set()
    kind = marks.programs.kind_of(pid)
    rows: list[Mapped] = []
    if not (uid == 0 and space.ours and kind):
        rows = list(unless_denied(mapped_to_run, pid))
        places += [row.path for row in rows]
        for place in {os.path.dirname(row.path) for row in rows}:
            found |= marks.above(space, place)
    whole = is_python(program_path) or kind == "python"
    how = "whole" if whole else marks.programs.python_in(pid, space, rows, kind)
    if how or kind != "roots":  # what a program of root's own, with no Python in it, was called by is a word alone
        places.append(argv[0])
    variables = list(unless_denied(environment, pid)) if how in {"whole", "added"} else []
    told: list[str] = []
    if how == "whole" or any(text.startswith(TURNED) for text in variables):
        given = [text for text in variables if text.startswith(("PYTHON", "VIRTUAL_ENV=", *SERVERS))]
        told = [*argv, *given]
        places.append(f"{cwd}/")
        with suppress(OSError):
            found.update(marks.around(pid, f"/proc/{pid}/cwd"))
        found |= led_by(pid, uid, cwd, argv, given, dict(text.split("=", 1) for text in reversed(variables)), marks)
    elif how:
        told = handed(argv)
        for way in ways_of(told, ()):
            found |= marks.on_the_way(pid, way)
    told = [f"{SLASHES.sub('/', text)}/" for text in told]
    return sorted(
        folder for folder in marks.folders
        if folder in found or any(path.startswith(f"{folder}/") for path in places) or any(f"{folder}/" in text for text in told)
    )  # fmt: skip


def led_by(
    pid: str, uid: int, cwd: str, argv: list[str], given: list[str], variables: dict[str, str], marks: Marks
) -> set[str]:  # fmt: skip
    """The folders that Python's words and variables lead to, from where it stands and from where its shell stood that started it:
    it may have gone elsewhere since. What Python searches by them is looked into.
    """
    script = script_of(argv)
    found: set[str] = set()
    search = Search(marks, pid, uid)
    before = variables.get("PWD", "")
    start = marks.end_of(pid, before, found if script is None else set()) if before[:1] == "/" and before != cwd else -1
    try:
        ways = ways_of(argv, given)
        programs = list(program_ways(argv[0], variables.get("PATH", "")))
        told = variables.get("PYTHONPATH", "").split(":") if variables.get("PYTHONPATH") else []
        if len(programs) + len(told) > SEARCHED_AT_MOST:
            raise Trouble("failed", f"a process has Python search over {SEARCHED_AT_MOST} folders")
        for way in {*ways, *programs}:
            found |= marks.on_the_way(pid, way)
            if start >= 0 and way[:1] != "/":
                found |= marks.on_the_way(pid, way, start)
        for way in module_ways(argv):
            for at in {-1, start}:
                found |= search.through(way, at) or set()
        begun = ["."] if script is None else [script, os.path.dirname(script) or "."]
        for at in {-1, start}:
            for way, kind in (*((way, "started") for way in begun), *((way or ".", "told") for way in told)):
                found |= search.found_by(way, kind, at)
        for site in sites(programs, before if start >= 0 else cwd, variables, search):
            found |= search.found_by(site, "site")
    finally:
        if start >= 0:
            os.close(start)
    return found


def sites(programs: list[str], start: str, variables: dict[str, str], search: Search) -> list[str]:
    """The folders of packages that Python has: of the environment whose program it was called by, else of its account. One that
    has the system's packages has both.
    """
    libs = dict.fromkeys((variables.get("PYTHONPLATLIBDIR") or "lib", "lib"))
    found: list[str] = []
    for program in programs:
        prefix = folder_of(program, start)
        places = (prefix, os.path.dirname(os.path.join(start or "/", program)))
        settings = [f"{place}/pyvenv.cfg" for place in places if search.through(f"{place}/pyvenv.cfg") is not None]
        if prefix not in PREFIXES and settings:
            found = [site for lib in libs for site in search.sites_of(prefix, lib)]
            if not any(map(search.has_systems, settings)):
                return found
            break
    own = variables.get("PYTHONUSERBASE") or f"{variables.get('HOME') or home_of(account(search.uid))}/.local"
    found += search.sites_of(own, "lib")
    homes = [home for home in variables.get("PYTHONHOME", "").split(":") if home]
    for home, lib in itertools.product(homes, (*libs, "local/lib")):  # of these Debian's Python has others
        found += search.sites_of(home, lib, ("site-packages", "dist-packages"))
    return found
