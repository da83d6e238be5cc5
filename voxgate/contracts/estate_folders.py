"""Where a service may live: a folder of its own, in which nobody else keeps anything, and which no other service's is in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from voxgate.errors import EstateError
from voxgate.model.service import Service

NOT_HERE: Mapping[str, str] = {
    **dict.fromkeys(("/home", "/root"), "that is where people keep what is theirs, and no build sees it"),
    **dict.fromkeys(("/tmp", "/var/tmp", "/dev", "/run"), "what is there is gone one day"),  # noqa: S108 - refused
    **dict.fromkeys(
        ("/bin", "/boot", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/snap", "/sys", "/usr"),
        "that is the system's",
    ),
    **dict.fromkeys(("/var/lib/voxbuild", "/var/lib/voxgate", "/var/lib/voxgate-probe"), "that is the gate's own"),
    **dict.fromkeys(("/var/lib/docker", "/var/lib/containerd", "/var/lib/containers"), "that is an engine's"),
    "/var": "of it only /var/lib, /var/opt and /var/www are for such",
}
WITHIN_VAR = ("/var/lib/", "/var/opt/", "/var/www/")
HINT = "a folder of its own, as /srv/voice/{name} or /opt/{name}"


def judge_folders(services: Iterable[Service], said_in: Mapping[str, str]) -> None:
    """Raises EstateError for a folder in which no service can live. ``said_in`` is where each service's folder is said."""
    known: dict[str, str] = {}
    for service in services:
        folder, where, hint = service.folder, said_in[service.name], HINT.format(name=service.repository)
        for place, why in NOT_HERE.items():
            below = f"{folder}/".startswith(f"{place}/")
            if below and not (place == "/var" and folder.startswith(WITHIN_VAR)):
                raise EstateError(f"no service can live in {folder}", where=where, why=why, hint=hint)
        if folder.count("/") == 1:
            raise EstateError(f"no service can live in {folder}", where=where, why="that is a top folder", hint=hint)
        for other, name in known.items():
            if f"{folder}/".startswith(f"{other}/") or f"{other}/".startswith(f"{folder}/"):
                why = f"the {name} lives in {other}"
                raise EstateError(f"the {service.name} cannot live in {folder}", where=where, why=why, hint=hint)
        known[folder] = service.name
