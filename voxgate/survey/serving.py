"""What is served of the console, as the rules about it tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.model.evidence import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Placement
    from voxgate.model.evidence import DistFact
    from voxgate.model.look import Evidence

NGINX = "/etc/nginx"
MOST = 20  # findings of one rule that are told one by one: a wrong folder has as many as it has files


def dist_of(placement: Placement, evidence: Evidence) -> DistFact:
    """What stands in dist/."""
    return known(evidence.second.host(placement.host.name).dists[placement.service.name])


def told(rows: Sequence[tuple[str, str]]) -> tuple[list[str], str]:
    """What was found, the first of it where it is much, and what to do about all of it, each once."""
    found = [what for what, _ in rows]
    found = [*found[:MOST], *([f"and {len(found) - MOST} more"] if len(found) > MOST else [])]
    return found, "; ".join(dict.fromkeys(do for _, do in rows))
