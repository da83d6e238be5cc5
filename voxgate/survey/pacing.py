"""How fast a dialler really dials, beside how fast it may: by its counters over time, and by what its database has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voxgate.contracts.metrics import read_metrics
from voxgate.errors import ContractError
from voxgate.model.advice import quoted
from voxgate.model.answers import RECENT
from voxgate.model.evidence import Missing, known
from voxgate.survey.answers import read_page
from voxgate.survey.commands import deploy_again, edit_settings
from voxgate.survey.questions import question_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxgate.model.database import Database, Pace
    from voxgate.model.estate import Estate, PlacedUnit
    from voxgate.model.evidence import ProcessFact
    from voxgate.model.look import Evidence, Look

MINUTE = 60.0
LAG = 1.0  # seconds by which what is counted may be older or newer than the answer's time
LATER = 5.0  # and by which the page may be asked later than the host's clock was read
GRACE = 1.05  # of what may come: clocks are not quite one
TICKS, CALLS = "voxdialler_ticks_total", "voxdialler_calls_placed_total"


class _Counted(NamedTuple):
    """What a dialler's counters said, and when it was asked for, epoch seconds of the gate's clock."""

    asked: float
    until: float
    ticks: float
    calls: float


def too_fast(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> tuple[list[tuple[str, str]], Missing | None]:
    """Where a dialler is faster than its database's pace says, each with what to do; and why what the database itself has of it
    could not be read, None where it could, or where the estate does not say where it is. Raises Blind where the host was not
    seen, or the database where it is needed.
    """
    database = unit.database
    if database is None:
        return [], None
    stop = f"stop it at once, it over-dials real people: `systemctl stop {quoted(unit.unit)}`"
    settings = f"{stop}; {_set_right(unit, evidence.second)}"
    code = f"{stop}; it says another pace than it has, so its code is not the release's: "
    code += deploy_again(unit.service, estate, evidence)
    by_its_word = list(_of_its_page(unit, database.pace, evidence.second))
    found = [(what, settings) for what in by_its_word]
    found += [
        (what, settings if by_its_word or not is_tick else code)
        for what, is_tick in _of_its_counters(unit, database.pace, evidence)
    ]
    again = (
        "look again in a minute: what somebody else wrote, who is stopped by now, is gone then; if it stays so, stop the dialler"
    )
    unseen = None
    if database.pace.records:
        recent = evidence.second.database(database.name).recent
        if isinstance(recent, Missing):
            unseen = recent
        elif set(recent) < set(database.pace.records):
            unseen = Missing("missing", "this look did not ask the database for it", database.name, "look again")
        else:
            found += [(what, again) for what in _of_its_database(database, recent, life_of(unit, evidence.second))]
    return found, unseen


def _set_right(unit: PlacedUnit, look: Look) -> str:
    """What puts its pace right where its settings say another, and starts it again."""
    service = unit.service
    file = next(one for one in unit.placement.env_files if unit.unit in one.units)
    opened = edit_settings(service, file.name, look.hosts.get(unit.host.name))
    anew = f"`systemctl start {quoted(unit.unit)}`"
    return f"mend {service.tick or 'what sets its pace'}: {opened}, then {anew}; or mend the estate's pace"


def process_of(unit: PlacedUnit, look: Look) -> ProcessFact | None:
    """The main process of a unit, None where there is none. Raises Blind."""
    host = look.host(unit.host.name)
    fact = known(host.units).get(unit.unit)
    return next((one for one in known(host.processes) if fact is not None and one.pid == fact.main_pid), None)


def life_of(unit: PlacedUnit, look: Look) -> float:
    """How many seconds its process has been there, as the host says; 0 where there is none. Raises Blind."""
    process = process_of(unit, look)
    return known(look.host(unit.host.name).time) - process.started if process is not None else 0.0


def _of_its_page(unit: PlacedUnit, pace: Pace, look: Look) -> Iterator[str]:
    """Its own word, where that already is another than the estate's."""
    if unit.service.health is None:
        return
    page = read_page(look, question_of(unit, unit.service.health), None)
    said = page.document.get("tick_interval_seconds")
    if isinstance(said, (int, float)) and 0 < said < pace.tick / GRACE:
        yield f"{page.place} says that it ticks every {said:g} s, the estate says every {pace.tick:g} s"


def _of_its_counters(unit: PlacedUnit, pace: Pace, evidence: Evidence) -> Iterator[tuple[str, bool]]:
    """More ticks or calls than may be, and whether it is ticks: between the looks, and since the process began, as the host
    says.
    """
    first, second = _counted(unit, evidence.first), _counted(unit, evidence.second)
    if second is None:
        return  # another rule's
    place = f"{unit.host.name} {unit.unit}"
    if first is not None and second.ticks >= first.ticks:
        seconds = second.until - first.asked + LAG
        yield from _more(f"{place}: between the looks", second.ticks - first.ticks, second.calls - first.calls, seconds, pace)
    life = life_of(unit, evidence.second)
    if life:
        yield from _more(f"{place}: since its process began", second.ticks, second.calls, life + LATER, pace)


def _more(where: str, ticks: float, calls: float, seconds: float, pace: Pace) -> Iterator[tuple[str, bool]]:
    """Where there is more than may be in so many seconds, and whether it is ticks."""
    most = seconds / pace.tick * GRACE + 1
    if ticks > most:
        yield f"{where} it made {ticks:g} ticks in {seconds:.0f} s, every {pace.tick:g} s one is due", True
    if pace.calls is not None and calls > pace.calls * (seconds // MINUTE + 1) * GRACE:
        yield f"{where} it placed {calls:g} calls in {seconds:.0f} s, {pace.calls:g} a minute are the most", False


def _counted(unit: PlacedUnit, look: Look) -> _Counted | None:
    """What its metrics count, None where they cannot be read."""
    if unit.service.metrics is None:
        return None
    answer = look.answer(question_of(unit, unit.service.metrics))
    if answer.trouble:
        return None
    try:
        series = read_metrics(answer.body, answer.headers.get("content-type", ""))
    except ContractError:
        return None
    return _Counted(answer.asked, answer.asked + answer.seconds, series.get(TICKS, 0.0), series.get(CALLS, 0.0))


def _of_its_database(database: Database, recent: Mapping[str, tuple[int, ...]], life: float) -> Iterator[str]:
    """More than may be in what the database itself has, whoever wrote it. Of ticks in each of the times for which this process
    was there: what is mended, as a second dialler that was stopped, is still in the longest of them.
    """
    pace, times = database.pace, [one for one in RECENT if one <= life]
    counts = dict(zip(RECENT, recent.get("ticks", ()), strict=False))
    most = {one: one / pace.tick * GRACE + 2 for one in times}
    if counts and times and all(counts[one] > most[one] for one in times):
        back = times[-1]
        yield f"the database {database.called} has {counts[back]} ticks of the last {back} s, {most[back]:.0f} are the most"
    calls = dict(zip(RECENT, recent.get("calls", ()), strict=False)).get(RECENT[-1], 0)
    if pace.calls is not None and RECENT[-1] in times and calls > pace.calls * GRACE:
        yield f"the database {database.called} has {calls} calls of the last {RECENT[-1]} s, {pace.calls:g} are the most"
