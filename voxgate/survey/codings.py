"""How the body of an answer is packed: unpacked as a browser sees it, and packed again where something was cut out of it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from typing import TYPE_CHECKING

import brotli
import zstandard

if TYPE_CHECKING:
    from voxgate.model.answers import Answer

PLAIN = 64 * 1024 * 1024  # bytes of a body, unpacked: so that a small lie cannot cost much
WINDOW = 8 * 1024 * 1024  # bytes: what browsers take of zstd at most (RFC 9659)
PACKED = ("gzip", "br", "zstd", "deflate")
_SEEN: dict[tuple[str, str], tuple[str, int]] = {}


def coding_of(answer: Answer) -> str:
    """By what its body is packed, as browsers ask for it; empty where it is plain, or packed by what no browser asks for."""
    said = answer.headers.get("content-encoding", "").strip().lower().removeprefix("x-")
    return said if said in PACKED else ""


def unpacked(answer: Answer) -> bytes:
    """The body as a browser sees it: 64 MB of it at most. One that is not packed as it says has these words instead."""
    coding = coding_of(answer)
    try:
        match coding:
            case "gzip":
                return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(answer.body, PLAIN)
            case "deflate":
                return zlib.decompressobj().decompress(answer.body, PLAIN)
            case "br":
                return _without_brotli(answer.body)
            case "zstd":
                return zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(answer.body).read(PLAIN)
            case _:
                return answer.body
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return f"not {coding}".encode()


def packed(body: bytes, coding: str) -> bytes:
    """A body packed again, the same bytes each time."""
    match coding:
        case "gzip":
            return gzip.compress(body, mtime=0)
        case "deflate":
            return zlib.compress(body)
        case "br":
            return bytes(brotli.compress(body, quality=4))
        case "zstd":
            return zstandard.ZstdCompressor().compress(body)
        case _:
            return body


def _without_brotli(body: bytes) -> bytes:
    unpacking = brotli.Decompressor()
    found = bytearray(unpacking.process(body, output_buffer_limit=PLAIN))
    while len(found) < PLAIN and not unpacking.is_finished():
        more = unpacking.process(b"", output_buffer_limit=PLAIN - len(found))
        if not more:
            break
        found += more
    return bytes(found[:PLAIN])


def seen(answer: Answer) -> str:
    """The sha256 of what a browser sees."""
    return answer.digest or _unpacked_once(answer)[0]


def size_of(answer: Answer) -> int:
    """How many bytes a browser sees."""
    return _unpacked_once(answer)[1]


def _unpacked_once(answer: Answer) -> tuple[str, int]:
    """The sha256 of a body as a browser sees it, and its bytes: of one that many questions were answered with, once. Some hundred
    bytes unpack to 16 MB, and a site may be asked for 20,000 files.
    """
    came, coding = hashlib.sha256(answer.body).hexdigest(), coding_of(answer)
    if not coding:
        return came, len(answer.body)
    if (coding, came) not in _SEEN:
        plain = unpacked(answer)
        _SEEN[coding, came] = hashlib.sha256(plain).hexdigest(), len(plain)
    return _SEEN[coding, came]
