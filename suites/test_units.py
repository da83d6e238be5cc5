"""Processes: each unit runs, starts at boot, and runs the new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.evidence import ProcessFact, UnitFact, known
from voxgate.plugin import invariant, say
from voxgate.survey.answers import read_page
from voxgate.survey.questions import question_of

if TYPE_CHECKING:
    from voxgate.model.estate import PlacedUnit, Placement
    from voxgate.model.look import Evidence, Look


def unit_of(look: Look, unit: PlacedUnit) -> UnitFact:
    """The unit as found."""
    units = known(look.host(unit.host.name).units)
    if unit.unit not in units:
        raise Blind("systemd was not asked about this unit", where=f"{unit.host.name} {unit.unit}")
    return units[unit.unit]


def main_process(look: Look, unit: PlacedUnit) -> ProcessFact:
    """The unit's main process. Violated where there is none."""
    pid = unit_of(look, unit).main_pid
    found = [one for one in known(look.host(unit.host.name).processes) if one.pid == pid and pid]
    assert found, say(f"{unit.host.name}: {unit.unit} has no main process", f"systemctl status {unit.unit}")
    return found[0]


@invariant(per="unit", faults=("unit-stopped", "unit-disabled", "unit-masked"), severity="blocker")
def test_unit_is_active(unit: PlacedUnit, evidence: Evidence) -> None:
    """A unit that runs now and is not enabled is gone after the next reboot; one that is enabled and failed is gone now."""
    found = unit_of(evidence.second, unit)
    where, name = unit.host.name, unit.unit
    assert found.load == "loaded", say(f"{where}: {name} is {found.load or 'unknown'}", f"systemctl cat {name}")
    result = found.properties.get("Result", "")
    assert found.active == "active/running", say(
        f"{where}: {name} is {found.active} ({result})", f"journalctl -u {name} says why; systemctl start {name}"
    )
    assert result == "success", say(f"{where}: {name} runs, but its result is {result}", f"journalctl -u {name}")
    assert found.enabled == "enabled", say(
        f"{where}: {name} is {found.enabled or 'not enabled'}: the next boot does not start it", f"systemctl enable {name}"
    )
    assert found.properties.get("Transient", "no") == "no", say(
        f"{where}: {name} is transient, made by hand with systemd-run", "stop it and deploy the release again"
    )


@invariant(per="placement", services=("backend", "fleet", "dialler"), faults=("unit-extra-instance",))
def test_units_are_all_there_are(placement: Placement, evidence: Evidence) -> None:
    """One unit of the kind more than the estate says is a call slot, or a dialler, that nobody deploys to."""
    found = known(evidence.second.host(placement.host.name).units)
    extra = sorted(
        name
        for name, fact in found.items()
        if placement.service.owns_unit(name)
        and name not in placement.units
        and (fact.active.split("/")[0] not in {"inactive", ""} or fact.enabled == "enabled" or fact.links)
    )
    extra = [name for name in extra if "@.service" not in name]
    assert not extra, say(
        f"{placement.host.name}: {', '.join(extra)} is not in the estate, which says {len(placement.units)} here",
        f"systemctl disable --now {extra[0] if extra else ''}, or add it to the estate",
    )


@invariant(per="unit", faults=("unit-old-code",), severity="blocker")
def test_process_is_the_new_code(unit: PlacedUnit, evidence: Evidence) -> None:
    """A process that is older than its files runs what was there before. It must have started after the last change of
    tree and venv, and report the release's commit itself.
    """
    look, service = evidence.second, unit.service
    release = evidence.remote(service.name).release
    process = main_process(look, unit)
    host = look.host(unit.host.name)
    changed = max(known(host.checkouts[service.name]).changed, known(host.venvs[service.name]).changed)
    assert process.started > changed, say(
        f"{unit.host.name}: {unit.unit} runs since {process.started - changed:.1f} s relative to the last change of its code",
        f"systemctl restart {unit.unit}",
    )
    assert service.health is not None
    page = read_page(look, question_of(unit, service.health), None)
    assert page.document, say(f"{page.place} {page.problem}: it cannot say what it runs", f"journalctl -u {unit.unit}")
    reported = page.document.get("commit")
    assert release is not None, say(f"{unit.host.name}: no release of {service.name} ever passed the gate", "make gate")
    assert reported == release.commit, say(
        f"{page.place} reports commit {str(reported)[:12]}, not {release} ({release.commit[:12]})",
        f"systemctl restart {unit.unit}; if it stays, deploy the release again",
    )
    assert page.document.get("pid") == process.pid, say(
        f"{page.place} is answered by process {page.document.get('pid')}, not by {process.pid} that systemd runs",
        "an old process holds the port: stop it",
    )


@invariant(per="unit", faults=("unit-crash-looping",), severity="blocker")
def test_nothing_restarts_during_the_bake(unit: PlacedUnit, evidence: Evidence) -> None:
    """A service that dies every few seconds is up in every single look. Between the two looks nothing may have restarted."""
    first, second = unit_of(evidence.first, unit), unit_of(evidence.second, unit)
    names = {"MainPID": "main process", "InvocationID": "invocation", "NRestarts": "restart count"}
    for key, word in names.items():
        before, after = first.properties.get(key), second.properties.get(key)
        assert before == after, say(
            f"{unit.host.name}: {unit.unit} restarted between the two looks: its {word} went from {before} to {after}",
            f"journalctl -u {unit.unit} says why it dies",
        )


@invariant(per="unit", faults=("unit-runs-as-root",))
def test_runs_as_its_user(unit: PlacedUnit, evidence: Evidence) -> None:
    """A service that runs as root turns each of its holes into one of the host."""
    process = main_process(evidence.second, unit)
    assert process.user == unit.service.user, say(
        f"{unit.host.name}: {unit.unit} runs as {process.user}, not as {unit.service.user}",
        f"User={unit.service.user} in the unit file",
    )
