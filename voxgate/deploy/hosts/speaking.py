"""How the gate's part (``on_host``) is sent to a host, and how its words are told from what a startup file prints."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from voxgate.deploy.on_host.built import program
from voxgate.errors import CommandUnknown

_MOST_NOISE = 256 * 1024  # bytes that somebody else may print between the answers


@dataclass(slots=True)
class Speech:
    """One start of it: each line that is its own begins with a word that was made for this start. All else is noise."""

    mark: str = field(default_factory=lambda: f"voxgate-{secrets.token_hex(8)}")
    _noise: int = 0

    def source(self, request: dict[str, object]) -> bytes:
        """The program, ending in the call that answers ``request``."""
        call = {**request, "mark": self.mark}
        return program() + f"\nmain({call!r})\n".encode()

    def hear(self, line: str, where: str) -> bytes | None:
        """What it said in this line, None where the line is somebody else's. Raises CommandUnknown where there is no end of
        these.
        """
        before, mark, said = line.partition(f"{self.mark} ")
        self._noise += len(before) if mark else len(line) + 1  # with the end of the line: an empty one is noise too
        if self._noise > _MOST_NOISE:
            raise CommandUnknown("the host says what is no answer", where=where, why="something else fills its channel")
        return said.encode("utf-8") if mark else None

    def answer_in(self, stdout: bytes, where: str) -> bytes | None:
        """The one answer in all that was printed, None where there is none."""
        lines = stdout.decode("utf-8", "replace").splitlines()
        return next((said for line in lines if (said := self.hear(line, where)) is not None), None)
