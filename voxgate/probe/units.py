"""The units: as systemd says them, and as they lie on the disk."""

from __future__ import annotations

import os
import stat
from typing import Any

from voxgate.probe.base import Job
from voxgate.probe.dpkg import OWNERS, vouched_for
from voxgate.probe.redaction import HASH
from voxgate.probe.request import UNIT, Service
from voxgate.probe.sudo import loose_of
from voxgate.probe.systemctl import Shown, without_values
from voxgate.probe.text import resolved

LOOSE = "open to others than root"  # in place of a hash: whatever stands there now, systemd may have read another thing


def units(services: list[Service], folders: Job, shown: Shown) -> dict[str, Any]:
    """Wanted units, all instances of wanted templates, all services that run or failed or were placed or changed by hand;
    ``folders`` are the unit folders (``OnDisk``). Of a file that others than root can change there is no hash.
    """
    disk = folders.value()
    wanted = {unit for service in services for unit in service.units}
    kinds = {service.unit for service in services if service.unit}
    templates = tuple(f"{unit.partition('@.')[0]}@" for unit in kinds if "@." in unit)
    wanted |= {unit for unit in kinds if "@." not in unit}
    for name, _load, active, *_ in shown.listed():
        if active != "inactive" or name.startswith(templates):
            wanted.add(name)
    wanted |= disk.placed | disk.tuned
    wanted |= {name for name in [*disk.files, *disk.links] if templates and name.startswith(templates)}
    names = sorted(name for name in wanted if name.endswith(".service") and "@." not in name)
    rows = shown.rows(name for name in names if UNIT.fullmatch(name))
    properties = {row["Id"]: row for row in map(without_values, rows) if "Id" in row}
    digests: dict[str, str] = {}
    found = {}
    vouched = vouched_for({path for name in {*names, *properties} for path in disk.paths(name)})
    for name in sorted({*names, *properties}):
        for path in disk.paths(name):
            if path not in digests:
                digest = disk.digest(path)
                is_loose = path not in vouched and HASH.fullmatch(digest) is not None and any(loose_of(path))
                digests[path] = LOOSE if is_loose else digest
        found[name] = {
            "properties": properties.get(name, {}),
            "links": disk.links.get(name, []),
            "files": {path: digests[path] for path in disk.paths(name)},
            "vouched": [path for path in disk.paths(name) if path in vouched],
            "changed": max(map(changed_at, disk.paths(name)), default=0.0),
            "package": next(
                (OWNERS[real] for path in disk.paths(name) if path in vouched and (real := resolved(path)) in OWNERS), ""
            ),
        }
    return found


def changed_at(path: str) -> float:
    """When a file, the link to it, or the file that this leads to was last changed: epoch seconds, 0 if it is gone."""
    try:
        changed = os.lstat(path).st_ctime
        behind = os.stat(path)
    except OSError:
        return 0.0
    return max(changed, behind.st_ctime) if stat.S_ISREG(behind.st_mode) else changed
