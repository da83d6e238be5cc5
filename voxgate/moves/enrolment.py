"""What a host needs before the gate can work there: what root types for each step, and how the deploy account sees it done.
Pure: nothing is run here.

Everything may be done again at any time, and what is as it must be stays as it is. The order is that of the README.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from voxgate.model.estate import Estate, Host, PlacedUnit, Placement
from voxgate.model.installed import BUILDER, BUILDS, PROBE, STATE
from voxgate.model.service import Kind, Service
from voxgate.moves.builder import built as builder
from voxgate.probe import built as probe
from voxgate.probe.places import NAMED_BY_ROOT

SUDOERS = "/etc/sudoers.d/voxgate"
BUILDER_ACCOUNT = "voxbuild"
PROGRAMS = ("sudo", "git", "python3", "ssh-keygen")
UNITS = "/etc/systemd/system"
VERBS = ("restart", "stop", "start", "reset-failed")
_NOLOGIN = "--system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin"

HEAD = """\
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "this is root's to run: sudo bash" >&2; exit 1; }
# put MODE PATH SHA256: the file as it comes on stdin (base64 of gzip), root's, in one step; nothing where it is so already.
put() {
	if [ "$(stat -c %u:%a "$2" 2>/dev/null)" = "0:$1" ] && echo "$3  $2" | sha256sum --check --status; then
		cat >/dev/null
		return
	fi
	mkdir -p "$(dirname "$2")"
	base64 -d | gunzip >"$2.new"
	echo "$3  $2.new" | sha256sum --check --status || { echo "$2 did not come whole" >&2; exit 1; }
	chmod "0$1" "$2.new"
	mv -T "$2.new" "$2"
	echo "$2 is new"
}
# own USER FOLDER: a folder of that account's, if nothing is there. From where others than root may put a link on the way to it,
# by a list of rights too, the account makes it itself. What runs as that account it may look into, and have it read what follows
# here, or type at this terminal: so it has neither.
own() (
	[ ! -d "$2" ] || exit 0
	cd /
	left=${2#/}
	while [ -n "$left" ]; do
		is_roots=$(find . -maxdepth 0 -user 0 ! -perm /002 '(' -group 0 -o ! -perm /020 ')')
		case $(ls -ld .) in ??????????+*) is_roots= ;; esac
		if [ -z "$is_roots" ]; then
			setsid -w runuser -u "$1" -- mkdir -p "$2" </dev/null 2>&1 | cat -v >&2
			exit
		fi
		part=${left%%/*}
		if [ "$part" = "$left" ]; then install -d -o "$1" -g "$1" "$part"; else mkdir -p "$part"; fi
		cd -P "$part"
		left=${left#"$part"}
		left=${left#/}
	done
)
"""
_ROOTS_OWN = ("/opt", "/srv")
"""Folders in which nobody but root puts anything, so that no link of others leads to what lies in one."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a host needs: ``about`` in words, ``do`` what root types, ``done`` a line of sh that ends with 0 where it is
    so, as the deploy account sees it. Where only a person can do it, ``do`` is a comment.
    """

    about: str
    do: str
    done: str


def script(estate: Estate, host: Host, files: Mapping[str, bytes]) -> str:
    """All of it as one script for root's bash. ``files`` are the unit files by name, drop-ins too."""
    head = f"# {host.name} ({host.address}) of the estate {estate.name}, made ready for the gate. Read it; it may run again.\n"
    steps = [f"\n# {need.about}\n{need.do}\n" for need in needs(estate, host, files)]
    return f"#!/bin/bash\n{head}{HEAD}{''.join(steps)}"


def update(estate: Estate, host: Host, files: Mapping[str, bytes]) -> tuple[str, str]:
    """The part of it that brings the programs of this voxgate: the script for root's bash, and the question of the deploy
    account's sh, which ends with 0 where they are there.
    """
    placements = [one for one in estate.placements if one.host == host]
    wanted = [*_folders_elsewhere(estate), *_programs(placements), *_build_units(placements, files)]
    lines = [HEAD, *(need.do for need in wanted), *(["systemctl daemon-reload"] if placements else [])]
    return "\n".join(lines) + "\n", " && ".join(f"{{ {need.done}; }}" for need in wanted)


def checks(estate: Estate, host: Host, files: Mapping[str, bytes]) -> str:
    """A script for the deploy account's sh: for each need, in their order, a line ``done`` or ``left``."""
    lines = [f"if {{ {need.done}; }} >/dev/null 2>&1; then echo done; else echo left; fi" for need in needs(estate, host, files)]
    return "\n".join(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *lines]) + "\n"


def needs(estate: Estate, host: Host, files: Mapping[str, bytes]) -> tuple[Need, ...]:
    """Everything, in the order in which it is done."""
    placements = [one for one in estate.placements if one.host == host]
    units = [one for one in estate.placed_units if one.host == host]
    return (
        Need(
            f"the programs {', '.join(PROGRAMS)}",
            f"for one in {' '.join(PROGRAMS)}; do\n"
            '\tcommand -v "$one" >/dev/null || { echo "$one is not there: install it first" >&2; exit 1; }\ndone',
            " && ".join(f"command -v {one}" for one in PROGRAMS),
        ),
        *_accounts(host, placements),
        *_folders(host, placements),
        *(_folders_elsewhere(estate) if host.probe == "installed" else ()),
        *(_programs(placements) if host.probe == "installed" or placements else ()),
        *_units(placements, units, files),
        _sudo(host, placements, units),
        *(_checkout(estate, one) for one in placements),
        *_by_people(placements),
    )


def commands(host: Host, placements: list[Placement], units: list[PlacedUnit]) -> tuple[str, ...]:
    """What the login account may run as root, word for word."""
    found = [f"/usr/bin/systemctl {verb} {one.unit}" for one in units for verb in VERBS]
    found += [f"/usr/bin/systemctl {verb} {one.service.build_unit}" for one in placements for verb in ("restart", "stop")]
    return (*found, *([f'{PROBE} ""'] if host.probe == "installed" else []))


def _accounts(host: Host, placements: list[Placement]) -> Iterator[Need]:
    users = sorted({one.service.user for one in placements if one.service.user})
    wanted = {host.user: "--create-home --shell /bin/bash --password '*'", **dict.fromkeys(users, _NOLOGIN)}
    if placements:
        wanted[BUILDER_ACCOUNT] = _NOLOGIN
    what = {host.user: "logs in, moves code, restarts units", BUILDER_ACCOUNT: "builds releases, and can do nothing else"}
    for name, options in wanted.items():
        about = f"the account {name}: {what.get(name, 'runs the services')}"
        yield Need(about, f"id -u {name} >/dev/null 2>&1 || useradd {options} {name}", f"id -u {name}")


def _folders(host: Host, placements: list[Placement]) -> Iterator[Need]:
    user = host.user
    yield Need(
        f"what the gate writes down on the host, {user}'s alone",
        f"install -d -m 0700 -o {user} -g {user} {STATE}",
        f'[ -O {STATE} ] && [ "$(stat -c %a {STATE})" = 700 ]',
    )
    for one in placements:
        folder, name = one.service.folder, one.service.build_name
        yield Need(
            f"{one.service.name}: its folder, and where it is built",
            f"own {user} {folder}\ninstall -d {BUILDS}/{name}\ninstall -d -o {user} -g {user} {BUILDS}/{name}/in",
            f"[ -O {folder} ] && [ -w {folder} ] && [ -O {BUILDS}/{name}/in ] && [ ! -O {BUILDS}/{name} ]",
        )


def _folders_elsewhere(estate: Estate) -> Iterator[Need]:
    """On each host, whatever stands there: root's probe is asked everywhere who runs the code of such a folder."""
    if folders := sorted(one.folder for one in estate.services if "--" in one.build_name):
        text = "# The folders outside of /opt's own that services live in: of these alone the probe tells something.\n"
        text += "".join(f"{folder}\n" for folder in folders)
        yield _file(f"the folders of services that are not in /opt: {', '.join(folders)}", 0o644, NAMED_BY_ROOT, text.encode())


def _programs(placements: list[Placement]) -> Iterator[Need]:
    yield _file("the probe: what the gate asks a host", 0o755, PROBE, probe.program())
    if placements:
        yield _file("the program that builds releases", 0o755, BUILDER, builder.program())


def _build_units(placements: list[Placement], files: Mapping[str, bytes]) -> Iterator[Need]:
    for name in sorted({one.service.build_file for one in placements}):
        yield _file(f"the unit file {name}", 0o644, f"{UNITS}/{name}", files[name])


def _units(placements: list[Placement], units: list[PlacedUnit], files: Mapping[str, bytes]) -> Iterator[Need]:
    wanted = {name for one in placements for name in (*one.service.unit_files, one.service.build_file)}
    for name in sorted(wanted):
        yield _file(f"the unit file {name}", 0o644, f"{UNITS}/{name}", files[name])
    names = shlex.join(one.unit for one in units)
    if wanted:
        enable = f"\nsystemctl enable --quiet {names}" if names else ""
        done = f"systemctl is-enabled --quiet {names}" if names else "true"
        yield Need("systemd knows them, and starts them at boot", f"systemctl daemon-reload{enable}", done)


def _sudo(host: Host, placements: list[Placement], units: list[PlacedUnit]) -> Need:
    allowed = commands(host, placements, units)
    text = "# What the gate may do as root: exact commands, no wildcard.\n"
    text += "".join(f"{host.user} ALL=(root) NOPASSWD: {command}\n" for command in allowed)
    do = (
        f"cat >{SUDOERS}.new <<'END'\n{text}END\nvisudo -cqf {SUDOERS}.new\n"
        f"chmod 0440 {SUDOERS}.new\nmv -T {SUDOERS}.new {SUDOERS}"
    )
    asked = [command.removesuffix(' ""') for command in allowed]
    done = " && ".join(f"/usr/bin/sudo -n -l {command}" for command in asked) or "true"
    many = {0: "no command", 1: "this one command"}.get(len(allowed), f"these {len(allowed)} commands")
    return Need(f"sudo for {many}", do, done)


def _checkout(estate: Estate, one: Placement) -> Need:
    folder, url = one.service.folder, estate.repository_url(one.service)
    clone = shlex.join(
        ["setsid", "-w", "runuser", "-u", one.host.user, "--", "git", "clone", "--quiet", "--no-checkout", url, folder]
    )
    return Need(
        f"{one.service.name}: a clone of its repository, for which {one.host.user} needs a key that may read it",
        # What the account's git starts must not have the rest of this script to read, type at root's terminal, or move it.
        f"[ -d {folder}/.git ] || {clone} </dev/null 2>&1 | cat -v >&2 ||"
        f" echo {shlex.quote(f'{url} could not be cloned: do it by hand')} >&2",
        f"[ -d {folder}/.git ]",
    )


def _by_people(placements: list[Placement]) -> Iterator[Need]:
    """What no script can know."""
    kinds = {one.service.kind for one in placements}
    if Kind.PYTHON in kinds:
        about = "uv, installed by root for all accounts, or in the home of the one that deploys"
        places = ("/usr/local/bin/uv", "/usr/bin/uv", "~/.local/bin/uv")
        done = " || ".join(f"[ -x {place} ]" for place in places)
        yield Need(about, "# a person's: /usr/local/bin/uv, as docs.astral.sh/uv says", done)
    if Kind.STATIC in kinds:
        about = "node and npm, installed by root for all accounts, or by nvm in the home of the one that deploys"
        done = "{ command -v node && command -v npm; } || ls ~/.nvm/versions/node/*/bin/npm"
        yield Need(about, "# a person's: apt-get install nodejs npm, or as nodejs.org says", done)
    for one in placements:
        yield from _settings(one.service)


def _settings(service: Service) -> Iterator[Need]:
    if service.required_settings:
        folder, path = service.folder, f"{service.folder}/.env"
        here = "" if folder.rpartition("/")[0] in _ROOTS_OWN else f' && [ "$(pwd -P)" = {folder} ]'
        theirs = f'"root:$(id -gn {service.user})"'
        put = f"umask 137 && dd of=.env.new conv=excl status=none && chown -h {theirs} .env.new && mv -T .env.new .env"
        yield Need(
            f"{service.name}: {path}, root's, 0640 for {service.user}'s group, with {', '.join(service.required_settings)}",
            # The folder is the account's that deploys: no file in it is opened, given or closed where that one's link leads. The
            # service's own account must not write it: systemd's first process reads it, and takes as long as it is long, squared.
            f"# a person's: (cd {folder}{here} && {put})",
            f'case "$(stat -c %U:%a {path})" in root:640 | {service.user}:600) ;; *) false ;; esac',
        )


def _file(about: str, mode: int, path: str, content: bytes) -> Need:
    digest = hashlib.sha256(content).hexdigest()
    text = base64.encodebytes(gzip.compress(content, mtime=0)).decode()
    do = f"put {mode:o} {path} {digest} <<'END'\n{text}END"
    return Need(about, do, f'[ "$(stat -c %u:%a {path})" = 0:{mode:o} ] && echo "{digest}  {path}" | sha256sum --check --status')
