"""What the probe may take of the host: memory, files, time, one look at once; and the end of all that it started."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import threading
import time
from contextlib import suppress
from typing import Callable, Iterator

from voxgate.probe.apart import is_no_account, users_of
from voxgate.probe.base import Trouble

NICE, IDLE = 10, 3 << 13  # the last of the processor's, and the idle class of the disk's
IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "armv7l": 314, "i686": 289, "ppc64le": 273, "s390x": 282, "riscv64": 30}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIMITS = {
    resource.RLIMIT_DATA: 1 << 30, resource.RLIMIT_NOFILE: 4096, resource.RLIMIT_FSIZE: 256 << 20, resource.RLIMIT_CPU: 60,
    resource.RLIMIT_CORE: 0, resource.RLIMIT_NPROC: 8192, resource.RLIMIT_STACK: 8 << 20,
    resource.RLIMIT_AS: resource.RLIM_INFINITY,
}  # fmt: skip
STACK = 2 * 1024 * 1024  # of each thread
LOCK = "/run/voxgate-probe.lock"  # root alone can put a file there
LOCK_DEADLINE = 25.0  # seconds: a gate waits for an answer for 50, as ten may look at once
ASKING = 3.0  # seconds for a request to come, whole: who asks slowly keeps the place of who asks
LEFT = 5.0  # seconds to end what a look left
HANGING_AT_MOST = 4  # looks of which a thread hangs in the kernel: each keeps its memory, and nobody can end it


def limit_ourselves() -> None:
    """Take nothing that the host needs, and nothing from whoever calls: his limits and ignored signals come with a call, and so
    does the machine that the kernel says it is (setarch); they would make us blind, or hear of no child's end. The signals of a
    terminal are not heard, nor of leases, and where memory ends we go first.
    """
    os.chdir("/")
    os.umask(0o077)
    for number in (signal.SIGALRM, signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
    for number in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGQUIT, signal.SIGIO):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for which, most in LIMITS.items():
        hard = resource.getrlimit(which)[1]
        try:
            resource.setrlimit(which, (most, most))
        except ValueError:  # only root may raise the hard one, and not in each container
            resource.setrlimit(which, (hard, hard))
    threading.stack_size(STACK)
    be_of_this_machine()
    os.setpriority(os.PRIO_PROCESS, 0, NICE)
    system_call(IOPRIO_SET.get(os.uname().machine, -1), 1, 0, IDLE)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def be_of_this_machine() -> None:
    """personality(2) as at boot: by the machine's name we know the numbers of the kernel's calls."""
    import ctypes  # noqa: PLC0415 - needed here only

    ctypes.CDLL(None).personality(0)


def system_call(number: int, *words: int) -> int:
    """What Python has no name for; -1 where the kernel does not know it or refuses."""
    import ctypes  # noqa: PLC0415 - needed here only

    return int(ctypes.CDLL(None, use_errno=True).syscall(number, *map(ctypes.c_long, words))) if number >= 0 else -1


def control(option: int, value: int) -> None:
    """prctl(2)."""
    import ctypes  # noqa: PLC0415 - needed here only

    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def supervised(work: Callable[[], int], deadline: int) -> int:
    """Do the work in a child, and end whatever it started and left, however it ended: by itself, by its alarm, or because we
    are told to. What leaves its parent becomes ours. Returns its exit status, or 128 and the signal.
    """
    control(PR_SET_CHILD_SUBREAPER, 1)
    hears, says = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            control(PR_SET_PDEATHSIG, signal.SIGKILL)
            status = work()
        finally:
            with suppress(OSError):
                os.write(says, bytes((status,)))
            os.closerange(0, 3)  # a thread that hangs in the kernel must keep neither the program nor who reads what it said
            os._exit(status)
    os.close(says)
    killed: list[int] = []

    def kill(number: int, _: object) -> None:
        killed.append(number)
        os.kill(child, signal.SIGKILL)

    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, kill)
    signal.alarm(deadline)
    is_over = is_ended(child, hears, killed)
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # its number may be another's from here on
    signal.alarm(0)
    if not is_over:
        end_what_is_left(child)
        said = os.read(hears, 1) if select.select([hears], [], [], 0)[0] else b""
        return said[0] if said else 128 + signal.SIGKILL
    ended = os.waitpid(child, 0)[1]
    end_what_is_left()
    return os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else 128 + os.WTERMSIG(ended)


def is_ended(child: int, hears: int, killed: list[int]) -> bool:
    """Wait for the end of the work, which says before that it has come to it. False for what said so, was ``killed`` or is dead,
    and is there still some time later: a thread of it hangs in the kernel, where a file system that is an account's own does not
    answer. Nobody can end that one, and nobody waits for it.
    """
    until = 0.0
    while not until or time.monotonic() < until:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return True
        if until:
            time.sleep(0.001)
        elif select.select([hears], [], [], 1.0)[0] or killed or is_dead(child):
            until = time.monotonic() + LEFT
    return False


def is_dead(pid: int) -> bool:
    """True for a process whose first thread has ended, whatever others of it do. A host may hide it from us (hidepid, and rights
    taken from sshd): then its end, its word and its deadline are waited for.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read(4096).rpartition(b")")[2].split()[0] in {b"Z", b"X"}
    except OSError:
        return False


def end_what_is_left(hanging: int = 0) -> None:
    """Kill each child, and each that becomes one as its parent dies, until there is none, but for one that does not end. What was
    started apart may start others faster than they are found: all of such a user end at once.
    """
    until = time.monotonic() + LEFT
    while time.monotonic() < until:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        users: set[int] = set()
        left = set(children_of(os.getpid())) - {hanging}
        if hanging and not left:
            return
        for pid in left:
            users.update(users_of(pid))
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for uid in filter(is_no_account, users):
            end_all_of(uid)
        time.sleep(0.005)


def end_all_of(uid: int) -> None:
    """Kill all that runs as a user, in one call of the kernel's, during which none of them starts another."""
    try:
        child = os.fork()
    except OSError:  # they have left no room: once one of them is dead there is some
        return
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            if uid > 0 and os.getresuid() == (uid, uid, uid) and has_no_capability():  # else it would be everybody
                os.kill(-1, signal.SIGKILL)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def has_no_capability() -> bool:
    """True for a process that the kernel lets do nothing but what its user may."""
    with open("/proc/self/status", "rb") as file:  # no text: its encoding may lie where only root can load it
        return any(line.startswith(b"CapEff:") and not line.split()[1].strip(b"0") for line in file)


def children_of(parent: int) -> Iterator[int]:
    """The processes that a process is the parent of."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with suppress(OSError, IndexError), open(f"/proc/{pid}/stat", "rb") as file:
            if int(file.read(4096).rpartition(b")")[2].split()[1]) == parent:
                yield int(pid)


def alone() -> int | None:
    """Hold the place of the one look at this host, by a file descriptor; without root there is none. Raises Trouble if another
    look keeps it.
    """
    if os.geteuid() != 0:
        return None
    fd = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + LOCK_DEADLINE
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise Trouble("timeout", f"another look at this host was not done after {LOCK_DEADLINE:.0f} s") from None
            time.sleep(0.02)
        else:
            return fd


def counted() -> int | None:
    """Hold one of the few places of looks that are not over, by a file descriptor that a thread which hangs keeps; without root
    there is none. Raises Trouble if earlier ones have them all.
    """
    if os.geteuid() != 0:
        return None
    until = time.monotonic() + LEFT
    while time.monotonic() < until:
        for number in range(HANGING_AT_MOST):
            fd = os.open(f"{LOCK}.{number}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
            else:
                return fd
        time.sleep(0.02)
    raise Trouble(
        "failed",
        f"{HANGING_AT_MOST} earlier looks hang in the kernel, which cannot be ended: a file system that is an account's own does"
        " not answer. It is let go by `echo 1 >/sys/fs/fuse/connections/NUMBER/abort` where `waiting` is not 0 for long",
    )
