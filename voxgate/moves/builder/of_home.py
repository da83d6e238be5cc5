"""The programs of a build that only the account that deploys has, in its home: no build sees that, so it gets a copy.

uv is one file. node is one, and npm is a folder beside it, as nvm, fnm, mise and tarballs leave them. Only what nobody else can
change is copied: the account's own or root's, on a way on which all is. The copy is the account's too, in ``in/tools``, which a
build can read and not write; what root installed for all comes first. What runs of it runs in the sandbox, as all of a build.
"""

from __future__ import annotations

import glob
import grp
import os
import pwd
import re
import shutil
import stat
from contextlib import suppress
from typing import Dict, List

from voxgate.moves.builder.base import PATH, TOOLS, Bad, folder_at, where
from voxgate.moves.builder.folders import clear, make_folder
from voxgate.moves.builder.handing import Hand

OF_A_HOME = (".local/bin", "bin", ".cargo/bin", ".nvm/versions/node/*/bin", ".local/share/fnm/node-versions/*/installation/bin",
             ".local/share/mise/installs/node/*/bin", ".asdf/installs/nodejs/*/bin", ".volta/tools/image/node/*/bin",
             ".volta/bin", ".asdf/shims", ".local/share/mise/shims")  # fmt: skip
ACL = "system.posix_acl_access"
ALIAS = 100  # characters of the version that nvm is told to take
OF_NPM = {"npm": "npm-cli.js", "npx": "npx-cli.js"}  # names in a PATH, and the files of npm's folder that they lead to


def brought(kind: str, name: str) -> Dict[str, str]:
    """Copy what a build of this kind would not find; where each of that is, by its name. Raises Bad for what no build may get."""
    found = {program: path for program in TOOLS[kind] for path in [in_a_home(program)] if path}
    place = folder_at(where(name, "in"))
    try:
        if not found:
            clear("tools", place)
            return found
        make_folder("tools", place)
    finally:
        os.close(place)
    for program, path in found.items():
        give(program, path, where(name, "in", "tools"))
    return found


def in_a_home(program: str) -> str:
    """Where a program is that is in somebody's home, links followed; "" for one that is there for all, or nowhere."""
    home = os.path.expanduser("~")
    found = os.path.realpath(shutil.which(program, path=PATH) or "/")
    if found != "/":
        return found if found.startswith((home + "/", "/home/", "/root/")) else ""
    for one in OF_A_HOME:
        there = [path for path in glob.glob(os.path.join(home, one, program)) if os.access(path, os.X_OK)]
        if there:
            return os.path.realpath(max(there, key=lambda path: (is_default(path), numbers(path))))
    return ""


def numbers(path: str) -> List[int]:
    """The numbers in a path: of two versions the later one has the higher."""
    return [int(one) for one in re.findall(r"[0-9]{1,9}", path)]


def is_default(path: str) -> bool:
    """True for a version of node that nvm is told to take."""
    nvm, _, version = path.partition("/versions/node/v")
    said = ""
    with suppress(OSError), open(os.path.join(nvm, "alias", "default"), encoding="ascii", errors="replace") as file:
        said = file.read(ALIAS).strip().lstrip("v")
    return bool(re.fullmatch(r"[0-9.]+", said)) and version.startswith((said + ".", said + "/"))


def give(program: str, path: str, tools: str) -> None:
    """Put a copy where a build finds it. Raises Bad."""
    folder = os.path.dirname(os.path.dirname(path)) if program in OF_NPM else path
    theirs = changed_by_others(folder)
    if theirs:
        raise Bad(told(program, path, "others can change %s" % theirs))
    if program in OF_NPM:
        if (os.path.basename(path), os.path.basename(folder)) != (OF_NPM[program], "npm"):
            raise Bad(told(program, path, "that is not npm's own folder"))
        place = made_at(tools, "lib", "node_modules", "npm")
        Hand().whole(folder_at(folder), place, "npm")
    else:
        with open(path, "rb") as file:
            if os.path.basename(path) != program or file.read(4) != b"\x7fELF":
                raise Bad(told(program, path, "that only leads to it"))
        place = made_at(tools, "bin")
        Hand().file(folder_at(os.path.dirname(path)), place, program, program)
    os.close(place)
    for one, file_of in OF_NPM.items() if program in OF_NPM else ():
        place = made_at(tools, "bin")
        clear(one, place)
        os.symlink("../lib/node_modules/npm/bin/%s" % file_of, one, dir_fd=place)
        os.close(place)


def told(program: str, path: str, why: str) -> str:
    """Why no build gets a program."""
    return "%s is there for this account alone, in %s: builds run as voxbuild, who sees no home, and get no copy: %s" % (
        program, os.path.dirname(path), why)  # fmt: skip


def made_at(top: str, *names: str) -> int:
    """A folder in the copy, made where it is not there, and held open."""
    place = folder_at(top)
    for name in names:
        make_folder(name, place)
        below = folder_at(name, place)
        os.close(place)
        place = below
    return place


def changed_by_others(path: str) -> str:
    """What somebody else than root and this account can change: on the way to a path, in which no link is, or below it; "" for
    nothing. Where a list gives rights to more accounts, the mode shows them as the group's.
    """
    way, own = [path], own_group()
    while way[-1] != "/":
        way.append(os.path.dirname(way[-1]))
    for top, folders, names in os.walk(path):
        way += [os.path.join(top, one) for one in (*folders, *names)]
    for one in way:
        row = os.lstat(one)
        others = 0 if stat.S_ISLNK(row.st_mode) else row.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        if others == stat.S_IWGRP and row.st_gid == own and ACL not in os.listxattr(one):
            others = 0
        if others or row.st_uid not in (0, os.geteuid()):
            return one
    return ""


def own_group() -> int:
    """The group that nobody but this account is in, as each has one on most hosts, which then may write what is its own; -1 where
    others are in it.
    """
    me = pwd.getpwuid(os.geteuid())
    members = {row.pw_name for row in pwd.getpwall() if row.pw_gid == me.pw_gid} | set(grp.getgrgid(me.pw_gid).gr_mem)
    return me.pw_gid if members == {me.pw_name} else -1
