"""Distributions that were installed anew: all of their files are handed over, so that they are of one time."""

from __future__ import annotations

import csv
import os
from contextlib import ExitStack, suppress
from typing import Iterator, Set

from voxgate.moves.builder.base import READ, Bad, folder_at

RECORD_BYTES = 4 << 20  # of a longer one a look says that it is none
ROWS = 1_000_000  # of all that are another now: what was built may have as many as the disk holds, and the memory is the host's


def renewed(source: int, place: int, top: str) -> Set[str]:
    """The paths, below ``top``, of the files of each distribution that is in both environments and whose RECORD is another one
    now, as where its scripts name a new path. The installer writes that last and at once: where it alone were new, and the rest
    left as it was, it would look as if somebody had written it afterwards. Raises OSError, and Bad for too many rows.
    """
    found: Set[str] = set()
    rows = 0
    with ExitStack() as held, suppress(FileNotFoundError, NotADirectoryError):
        lib = opened("lib", source, held)
        for python in sorted(name for name in os.listdir(lib) if name.startswith("python3")):
            at = "lib/%s/site-packages" % python
            with suppress(FileNotFoundError, NotADirectoryError):
                new, old = opened(at, source, held), opened(at, place, held)
                for info in sorted(name for name in os.listdir(new) if name.endswith(".dist-info")):
                    for path in differing(new, old, info, at):
                        rows += 1
                        if rows > ROWS:
                            raise Bad("the RECORDs of what was built have over %d rows" % ROWS)
                        found.add("%s/%s" % (top, path))
    return found


def opened(path: str, below: int, held: ExitStack) -> int:
    """A folder held open for as long as that."""
    folder = folder_at(path, below)
    held.callback(os.close, folder)
    return folder


def differing(new: int, old: int, info: str, at: str) -> Iterator[str]:
    """The files of one distribution, row by row, if its RECORD is another one than it was."""
    with suppress(OSError, csv.Error):  # it was not there, or has none: then it is no distribution
        texts = [record_of(site, info) for site in (new, old)]
        for row in csv.reader(texts[0].splitlines()) if texts[0] != texts[1] else ():
            if row:
                yield os.path.normpath("%s/%s" % (at, row[0]))


def record_of(site: int, info: str) -> str:
    """A distribution's RECORD. Raises OSError."""
    with open(os.open("%s/RECORD" % info, READ, dir_fd=site), "rb") as file:
        return file.read(RECORD_BYTES).decode(errors="replace")
