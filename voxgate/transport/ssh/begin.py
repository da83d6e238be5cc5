"""How a command begins on a host: in one environment, whatever shell the account has, and whatever starts with it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from voxgate.redaction.shortening import ending
from voxgate.transport.ssh.failures import NotBegun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxgate.model.estate import Host

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What is kept of the account's own environment: who it is, its way to the forge, and no more. So no GIT_DIR, PYTHONPATH,
# LD_PRELOAD, BASH_ENV or locale of a startup file, of PAM or of ~/.ssh/environment reaches what the gate runs.
_KEPT = (
    *("HOME", "USER", "LOGNAME", "SSH_CONNECTION", "SSH_AUTH_SOCK", "KRB5CCNAME", "XDG_CONFIG_HOME"),
    *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "SSH_ASKPASS"),
    *("GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE"),
    *(name for word in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY") for name in (word, word.lower())),
)
# No single quote, backslash, exclamation mark or new line: so bash, dash, zsh, fish, ksh and csh read it alike. The command
# itself comes in octal where it has such a character. The word is said on both streams, and only then it begins.
_GIVEN = " ".join(f'${{{name}+"{name}=${name}"}}' for name in _KEPT)
_ENTRY = (
    'umask 022; eval "set -- $(printf %b "$1")"; echo "$0"; echo "$0" >&2; '
    f'exec /usr/bin/env -i PATH={PATH} LC_ALL=C.UTF-8 {_GIVEN} "$@"'
)
_PLAIN = frozenset(range(0x20, 0x7F)) - set(b"'\\!")
_QUOTED = 200  # characters of what somebody else printed, as far as it is shown
_RESTRICTED = ("restricted", "not available", "nologin")


def command_line(command: Sequence[str] | str, mark: str) -> str:
    """The one place where remote words are quoted: a line for the account's shell, whichever it is, by which ``command`` runs
    with umask 022, a fixed PATH, LC_ALL=C.UTF-8 and little else; ``mark`` stands alone in a line of stdout and stderr before
    all that it says itself. A ``str`` is a line for /bin/sh.
    """
    words = ("/bin/sh", "-c", command) if isinstance(command, str) else command
    line = shlex.join(words).encode("utf-8", "surrogateescape")
    octal = "".join(chr(one) if one in _PLAIN else f"\\0{one:03o}" for one in line)
    return f"/bin/sh -c '{_ENTRY}' {mark} '{octal}'"


class Opening:
    """What comes on one stream before the command's own words."""

    def __init__(self, mark: str) -> None:
        """``mark`` as in ``command_line``."""
        self.noise = bytearray()
        self.over = False
        self._mark = f"{mark}\n".encode()

    def behind(self, data: bytes) -> bytes:
        """What is the command's own of what came."""
        if self.over:
            return data
        seen = max(0, len(self.noise) - len(self._mark))  # it is no whole mark: a host may send it letter by letter
        self.noise.extend(data)
        at = self.noise.find(self._mark, seen)
        if at < 0:
            return b""
        self.over, own = True, bytes(self.noise[at + len(self._mark) :])
        del self.noise[at:]
        return own


def not_begun(host: Host, status: int | None, noise: bytes) -> NotBegun:
    """The error of a command that was never begun. ``status`` is the shell's own, None while it still runs."""
    said = ending(" ".join(noise.decode("utf-8", "replace").split()), _QUOTED)
    ended = "it still runs" if status is None else f"it ended with {status}"
    why = f"{ended} and said: {said}" if said else f"{ended} and said nothing"
    hint = (
        "what its startup files do for a terminal they must not do for a command: as the first line of ~/.bashrc: "
        "case $- in *i*) ;; *) return ;; esac"
    )
    if any(word in said for word in _RESTRICTED):
        hint = f"it needs a shell that runs any command: `usermod -s /bin/bash {host.user or 'ACCOUNT'}`"
    return NotBegun("the account's shell did not begin the command", where=host.name, why=why, hint=hint)
