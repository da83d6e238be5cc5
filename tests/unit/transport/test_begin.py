"""Every command on a host begins in one environment, whatever the account's shell is and does; or it is said that it did not."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from voxgate.deploy.hosts import answers
from voxgate.deploy.hosts.holding import Hold
from voxgate.errors import CommandUnknown
from voxgate.survey.collect import missing
from voxgate.transport.deadline import Deadline
from voxgate.transport.ssh.begin import Opening, command_line
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.failures import NotBegun
from voxgate.transport.ssh.running import Running

from .conftest import Ground, Opened, host

WORDS = ("a b", "it's", 'say "x"', "", "back\\slash\\n", "two\nlines", "$HOME `id` !! %s ~", "*", "é", "-n", ";", "end\n")
# As a startup file of somebody's: words on both streams, the last line open, and what would change each program that runs.
HABITS = """umask 027
echo "Welcome to one"; echo "stty: not a terminal" >&2; printf 'error: no end of a line'
export PATH=/nowhere LC_ALL=de_DE.UTF-8 LANGUAGE=de GIT_DIR=/nowhere PYTHONPATH=/nowhere CDPATH=/ IFS=/ ENV=/nowhere
export BASH_ENV=/nowhere LD_LIBRARY_PATH=/nowhere POSIXLY_CORRECT=1 https_proxy=http://proxy:3128 TOKEN=x
"""


def account(ground: Ground, opened: Opened, startup: str, shell: str = "/bin/bash") -> Connection:
    """A connection to an account whose shell first does ``startup``."""
    script = ground.folder / "shell"
    script.write_text(f'#!/bin/bash\n{startup}\nexec {shell} -c "$SSH_ORIGINAL_COMMAND"\n')
    script.chmod(0o755)
    return opened(ground.estate(host(ground.sshd(f"ForceCommand {script}").port)))["one"]


@pytest.mark.parametrize("shell", ["/bin/bash", "/bin/dash", "/bin/bash --posix -euf"])
def test_a_command_runs_as_it_always_does(ground: Ground, opened: Opened, shell: str) -> None:
    connection = account(ground, opened, HABITS, shell)
    told = connection.run(
        ("python3", "-I", "-c", "import os, sys; os.environ.pop('SSH_CONNECTION'); print(dict(os.environ), oct(os.umask(0)))")
    )
    home = ground.servers[0].folder
    user = connection.host.user
    given = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(home)}
    given |= {"USER": user, "LOGNAME": user, "https_proxy": "http://proxy:3128"}
    assert told.stdout.decode() == f"{given} 0o22\n"
    assert told.stderr == b""
    assert told.noise == b"Welcome to one\nerror: no end of a line"


def test_every_word_arrives_as_it_is(ground: Ground, opened: Opened) -> None:
    connection = account(ground, opened, HABITS)
    told = connection.run(("python3", "-I", "-c", "import sys; print(ascii(sys.argv[1:]))", *WORDS))
    assert told.stdout.decode() == f"{list(WORDS)!a}\n"
    assert connection.run("printf '%s' \"a\\b\"; exit 7").stdout == b"a\\b"
    with connection.start("read word; echo got $word; echo err >&2; exit 3") as running:
        running.write(b"one\n")
        assert running.read_line(5) == "got one"
        assert running.finish(5).exit_status == 3


def test_what_a_shell_reads_in_its_own_way_is_not_said_to_it() -> None:
    """Between two quotes zsh, fish and csh read nothing but a quote, a backslash before one, a ``!`` and a new line otherwise
    than sh does.
    """
    line = command_line(WORDS, "voxgate-0")
    entry, mark, octal = (re.fullmatch(r"/bin/sh -c '([^'\\!\n]*)' (voxgate-0) '([^'!\n]*)'", line) or pytest.fail(line)).groups()
    assert line.isascii()
    assert not re.search(r"\\(?!0[0-3][0-7]{2})", octal)
    assert subprocess.run(["/bin/sh", "-c", entry, mark, octal.replace(octal, "true")], check=False).returncode == 0


ENDS = {
    "tmux in a terminal that is none": (
        "echo open terminal failed: not a terminal >&2; exit 1",
        "ended with 1 and said: open term",
    ),
    "no word": ("exit 0", "ended with 0 and said nothing"),
    "killed by its own set -e": ("set -e; echo Hello; false", "ended with 1 and said: Hello"),
    "no login": ("exec /usr/sbin/nologin", "said: This account is currently not available"),
    "restricted": ('exec /bin/bash -r -c "$SSH_ORIGINAL_COMMAND"', "restricted: cannot specify"),
}


@pytest.mark.parametrize("kind", ENDS)
def test_a_shell_that_ends_before_is_told_in_its_own_words(ground: Ground, opened: Opened, kind: str) -> None:
    startup, said = ENDS[kind]
    connection = account(ground, opened, startup)
    with pytest.raises(NotBegun, match="one: the account's shell did not begin the command") as caught:
        connection.run(("true",))
    assert said in caught.value.line
    assert "\n" not in caught.value.line
    seen = missing("one", caught.value)
    assert (seen.kind, said in seen.why) == ("failed", True)
    assert ("usermod" if "no login" in kind or kind == "restricted" else "case $- in") in seen.hint
    hold = Hold(connection)
    try:
        with pytest.raises(CommandUnknown, match="did not begin") as lost:
            hold.ask("cancel", 20, answers.texts_in("cut"))
        assert said in lost.value.line
        assert lost.value.hint == caught.value.hint
    finally:
        hold.close()


def test_the_hint_works_as_it_is_written(ground: Ground, opened: Opened, tmp_path: Path) -> None:
    startup = "echo open terminal failed; exit 1"
    with pytest.raises(NotBegun) as caught:
        account(ground, opened, startup).run(("true",))
    first = caught.value.hint.partition("~/.bashrc: ")[2]
    rc = tmp_path / "bashrc"
    rc.write_text(f"{first}\n{startup}\n")
    (ground.folder / "shell").write_text(f'#!/bin/bash\n. {rc}\nexec /bin/bash -c "$SSH_ORIGINAL_COMMAND"\n')
    again = opened(ground.estate(host(ground.servers[0].port)))["one"]
    assert again.run(("true",)).exit_status == 0


def test_a_shell_that_waits_is_told_so(ground: Ground, opened: Opened) -> None:
    connection = account(ground, opened, "echo Which project\\?; exec sleep 60")
    began = time.monotonic()
    with pytest.raises(NotBegun, match="it still runs and said: Which project"):
        connection.run(("true",), deadline=1)
    with connection.start(("true",)) as running, pytest.raises(NotBegun, match="Which project"):
        running.read_line(1)
    assert time.monotonic() - began < 30


def test_what_comes_in_small_pieces_before_a_command_is_looked_through_once() -> None:
    """A host chooses how much it prints, and in how many packets: it has not the gate's time for it."""
    mark = "voxgate-0123456789abcdef"
    opening, start = Opening(mark), time.process_time()
    for _ in range(100_000):
        assert opening.behind(mark[:-1].encode()) == b""
    assert opening.behind(mark[:5].encode()) == b""
    assert opening.behind(f"{mark[5:]}\nits own".encode()) == b"its own"
    assert (len(opening.noise), opening.behind(b" words")) == (100_000 * 23, b" words")
    assert time.process_time() - start < 10


def test_a_line_in_small_pieces_is_looked_through_once() -> None:
    class Slow:
        """A session that hears a little at a time."""

        def __init__(self) -> None:
            self.stdout = bytearray()

        def pump(self, _: Deadline, *, until: Callable[[], bool]) -> bool:
            for _number in range(300_000):
                self.stdout.extend(b"x" * 32)
                assert not until()
            self.stdout.extend(b"\nmore\n")
            return until()

    start = time.process_time()
    slowly = Running(Slow(), lambda: None)  # type: ignore[arg-type] # all that a line needs of one
    assert len(slowly.read_line(5)) == 9_600_000
    assert time.process_time() - start < 10
