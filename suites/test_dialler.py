"""Dialler: exactly one for each database, on the SIP host, and its ticks go on."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from voxgate.contracts.metrics import read_metrics, types_of
from voxgate.contracts.schemas import faults
from voxgate.errors import ContractError
from voxgate.model.advice import quoted
from voxgate.model.evidence import known, uncut
from voxgate.model.service import Role
from voxgate.plugin import invariant, say, say_each
from voxgate.redaction.shortening import beginning
from voxgate.survey.answers import read_page
from voxgate.survey.clients import advice, wrong_clients
from voxgate.survey.commands import edit_settings, end, enrol, listening, no_more, restart, why
from voxgate.survey.findings import runs_code_of
from voxgate.survey.pacing import too_fast
from voxgate.survey.questions import question_of
from voxgate.survey.records import wrong_records

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxgate.model.answers import Answer
    from voxgate.model.database import Database
    from voxgate.model.estate import Estate, PlacedUnit
    from voxgate.model.evidence import HostEvidence, ProcessFact
    from voxgate.model.look import Evidence
    from voxgate.model.service import Service

OK = 200
LAG = 1.0  # seconds for an answer to come
STOP = "stop it at once: two diallers over-dial real people"


def diallers_on(host: HostEvidence, service: Service) -> list[ProcessFact]:
    """Every process on a host that is in the dialler's unit, or runs its code: never by its name alone."""
    return [one for one in known(host.processes) if service.owns_unit(one.unit) or runs_code_of(one, service)]


@invariant(
    per="database",
    guards="diallers",
    services=("dialler",),
    faults=("dialler-second-unit", "dialler-by-hand", "dialler-on-another-database", "dialler-hides-behind-its-env"),
    severity="blocker",
    threats=("starts",),
)
def test_exactly_one_dialler_per_database(database: Database, estate: Estate, evidence: Evidence) -> None:
    """Two diallers on one database each pace as if alone, and over-dial real people. Counted over all hosts: units,
    processes by cgroup and folder, containers, and what would start at the next boot.
    """
    service = estate.service("dialler")
    homes = {(one.host.name, one.unit) for one in estate.placed_units if one.service == service}
    seen = {host.name: evidence.second.host(host.name) for host in estate.hosts}  # blind unless every host was seen
    wanted = estate.dialler_unit(database)
    alive = [(name, one) for name, host in seen.items() for one in diallers_on(host, service)]
    strange = [
        (
            f"{name}: process {one.pid} of {one.user} is a dialler outside of the one unit: {beginning(' '.join(one.argv), 100)}",
            f"on {name}: {end([one.pid])}",
        )
        for name, one in alive
        if (name, one.unit) not in homes
    ]
    for name, host in seen.items():
        units = [
            unit
            for unit, fact in known(host.units).items()
            if service.owns_unit(unit) and fact.main_pid and (name, unit) not in homes
        ]
        if units:
            what = f"{name}: {', '.join(units)} runs here, the dialler is {wanted} on {database.dialler}"
            strange.append((what, f"on {name}: `systemctl disable --now {quoted(*units)}`"))
        boxed = [
            one.name for one in known(host.engines).containers if "dialler" in uncut(f"{one.name} {one.image}", name).lower()
        ]
        if boxed:
            strange.append((f"{name}: container {', '.join(boxed)} is a dialler", f"on {name}: `docker stop {quoted(*boxed)}`"))
    wrong = [(what, f"{STOP}: {do}" if do else STOP) for what, do in strange]
    mine = [one for name, one in alive if name == database.dialler and one.unit == wanted]
    roots = [one for one in mine if one.ppid == 1]
    if len(roots) != 1:
        what = f"{database.dialler}: {len(roots)} dialler processes for the database {database.name}, not one"
        start = f"on {database.dialler}: {why(wanted)}; `systemctl start {wanted}`"
        wrong.append((what, f"{STOP}: on {database.dialler}: `systemctl restart {wanted}`" if roots else start))
    for unit in (one for one in estate.placed_units if one.database is not None):
        page = read_page(evidence.second, question_of(unit, service.health), None) if service.health else None
        if page is None or not page.document:
            continue  # it does not answer: another rule's matter
        own, works_on = unit.database, page.document.get("database")
        file = next(one for one in unit.placement.env_files if unit.unit in one.units)
        settings = edit_settings(service, file.name, evidence.second.hosts.get(unit.host.name))
        mend = f"mend MONGODB_URI: on {unit.host.name}: {settings}, then {restart(unit.unit)}"
        mend = f"each database belongs to one dialler: {mend}"
        if own == database and works_on != own.called:
            what = f"{page.place} says that it works on the database {works_on}, not on {own.called}, which is its own"
            wrong.append((what, mend))
        elif own is not None and works_on == database.called != own.called:
            wrong.append(
                (
                    f"{page.place} says that it works on the database {works_on}, and is the dialler of {own.called}",
                    mend,
                )
            )
    assert not wrong, say_each("", wrong)


@invariant(
    per="database",
    guards="diallers",
    services=("dialler",),
    faults=("dialler-foreign-connection", "dialler-calls-itself-the-gate", "seeing-database-refuses-inprog"),
    severity="blocker",
)
def test_database_sees_one_dialler(database: Database, estate: Estate, evidence: Evidence) -> None:
    """What the database itself sees cannot be hidden on a host: every connection made as the dialler, or by a client that
    nobody knows, must come from the one process that systemd runs. Who else may work on it, the estate says.
    """
    service = estate.service("dialler")
    wrong = wrong_clients(database, estate, evidence)
    entries = [one.entry for one in wrong if one.entry is not None]
    do = advice(wrong, STOP)  # once: how many there are, whoever connects says
    rows = [(one.said, do) for one in wrong]
    if not any(one.app_name == service.app_name for one in evidence.second.database(database.name).clients):
        unit = estate.dialler_unit(database)
        rows.append(("no connection of the dialler", f"can it connect? on {database.dialler}: {why(unit)}"))
    assert not rows, say_each(f"database {database.name}", rows, estate=estate.name, entries=entries)


@invariant(per="host_name", guards="diallers", services=("dialler",), faults=("dialler-enabled-elsewhere",))
def test_dialler_is_on_the_sip_host(host_name: str, estate: Estate, evidence: Evidence) -> None:
    """A dialler that is enabled on a second host is one reboot away from over-dialling: nowhere else running, enabled, or
    linked for the next boot, also by a link that systemd has not read yet.
    """
    service = estate.service("dialler")
    home = {one.unit for one in estate.placed_units if one.service == service and one.host.name == host_name}
    found = {name: fact for name, fact in known(evidence.second.host(host_name).units).items() if service.owns_unit(name)}
    wrong = []
    if home and Role.SIP not in estate.host(host_name).roles:
        wrong.append(("it is no SIP host", "mend the estate file"))
    if lost := sorted(home - found.keys()):
        wrong.append((f"systemd knows no {', '.join(lost)}", f"its unit file again: {enrol(estate.host(host_name), estate)}"))
    for name, fact in found.items():
        active = fact.active.split("/")[0]
        if name not in home and active not in {"inactive", ""}:
            wrong.append(
                (
                    f"{name} is {fact.active}, and the dialler is not at home here",
                    f"{STOP}: `systemctl disable --now {quoted(name)}`",
                )
            )
        elif name not in home and (fact.enabled in {"enabled", "enabled-runtime", "linked"} or fact.links):
            said = f"{name} would start at the next boot ({', '.join(fact.links) or fact.enabled})"
            wrong.append((said, no_more([name], fact.files)))
    assert not wrong, say_each(host_name, wrong)


@invariant(
    per="unit",
    guards="diallers",
    services=("dialler",),
    faults=("dialler-tick-frozen", "dialler-metrics-cached"),
    severity="blocker",
    threats=("pace",),
)
def test_tick_loop_is_alive(unit: PlacedUnit, evidence: Evidence) -> None:
    """A dialler can say ok for hours and dial nobody. Between the two looks its ticks must grow, in the same process, in
    health and in metrics alike, and the last one must be younger than two intervals.
    """
    wrong = [*_ticks_of_health(unit, evidence), *_ticks_of_metrics(unit, evidence)]
    assert not wrong, say_each("", wrong)


@invariant(
    per="unit",
    guards="diallers",
    services=("dialler",),
    faults=("dialler-ticks-too-often", "dialler-paces-otherwise-than-it-says"),
    severity="blocker",
    threats=("pace",),
)
def test_dialler_keeps_its_pace(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """A dialler that ticks twice as often calls twice as many real people, and says ok. Its pace is the estate's word, and is
    judged by more than the dialler's: by its counters over the time between the looks, and over the life of the process that the
    host saw start; and by what the database itself has of the last minute, where the estate says where.
    """
    wrong, unseen = too_fast(unit, estate, evidence)
    if unseen is not None and not wrong:
        known(unseen)
    assert not wrong, say_each("", wrong)


@invariant(
    per="unit",
    guards="diallers",
    services=("dialler",),
    faults=("dialler-tick-pid-as-text", "dialler-process-without-ticks", "dialler-call-placed-by-as-text"),
    severity="blocker",
)
def test_dialler_records_keep_the_contract(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """By its ticks two diallers on one database are seen, and by its calls the next one knows whom it need not call again. So
    what this process wrote last into its database is of the form that they read. It is asked where the estate's pace names a
    collection there, which needs the role read; of a record the form alone is told, never what it says.
    """
    wrong, unseen = wrong_records(unit, estate, evidence)
    if unseen is not None:
        known(unseen)
    assert not wrong, say_each("", wrong)


def _ticks_of_health(unit: PlacedUnit, evidence: Evidence) -> list[tuple[str, str]]:
    """What is wrong with the ticks as the dialler itself tells them, and what to do about each."""
    endpoint = unit.service.health
    assert endpoint is not None
    question = question_of(unit, endpoint)
    pages = [read_page(look, question, endpoint.schema) for look in (evidence.first, evidence.second)]
    for page in pages:
        if page.problem:
            return [(f"{page.place} {page.problem}", why(unit.unit))]
        if page.document.get("service") != unit.service.repository:
            said = f"{page.place} is answered by {page.document.get('service')}, not by {unit.service.repository}"
            return [(said, listening(question.port))]
    before, after = pages
    first, second = before.document, after.document
    place, again = after.place, restart(unit.unit)
    wrong = []
    if first["pid"] != second["pid"]:
        said = f"{place}: process {first['pid']} became {second['pid']} between the looks"
        wrong.append((said, why(unit.unit)))
    if second["ticks"] <= first["ticks"]:
        wrong.append((f"{place}: ticks stand still at {second['ticks']}, and it says {second['status']!r}", again))
    host = evidence.second.host(unit.host.name)
    # The page may be older than the look at the host, which waits for its turn where others look too: so the host's clock is put
    # back to when the page was asked for.
    now = known(host.time) - (known(host.answered) - known(host.took) - after.answer.asked)
    interval = float(second["tick_interval_seconds"])
    age = now - datetime.fromisoformat(second["last_tick_at"]).timestamp()
    if age >= 2 * interval + LAG:
        wrong.append((f"{place}: its last tick is {age:.1f} s old, every {interval:g} s is one due", again))
    return wrong


def _ticks_of_metrics(unit: PlacedUnit, evidence: Evidence) -> list[tuple[str, str]]:
    """The same of the ticks as its metrics count them."""
    endpoint = unit.service.metrics
    assert endpoint is not None
    question = question_of(unit, endpoint)
    place = f"{unit.host.name} GET :{question.port}{question.path}"
    counts = []
    for look in (evidence.first, evidence.second):
        answer = look.answer(question)
        if answer.trouble:
            return [(f"{place} gave no answer: {answer.trouble}", why(unit.unit))]
        series, problem = _series(answer)
        if problem:
            return [
                (
                    f"{place}: {problem}",
                    "a fault of the release: mend it, and deploy that; until then the release before it is one that worked",
                )
            ]
        counts.append(series.get("voxdialler_ticks_total", -1.0))
    if counts[1] > counts[0] >= 0:
        return []
    said = f"{place}: voxdialler_ticks_total went from {counts[0]:g} to {counts[1]:g}"
    return [(said, f"is something caching the metrics? {listening(question.port)}")]


@invariant(per="unit", guards="diallers", services=("dialler",), faults=("dialler-metrics-malformed",))
def test_metrics_are_well_formed(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """An alert on a metric that Prometheus cannot read, or that is called otherwise now, never fires."""
    endpoint = unit.service.metrics
    assert endpoint is not None
    answer = evidence.second.answer(question_of(unit, endpoint))
    place = f"{unit.host.name} GET :{answer.port}{answer.path}"
    assert not answer.trouble, say(f"{place} gave no answer: {answer.trouble}", why(unit.unit))
    assert answer.status == OK, say(f"{place} answers {answer.status}", why(unit.unit))
    _, problem = _series(answer)
    if not problem and (lost := faults("dialler-metrics", types_of(answer.body, answer.headers.get("content-type", "")))):
        problem = f"breaks the contract dialler-metrics: {lost[0]}"
    assert not problem, say(
        f"{place}: {problem}",
        f"a fault of the release: `make rollback ESTATE={quoted(estate.name)} SERVICE=dialler` puts the last one back",
    )


def _series(answer: Answer) -> tuple[Mapping[str, float], str]:
    """Every series of the metrics, and what is wrong with them, empty if nothing is."""
    try:
        return read_metrics(answer.body, answer.headers.get("content-type", "")), ""
    except ContractError as error:
        return {}, error.line
