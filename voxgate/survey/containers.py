"""Whether a container is what the estate says that it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.estate import repository_of
from voxgate.model.evidence import HostEvidence, Missing, uncut
from voxgate.model.service import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxgate.model.estate import Containers, Estate
    from voxgate.model.evidence import ContainerFact

SHORT = 12
"""Letters of a container's id, by which it is known as well."""


def unlike(one: ContainerFact, wanted: Containers) -> Iterator[str]:
    """What of its image, command, mounts and rights is not as the estate says."""
    where, image = f"container {one.name}", repository_of(one.image)
    pin, _, digest = wanted.pins.get(image, image).partition("@")
    if pin not in {image, one.image.partition("@")[0]}:
        yield f"{where} is of {one.image}, not {pin}"
    if one.made is None:
        return
    if digest and digest not in one.made.digests:
        yield f"{where} is of another image than {digest}"
    wants = wanted.commands.get(image)
    if not (one.made.as_image if wants is None else tuple(uncut(word, where) for word in one.made.command) == wants):
        yield f"{where} runs `{' '.join(one.made.command)}`, not `{' '.join(wants or one.made.own_command)}`"
    for mount in sorted(set(one.made.mounts) - set(wanted.mounts)):
        yield f"{where} has {mount} mounted, which the estate does not name"
    for right in sorted(set(one.made.rights) - set(wanted.rights)):
        yield f"{where} runs with {right}, which the estate does not allow"


def livekits(estate: Estate, seen: Mapping[str, HostEvidence | Missing]) -> frozenset[tuple[str, str]]:
    """Host and id (what a cgroup is known by) of each container that is livekit's, all of it as the estate says."""
    return frozenset(
        (name, one.id[:SHORT])
        for name, host in seen.items()
        if isinstance(host, HostEvidence) and not isinstance(host.engines, Missing) and Role.SIP in estate.host(name).roles
        for one in host.engines.containers
        if _is_livekits(one, estate.containers)
    )


def _is_livekits(one: ContainerFact, wanted: Containers) -> bool:
    if one.made is None or one.project != wanted.project or repository_of(one.image) not in wanted.images:
        return False
    try:
        return not any(unlike(one, wanted))
    except Blind:
        return False
