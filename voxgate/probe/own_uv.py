"""uv where root installed none for all: the one in the home of the account that asks, by which it builds."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import Iterator, Optional

from voxgate.probe.accounts import account, caller, home_of, seeing_as
from voxgate.probe.base import PATH
from voxgate.probe.folder import NoFile
from voxgate.probe.ways import Reached, choosers

UV_IN_A_HOME = (".local/bin/uv", "bin/uv", ".cargo/bin/uv")


@contextmanager
def own_uv() -> Iterator[Optional[int]]:
    """It held open for reading, as the account itself may; None where there is one for all, or where anybody besides that account
    and root could have put it there.
    """
    fd = None if shutil.which("uv", path=PATH) else next(filter(None, map(uv_at, UV_IN_A_HOME)), None)
    try:
        yield fd
    finally:
        if fd is not None:
            os.close(fd)


def uv_at(name: str) -> Optional[int]:
    """The file that a path of that home leads to; None where it is not there, or not the account's alone."""
    path = os.path.join(home_of(account(caller())), name)
    try:
        with seeing_as(caller()), Reached(path) as place:
            if place.eyes or choosers(os.fstat(place.handle), place.handle) - {caller()}:
                return None
            return place.opened()
    except (OSError, NoFile):
        return None
