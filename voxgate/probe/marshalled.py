"""Python's byte code read as data: nothing of it is loaded."""

from __future__ import annotations

from typing import Any

# The fields of a code object as marshal writes them: a number, an object, and the file's name, which is no part of what it does.
CODE_FIELDS = {"old": "nnnnnnoooooo.ono", "new": "nnnnnooooo.oonoo"}
NESTED_AT_MOST = 100
UNREFERRED = "NTFS."  # None, True, False, StopIteration and the ellipsis: one of each, of which Python keeps no count


class Marshalled:
    """What marshal wrote, read without making anything of it: ``whole`` is a number, and two texts that stand for the same
    have the same one as long as they share ``known``. How often an object is written out, and where it is only referred to,
    differs from one Python process to the next; that is all that may differ. Takes a time in proportion to the text.
    """

    def __init__(self, text: bytes, fields: str, known: dict[Any, int]) -> None:
        self.text, self.fields, self.known = text, fields, known
        self.at = 0
        self.referred: list[int | None] = []

    def whole(self) -> int:
        """Raises ValueError for what marshal does not write."""
        number = self.item(0)
        if self.at != len(self.text):
            raise ValueError("there is more")
        return number

    def take(self, size: int) -> bytes:
        """The next bytes."""
        start, self.at = self.at, self.at + size
        if size < 0 or self.at > len(self.text):
            raise ValueError("it ends too early")
        return self.text[start : self.at]

    def number(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(4), "little", signed=True)

    def item(self, depth: int) -> int:
        """The next object."""
        byte = self.take(1)[0]
        kind = chr(byte & 0x7F)
        if kind == "r":
            index = self.number()
            number = self.referred[index] if 0 <= index < len(self.referred) else None
            if number is None:
                raise ValueError("it refers to nothing")
            return number
        if byte & 0x80 and kind in UNREFERRED:
            raise ValueError("marshal writes no reference to it, and Python would count none")
        place = len(self.referred) if byte & 0x80 else -1
        if place >= 0:
            self.referred.append(None)
        key = self.plain(kind) or self.nested(kind, depth + 1)
        number = self.known.setdefault(key, len(self.known))
        if place >= 0:
            self.referred[place] = number
        return number

    def plain(self, kind: str) -> tuple[Any, ...]:
        """An object that holds no other, empty for another kind."""
        if kind in "zZaA":  # a text is one, whichever way it is written
            text = self.take(self.take(1)[0] if kind in "zZ" else self.number())
            return ("u" if text.isascii() else kind, text)
        if kind in "uts":
            return ("s" if kind == "s" else "u", self.take(self.number()))
        if kind in "NTFS.":
            return (kind,)
        if kind in "igy":
            return (kind, self.take({"i": 4, "g": 8, "y": 16}[kind]))
        if kind == "l":
            size = self.number()
            return (kind, size, self.take(2 * abs(size)))
        return ()

    def nested(self, kind: str, depth: int) -> tuple[Any, ...]:
        """An object of others."""
        if depth > NESTED_AT_MOST:
            raise ValueError("it is nested too deep")
        if kind == "c":
            fields = [(field, self.take(4) if field == "n" else self.item(depth)) for field in self.fields]
            return (kind, *(value for field, value in fields if field != "."))
        if kind not in "()>:":
            raise ValueError("no constant is of that kind")
        size = 3 if kind == ":" else self.take(1)[0] if kind == ")" else self.number()
        if not 0 <= size <= len(self.text):
            raise ValueError("no object has so many")
        rows = [self.item(depth) for _ in range(size)]
        return (">", *sorted(rows)) if kind == ">" else (":" if kind == ":" else "(", *rows)
