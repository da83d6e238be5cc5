"""One thing that starts by itself."""

from __future__ import annotations

from typing import Iterable, Iterator, NamedTuple

from voxgate.probe.base import Trouble
from voxgate.probe.scripts import OF_SHELL
from voxgate.probe.unit_folders import ENDINGS

JOBS_AT_MOST = 5000
JOBS_BYTES = 8 * 1024 * 1024  # what all jobs are, together


class Planned(NamedTuple):
    """What starts by itself: by which file or unit, as whom, the commands, and where it starts if not at its account's home."""

    where: str
    user: str
    text: str
    stands: str = ""


def is_of_shell(where: str, text: str) -> bool:
    """True for what nobody but a shell reads: no unit's commands, and nothing that names another reader in its first line."""
    is_others = text.startswith("#!") and not OF_SHELL.match(text.partition("\n")[0].encode(errors="replace") + b"\n")
    return where.startswith("/") and not where.endswith((*ENDINGS, ".conf")) and not is_others


def few_enough(planned: Iterable[Planned]) -> Iterator[Planned]:
    """The jobs one by one, but for what runs nothing. Raises Trouble where there is too much to be looked at."""
    left = JOBS_BYTES
    for count, row in enumerate(planned):
        left -= len(row.text)
        if count >= JOBS_AT_MOST or left < 0:
            raise Trouble("failed", f"over {JOBS_AT_MOST} jobs, or {JOBS_BYTES} letters of them")
        if row.text.strip():
            yield row
