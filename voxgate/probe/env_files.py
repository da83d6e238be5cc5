"""The .env of a service: names of keys, never a value, and by what a value is told from another."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from contextlib import suppress
from typing import Any

from voxgate.probe.accounts import account, caller, seeing_as
from voxgate.probe.base import SMALL_FILE, Trouble
from voxgate.probe.folder import Folder
from voxgate.probe.reading import taken
from voxgate.probe.request import ENV, Service
from voxgate.probe.rights import ACL, MAY_READ, may_besides

KINDS = {stat.S_IFREG: "regular", stat.S_IFLNK: "link", stat.S_IFDIR: "folder"}
PLACEHOLDER = re.compile(
    r"change[-_ ]?me|replace[-_ ]?me|placeholder|<[^<>]*>"
    r"|^(?:x{3,}|todo\b.*|tbd|fixme|example|dummy|none|null|secret|password|your[-_ ].*|insert[-_ ].*|\.{3,}|-+|\?+)$",
    re.IGNORECASE,
)
# What a setting may be called: words of one case with few digits. The last line of a key in base64 ends with ``=`` too.
WORD_OF_NAME = r"(?:[0-9]{0,2}(?:[A-Z]{1,24}|[A-Z]?[a-z]{1,24}(?:[A-Z][a-z]{2,24}){0,4})[0-9]{0,4}|[0-9]{1,4})"
NAME_OF_SETTING = re.compile(rf"_{{0,2}}{WORD_OF_NAME}(?:_{{1,2}}{WORD_OF_NAME}){{0,15}}_?", re.ASCII)
NO_NAME = "(a name that is not told)"
SETTING = re.compile(r"[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
BLANKS = re.compile(r"[ \t]*")
TO_QUOTE = re.compile(r"[^\"\\]*(\"|\\[\s\S]|\Z)")
SAYS_SECRET = re.compile(r"secret|token|pass|pwd|key|credential|auth|pin|dsn", re.IGNORECASE)
MARKED_AT_LEAST = 16  # letters of a secret
NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?", re.ASCII)
ADDRESS = re.compile(r"([a-z][a-z0-9+]*)://(?:[^/?#@]*@)?([^/?#@]+)((?:/[^?#@]*)?)(?:[?#][^@]*)?", re.ASCII | re.DOTALL)
TO_END = re.compile(r"[^\n\r\\]*(\\[\s\S]|[\s\S]|\Z)")
NEXT_LINE = re.compile(r"[^\n\r]*[\n\r]*")  # systemd has both for the end of a line, wherever the other is


def settings(text: str) -> dict[str, str]:
    """Keys and values as systemd's EnvironmentFile reads them: comments, quotes, escapes, lines that continue. Each letter is
    looked at once or twice, and nothing is kept for the way back: a file may be all backslashes.
    """
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        line = SETTING.match(text, at)
        if line:
            pieces: list[str] = []
            at = line.end()
            while (end := quoted(text, at, pieces)) > at:
                at = end
            end = end_of_line(text, at)
            found[line.group(1)] = "".join(pieces) + unescaped(text[at:end], r"\s\S").strip()
            at = end
        line = NEXT_LINE.match(text, at)
        at = line.end() if line else len(text)
    return found


def quoted(text: str, at: int, pieces: list[str]) -> int:
    """Where the quoted text ends that stands here, and itself into ``pieces``; the same place where none stands."""
    blanks = BLANKS.match(text, at)
    start = blanks.end() if blanks else at
    if text.startswith("'", start):
        end = text.find("'", start + 1)
        if end >= 0:
            pieces.append(text[start + 1 : end])
    elif text.startswith('"', start):
        end = start + 1
        while step := TO_QUOTE.match(text, end):
            end = step.end()
            if step.group(1) == '"':
                pieces.append(unescaped(text[start + 1 : end - 1], '\n"\\\\`$'))
                return end
            if not step.group(1):
                break
        end = -1
    else:
        return at
    return end + 1 if end >= 0 else at


def end_of_line(text: str, at: int) -> int:
    """Where a line ends that goes on behind an escaped end."""
    while step := TO_END.match(text, at):
        if len(step.group(1)) < 2:
            return step.start(1)  # a line's end, the text's, or a backslash before that
        at = step.end()
    return at


def is_placeholder(value: str) -> bool:
    """True for what stands where a value is still to be put."""
    if PLACEHOLDER.search(value):
        return True
    ways = (("{{", "}}"), ("${", "}"))
    return any(end in line.partition(start)[2] for line in value.split("\n") for start, end in ways if start in line)


def unescaped(text: str, letters: str) -> str:
    """Text without the backslashes before ``letters``; an escaped end of line is nothing at all."""
    return re.sub(f"\\\\([{letters}])", lambda found: found.group(1).strip("\n\r"), text)


class Env:
    """A service's ``.env``, read once: what stands in it and what the file is are of one descriptor, so of one file, whatever
    has its name a moment later. No link is followed, and nothing but a file is opened. Raises OSError, Trouble.
    """

    def __init__(self, folder: Folder, name: str = ENV) -> None:
        self.path = f"{folder.path}/{name}"
        self.content = self.access = b""
        try:
            place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder.fd)
            try:
                self.found = os.fstat(place)  # before it is read: what is written meanwhile makes it another than was noted
                with suppress(OSError):
                    self.access = os.getxattr(f"/proc/self/fd/{place}", ACL)
                self.callers = stat.S_ISREG(self.found.st_mode) and readable_for_caller(place)
                if stat.S_ISREG(self.found.st_mode):
                    with open(os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                        self.content = taken(file, SMALL_FILE, self.path)
            finally:
                os.close(place)
        except OSError as error:
            error.filename = self.path
            raise

    def settings(self) -> dict[str, str]:
        """Its keys and values. Raises Trouble where it is no file or no text."""
        if not stat.S_ISREG(self.found.st_mode):
            raise Trouble("failed", f"{self.path}: not a regular file")
        try:
            return settings(self.content.decode())
        except UnicodeDecodeError:
            raise Trouble("unparsable", f"{self.path}: not UTF-8") from None

    def told(self, name: str) -> str:
        """A name in it as it may be told: to who may not read the file only what a setting may be called. Another account's file
        can be moved here, and a row of that is content.
        """
        return name if self.callers or NAME_OF_SETTING.fullmatch(name) else NO_NAME

    def written_by(self, uid: int) -> bool:
        """True where this account could have written what stands in it: it is its own, or others than its owner may write it
        (the mask of an access list stands where the group's rights do), or it has another name elsewhere, or none any more.
        """
        return self.found.st_uid == uid or bool(self.found.st_mode & 0o022) or self.found.st_nlink != 1

    def readers(self) -> list[str]:
        """Who may read it besides its owner and root. Where everybody may, the mode says it."""
        return sorted(may_besides(self.found, self.access, MAY_READ))

    def mark(self) -> list[int]:
        """What it is known again by."""
        return [self.found.st_dev, self.found.st_ino, self.found.st_size, self.found.st_mtime_ns, self.found.st_ctime_ns]


def readable_for_caller(place: int) -> bool:
    """True for a file, held as a place, that who asks may read himself."""
    with suppress(OSError, Trouble), seeing_as(caller()):
        os.close(os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        return True
    return False


def check_digits(value: str) -> str:
    """Three hexadecimal digits of a value's hash, as the last digits of a card: two values with the same are nearly always the
    same, and whoever guesses learns as good as nothing, as one in 4096 guesses fits. No key is in it, and nothing that the asker
    chooses: asked again it tells no more.
    """
    return hashlib.sha256(b"voxgate " + value.encode(errors="surrogateescape")).hexdigest()[:3]


def check_digits_of(pairs: dict[str, str]) -> dict[str, str]:
    """The check digits of each value. Of an address only scheme, host and path count, so no account and no password; its path
    alone stands at ``NAME/``. A number is the same however it is written. Of a secret too short to be told from others without
    telling it nothing is told.
    """
    found = {}
    for name, value in pairs.items():
        plain = value.strip()
        address = ADDRESS.fullmatch(plain)
        if address:
            scheme, host, path = address.groups()
            found[f"{name}/"] = check_digits(path.strip("/"))
            plain = f"{scheme}://{host.lower().rstrip('.')}{path.rstrip('/')}"
        elif NUMBER.fullmatch(plain):
            plain = repr(float(plain))
        if address or not SAYS_SECRET.search(name) or len(plain) >= MARKED_AT_LEAST:
            found[name] = check_digits(plain)
    return found


def env_file(service: Service) -> dict[str, Any]:
    """The ``.env`` of a service, its first: what kind of file it is, and the names of its keys. Never a value."""
    absent = {"kind": "absent", "mode": "", "owner": "", "keys": [], "empty": [], "placeholder": [], "changed": 0.0,
              "digits": [], "readers": []}  # fmt: skip
    with Folder(service.folder) as root:
        if root.stat(service.envs[0]) is None:
            return absent
        env = Env(root, service.envs[0])
    fact = {
        **absent,
        "kind": KINDS.get(stat.S_IFMT(env.found.st_mode), "special"),
        "mode": f"{stat.S_IMODE(env.found.st_mode):04o}",
        "owner": account(env.found.st_uid),
        "changed": env.found.st_ctime,
        "readers": env.readers(),
    }
    if fact["kind"] == "regular":
        pairs = env.settings()
        fact["keys"] = sorted({env.told(key) for key in pairs})
        fact["empty"] = sorted({env.told(key) for key, value in pairs.items() if not value.strip()})
        known = {key: value for key, value in pairs.items() if value.strip() and key in service.required_settings}
        fact["digits"] = sorted(f"{digits} {name}" for name, digits in check_digits_of(known).items())  # no value of a name
        fact["placeholder"] = sorted({env.told(key) for key, value in pairs.items() if is_placeholder(value.strip())})
    return fact
