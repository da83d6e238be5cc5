"""What stands of voxgate on a host: where, and what an administrator types to put it there."""

from __future__ import annotations

PROBE = "/usr/local/sbin/voxgate-probe"
BUILDER = "/usr/local/libexec/voxgate-build"
STATE = "/var/lib/voxgate"
"""The gate's own notes on a host: journal, ledger, locks."""
BUILDS = "/var/lib/voxbuild"

INSTALL_PROBE = f"uv run voxgate probe | ssh YOU@HOST sudo install -o root -g root -m 0755 /dev/stdin {PROBE}"
"""``YOU`` is whoever may become root on ``HOST``."""
INSTALL_BUILDER = f"uv run voxgate builder | ssh YOU@HOST sudo install -D -o root -g root -m 0755 /dev/stdin {BUILDER}"


def install_probe(address: str = "HOST") -> str:
    """The same as a command in a hint, for the host at that address."""
    return f"`{INSTALL_PROBE.replace('HOST', address)}`"
