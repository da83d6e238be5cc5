"""What rules have typed: nothing that would take a host's own services down, and where it is typed."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import said_at_a_terminal
from voxgate.model.advice import commands_in
from voxgate.model.evidence import SocketFact, known
from voxgate.model.release import Release
from voxgate.model.surroundings import CopiesFact, CopyFact
from voxgate.survey.questions import question_of
from voxgate.survey.sites import proxied

from .conftest import Case
from .test_access import said
from .test_judging import API, FLEET, starter

BOOT = f"boot-starts-only-what-is-known[{FLEET}]"


def typed(case: Case, rule: str) -> list[str]:
    found, advice = said(case, rule)
    assert found
    return [one.text for one in commands_in(advice)]


def test_a_unit_of_a_package_is_never_disabled_for_a_file_beside_it(green: Case) -> None:
    """A drop-in for all services made sshd, dbus and docker foreign: once the hint was to disable them."""
    drop_in = "/usr/lib/systemd/system/service.d/z.conf"
    case = starter(starter(green, FLEET, "ssh.service", foreign=(drop_in,)), FLEET, "dbus.service", foreign=(drop_in,))
    assert typed(case, BOOT) == [f"rm {drop_in}; systemctl daemon-reload"]
    own = starter(case, FLEET, "stats.service", foreign=("/etc/systemd/system/stats.service",))
    alone = "systemctl disable --now stats.service; rm /etc/systemd/system/stats.service; systemctl daemon-reload"
    assert typed(own, BOOT)[0] == alone


def test_no_file_is_removed_that_is_not_in_a_folder_of_systemds(green: Case) -> None:
    """Elsewhere a folder on the way may be somebody's link."""
    assert typed(starter(green, FLEET, "x.service", foreign=("/home/anna/x.conf",)), BOOT) == []


@pytest.mark.parametrize(("unit", "wanted"), [("ssh.service", []), ("stats.service", ["systemctl disable --now stats.service"])])
def test_what_the_estate_names_is_not_stopped_for_one_port_more(green: Case, unit: str, wanted: list[str]) -> None:
    """Sshd on a second port is no reason to disable it, which would lock out who mends."""
    one = next(one for one in known(green.of(API).processes) if one.unit == "ssh.service")
    processes = (*known(green.of(API).processes), replace(one, pid=4242, unit=unit))
    listeners = (*known(green.of(API).listeners), SocketFact("0.0.0.0", 2222, None, None, (4242,)))  # noqa: S104
    assert typed(green.host(API, processes=processes, listeners=listeners), f"only-expected-listeners[{API}]") == wanted


def test_a_deploy_again_names_the_release_that_must_be_there(green: Case) -> None:
    """Without its tag the newest one would be deployed, at night, by whoever is awake."""
    release = green.evidence.remote("backend").release
    assert isinstance(release, Release)
    case = green.of_service(API, "checkouts", "backend", head="0" * 40)
    assert typed(case, f"head-is-the-release[backend-{API}]") == [f"make gate ESTATE=lab SERVICE=backend TAG={release.tag}"]


def test_a_mode_is_changed_by_whom_the_file_belongs_to(green: Case) -> None:
    """The folder is the deploy account's, who may have put a link there until root types it."""
    case = green.of_service(FLEET, "env_files", "fleet", mode="0644")
    assert typed(case, f"env-file-is-complete[fleet-{FLEET}]")[0] == "sudo -u vox chmod 0600 /opt/vox-agents/.env"


def test_what_root_runs_is_closed_from_above_and_by_no_link(green: Case, tmp_path: Path) -> None:
    """Who owns a folder may put a link into it until it is root's."""
    other, tools = tmp_path / "other", tmp_path / "tools"
    tools.mkdir(mode=0o777)
    for path in (other, tools / "run"):
        path.touch()
        path.chmod(0o666)
    (command,) = typed(green.fact(API, "sudo", loose=(str(tools / "run"), str(tools))), f"sudo-is-minimal[{API}]")
    assert command.startswith(f"find {tools} {tools}/run -prune ! -type l ")
    here = command.replace("chown -h root:root", "true")
    (tools / "run").unlink()
    (tools / "run").symlink_to(other)
    subprocess.run(["sh", "-euc", here], check=True)
    assert (other.stat().st_mode & 0o777, tools.stat().st_mode & 0o022) == (0o666, 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_others_could_change_is_given_to_deploy_by_no_link(green: Case) -> None:
    """Who could change it, and the account itself, may put a link on the way until root types it: so that account would have been
    given /etc/shadow. What is still there is closed.
    """
    rows = [
        ["sub/shadow", "can be changed by everybody"],
        [".", "can be changed by eve"],
        ["led", "belongs to 1001"],
        ["a [b]", "x"],
        ["moved", "belongs to games"],
    ]
    case = green.of_service(API, "checkouts", "backend", loose=tuple(map(tuple, rows)))
    folder = case.estate.service("backend").folder
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as place:
        top, other = Path(place) / "top", Path(place) / "other"
        for path in (Path(place), top, other):
            path.mkdir(exist_ok=True)
            path.chmod(0o775)
        for path in (other / "shadow", top / "a [b]"):
            path.touch()
            path.chmod(0o666)
        (top / "moved").touch(mode=0o600)  # a service's settings, which the account that deploys has moved there
        (top / "sub").symlink_to(other)
        (top / "led").symlink_to(other / "shadow")
        for command in typed(case, f"only-deploys-change-code[backend-{API}]")[:2]:
            here = command.replace(folder, str(top)).replace("deploy", "games")
            subprocess.run(["sh", "-uc", here], check=False)
        found = {path.name: (path.owner(), stat.S_IMODE(path.stat().st_mode)) for path in (top, top / "a [b]", other / "shadow")}
        assert (top / "moved").owner() == "root"
    assert found == {"top": ("games", 0o755), "a [b]": ("games", 0o644), "shadow": ("root", 0o666)}


@pytest.mark.parametrize("of", [{"origin": "git@elsewhere:x"}, {"settings": ("core.pager", "a b")}])
def test_no_pager_of_deploy_s_comes_to_root_s_terminal(green: Case, tmp_path: Path, of: dict[str, Any]) -> None:
    """Git starts what its settings say where it writes to a terminal, and that could type a command there."""
    case = green.of_service(API, "checkouts", "backend", **of)
    command = next(one for one in typed(case, f"remote-is-bitbucket[backend-{API}]") if "--show-origin" in one)
    (tmp_path / "pager").write_text("#!/bin/sh\necho paged\n")
    (tmp_path / "pager").chmod(0o755)
    for words in (["init", "-q"], ["config", "core.pager", str(tmp_path / "pager")], ["config", "url.\033[2J.insteadOf", "x"]):
        subprocess.run(["git", "-C", tmp_path, *words], check=True)
    here = command.replace("sudo -u deploy ", "").replace(case.estate.service("backend").folder, str(tmp_path))
    said_there = said_at_a_terminal(["/bin/sh", "-c", here], os.environ)
    assert "paged" not in said_there
    assert "url.^[[2j.insteadof" in said_there.lower()


@pytest.mark.parametrize("where", ["kept/passwd", "away/passwd", "kept/led"])
def test_a_copy_of_settings_is_closed_by_no_link(green: Case, tmp_path: Path, where: str) -> None:
    """Whose folder it lies in may put a link there until root types it: where root closed /etc/passwd, nobody could log in."""
    for name in ("kept", "roots"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "passwd").touch()
        (tmp_path / name / "passwd").chmod(0o755)
    (tmp_path / "away").symlink_to("roots")
    (tmp_path / "kept/led").symlink_to("../roots/passwd")
    leaks = replace(known(green.of(API).leaks["backend"]), found=(("JWT_SECRET", str(tmp_path / where)),))
    command = typed(green.host(API, leaks={"backend": leaks}), f"no-secret-leaks[backend-{API}]")[0]
    subprocess.run(["sh", "-euc", command], check=True)
    modes = [stat.S_IMODE((tmp_path / name / "passwd").stat().st_mode) for name in ("kept", "roots")]
    assert modes == [0o700 if where == "kept/passwd" else 0o755, 0o755]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("name", ["voice", "linked"])
def test_settings_are_given_to_a_service_by_no_link_on_the_way(green: Case, name: str) -> None:
    """A service may live below a folder of the account that deploys, which puts a link to another's settings there."""
    case = green.of_service(FLEET, "env_files", "fleet", owner="root")
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as place:
        for one in ("voice", "others"):
            (Path(place) / one).mkdir()
            (Path(place) / one / ".env").touch()
        (Path(place) / "linked").symlink_to("others")
        services = [
            replace(one, folder=f"{place}/{name}", user="games") if one.name == "fleet" else one for one in case.estate.services
        ]
        elsewhere = replace(case, estate=replace(case.estate, services=tuple(services)))
        subprocess.run(["sh", "-euc", typed(elsewhere, f"env-file-is-complete[fleet-{FLEET}]")[0]], check=True)
        found = [(Path(place) / one / ".env").owner() for one in ("voice", "others")]
    assert found == ["games" if name == "voice" else "root", "root"]
    assert typed(case, f"env-file-is-complete[fleet-{FLEET}]")[0] == "chown -h vox /opt/vox-agents/.env"


def test_the_first_deploy_is_of_all_services(green: Case) -> None:
    """One alone finds the others missing, and has nothing to go back to: it ended with 13."""
    view = green.evidence.remote("backend")
    remotes = {**green.evidence.remotes, "backend": replace(view, release=None)}
    case = replace(green, evidence=replace(green.evidence, remotes=remotes))
    assert typed(case, f"head-is-the-release[backend-{API}]") == ["make gate ESTATE=lab"]


def test_main_that_was_written_anew_is_called_so(green: Case) -> None:
    view = green.evidence.remote("backend")
    remotes = {**green.evidence.remotes, "backend": replace(view, on_main=frozenset())}
    found, advice = said(replace(green, evidence=replace(green.evidence, remotes=remotes)), f"release-is-on-main[backend-{API}]")
    assert "is not an ancestor of main" in found
    assert "main was written anew" in advice
    assert "merge" not in advice


def test_a_missing_uv_is_installed(green: Case) -> None:
    case = green.of_service(API, "venvs", "backend", sync_status=127, sync_said="uv is not installed")
    fetched, command = commands_in(said(case, f"venv-is-the-lock[backend-{API}]")[1])
    assert fetched.text == "sudo apt-get install -y curl"  # a plain Debian has none
    assert command.text.startswith("curl -LsSf https://astral.sh/uv/install.sh | sudo env UV_INSTALL_DIR=/usr/local/bin")


def test_a_slow_page_has_whoever_may_be_slow_looked_at(green: Case) -> None:
    """No page names a slow store, and no host need have a program to ask it by."""
    unit = next(one for one in green.estate.placed_units if one.service.name == "backend")
    assert unit.service.health is not None
    case = green.answer(question_of(unit, unit.service.health), seconds=3.0)
    found, advice = said(case, f"backend-health-is-clean[{API}-voxbridge]")
    assert "took 3.0 s" in found
    assert [(one.text, one.host) for one in commands_in(advice)] == [("uptime", ""), ("uptime", "data")]


def test_a_backend_that_is_wrong_on_both_ways_is_no_matter_of_how_people_ask(green: Case) -> None:
    unit = next(one for one in green.estate.placed_units if one.service.name == "backend")
    through = proxied(green.estate, unit.placement)
    assert unit.service.health is not None
    assert through is not None
    bad = green.answer(through, status=503, body=b"{}")
    assert "url in [console]" in said(bad, f"backend-health-is-clean[{API}-voxbridge]")[1]
    both = bad.answer(question_of(unit, unit.service.health), status=503, body=b"{}")
    assert "url in [console]" not in said(both, f"backend-health-is-clean[{API}-voxbridge]")[1]


@pytest.mark.parametrize(
    ("keepers", "typed"),
    [
        ((), ["apt-get install -y systemd-timesyncd", "systemctl enable --now systemd-timesyncd"]),
        (("chronyd",), ["chronyc tracking"]),
        (("systemd-timesyn",), ["timedatectl timesync-status"]),
        (("ptp4l",), ["timedatectl"]),
    ],
)
def test_a_clock_is_asked_by_what_keeps_it(green: Case, keepers: tuple[str, ...], typed: list[str]) -> None:
    """Debian has none of them to begin with, and timedatectl knows of no status of another's."""
    case = green.fact(API, "clock", container=False, synchronised=False, keepers=keepers)
    assert [one.text for one in commands_in(said(case, f"clock-is-right[{API}]")[1])] == typed


@pytest.mark.parametrize("link", [False, True])
def test_what_root_left_among_the_code_goes_and_by_no_link(green: Case, tmp_path: Path, link: bool) -> None:  # noqa: FBT001
    """Byte code of root's lies in folders of root's: who deploys removes none of it. Nor does root follow a link of theirs."""
    code, other = tmp_path / "opt" / "vox-agents" / "x*", tmp_path / "other"
    for folder in (code, other):
        folder.mkdir(parents=True)
        (folder / "a.pyc").touch()
    tree = {**known(green.of(FLEET).checkouts["fleet"]).tree, "x*/a.pyc": ("100644", "0")}
    rule = f"no-foreign-files[fleet-{FLEET}]"
    gone, anew = typed(green.of_service(FLEET, "checkouts", "fleet", tree=tree), rule)
    assert anew == "systemctl restart voxcore@1.service voxcore@2.service voxcore@3.service"  # it was imported
    if link:
        (code / "a.pyc").unlink()
        code.rmdir()
        code.symlink_to(other)
    subprocess.run(["sh", "-euc", gone.replace("/opt/", f"{tmp_path}/opt/")], check=True)
    assert (code / "a.pyc").exists() is link
    assert (other / "a.pyc").exists()


def test_an_environment_goes_whole_once(green: Case) -> None:
    """Two findings of one environment had it removed and deployed twice; what uv says is told by package."""
    words = "Would use project environment at: .venv\nWould uninstall 1 package\n - extra==1.0\nerror: run `uv sync`"
    case = green.of_service(FLEET, "venvs", "fleet", sync_status=1, sync_said=words, installed={"extra": "1.0"})
    found, advice = said(case, f"venv-is-the-lock[fleet-{FLEET}]")
    assert "is not what uv.lock says: uv would change - extra==1.0;" in found
    gone, again = (one.text for one in commands_in(advice))
    assert gone == "rm -rf --one-file-system /opt/vox-agents/.venv"
    assert again.startswith("make gate ESTATE=lab SERVICE=fleet")


def test_a_copy_that_is_two_kinds_of_copy_is_removed_once(green: Case) -> None:
    found = tuple(CopyFact("/home/anna/x", kind, ("vox-frontend",), ()) for kind in ("checkout", "project"))
    case = green.host(API, copies=CopiesFact(2, found))
    assert typed(case, f"one-copy-only[{API}]") == ["sudo -u anna rm -rf -- /home/anna/x"]


MOUNTS = "unshare --mount --propagation private sh -euc"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("in_a_copy", [True, False])
def test_nothing_else_is_unmounted_by_what_an_account_put_on_the_way(green: Case, in_a_copy: bool) -> None:  # noqa: FBT001
    """Its folder could lead to /var by then: so root would have taken away a disk of the host's."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as place:
        mine, disk = f"{place}/a/mine/var", f"{place}/host/var"
        for path in (mine, disk):
            Path(path).mkdir(parents=True)
        if in_a_copy:
            copies = CopiesFact(1, (CopyFact(mine, "unreadable", (), ()),))
            (command,) = typed(green.host(API, copies=copies), f"one-copy-only[{API}]")
        else:
            backend = known(green.of(API).checkouts["backend"])
            case = green.of_service(API, "checkouts", "backend", tree={**backend.tree, "mine/var": ("special", "mounted")})
            services = tuple(replace(one, folder=f"{place}/a") if one.name == "backend" else one for one in case.estate.services)
            case = replace(case, estate=replace(case.estate, services=services))
            (command,) = typed(case, f"no-foreign-files[backend-{API}]")
        both = f"mount -t tmpfs none {mine}; mount -t tmpfs none {disk}"
        swapped = f"mv {place}/a/mine {place}/a/gone; ln -s {place}/host {place}/a/mine"
        for setup, left in ((both, [disk]), (f"{both}; {swapped}", [disk, f"{place}/a/gone/var"])):
            shell = f"{setup}; ({command}) || true; grep -o ' {place}[^ ]*' /proc/self/mountinfo"
            ended = subprocess.run([*MOUNTS.split(), shell], check=True, capture_output=True, text=True, timeout=60)
            assert sorted(ended.stdout.split()) == sorted(left)
