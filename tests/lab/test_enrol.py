"""A host is made ready by the script that ``voxgate enrol`` prints, and the lab, which another hand made ready, is as it says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab import hosts
from tests.lab.conftest import ROOT, Gate

BROKEN = """
rm /etc/sudoers.d/voxgate /usr/local/sbin/voxgate-probe /usr/local/libexec/voxgate-build
echo x >>/etc/systemd/system/voxgate-build@.service
rm -r /var/lib/voxbuild/vox-frontend/in
chmod 755 /var/lib/voxgate
systemctl disable --quiet voxbridge.service
"""


def enrol(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, as it is typed."""
    argv = [sys.executable, "-m", "voxgate.cli.main", "enrol", "--estate", "lab", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def left(said: str) -> list[str]:
    return [line.split("  ", 2)[2].split(":")[0] for line in said.splitlines() if line.startswith("  not yet")]


@pytest.mark.usefixtures("deployed")
def test_the_script_of_a_host_makes_it_ready(gate: Gate) -> None:
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
    assert gate().red == set()
