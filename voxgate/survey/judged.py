"""What a release is besides its commit, in one digest: what was judged good is compared with what is there later."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from voxgate.model.evidence import Missing

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import HostEvidence
    from voxgate.model.look import Look


def digest_of(placement: Placement, host: HostEvidence) -> str:
    """The sha256 over the RECORDs of an environment, each of which has the hash of every file, or over the files of a build, each
    with its own; empty where it could not be seen.
    """
    name = placement.service.name
    if placement.units:
        packages = host.packages.get(name)
        return "" if packages is None or isinstance(packages, Missing) else packages.records
    dist = host.dists.get(name)
    if dist is None or isinstance(dist, Missing) or not dist.files:
        return ""
    rows = (f"{sha256} {path}" for path, (_, sha256) in sorted(dist.files.items()))
    return hashlib.sha256("\0".join(rows).encode("utf-8", "surrogateescape")).hexdigest()


def digests_of(estate: Estate, look: Look) -> dict[str, str]:
    """The same of all that was seen, by placement id."""
    seen = {one.id: (one, look.hosts.get(one.host.name)) for one in estate.placements}
    return {key: digest_of(one, host) for key, (one, host) in seen.items() if host is not None and not isinstance(host, Missing)}
