"""Asked before a deploy, where it is wanted: that the commit's own CI was green."""

from __future__ import annotations

from collections.abc import Iterable

from voxgate.deploy.planning.plan import Target
from voxgate.errors import ForgeError, Refused
from voxgate.transport.clients.bitbucket import Bitbucket, red_or_running


def require_green(targets: Iterable[Target], forge: Bitbucket) -> None:
    """Pass only if every build status of every target's commit is successful, and there is one. Raises Refused; also where
    Bitbucket does not say.
    """
    for target in targets:
        where = f"{target.service.name} {target.release}"
        try:
            why = red_or_running(forge.statuses(target.service.repository, target.release.commit))
        except ForgeError as error:
            raise Refused("nobody can say if its build is green", where=where, why=error.line, hint=error.hint) from None
        if why:
            hint = "wait for its pipeline or mend it; without --require-green-build the gate does not ask"
            raise Refused("its own build is not green", where=where, why=why, hint=hint)
