"""The commands of the steps: each in a session of its own, with an end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any, Dict, List, Set, Tuple

KILL_AFTER = 5.0  # seconds that a command has to end by itself once it was asked to
PAUSE = 0.02  # seconds between two looks whether it has
KEPT = 8192  # characters of a command's output
# No hook of a checkout runs in a deploy: what it starts would hold the step's lock for as long as it lives. What the forge
# sends is checked before it is kept.
GIT = {
    "GIT_CONFIG_COUNT": "3",
    "GIT_CONFIG_KEY_0": "gc.autoDetach",
    "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath",
    "GIT_CONFIG_VALUE_1": "/dev/null",
    "GIT_CONFIG_KEY_2": "fetch.fsckObjects",
    "GIT_CONFIG_VALUE_2": "true",
    "GIT_TERMINAL_PROMPT": "0",
}


class Commands:
    """What runs here, one command at a time for a service, and what of it was cut short."""

    def __init__(self) -> None:
        self.running: Dict[str, Tuple["subprocess.Popen[bytes]", bool]] = {}  # what may be cut short; True on the way back
        self.cut: Set[str] = set()

    def run(self, service: str, step: Dict[str, Any], lock: int, *, back: bool) -> Dict[str, Any]:
        """One command. ``exit`` is None where it did not end by itself: its outcome is unknown."""
        began = time.monotonic()
        child = subprocess.Popen(
            step["argv"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            pass_fds=(lock,),  # killed with us or not: whoever comes next waits for it
            env=dict(os.environ, **GIT),
        )
        if not step.get("finish"):
            self.running[service] = (child, back)
        why = ""
        try:
            out, err = child.communicate(timeout=step["deadline"])
        except subprocess.TimeoutExpired:
            why = "was not done within %d s" % step["deadline"]
            _end(child, signal.SIGKILL)
            out, err = _last_words(child)
        finally:
            self.running.pop(service, None)
        if service in self.cut:
            why = "was cut short"
        elif not why and child.returncode < 0:
            why = "was killed by signal %d" % -child.returncode
        said = [_end_of(text.decode("utf-8", "replace")) for text in (out, err)]
        seconds = time.monotonic() - began
        return {"exit": None if why else child.returncode, "out": said[0], "err": said[1], "why": why, "seconds": seconds}

    def cut_short(self, *, back: bool) -> List[str]:
        """End what runs now and may be ended, with ``back`` also on the way back. Returns the services."""
        children = {name: child for name, (child, is_back) in dict(self.running).items() if back or not is_back}
        self.cut.update(children)
        for child in children.values():
            _end(child, signal.SIGTERM)
        until = time.monotonic() + KILL_AFTER
        while time.monotonic() < until and any(child.poll() is None for child in children.values()):
            time.sleep(PAUSE)
        for child in children.values():
            _end(child, signal.SIGKILL)
        return sorted(children)


def _end_of(text: str) -> str:
    """The end of what a command said, in whole lines, or words of the one: nobody recognizes half a secret."""
    end = text[-KEPT:]
    return text if end == text else end.partition("\n")[2] or end.partition(" ")[2] or end


def _last_words(child: "subprocess.Popen[bytes]") -> Tuple[bytes, bytes]:
    """What a killed command said. Root's cannot be killed, and it is waited for no longer: it still holds ``step.lock``,
    so whoever comes next waits for it.
    """
    try:
        return child.communicate(timeout=KILL_AFTER)
    except subprocess.TimeoutExpired as late:
        return late.stdout or b"", late.stderr or b""


def _end(child: "subprocess.Popen[bytes]", number: int) -> None:
    with suppress(OSError):  # gone, or root's: systemctl ends by itself
        os.killpg(child.pid, number)
