"""The story as fixtures: estate -> checked_out -> installed -> restarted -> healthy -> evidence; ``host`` for a team's checks.

They come with the plugin (``voxgate.plugin.fixtures``), so that they are there in every project; here they are in sight.
"""

from voxgate.plugin.fixtures import (
    capacity,
    checked_out,
    deployment,
    estate,
    evidence,
    healthy,
    host,
    installed,
    moves,
    restarted,
)

__all__ = [
    "capacity",
    "checked_out",
    "deployment",
    "estate",
    "evidence",
    "healthy",
    "host",
    "installed",
    "moves",
    "restarted",
]
