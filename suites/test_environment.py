"""Environment: what the Python services run in is what their locks and settings say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.counting import counted
from voxgate.model.evidence import Missing, known
from voxgate.model.release import RemoteView
from voxgate.plugin import invariant, say_all, say_each
from voxgate.survey.answers import read_page
from voxgate.survey.commands import closed_to_others, deploy_again, edit_settings, given_to, remove_whole, restart, why
from voxgate.survey.judged import digest_of
from voxgate.survey.questions import question_of
from voxgate.survey.remedies import INSTALL_UV

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import HostEvidence, VenvFact
    from voxgate.model.look import Evidence
    from voxgate.model.service import EnvFile, Service

PYTHON = (3, 12)  # the oldest that the services may have
NO_UV = 127  # as a shell tells of a program that is not there
DRIFT = re.compile(r"^ ([+~-] \S+)", re.MULTILINE)


@invariant(
    per="placement",
    guards="releases",
    services=("backend", "fleet", "dialler"),
    faults=("venv-package-missing", "venv-other-version", "venv-seeded"),
)
def test_venv_is_the_lock(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """What was tested is what the lock names. One package more, less or in another version is another program."""
    venv = known(evidence.second.host(placement.host.name).venvs[placement.service.name])
    if venv.sync_status not in {0, 1}:
        raise Blind(
            "uv could not tell whether the environment is the lock",
            where=f"{placement.host.name} {placement.service.folder}/.venv",
            why=venv.sync_said,
            hint=_of_uv(placement, venv.sync_status),
        )
    wrong = []
    if venv.sync_status != 0:
        what = f"{placement.service.folder}/.venv is not what uv.lock says: {_drift(venv.sync_said)}"
        wrong.append((what, f"nobody installs by hand: {_anew(placement, estate, evidence)}"))
    # uv lets some packages be where a line of pyvenv.cfg says so: the lock does not.
    foreign = {name: version for name, version in venv.installed.items() if version not in venv.locked.get(name, "").split(" | ")}
    if foreign:
        held = ", ".join(map(" ".join, sorted(foreign.items())))
        what = f"{placement.service.folder}/.venv holds {held}, which uv.lock does not name"
        wrong.append((what, _anew(placement, estate, evidence)))
    assert not wrong, say_each(placement.host.name, wrong)


def _drift(said: str) -> str:
    """The packages that uv would change, as it says it: ``+ name==version`` is not there, ``- name==version`` is too many."""
    packages = DRIFT.findall(said)
    return f"uv would change {', '.join(packages)}" if packages else said


def _of_uv(placement: Placement, status: int) -> str:
    """What to do where uv itself could not tell."""
    if status == NO_UV:
        return INSTALL_UV
    return f"is the lock of {placement.service.repository} well? in a checkout of it, where it was written: uv lock --check"


def _anew(placement: Placement, estate: Estate, evidence: Evidence) -> str:
    """Make the environment from nothing: what is left of it would be believed."""
    return f"{remove_whole(placement, '.venv')}, then at once {deploy_again(placement.service, estate, evidence)}"


@invariant(per="placement", guards="releases", services=("backend", "fleet", "dialler"), faults=("venv-system-site-packages",))
def test_python_is_3_12_or_newer(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """The services are written and tested for Python 3.12 and up, and a venv that sees the system's packages runs what
    no lock names.
    """
    venv = known(evidence.second.host(placement.host.name).venvs[placement.service.name])
    said = re.search(r"([0-9]{1,4})\.([0-9]{1,4})", venv.python)
    numbers = tuple(map(int, said.groups())) if said else ()
    wrong = []
    if numbers < PYTHON:
        wrong.append(
            (
                f"{placement.service.folder}/.venv is Python {venv.python}",
                f"install Python 3.12 or newer there, for all accounts; then {_anew(placement, estate, evidence)}",
            )
        )
    if venv.system_site_packages:
        what = f"{placement.service.folder}/.venv sees the system's packages"
        wrong.append((what, _anew(placement, estate, evidence)))
    assert not wrong, say_each(placement.host.name, wrong)


@invariant(per="placement", guards="releases", services=("fleet",), faults=("pipecat-pin-loosened", "venv-other-version"))
def test_pipecat_is_pinned(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Pipecat changes behaviour between minor versions. Pin, lock, venv and running worker must name the same one."""
    name = placement.service.pinned
    assert name is not None
    look = evidence.second
    venv = known(look.host(placement.host.name).venvs[placement.service.name])
    host, where = placement.host.name, placement.service.folder
    declared = venv.declared.get(name, "")
    pin = re.fullmatch(r"(?:\[[^\]]*\])?\s*==\s*([0-9][A-Za-z0-9.!+]*)", declared)
    pinned, wrong = pin[1] if pin else venv.locked.get(name), []
    meant = "pin" if pin else "lock"
    if pin is None:
        what = f"{where}/pyproject.toml asks for {name}{declared or ', not at all'}"
        wrong.append((what, f"pin it in the repository, as {name}==1.2.3, lock it (uv lock), and make a release of that"))
    if venv.locked.get(name) != pinned:
        what = f"{where}/uv.lock has {name} {venv.locked.get(name)}, pyproject.toml {pinned}"
        wrong.append((what, "lock it in the repository (uv lock), and make a release of that"))
    if venv.installed.get(name) != pinned:
        what = f"{where}/.venv has {name} {venv.installed.get(name)}, the {meant} is {pinned}"
        wrong.append((what, deploy_again(placement.service, estate, evidence)))
    health = placement.service.health
    assert health is not None
    for unit in placement.placed_units:
        page = read_page(look, question_of(unit, health), None)
        reported = page.document.get("pipecat")
        if not page.document:
            wrong.append((f"{page.place} {page.problem}: it cannot say what it runs", why(unit.unit)))
        elif reported != pinned:
            wrong.append((f"{page.place} reports {name} {reported}, the {meant} is {pinned}", restart(unit.unit)))
    assert not wrong, say_each(host, wrong)


@invariant(
    per="placement",
    guards="secrets",
    services=("backend", "fleet", "dialler"),
    faults=("env-key-missing", "env-world-readable", "env-readable-by-the-web-server", "env-readable-by-a-list"),
    threats=("rights",),
)
def test_env_file_is_complete(placement: Placement, evidence: Evidence) -> None:
    """A missing or placeholder setting shows at the first call, not at the deploy; a readable one is a leaked secret; a
    newer one than the process is not what runs.
    """
    host = evidence.second.host(placement.host.name)
    wrong = [row for file in placement.env_files for row in _incomplete(placement.service, file, host)]
    if not wrong:  # processes are looked at last: a deploy at work moves them, and what is wrong with a file is never its doing
        wrong = [row for file in placement.env_files for row in _not_read_yet(placement.service, file, host)]
    assert not wrong, say_each(placement.host.name, wrong)


def _incomplete(service: Service, file: EnvFile, host: HostEvidence) -> Iterator[tuple[str, str]]:
    """What is wrong with one file of settings, and what to do about it."""
    found, path, anew = known(host.env_files[file.key]), f"{service.folder}/{file.name}", restart(*file.units)
    mend = edit_settings(service, file.name, host)
    if found.kind != "regular":
        yield f"{path} is {found.kind}, not a regular file", f"put the settings there, in a file; then {anew}"
        return
    missing = sorted(set(service.required_settings) - set(found.keys))
    if missing:
        yield f"{path} lacks {', '.join(missing)}", f"add it: {mend}; then {anew}"
    unset = sorted(set(service.required_settings) & {*found.empty, *found.placeholder})
    if unset:
        yield f"{path}: {', '.join(unset)} is empty or a placeholder", f"set it: {mend}; then {anew}"
    is_roots = found.owner == "root" and found.mode == "0640" and service.user in found.readers
    if found.owner != service.user and not is_roots:
        yield f"{path} belongs to {found.owner}", f"{given_to(service.user or 'ACCOUNT', path)}; then {anew}"
    if found.mode not in {"0600", "0640"}:
        yield f"{path} has mode {found.mode}", f"`sudo -u {service.user} chmod 0600 {path}`; then {anew}"
    readers = sorted(set(found.readers) - {service.owner, *([service.user] if is_roots else [])})
    if readers:
        shut = closed_to_others([path]) if is_roots else f"`sudo -u {service.user} chmod 0600 {path}`"
        yield f"{path} can be read by {', '.join(readers)} too", f"{shut}; then {anew}"


def _not_read_yet(service: Service, file: EnvFile, host: HostEvidence) -> Iterator[tuple[str, str]]:
    """The units that run with older settings, and what to do about it."""
    found, path = known(host.env_files[file.key]), f"{service.folder}/{file.name}"
    processes, units = {one.pid: one for one in known(host.processes)}, known(host.units)
    for name in file.units:
        process = processes.get(units[name].main_pid) if name in units else None
        if process is not None and found.changed >= process.started:
            yield (
                f"{path} is newer than the process of {name}",
                f"it runs with the old settings; once those there are right: {restart(name)}",
            )


@invariant(
    per="placement",
    guards="secrets",
    services=("backend", "fleet", "dialler"),
    faults=("env-key-unknown", "fleet-hides-behind-its-env", "dialler-hides-behind-its-env", "sudo-hides-behind-an-env"),
    threats=("settings",),
)
def test_env_file_holds_what_is_known(placement: Placement, evidence: Evidence) -> None:
    """A setting can turn a service to another model, another proxy, another tenant, and what a setting holds is cut out of all
    that the gate shows. So each of them is known: services.toml says what must be there, and what may.
    """
    service, host = placement.service, placement.host.name
    found = {one.name: known(evidence.second.host(host).env_files[one.key]) for one in placement.env_files}
    unknown = [(name, key) for name, file in found.items() for key in file.keys if not service.knows_setting(key)]
    look = evidence.second.host(host)
    out = ", ".join(edit_settings(service, name, look) for name in dict.fromkeys(name for name, _ in unknown))
    assert not unknown, say_all(
        host,
        [f"{service.folder}/{name} sets {key}, which services.toml does not know" for name, key in unknown],
        f"take it out: {out}, then {restart(*placement.units)};"
        f" or add it to optional_settings of {service.name} in hosts/services.toml",
    )


@invariant(
    per="placement",
    guards="releases",
    services=("backend", "fleet", "dialler"),
    faults=("venv-module-edited", "venv-stray-pth", "venv-byte-code-forged", "venv-replaced-with-its-records"),
    threats=("times",),
)
def test_site_packages_are_intact(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A module that was edited, or put beside the others, runs in the service, and uv calls the environment equal to its
    lock all the same. Each file has the hash that its distribution's RECORD promises, and each has a distribution; and the
    RECORDs are those with which the release was judged good, where nothing was deployed since.
    """
    host = evidence.second.host(placement.host.name)
    found = known(host.packages[placement.service.name])
    where = f"{placement.host.name}: {placement.service.folder}/.venv"
    said = [] if found.distributions else ["it holds no distribution at all"]
    if found.bad_count:
        said += [*(f"{path} {wrong}" for path, wrong in found.bad), f"{counted(found.bad_count, 'such file')} of {found.files}"]
    if (
        not said
        and _is_another(digest_of(placement, host), placement, evidence)
        and _is_locks(host.venvs[placement.service.name])
    ):
        said.append("its RECORDs are not those with which the release was judged good: every file may be another")
    assert not said, say_all(where, said, _anew(placement, estate, evidence))


def _is_another(content: str, placement: Placement, evidence: Evidence) -> bool:
    """True for what is not what was judged good. Where the gate kept nothing of that, or the remote is silent, nobody can say."""
    remote = evidence.remotes.get(placement.service.name)
    judged = remote.judged.get(placement.host.name, "") if isinstance(remote, RemoteView) else ""
    return bool(judged and content and content != judged)


def _is_locks(venv: VenvFact | Missing) -> bool:
    """True where the packages are those of the lock, as far as one can tell: others are told as such."""
    if isinstance(venv, Missing):
        return True
    foreign = (name for name, version in venv.installed.items() if version not in venv.locked.get(name, "").split(" | "))
    return venv.sync_status != 1 and not any(foreign)


@invariant(
    per="placement",
    guards="secrets",
    services=("backend", "fleet", "dialler"),
    faults=("secret-on-the-command-line", "secret-in-the-journal", "secret-in-anybodys-journal", "settings-copied-for-all"),
    threats=("rights",),
)
def test_no_secret_leaks(placement: Placement, evidence: Evidence) -> None:
    """Arguments, Environment= and the journal can be read by every account of the host, and what is in git or in dist/ by
    many more; so can a copy that others may read, where people put copies. No value of .env stands there; compared on the
    host, only the key's name comes back.
    """
    host = placement.host.name
    look = evidence.second.host(host)
    found = known(look.leaks[placement.service.name])
    secret = edit_settings(placement.service, ".env", look)
    copies = sorted({where for _, where in found.found if where.startswith("/") and "/builds/" not in where})
    shut = f"{closed_to_others(copies)}; " if copies else ""
    assert not found.found, say_all(
        host,
        [f"the value of {key} from {placement.service.folder}/.env stands in {where}" for key, where in found.found],
        f"{shut}change the secret at its issuer, and here: {secret}, then {restart(*placement.units)};"
        " and take it out where it stands",
    )
    if not found.compared:
        raise Blind(
            "no value of .env could be looked for",
            where=f"{host} {placement.service.folder}/.env",
            why="none is a secret",
            hint="which settings are secrets stands in services.toml; is their value there a real one?",
        )
    units = known(look.units)
    if (
        not found.lines
        and not found.since
        and any(units[name].active.startswith("active/") for name in placement.units if name in units)
    ):
        raise Blind(
            "the journal of its units is empty",
            where=host,
            hint=f"is it kept at all? `journalctl --disk-usage`; {why(*placement.units)}",
        )
