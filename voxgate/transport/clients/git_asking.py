"""How git asks a remote: by which words and protocols, and what it says where it cannot."""

from __future__ import annotations

import re
import shlex
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from voxgate.errors import Unreachable
from voxgate.model.advice import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxgate.model.estate import Estate

# Whoever may push chooses how much comes, and how large a few bytes become. A git that takes objects of a remote makes one pack
# of them, by one thread, and ``LIMITED``, for sh before it, gives it 2 GB of memory and files of 2 GB; what has less keeps that.
SPARING = (
    *("gc.auto=0", "maintenance.auto=false", "fetch.unpackLimit=1", "pack.threads=1", "core.packedGitWindowSize=32m"),
    *("core.packedGitLimit=256m", "core.bigFileThreshold=32m", "core.deltaBaseCacheLimit=64m"),
)
LIMITED = """for limit in v:2097152 f:4194304; do
  if (ulimit "-${limit%:*}" "${limit#*:}") 2>/dev/null; then ulimit "-${limit%:*}" "${limit#*:}"; fi
done"""

# What the remote sends is checked, object by object. The account's own settings are read here: they may name the way there.
ASKING = (
    *SPARING,
    *("fetch.fsckObjects=true", "transfer.fsckObjects=true"),
    *("core.hooksPath=/dev/null", "core.fsmonitor=false", "fetch.writeCommitGraph=false", "fetch.recurseSubmodules=false"),
)
_ASKED = ("ssh", "https")
# Whatever the account's ssh configuration says. A connection that people share may be to somebody else by now, stays after the
# gate with what it holds open, and without its folder there is none at all. No agent and no port of the gate goes to a forge.
_OF_ITS_OWN = (
    *("-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "ForwardAgent=no", "-o", "ClearAllForwardings=yes"),
    *("-o", "PermitLocalCommand=no", "-o", "RemoteCommand=none"),
)
# What git says of any remote that gave it nothing.
_GENERAL = ("fatal: Could not read from remote repository.", "Please make sure you have", "and the repository exists.")
_TELLING = re.compile(r"(fatal|error|ssh|remote|host key|permission denied|.*: permission denied)", re.IGNORECASE)


def protocols(url: str) -> str:
    """What git may speak: that of the remote, and the two that the account's own settings may put in its place."""
    scheme = url.partition("://")[0] if "://" in url else "file" if url.startswith(("/", ".")) else "ssh"
    return ":".join(sorted({*_ASKED, scheme}))


def environment_of(estate: Estate) -> dict[str, str]:
    """What git is given to reach the estate's remotes: its SSH words, no questions, English, nobody else's repository."""
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ServerAliveInterval=5"]
    ssh += [
        "-o",
        f'UserKnownHostsFile="{Path(estate.known_hosts).expanduser()}"',
        "-o",
        "GlobalKnownHostsFile=/dev/null",
    ]
    ssh += ["-o", "UpdateHostKeys=no", "-o", "ConnectTimeout=10", *_OF_ITS_OWN]
    if estate.ssh_config is not None:
        ssh += ["-F", str(Path(estate.ssh_config).expanduser())]
    if estate.identity is not None:
        ssh += ["-i", str(Path(estate.identity).expanduser()), "-o", "IdentitiesOnly=yes"]
    return {
        "GIT_SSH_COMMAND": shlex.join(ssh),
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }


def last_words(stderr: bytes) -> str:
    """The line of git's that says most; ssh's own comes before git's general one."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith(_GENERAL)]
    telling = [line for line in own if _TELLING.match(line)]
    # Before ssh's last word a server may have said its greeting.
    return (telling or own[-1:] or lines or ["git said nothing"])[0]


def _by_hand(url: str, words: Mapping[str, str]) -> str:
    """What stands before a git that a person types: the SSH words that say who asks, and whom."""
    if not url.startswith("ssh://") and ("@" not in url or "://" in url):
        return ""
    ssh = shlex.split(words.get("GIT_SSH_COMMAND", ""))
    named = [pair for pair in pairwise(ssh) if pair[0] in {"-F", "-i"} or pair[1].startswith("UserKnownHostsFile=")]
    plain = (word if " " in word else word.replace('"', "") for word in chain.from_iterable(named))
    return f"GIT_SSH_COMMAND={quoted(shlex.join(['ssh', *plain]))} "


def unreachable(url: str, why: str, words: Mapping[str, str]) -> Unreachable:
    """The error of a remote that gave no answer, with what there is to do about it: to ask it by hand, with the key and the
    known hosts of the ``words`` (``environment_of``) that the gate itself asks with.
    """
    hint = f"try by hand on the gate: `{_by_hand(url, words)}git ls-remote {quoted(url)}`"
    if "Host key verification failed" in why or "host key" in why.lower():
        hint = "its host key is not pinned in the estate's known_hosts: ssh-keyscan, and compare the fingerprint"
    what = "the remote cannot be asked"
    return Unreachable(what, where=url, why=why, hint=hint)
