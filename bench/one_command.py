"""One command on each of many hosts: by voxgate's transport, by pyinfra and by ansible, as much at once as each may have.

``python -m bench.one_command ESTATE`` is voxgate's part, a process like the others' programs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.measuring import Spread, Way, interleaved
from bench.player import PORT
from bench.processes import rival, run
from lab import places
from voxgate.contracts.estates import load_estate
from voxgate.errors import VoxgateError
from voxgate.transport.ssh.connections import Connections

AT_ONCE = 16
"""What voxgate has by itself, and what the published numbers had."""

COMMAND = "true"


def by_us(estate: str) -> int:
    """How many hosts ran it."""
    read = load_estate(estate)
    with Connections(read) as connections:
        found = connections.each(read.hosts, lambda one: one.run(["/bin/true"]).exit_status)
    return sum(status == 0 for status in found.values())


def measure(folder: Path, hosts: int, rounds: int, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """All three in turn, on the hosts that are played from ``folder``."""
    names: Sequence[str] = list(json.loads((folder / "hosts.json").read_text()).values())
    (folder / "ssh_config").write_text(
        f"Host *\n    Port {PORT}\n    User deploy\n    IdentityFile {places.identity()}\n    IdentitiesOnly yes\n"
        f"    UserKnownHostsFile {folder / 'known_hosts'}\n    StrictHostKeyChecking yes\n    LogLevel ERROR\n"
    )
    data = {"ssh_config_file": str(folder / "ssh_config")}
    (folder / "inventory.py").write_text(f"hosts = {[(name, data) for name in names]!r}\n")
    (folder / "inventory.ini").write_text("".join(f"{name}\n" for name in names))

    def ours() -> int:
        return _all(run([sys.executable, "-m", "bench.one_command", str(folder / "hosts" / "many.toml")]), f"{hosts}\n", 1)

    def pyinfra() -> int:
        argv = [rival("pyinfra"), "-y", "--parallel", str(AT_ONCE), "inventory.py", "exec", "--", COMMAND]
        return _all(run(argv, cwd=folder), "Success", hosts)

    def ansible() -> int:
        env = {"ANSIBLE_PIPELINING": "1", "ANSIBLE_FORKS": str(AT_ONCE), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
        env |= {"ANSIBLE_SSH_ARGS": f"-F {folder / 'ssh_config'}", "ANSIBLE_LOCAL_TEMP": str(folder)}
        argv = [rival("ansible"), "all", "-i", "inventory.ini", "-m", "raw", "-a", COMMAND]
        return _all(run(argv, cwd=folder, env=env), "| CHANGED | rc=0", hosts)

    ways = [Way("voxgate's transport", "", ours), Way("pyinfra", "", pyinfra), Way("ansible", "", ansible)]
    runs = interleaved(ways, rounds, say, warm=False)
    return [{"name": way.name, "hosts": hosts, "seconds": Spread.of(one.seconds for one in runs[way.name]).row()} for way in ways]


def _all(said: str, word: str, hosts: int) -> int:
    if said.count(word) < hosts:
        raise VoxgateError(f"not all of {hosts} hosts ran it", why=said[-1500:])
    return hosts


if __name__ == "__main__":
    print(by_us(sys.argv[1]))
