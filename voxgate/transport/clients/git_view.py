"""What the rules read of a service's remote: main, its releases and the tree of one, asked of the remote or of the mirror."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Unreachable, VoxgateError
from voxgate.model.evidence import Missing
from voxgate.model.release import Release, RemoteView
from voxgate.transport.clients.git import Mirror

if TYPE_CHECKING:
    from pathlib import Path

    from voxgate.model.estate import Estate
    from voxgate.model.service import Service


def mirrored(estate: Estate, service: Service, cache: Path) -> RemoteView | Missing:
    """What the remote said when it was last fetched: for going back while it is silent."""
    return view(estate, service, cache, deadline=None)


def view(
    estate: Estate, service: Service, cache: Path, release: Release | None = None, deadline: float | None = 60.0
) -> RemoteView | Missing:
    """What the remote says of a service now (as of the last fetch where ``deadline`` is None): main, its release tags, which
    of them are on main, and the release's tree.
    """
    mirror = Mirror.of(estate, service, cache)
    try:
        if deadline is not None:
            mirror.fetch(deadline)
        main, tags = mirror.main(), mirror.release_tags()
        standing = mirror.standing(tags.values())
        return RemoteView(
            service=service.name,
            url=mirror.url,
            main=main,
            tags=tags,
            on_main=standing.on_main | {main},
            newest=standing.newest,
            line=standing.line,
            release=release,
            tree=mirror.tree(release.commit) if release is not None else None,
        )
    except Unreachable as error:
        return Missing("unreachable", error.line, mirror.url, error.hint)
    except VoxgateError as error:
        return Missing("failed", error.line, mirror.url, error.hint)
