"""What each part of the builder uses: where things are, and how files of others are opened."""

from __future__ import annotations

import json
import os
import stat
from typing import Any, Dict, Optional

HOME = "/var/lib/voxbuild"
OPT = "/opt"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KINDS = {"python": ".venv", "static": "dist"}  # what is handed over
TOOLS = {"python": ["uv"], "static": ["node", "npm"]}
OPEN, CLOSED = 0o755, 0o644  # folders and programs, and other files
SAID = 4096  # letters of what somebody said
OURS = 0o600  # files that nobody else is to open, a draft while it is written for one
ROOM = 64 << 10  # bytes of a JSON file that is somebody else's
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Bad(Exception):  # noqa: N818 - the word for it
    """Why it cannot be done, in a line."""


def where(name: str, *more: str) -> str:
    """A path in the build's folder."""
    return os.path.join(HOME, name, *more)


def path_of(name: str) -> str:
    """Where a build finds its programs: root's, for all, and then the copies of what only the account that deploys has."""
    return "%s:%s" % (PATH, where(name, "in", "tools", "bin"))


def name_of(folder: str) -> str:
    """What a build is told instead of a folder: the name of one of /opt, of one elsewhere its path with ``--`` for each slash."""
    top, _, name = folder.rpartition("/")
    return name if top == OPT else folder.strip("/").replace("/", "--")


def folder_of(name: str) -> str:
    """The folder that a build's name means."""
    return "/" + name.replace("--", "/") if "--" in name else "%s/%s" % (OPT, name)


def seen(text: str) -> str:
    """Text that moves no terminal: what is not printable becomes its escape."""
    return "".join(one if one.isprintable() or one in "\n\t" else ascii(one)[1:-1] for one in text.replace("\r\n", "\n"))


def end_of(text: str) -> str:
    """The end of what somebody said, in whole lines, or words of the one: nobody recognizes half a secret."""
    text = text.strip()
    end = text[-SAID:]
    return text if end == text else end.partition("\n")[2] or end.partition(" ")[2] or end


def folder_at(path: str, below: Optional[int] = None) -> int:
    """A folder held open, no link followed at its end."""
    return os.open(path, READ | os.O_DIRECTORY, dir_fd=below)


def write(path: str, document: Dict[str, Any]) -> None:
    """A JSON file, whole or not at all."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(document, file, sort_keys=True)
    os.rename(path + ".part", path)


def read(path: str) -> Dict[str, Any]:
    """A JSON object of somebody's, {} where it is none."""
    try:
        with open(os.open(path, READ), "rb") as file:
            document = json.loads(file.read(ROOM)) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
