"""What mends a host, by the words with which it says no: the probe's where nobody could look; and where a move was refused
Python's, git's and env's for an errno, which are asked for in English (``transport.ssh.begin``), and those of the gate's own
programs. Each command can be followed as it is written.

What a host said may be any text: the account that deploys says it, or a release that was built there. A hint is typed by whoever
is root. So of the probe's words only numbers and names of a closed list come into it. Of a move's each path stands in it as one
word; rights are given only in the gate's own places, and on no way to root; what is read, moved or changed in a folder of that
account's is so by itself, as a link in it may lead anywhere; and sudo is told of no command but those that the gate itself
asks for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

from voxgate.model.advice import quoted
from voxgate.model.estate import Host
from voxgate.model.installed import BUILDER, BUILDS, INSTALL_BUILDER, STATE
from voxgate.model.service import build_name
from voxgate.survey.commands import let_through
from voxgate.transport.ssh import sudo

_PATH = re.compile("['\"\u2018](/[^'\"\u2018\u2019]+)['\"\u2019]|(/[\\w./@+-]+)")
_NO_SUCH_PROGRAM = re.compile("No such file or directory: '(?P<py>[^']+)'|env: .(?P<env>[^'\u2019]+). *: No such file")
_ONLY_OURS = re.compile(r"(?:uv|node|npm) is there for this account alone, in (/[\w./@+-]+):", re.ASCII)
_COMMAND = re.compile(
    r"sudo does not allow: (/usr/bin/systemctl (?:restart|stop|start|reset-failed)) ([\w@.-]+)(?=[:\s]|$)", re.ASCII
)
INSTALL_UV = (
    "`sudo apt-get install -y curl`, "
    "`curl -LsSf https://astral.sh/uv/install.sh | sudo env UV_INSTALL_DIR=/usr/local/bin UV_NO_MODIFY_PATH=1 sh`"
)
"""For all accounts, builds too; a plain Debian has no curl, which the installer fetches by."""
_OF_NODE = "bin/node bin/npm bin/npx lib/node_modules/npm"
_ANYBODYS = "--no-same-owner --no-same-permissions"
_GIVEN = "\\( -user root -group root -o -perm -004 \\)"
"""What root left, or all may read: another's private file, or settings that root put there for a service's group, that account
may have moved there itself, to be given it.
"""
_READ = 8192  # the last characters that are read of what a host said where a move was refused: its own part tells no more
_PACKAGES = {"python3": "python3", "git": "git", "sudo": "sudo"}


@dataclass(frozen=True, slots=True)
class _Said:
    """What a host said, to which account of it, about which checkout ("" for none)."""

    words: str
    user: str
    folder: str
    units: frozenset[str] = frozenset()

    @property
    def path(self) -> str:
        """The path that is named."""
        found = _PATH.search(self.words.partition(" cannot ")[2] or self.words)
        return (found[1] or found[2]) if found else STATE

    @property
    def place(self) -> str:
        """The same as one word of a shell."""
        return quoted(self.path)

    def is_in(self, *folders: str) -> bool:
        """True if that is one of these folders, or in it."""
        return ".." not in self.path.split("/") and any(f"{self.path}/".startswith(f"{one}/") for one in folders if one)

    @property
    def builds(self) -> str:
        """What the account that deploys has of the place of its builds."""
        return f"{BUILDS}/{build_name(self.folder)}/in" if self.folder else ""


def for_look(said: str) -> str:
    """What mends what the probe said where it could not look, "" where nobody knows."""
    return next((hint.format(**found.groupdict()) for words, hint in _OF_PROBE if (found := words.search(said))), "")


def for_move(said: str, host: Host, folder: str = "", units: Collection[str] = ()) -> str:
    """What to do on ``host`` about what it said where a move, or a note of the gate's, was refused; "" where nobody knows.
    ``folder`` is the checkout that it is about, ``units`` those that the account must be able to restart.
    """
    said = said[-_READ:]
    asked = _Said(said, host.user or "ACCOUNT", folder, frozenset(units))
    return next((hint(asked) for words, hint in _OF_MOVES if words in said), "")


def _look(said: _Said) -> str:
    return f"look at who may do what there: `namei -l {said.place}`"


def _no_room(said: _Said) -> str:
    return f"make room there, of bytes and of inodes: `df -h {said.place}`; `df -i {said.place}`"


def _not_ours(said: _Said) -> str:
    if said.is_in(STATE):
        return f"`sudo install -d -m 0700 {STATE} && sudo find {STATE} {_GIVEN} -execdir chown -h {said.user}: {{}} +`"
    if not said.is_in(said.folder, said.builds):
        return _look(said)
    if f" of {said.user})" in said.words:
        return f"`sudo -u {said.user} chmod u+rwX {said.place}`"
    top = said.folder if said.is_in(said.folder) else said.builds
    return f"`sudo find {top} ! -user {said.user} ! -name '.env*' {_GIVEN} -execdir chown -h {said.user}: {{}} +`"


def _read_only(said: _Said) -> str:
    place = next((one for one in (STATE, said.folder, said.builds) if said.is_in(one)), "")  # by itself: below it may be a link
    if not place:
        return f"look at why it may only be read: `findmnt -T {said.place}`; `dmesg | tail`"
    return f'`sudo mount -o remount,rw "$(findmnt -n -o TARGET -T {place})"`; `dmesg | tail` says why it became so'


def _not_there(said: _Said) -> str:
    found = _NO_SUCH_PROGRAM.search(said.words)
    program = (found["py"] or found["env"]) if found else ""
    if package := _PACKAGES.get(program.rpartition("/")[2]):
        return f"`sudo apt-get install -y {package}`"
    if program == BUILDER:
        return f"`{INSTALL_BUILDER}`"
    return f"look at what is missing there: `namei -l {said.place}`"


def _wrong_kind(said: _Said) -> str:
    if not said.is_in(STATE, said.folder, said.builds):
        return f"something else has that name: look at it: `ls -ld {said.place}`"
    aside = quoted(f"{said.path}.aside")
    return f"something else has that name: look at it, and move it away: `sudo -u {said.user} mv -T {said.place} {aside}`"


def _no_process(said: _Said) -> str:
    return f"too many processes, or too little memory: `ps -u {said.user}`; `free -m`"


def _broken_disk(said: _Said) -> str:
    return f"its disk fails: `dmesg | tail`; `findmnt -T {said.place}`"


def _only_ours(said: _Said) -> str:
    found = _ONLY_OURS.search(said.words)
    folder = found[1] if found else ""
    if not folder.startswith("/home/") or ".." in folder or not said.folder:  # a build's place, and not its home
        return _not_installed(said)
    if "uv is there" in said.words:
        return f"`sudo -u {said.user} cat {folder}/uv | sudo install -m 0755 /dev/stdin /usr/local/bin/uv`"
    if "/.nvm/" in folder or "/fnm/" in folder:
        # Nothing beside node and npm comes to where root's programs are found first, and no device of a file system of its own.
        packed = f"sudo -u {said.user} tar -C {folder.removesuffix('/bin').partition('/lib/node_modules/')[0]} -cf - {_OF_NODE}"
        return f"`{packed} | sudo setpriv --bounding-set -all tar -C /usr/local -xf - {_ANYBODYS} {_OF_NODE}`"
    return "`sudo apt-get install -y nodejs npm`"


def _not_installed(said: _Said) -> str:
    if "uv is " in said.words:
        return INSTALL_UV
    return "`sudo apt-get install -y nodejs npm`"


def _not_read(said: _Said) -> str:
    if said.is_in(said.folder):
        which = "! -type l ! -name '.env*' ! -path '*/.git/config'"
        return f"`sudo -u {said.user} find {said.folder} -user {said.user} {which} -exec chmod o+rX {{}} +`"
    return let_through(said.path) if f"{said.folder}/".startswith(f"{said.path}/") else _look(said)


def _closed_by_default(said: _Said) -> str:
    return f"`sudo -u {said.user} setfacl -R -k {said.place}`" if said.is_in(said.folder) else _look(said)


def _no_rule(said: _Said) -> str:
    found = _COMMAND.search(said.words)
    if found is None or found[2] not in said.units:
        return f"look at what sudo lets it do: `sudo -l -U {said.user}`"
    return sudo.hint(f"{found[1]} {found[2]}", f"{said.words} not allowed", said.user)


_SYSTEMD = "systemd does not answer there: look at the host's console, then `systemctl reboot --force`"
_OF_PROBE = (
    (re.compile(r"(?:^|/| )(?P<name>git|openssl|python3|sudo) is not installed$"), "`apt-get install -y {name}`"),
    (re.compile(r"\bsystemctl [a-z-]+ (?:ended with|was not done)"), _SYSTEMD),
    (
        re.compile(r"/proc/1/cgroup: No such file"),
        "/proc hides processes there, from root too: `mount -o remount,hidepid=0 /proc`; a unit or /etc/fstab says hidepid",
    ),
    (
        re.compile(r"something is mounted over (?P<name>/proc/[0-9]{1,10}): it hides a process"),
        "`umount {name}`, and look for who mounted it",
    ),
    (
        re.compile(r"No space left on device|Disk quota exceeded"),
        "make room there, of bytes and of inodes: `df -h`; `df -i`; `journalctl --vacuum-size=100M`",
    ),
    (
        re.compile(r"(?:^|: )not done after [0-9]{1,4} s$"),
        "that host is too slow, or what it was asked hangs there: `uptime`; `systemctl is-system-running`; `dmesg | tail`",
    ),
    (
        re.compile(r"[0-9]{1,9} folders were searched in [0-9]{1,4} s, and that was not all of them$"),
        "look again: what was found out there is kept, and each look goes on from it; if it is no further then: `uptime`",
    ),
    (
        re.compile(r": a value of \.env was cut out of it$"),
        "a value of a .env on that host is a word that stands there too: take that key out of .env, or give it another value",
    ),
)

_OF_MOVES: tuple[tuple[str, Callable[[_Said], str]], ...] = (
    ("sudo does not allow: ", _no_rule),
    ("is there for this account alone", _only_ours),
    ("is not installed for all accounts", _not_installed),
    (" cannot enter /", _not_read),
    (" cannot read /", _not_read),
    ("could not read new files", _closed_by_default),
    ("No space left on device", _no_room),
    ("Disk quota exceeded", _no_room),
    ("no room for", _no_room),
    ("Permission denied", _not_ours),
    ("Operation not permitted", _not_ours),
    ("Read-only file system", _read_only),
    ("No such file or directory", _not_there),
    ("Not a directory", _wrong_kind),
    ("File exists", _wrong_kind),
    ("Is a directory", _wrong_kind),
    ("Resource temporarily unavailable", _no_process),
    ("Cannot allocate memory", _no_process),
    ("Input/output error", _broken_disk),
)
