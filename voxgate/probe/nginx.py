"""nginx: its configuration, workers, and the sites that it serves."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
from typing import Any, Iterator

from voxgate.probe.accounts import group_members, group_name
from voxgate.probe.base import DEADLINE, SCRIPT_DEPTH, Job, Trouble
from voxgate.probe.believing import believed, called, loose_files, others_change, words_now
from voxgate.probe.programs import run
from voxgate.probe.text import COMMENT, behind, lines_of

ROOT = re.compile(r"""(?:^|[;{])[ \t\r]*(?:root|alias)\s+["']?([^\s;"']+)""", re.MULTILINE)
CONFIGURATION = re.compile(r"^# configuration file (/.+):\n", re.MULTILINE)
NGINX_INCLUDE = re.compile(r"""(?:^|[\s;{}])include\s+["']?([^\s;"']+)""")
NGINX_WORD = re.compile(
    r"""#[^\n]*|[{};]|"([^"\\]*(?:\\.[^"\\]*)*)"|'([^'\\]*(?:\\.[^'\\]*)*)'"""
    r"""|((?:\\.|\$\{[^}\s]{0,99}\}|[^\s{};"'\\])(?:\\.|\$\{[^}\s]{0,99}\}|[^\s{};\\])*)""",
    re.DOTALL,
)
NGINX = "/usr/sbin/nginx"
NGINX_CONFIG = "/etc/nginx/nginx.conf"


def nginx(found: Job) -> dict[str, Any]:
    """Whether nginx runs, what it says of its configuration on disk, when that was changed, since when its workers run. It is
    not asked where not only root can change that: it would load what stands there. ``doubts`` say that, and what calls itself
    nginx and is not.
    """
    rows = called("nginx", found)
    none = {"masters": [], "status": 0, "flaws": "", "changed": 0.0, "workers": [], "roots": [], "config": "", "sites": []}
    if not rows:
        return {**none, "doubts": []}
    if os.geteuid() != 0:
        raise Trouble("denied", "nginx -t needs root")
    masters, doubts = believed("nginx", rows)
    files = list(dict.fromkeys(nginx_files(NGINX_CONFIG)))
    loose = loose_files("nginx", files)
    if masters and not loose:
        loose = nginx_loose(files, run([NGINX, "-V"], DEADLINE - 1).err)
    if not masters or loose:
        return {**none, "masters": [words_now(row)[0][:200] for row in masters], "doubts": doubts + loose}
    ended = run([NGINX, "-T"], DEADLINE - 1)
    _, *dumped = CONFIGURATION.split(ended.out)
    texts = {dumped[at]: dumped[at + 1] for at in range(0, len(dumped), 2)}
    files = list(texts) or [
        path for folder, _, names in os.walk("/etc/nginx") for path in [folder, *(f"{folder}/{name}" for name in names)]
    ]
    files += sorted({os.path.dirname(path) for path in files})
    flaw = re.search(r" in (/\S+:\d+)", ended.err) if ended.status else None
    config = re.search(r"^nginx: (?:the )?configuration file (/\S+) ", ended.err, re.MULTILINE)
    workers = [
        row["started"]
        for row in rows
        if row["ppid"] in {master["pid"] for master in masters}
        and row["argv"][:1]
        and row["argv"][0].startswith("nginx: worker process")
        and "shutting down" not in row["argv"][0]
    ]
    return {
        "masters": [words_now(row)[0][:200] for row in masters],
        "status": ended.status,
        "flaws": flaw.group(1) if flaw else "",
        "changed": max((os.stat(path).st_ctime for path in files if os.path.exists(path)), default=0.0),
        "workers": sorted(workers),
        "roots": sorted(set(ROOT.findall(COMMENT.sub("", ended.out)))),
        "config": config.group(1) if config else "",
        "sites": nginx_sites(texts),
        "doubts": doubts,
    }


def nginx_files(path: str, depth: int = 0) -> Iterator[str]:
    """The files that nginx's configuration consists of, each with the folder that it may find more in; of one that not only
    root can change nothing is read.
    """
    yield from (path, os.path.dirname(path))
    if depth > SCRIPT_DEPTH * 3 or others_change(path):
        return
    for pattern in NGINX_INCLUDE.findall("\n".join(lines_of(path))):
        place = os.path.join(os.path.dirname(NGINX_CONFIG), pattern)
        yield from glob.glob(os.path.dirname(place)) or [os.path.dirname(place)]
        for included in sorted(glob.glob(place)):
            yield from nginx_files(included, depth + 1)


NGINX_OPENS = re.compile(r"access_log|error_log|pid|load_module|[a-z_]+_temp_path|[a-z_]+_cache_path")
NGINX_BUILT = re.compile(r"--((?:error-log|pid|http-[a-z-]+-temp|http-log)-path|prefix)=(\S+)")


def nginx_loose(files: list[str], says: str) -> list[str]:
    """Where `nginx -T`, as root, would open, make or give away what others than root chose, in words: it opens each log and the
    file of its number, makes folders and gives them to its workers, and runs modules. A log of the workers' own is good in a
    folder that is root's. ``says`` is `nginx -V`: what it was built to open.
    """
    built = dict(NGINX_BUILT.findall(says))
    prefix = built.pop("prefix", "/usr/share/nginx")
    opened = dict.fromkeys(("/var/log/nginx/error.log", *built.values()), "")
    for file in files:
        if os.path.isfile(file):
            for words_said, _, _ in nginx_blocks(nginx_statements({file: behind(file)}, file, "/", SCRIPT_DEPTH * 3)):
                if len(words_said) > 1 and NGINX_OPENS.fullmatch(words_said[0]):
                    opened[words_said[1]] = words_said[0]
    doubts = []
    for name, directive in opened.items():
        if name in {"off", "stderr"} or name.startswith(("syslog:", "memory:")) or "$" in name:
            continue
        path = os.path.join(prefix, name)
        place = others_change(path) if directive == "load_module" else others_choose(path)
        if place:
            doubts.append(f"nginx opens {path}, and not only root can change {place}")
    return doubts


def others_choose(path: str, depth: int = 0) -> str:
    """The first place by which others than root choose what is opened or made at a path: a folder on the way to it, or where a
    link of root's leads. Whose the file itself is does not matter. Empty for none.
    """
    folder = os.path.dirname(path)
    place = others_change(folder)
    if place == "/var/log" and folder.startswith("/var/log/") and of_syslog(os.stat(place)):
        way = [folder[:at] for at in range(len("/var/log/"), len(folder) + 1) if folder[at : at + 1] in {"", "/"}]
        place = next((one for one in way if os.path.lexists(one) and not roots_folder(os.lstat(one))), "")
    if place or not os.path.islink(path):
        return place
    return path if depth > 20 else others_choose(os.path.join(os.path.dirname(path), os.readlink(path)), depth + 1)


def of_syslog(row: os.stat_result) -> bool:
    """True for root's folder that the daemon of the logs may write in too, as Ubuntu has /var/log."""
    alone = set(group_members(row.st_gid)) <= {"syslog"}
    return row.st_uid == 0 and not row.st_mode & 0o002 and group_name(row.st_gid) == "syslog" and alone


def roots_folder(row: os.stat_result) -> bool:
    """True for a folder, no link, that root alone may change."""
    return stat.S_ISDIR(row.st_mode) and row.st_uid == 0 and not row.st_mode & 0o022


def nginx_sites(texts: dict[str, str]) -> list[dict[str, Any]]:
    """Each server of the configuration: where it listens, by which names it is asked for, whether it serves files."""
    main = next(iter(texts), "")
    sites = []
    for words, block, given in nginx_blocks(nginx_statements(texts, main, os.path.dirname(main))):
        if words == ["server"]:
            said = [row for row, _, _ in nginx_blocks(block)]
            sites.append({
                "listens": [row[1] for row in said if row[0] == "listen" and len(row) > 1] or ["80"],
                "names": sorted({name for row in said if row[0] == "server_name" for name in row[1:]}),
                "serves": given or any(row[0] in {"root", "alias"} for row in said),
            })  # fmt: skip
    return sites


def nginx_statements(texts: dict[str, str], path: str, home: str, depth: int = 0) -> list[tuple[list[str], list[Any]]]:
    """A file's statements, each its words and the statements of its block; what it includes stands in its place."""
    top: list[tuple[list[str], list[Any]]] = []
    open_blocks = [top]
    words: list[str] = []
    for found in NGINX_WORD.finditer(texts.get(path, "")):
        word = found.group()
        if word == "{":
            open_blocks[-1].append((words, []))
            open_blocks.append(open_blocks[-1][-1][1])
            words = []
        elif word == "}":
            if len(open_blocks) > 1:
                open_blocks.pop()
            words = []
        elif word == ";":
            if words[:1] == ["include"] and len(words) > 1 and depth < SCRIPT_DEPTH * 3:
                pattern = os.path.join(home, words[1])
                for name in sorted(name for name in texts if fnmatch.fnmatchcase(name, pattern)):
                    open_blocks[-1].extend(nginx_statements(texts, name, home, depth + 1))
            elif words:
                open_blocks[-1].append((words, []))
            words = []
        elif not word.startswith("#"):
            words.append(next(text for text in found.groups() if text is not None))
    return top


def nginx_blocks(rows: list[Any], given: bool = False) -> Iterator[tuple[list[str], list[Any], bool]]:  # noqa: FBT001, FBT002
    """Every statement, those of blocks too; True where a block around it says what files are served."""
    given = given or any(words[:1] == ["root"] for words, _ in rows)
    for words, block in rows:
        if words:
            yield words, block, given
        yield from nginx_blocks(block, given)
