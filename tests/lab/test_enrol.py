"""A host is made ready by the script that ``voxgate enrol`` prints, and the lab, which another hand made ready, is as it says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab import hosts
from tests.lab.conftest import ROOT, Gate
from voxgate.contracts.estates import load_estate

BROKEN = """
rm /etc/sudoers.d/voxgate /usr/local/sbin/voxgate-probe /usr/local/libexec/voxgate-build
echo x >>/etc/systemd/system/voxgate-build@.service
rm -r /var/lib/voxbuild/vox-frontend/in
chmod 755 /var/lib/voxgate
systemctl disable --quiet voxbridge.service
"""


ADMIN = """
useradd --create-home --shell /bin/bash --password '*' ops
install -d -m 0700 -o ops -g ops ~ops/.ssh
install -m 0600 -o ops -g ops ~deploy/.ssh/authorized_keys ~ops/.ssh/authorized_keys
echo 'ops ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ops
echo '# of before' >>/usr/local/sbin/voxgate-probe
"""


def enrol(*words: str, estate: str = "lab") -> subprocess.CompletedProcess[str]:
    """The command, as it is typed."""
    argv = [sys.executable, "-m", "voxgate.cli.main", "enrol", "--estate", estate, *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def left(said: str) -> list[str]:
    return [line.split("  ", 2)[2].split(":")[0] for line in said.splitlines() if line.startswith("  not yet")]


@pytest.mark.usefixtures("deployed")
def test_the_script_of_a_host_makes_it_ready(gate: Gate, tmp_path: Path) -> None:
    whole = enrol("--check")
    assert (whole.returncode, left(whole.stdout)) == (0, []), whole.stdout
    text = enrol("api-1").stdout
    assert hosts.execute("api-1", ["bash"], text, deadline=60).stdout == "", "what is ready stays as it is"
    hosts.must("api-1", ["bash", "-euc", BROKEN])
    broken = enrol("--check", "api-1")
    assert broken.returncode == 1
    assert left(broken.stdout) == [
        "what the gate writes down on the host, deploy's alone",
        "console",
        "the probe",
        "the program that builds releases",
        "the unit file voxgate-build@.service",
        "systemd knows them, and starts them at boot",
        "sudo for these 9 commands",
    ]
    made = hosts.execute("api-1", ["bash"], text, deadline=60)
    assert made.returncode == 0, made.stderr
    assert enrol("--check", "api-1").returncode == 0
    with _administered(tmp_path) as estate:
        brought = enrol("--update", "api-1", estate=estate)
        assert (brought.returncode, brought.stdout) == (0, "api-1: /usr/local/sbin/voxgate-probe is new\n"), brought
        again = enrol("--update", estate=estate)
        assert (again.returncode, set(again.stdout.splitlines())) == (
            0,
            {f"{host.name}: is as this voxgate has it" for host in load_estate("lab").hosts},
        )
    assert gate().red == set()


@contextmanager
def _administered(folder: Path) -> Iterator[str]:
    """An account on api-1 that may become root, as people have one, and an estate that names it; the probe there is another."""
    hosts.must("api-1", ["bash", "-euc", ADMIN])
    ours = (ROOT / "hosts/lab.toml").read_text("utf-8")
    config, path = folder / "ssh_config", folder / "lab.toml"
    config.write_text(f"Host *\n  IdentityFile {load_estate('lab').identity}\n  IdentitiesOnly yes\n")
    path.write_text(ours.replace("[estate]\n", f'[estate]\nadmin = "ops"\nssh_config = "{config}"\n', 1))
    try:
        yield str(path)
    finally:
        hosts.must("api-1", ["bash", "-c", "rm /etc/sudoers.d/ops; userdel --force --remove ops 2>/dev/null"])
