"""Processes: each unit runs, starts at boot, and runs the new code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.counting import counted
from voxgate.model.digits import natural_in
from voxgate.model.entry import Entry
from voxgate.model.evidence import ProcessFact, UnitFact, known
from voxgate.plugin import invariant, say, say_all, say_each
from voxgate.redaction.shortening import beginning
from voxgate.survey.answers import read_page
from voxgate.survey.commands import (
    RELOADED,
    as_owner,
    deploy_again,
    deploy_first,
    enrol,
    listening,
    loaded_anew,
    look_again,
    restart,
    stop,
    why,
)
from voxgate.survey.findings import runs_code_of, unit_of
from voxgate.survey.questions import question_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from voxgate.model.estate import Estate, PlacedUnit, Placement
    from voxgate.model.evidence import HostEvidence
    from voxgate.model.look import Evidence, Look
    from voxgate.model.surroundings import RuntimesFact


PRELOAD = "LD_PRELOAD"
GOES_ON = frozenset("RSDI")  # the kernel's letters for a process that runs, or will as soon as there is something to do
TARGETS = frozenset({"multi-user.target", "graphical.target"})  # from which the services are started
YOUNG = 600.0  # seconds in which a process that systemd started again by itself counts as restarting


def main_process(look: Look, unit: PlacedUnit) -> ProcessFact:
    """The unit's main process. Violated where there is none."""
    pid = unit_of(look, unit).main_pid
    found = next((one for one in known(look.host(unit.host.name).processes) if one.pid == pid and pid), None)
    assert found is not None, say(
        f"{unit.host.name}: {unit.unit} has no main process", f"`systemctl status --no-pager {unit.unit}`"
    )
    return found


@invariant(
    per="unit",
    faults=("unit-stopped", "unit-disabled", "unit-masked", "unit-unlinked", "unit-boots-to-rescue", "unit-process-halted"),
    severity="blocker",
)
def test_unit_is_active(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """A unit that runs now and is not enabled is gone after the next reboot; one that is enabled and failed is gone now. Enabled
    is what the disk says: from the default target on, links lead to it.
    """
    found, host = unit_of(evidence.second, unit), evidence.second.host(unit.host.name)
    wrong = [*_not_running(unit, found, estate), *_not_enabled(unit.unit, found)]
    unseen: list[Blind] = []
    for rest in (_halted, _led_to_by_nothing):
        try:
            wrong += rest(unit.unit, found, host)
        except Blind as error:
            unseen.append(error)
    if unseen and not wrong:
        raise unseen[0]
    said = [*(what for what, _ in wrong), *(error.line for error in unseen)]
    assert not wrong, say_all(unit.host.name, said, "; ".join(dict.fromkeys(do for _, do in wrong)))


def _not_running(unit: PlacedUnit, found: UnitFact, estate: Estate) -> Iterator[tuple[str, str]]:
    """Why a unit does not do its work by systemd's word, and what to do about it."""
    name = unit.unit
    if found.load in {"masked", "not-found"}:
        # Where a mask took the place of the unit file, there is none once it is gone.
        unmask = f"`systemctl unmask {name}`; " if found.load == "masked" else ""
        yield f"{name} is {found.load}", f"{unmask}its unit file again: {enrol(unit.host, estate)}; {loaded_anew(name)}"
        return
    if found.load != "loaded":
        yield f"{name} is {found.load or 'unknown'}", f"`systemctl status --no-pager {name}` says why"
        return
    result = found.properties.get("Result", "")
    if found.active != "active/running":
        # systemd refuses a start after five within ten seconds, whoever asks for it.
        forgive = f"`systemctl reset-failed {name}`, " if found.active.startswith("failed/") else ""
        yield f"{name} is {found.active} ({result})", f"{why(name)}; {forgive}`systemctl start {name}`"
    elif result != "success":
        yield f"{name} runs, but its result is {result}", why(name)


def _not_enabled(name: str, found: UnitFact) -> Iterator[tuple[str, str]]:
    """Why the next boot does not start it, by systemd's word."""
    if found.load != "loaded":
        return
    if found.enabled != "enabled":
        yield f"{name} is {found.enabled or 'not enabled'}: the next boot does not start it", f"`systemctl enable {name}`"
    if found.properties.get("Transient", "no") != "no":
        yield (
            f"{name} is transient, made by hand with systemd-run",
            f"`systemctl stop {name}; {RELOADED}; systemctl start {name}`",
        )


def _halted(name: str, _found: UnitFact, host: HostEvidence) -> Iterator[tuple[str, str]]:
    """Which of its processes were stopped, while the unit is active all the same."""
    for one in known(host.processes):
        if one.unit == name and one.state not in GOES_ON:
            what = f"process {one.pid} of {name} is halted (state {one.state}), and the unit active all the same"
            yield what, f"{restart(name)}, and look for who stopped it"


def _led_to_by_nothing(name: str, found: UnitFact, host: HostEvidence) -> Iterator[tuple[str, str]]:
    """Why the next boot does not start it, by the links on the disk; that it is not enabled is said already."""
    boot = known(host.boot)
    leads = name in boot.services and boot.services[name].at_boot
    if found.load == "loaded" and found.enabled == "enabled" and not leads:
        what = f"nothing leads from {boot.target} to {name} on disk: the next boot does not start it"
        target = "" if boot.target in TARGETS else "`systemctl set-default multi-user.target`"
        yield what, target or f"`systemctl reenable {name}`"


@invariant(
    per="placement",
    guards="releases",
    services=("backend", "fleet", "dialler"),
    faults=("unit-extra-instance", "unit-copied-under-another-name", "fleet-hides-behind-its-env"),
    threats=("starts",),
)
def test_units_are_all_there_are(placement: Placement, evidence: Evidence) -> None:
    """One unit of the kind more than the estate says is a call slot, or a dialler, that nobody deploys to. The same holds
    for whatever runs the service's code outside of its units, under any name.
    """
    found = known(evidence.second.host(placement.host.name).units)
    extra = sorted(
        name
        for name, fact in found.items()
        if placement.service.owns_unit(name)
        and name not in placement.units
        and (fact.active.split("/")[0] not in {"inactive", ""} or fact.enabled == "enabled" or fact.links)
    )
    extra = [name for name in extra if "@.service" not in name]
    said = [f"{name} is not in the estate, which says {len(placement.units)} here" for name in extra]
    astray = [
        one
        for one in known(evidence.second.host(placement.host.name).processes)
        if runs_code_of(one, placement.service) and one.unit not in placement.units
    ]
    said += [
        f"process {one.pid} of {one.user} runs {placement.service.folder} outside of its units, in {one.unit or one.cgroup}:"
        f" {beginning(' '.join(one.argv), 80)}"
        for one in astray
    ]
    do = [f"`systemctl disable --now {quoted(*extra)}`, or add it to the estate"] if extra else []
    if others := [one for one in astray if one.unit not in extra]:
        do.append(f"{stop(others, evidence.second.host(placement.host.name))}: the service runs in its own units only")
    assert not said, say_all(placement.host.name, said, "; ".join(do))


@invariant(
    per="unit",
    guards="releases",
    faults=(
        "unit-old-code",
        "venv-edited-and-put-back",
        "release-folder-swapped-and-put-back",
        "venv-package-swapped-and-put-back",
    ),
    severity="blocker",
    threats=("times",),
)
def test_process_is_the_new_code(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """A process that is older than its files runs what was there before. It must have started after the last change of
    tree and venv, any file of it or folder that was moved, and report the release's commit itself. What a failed deploy changed
    and put back is no change to a process that was there before: to one that started in between it is.
    """
    look, service = evidence.second, unit.service
    remote = evidence.remote(service.name)
    release, back = remote.release, remote.put_back.get(unit.host.name)
    process = main_process(look, unit)
    host = look.host(unit.host.name)
    changed = max(known(host.checkouts[service.name]).changed, known(host.venvs[service.name]).changed)
    changed = max(changed, known(host.packages[service.name]).changed)
    wrong, anew = [], restart(unit.unit)
    for one in (process, *(one for one in known(host.processes) if one.unit == unit.unit)):
        since = back.age(changed, known(host.time)) if back is not None and one.started < back.since else changed
        if one.started <= since:
            what = f"process {one.pid} of {unit.unit} is {since - one.started:.1f} s older than the last change of its code"
            wrong.append((what, anew))
    assert service.health is not None
    page = read_page(look, question_of(unit, service.health), None)
    reported = page.document.get("commit")
    if release is None:
        wrong.append((f"no release of {service.name} ever passed the gate", deploy_first(estate)))
    if not page.document:
        wrong.append((f"{page.place} {page.problem}: it cannot say what it runs", why(unit.unit)))
    elif release is not None and reported != release.commit:
        what = f"{page.place} reports commit {str(reported)[:12]}, not {release} ({release.commit[:12]})"
        wrong.append((what, anew))
    if page.document and page.document.get("pid") != process.pid:
        what = f"{page.place} is answered by process {page.document.get('pid')}, not by {process.pid} that systemd runs"
        wrong.append((what, f"an old process holds the port: {listening(page.answer.port)}; stop it"))
    assert not wrong, say_each(unit.host.name, wrong)


@invariant(per="unit", guards="releases", faults=("unit-crash-looping", "unit-crash-looping-slowly"), severity="blocker")
def test_nothing_restarts_during_the_bake(unit: PlacedUnit, evidence: Evidence) -> None:
    """A service that dies every few seconds is up in every single look. Between the two looks nothing may have restarted; nor
    within ten minutes before, by systemd itself: what dies every minute is up in most pairs of looks.
    """
    first, second = unit_of(evidence.first, unit), unit_of(evidence.second, unit)
    names = {"MainPID": "main process", "InvocationID": "invocation", "NRestarts": "restart count"}
    pairs = {word: (first.properties.get(key), second.properties.get(key)) for key, word in names.items()}
    went = [f"its {word} went from {before} to {after}" for word, (before, after) in pairs.items() if before != after]
    said = [f"{unit.unit} restarted between the two looks: {', '.join(went)}"] if went else []
    count = natural_in(second.properties.get("NRestarts", ""))
    if count is None and not said:
        what, hint = "systemd does not say how often it restarted this unit", f"`systemctl show -p NRestarts {quoted(unit.unit)}`"
        raise Blind(what, where=f"{unit.host.name} {unit.unit}", hint=hint)
    running = [one for one in known(evidence.second.host(unit.host.name).processes) if one.pid == second.main_pid]
    if count and (running or not said):
        age = known(evidence.second.host(unit.host.name).time) - main_process(evidence.second, unit).started
        if age <= YOUNG:
            said.append(f"systemd itself started {unit.unit} again, {counted(count, 'time')} by now, the last {age:.0f} s ago")
    assert not said, say_all(unit.host.name, said, f"{why(unit.unit)} it dies")


@invariant(per="unit", guards="evidence", faults=("unit-runs-as-root",))
def test_runs_as_its_user(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """A service that runs as root turns each of its holes into one of the host."""
    process = main_process(evidence.second, unit)
    assert process.user == unit.service.user, say(
        f"{unit.host.name}: {unit.unit} runs as {process.user}, not as {unit.service.user}",
        f"its unit file again, with User={unit.service.user}, and no drop-in that says otherwise (`systemctl cat {unit.unit}`): "
        f"{enrol(unit.host, estate)}; {loaded_anew(unit.unit)}",
    )


@invariant(
    per="unit",
    guards="releases",
    faults=(
        "process-preloaded",
        "process-other-interpreter",
        "process-sees-another-tree",
        "python-starts-with-more",
        "python-copied",
        "library-before-the-systems",
    ),
    threats=("times",),
)
def test_process_is_the_venvs(unit: PlacedUnit, estate: Estate, evidence: Evidence) -> None:
    """What is on disk can be perfect, and the process run something else: another interpreter, a library that was deleted
    under it, a path that a variable put before the others, a file that is mounted over the disk's for it alone; or an
    interpreter that no package has, or one that was given more.
    """
    where, name, folder = unit.host.name, unit.unit, unit.service.folder
    process = main_process(evidence.second, unit)
    found = known(evidence.second.host(where).runtimes[unit.service.name])
    agents = estate.preloads(unit.host)
    loads = [one for one in found.preloads or ("something",) if found.preload and one not in agents]
    loads += [f"{one}, which others than root can change" for one in found.loose]
    entries: list[Entry] = []
    wrong = [
        (
            f"every program loads {one} first (/etc/ld.so.preload)",
            f"`mv /etc/ld.so.preload /root/`, then {restart(name)}; and the host, when it may be",
        )
        for one in loads
    ]
    if loads:
        entries += [Entry(("preload", where), (one,), "for all programs") for one in found.preloads]
    wrong += _below(unit, found, agents, deploy_again(unit.service, estate, evidence))
    rows = [one for one in found.processes if one.unit == name]
    main = [one for one in rows if one.pid == process.pid]
    if not main and not wrong:
        what, no_word, hint = "its main process was not looked into", f"no word of process {process.pid}", look_again(estate)
        raise Blind(what, where=f"{where} {name}", why=no_word, hint=hint)
    for one in main:
        if not (one.interpreter and one.argv0.startswith(f"{folder}/.venv/bin/")):
            what = f"{name} runs {one.argv0}, by {process.exe}, not {folder}/.venv/bin/python"
            wrong.append(
                (
                    what,
                    f"`systemctl cat {name}` shows its ExecStart, which must be that in hosts/units; then {restart(name)}",
                )
            )
        by_agent = bool(one.loads) and all(path in agents for path in one.loads)
        strange = sorted(set(one.strange) - estate.variables(unit.host) - ({PRELOAD} if by_agent else set()))
        if strange:
            what = f"{name} was started with {', '.join(strange)}, which neither its unit nor .env says"
            wrong.append(
                (
                    what,
                    f"`systemctl unset-environment {quoted(*strange)}`, {restart(name)}; if it stays, `systemctl cat {name}`",
                )
            )
        entries += [Entry(("environment", where), (key,), f"of {name}") for key in strange if _is_plain(key)]
    said: list[str] = []
    for one in rows:
        place = f"process {one.pid} of {name}"
        said += [f"{place} sees something else at {path}: mounted for it alone" for path in one.mounts]
        by_agent = bool(one.loads) and all(path in agents for path in one.loads)
        said += [f"{place} stands in {one.stands}, which is not {folder}"] if one.stands else []
        said += [f"{place} was started with {variable}" for variable in one.loader if not (by_agent and variable == PRELOAD)]
        if not by_agent:
            entries += [Entry(("preload", where), (path,), f"LD_PRELOAD of {name}") for path in one.loads]
        said += [f"{place} runs code of {path}" for path in one.elsewhere if path not in agents]
        said += [f"{place} runs code of a file that is gone: {path}" for path in one.gone]
    do = f"code comes from the venv only: look for Bind, Root, TemporaryFileSystem and Environment in `systemctl cat {name}`"
    wrong += [(what, f"{do}; {restart(name)}") for what in said]
    assert not wrong, say_each(where, wrong, estate=estate.name, entries=entries)


def _below(unit: PlacedUnit, found: RuntimesFact, agents: Container[str], again: str) -> Iterator[tuple[str, str]]:
    """What is wrong with what of the system's runs, and what to do about it. ``agents`` are libraries that the estate names."""
    folder, anew = unit.service.folder, restart(unit.unit)
    for path, what in found.base:
        do = f"`dpkg -S {quoted(path)}` names its package, which `apt-get install --reinstall PACKAGE` puts back; {anew}"
        if what.startswith("is run"):
            if path in agents or path.removeprefix("/usr") in agents:
                continue
            do = f"`mv {quoted(path)} /root/`, {anew}"
        elif path.startswith(f"{folder}/") or what.startswith("belongs to no package"):
            do = f"{as_owner(unit.placement, 'rm', '-rf', f'{folder}/.venv')}, then at once {again}"
        yield f"below {folder}/.venv, {path} {what}", do


def _is_plain(variable: str) -> bool:
    """True for a variable that an estate may name: it says nothing of what code is loaded, nor where secrets are written."""
    codes = ("LD_", "PYTHON", "UV_", "VIRTUAL_ENV", "GCONV_PATH", "GLIBC_TUNABLES", "OPENSSL_", "SSLKEYLOGFILE", "BASH_ENV")
    return not variable.startswith(codes) and variable not in {"PATH", "ENV"}
