"""Who may log in: authorized keys, and what else sshd takes."""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import re
import struct
from itertools import islice
from typing import Any, Callable, Iterator

from voxgate.probe.base import Job, Trouble
from voxgate.probe.believing import believed, changed_led, others_change, text_led, words_now
from voxgate.probe.sshd import BLOCKS_AT_MOST, SSHD_SAYS, Started, claims_to_listen, matched, sshd_asked, sshd_says, sshd_started
from voxgate.probe.systemctl import changed_state

KEYS_AT_MOST = 5000
KEY_TYPE = re.compile(r"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]+", re.ASCII)
PRINCIPAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}", re.ASCII)  # no "?" and nothing that a secret's line would be
CERTIFIERS = "@cert-authority"  # whose keys sign certificates of users
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
    files: dict[str, float] = {}
    loose: dict[str, str] = {}
    told = settings_told(ways, files, loose)
    doubts += [f"sshd reads {path}, and not only root can change {place}" for path, place in loose.items()]
    for path in sorted(words_of_setting(told, "trustedusercakeys") - {"none"}):
        if place := others_change(path):
            doubts.append(f"sshd believes the keys in {path}, and not only root can change {place}")
    rows = list(islice(everybody(told), KEYS_AT_MOST + 1))
    if len(rows) > KEYS_AT_MOST:
        raise Trouble("failed", f"over {KEYS_AT_MOST} authorized keys")
    reloaded = {row["unit"]: changed_state(spoken.value(), row["unit"]) for row in listeners}
    return {
        "settings": {
            **{key: " | ".join(sorted(told[""].get(key, ()))) for key in SSHD_SAYS},
            **{
                name: " | ".join(sorted(f"{key} {one}" for key in said for one in said[key]))
                for name, said in told.items()
                if name
            },
        },
        "keys": rows,
        "started": min((max(row["started"], reloaded[row["unit"]]) for row in listeners), default=0.0),
        "changed": max(files.values(), default=0.0),
        "doubts": doubts,
    }


def settings_told(ways: list[Started], files: dict[str, float], loose: dict[str, str]) -> dict[str, dict[str, set[str]]]:
    """What sshd takes, setting by setting: for everyone (an empty name), by each Match line of its configuration, and for an
    account that sshd makes something else for (``for NAME``). ``files`` and ``loose`` as in ``matched``: where there are loose
    ones, sshd is not asked.
    """
    told: dict[str, dict[str, set[str]]] = {"": {}}
    for way in ways:
        for head, key, value in matched(way.config, files, loose):
            told.setdefault(head, {}).setdefault(key, set()).add(value)
        if len(told) > BLOCKS_AT_MOST:
            raise Trouble("failed", f"over {BLOCKS_AT_MOST} Match lines in sshd's configuration")
    for way in () if loose else ways:
        asked = {name: sshd_says(way, name) for name in sshd_asked()}
        everyone = sshd_says(way) if len(told) > 1 else set().union(*asked.values())
        for name, rows in (("", everyone), *((f"for {name}", rows - everyone) for name, rows in asked.items())):
            for key, value in rows:
                told.setdefault(name, {}).setdefault(key, set()).add(value)
    return told


def everybody(told: dict[str, dict[str, set[str]]]) -> Iterator[dict[str, Any]]:
    """Every key by which somebody may log in, as whom: keys of accounts, keys that sign certificates of users (as those of the
    account ``@cert-authority``), and the names in certificates that let in as an account (``principal:NAME``).
    """
    keys_in = sorted(words_of_setting(told, "authorizedkeysfile")) or [".ssh/authorized_keys"]
    principals_in = sorted(words_of_setting(told, "authorizedprincipalsfile"))
    for person in pwd.getpwall():
        yield from keys_of(person, keys_in)
        yield from keys_of(person, principals_in, principal_in)
    signers = pwd.struct_passwd((CERTIFIERS, "x", 0, 0, "", "/", ""))
    yield from keys_of(signers, [one.replace("%", "%%") for one in sorted(words_of_setting(told, "trustedusercakeys"))])


def words_of_setting(told: dict[str, dict[str, set[str]]], key: str) -> set[str]:
    """The words of a setting's values, whomever they are for."""
    return {word for said in told.values() for one in said.get(key, ()) for word in one.split()}


def keys_of(
    person: pwd.struct_passwd, patterns: list[str], mark_in: Callable[[str], str] | None = None
) -> Iterator[dict[str, Any]]:
    """Every key by which an account may log in, or what else ``mark_in`` finds in a line of a file that is root's alone. What
    cannot be read as the file of keys that it should be, a link of the account's own among it, is one key that nobody knows.
    """
    here = {"%%": "%", "%h": person.pw_dir, "%u": person.pw_name, "%U": str(person.pw_uid)}
    for pattern in patterns:
        if pattern == "none":
            continue
        path = re.sub("%[%huU]", lambda found: here[found[0]], pattern)
        path = path if path.startswith("/") else f"{person.pw_dir}/{path}"
        marks: set[str] = set()
        try:
            lines = [line for line in text_led(path).splitlines() if line.strip() and not line.lstrip().startswith("#")]
            if mark_in and lines and others_change(path):  # another's words are told by their hash alone
                lines = ["?"]
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, Trouble):
            lines = ["?"]
        for line in lines:
            marks.add((mark_in or fingerprint_in)(line))
            if len(marks) > KEYS_OF_FILE_AT_MOST:
                marks = {"unreadable"}
                break
        for mark in sorted(marks):
            yield {"user": person.pw_name, "file": path, "fingerprint": mark, "changed": changed_led(path)}


def fingerprint_in(line: str) -> str:
    """The fingerprint of a line's key; ``unreadable`` of one without."""
    blob = key_in(line) or key_in(behind_options(line))
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=") if blob else "unreadable"


def principal_in(line: str) -> str:
    """What a line of a file of principals lets in: its last word, as sshd takes it, options before it."""
    found = PRINCIPAL.fullmatch(line.rsplit(maxsplit=1)[-1])
    return f"principal:{found[0]}" if found else "unreadable"


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
