"""The first process of the lab's cell: makes its mounts and its bridge, then only reaps. Runs alone, as a file.

It is started in fresh mount, PID and network namespaces. All of the lab lives in these, so when this process dies the
kernel takes every process, mount and interface of the lab with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

MOUNTS = (
    ("mount", "-t", "proc", "proc", "/proc"),
    # Nothing of the lab is written to the machine's /run, and the hosts' own layers live in memory.
    ("mount", "-t", "tmpfs", "-o", "mode=755,size=75%,nr_inodes=0", "lab", "/run"),
    ("mkdir", "-p", "/run/hosts", "/run/sys", "/run/lock"),
    ("mount", "-t", "sysfs", "sysfs", "/run/sys"),  # sees the cell's interfaces
    ("ip", "link", "set", "lo", "up"),
    ("ip", "link", "add", "lab", "type", "bridge", "stp_state", "0", "forward_delay", "0"),
    ("ip", "link", "set", "lab", "up"),
)


def main() -> None:
    """Make the cell, say its PID as the machine sees it on stdout, and live on."""
    mine = Path("/proc/self").readlink().name  # still the machine's /proc: the PID there
    for command in MOUNTS:
        subprocess.run(command, check=True)
    sys.stdout.write(f"{mine}\n")
    sys.stdout.flush()
    os.dup2(2, 1)  # let go of the caller's pipe
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    while True:
        reap()
        signal.sigwait({signal.SIGCHLD})


def reap() -> None:
    """Take the exit of every child that has ended: orphans of the hosts come here."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if ended == 0:
            return


if __name__ == "__main__":
    main()
