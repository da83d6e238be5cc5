"""Who may log in: authorized keys, and what else sshd takes."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import re
import struct
from itertools import islice
from typing import Any, Iterator

from voxgate.probe.base import Job, Trouble
from voxgate.probe.believing import believed, text_led, words_now
from voxgate.probe.sshd import SSHD_SAYS, Started, claims_to_listen, matched, sshd_says, sshd_started
from voxgate.probe.systemctl import changed_state

KEYS_AT_MOST = 5000
KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+", re.ASCII)
KEYS_OF_FILE_AT_MOST = 500  # of one file: more lines than that are no keys


def keys(found: Job, spoken: Job) -> dict[str, Any]:
    """Who may log in: the fingerprint of every authorized key of every account, and what else sshd takes: as it was started,
    whoever comes from wherever. ``started`` is when it last read its files, 0 if it reads them for each login. ``doubts`` are
    processes that call themselves a listening sshd and are not the host's, which are not asked; and files of its
    configuration that not only root can change: then nothing is said of its settings.
    """
    if os.geteuid() != 0:
        raise Trouble("denied", "authorized keys of others are root's to read")
    claims = [row for row in found.value() if claims_to_listen(row)]
    listeners, doubts = believed("sshd", claims)
    ways = list(dict.fromkeys(sshd_started(words_now(row)[0]) for row in listeners)) or [Started()]
    told: dict[str, set[str]] = {}
    files: dict[str, float] = {}
    loose: dict[str, str] = {}
    for way in ways:
        for key, value in matched(way.config, files, loose):
            told.setdefault(key, set()).add(value)
    doubts += [f"sshd reads {path}, and not only root can change {place}" for path, place in loose.items()]
    for way in () if loose else ways:
        for key, value in sshd_says(way):
            told.setdefault(key, set()).add(value)
    patterns = sorted({word for value in told.get("authorizedkeysfile", {".ssh/authorized_keys"}) for word in value.split()})
    rows = list(islice((row for person in pwd.getpwall() for row in keys_of(person, patterns)), KEYS_AT_MOST + 1))
    if len(rows) > KEYS_AT_MOST:
        raise Trouble("failed", f"over {KEYS_AT_MOST} authorized keys")
    reloaded = {row["unit"]: changed_state(spoken.value(), row["unit"]) for row in listeners}
    return {
        "settings": {key: " | ".join(sorted(told.get(key, ()))) for key in SSHD_SAYS},
        "keys": rows,
        "started": min((max(row["started"], reloaded[row["unit"]]) for row in listeners), default=0.0),
        "changed": max(files.values(), default=0.0),
        "doubts": doubts,
    }


def keys_of(person: pwd.struct_passwd, patterns: list[str]) -> Iterator[dict[str, str]]:
    """Every key by which an account may log in. What cannot be read as the file of keys that it should be, a link of the
    account's own among it, is one key that nobody knows.
    """
    for pattern in patterns:
        if pattern == "none":
            continue
        path = pattern.replace("%h", person.pw_dir).replace("%u", person.pw_name).replace("%U", str(person.pw_uid))
        path = path if path.startswith("/") else f"{person.pw_dir}/{path}"
        marks: set[str] = set()
        try:
            lines = [line for line in text_led(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, Trouble):
            lines = ["?"]
        for line in lines:
            blob = key_in(line) or key_in(behind_options(line))
            marks.add("SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else "unreadable")
            if len(marks) > KEYS_OF_FILE_AT_MOST:
                marks = {"unreadable"}
                break
        for mark in sorted(marks):
            yield {"user": person.pw_name, "file": path, "fingerprint": mark}


def key_in(line: str) -> bytes:
    """The key that a line begins with, empty where it is none: its type stands before it, and once more in it."""
    words_said = line.split(None, 2)
    if len(words_said) < 2 or not KEY_TYPE.fullmatch(words_said[0]):
        return b""
    try:
        blob = base64.b64decode(words_said[1], validate=True)
    except ValueError:
        return b""
    name = words_said[0].encode()
    return blob if blob[4 : 4 + len(name)] == name and blob[:4] == struct.pack(">I", len(name)) else b""


def behind_options(line: str) -> str:
    """The line behind its options, as sshd passes over them: to the first blank that is in no quotes."""
    line, quoted, at = line.lstrip(), False, 0
    while at < len(line) and (quoted or line[at] not in " \t"):
        if line[at] == "\\" and line[at + 1 : at + 2] == '"':
            at += 1
        elif line[at] == '"':
            quoted = not quoted
        at += 1
    return line[at:]
