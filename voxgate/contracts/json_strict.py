"""JSON as strict as a gate needs it: what two readers could read differently is refused."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

from voxgate.errors import ContractError
from voxgate.redaction.shortening import beginning

LIMIT = 1024 * 1024  # bytes of a document, where its reader names no other limit
DEPTH = 64  # lists and objects in each other
_SAID = 200  # characters of why a document is not strict
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build the object, refusing a key that stands twice: the last one would win silently."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            msg = f"key {key!r} stands twice"
            raise ValueError(msg)
        found[key] = value
    return found


def _no_constant(text: str) -> NoReturn:
    """Refuse NaN and the infinities, which are no JSON."""
    msg = f"{text} is no JSON"
    raise ValueError(msg)


def _finite(text: str) -> float:
    """Refuse a number that is none any more once it is read: 1e999."""
    found = float(text)
    if math.isinf(found):
        msg = "a number is out of range"
        raise ValueError(msg)
    return found


def _depth(body: str) -> int:
    """The deepest nesting of brackets outside of strings: counted before parsing, so that depth can hurt nobody."""
    deepest = depth = 0
    in_string = escaped = False
    for char in body:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEPTH:
                return deepest
        elif char in "]}":
            depth -= 1
    return deepest


def loads(body: bytes, *, where: str = "", limit: int = LIMIT) -> Any:
    """The document in ``body`` (UTF-8). Raises ContractError, in one line, for anything that is not strict JSON: more than
    ``limit`` bytes, deeper than 64 levels, duplicate keys, NaN, infinities (1e999 too), trailing text, integers of over 4300
    digits, halves of a character (a lone surrogate, which nobody can print or write).
    """
    if len(body) > limit:
        raise ContractError("not strict JSON", where=where, why=f"{len(body)} bytes, at most {limit} are read")
    try:
        text = body.decode("utf-8")
        # A deep document costs the decoder its stack; brackets are counted only where there are enough to be too deep.
        if text.count("[") + text.count("{") > DEPTH and _depth(text) > DEPTH:
            raise ContractError("not strict JSON", where=where, why=f"nested deeper than {DEPTH} levels")
        found = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant, parse_float=_finite)
        if _HALF.search(text):
            json.dumps(found, ensure_ascii=False).encode("utf-8")  # a UnicodeEncodeError is a ValueError
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split()) or "not JSON"
        raise ContractError("not strict JSON", where=where, why=beginning(why, _SAID)) from None
    return found


def read_file(path: Path, limit: int = LIMIT) -> bytes:
    """The bytes of a file that somebody else may have put there, one more than ``limit`` at most. Raises OSError, and waits for
    nobody, where it is no regular file: a pipe, a device, a link to one.
    """
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - by a descriptor
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return file.read(limit + 1)
