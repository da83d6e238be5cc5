"""The steps of each move, as argv. Nothing here runs anything: the engine does, in one place."""

from __future__ import annotations

from dataclasses import dataclass

from voxgate.model.estate import Kind, Service
from voxgate.model.release import Release

_SYSTEMCTL = "/usr/bin/systemctl"

# The build's manifest stands beside the served folder, never in it. Written once complete (rename), sorted, by content.
_MANIFEST = """set -eu
cd "$1/builds/$2"
find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum -- > "../$2.sha256.part"
mv -T "../$2.sha256.part" "../$2.sha256"
"""

# A real folder cannot be replaced by the rename of a link, so the first publication moves it out of the way.
_PUBLISH = """set -eu
cd "$1"
test -f "builds/$2/index.html"
if [ -d dist ] && [ ! -L dist ]; then mv -T dist "builds/before-voxgate"; fi
ln -sfn "builds/$2" .dist.next
mv -T .dist.next dist
"""

# True (0) if the build of that commit is there and every file of it is as it was built.
_INTACT = """set -eu
cd "$1/builds/$2"
test "$(find . -type f | wc -l)" = "$(wc -l < "../$2.sha256")"
sha256sum --check --quiet --strict "../$2.sha256"
"""

# Prints the processes still in the unit's cgroup: nothing where it is gone. The shell itself is in another one.
_LEFT_OVER = 'for p in /proc/[0-9]*; do grep -qsF "/$1" "$p/cgroup" && echo "${p#/proc/}"; done; true'


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a move. ``deadline`` in seconds; ``says`` is what it does, in a word or two."""

    argv: tuple[str, ...]
    deadline: float
    says: str


def checkout(service: Service, release: Release) -> tuple[Step, ...]:
    """Fetch, and put the tag's commit in place: by commit, so that a tag moved meanwhile changes nothing.

    A file edited by hand is overwritten: the release is what the remote says, not what a box was talked into.
    """
    git = ("git", "-C", service.folder)
    return (
        Step((*git, "fetch", "--all", "--tags", "--force", "--prune", "--quiet"), 120, "git fetch"),
        put_in_place(service, release),
    )


def put_in_place(service: Service, release: Release) -> Step:
    """The checkout alone, of a commit that is on the host already."""
    argv = ("git", "-C", service.folder, "checkout", "--quiet", "--force", "--detach", release.commit, "--")
    return Step(argv, 60, "git checkout")


def has_commit(service: Service, release: Release) -> Step:
    """True (0) if the commit is on the host, so that going back needs no remote."""
    return Step(("git", "-C", service.folder, "cat-file", "-e", f"{release.commit}^{{commit}}"), 10, "git cat-file")


def intact_build(service: Service, release: Release) -> Step:
    """True (0) if the console's build of that commit is on the host, file by file as it was built."""
    return Step(("sh", "-c", _INTACT, "sh", service.folder, release.commit), 30, "check build")


def install(service: Service, release: Release) -> tuple[Step, ...]:
    """Install what the lock says; for the console, build into a folder of its own that nothing serves yet."""
    match service.kind:
        case Kind.PYTHON:
            return (Step(("uv", "sync", "--locked", "--no-dev", "--quiet", "--directory", service.folder), 600, "uv sync"),)
        case Kind.STATIC:
            # Not --prefix: npm looks for its global settings (offline, cache) below the prefix too, and would miss them.
            npm = ("env", "-C", service.folder, "npm")
            build = ("run", "build", "--", "--outDir", f"builds/{release.commit}", "--emptyOutDir")
            return (
                Step((*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"), 600, "npm ci"),
                Step((*npm, *build), 600, "npm run build"),
                Step(("sh", "-c", _MANIFEST, "sh", service.folder, release.commit), 30, "manifest"),
            )


def publish(service: Service, release: Release) -> Step:
    """The console's restart: dist/ becomes the new build in one rename."""
    return Step(("sh", "-c", _PUBLISH, "sh", service.folder, release.commit), 30, "switch dist")


def systemctl(verb: str, unit: str) -> Step:
    """One exact sudo command: ``verb`` is restart, start, stop or reset-failed."""
    return Step(("sudo", "-n", _SYSTEMCTL, verb, unit), 120, f"{verb} {unit.removesuffix('.service')}")


def left_over(unit: str) -> Step:
    """Which processes are still in the unit's cgroup."""
    return Step(("sh", "-c", _LEFT_OVER, "sh", unit), 15, f"{unit.removesuffix('.service')} gone?")


def unit_state(unit: str) -> Step:
    """The few properties that tell a start from a failure."""
    names = "ActiveState,SubState,Result,NRestarts,MainPID,InvocationID,ExecMainStatus"
    return Step((_SYSTEMCTL, "show", f"--property={names}", "--", unit), 10, f"{unit.removesuffix('.service')}?")
