"""Releases made for a test, put on a repository's main for its length: some run code of their own while they are built."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.lab.conftest import ROOT, on_host


@contextmanager
def on_main(repository: str, changed: Mapping[str, str]) -> Iterator[None]:
    """Main of a repository on the forge gets one more commit, with these files; afterwards it is as it was."""
    script = """set -eu
export GIT_DIR=$1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@vox.example GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@vox.example
export GIT_INDEX_FILE=/tmp/index-of-a-test
shift
git read-tree main
while [ $# -gt 0 ]; do
    git update-index --add --cacheinfo "100644,$(printf %s "$2" | git hash-object -w --stdin),$1"
    shift 2
done
git update-ref refs/heads/main "$(git commit-tree -p main -m 'not what it seems' "$(git write-tree)")"
"""
    bare = f"/home/git/oriserve1/{repository}.git"
    as_git = ["runuser", "-u", "git", "--"]
    before = on_host("forge", *as_git, "git", "-C", bare, "rev-parse", "main")
    tags = set(on_host("forge", *as_git, "git", "-C", bare, "tag", "--list").split())
    words = [word for pair in changed.items() for word in pair]
    try:
        on_host("forge", *as_git, "sh", "-c", script, "sh", bare, *words)
        yield
    finally:
        on_host("forge", *as_git, "git", "-C", bare, "update-ref", "refs/heads/main", before)
        for made in set(on_host("forge", *as_git, "git", "-C", bare, "tag", "--list").split()) - tags:
            on_host("forge", *as_git, "git", "-C", bare, "tag", "--delete", made)


def building(repository: str, code: str, how: str = "build") -> dict[str, str]:
    """The files with which a release of it runs some Python while it is built: as its build backend, or as one of its scripts
    of npm.
    """
    folder = ROOT / "lab" / "services" / repository
    if repository == "vox-frontend":
        package = json.loads((folder / "package.json").read_text("utf-8"))
        package["scripts"][how] = "python3 tools/hostile.py"
        return {"package.json": json.dumps(package, indent=2), "tools/hostile.py": code}
    project = (folder / "pyproject.toml").read_text("utf-8").replace("package = false", "package = true")
    project += '\n[build-system]\nrequires = []\nbuild-backend = "hostile"\nbackend-path = ["."]\n'
    lock = (folder / "uv.lock").read_text("utf-8").replace('virtual = "."', 'editable = "."')
    return {"pyproject.toml": project, "uv.lock": lock, "hostile.py": code}


def edited(name: str, was: str, shall: str) -> dict[str, str]:
    """The file with which a release of the fleet is another one: of the newest release, with one place written otherwise."""
    path = f"vox_agents/{name}"
    content = (ROOT / "lab" / "services" / "vox-agents" / path).read_text("utf-8")
    assert content.count(was) == 1, f"{was!r} stands {content.count(was)} times in {path}"
    return {path: content.replace(was, shall)}
