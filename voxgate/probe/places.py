"""Where services live on a host, and what their folders are called where a path cannot stand."""

from __future__ import annotations

import os
import re

from voxgate.probe.base import Trouble
from voxgate.probe.believing import others_change, text_led
from voxgate.probe.text import telling_lines

OPT = "/opt"
FOLDERS = re.compile(r"/opt/(?!\.{1,2}$)[A-Za-z0-9._-]+", re.ASCII)
OTHER_FOLDERS = re.compile(r"(?:/[A-Za-z0-9](?:-?[A-Za-z0-9._]){0,99}){2,12}", re.ASCII)
NAMED_BY_ROOT = "/etc/voxgate/folders"


def is_folder(text: str, folders: re.Pattern[str] = FOLDERS) -> bool:
    """True for a folder that a service may live in: one of /opt, or one that root has named on this host. Who asks chooses what
    is asked, and of a folder's files and processes we know more than he does. Without root we know no more. Raises Trouble for
    one that root has not named.
    """
    if folders.fullmatch(text):
        return True
    if not OTHER_FOLDERS.fullmatch(text):
        return False
    if os.geteuid() == 0 and text not in named_by_root():
        raise Trouble("denied", f"request refused: {text} is not in {NAMED_BY_ROOT}, where root names the folders of services")
    return True


def named_by_root() -> list[str]:
    """The folders outside of /opt's own that root has named. Raises Trouble where others than root could have."""
    try:
        text = text_led(NAMED_BY_ROOT)
    except (FileNotFoundError, NotADirectoryError):
        return []
    if place := others_change(NAMED_BY_ROOT):
        raise Trouble("denied", f"request refused: others than root can change {place}")
    return telling_lines(text)


def name_of(folder: str) -> str:
    """A folder as a name: of one of /opt its own, of one elsewhere the whole path with ``--`` for each slash."""
    top, _, name = folder.rpartition("/")
    return name if top == OPT else folder.strip("/").replace("/", "--")


def folder_called(name: str) -> str:
    """The folder that such a name means."""
    return "/" + name.replace("--", "/") if "--" in name else f"{OPT}/{name}"
