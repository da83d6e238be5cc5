"""A process that ends while it is looked at is over: it is no denial, and no stranger."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.built import probe

SLEEPS = ("sleep", "60")


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is there until somebody ends it."""
    with subprocess.Popen(SLEEPS) as one:
        yield one
        one.kill()


def end(process: subprocess.Popen[bytes]) -> None:
    """It is gone, and nobody waits for it any more."""
    process.kill()
    process.wait()


def kill(process: subprocess.Popen[bytes]) -> None:
    """It is dead, and not waited for yet."""
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


def test_the_kernel_says_denied_of_a_link_whose_process_has_just_ended(process: subprocess.Popen[bytes]) -> None:
    held = os.open(f"/proc/{process.pid}/ns/net", os.O_PATH | os.O_NOFOLLOW)
    end(process)
    try:
        with pytest.raises(PermissionError) as said:
            os.readlink("", dir_fd=held)
        assert said.value.errno == errno.EACCES
    finally:
        os.close(held)


def ending(process: subprocess.Popen[bytes], link: str, asked: Callable[..., Any]) -> Callable[..., Any]:
    """Ask the kernel for this link as it is asked for any other, but that its process ends just then."""

    def ask(path: Any, *words: Any, **named: Any) -> Any:
        if path == f"/proc/{process.pid}/{link}":
            end(process)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return asked(path, *words, **named)

    return ask


@pytest.mark.parametrize("over", [end, kill])
def test_whose_network_it_had_blinds_no_look(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, over: Callable[..., None]
) -> None:
    asked = os.readlink

    def ask(path: Any, *words: Any, **named: Any) -> Any:
        if path == f"/proc/{process.pid}/exe":  # only then: whether it lives was just asked
            over(process)
            return str(asked("/proc/self/exe"))
        if path == f"/proc/{process.pid}/ns/net":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return asked(path, *words, **named)

    monkeypatch.setattr(os, "readlink", ask)
    assert process.pid not in probe.sockets()["apart"]


def test_it_is_no_process_of_an_unknown_program(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "stat", ending(process, "exe", os.stat))
    assert probe.process_if_there(str(process.pid), probe.Cgroups(), 0.0) is None


def test_it_is_no_doubt_about_a_daemon(process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    row = probe.process_if_there(str(process.pid), probe.Cgroups(), 0.0)

    def doubt(*_words: Any) -> str:
        end(process)
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(probe, "doubt", doubt)
    assert probe.believed("sshd", [{**row, "command": "sshd"}]) == ([], [])
