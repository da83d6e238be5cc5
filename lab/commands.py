"""Running programs: each with a deadline, each failure one line."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

POLL = 0.02  # seconds between two looks at a condition


def run(
    argv: Sequence[str | Path],
    *,
    deadline: float = 60,
    stdin: str | bytes | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> str:
    """Run to the end and return stdout; a failure, or `deadline` seconds gone, raises with the last line it said.

    With `log`, both streams go there instead, and the return is empty.
    """
    words = [str(word) for word in argv]
    sent = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        if log is None:
            ended = subprocess.run(words, input=sent, env=env, capture_output=True, timeout=deadline, check=False)
            out, said = ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")
        else:
            with log.open("ab") as sink:
                ended = subprocess.run(words, input=sent or b"", env=env, stdout=sink, stderr=sink, timeout=deadline, check=False)
            out, said = "", log.read_text(errors="replace")[-2000:]
    except subprocess.TimeoutExpired as late:
        raise VoxgateError(f"no end after {deadline:.0f} s", where=words[0], hint=f"by hand: {' '.join(words)[:300]}") from late
    except OSError as missing:
        raise VoxgateError("cannot be started", where=words[0], why=str(missing)) from missing
    if ended.returncode != 0:
        raise VoxgateError(
            f"ended with {ended.returncode}",
            where=words[0],
            why=last_line(said or out),
            hint=f"see {log}" if log else f"by hand: {' '.join(words)[:300]}",
        )
    return out


def last_line(text: str) -> str:
    """The last line that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "it said nothing")


def until(condition: Callable[[], bool], *, deadline: float, where: str, what: str, hint: str = "") -> float:
    """Poll `condition` until it is true and return the seconds it took; `deadline` seconds gone raises."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > deadline:
            raise VoxgateError(what, where=where, why=f"not within {deadline:.0f} s", hint=hint)
        time.sleep(POLL)
    return time.monotonic() - start
