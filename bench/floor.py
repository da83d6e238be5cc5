"""The least that any look needs: one OpenSSH command a host, all at once, and the probe's answer."""

from __future__ import annotations

import subprocess
from pathlib import Path

import paramiko

from bench.places import Place
from bench.processes import environment
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate, Host
from voxgate.survey.collect import request_of
from voxgate.survey.probing import INSTALLED, asked_of

DEADLINE = 60.0


def host_key(estate: Estate, host: Host) -> paramiko.PKey:
    """The host's pinned key. Raises VoxgateError where none is."""
    found = paramiko.HostKeys(str(Path(estate.known_hosts or "").expanduser())).lookup(host.address)
    if not found:
        raise VoxgateError("no key is pinned", where=host.name)
    return next(iter(found.values()))


def ask_all(place: Place) -> int:
    """Ask the probe of each host by ssh(1), all at once. Judges nothing. Raises VoxgateError where one does not answer."""
    estate = place.estate
    started = []
    for host in estate.hosts:
        asked = asked_of(host, request_of(estate, host), host_key(estate, host))
        argv = ["ssh", "-F", str(place.ssh_config), host.address, " ".join(INSTALLED)]
        child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment()
        )
        assert child.stdin is not None  # noqa: S101 - for the type checker
        child.stdin.write(asked.request)
        child.stdin.close()
        child.stdin = None
        started.append((host, asked.nonce, child))
    for host, nonce, child in started:
        said, _ = child.communicate(timeout=DEADLINE)
        if child.returncode != 0 or nonce.encode() not in said:
            raise VoxgateError(f"the probe did not answer: {child.returncode}", where=host.name)
    return 0
