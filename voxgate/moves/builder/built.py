"""The builder as one file, which is what is installed as ``/usr/local/libexec/voxgate-build``."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from voxgate import one_file

PACKAGE = Path(__file__).parent
_TAIL = """

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


@cache
def program() -> bytes:
    """The builder as it runs on a host: the same bytes for the same modules, whoever makes it."""
    return f"#!/usr/bin/python3 -I\n{one_file.program(PACKAGE)}{_TAIL}".encode()


@cache
def digest() -> str:
    """The sha256 of these bytes, in hexadecimal digits."""
    return hashlib.sha256(program()).hexdigest()
