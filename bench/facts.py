"""The facts that all other tools judge, the same for each: units, ports, pages, files, checkouts; and how it must be, as it is
now.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from bench.places import Place
from bench.processes import run
from voxgate.model.estate import Estate, Host

KINDS = ("units", "ports", "pages", "files", "commits")


def wanted(estate: Estate, host: Host) -> dict[str, list[str]]:
    """What is asked of a host, of each kind: of what stands there, units, their ports and pages, the folder and its .env (who
    owns it, and its mode), and the commit of the checkout.
    """
    found: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for placement in (one for one in estate.placements if one.host == host):
        service = placement.service
        for unit in placement.placed_units:
            found["units"].append(unit.unit)
            if service.health is not None:
                port = unit.port_of(service.health)
                found["ports"].append(str(port))
                found["pages"].append(f"http://127.0.0.1:{port}{service.health.path}")
        found["files"] += [service.folder, *([f"{service.folder}/.env"] if service.unit else [])]
        found["commits"].append(service.folder)
    for store in (one for one in estate.stores if one.host == host.name):
        found["units"].append(store.unit)
        found["ports"].append(str(store.port))
    return found


def read(place: Place, target: Path) -> dict[str, Any]:
    """Ask the lab how it is, and write that as ``facts.json``, by host: what each tool compares with. Raises VoxgateError where a
    host does not answer.
    """
    estate = place.estate
    document: dict[str, Any] = {}
    for host in estate.hosts:
        asked = wanted(estate, host)
        script = [f"stat -c '%n %U %a' {shlex.quote(path)}" for path in asked["files"]]
        script += [f"echo {shlex.quote(path)} $(git -C {shlex.quote(path)} rev-parse HEAD)" for path in asked["commits"]]
        said = run(["ssh", "-F", str(place.ssh_config), host.address, "; ".join([*script, "ss -Hltn"])]).splitlines()
        words = [line.split() for line in said]
        listening = dict(row[3].rpartition(":")[2::-2] for row in reversed(words) if row[0] == "LISTEN")
        document[host.name] = {
            "units": asked["units"],
            "ports": [{"port": int(port), "address": listening[port].strip("[]").replace("*", "::")} for port in asked["ports"]],
            "pages": asked["pages"],
            "files": [{"path": row[0], "owner": row[1], "mode": row[2]} for row in words if len(row) == 3],  # noqa: PLR2004
            "commits": [{"folder": row[0], "commit": row[1]} for row in words if len(row) == 2],  # noqa: PLR2004
        }
    target.write_text(json.dumps(document, indent=1))
    return document


def counted(document: dict[str, Any]) -> int:
    """How many facts these are: of a file its owner and its mode."""
    return sum(len(host[kind]) * (2 if kind == "files" else 1) for host in document.values() for kind in KINDS)
