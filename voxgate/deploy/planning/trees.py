"""What a release may bring: files of its own, whole, and nothing in the place of what its host has. Only mirrors are asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from shlex import quote
from typing import TypeVar

from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import Refused, VoxgateError
from voxgate.model.release import Release
from voxgate.model.service import Kind, Service
from voxgate.probe.base import BYTES_AT_MOST, FILES_AT_MOST
from voxgate.transport.clients.git import Mirror

# A look leaves these out of a checkout, and a deploy makes them: what a commit has there is not judged, and destroys them.
_ANYWHERE = frozenset({".env", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_INSTALLED = {
    Kind.PYTHON: _ANYWHERE | {".venv"},
    Kind.STATIC: _ANYWHERE | {".dist.next", "builds", "dist", "node_modules"},
}
_SUBMODULE = "160000"
T = TypeVar("T")


def must_be_deployable(service: Service, release: Release, mirror: Mirror) -> None:
    """Raises Refused where the commit has a path of the installation's, a submodule, a pointer of Git LFS in the place of a
    content, a file that a checkout writes otherwise than it is, or a name that is not UTF-8; and where it is more than a look
    can judge: a few kilobytes of git can fill a host's disk.
    """
    tree = _must_leave_alone(service, release, mirror)
    where = f"{service.name}={release}"
    if modules := sorted(path for path, (mode, _) in tree.items() if mode == _SUBMODULE):
        hint = f"git rm {quote(modules[0])}, and bring it as files, or as a package of the lock"
        raise Refused(f"{modules[0]} is a submodule", where=where, why="a deploy would leave its folder empty", hint=hint)
    files, size = _asked(mirror.weight, service, release)
    if files >= FILES_AT_MOST or size > BYTES_AT_MOST:
        why = f"{files} files, {size >> 20} MB: a look compares less than {FILES_AT_MOST}, of {BYTES_AT_MOST >> 20} MB at most"
        hint = "keep what is large outside of git, or bring it as a package of the lock"
        raise Refused("the commit is more than a look can judge", where=where, why=why, hint=hint)
    if pointers := _asked(mirror.lfs_pointers, service, release):
        why = f"a deploy would put the pointer there, not the content ({len(pointers)} in all)"
        hint = "git lfs untrack PATTERN, git add --renormalize . and commit; or keep it outside of git"
        raise Refused(f"{pointers[0]} is in Git LFS", where=where, why=why, hint=hint)
    if converted := sorted(_asked(mirror.converted, service, release).items()):
        (path, attribute), count = converted[0], len(converted)
        what = f"{path} is {attribute} in .gitattributes"
        why = f"a checkout writes other bytes than the commit has, and a look takes them for an edit ({count} in all)"
        hint = "take that attribute away, git add --renormalize . and commit"
        raise Refused(what, where=where, why=why, hint=hint)


def must_spare_hosts(plan: Plan, mirrors: Mapping[str, Mirror], *, no_way_back: bool, say: Callable[[str], None]) -> None:
    """The releases of a plan, there and back. What was on the hosts before is asked of the mirror where that has it, and only
    whether it does harm. Raises Refused.
    """
    for target in plan.targets:
        service, mirror, back = target.service, mirrors[target.service.name], target.way_back
        if not target.is_on_hosts:
            must_be_deployable(service, target.release, mirror)
        elif mirror.has(target.release.commit):
            _must_leave_alone(service, target.release, mirror)
        try:
            _must_agree(target)
            if back is not None and back.commit != target.release.commit and mirror.has(back.commit):
                _must_leave_alone(service, back, mirror, "last known good: ")
        except Refused as error:
            if not no_way_back:
                raise
            say(f"no way back, accepted: {error.line}")


def _must_agree(target: Target) -> None:
    """Raises Refused where hosts know different releases: one of them would decide where all go back to. One that knows none
    is new, and follows the others.
    """
    known = {key: good.release for key, good in target.before.items() if good is not None}
    if len({release.commit for release in known.values()}) > 1:
        why = ", ".join(f"{key}: {release}" for key, release in known.items())
        hint = "mend last-known-good.json where it is wrong; or --no-way-back, and what is done is last known good everywhere"
        raise Refused("its hosts disagree on what was last known good", where=target.service.name, why=why, hint=hint)


def _must_leave_alone(service: Service, release: Release, mirror: Mirror, which: str = "") -> Mapping[str, tuple[str, str]]:
    """The tree of the commit. Raises Refused where a path of it is the installation's, in upper or lower case."""
    tree = _asked(mirror.tree, service, release)
    names = sorted({first for path in tree if (first := path.partition("/")[0]).lower() in _INSTALLED[service.kind]})
    if not names:
        return tree
    what, name = f"the commit has {names[0]}, which is the installation's", quote(names[0])
    why = "a checkout would write over what the host has there, and the next one delete it"
    hint = f"git rm -r --cached {name}, name it in .gitignore, merge, and deploy that"
    if which:
        hint = f"on each host: git -C {service.folder} rm -r -q --cached {name}, which keeps the files; then --no-way-back"
    raise Refused(what, where=f"{which}{service.name}={release}", why=why, hint=hint)


def _asked(read: Callable[[str], T], service: Service, release: Release) -> T:
    """What the mirror says of the commit. Raises Refused."""
    try:
        return read(release.commit)
    except VoxgateError as error:
        raise Refused(error.what, where=f"{service.name}={release}", why=error.why, hint=error.hint) from None
