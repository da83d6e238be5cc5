"""What a worker says of itself and of the fleet: the entry in the registry and the HTTP bodies."""

import json
from dataclasses import asdict, dataclass

from vox_agents.identity import Identity

type Body = dict[str, str | int | list[str]]

SERVICE = "vox-agents"


@dataclass(frozen=True, slots=True)
class Entry:
    """One worker as the registry knows it: its id `<host>/<N>`, calls now, calls at most."""

    id: str
    calls: int
    max: int
    commit: str

    def fields(self) -> dict[str, str | int]:
        """Return the entry as it is written."""
        return asdict(self)

    @classmethod
    def parse(cls, text: str) -> "Entry":
        """Read an entry; `ValueError` for anything that is not one."""
        try:
            entry = cls(**json.loads(text))
        except TypeError as error:
            raise ValueError("not an entry") from error
        if type(entry.calls) is not int or type(entry.max) is not int or type(entry.id) is not str:
            raise ValueError("not an entry")
        return entry


def health(status: str, identity: Identity, pipecat: str, entry: Entry) -> Body:
    """Return the health page of one worker."""
    return {
        "status": status,
        "service": SERVICE,
        "worker": entry.id,
        **identity.fields(),
        "pipecat": pipecat,
        "worker_calls": entry.calls,
        "worker_max": entry.max,
    }


def fleet(entries: list[Entry]) -> Body:
    """Return the sums over all live workers; `fleet_available` is the number of free slots."""
    calls = sum(entry.calls for entry in entries)
    most = sum(entry.max for entry in entries)
    return {
        "status": "ok",
        "worker_calls": calls,
        "worker_max": most,
        "fleet_available": most - calls,
        "workers": sorted(entry.id for entry in entries),
    }


def accepted(entry: Entry, seconds: float) -> dict[str, str | float]:
    """Return the answer to a call that was taken."""
    return {"worker": entry.id, "seconds": seconds}
