"""What root alone reads on a host: its own keys, the private keys that nginx and HAProxy show certificates with, and what a build
is given. Who may read them; none of them is opened.
"""

from __future__ import annotations

import glob
import os
import stat
from contextlib import suppress
from typing import Any, Iterable, Iterator

from voxgate.probe.accounts import account, group_name
from voxgate.probe.base import SCRIPT_DEPTH, SHOWN, Job
from voxgate.probe.believing import believed, called, loose_files, others_change, words_now
from voxgate.probe.haproxy import haproxy_files
from voxgate.probe.nginx import NGINX_CONFIG, nginx_directives, nginx_files, nginx_statements
from voxgate.probe.rights import MAY_READ, MAY_RUN, access_list, may_besides
from voxgate.probe.signing import host_key_files
from voxgate.probe.text import behind, files_in, lines_of

SECRET_FILES_AT_MOST = 200
NO_KEY_FILES = ("data:", "engine:", "store:")
ALL_ACCOUNTS = "everybody"
OF_BUILDS = "/etc/voxgate/build.env"  # as hosts/units has it


def secret_files(found: Job) -> list[dict[str, Any]]:
    """Each file of the host's own keys, of those that nginx and HAProxy are configured with, where they run, and what a build is
    given, by its real path: its owner and group, and the accounts besides root that may read it, ``everybody`` where it is so. A
    folder that they may not pass keeps them from it.
    """
    paths = [OF_BUILDS, *host_key_files()]
    if believed("nginx", called("nginx", found))[0]:
        paths += keys_of_nginx(file for file in dict.fromkeys(nginx_files(NGINX_CONFIG)) if os.path.isfile(file))
    for master in believed("haproxy", called("haproxy", found))[0]:
        files = [file for file in dict.fromkeys(haproxy_files(words_now(master))) if os.path.isfile(file)]
        if not loose_files("HAProxy", files):
            paths += keys_of_haproxy("\n".join(line for file in files for line in lines_of(file)))
    rows: list[dict[str, Any]] = []
    for path in list(dict.fromkeys(map(os.path.realpath, paths)))[:SECRET_FILES_AT_MOST]:
        with suppress(FileNotFoundError, NotADirectoryError):
            row = os.stat(path)
            if stat.S_ISREG(row.st_mode):
                told = {"path": path, "owner": account(row.st_uid), "group": group_name(row.st_gid)}
                rows.append({**told, "readers": sorted(who_reads(path, row))[:SHOWN]})
    return rows


def who_reads(path: str, found: os.stat_result) -> set[str]:
    """The accounts besides root that may read a file, of which no part is a link."""
    who = who_may(path, found, MAY_READ, stat.S_IROTH)
    folder = os.path.dirname(path)
    while who and folder != "/":
        row = os.stat(folder)
        if not row.st_mode & stat.S_IXOTH:
            may = who_may(folder, row, MAY_RUN, stat.S_IXOTH)
            who = may if ALL_ACCOUNTS in who else who & may
        folder = os.path.dirname(folder)
    return who


def who_may(path: str, row: os.stat_result, right: int, for_all: int) -> set[str]:
    """Who besides root has a right to a file or folder."""
    if row.st_mode & for_all:
        return {ALL_ACCOUNTS}
    return (may_besides(row, access_list(path), right) | {account(row.st_uid)}) - {"root"}


def keys_of_nginx(files: Iterable[str]) -> Iterator[str]:
    """The files that nginx's directives name for keys, and for the words that open these. Of a file of its configuration that
    not only root can change nothing is read.
    """
    home = os.path.dirname(NGINX_CONFIG)
    for file in files:
        text = "" if others_change(file) else behind(file)
        for words in nginx_directives(nginx_statements({file: text}, file, "/", SCRIPT_DEPTH * 3)):
            is_key = words[0].endswith(("ssl_certificate_key", "ssl_password_file", "ssl_session_ticket_key"))
            for word in words[1:2] if is_key else ():
                if "$" not in word and not word.startswith(NO_KEY_FILES):
                    yield os.path.join(home, word)


def keys_of_haproxy(text: str) -> Iterator[str]:
    """The files that HAProxy's configuration names for certificates, with their keys in them or beside them; of a folder each."""
    bases = {"crt-base": "", "key-base": ""}
    for words in (line.partition("#")[0].split() for line in text.split("\n")):
        if words[:1] and words[0] in bases:
            bases[words[0]] = words[1].strip("\"'") if len(words) > 1 else ""
        for word, following in zip(words, words[1:]):  # noqa: B905, RUF007 - Python 3.9 on hosts
            if word not in {"crt", "key"}:
                continue
            path = os.path.join(bases["key-base" if word == "key" else "crt-base"], following.strip("\"'"))
            if path.startswith("/"):
                yield from files_in(path) if os.path.isdir(path) else (path, *glob.glob(f"{glob.escape(path)}.key"))
