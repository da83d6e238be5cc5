"""What of a unit's journal stands on the terminal."""

from __future__ import annotations

from voxgate.plugin.diagnostics import last_lines
from voxgate.redaction.cutting import Redactor

AT = "2026-11-22T05:19:09+00:00"
LOOP = [
    f"{AT} python[77]: MONGODB_URI is not set",
    f"{AT} systemd[1]: voxbridge.service: Main process exited, code=exited, status=1/FAILURE",
    f"{AT} systemd[1]: voxbridge.service: Failed with result 'exit-code'.",
    f"{AT} systemd[1]: voxbridge.service: Consumed 1.763s CPU time.",
    f"{AT} systemd[1]: voxbridge.service: Scheduled restart job, restart counter is at 3.",
    f"{AT} systemd[1]: Starting voxbridge.service - vox backend API...",
    f"{AT} systemd[1]: Started voxbridge.service - vox backend API.",
]


def said(*lines: str) -> tuple[str, ...]:
    return last_lines([("systemctl status, x", "failed"), ("journal since its start, x", "\n".join(lines))], Redactor())


def test_in_a_crash_loop_the_last_words_are_those_that_say_why() -> None:
    assert said(*LOOP) == tuple(LOOP[:3])
    assert said(*LOOP, *LOOP) == (*LOOP[1:3], *LOOP[:3])


def test_where_systemd_alone_said_anything_that_is_told() -> None:
    assert said(*LOOP[3:]) == tuple(LOOP[3:])
    assert said() == ()
    assert last_lines([], Redactor()) == ()
