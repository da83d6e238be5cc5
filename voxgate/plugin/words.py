"""What a failed judgement says: verdict, what was found, what to do."""

from __future__ import annotations

from voxgate.errors import VoxgateError
from voxgate.model.verdict import Verdict
from voxgate.plugin.invariants import ARROW


def words_of(error: BaseException) -> tuple[Verdict, str, str]:
    """Verdict, what was found, what to do. An assertion is a violation; whatever else happened, we could not judge."""
    if isinstance(error, AssertionError):
        # pytest's rewriting indents the lines after the first, and adds its own below ours.
        lines = [line.strip() for line in str(error).splitlines()] or ["an assertion failed without a word"]
        advice = lines[1].removeprefix(ARROW) if len(lines) > 1 and lines[1].startswith(ARROW) else ""
        return Verdict.VIOLATED, lines[0], advice
    if isinstance(error, VoxgateError):
        return Verdict.BLIND, error.line, error.hint
    lines = str(error).splitlines() or [""]
    advice = "this is a fault of the test, not of the host: look at its traceback with -vv"
    return Verdict.BLIND, f"could not be judged: {type(error).__name__}: {lines[0]}", advice
