"""A service elsewhere than in /opt, on another volume, behind a link: said once, deployed, judged, gone back with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import hosts
from tests.lab.conftest import ROOT, Gate, known_good, on_host
from voxgate.contracts.estates import load_estate
from voxgate.contracts.unit_files import UnitFiles
from voxgate.model.estate import Estate
from voxgate.moves import enrolment

FOLDER, VOLUME = "/srv/voice/backend", "/mnt/disk1"
BUILDS = "/var/lib/voxbuild"
DISK = f"mkdir {VOLUME}; mount -t tmpfs -o mode=755 disk1 {VOLUME}; mkdir {VOLUME}/voice; ln -s {VOLUME}/voice /srv/"
# What a person does who moves it: its settings come along, the old folder and the place of its builds go. The lab has no network,
# so what a build would fetch comes along too. What the gate wrote down of the old folder comes back with it.
AWAY = f"""
install -m 0600 -o vox -g vox /opt/vox-backend/.env {FOLDER}/.env
cp -al {BUILDS}/vox-backend/cache {BUILDS}/srv--voice--backend/cache
tar -C / -cf /var/tmp/backend.tar opt/vox-backend var/lib/voxgate/backend
rm -r /opt/vox-backend {BUILDS}/vox-backend/in/tree {BUILDS}/vox-backend/tree
"""
HOME = f"""
umount --lazy {VOLUME}
rm -r /srv/voice {VOLUME} {BUILDS}/srv--voice--backend /etc/systemd/system/voxgate-build@srv--voice--backend.service
rm -r /var/lib/voxgate/backend
tar -C / -xf /var/tmp/backend.tar
rm /var/tmp/backend.tar
systemctl restart voxbridge.service
"""


def enrolled(estate: Estate) -> None:
    """Each host made ready for that estate, as ``voxgate enrol`` has it."""
    files = UnitFiles(Path(estate.source).parent).of_all(estate.services)
    for host in estate.hosts:
        made = hosts.execute(host.name, ["bash"], enrolment.script(estate, host, files), deadline=60)
        assert made.returncode == 0, made.stderr


@pytest.fixture
def elsewhere(tmp_path: Path, deployed: object) -> Iterator[Path]:
    """The lab's estate with that folder in it, and the backend moved there as a person moves it: nothing is deployed yet."""
    assert deployed
    path = tmp_path / "lab.toml"
    path.write_text((ROOT / "hosts/lab.toml").read_text("utf-8") + f'\n[services.backend]\nfolder = "{FOLDER}"\n', "utf-8")
    hosts.must("api-1", ["bash", "-euc", DISK])
    enrolled(load_estate(str(path)))
    hosts.must("api-1", ["bash", "-euc", AWAY])
    yield path
    for host in load_estate("lab").hosts:
        hosts.must(host.name, ["rm", "/etc/voxgate/folders"])
    enrolled(load_estate("lab"))
    hosts.must("api-1", ["bash", "-euc", HOME])


def runs() -> str:
    """Where the backend's process stands, by the kernel's word."""
    return on_host("api-1", "sh", "-c", "readlink /proc/$(systemctl show --value -p MainPID voxbridge.service)/cwd")


def test_a_service_is_deployed_judged_and_gone_back_with_in_another_folder(gate: Gate, elsewhere: Path) -> None:
    before = known_good("api-1", "backend")["tag"]
    done = gate("--estate", str(elsewhere), "--deploy", "backend=vox-backend-2026.06.22-1")
    assert (done.status, done.red) == (0, set()), done.said
    assert runs() == f"{VOLUME}/voice/backend"
    back = gate("--estate", str(elsewhere), "--rollback", "backend")
    assert (back.status, back.red) == (0, set()), back.said
    tag = on_host("api-1", "git", "-c", "safe.directory=*", "-C", FOLDER, "describe", "--tags")
    assert (runs(), tag, known_good("api-1", "backend")["tag"]) == (f"{VOLUME}/voice/backend", before, before)
