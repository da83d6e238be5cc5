"""The lab as all tools are told to reach it: one SSH configuration, one copy of the estate that names it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ROOT
from lab import places
from voxgate.contracts.estates import load_estate
from voxgate.model.estate import Estate

FORGE = "198.51.100.10"


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with ``ssh_config`` and ``hosts/lab.toml``: the lab's hosts, each reached as ``ports`` say."""

    folder: Path

    @property
    def ssh_config(self) -> Path:
        """For OpenSSH, testinfra, ansible and pyinfra; the hosts go by name and by address."""
        return self.folder / "ssh_config"

    @property
    def estate_file(self) -> Path:
        """For voxgate."""
        return self.folder / "hosts" / "lab.toml"

    @property
    def estate(self) -> Estate:
        """The estate, read."""
        return load_estate(str(self.estate_file))


def made(folder: Path, ports: Mapping[str, int] | None = None) -> Place:
    """Write both files. ``ports`` maps addresses to the ports of relays on the loopback; without one a host is reached as it
    is.
    """
    place = Place(folder)
    (folder / "hosts").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "hosts" / "services.toml", folder / "hosts")
    shutil.copytree(ROOT / "hosts" / "units", folder / "hosts" / "units", dirs_exist_ok=True)
    text = (ROOT / "hosts" / "lab.toml").read_text()
    text = re.sub(r"(?m)^#:schema .*\n", "", text).replace("[estate]\n", f'[estate]\nssh_config = "{place.ssh_config}"\n', 1)
    place.estate_file.write_text(text)
    lab = load_estate("lab")
    names = {host.address: host.name for host in lab.hosts} | {FORGE: "forge"}
    place.ssh_config.write_text(ssh_config(names, ports or {}, str(places.identity()), str(places.known_hosts())))
    return place


def ssh_config(names: Mapping[str, str], ports: Mapping[str, int], identity: str, known_hosts: str) -> str:
    """One block for each host: by address and by name, with the key that is pinned for its address wherever it leads."""
    blocks = []
    for address, name in names.items():
        port = ports.get(address)
        user = "" if name == "forge" else "\n    User deploy"
        blocks.append(
            f"Host {address} {name}{user}\n    HostName {'127.0.0.1' if port else address}\n    Port {port or 22}\n"
            f"    HostKeyAlias {address}\n"
        )
    blocks.append(
        f"Host *\n    IdentityFile {identity}\n    IdentitiesOnly yes\n    UserKnownHostsFile {known_hosts}\n"
        "    StrictHostKeyChecking yes\n    BatchMode yes\n    LogLevel ERROR\n"
    )
    return "\n".join(blocks)
