"""Code of a release runs as the service, as nobody, or as the build account in its sandbox: never as deploy, never as root."""

from __future__ import annotations

from tests.lab.conftest import Gate, on_host

SITE = "/opt/vox-dialler/.venv/lib/python3.13/site-packages"


def test_a_look_starts_the_environment_as_nobody(gate: Gate) -> None:
    """A ``.pth`` file runs in whatever starts the environment's python: uv does so, to compare it with the lock."""
    line = 'import os; open(f"/dev/shm/started-by-{os.getuid()}", "w").close()'
    on_host("sip-1", "sh", "-c", f"echo '{line}' > {SITE}/zz.pth")
    try:
        look = gate("-m", "dialler")
        assert look.red == {"site-packages-are-intact[dialler-sip-1]"}
        assert on_host("sip-1", "sh", "-c", "cd /dev/shm; ls -d started-by-*") == "started-by-65534"
    finally:
        on_host("sip-1", "sh", "-c", f"rm -f {SITE}/zz.pth /dev/shm/started-by-*; systemctl restart voxdialler")
