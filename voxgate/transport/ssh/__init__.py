"""SSH: one connection a host, its commands, processes and tunnels, pinned keys, and what signs."""
