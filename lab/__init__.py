"""The embedded estate: real systemd hosts on this machine, in namespaces of their own.

For tests: ``lab.exec`` (a root command inside a host, by another path than SSH), ``lab.kill_host``, ``lab.boot_host``.
"""

from lab.hosts import boot_host, kill_host
from lab.hosts import execute as exec  # noqa: A004 - the word people type: lab.exec(host, argv)

__all__ = ["boot_host", "exec", "kill_host"]
