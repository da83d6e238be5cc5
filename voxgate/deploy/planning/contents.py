"""What a deploy brings to each service: from the gate's own mirrors, and from nothing that a host says.

It decides nothing. What cannot be told is said, and no deploy is kept for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from voxgate.deploy.planning.plan import Plan, Target
from voxgate.errors import VoxgateError, known_error
from voxgate.model.content import SHOWN, SUBJECT_AT_MOST, Commits, Content, Direction, Package, Packages, Settings, bounded
from voxgate.model.estate import Estate
from voxgate.model.release import Release
from voxgate.model.service import Service
from voxgate.transport.clients.git import Mirror
from voxgate.transport.clients.git_history import commits_between, files_between
from voxgate.transport.clients.locks import LOCKS, packages_in

EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
"""Files by which a repository says which settings it reads, as teams call them."""

_EXAMPLE_AT_MOST = 1 << 20  # bytes
_SETTING = re.compile(rb"^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]{0,99})[ \t]*=", re.MULTILINE)


def contents_of(plan: Plan, estate: Estate, mirrors: Mapping[str, Mirror]) -> dict[str, Content]:
    """By service what its release brings, beside what was last known good on its hosts. Never raises."""
    found = {}
    for target in plan.targets:
        name = target.service.name
        try:
            found[name] = content_of(target, estate, mirrors[name])
        except Exception as error:  # noqa: BLE001 - a mistake of ours too is no reason to keep a release back
            found[name] = Content(Direction.UNKNOWN, bounded(known_error(error).line, SUBJECT_AT_MOST))
    return found


def content_of(target: Target, estate: Estate, mirror: Mirror) -> Content:
    """What one release brings. Raises VoxgateError where the mirror cannot say."""
    now, before = target.release, target.way_back
    if before is None:
        return Content(Direction.FIRST)
    if before.commit == now.commit:
        return Content(Direction.SAME)
    for release in (before, now):
        if not mirror.has(release.commit):
            return Content(
                Direction.UNKNOWN, f"the repository does not have {bounded(str(release))} ({release.commit[:12]}) any more"
            )
    brought = _linked(commits_between(mirror, before.commit, now.commit, SHOWN), estate, target.service)
    taken = _linked(commits_between(mirror, now.commit, before.commit, SHOWN), estate, target.service)
    way = Direction.APART if brought.count and taken.count else Direction.FORWARD if brought.count else Direction.BACK
    changed = files_between(mirror, before.commit, now.commit)
    packages = _packages(mirror, before, now, [lock for lock in LOCKS if lock in changed.top])
    settings = _by_the_estate(_settings(mirror, before, now, [name for name in EXAMPLES if name in changed.top]), target.service)
    return Content(way, "", brought, taken, changed.files, packages, settings)


def _linked(commits: Commits, estate: Estate, service: Service) -> Commits:
    """Each with the address at which a person reads it."""
    return replace(commits, shown=tuple(replace(one, url=estate.commit_url(service, one.commit)) for one in commits.shown))


def _packages(mirror: Mirror, before: Release, now: Release, locks: list[str]) -> Packages:
    """The packages of these lock files whose version is another."""
    found: list[Package] = []
    unread: list[str] = []
    for lock in locks:
        try:
            then, later = (packages_in(lock, file_of(mirror, release, lock)) for release in (before, now))
        except VoxgateError as error:
            unread.append(bounded(error.line, SUBJECT_AT_MOST))
            continue
        found += _differing(lock, then, later)
    return Packages(len(found), tuple(found[:SHOWN]), tuple(unread))


def _differing(lock: str, then: Mapping[str, str], later: Mapping[str, str]) -> Iterator[Package]:
    for name in sorted(then.keys() | later.keys()):
        if then.get(name) != later.get(name):
            versions = [bounded(one[name]) if name in one else None for one in (then, later)]
            yield Package(lock, bounded(name) or "(no name)", *versions)  # which no installer takes, and no verdict


def _settings(mirror: Mirror, before: Release, now: Release, examples: list[str]) -> Settings:
    """The names that stand in the first of these files now and did not then, and the other way. What they are set to is nobody's
    business.
    """
    for name in examples:
        with suppress(VoxgateError):  # a folder of that name
            texts = [file_of(mirror, release, name) for release in (before, now)]
            if max(map(len, texts)) <= _EXAMPLE_AT_MOST:
                then, later = ({one.decode("ascii") for one in _SETTING.findall(text)} for text in texts)
                return Settings(name, tuple(sorted(later - then)[:SHOWN]), tuple(sorted(then - later)[:SHOWN]))
    return Settings()


def _by_the_estate(settings: Settings, service: Service) -> Settings:
    """The same, with what services.toml says of the new ones."""
    required = tuple(name for name in settings.new if name in service.required_settings)
    unknown = tuple(name for name in settings.new if not service.knows_setting(name))
    return replace(settings, required=required, unknown=unknown)


def file_of(mirror: Mirror, release: Release, path: str) -> bytes:
    """A file of a release, empty where it has none of that name. Raises VoxgateError."""
    there = mirror.said("ls-tree", "-z", "--name-only", release.commit, "--", path)
    return mirror.read(release.commit, path) if there else b""
