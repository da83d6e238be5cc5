"""What the lab needs of this machine: rights and Debian packages. It says what it installs."""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab import places
from lab.commands import run, until
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# A program or file that shows the package is there -> the package.
NEEDED = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "git": "git",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
KEPT = (
    "XDG_CACHE_HOME",
    "VOXGATE_LAB",
    "VOXGATE_SHARED",
    "PATH",
    "UV",
    "SSL_CERT_FILE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "UV_DEFAULT_INDEX",
)
LOCK_DEADLINE = 600
WATCHES = Path("/proc/sys/fs/inotify/max_user_instances")
WATCHES_NEEDED = 512  # six systemd hosts take about thirty; where they are used up, a host dies at its boot without a word


def become_root(argv: list[str]) -> None:
    """Return where we are root; else run the same command by sudo in our place."""
    if os.geteuid() == 0:
        return
    sudo = shutil.which("sudo")
    if sudo is None:
        raise VoxgateError(
            "the lab needs root, and there is no sudo",
            where="this machine",
            hint="run it as root; looking at real estates (`--estate NAME`, `--evidence DIR`) works without",
        )
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept["XDG_CACHE_HOME"] = str(places.cache().parent.parent)
    kept["PYTHONPATH"] = str(places.ROOT)
    words = [f"{name}={value}" for name, value in kept.items()]
    sys.stdout.flush()
    os.execv(sudo, [sudo, "env", *words, sys.executable, "-m", "lab.cli", *argv])  # noqa: S606


def ensure_packages(say: Callable[[str], None]) -> None:
    """Install the Debian packages that are missing."""
    missing = sorted(package for shown, package in NEEDED.items() if not _is_there(shown))
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise VoxgateError(
            f"missing: {' '.join(missing)}",
            where="this machine",
            hint="the lab runs on Debian and Ubuntu; install these",
        )
    say(f"machine: installing {' '.join(missing)} with apt-get")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    log = places.log("apt")
    run(["apt-get", "update", "-q"], deadline=300, env=env, log=log)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], deadline=600, env=env, log=log)


def ensure_limits(say: Callable[[str], None]) -> None:
    """Raise the machine's number of inotify instances where it is small: Debian's 128 are used up by a few labs."""
    try:
        allowed = int(WATCHES.read_text())
    except (OSError, ValueError):
        return
    if allowed < WATCHES_NEEDED:
        say(f"machine: fs.inotify.max_user_instances from {allowed} to {WATCHES_NEEDED}, until the next reboot")
        with suppress(OSError):
            WATCHES.write_text(f"{WATCHES_NEEDED}\n")


@contextmanager
def locked(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold this lock file; another holder is waited for."""
    lock.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with lock.open("a") as file:
        if not _locks(file.fileno()):
            say("another `lab` command is at work; waiting for it")
            until(
                lambda: _locks(file.fileno()),
                deadline=LOCK_DEADLINE,
                where=str(lock),
                what="another `lab` command does not end",
            )
        yield


def _locks(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_there(shown: str) -> bool:
    return Path(shown).exists() if shown.startswith("/") else shutil.which(shown) is not None
