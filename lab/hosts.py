"""The hosts as machines: power on, power off, look inside."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lab import cgroup, estate, places
from lab.cell import Cell, daemonised, needed
from lab.commands import run, until
from voxgate.errors import VoxgateError

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOT_DEADLINE = 120  # seconds: from a cold disk, beside another lab that boots
ENGINE = ("--capability=all", "--system-call-filter=add_key keyctl bpf")  # what a Docker engine needs
# A login's commands stand in the user slice; a command from outside does too, where the host's systemd leaves room.
JOIN = 'for d in $1; do mkdir -p "$d" && echo $$ > "$d/cgroup.procs"; done 2>/dev/null; shift; exec "$@"'
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": os.environ.get("TERM", "dumb"),
}


def mount(cell: Cell, host: estate.Host, lower: list[Path]) -> None:
    """Give the host its file tree: the image below, its own layer above."""
    home = places.CELL_HOSTS / host.name
    layers = ":".join(str(layer) for layer in lower)
    script = f"""
        mkdir -p {home}/upper {home}/work {home}/root {home}/docker
        mount -t overlay lab -o lowerdir={layers},upperdir={home}/upper,workdir={home}/work {home}/root
    """
    run(cell.inside("sh", "-ec", script))


def leader(host: str) -> int | None:
    """The PID, as the machine sees it, of the host's systemd; None where the host is off."""
    for tree in cgroup.trees():
        scope = tree / cgroup.NAME / host / "payload" / "init.scope" / "cgroup.procs"
        with suppress(OSError):
            for pid in scope.read_text().split():
                if _is_first(pid):
                    return int(pid)
    return None


def boot_host(name: str) -> None:
    """Boot the host and return when its systemd has started everything; a running host is left as it is."""
    host = estate.host(name)
    cell = needed()
    if leader(name) is None:
        _power_on(cell, host)
    until(lambda: _is_booted(name), deadline=BOOT_DEADLINE, where=name, what="does not boot", hint=_log_hint(name))


def kill_host(name: str) -> None:
    """Cut the power: every process of the host is gone at once, its disk stays."""
    estate.host(name)
    needed()
    cgroup.remove(name)


def execute(
    host: str, argv: Sequence[str], stdin: str | bytes | None = None, deadline: float = 30
) -> subprocess.CompletedProcess[str]:
    """Run a command as root inside a host, not by SSH; both streams as text, the exit status as it was."""
    sent = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        ended = subprocess.run(
            entered(host, argv), input=sent or b"", env=ENVIRONMENT, capture_output=True, timeout=deadline, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise VoxgateError(f"{' '.join(argv)[:200]}: no end after {deadline:.0f} s", where=host) from late
    return subprocess.CompletedProcess(
        list(argv), ended.returncode, ended.stdout.decode(errors="replace"), ended.stderr.decode(errors="replace")
    )


def must(host: str, argv: Sequence[str], stdin: str | bytes | None = None, deadline: float = 30) -> str:
    """The same, for what cannot fail: stdout, or the reason why not."""
    ended = execute(host, argv, stdin, deadline)
    if ended.returncode != 0:
        why = (ended.stderr or ended.stdout).strip().splitlines()
        raise VoxgateError(f"{' '.join(argv)[:200]} ended with {ended.returncode}", where=host, why=why[-1] if why else "")
    return ended.stdout


def entered(host: str, argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` inside the host, in its user slice as a login's command is."""
    estate.host(host)
    pid = leader(host)
    if pid is None:
        raise VoxgateError("is off", where=host, hint=f"uv run lab on {host}")
    slices = [tree / cgroup.NAME / host / "payload" / "user.slice" for tree in cgroup.trees()]
    enter = ["nsenter", f"--target={pid}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--", *argv]
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [*sudo, "/bin/sh", "-c", JOIN, "sh", " ".join(str(folder) for folder in slices), *enter]


def _power_on(cell: Cell, host: estate.Host) -> None:
    cgroup.remove(host.name)  # what a power cut left
    home = places.CELL_HOSTS / host.name
    argv = ["systemd-nspawn", f"--directory={home}/root", "--boot", f"--machine={host.name}", "--register=no"]
    argv += ["--keep-unit", "--network-bridge=lab", "--console=pipe", "--link-journal=no", "--settings=no"]
    argv += ["--resolv-conf=off", "--timezone=off", "--quiet"]
    env = {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}
    if host.role == "sip":
        argv += [*ENGINE, f"--bind={home}/docker:/var/lib/docker"]
        env["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "1"
    # It joins the host's group inside the cell: `nsenter` stays outside, and must not stand in a group with children.
    daemonised("cell", cell.inside(*cgroup.joined(host.name, argv)), places.log(host.name), env)
    port = cell.root / "run/sys/class/net" / f"vb-{host.name}"
    until(port.exists, deadline=BOOT_DEADLINE, where=host.name, what="does not start", hint=_log_hint(host.name))
    run(cell.inside("ip", "link", "set", port.name, "up"))


def _is_booted(host: str) -> bool:
    """Whether systemd has started all it starts at boot; waits inside the host once its systemd can be asked."""
    pid = leader(host)
    if pid is None or not Path(f"/proc/{pid}/root/run/systemd/private").exists():
        return False
    ended = execute(host, ["systemctl", "is-system-running", "--wait"], deadline=BOOT_DEADLINE)
    return ended.stdout.strip() in {"running", "degraded"}


def _is_first(pid: str) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    return any(line.startswith("NSpid:") and line.split()[-1] == "1" for line in lines)


def _log_hint(host: str) -> str:
    return f"its console: {places.log(host)}"
