"""A release's files and its one commit, put where the build finds them."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import List

from voxgate.moves.builder.base import Bad, end_of, folder_at, where
from voxgate.moves.builder.folders import clear

# No hook of a checkout runs, nothing that git starts stays behind, and no setting of the account's (a filter) has a say.
GIT = {
    "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "gc.autoDetach", "GIT_CONFIG_VALUE_0": "false",
    "GIT_CONFIG_KEY_1": "core.hooksPath", "GIT_CONFIG_VALUE_1": "/dev/null", "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ATTR_NOSYSTEM": "1",
}  # fmt: skip


def export(folder: str, commit: str, name: str) -> None:
    """The commit's files as they would be checked out, in a folder of their own."""
    tree, index = where(name, "in", "tree"), where(name, "in", "index")
    clear("tree", folder_at(where(name, "in")))
    with suppress(FileNotFoundError):
        os.unlink(index)
    os.mkdir(tree)
    git = ["git", "-C", folder]
    env = dict(os.environ, GIT_INDEX_FILE=index, **GIT)
    for words in (["read-tree", commit], ["checkout-index", "--all", "--quiet", "--prefix=%s/" % tree]):
        ended = subprocess.run([*git, *words], env=env, stderr=subprocess.PIPE, check=False)
        if ended.returncode != 0:
            raise Bad("git %s: %s" % (words[0], end_of(ended.stderr.decode("utf-8", "replace"))))


def repository(folder: str, commit: str, name: str) -> None:
    """The release's tree is a repository of its own, with this one commit and its tags: what a build asks of git (a version, a
    stamp, where hooks are) it asks there, and what it writes into it is gone with the tree.
    """
    tree = where(name, "in", "tree")
    env = dict(os.environ, **GIT)

    def git(words: List[str], given: bytes = b"") -> bytes:
        ended = subprocess.run(["git", *words], env=env, input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if ended.returncode != 0:
            raise Bad("git %s: %s" % (" ".join(words[2:4]), end_of(ended.stderr.decode("utf-8", "replace"))))
        return ended.stdout

    here, there = ["-C", folder], ["-C", tree]
    shown = ["for-each-ref", "--format=%(objectname) %(refname)", "--points-at", commit, "refs/tags"]
    tags = git([*here, *shown])
    objects = git([*here, "rev-list", "--objects", "--no-object-names", commit + "^{tree}"])
    wanted = b"".join([objects, commit.encode() + b"\n", *(line.split()[0] + b"\n" for line in tags.splitlines())])
    git([*there, "init", "--quiet", "--template="])
    git([*there, "index-pack", "--stdin"], git([*here, "pack-objects", "--stdout", "--quiet", "--threads=1"], wanted))
    for path, content in (("shallow", commit.encode() + b"\n"), ("HEAD", commit.encode() + b"\n"), ("packed-refs", tags)):
        with open(os.path.join(tree, ".git", path), "wb") as file:
            file.write(content)
    os.rename(where(name, "in", "index"), os.path.join(tree, ".git", "index"))
