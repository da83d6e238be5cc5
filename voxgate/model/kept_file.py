"""A file that a team keeps in its repository, and that a host must have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of nginx's or HAProxy's configuration that a team keeps: its path on a host, the sha256 of what it must say, and
    its ``place`` in the repository.
    """

    path: str
    sha256: str
    place: str

    def may_be(self, digest: str) -> bool:
        """True for its hash, or for as many digits of it as a host tells of a file that only root may read."""
        return bool(digest) and self.sha256.startswith(digest)
