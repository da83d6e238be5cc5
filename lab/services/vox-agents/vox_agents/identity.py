"""Who this process is: taken once at its start, reported with every health page."""

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from vox_agents.commit import read_commit
from vox_agents.version import VERSION

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one release; `started_at` is RFC 3339 in UTC with microseconds."""

    version: str
    commit: str
    pid: int
    started_at: str

    @classmethod
    def take(cls) -> "Identity":
        """Read who this process is, now."""
        return cls(
            version=VERSION,
            commit=read_commit(CHECKOUT),
            pid=os.getpid(),
            started_at=rfc3339(datetime.now(UTC)),
        )

    def fields(self) -> dict[str, str | int]:
        """Return the four values as the health page shows them."""
        return asdict(self)


def rfc3339(moment: datetime) -> str:
    """Return a UTC moment as `2026-06-24T10:00:00.000000Z`, microseconds always shown."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
