"""What a deploy would meet in its folders, tried on the host before anything is touched. Python >= 3.9, one file.

Sent there and run as the deploy account, in the very environment that the moves have: ``main(FOLDER, USER, PLACE ...)``. One file
is made where git makes its own, and in each further place; and what the service's account could not read, of what is there or of
that file, is told. Ends with 0, or says in one line what is wrong.
"""

import os
import pwd
import stat
import struct
import subprocess
import sys
from contextlib import suppress
from typing import Dict, Iterator, List, NoReturn, Tuple

SPARE = 64 << 20  # bytes that must be free
FREE_NAMES = 1000  # files that must be free to be made
READ, ENTER = 4, 1  # bits of a permission
OWNER, NAMED, GROUP, NAMED_GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32
"""Linux' own numbers for who has an entry of an access list."""
ACL, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
NOT_WRITTEN = ("hooks", "info", "lfs", "modules", "worktrees")


def bad(words: str) -> NoReturn:
    """Say what is wrong, and end."""
    print("error: " + ascii(words)[1:-1], file=sys.stderr)
    sys.exit(3)


def account_of(name: str) -> Tuple[int, List[int]]:
    """The account's number, and those of its groups."""
    try:
        row = pwd.getpwnam(name)
    except KeyError:
        bad("there is no account %s, as whom the service runs" % name)
    return row.pw_uid, os.getgrouplist(name, row.pw_gid)


def entries(path: str, attribute: str) -> List[Tuple[int, int, int]]:
    """An access list: tag, permissions, id; empty where there is none."""
    with suppress(OSError):
        found = os.getxattr(path, attribute)
        return [(tag, allows, one) for tag, allows, one in struct.iter_unpack("<HHI", found[4:])]
    return []


def allowed(account: Tuple[int, List[int]], path: str) -> int:
    """What the account may do there, as the kernel counts it."""
    uid, groups = account
    found = os.stat(path)
    mode = found.st_mode
    if uid == 0:
        return READ | ENTER
    if found.st_uid == uid:
        return mode >> 6 & 7
    rows = entries(path, ACL) if mode & stat.S_IRWXG else []  # of a list whose mask is empty the kernel looks at nothing
    if not rows:
        return mode >> 3 & 7 if found.st_gid in groups else mode & 7
    mask = min((allows for tag, allows, _ in rows if tag == MASK), default=READ | ENTER)
    for tag, allows, one in rows:
        if tag == NAMED and one == uid:
            return allows & mask
    ours = [allows & mask for tag, allows, one in rows
            if (tag == GROUP and found.st_gid in groups) or (tag == NAMED_GROUP and one in groups)]  # fmt: skip
    if ours:
        return max(ours, key=lambda allows: allows & (READ | ENTER))
    return mode & 7


def said_of(path: str) -> str:
    """Whose a file is, and its mode."""
    found = os.stat(path)
    with suppress(KeyError):
        return "%s, %04o of %s" % (path, stat.S_IMODE(found.st_mode), pwd.getpwuid(found.st_uid).pw_name)
    return "%s, %04o of %d" % (path, stat.S_IMODE(found.st_mode), found.st_uid)


def above(path: str) -> Iterator[str]:
    """Each folder on the way to a path, from the top."""
    while path != "/":
        path = os.path.dirname(path)
        yield path


def made(place: str) -> str:
    """A file in the place, as git and the moves make one, written and on the disk. The name is one that git clears away."""
    path = os.path.join(place, "tmp_obj_voxgate_%d" % os.getpid())
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write("x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            os.unlink(path)
        bad("%s: %r" % (error.strerror, place))
    disk = os.statvfs(place)
    if disk.f_bavail * disk.f_frsize < SPARE or (disk.f_files > 0 and disk.f_favail < FREE_NAMES):
        os.unlink(path)
        bad("No space left on device: %r has %d MB and %d files to spare"
            % (place, disk.f_bavail * disk.f_frsize >> 20, disk.f_favail))  # fmt: skip
    return path


def tracked(folder: str) -> Tuple[List[str], List[str]]:
    """The files of the checkout that are there, and the folders that they are in."""
    said = subprocess.run(
        ["git", "-C", folder, "ls-files", "-z"], stdout=subprocess.PIPE, env=dict(os.environ), check=False
    ).stdout
    names = [os.fsdecode(name) for name in said.split(b"\0") if name]
    tops: Dict[str, None] = {folder: None}
    for name in names:
        tops.update((folder + one.rstrip("/"), None) for one in above("/" + name))
    files = [path for path in (os.path.join(folder, name) for name in names) if os.path.isfile(path) and not os.path.islink(path)]
    return files, [top for top in tops if os.path.isdir(top) and not os.path.islink(top)]


def must_be_written(folders: List[str]) -> None:
    """Every folder is one in which we may make and replace files."""
    for top in folders:
        if not os.access(top, os.W_OK | os.X_OK):
            if os.statvfs(top).f_flag & os.ST_RDONLY:
                bad("Read-only file system: %r" % top)
            bad("Permission denied: %r (%s)" % (top, said_of(top)))


def must_be_read(user: str, folder: str, fresh: str, files: List[str], folders: List[str]) -> None:
    """The account can read what a process of the service may: what is checked out, and what a deploy makes beside it."""
    account = account_of(user)
    git = os.path.join(folder, ".git")
    for top in [*above(os.path.realpath(folder)), *folders]:
        if not allowed(account, top) & ENTER:
            bad("%s cannot enter %s" % (user, said_of(top)))
    reads_git = all(allowed(account, top) & ENTER for top in above(fresh) if top.startswith(git))
    head = os.path.join(git, "HEAD")
    for path in [*files, *([head, fresh] if reads_git else [])]:
        if not allowed(account, path) & READ:
            bad("%s cannot read %s" % (user, said_of(path)))
    mask = {tag: allows for tag, allows, _ in entries(folder, DEFAULT)}
    if mask and not mask.get(OTHER, READ) & READ and not any(one in mask for one in (NAMED, NAMED_GROUP)):
        bad("%s could not read new files: getfacl %s has default:other without r" % (user, folder))


def main(folder: str, user: str, *places: str) -> None:
    """All of it."""
    git = os.path.join(folder, ".git")
    files, folders = tracked(folder)
    store = [top for top, _, _ in os.walk(git) if not top[len(git) + 1 :].startswith(NOT_WRITTEN)]
    must_be_written([*folders, *store])
    fresh = made(os.path.join(git, "objects"))
    try:
        if user:
            must_be_read(user, folder, fresh, files, folders)
    finally:
        os.unlink(fresh)
    for place in places:
        os.unlink(made(place))


if __name__ == "__main__":
    main(*sys.argv[1:])
