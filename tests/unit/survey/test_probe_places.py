"""Which folders the probe is told something of: those of /opt, and those that root has named on the host."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.built import probe

from .conftest import asked_of, service

ELSEWHERE = "/srv/voice/backend"


def request(folder: str = "/opt/vox-backend", **more: object) -> bytes:
    return json.dumps({"format": 1, "services": [{**asked_of(service(Path("/x"))), "folder": folder}], **more}).encode()


@pytest.fixture
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file in which root names folders, as only root can change it."""
    assert os.geteuid() == 0, "the probe runs as root"
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        path = Path(folder) / "folders"
        monkeypatch.setattr(probe, "NAMED_BY_ROOT", str(path))
        yield path


def test_a_folder_elsewhere_is_roots_to_name(named: Path) -> None:
    with pytest.raises(probe.Trouble, match=f"refused: {ELSEWHERE} is not in .*/folders, where root names"):
        probe.services_of(request(ELSEWHERE))
    named.write_text(f"# where services live\n{ELSEWHERE}\n")
    assert [row.folder for row in probe.services_of(request(ELSEWHERE))] == [ELSEWHERE]
    for other in ("/srv/voice", "/srv/voice/backend2", f"{ELSEWHERE}/venv", "/srv/voice/backen"):
        with pytest.raises(probe.Trouble, match="is not in"):
            probe.services_of(request(other))


def test_nor_is_it_told_who_runs_the_code_of_another(named: Path) -> None:
    """Nobody asks for what another account keeps, and whether something is there that he may not see."""
    named.write_text(f"{ELSEWHERE}\n")
    assert probe.watched(request(folders=[ELSEWHERE])) == {"/opt/vox-backend", ELSEWHERE}
    assert probe.services_of(request(folders=[ELSEWHERE, "/opt/vox-agents"]))
    with pytest.raises(probe.Trouble, match="/srv/personnel/files is not in"):
        probe.services_of(request(folders=["/srv/personnel/files"]))


@pytest.mark.parametrize(
    "folder", ["/srv/../etc/x", "/srv/a--b/c", "/srv//x", "/srv/x/", "/srv", "/", "/srv/.x/y", "/srv/x\n/y", "/srv/" + "x" * 200]
)
def test_what_is_of_another_form_is_refused_whatever_root_has_named(named: Path, folder: str) -> None:
    named.write_text(f"{folder}\n")
    with pytest.raises(probe.Trouble, match="folder has another form"):
        probe.services_of(request(folder))


def test_what_others_could_have_named_is_not_believed(named: Path) -> None:
    named.write_text(f"{ELSEWHERE}\n")
    named.chmod(0o666)
    with pytest.raises(probe.Trouble, match="others than root can change"):
        probe.services_of(request(ELSEWHERE))
    theirs = named.with_name("theirs")
    named.rename(theirs)
    theirs.chmod(0o644)
    os.chown(theirs, 65534, 65534)
    named.symlink_to(theirs)
    with pytest.raises(probe.Trouble, match="others than root can change"):
        probe.services_of(request(ELSEWHERE))


def test_without_root_the_probe_knows_no_more_than_who_asks(named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not named.exists()
    monkeypatch.setattr(probe.os, "geteuid", lambda: 1000)
    assert [row.folder for row in probe.services_of(request(ELSEWHERE))] == [ELSEWHERE]


def test_what_is_kept_of_a_folder_is_kept_under_its_whole_path(named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two folders of one name are two, and what is of none that is there is not kept."""
    cache = named.parent / "cache"
    monkeypatch.setattr(probe, "CACHE", str(cache))
    monkeypatch.setattr(probe, "OPT", str(named.parent / "opt"))
    folders = [named.parent / one for one in ("opt/app", "a/app", "b/app")]
    for folder in folders:
        folder.mkdir(parents=True)
        kept = probe.HashCache("tree", service(folder))
        kept.seen = {"x": [str(folder)]}
        kept.keep()
    top = str(named.parent).strip("/").replace("/", "--")
    names = {"tree.app.json", f"tree.{top}--a--app.json", f"tree.{top}--b--app.json"}
    assert {path.name for path in cache.iterdir()} == names
    folders[2].rmdir()
    probe.prune()
    assert {path.name for path in cache.iterdir()} == names - {f"tree.{top}--b--app.json"}


def test_the_disk_on_which_a_service_lives_is_ours(named: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing has a file open there: nginx serves the console's only now and then."""
    place = str(named.parent)
    monkeypatch.setattr(probe, "places_to_write", lambda: [place])
    monkeypatch.setattr(probe, "is_ours", lambda _path: False)
    assert [row["ours"] for row in probe.room(found=None)["disks"]] != [True]
    assert [row["ours"] for row in probe.room(found=None, folders=[f"{place}/none", place])["disks"]] == [True]
