"""What an estate's file is refused for stands in a page, whole; and what is beside each of that is an estate."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pages import must_be_as_made
from tests.refused import LAB, PAGE, TODAY, page
from tests.unit.test_waivers import table
from voxgate.contracts.estates import FOLDER, load_estate, named_estate
from voxgate.errors import EstateError

SIP_2 = '\n[hosts.sip-2]\naddress = "198.51.100.42"\nroles = ["sip"]\n'
SEEN = 'seen_from = "fleet-1"'
VIA = 'via = "data"'

FINE: dict[str, tuple[str | None, str]] = {
    "a fleet of one worker on a host": ("workers = 3", "workers = 1"),
    "two hosts by their ports": (None, '\n[hosts.sip-2]\naddress = "198.51.100.41"\nport = 2222\nroles = ["sip"]\n'),
    "a second database on the server": (
        None, f'{SIP_2}[databases.b]\ndialler = "sip-2"\nuri = "mongodb://127.0.0.1:27017/b"\n{VIA}\n',
    ),
    "a database of that address on another host": (
        None, f'{SIP_2}[databases.b]\ndialler = "sip-2"\nuri = "mongodb://127.0.0.1:27017/vox"\nvia = "sip-2"\n',
    ),
    "databases by two settings": (None, f'{SIP_2}[databases.b]\ndialler = "sip-2"\nuri_env = "B"\n'),
    "seen as the address of a gateway": (VIA, f'{VIA}\nseen_as = ["203.0.113.9", "fd00::9"]'),
    "asked from the gate": (VIA, ""),
    "a network that is not too large": (None, '\n[clients]\n"203.0.0.0/16" = [{ name = "x" }]\n"fd00::/48" = [{ user = "x" }]\n'),
    "clients by what they are": (
        None, '\n[clients]\nall = [{ unit = "x.service" }]\n"fleet-*" = [{ account = "x", name = "agent" }]\napi = []\n',
    ),
    "an agent beside": (
        None,
        ('\n[agents]\nsip = [{ image = "vox/agent", project = "livekit-agents", '
        'mounts = ["/opt/vox-backends:/b", "/srv/:/s", "opt:/o"] }]\n'),
    ),
    "web roots beside": (SEEN, f'{SEEN}\nweb_roots = ["/opt/vox-backends", "/srv", "/op"]'),
    "a console by http": (SEEN, f'{SEEN}\nurl = "http://x.example"\nothers = ["y.example"]'),
    "a library beside a service": (None, '\n[preload]\nsip = ["/opt/vox-backends/x.so"]\n'),
    "a program beside a service": (None, '\n[programs]\nsip = ["/opt/vox-backends/x", "voxdiallers.service"]\n'),
    "a unit with a * beside the services'": (None, '\n[jobs]\nsip = ["voxdiallers*.service"]\n'),
    "a window to the end of the day": (None, '\n[promotion]\nwindows = [{ from = "23:59", until = "24:00" }]\n'),
    "a freeze of one day": (None, '\n[promotion]\nfreezes = [{ from = 2026-12-20, until = 2026-12-20, reason = "x" }]\n'),
    "as many approvals as may": (None, '\n[promotion]\napprovals = 2\napprovers = ["a"]\ninputs = ["b", "a"]\nsigners = "x"\n'),
    "inputs without signers": (None, '\n[promotion]\napprovals = 1\ninputs = ["b"]\n'),
    "a waiver of three letters that stand together": (None, table(found="*abc*")),
    "a waiver of the last day": (None, table(until="2027-02-26")),
}  # fmt: skip


def test_the_page_of_refusals_is_as_they_are_said() -> None:
    made = page()
    assert "NOT REFUSED" not in made
    assert "NOTHING OF THE FILE IS CHANGED" not in made
    must_be_as_made(PAGE, made)


@pytest.mark.parametrize("what", FINE)
def test_what_is_beside_a_mistake_is_none(tmp_path: Path, what: str) -> None:
    old, new = FINE[what]
    text = LAB.replace(old, new, 1) if old else LAB + new
    assert text != LAB
    shutil.copy(FOLDER / "services.toml", tmp_path)
    (tmp_path / "lab.toml").write_text(text, "utf-8")
    assert load_estate("lab", tmp_path, today=TODAY).name == "lab"


NAMES = {
    "stagin": ("hosts/stagin.toml: there is no such estate", "did you mean staging?"),
    "zzz": ("hosts/zzz.toml: there is no such estate", "estates are files in {folder}; there are: lab, staging"),
    "\x1b[2J": ("hosts/\\x1b[2J.toml: there is no such estate", "estates are files in {folder}; there are: lab, staging"),
    "./gone.toml": ("{here}/gone.toml: there is no such file", "--estate takes a name or a file's path"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_no_estate_s_is_told_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "hosts"
    folder.mkdir()
    for one in ("lab", "staging", "services"):
        (folder / f"{one}.toml").write_text("")
    line, hint = (text.format(folder=folder, here=tmp_path) for text in NAMES[name])
    with pytest.raises(EstateError) as caught:
        load_estate(name, folder)
    assert (caught.value.line, caught.value.hint) == (line, hint)
    with pytest.raises(EstateError) as caught:
        load_estate("lab", tmp_path)
    assert caught.value.hint == f"estates are files in {tmp_path}; there are: none"
    (folder / "lab.toml").unlink()
    (folder / "lab.toml").mkdir()
    with pytest.raises(EstateError, match=r"^lab.toml: cannot be read: Is a directory$"):
        load_estate("lab", folder)
    with pytest.raises(EstateError) as caught:
        named_estate(f"./{'x' * 300}\n")
    assert caught.value.line == f"./{'x' * 198}: is the path of a file; a run says its estate's name"


def test_a_service_that_the_team_s_own_file_does_not_have_is_said(tmp_path: Path) -> None:
    services = (FOLDER / "services.toml").read_text("utf-8")
    (tmp_path / "services.toml").write_text(services[: services.index("[console]")], "utf-8")
    for old, new, line in (
        ('name = "lab"', 'name = "lab"\nservices = ["backend", "fleet", "dialler", "console"]', "lab.toml [estate.services]"),
        ("[services.dialler]", '[services.console]\nfolder = "/srv/x"\n[services.dialler]', "lab.toml [services.console]"),
    ):
        (tmp_path / "lab.toml").write_text(LAB.replace(old, new, 1), "utf-8")
        with pytest.raises(EstateError) as caught:
            load_estate("lab", tmp_path)
        assert caught.value.line == f"{line}: services.toml does not say what the console is"
    (tmp_path / "services.toml").write_text(services[: services.index("[dialler]")], "utf-8")
    (tmp_path / "lab.toml").write_text(
        LAB.replace("[services.dialler]", '[services.console]\nfolder = "/x/y"\n[services.dialler]')
    )
    with pytest.raises(EstateError, match=r"^lab.toml \[services.console\]: services.toml does not say what the console is$"):
        load_estate("lab", tmp_path)


def test_an_estate_has_the_services_that_it_names_in_the_order_in_which_they_are_deployed(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "services.toml", tmp_path)
    (tmp_path / "lab.toml").write_text(LAB.replace('name = "lab"', 'name = "lab"\nservices = ["dialler", "fleet", "backend"]', 1))
    assert [one.name for one in load_estate("lab", tmp_path).services] == ["backend", "fleet", "dialler"]
