"""Running other programs: a clean environment, another account, a deadline."""

from __future__ import annotations

import os
import pwd
import selectors
import shlex
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any, NamedTuple

from voxgate.probe.apart import nobody_elses, uids_here
from voxgate.probe.base import OUTPUT, PATH, Trouble
from voxgate.probe.folder import Folder
from voxgate.probe.turn import aside

STARTED: list[subprocess.Popen[bytes]] = []  # what is still alive of it at the end goes with us


class Ended(NamedTuple):
    """How a program ended and what it said."""

    status: int
    out: str
    err: str


# git starts nothing and fetches nothing, whatever a repository's configuration says. Its own check of whose a repository is stays
# on: whoever owns a folder passes it by himself.
GIT = {
    "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none",
    "GIT_PROTOCOL_FROM_USER": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": "/dev/null", "GIT_PAGER": "cat",
}  # fmt: skip
NO_CONFIGURATION = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}


def run(
    argv: list[str],
    deadline: float,
    folder: Folder | None = None,
    uid: int | None = None,
    given: bytes | None = None,
    more: dict[str, str] | None = None,
    *,
    apart: bool = False,
    held: int | None = None,
) -> Ended:
    """Run a program with a clean environment and ``more``, as the user ``uid`` if we are root, or ``apart``: as one that nothing
    else runs as; with ``given`` to read, in ``folder`` as it is held open: whatever has its path now. Of our descriptors it gets
    ``held`` alone. Raises Trouble if it cannot be started, or is not done after ``deadline`` seconds: then it and all that it
    started is killed.
    """
    become: dict[str, Any] = {}
    if apart and os.geteuid() == 0:
        number = nobody_elses(uids_here())
        home, name, become = "/", str(number), {"user": number, "group": number, "extra_groups": [number]}
    else:
        person = pwd.getpwuid(os.geteuid() if uid is None else uid)
        home, name = person.pw_dir, person.pw_name
        if uid is not None and os.geteuid() == 0 and uid != 0:
            become = {"user": uid, "group": person.pw_gid, "extra_groups": os.getgrouplist(name, person.pw_gid)}
    environment = {
        "PATH": PATH, "HOME": home, "USER": name, "LOGNAME": name, "LC_ALL": "C.UTF-8",
        "NO_COLOR": "1", "UV_NO_PROGRESS": "1", "SYSTEMD_PAGER": "", "SYSTEMD_COLORS": "0", **(more or {}),
    }  # fmt: skip
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL if given is None else subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd=f"/proc/self/fd/{folder.fd}" if folder else "/", env=environment,
            start_new_session=True, pass_fds=() if held is None else (held,), **become,
        )  # fmt: skip
    except FileNotFoundError:
        raise Trouble("missing", f"{argv[0]} is not installed") from None
    STARTED.append(process)
    try:
        out, err = spoken_by(process, given or b"", deadline)
    except (subprocess.TimeoutExpired, Trouble) as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if isinstance(error, Trouble):
            raise Trouble("failed", f"{argv[0]} {argv[1]} {error.text}") from None
        raise Trouble("timeout", f"{argv[0]} {argv[1]} was not done after {deadline:.0f} s") from None
    finally:
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                with suppress(OSError):
                    stream.close()
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


def spoken_by(process: subprocess.Popen[bytes], given: bytes, deadline: float) -> tuple[bytes, bytes]:
    """What a program says until it ends, given what it reads. Raises Trouble where it says too much, TimeoutExpired."""
    until, at, size = time.monotonic() + deadline, 0, 0
    said: dict[Any, list[bytes]] = {process.stdout: [], process.stderr: []}
    with selectors.DefaultSelector() as waiting:
        for stream in said:
            waiting.register(stream, selectors.EVENT_READ)
        if process.stdin:
            os.set_blocking(process.stdin.fileno(), False)
            waiting.register(process.stdin, selectors.EVENT_WRITE)
        while waiting.get_map():
            with aside():
                ready = waiting.select(max(0.0, until - time.monotonic()))
            if not ready:
                raise subprocess.TimeoutExpired(process.args, deadline)
            for key, _ in ready:
                if key.fileobj is process.stdin:
                    with suppress(BrokenPipeError, BlockingIOError):
                        at += os.write(key.fd, given[at : at + (1 << 16)])
                        if at < len(given):
                            continue
                    waiting.unregister(process.stdin)
                    with suppress(OSError):
                        process.stdin.close()
                    continue
                piece = os.read(key.fd, 1 << 16)
                said[key.fileobj].append(piece)
                size += len(piece)
                if size > OUTPUT:
                    raise Trouble("failed", f"said more than {OUTPUT} bytes")
                if not piece:
                    waiting.unregister(key.fileobj)
    with aside():
        process.wait(max(0.01, until - time.monotonic()))
    return b"".join(said[process.stdout]), b"".join(said[process.stderr])


def as_owner(argv: list[str], folder: Folder, deadline: float, more: dict[str, str] | None = None) -> Ended:
    """Run a program in a folder as the folder's owner; as nobody where that is root: its code is not ours to trust."""
    if os.geteuid() != 0:
        return run(argv, deadline, folder, more=more)
    uid = os.fstat(folder.fd).st_uid
    try:
        return run(argv, deadline, folder, uid or pwd.getpwnam("nobody").pw_uid, more=more)
    except KeyError:
        raise Trouble("failed", f"{folder.path}: its owner {uid} is no user of this host") from None


def git(words: list[str], folder: Folder, deadline: float, more: dict[str, str] | None = None) -> Ended:
    """Ask git in a service's own folder, as its owner. Nobody, who reads what is root's, must be told where its repository is."""
    return as_owner(["git", "--no-pager", *words], folder, deadline, {**around_git(folder), **(more or {})})


def git_each(asked: list[list[str]], folder: Folder, deadline: float) -> Ended:
    """Several questions to git, one after the other until one fails, whose status it is; between two answers stands a NUL. To
    start another account's program costs us more than it all costs git: so a shell of that account starts them.
    """
    script = " && printf '\\0' && ".join(shlex.join(["git", "--no-pager", *words]) for words in asked)
    try:
        ended = as_owner(["sh", "-c", script], folder, deadline, around_git(folder))
    except Trouble as trouble:
        raise Trouble(trouble.kind, trouble.text.replace("sh -c", "git", 1)) from None
    if ended.status == 127:
        raise Trouble("missing", "git is not installed")
    return ended


def around_git(folder: Folder) -> dict[str, str]:
    """What git has around it in a folder."""
    return {**GIT, **({} if os.fstat(folder.fd).st_uid else {"GIT_DIR": ".git"})}


def last_words(text: str, lines: int = 6) -> str:
    """The last lines of what a program said, shortened."""
    return "\n".join(text.strip().splitlines()[-lines:])[-1500:]


def all_can_run(program_path: str) -> bool:
    """True for a program that each user can reach and run, also one with no account and no group."""
    if not os.stat(program_path).st_mode & 0o001:
        return False
    at = program_path
    while at != "/":
        at = os.path.dirname(at)
        if not os.stat(at).st_mode & 0o001:
            return False
    return True


def run_by_a_stranger(argv: list[str], deadline: float, folder: str) -> Ended:
    """Run a program of which nothing is believed: as nobody that there is, or where not everybody can run it, as the folder's
    owner.
    """
    owner = os.stat(folder, follow_symlinks=False).st_uid
    if os.geteuid() != 0 or owner == 0 or all_can_run(argv[0]):
        return run(argv, deadline, apart=True)
    return run(argv, deadline, uid=owner)
