"""The files that the configuration of nginx or HAProxy is made of, by their hashes."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Iterable

from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.dpkg import vouched_for
from voxgate.probe.env_files import readable_for_caller
from voxgate.probe.folder import UNREADABLE, opened
from voxgate.probe.reading import taken

MADE_OF_AT_MOST = 300  # files of one configuration
FEW_DIGITS = 3  # of the hash of what only root may read: in it a password may stand, which a whole hash would let be guessed


def files_told(paths: Iterable[str]) -> dict[str, Any]:
    """Each of these files that is there with the sha256 of what it says, of a file that who asks may not read himself only the
    first digits; where a link leads; which are as their package brought them; and how many files there are besides.
    """
    there = [path for path in dict.fromkeys(paths) if os.path.lexists(path) and not os.path.isdir(path)]
    files = {path: digest_led(path) for path in there[:MADE_OF_AT_MOST]}
    real = {path: os.path.realpath(path) for path in files}
    return {
        "files": files,
        "links": {path: place for path, place in real.items() if place != path},
        "vouched": sorted(vouched_for(set(files))),
        "more": len(there) - len(files),
    }


def digest_led(path: str) -> str:
    """The hash of a small regular file, links followed: nobody but root could have put one on the way."""
    try:
        with open(opened(path), "rb") as file:
            found = hashlib.sha256(taken(file, SMALL_FILE, path)).hexdigest()
            return found if readable_for_caller(file.fileno()) else found[:FEW_DIGITS]
    except (OSError, Trouble):
        return UNREADABLE
