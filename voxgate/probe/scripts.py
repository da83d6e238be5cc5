"""Which programs that move code a command runs, also by the scripts that it calls."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import stat
from contextlib import suppress

from voxgate.probe.accounts import account, at_home, seeing_as
from voxgate.probe.base import LONGEST_PATH, PATH, SCRIPT_DEPTH, Trouble
from voxgate.probe.begun import begun_by, named_first
from voxgate.probe.folder import NoFile, opened_on_disk
from voxgate.probe.shell_words import run_and_touched
from voxgate.probe.spelling import folders_in, spelled
from voxgate.probe.text import COMMENT_ALONE
from voxgate.probe.ways import Reached, paths_in

MOVERS = re.compile(
    r"(?:(?<![\w./%-])|(?<=\s-m)|(?<=\s-[A-Za-z]m))(?:/[\w./-]*/)?(git|rsync|pip3?(?:\.\d+)?|uvx?|npm|npx)(?![\w./-])", re.ASCII
)
MOVER_NAMES = ("git", "rsync", "pip", "pip3", "uv", "uvx", "npm", "npx")
WORD = re.compile(r"[\w./@+-]+", re.ASCII)
INTERPRETED = re.compile(
    r"(?:^|[\s;&|/(])(sh|bash|dash|ash|ksh|zsh|busybox|python[\d.]*|perl|ruby|node|source|\.)\s+(?:-\S+\s+)*([\w./@+-]+)",
    re.MULTILINE,
)
BEGINS = r"(?:^|[\s;&|({!])"
GONE_TO = re.compile(
    BEGINS
    + r"(?:(?:cd|pushd)[ \t]+(?:-[LPe]+[ \t]+|--[ \t]+)*|(?:/usr)?(?:/bin/)?env[ \t]+(?:-\S+[ \t]+)*-C[ \t]*|--chdir[= \t])"
    r"([\w./@+-]+)",
    re.MULTILINE | re.ASCII,
)
RUN_PARTS = re.compile(BEGINS + r"(?:/usr)?(?:/bin/)?run-parts[ \t]+(?:-\S+[ \t]+)*([\w./@+-]+)", re.MULTILINE | re.ASCII)
OF_CRON = re.compile(r"/etc/cron\.\w+/?")  # of each program there cron's own rows tell
GONE_AT_MOST = 200  # folders that one text goes to
WAYS_TO_GO = 4  # where it may be, of which a relative one is looked for
OF_SHELL = re.compile(rb"#! */(?:usr/)?bin/(?:env +)?(?:ba|da)?sh(?: +-[a-z]+)?\r?\n")
SHELLS = {"sh", "bash", "dash", "source", "."}
SCRIPTS_AT_MOST = 5000  # files that one job may name
SCRIPT_BYTES = 1 << 20
WORDS_AT_MOST = 20_000  # each may be a file's name


def movers(
    text: str,
    folders: tuple[str, ...] = (),
    depth: int = 0,
    seen: set[str] | None = None,
    stands: tuple[str, ...] = (),
    *,
    of_shell: bool = False,
    started: set[str] | None = None,
) -> set[str]:
    """The movers that a command line or a script runs, also through the scripts that it names, relative ones from where it
    ``stands`` or goes to; and the folders of services that it names: whatever is done there by itself is not done by the gate;
    and systemctl where it does something to one of the services' units, which are among ``folders`` by the beginning of their
    names. Of what nobody but a shell reads, comments and what is only told to somebody count for nothing. ``started`` is told
    what is started by its whole path, also by the scripts among that which are root's alone.
    """
    seen = set() if seen is None else seen
    plain = COMMENT_ALONE.sub("", text)
    run, touched, begun = run_and_touched(text, plain) if of_shell else (plain, plain, begun_by(plain))
    if started is not None:
        started |= begun.union(named_first(text))
    run, touched = spelled(run), spelled(touched)
    found = set(MOVERS.findall(run)) | folders_in(touched, tuple(one for one in folders if one.startswith("/")))
    found |= {program for name in folders if not name.startswith("/") for program in managers_of(name, run)}
    if depth < SCRIPT_DEPTH:
        read: dict[str, set[str]] = {}
        for reader, word in INTERPRETED.findall(run):
            read.setdefault(word, set()).add(reader)
        gone = (*stands, *gone_to(touched, stands))
        told = RUN_PARTS.findall(run)
        parts = {path for name in told for path in parts_of(name, gone)}
        if started is not None:  # also what may lie there by then
            started |= parts.union(f"{name}/any" for name in told if name.startswith("/"))
        words_said = {*WORD.findall(run), *read, *parts}
        if len(words_said) > WORDS_AT_MOST:
            raise Trouble("failed", f"a job of over {WORDS_AT_MOST} words")
        for word in words_said:
            near = gone if "/" in word or word in read else stands if depth == 0 else ()
            for path in paths_of(word, depth, near):
                if path in seen:
                    continue
                seen.add(path)
                if len(seen) > SCRIPTS_AT_MOST:
                    raise Trouble("failed", f"a job names over {SCRIPTS_AT_MOST} files")
                more = started if path in begun else None
                found |= run_by(path, folders, depth, seen, readers=read.get(word, set()), stands=gone, started=more)
    return found


def gone_to(text: str, stands: tuple[str, ...]) -> list[str]:
    """The folders that a text goes to, relative ones from where it stands at first, or is by then. Of very
    many the first ones count.
    """
    places: dict[str, None] = {}
    now: list[str] = []
    for name in dict.fromkeys(GONE_TO.findall(text)):
        above = ["/"] if name.startswith("/") else [*now[:WAYS_TO_GO], *stands]
        now = [os.path.normpath(os.path.join(one, name)) for one in above]
        places.update(dict.fromkeys(now))
        if len(places) > GONE_AT_MOST:
            break
    return [place for place in places if place not in stands]


def parts_of(name: str, stands: tuple[str, ...]) -> list[str]:
    """The programs in a folder that run-parts is told to run, but for cron's own."""
    folders = [name] if name.startswith("/") else [os.path.normpath(f"{above}/{name}") for above in stands]
    with suppress(OSError):
        return [path for folder in folders if not OF_CRON.fullmatch(folder) for path in paths_in(folder)]
    return []


MANAGED = re.compile(r"(?<![\w.-])(systemctl|service)\b([^\n;|&]*)")
TOLD_OF_UNITS = {"is-active", "is-failed", "is-enabled", "is-system-running", "status", "show", "cat", "help"}


def managers_of(unit: str, text: str) -> set[str]:
    """The programs by which a text has something done to a unit, or to one of a template (``voxcore@``), and not only asks."""
    found = set()
    for program, said in MANAGED.findall(text):
        words = [word.strip("'\"") for word in said.split()]
        plain = [word for word in words if not word.startswith("-")]
        if not TOLD_OF_UNITS & set(plain) and any(word.startswith((unit, "*")) for word in plain):
            found.add(program)
    return found


def paths_of(word: str, depth: int, stands: tuple[str, ...]) -> list[str]:
    """The files that a word of a command may mean."""
    if len(word) >= LONGEST_PATH:
        return []
    if word.startswith("/"):
        return [word]
    found = [shutil.which(word, path=PATH)] if depth == 0 and "/" not in word else []
    near = [os.path.normpath(f"{folder}/{word}") for folder in stands]
    return [path for path in [*found, *near] if path is not None and is_script(path)]


def is_script(path: str) -> bool:
    """True for a file that is there for whoever could have led to it."""
    if not os.path.isfile(path):  # most words are no files, and a look costs less than a way
        return False
    try:
        with Reached(path) as place:
            return stat.S_ISREG(os.fstat(place.handle).st_mode)
    except OSError:
        return False


def run_by(
    path: str,
    folders: tuple[str, ...],
    depth: int,
    seen: set[str],
    *,
    readers: set[str] | frozenset[str] = frozenset(),
    stands: tuple[str, ...] = (),
    started: set[str] | None = None,
) -> set[str]:
    """The movers that a program runs: itself, by whatever name, or what its script says. A text is a script where it can be
    run, or where an interpreter is told to read it, with or without a first line that says so.
    """
    try:
        held = Reached(path)
    except OSError:
        return set()
    with held as place:
        try:
            found, head = start_of(place)
        except PermissionError:
            return run_unread(place)
        except BlockingIOError:
            raise
        except (OSError, NoFile):
            return set()
        if head.startswith(b"\x7fELF"):
            return {name for name in MOVER_NAMES if same_program(place, name)}
        real, whose = place.path, place.whose_words()
    runs = bool(readers) or found.st_mode & 0o111 or head.startswith(b"#!") or real.endswith((".sh", ".py", ".pl", ".rb"))
    if b"\0" in head[:4096] or not runs:
        return set()
    if len(head) > SCRIPT_BYTES:
        raise Trouble("failed", f"{path}: a script of over {SCRIPT_BYTES} bytes")
    here = (*dict.fromkeys((*stands, os.path.dirname(real))),)
    of_shell = readers <= SHELLS and (OF_SHELL.match(head) is not None or (bool(readers) and not head.startswith(b"#!")))
    with seeing_as(whose):
        text = at_home(head.decode(errors="replace"), account(found.st_uid))
        return movers(text, folders, depth + 1, seen, here, of_shell=of_shell, started=None if whose else started)


def run_unread(place: Reached) -> set[str]:
    """The mover that a program is which an account may run and not read: of such a one is said no more."""
    found = os.fstat(place.handle)
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & 0o111:
        return set()
    with seeing_as(0):
        return {name for name in MOVER_NAMES if same_program(place, name)}


def start_of(place: Reached) -> tuple[os.stat_result, bytes]:
    """What a regular file is, and its first part, of a script one byte more than may be. Raises Trouble for anything else."""
    with open(place.opened(), "rb") as file:
        head = file.read(4096)
        return os.fstat(file.fileno()), head if b"\0" in head else head + file.read(SCRIPT_BYTES + 1 - len(head))


def same_program(place: Reached, name: str) -> bool:
    """True if a file is the program of that name, or a copy of it."""
    program = shutil.which(name, path=PATH)
    if program is None:
        return False
    try:
        with open(opened_on_disk(os.dup(place.handle), place.asked), "rb") as file:
            found, wanted = os.fstat(file.fileno()), os.stat(program)
            if os.path.samestat(found, wanted):
                return True
            held = f"/proc/self/fd/{file.fileno()}"
            return found.st_size == wanted.st_size and filecmp.cmp(held, program, shallow=False)
    except BlockingIOError:
        raise
    except (OSError, NoFile):
        return False
