"""The gate's part on a host as one file, which is what travels."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from voxgate import one_file

PACKAGE = Path(__file__).parent


@cache
def program() -> bytes:
    """It defines ``main(request)``, and does nothing before that is called."""
    return one_file.program(PACKAGE).encode()
