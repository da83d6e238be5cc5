"""What services left in stores for each other, judged by the contracts: the workers' entries, and the dialler's records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.contracts.json_strict import loads
from voxgate.contracts.records import CALLS, ENTRY, LONGEST_LIFE, WRITTEN
from voxgate.contracts.schemas import faults
from voxgate.errors import Blind, ContractError
from voxgate.model.advice import quoted
from voxgate.model.evidence import Missing, known
from voxgate.probe.registry import ENTRIES, NO_ENTRY
from voxgate.survey.answers import read_page
from voxgate.survey.commands import restart
from voxgate.survey.pacing import life_of, process_of
from voxgate.survey.questions import question_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.answers import Record
    from voxgate.model.estate import Estate, PlacedUnit, Placement
    from voxgate.model.look import Evidence, Look
    from voxgate.model.surroundings import EntryFact

NEVER = -1
LAG = 1.0  # seconds by which a record may seem younger than it is: clocks are not quite one
PLACED = frozenset({"placed_at", "placed_by"})
_READABLE = "the user of that setting needs GETRANGE and PTTL on vox:workers:* in Redis (`redis-cli acl list`)"


def wrong_entries(placement: Placement, estate: Estate, evidence: Evidence) -> list[tuple[str, str]]:
    """Where what Redis has of the workers of one host breaks the contract of its entries, each with what to do. That a worker is
    not well, or Redis not reached, is another rule's. Raises Blind where Redis was reached and would not tell.
    """
    host = placement.host.name
    stores = known(evidence.second.host(host).stores[placement.service.name])
    for store in stores:
        if store.unread:
            why = f"{store.setting} leads to a Redis that does not tell the workers' entries: {store.unread}"
            raise Blind(why, where=host, hint=_READABLE)
    entries = [entry for store in stores for entry in store.entries]
    found = []
    for unit in placement.placed_units:
        its = [one for one in entries if one.worker.rpartition("/")[2] == str(unit.number)]
        there = [one for one in its if one.lives != NO_ENTRY]
        wrong = [f"{ENTRIES}{entry.worker} {what}" for entry in there for what in _breaks(entry)]
        if its and not there and _calls_itself(unit, evidence.second) == its[0].worker:
            wrong.append(f"there is no {ENTRIES}{its[0].worker}, and {unit.unit} says that it is well")
        found += [(f"{host}: in Redis {what}", _written_anew(unit, estate)) for what in wrong]
    return found


def _breaks(entry: EntryFact) -> Iterator[str]:
    """How an entry breaks its contract."""
    if entry.lives == NEVER:
        yield "never runs out: it leads calls to a worker that is dead"
    elif entry.lives > LONGEST_LIFE:
        yield f"runs out in {entry.lives / 1000:.0f} s only, {LONGEST_LIFE / 1000:.0f} are the most"
    if not entry.said:
        yield f"is {entry.holds}"
        return
    try:
        said = loads(entry.said.encode())
    except ContractError:
        raise Blind("what the probe says of it cannot be read", where=f"{ENTRIES}{entry.worker}", hint="look again") from None
    broken = faults(ENTRY, said)
    if broken:
        yield f"breaks the contract {ENTRY}: {', '.join(broken)}"
    elif said["id"] != entry.worker:
        yield f"says that it is {said['id']}"


def _calls_itself(unit: PlacedUnit, look: Look) -> str:
    """What a worker that is well calls itself, empty for one that is not."""
    if unit.service.health is None:
        return ""
    page = read_page(look, question_of(unit, unit.service.health), unit.service.health.schema)
    return "" if page.problem else str(page.document["worker"])


def wrong_records(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> tuple[list[tuple[str, str]], Missing | None]:
    """Where what a dialler's process wrote into its database breaks a contract, each with what to do; and why the database did
    not tell it, None where it did, or where the estate does not say that the gate may read there. What was written before this
    process was there is its predecessor's. Raises Blind where host or database was not seen.
    """
    database, life = unit.database, life_of(unit, evidence.second)
    if database is None or not database.pace.records:
        return [], None
    told = evidence.second.database(database.name).records
    if isinstance(told, Missing):
        return [], told
    if not told:
        return [], Missing("missing", "this look did not ask the database for its records", database.name, "look again")
    process = process_of(unit, evidence.second)
    wrong = {
        f"{database.called}.{collection}: its newest records break the contract {WRITTEN[collection]}: {', '.join(broken)}": None
        for collection, rows in told.items()
        for row in rows
        if collection in WRITTEN and _is_its(row, collection, life, process.pid if process else 0)
        if (broken := faults(WRITTEN[collection], dict(row.said)))
    }
    return [(what, _written_anew(unit, estate)) for what in wrong], None


def _is_its(record: Record, collection: str, life: float, pid: int) -> bool:
    """True for what the process has written: since it is there, or under its own number. A call that is due is another's."""
    if collection == CALLS and record.said.get("state") != "placed" and not PLACED & record.said.keys():
        return False
    if record.age is not None:
        return record.age + LAG < life
    return pid > 0 and str(record.said.get("_id", "")).endswith(f"/{pid}")


def _written_anew(unit: PlacedUnit, estate: Estate) -> str:
    """What to do about what a unit writes."""
    back = f"`make rollback ESTATE={quoted(estate.name)} SERVICE={unit.service.name}` puts the last good release back"
    return f"{restart(unit.unit)} has it written anew; if it stays, {back}"
