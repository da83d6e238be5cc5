"""A folder by the digests of its files: ``SHA256SUMS``, as sha256sum(1) writes and checks it, and in-toto's ``dirHash``."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from voxgate.errors import ContractError

MOST_FILES = 200_000
"""Files of a folder, at most."""

MOST_BYTES = 8 << 30
"""Bytes of all of them, at most."""

DEEPEST = 64
"""Folders on the way to one of them, at most."""

_PIECE = 1 << 20  # bytes that are hashed at once
_ROW = re.compile(r"([0-9a-f]{64})  ([^\n]+)")
_ARROW = " -> "


def digests_of(folder: Path, without: Collection[str] = ()) -> dict[str, str]:
    """The sha256 of each file of a folder, by its path below it, in the order of the bytes of these. A link is not followed: it
    stands as ``PATH -> TARGET``, with the sha256 of its target's name. ``without`` are files at the top that are left out.

    Raises ContractError for what is neither file, folder nor link, for a name with a line's end in it, and for too much.
    """
    found: dict[str, str] = {}
    left = MOST_BYTES
    for path in _files(folder, folder, DEEPEST):
        name = str(path.relative_to(folder))
        if name in without:
            continue
        if "\n" in name or _ARROW in name or len(found) >= MOST_FILES:
            why = "its name cannot stand in a list" if len(found) < MOST_FILES else f"more than {MOST_FILES} files"
            raise ContractError("this folder cannot be listed", where=str(path), why=why)
        if path.is_symlink():
            target = os.readlink(path)  # noqa: PTH115 - the text as it is
            found[f"{name}{_ARROW}{target}"] = sha256(os.fsencode(target))
        else:
            found[name], read = _digest(path, left)
            left -= read
    return dict(sorted(found.items(), key=lambda row: os.fsencode(row[0])))


def _files(folder: Path, top: Path, deep: int) -> Iterator[Path]:
    """All files and links below a folder, which may have folders ``deep`` below it."""
    if deep < 0:
        raise ContractError("this folder cannot be listed", where=str(top), why=f"more than {DEEPEST} folders deep")
    try:
        entries = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError as error:
        raise ContractError("this folder cannot be listed", where=str(folder), why=error.strerror or str(error)) from None
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _files(path, top, deep - 1)
        elif entry.is_file(follow_symlinks=False) or entry.is_symlink():
            yield path
        else:
            raise ContractError("this is no file", where=str(path.relative_to(top)), why="a pipe, a socket or a device")


def _digest(path: Path, most: int) -> tuple[str, int]:
    """The sha256 of a file, and how many bytes it has. Raises ContractError where it has more than ``most``."""
    digest, size = hashlib.sha256(), 0
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ContractError("this is no file", where=str(path))
            while piece := file.read(_PIECE):
                digest.update(piece)
                size += len(piece)
                if size > most:
                    raise ContractError("this folder cannot be listed", where=str(path), why=f"more than {MOST_BYTES >> 30} GiB")
    except OSError as error:
        raise ContractError("this file cannot be read", where=str(path), why=error.strerror or str(error)) from None
    return digest.hexdigest(), size


def read_file(path: Path, limit: int) -> bytes:
    """A regular file, at most ``limit`` bytes of it; links are not followed. Raises ContractError for anything else."""
    return read_below(path.parent, path.name, limit)


def read_below(folder: Path, name: str, limit: int) -> bytes:
    """The same of a file by its path below a folder: no part of that path is a link either."""
    *folders, last = Path(name).parts
    with ExitStack() as opened:
        try:
            at = _open(opened, folder, os.O_DIRECTORY)
            for part in folders:
                at = _open(opened, part, os.O_DIRECTORY | os.O_NOFOLLOW, at)
            descriptor = _open(opened, last, os.O_NOFOLLOW | os.O_NONBLOCK, at)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ContractError("this is no file", where=str(folder / name))
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                body = file.read(limit + 1)
        except OSError as error:
            raise ContractError("this file cannot be read", where=str(folder / name), why=error.strerror or str(error)) from None
    if len(body) > limit:
        raise ContractError("this file is too large", where=str(folder / name), why=f"more than {limit} bytes")
    return body


def _open(opened: ExitStack, path: Path | str, flags: int, at: int | None = None) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=at)
    opened.callback(os.close, descriptor)
    return descriptor


def text_of(digests: Mapping[str, str]) -> bytes:
    """As ``SHA256SUMS`` has them."""
    return b"".join(b"%s  %s\n" % (digest.encode(), os.fsencode(name)) for name, digest in digests.items())


def read_text(body: bytes, where: str = "") -> dict[str, str]:
    """What ``text_of`` made. Raises ContractError for anything that it would not make."""
    found: dict[str, str] = {}
    for line in os.fsdecode(body).split("\n")[:-1]:
        row = _ROW.fullmatch(line)
        if row is None:
            raise ContractError("this is no list of digests", where=where, why="a line is of another form")
        found[row[2]] = row[1]
    if text_of(found) != body:
        raise ContractError("this is no list of digests", where=where, why="a name stands twice, or its last line is cut")
    return found


def within(digests: Mapping[str, str], folder: str) -> dict[str, str]:
    """Those of one folder at the top, by their path below it."""
    return {name.removeprefix(f"{folder}/"): one for name, one in digests.items() if name.startswith(f"{folder}/")}


def dir_hash(digests: Mapping[str, str]) -> str:
    """``dirHash`` of in-toto's digest sets: the sha256 of such a list."""
    return sha256(text_of(digests))


def sha256(body: bytes) -> str:
    """The sha256 of some bytes, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
