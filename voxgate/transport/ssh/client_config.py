"""What the SSH client's configuration says of a name: as ssh(1) itself reads it (``ssh -G``: Match exec and final, Include,
canonical names, the system's own file too), and by paramiko's reading of it only where there is no ssh.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from voxgate.errors import Unreachable
from voxgate.redaction.shortening import beginning
from voxgate.transport import local
from voxgate.transport.surroundings import environment

Options = Mapping[str, Any]
"""Texts by lower-case name; ``identityfile`` is a list, with tokens and home put in."""
_DEADLINE = 10.0  # seconds: a Match exec may ask somebody
_TRIED_ANYWAY = re.compile(r"~/\.ssh/id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss)")
_SAID = 300  # characters of what ssh says


class MatchExec:
    """Runs the commands of ``Match exec`` where paramiko reads the configuration: what it has of the package ``invoke``, which
    takes a tenth of all that a look imports, and waits without end.
    """

    @staticmethod
    def run(command: str, **_: object) -> SimpleNamespace:
        """``ok`` is True where a shell ran it well. Raises CommandUnknown where it is not done in time."""
        return SimpleNamespace(ok=local.run(["/bin/sh", "-c", command], deadline=_DEADLINE).exit_status == 0)


def program() -> str | None:
    """ssh(1), None where there is none."""
    return shutil.which("ssh", path="/usr/local/bin:/usr/bin:/bin")


def asked(ssh: str, name: str, where: str, *, file: str | None, port: int | None, user: str | None) -> Options:
    """What ssh makes of ``name``, by ``file`` in place of its own files where one is given; port and user as on its command
    line. Raises Unreachable where it cannot say.
    """
    words = [*(["-F", file] if file else []), *(["-p", str(port)] if port else []), *(["-l", user] if user else [])]
    ended = _ended(ssh, words, name, where)
    if ended.returncode != 0 and b"jumphost loop" in ended.stderr:  # of a jump host that its own block means too
        ended = _ended(ssh, [*words, "-J", "none"], name, where)
    if ended.returncode != 0:
        said = beginning(" ".join(ended.stderr.decode("utf-8", "replace").split("\n", 1)[0].split()), _SAID)
        what = "the SSH configuration cannot be read"
        raise Unreachable(what, where=file or "~/.ssh/config", why=said or f"ssh -G {name} ended with {ended.returncode}")
    found: dict[str, Any] = {}
    files: list[str] = []
    for line in ended.stdout.decode("utf-8", "replace").splitlines():
        key, _, value = line.partition(" ")
        if key == "identityfile":
            files.append(value)
        else:
            found.setdefault(key, value)
    tokens = _tokens(name, found)
    found["identityfile"] = [_filled(one, tokens) for one in files if not _TRIED_ANYWAY.fullmatch(one) or _is_there(one)]
    if (command := found.pop("proxycommand", "none")).lower() != "none":
        found["proxycommand"] = _filled(command, tokens)
    return found


def _ended(ssh: str, words: list[str], name: str, where: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [ssh, "-G", *words, "--", name],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_DEADLINE, check=False, env=environment(ssh=True),
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        what, why = f"the SSH configuration of {name} cannot be used", f"ssh -G was not done within {_DEADLINE:g} s"
        raise Unreachable(what, where=where, why=why, hint=f"ssh -G {name}") from error
    except OSError as error:
        raise Unreachable("ssh cannot be asked", where=where, why=f"{ssh}: {error.strerror or error}") from error


def _is_there(path: str) -> bool:
    return Path(path).expanduser().exists()


def _tokens(name: str, found: Options) -> dict[str, str]:
    """What ssh puts in for ``%h`` and its like."""
    local = socket.gethostname()
    return {
        "%%": "%", "%h": found.get("hostname", name), "%n": name, "%k": found.get("hostkeyalias", name),
        "%p": found.get("port", "22"),
        "%r": found.get("user", ""), "%u": getpass.getuser(), "%d": str(Path.home()), "%i": str(os.getuid()),
        "%l": local, "%L": local.partition(".")[0],
    }  # fmt: skip


def _filled(text: str, tokens: Mapping[str, str]) -> str:
    """Tokens and ``${VARIABLES}`` put in; what is none stays."""
    text = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], found[0]), text)
    return re.sub("%.", lambda found: tokens.get(found[0], found[0]), text)
