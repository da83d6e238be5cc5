"""nginx: its configuration, workers, and the sites that it serves."""

from __future__ import annotations

import errno
import fnmatch
import glob
import os
import re
import stat
from typing import Any, Iterator

from voxgate.probe.accounts import group_name
from voxgate.probe.base import DEADLINE, LONGEST_PATH, SCRIPT_DEPTH, Job, Trouble
from voxgate.probe.believing import believed, called, loose_files, others_change, words_now
from voxgate.probe.made_of import files_told
from voxgate.probe.programs import run
from voxgate.probe.rights import MAY_WRITE, access_list, may_besides
from voxgate.probe.routes import Routes
from voxgate.probe.text import COMMENT, behind, files_in, lines_of

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
    none = {
        "masters": [], "status": 0, "flaws": "", "changed": 0.0, "workers": [], "roots": [], "config": "", "sites": [],
        "made_of": None,
    }  # fmt: skip
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
    read = list(texts) or files  # where nginx refuses it, what it would read as far as we read it
    files = list(texts) or [
        path for folder, _, names in os.walk("/etc/nginx") for path in [folder, *(f"{folder}/{name}" for name in names)]
    ]
    files += nginx_folders(texts)
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
        "made_of": files_told(read),
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


def nginx_folders(texts: dict[str, str]) -> list[str]:
    """The folders that a pattern takes whatever lies there from: what is taken away there shows in nothing else. Of any other
    folder only the files that are named count: what somebody keeps beside them (nginx.conf.orig) is not read.
    """
    home = os.path.dirname(NGINX_CONFIG)
    patterns = {pattern for text in texts.values() for pattern in NGINX_INCLUDE.findall(text) if set(pattern) & set("*?[")}
    return sorted({folder for pattern in patterns for folder in glob.glob(os.path.dirname(os.path.join(home, pattern)))})


NGINX_BUILT = re.compile(r"--((?:error-log|pid|http-[a-z-]+-temp|http-log)-path|prefix)=(\S+)")
NGINX_OPENS = re.compile(
    r"access_log|error_log|pid|lock_file|state|listen|google_perftools_profiles|[a-z_]+_temp_path|[a-z_]+_cache_path"
    r"|(?:[a-z]+_)?ssl_(?:[a-z_]*certificate(?:_key)?|crl|dhparam|password_file|stapling_file|session_ticket_key)"
)
# Of these a word with a slash is part of an address, a request or an answer, or a file that only the workers open.
NGINX_HARMLESS = re.compile(
    r"include|location|root|alias|try_files|index|error_page|return|rewrite|if|set|internal|server|server_name|allow|deny|user"
    r"|set_real_ip_from|resolver|add_header|add_trailer|add_before_body|add_after_body|sub_filter|auth_request|auth_basic"
    r"|auth_basic_user_file|mirror|valid_referers|log_format|default_type|expires|secure_link(?:_[a-z0-9]+)?|userid_[a-z]+"
    r"|limit_[a-z_]+|more_[a-z]+_headers|fastcgi_split_path_info|fastcgi_index|working_directory|(?:record|hls|dash)_path"
    r"|(?:[a-z]+_)?ssl_(?:ciphers|name)|[a-z_]+_(?:pass|set_header|redirect|cookie_path|cookie_domain|cookie_flags|param|types"
    r"|header|headers|cache_key|cache_valid|cache_bypass|no_cache|store|bind)"
    r"|(?:server_rewrite|rewrite|access|content|log|header_filter|body_filter|set|balancer|ssl_certificate)_by_lua(?:_file|_block)?"
)
NGINX_LISTS = re.compile(r"types|map|geo|split_clients|charset_map|match|(?!init)[a-z_]+_by_lua_block")  # no directives in them
NGINX_FOLDERS = re.compile(r"perl_modules|js_path")  # of code: what lies in them is loaded by its name
NGINX_PATH = re.compile(r"""(?:^|[\s:=,;("'])(/[^\s:,;()"']*)""")


def nginx_loose(files: list[str], says: str) -> list[str]:
    """Where `nginx -T`, as root, would open, run, make or give away what others than root chose, in words: it opens each log and
    the file of its number, makes sockets and folders and gives these to its workers, reads keys, and runs modules and what they
    are told to load. A log of the workers' own is good in a folder that is root's. Of a directive that is not known as harmless
    each word may be a path, and that of code. ``says`` is `nginx -V`: what it was built to open.
    """
    built = dict(NGINX_BUILT.findall(says))
    homes = (built.pop("prefix", "/usr/share/nginx"), os.path.dirname(NGINX_CONFIG))
    opened = dict.fromkeys(("/var/log/nginx/error.log", *(os.path.join(homes[0], path) for path in built.values())), False)
    for file in files:
        if os.path.isfile(file):
            for row in nginx_directives(nginx_statements({file: behind(file)}, file, "/", SCRIPT_DEPTH * 3)):
                for path, is_code in nginx_paths(row, homes):
                    opened[path] = opened.get(path, False) or is_code
    doubts = []
    for path, is_code in opened.items():
        try:
            place = others_change(path) if is_code else others_choose(path)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:  # no file is called so
                raise
            continue
        if place:
            doubts.append(f"nginx opens {path}, and not only root can change {place}")
    return doubts


def nginx_directives(rows: list[Any]) -> Iterator[list[str]]:
    """The words of every statement, those of blocks too, but for the lines of mere lists."""
    for words, block in rows:
        if words:
            yield words
        if not words or not NGINX_LISTS.fullmatch(words[0]):
            yield from nginx_directives(block)


def nginx_paths(said: list[str], homes: tuple[str, ...]) -> Iterator[tuple[str, bool]]:
    """The paths that a statement may have nginx open, a relative one in each of its ``homes``; True where it may be code."""
    name, *words = said
    if NGINX_OPENS.fullmatch(name):
        word = words[0] if words else "off"
        if name == "listen":
            word = word[len("unix:") :] if word.startswith("unix:") else "off"
        if word not in {"off", "stderr"} and "$" not in word and not re.match(r"(?:syslog|memory|data|engine|store):", word):
            yield from ((os.path.join(home, word), False) for home in homes)
        return
    if NGINX_HARMLESS.fullmatch(name):
        return
    for word in said if "/" in name else words:  # in a block of another language anything may stand first
        for path in nginx_names(word, homes):
            yield path, True
            if NGINX_FOLDERS.fullmatch(name):
                yield from ((inner, True) for inner in files_in(path))


def nginx_names(word: str, homes: tuple[str, ...]) -> Iterator[str]:
    """The paths that a word may be, or have in it; of one that nginx makes up later the folder."""
    for path in NGINX_PATH.findall(word):
        whole = re.split(r"[$?*]", path)[0]
        yield path if whole == path else os.path.dirname(whole)
    if word.startswith("/"):
        yield word
    elif len(word) < LONGEST_PATH:
        yield from (path for path in (os.path.join(home, word) for home in homes) if "/" in word or os.path.lexists(path))


def others_choose(path: str, depth: int = 0) -> str:
    """The first place by which others than root choose what is opened or made at a path: a folder on the way to it, or where a
    link of root's leads. Whose the file itself is does not matter. Empty for none.
    """
    folder = os.path.dirname(path)
    place = others_change(folder)
    if place == "/var/log" and folder.startswith("/var/log/") and of_syslog(os.stat(place), access_list(place)):
        way = [folder[:at] for at in range(len("/var/log/"), len(folder) + 1) if folder[at : at + 1] in {"", "/"}]
        place = next((one for one in way if os.path.lexists(one) and not roots_folder(os.lstat(one))), "")
    if place or not os.path.islink(path):
        return place
    return path if depth > 20 else others_choose(os.path.join(os.path.dirname(path), os.readlink(path)), depth + 1)


def of_syslog(row: os.stat_result, access: bytes) -> bool:
    """True for root's folder that the daemon of the logs may write in too, as Ubuntu has /var/log."""
    alone = may_besides(row, access, MAY_WRITE) <= {"syslog"}
    return row.st_uid == 0 and not row.st_mode & 0o002 and group_name(row.st_gid) == "syslog" and alone


def roots_folder(row: os.stat_result) -> bool:
    """True for a folder, no link, that root alone may change."""
    return stat.S_ISDIR(row.st_mode) and row.st_uid == 0 and not row.st_mode & 0o022


def nginx_sites(texts: dict[str, str]) -> list[dict[str, Any]]:
    """Each server of the configuration: where it listens, by which names it is asked for, whether it serves files, and what it
    does with the paths that it is asked for.
    """
    main = next(iter(texts), "")
    sites = []
    top = nginx_statements(texts, main, os.path.dirname(main))
    routes = Routes(top)
    for words, block, given in nginx_blocks(top):
        if words == ["server"]:
            said = [row for row, _, _ in nginx_blocks(block)]
            sites.append({
                "listens": [row[1] for row in said if row[0] == "listen" and len(row) > 1] or ["80"],
                "names": sorted({name for row in said if row[0] == "server_name" for name in row[1:]}),
                "serves": given or any(row[0] in {"root", "alias"} for row in said),
                "routes": routes.of(block),
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
        elif word in {"}", ";"}:
            if words[:1] == ["include"] and len(words) > 1 and depth < SCRIPT_DEPTH * 3:
                pattern = os.path.join(home, words[1])
                for name in sorted(name for name in texts if fnmatch.fnmatchcase(name, pattern)):
                    open_blocks[-1].extend(nginx_statements(texts, name, home, depth + 1))
            elif words:  # before the end of a block only in another language: nginx's own has a semicolon there
                open_blocks[-1].append((words, []))
            if word == "}" and len(open_blocks) > 1:
                open_blocks.pop()
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
