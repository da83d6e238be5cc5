"""SSH: one connection a host, its commands, processes and tunnels, pinned keys, and what signs."""

from voxgate.transport.without import without

with without("invoke"):  # for `Match exec` alone, which client_config.py runs in its place
    import paramiko.config  # noqa: F401
