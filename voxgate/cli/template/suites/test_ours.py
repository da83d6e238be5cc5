"""Checks of our own: each runs on every host of the estate, and counts as any rule of voxgate does.

``host`` is testinfra's: ``host.file``, ``host.service``, ``host.package``, ``host.run``. A check is judged by what it asserts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host


def test_localhost_has_a_name(host: Host) -> None:
    """Whatever asks for localhost gets this machine, and no resolver is asked for it."""
    assert host.file("/etc/hosts").contains("localhost"), "localhost is not in /etc/hosts\n→ add: 127.0.0.1 localhost"
