"""What may be no agent's container: what an estate is refused for, and what no entry is offered for."""

from __future__ import annotations

from collections.abc import Iterable

from voxgate.model.estate import Estate


def why_no_agent(image: str, project: str, mounts: Iterable[str], estate: Estate) -> dict[str, str] | None:
    """Why a container of this image (without its tag) and compose project is no agent's: it is a service, or livekit, or is given
    what is a service's. In the parts of an error: ``what``, and ``why`` or ``hint``; None where it may be one.
    """
    units = {(one.unit or "").removesuffix(".service").partition("@")[0] for one in estate.services} - {""}
    taken = {word for one in estate.services for word in (one.name, one.repository)} | units
    ours = image.rpartition("/")[2] in taken or project in {*taken, estate.containers.project}
    if ours or image in estate.containers.images:
        why = "the services run under systemd, and livekit stands in [containers]"
        return {"what": f"{image} of the project {project} is no agent", "why": why}
    folders = [f"{service.folder}/" for service in estate.services]
    for mount in mounts:
        source = f"{mount.partition(':')[0].rstrip('/')}/"
        if any(folder.startswith(source) or source.startswith(folder) for folder in folders):
            return {"what": f"{mount} gives {image} what is a service's", "hint": "mount less of the host"}
    return None
