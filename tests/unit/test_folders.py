"""A service may live in another folder than one of /opt: said once in the estate, and everything follows."""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import struct
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import pytest

from tests.built import builder, probe
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.contracts.unit_files import UnitFiles
from voxgate.deploy.planning.plan import next_tag, read_requests
from voxgate.errors import EstateError
from voxgate.model.estate import Estate
from voxgate.model.release import Release
from voxgate.model.service import build_name
from voxgate.moves import enrolment, steps
from voxgate.survey.collect import request_of
from voxgate.survey.remedies import for_move

LAB = (FOLDER / "lab.toml").read_text("utf-8")
SERVICES = (FOLDER / "services.toml").read_text("utf-8")
MOVED = '\n[services.backend]\nfolder = "/srv/voice/backend"\n\n[services.dialler]\nfolder = "/data/voice/dialler.d"\n'
RELEASE = Release("backend", "a" * 40, "vox-backend-2026.06.24-1")
OF_DIALLER = re.compile(r"\n\[services\.dialler\]\nvalues = .*\n")  # a table may stand once
ROOMS = ["/var/lib/voice/backend", "/var/www/backend", "/mnt/disk1/backend", "/usr2/backend", "/opt/a/b"]


def loaded(folder: Path, more: str, services: str | None = None) -> Estate:
    """The lab's estate with that in it; ``services`` is a team's own services.toml."""
    folder.mkdir(exist_ok=True)
    words = OF_DIALLER.sub("", LAB) if "[services.dialler]" in more else LAB
    (folder / "lab.toml").write_text(words + more, "utf-8")
    if services is not None:
        (folder / "services.toml").write_text(services, "utf-8")
    return load_estate("lab", folder)


def refused(folder: Path, more: str, services: str | None = None) -> EstateError:
    with pytest.raises(EstateError) as caught:
        loaded(folder, more, services)
    assert "\n" not in caught.value.line
    return caught.value


@pytest.fixture
def moved(tmp_path: Path) -> Estate:
    return loaded(tmp_path / "moved", MOVED)


def files_of(estate: Estate) -> dict[str, str]:
    return {name: text.decode() for name, text in UnitFiles(Path(estate.source).parent).of_all(estate.services).items()}


def test_the_estate_says_it_once(moved: Estate) -> None:
    backend, dialler, fleet = (moved.service(name) for name in ("backend", "dialler", "fleet"))
    assert (backend.folder, dialler.folder, fleet.folder) == ("/srv/voice/backend", "/data/voice/dialler.d", "/opt/vox-agents")
    assert backend.build_unit == "voxgate-build@srv--voice--backend.service" == backend.build_file
    assert (fleet.build_unit, fleet.build_file) == ("voxgate-build@vox-agents.service", "voxgate-build@.service")
    for step in (
        steps.fetch(backend),
        steps.put_in_place(backend, RELEASE),
        steps.is_ready(backend),
        steps.has_commit(backend, RELEASE),
    ):
        assert "/srv/voice/backend" in step.argv, step.says
    asked = request_of(moved, moved.host("data")).decode()
    assert '"folders": ["/data/voice/dialler.d", "/opt/vox-agents", "/opt/vox-frontend", "/srv/voice/backend"]' in asked


def test_unit_files_name_the_folder_that_it_lives_in(moved: Estate) -> None:
    found, before = files_of(moved), files_of(load_estate("lab"))
    for unit, was, now in (
        ("voxbridge.service", "/opt/vox-backend", "/srv/voice/backend"),
        ("voxdialler.service", "/opt/vox-dialler", "/data/voice/dialler.d"),
    ):
        assert found[unit] == before[unit].replace(was, now) != before[unit]
        assert f"WorkingDirectory={now}\n" in found[unit]
    assert found["voxcore@.service"] == before["voxcore@.service"] == (FOLDER / "units/voxcore@.service").read_text()
    for service in moved.services:
        for name, wanted in service.unit_files.items():
            assert hashlib.sha256(found[name].encode()).hexdigest() == wanted
        assert hashlib.sha256(found[service.build_file].encode()).hexdigest() == service.build_sha256


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """A team's own unit files are written for the folder that their services.toml says, and its drop-ins too."""
    units = tmp_path / "units"
    (units / "voxbridge.service.d").mkdir(parents=True)
    (units / "voxbridge.service").write_text("[Service]\nExecStart=/opt/api/.venv/bin/x /opt/api-2 /opt/api.old /opt/opt/api\n")
    (units / "voxbridge.service.d" / "log.conf").write_text("[Service]\nEnvironment=LOGS=/opt/api:1\n")
    services = SERVICES.replace("/opt/vox-backend", "/opt/api")
    assert files_of(loaded(tmp_path, "", services))["voxbridge.service"] == (units / "voxbridge.service").read_text()
    found = files_of(loaded(tmp_path, MOVED, services))
    assert found["voxbridge.service"] == (
        "[Service]\nExecStart=/srv/voice/backend/.venv/bin/x /opt/api-2 /opt/api.old /opt/opt/api\n"
    )
    assert found["voxbridge.service.d/log.conf"] == "[Service]\nEnvironment=LOGS=/srv/voice/backend:1\n"


def test_a_team_s_services_toml_moves_the_unit_files_that_come_with_voxgate(tmp_path: Path) -> None:
    found = files_of(loaded(tmp_path, "", SERVICES.replace("/opt/vox-dialler", "/srv/dialler")))
    assert "WorkingDirectory=/srv/dialler\n" in found["voxdialler.service"]


def test_a_build_sees_its_own_folder_and_nothing_else_of_its_volume(moved: Estate) -> None:
    found, usual = files_of(moved), (FOLDER / "units/voxgate-build@.service").read_text()
    assert found["voxgate-build@.service"] == usual
    backend = found["voxgate-build@srv--voice--backend.service"]
    assert backend == usual.replace("/opt/%i", "/srv/voice/backend")
    assert "BindPaths=/var/lib/voxbuild/%i /var/lib/voxbuild/%i/tree:/srv/voice/backend\n" in backend
    dialler = found["voxgate-build@data--voice--dialler.d.service"]
    assert dialler == usual.replace("/opt/%i", "/data/voice/dialler.d").replace(
        "\nBindPaths=", "\nTemporaryFileSystem=/data:ro\nBindPaths=", 1
    )


def test_all_call_a_folder_by_the_same_name() -> None:
    for folder in ("/opt/vox-backend", "/srv/voice/backend", "/opt/voice/backend", "/data/a.b/c_d-e"):
        name = build_name(folder)
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
        assert (builder.name_of(folder), probe.name_of(folder)) == (name, name)
        assert (builder.folder_of(name), probe.folder_called(name)) == (folder, folder)
        assert builder.asked_for(["python", name, "a" * 40]) == ("python", folder, "a" * 40)
        assert folder not in f"voxgate-build install python {name}", (
            "a process with that path would look as if it ran what is there"
        )


def test_enrol_makes_the_folder_and_names_it_to_the_probe(moved: Estate) -> None:
    files = UnitFiles(Path(moved.source).parent).of_all(moved.services)
    api = enrolment.script(moved, moved.host("api-1"), files)
    for line in (
        "own deploy /srv/voice/backend",
        "install -d -o deploy -g deploy /var/lib/voxbuild/srv--voice--backend/in",
        "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart voxgate-build@srv--voice--backend.service",
        "git@198.51.100.10:oriserve1/vox-backend.git /srv/voice/backend",
        "# a person's: (cd /srv/voice/backend && [ ",
    ):
        assert line in api
    assert "put 644 /etc/systemd/system/voxgate-build@srv--voice--backend.service " in api
    assert "put 644 /etc/systemd/system/voxgate-build@.service " in api, "the console's, which lives in /opt"
    assert "/opt/vox-backend" not in api
    for host in moved.hosts:
        assert "put 644 /etc/voxgate/folders " in enrolment.script(moved, host, files), "who runs its code is asked everywhere"
        assert "/etc/voxgate/folders" in enrolment.update(moved, host, files)[0]
        subprocess.run(["bash", "-n"], input=enrolment.script(moved, host, files).encode(), check=True, timeout=20)
    at_home = load_estate("lab")
    usual = enrolment.script(at_home, at_home.host("api-1"), UnitFiles(FOLDER).of_all(at_home.services))
    assert "/etc/voxgate/folders" not in usual


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_no_folder_is_made_where_a_link_of_others_leads() -> None:
    """Below a folder of the account's that deploys, root made a folder of that account's wherever its link led: in /etc, say."""
    with tempfile.TemporaryDirectory(prefix="voxgate", dir="/var/lib") as place:
        top = Path(place)
        for name in ("roots", "his"):
            (top / name).mkdir()
        top.chmod(0o755)
        os.chown(top / "his", pwd.getpwnam("games").pw_uid, 0)
        (top / "his/voice").symlink_to("../roots")
        (top / "linked").symlink_to("roots")

        def made(folder: str) -> int:
            script = f"{enrolment.HEAD}\nown games {folder}"
            return subprocess.run(["/bin/bash", "-c", script], check=False, capture_output=True, timeout=20).returncode

        assert made(f"{top}/his/voice/backend") != 0
        assert [*(top / "roots").iterdir()] == []
        for folder in (f"{top}/his/own/backend", f"{top}/new/deep/backend", f"{top}/linked/backend"):
            assert (made(folder), made(folder), Path(folder).owner()) == (0, 0, "games")
        assert ((top / "new").owner(), (top / "roots/backend").owner()) == ("root", "games")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_nor_where_a_list_lets_others_put_a_link() -> None:
    with tempfile.TemporaryDirectory(prefix="voxgate", dir="/var/lib") as place:
        top = Path(place)
        top.chmod(0o755)
        for name in ("roots", "shared"):
            (top / name).mkdir()
            (top / name).chmod(0o755)
        rows = [(1, 7, -1), (2, 7, pwd.getpwnam("games").pw_uid), (4, 5, -1), (16, 7, -1), (32, 5, -1)]
        entries = b"".join(struct.pack("<HHi", *row) for row in rows)
        os.setxattr(top / "shared", "system.posix_acl_access", struct.pack("<I", 2) + entries)
        (top / "shared/voice").symlink_to("../roots")
        script = f"{enrolment.HEAD}\nown games {top}/shared/voice/backend\nown games {top}/shared/own/backend"
        assert subprocess.run(["/bin/bash", "-c", script], check=False, capture_output=True, timeout=20).returncode != 0
        assert [*(top / "roots").iterdir()] == []
        script = f"{enrolment.HEAD}\nown games {top}/shared/own/backend"
        subprocess.run(["/bin/bash", "-c", script], check=True, timeout=20)
        assert (top / "shared/own/backend").owner() == "games"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_who_makes_a_folder_has_neither_roots_script_nor_its_terminal() -> None:
    """An account can look into what runs as it (ptrace): it would read what root's shell has still to read, or type there."""
    with tempfile.TemporaryDirectory(prefix="voxgate", dir="/var/lib") as place:
        top = Path(place)
        top.chmod(0o755)
        (top / "his").mkdir()
        os.chown(top / "his", pwd.getpwnam("games").pw_uid, 0)
        (top / "bin").mkdir()
        taken = '{ cat; cut -d" " -f6 /proc/self/stat; printf "\\033c"; } >&2'
        (top / "bin/mkdir").write_text(f'#!/bin/sh\n[ "$(id -u)" = 0 ] || {taken}\nexec /bin/mkdir "$@"\n')
        (top / "bin/mkdir").chmod(0o755)
        script = f"{enrolment.HEAD}\nown games {top}/his/voice/backend\necho whole\n"
        env = {"PATH": f"{top}/bin:{os.environ['PATH']}"}
        ended = subprocess.run(["/bin/bash"], input=script.encode(), env=env, check=True, capture_output=True, timeout=20)
        assert ended.stdout == b"whole\n"
        assert ended.stderr.split()[0] != str(os.getsid(0)).encode()
        assert b"\033" not in ended.stderr
        assert (top / "his/voice/backend").owner() == "games"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_no_settings_are_put_where_a_link_on_the_way_leads(moved: Estate) -> None:
    api = enrolment.script(moved, moved.host("api-1"), UnitFiles(Path(moved.source).parent).of_all(moved.services))
    typed = next(line for line in api.splitlines() if line.startswith("# a person's: (cd /srv/voice/backend "))
    with tempfile.TemporaryDirectory(prefix="voxgate", dir="/var/lib") as place:
        folder, other = Path(place) / "his/backend", Path(place) / "roots/backend"
        here = typed.partition(": ")[2].replace("/srv/voice/backend", str(folder)).replace("-gn vox)", "-gn games)")
        for path in (folder, other):
            path.mkdir(parents=True)
        subprocess.run(["sh", "-c", here], input=b"A=1\n", check=True, timeout=20)
        assert ((folder / ".env").owner(), (folder / ".env").group()) == ("root", "games")
        folder.parent.rename(f"{place}/mine")
        folder.parent.symlink_to("roots")
        assert subprocess.run(["sh", "-c", here], input=b"A=1\n", check=False, timeout=20).returncode != 0
        assert [*other.iterdir()] == []


def test_a_hint_names_the_place_of_its_builds(moved: Estate) -> None:
    said = "PermissionError: [Errno 13] Permission denied: '/var/lib/voxbuild/srv--voice--backend/in/tree'"
    hint = for_move(said, moved.host("api-1"), moved.service("backend").folder)
    assert hint.startswith("`sudo find /var/lib/voxbuild/srv--voice--backend/in ")


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/home/deploy/backend", "what is theirs"),
        ("/root/backend", "what is theirs"),
        ("/tmp/backend", "gone one day"),  # noqa: S108 - refused
        ("/var/tmp/backend", "gone one day"),  # noqa: S108 - refused
        ("/run/backend", "gone one day"),
        ("/etc/backend", "the system's"),
        ("/usr/local/backend", "the system's"),
        ("/usr", "the system's"),
        ("/boot/x/y", "the system's"),
        ("/var/log/backend", "only /var/lib"),
        ("/var/lib/voxgate/backend", "the gate's own"),
        ("/var/lib/docker/backend", "an engine's"),
        ("/backend", "a top folder"),
        ("/opt", "a top folder"),
        ("/opt/vox-agents/backend", "the fleet lives in /opt/vox-agents"),
        ("/opt/vox-agents", "the fleet lives in /opt/vox-agents"),
        ("/", "does not match"),
        ("/srv/../etc/x", "does not match"),
        ("/srv/voice/", "does not match"),
        ("/srv/voice--backend/x", "does not match"),
        ("/srv/voice-/x", "does not match"),
        ("/srv/a b/c", "does not match"),
        ("/srv/$(id)/c", "does not match"),
        ("srv/voice", "does not match"),
    ],
)
def test_where_no_service_can_live(tmp_path: Path, folder: str, why: str) -> None:
    wrong = refused(tmp_path, f'\n[services.backend]\nfolder = "{folder}"\n')
    assert why in wrong.line
    assert "lab.toml [services." in wrong.line
    if "match" not in why:
        assert "/srv/voice/vox-" in wrong.hint
    in_services = refused(tmp_path / "own", "", SERVICES.replace('"/opt/vox-backend"', f'"{folder}"'))
    assert why.replace("the fleet lives in /opt/vox-agents", "the backend lives in") in in_services.line
    assert "services.toml [" in in_services.line


@pytest.mark.parametrize("folder", ROOMS)
def test_where_one_can(tmp_path: Path, folder: str) -> None:
    assert loaded(tmp_path, f'\n[services.backend]\nfolder = "{folder}"\n').service("backend").folder == folder


def test_two_services_live_apart(tmp_path: Path) -> None:
    wrong = refused(tmp_path, MOVED.replace("/data/voice/dialler.d", "/srv/voice"))
    assert "the dialler cannot live in /srv/voice: the backend lives in /srv/voice/backend" in wrong.line
    assert loaded(tmp_path, MOVED.replace("/data/voice/dialler.d", "/srv/voice/backend2"))


def test_a_mistake_in_the_word_is_one_line(tmp_path: Path) -> None:
    wrong = refused(tmp_path, '\n[services.backend]\nfoldr = "/srv/voice/backend"\n')
    assert "lab.toml [services.backend]: unknown key 'foldr'" in wrong.line
    assert wrong.hint == "did you mean 'folder'?"
    assert "unknown key 'backnd'" in refused(tmp_path, '\n[services.backnd]\nfolder = "/srv/voice/backend"\n').line
    fewer = re.sub(r"^\[console\].*", "", SERVICES, flags=re.MULTILINE | re.DOTALL)
    wrong = refused(tmp_path / "fewer", '\n[services.console]\nfolder = "/srv/voice/console"\n', fewer)
    assert "services.toml does not say what the console is" in wrong.line


def test_a_repository_of_another_name_is_said_in_the_same_place(tmp_path: Path) -> None:
    """Its tags, its remote and what its pages say follow."""
    estate = loaded(tmp_path, '\n[services.backend]\nrepository = "acme-voice-api"\nfolder = "/srv/voice/api"\n')
    backend = estate.service("backend")
    assert estate.repository_url(backend) == "git@198.51.100.10:oriserve1/acme-voice-api.git"
    tags = {"acme-voice-api-2026.06.24-1": "a" * 40, "vox-backend-2026.06.25-1": "a" * 40}
    assert str(next_tag(backend, tags, date(2026, 6, 24))) == "acme-voice-api-2026.06.24-2"
    (request,) = read_requests(("backend=acme-voice-api-2026.06.24-1",), (), estate)
    assert request.service == "backend"


def test_a_copy_of_the_estate_beside_nothing_is_the_same(tmp_path: Path) -> None:
    """An estate alone has the services and unit files that come with voxgate."""
    alone = loaded(tmp_path / "alone", MOVED)
    loaded(tmp_path / "whole", MOVED)
    shutil.copytree(FOLDER / "units", tmp_path / "whole" / "units")
    shutil.copy(FOLDER / "services.toml", tmp_path / "whole")
    again = load_estate("lab", tmp_path / "whole")
    assert [row.unit_files for row in alone.services] == [row.unit_files for row in again.services]
