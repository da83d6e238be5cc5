"""The unit files that hosts must have: as they stand in ``hosts/units``, with the folder in which a service really lives."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from voxgate.contracts.places import bundled
from voxgate.model.service import BUILD_TEMPLATE, OPT, Service

SERVICES = "services.toml"


class UnitFiles:
    """Those of an estate: ``units/<unit>`` and ``<unit>.d/*.conf`` in ``beside``, the folder of its file; where that unit file is
    not there, those that come with voxgate. Each was written for the folder that the services.toml beside it says; where the
    service lives in another, that one stands in its place.
    """

    def __init__(self, beside: Path) -> None:
        self._ours, self._theirs = bundled("hosts"), beside
        ours = _folders_in(self._ours)
        self._written_for: dict[Path, Mapping[str, str]] = {self._ours: ours, beside: _folders_in(beside) or ours}

    def of_service(self, name: str, unit: str | None, folder: str) -> dict[str, bytes]:
        """The unit file of a service that lives in ``folder``, and its drop-ins, by their place below /etc/systemd/system."""
        hosts = self._has(unit or "")
        paths = _paths(hosts / "units", unit) if unit else {}
        before = self._written_for[hosts].get(name, folder)
        return {place: _moved(path.read_bytes(), before, folder) for place, path in paths.items()}

    def of_build(self, file: str, folder: str) -> dict[str, bytes]:
        """The unit file ``file`` of what builds for ``folder``, and its drop-ins. Outside of /opt it is the usual one with that
        folder, and nothing else is there of the folder's volume.
        """
        paths = _paths(self._has(BUILD_TEMPLATE) / "units", BUILD_TEMPLATE)
        if file == BUILD_TEMPLATE:
            return {place: path.read_bytes() for place, path in paths.items()}
        return {
            place.replace(BUILD_TEMPLATE, file): _alone_at(path.read_text("utf-8"), folder).encode()
            for place, path in paths.items()
        }

    def of_all(self, services: Iterable[Service]) -> dict[str, bytes]:
        """The unit files of these services and of their builds."""
        found: dict[str, bytes] = {}
        for service in services:
            found |= self.of_build(service.build_file, service.folder)
            found |= self.of_service(service.name, service.unit, service.folder)
        return found

    def _has(self, unit: str) -> Path:
        return self._theirs if (self._theirs / "units" / unit).is_file() else self._ours


def _folders_in(hosts: Path) -> dict[str, str]:
    """The folder of each service, as the services.toml there says; empty where there is none."""
    path = hosts / SERVICES
    document = tomllib.loads(path.read_bytes().decode("utf-8-sig")) if path.is_file() else {}
    return {name: entry["folder"] for name, entry in document.items()}


def _paths(units: Path, unit: str) -> dict[str, Path]:
    paths = [units / unit, *sorted((units / f"{unit}.d").glob("*.conf"))]
    return {str(path.relative_to(units)): path for path in paths if path.is_file()}


def _moved(text: bytes, before: str, now: str) -> bytes:
    """The same with another folder wherever that one, or something in it, is named."""
    whole = rb"(?<![A-Za-z0-9._/-])%b(?![A-Za-z0-9._-])" % re.escape(before).encode()
    return re.sub(whole, lambda _: now.encode(), text) if before != now else text


def _alone_at(text: str, folder: str) -> str:
    """A build's unit file for one folder, of whose volume it sees nothing else."""
    text = text.replace(f"{OPT}/%i", folder)
    words = " ".join(re.findall(r"^TemporaryFileSystem=(.*)$", text, re.MULTILINE)).split()
    top = f"/{folder.split('/')[1]}"
    if top in {word.partition(":")[0] for word in words}:
        return text
    return text.replace("\nBindPaths=", f"\nTemporaryFileSystem={top}:ro\nBindPaths=", 1)
