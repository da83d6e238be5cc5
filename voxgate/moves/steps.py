"""The steps of each move, as argv. Nothing here runs anything: the engine does, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from voxgate.model.installed import BUILDER, BUILDS, STATE
from voxgate.model.release import Release
from voxgate.model.service import Kind, Service
from voxgate.transport.clients.git_asking import LIMITED, SPARING

_SYSTEMCTL = "/usr/bin/systemctl"
PYTHON = "/usr/bin/python3"
UNITS = "/etc/systemd/system"

# A git that was killed, or found something malformed, leaves what it had written: gigabytes, each time. What nobody wrote to for
# ten minutes goes. What git packs anew when it likes has a time of its own, so that the fetch has all of its.
_FETCH = f"""cd "$1" || exit
find "$(git rev-parse --git-path objects)" -maxdepth 2 -type f \\( -name 'tmp_*' -o -name '.tmp-*' \\) -mmin +10 -delete
timeout -k 5 40 git gc --auto --quiet >/dev/null 2>&1
{LIMITED}
exec git {" ".join(f"-c {one}" for one in SPARING)} fetch --quiet --force --prune --no-tags --no-recurse-submodules \\
  origin '+refs/heads/main:refs/remotes/origin/main' '+refs/tags/*:refs/tags/*'
"""

# Git forgets what a checkout made that was cut short: the way back has it know those files first, as of the commit that was
# wanted, and then it takes them away. Not what lies in the place of the installation's, whatever that commit has there.
_PUT_BACK = """
git -C "$1" ls-tree --name-only "$3^{commit}" | grep -ivxE '\\.env\\.(example|sample|template|dist)' |
  grep -qixE '(\\.env.*|\\.venv|dist|builds|node_modules|\\.dist\\.next)' ||
  git -C "$1" read-tree --reset "$3" 2>/dev/null
exec git -C "$1" checkout --quiet --force --detach "$2" --
"""

_BY_ITSELF = ("env", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1")
_READY = Path(__file__).with_name("ready.py").read_text(encoding="utf-8")

_OWED = frozenset({"start", "reset-failed"})
CODE, PACKAGES, DIST = "code", "packages", "dist"
"""What steps change besides units: the files of a checkout, what its lock installed (or a build beside it), what is served."""

# The build is made aside, and takes its place when it is whole: dist may point there. Its manifest stands beside the served
# folder, never in it: sorted, by content, written once complete (rename). The build of this commit may be the one that is served:
# the two change places in one step, by renameat2(2), so that the page is never away; only where a file system cannot, in two.
_MANIFEST = """set -eu
exchange() {
  /usr/bin/python3 -I -S -c 'import ctypes, os, sys
a, b = map(os.fsencode, sys.argv[1:])
sys.exit(ctypes.CDLL(None).renameat2(-100, a, -100, b, 2) != 0)' "$1" "$2" 2>/dev/null
}
cd "$1/builds/.next"
find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum -- > ../.next.sha256
cd ..
rm -rf .before
if [ -e "$2" ] && exchange .next "$2"; then
  mv -T .next .before
else
  if [ -e "$2" ]; then mv -T "$2" .before; fi
  mv -T .next "$2"
fi
mv -T .next.sha256 "$2.sha256"
rm -rf .before
"""

# A real folder cannot be replaced by the rename of a link, so the first publication moves it out of the way: once there is the
# link, for which there may be no room.
_PUBLISH = """set -eu
cd "$1"
test -f "builds/$2/index.html"
ln -sfn "builds/$2" .dist.next
if [ -d dist ] && [ ! -L dist ]; then mv -T dist "builds/before-voxgate"; fi
mv -T .dist.next dist
"""

# True (0) if the build of that commit is there and every file of it is as it was built. A name may have lines of its own, in the
# manifest it has one.
_INTACT = """set -eu
cd "$1/builds/$2"
test "$(find . -type f -printf x | wc -c)" = "$(wc -l < "../$2.sha256")"
sha256sum --check --quiet --strict "../$2.sha256"
"""

# True (0) if releases can be built here, and a build can do no harm: the unit and its program are as they must be and nothing is
# added to them, the account is in no group of anybody's, the gate's state is the deploy account's alone, and nobody
# else writes the service's folder, sudo allows both commands.
_BUILDS = """set -eu
has() { test "$(sha256sum < "$2" 2>/dev/null)" = "$1  -" || { echo "$2 is not there as it must be" >&2; exit 3; }; }
has "$1" "$2"
has "$3" "$4"
found=$(systemctl show --value --property=FragmentPath,DropInPaths,NeedDaemonReload "$6" | tr -s '\\n' ' ')
test "$found" = "$4 no " || test "$found" = "$4  no " || { echo "systemd makes $6 of: $found" >&2; exit 3; }
test "$(id -nG voxbuild)" = voxbuild || { echo "voxbuild is no account, or in other groups than its own" >&2; exit 3; }
for place in /var/lib/voxgate "$7"; do
  case "$(stat -c '%U %a' "$place") $place" in "$(id -un) 700 "* | "$(id -un) 755 $7" | "$(id -un) 750 $7") ;;
    *) echo "$place must be $(id -un)'s, and written by nobody else (/var/lib/voxgate: 0700)" >&2; exit 3 ;;
  esac
done
test -w "$5" || { echo "$5 is not there, or not $(id -un)'s" >&2; exit 3; }
for verb in restart stop; do
  command="/usr/bin/systemctl $verb $6"
  sudo -n -l $command >/dev/null 2>&1 || { echo "sudo does not allow: $command" >&2; exit 3; }
done
"""

# True (0) if sudo allows each verb for each unit, and asks for no password; newer versions of it tell of that. Root needs none.
_ALLOWED = """test "$(id -u)" != 0 || exit 0
for unit; do for verb in restart stop start reset-failed; do
  command="/usr/bin/systemctl $verb $unit"
  said=$(/usr/bin/sudo -n -ll $command 2>&1) || { echo "sudo does not allow: $command: $said" | tr '\\n' ' ' >&2; exit 3; }
  case $said in
    *'!authenticate'*) ;;
    *'Sudoers entry'*)
      /usr/bin/sudo -n -l 2>/dev/null | grep -qE '!authenticate|exempt_group' && continue
      echo "sudo does not allow: $command: it wants a password for that" >&2; exit 3 ;;
  esac
done; done
"""

# True (0) if the build of that commit is what is served.
_SERVED = 'test "$(readlink "$1/dist")" = "builds/$2"'

# True (0) if the console can be published again: the commit is here, and its build is, file by file as it was built.
_REPUBLISHABLE = """set -eu
cd "$1"
git cat-file -e "$2^{commit}" || { echo "git does not have the commit" >&2; exit 3; }
test -f "builds/$2.sha256" || { echo "its build is not kept" >&2; exit 3; }
cd "builds/$2"
test "$(find . -type f -printf x | wc -c)" = "$(wc -l < "../$2.sha256")" || { echo "its build is not whole" >&2; exit 3; }
sha256sum --check --quiet --strict "../$2.sha256" >&2
"""

# ``over FILE OPTIONS WORDS`` has one grep look into that file of all processes whose folders it reads, however many they are: an
# account can start so many that one each would take longer than a step has. Below user@UID.service each account calls its own
# cgroups as it likes, and there is no unit of the system's. A word of complaint, as of a shell that can start nothing more, fails
# it all: what was not looked at is not gone.
_OVER = """exec 3>&1
over() { sed "s|\\$|/$1|" | tr '\\n' '\\0' | xargs -0 -r grep "$2" -e "$3"; }
folders() { sed 's|/[^/]*$||'; }
threads() { while read -r one; do printf '%s\\n' "$one"/task/[0-9]*; done; }
without_users() { over cgroup -LsF /user@ | folders; }
units() { printf '%s\\n' /proc/[0-9]* | over cgroup -lsF "/$1" | folders | without_users; }
wrong=$({ look "$@"; } 2>&1 >&3)
test -z "$wrong" || { printf '%s\\n' "$wrong" >&2; exit 3; }"""

# Prints the processes in the unit's cgroup, wherever it is: nothing where it is gone. The shell itself is in another one.
_LEFT_OVER = f"""look() {{ units "$1" | sed 's|/proc/||'; }}
{_OVER}"""

# The same, each with the word "unit", and every process that says, by any of its threads, that it runs a program of the service's
# folder. Any process can say so: it counts where the kernel says that its account may have what the service dials with (root, the
# owner of the folder, the service's own account), or that it is in a container, with files of its own. Where there is no such
# folder the service's account has no code of it to run. All others are found by the database itself, if they dial: their words
# are not even read, since an account can have the kernel keep waiting whoever reads them.
# Of an account's processes there are at most some tens of thousands, and of their threads as many more at no cost: so these are
# looked at only where the process counts, or where its first thread has ended, of which the older cgroups say nothing.
# The folder is looked for by its path, and by where that leads. It comes without its first slash, and the processes are listed
# first, so that nothing on the way to here finds itself.
_ALIVE = f"""look() {{
  all=$(printf '%s\\n' /proc/[0-9]*)
  unit=$1 folder=$2 own="0|$(id -u)"; shift 2
  if test -d "/$folder"; then
    for account; do if id=$(id -u "$account" 2>/dev/null); then own="$own|$id"; fi; done
  fi
  found=$(units "$unit")
  called=$(printf '/%s/\\n%s/' "$folder" "$(readlink -f "/$folder" || echo "/$folder")")
  theirs=$(printf '%s\\n' "$all" | over status -lsE "^Uid:[[:space:]]+($own)[[:space:]]" | folders | threads)
  ended=$(printf '%s\\n' "$all" | over status -lsE '^State:[[:space:]]+Z' | folders | threads)
  boxed=$(printf '%s\\n' "$all" "$ended" | sed '/^$/d' | over cgroup -lsE '[0-9a-f]{{64}}' | folders | without_users |
    sed 's|/task/.*||' | sort -u | threads)
  said=$(printf '%s\\n' "$theirs" "$boxed" | sed '/^$/d' | sort -u | over cmdline -lsF "$called" | sed 's|/task/.*||' |
    sort -u | grep -vxF -e "$found")
  printf '%s\\n' "$found" | sed -n 's|^/proc/\\(.*\\)|\\1 unit|p'
  printf '%s\\n' "$said" | sed -n 's|^/proc/||p'
}}
{_OVER}"""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a move. ``deadline`` in seconds; ``says`` is what it does, in a word or two. ``finish``: it must come to
    its end even when the run is stopped, as a half-done restart is worse than a late one. ``changes`` is what must be put back
    once it was begun: CODE, PACKAGES, DIST or a unit; empty where nothing must. ``owed``: a step before it has taken away what it
    brings back, and said so, or it changes nothing; it is done also where there is no room to note it, which any account can see
    to.
    """

    argv: tuple[str, ...]
    deadline: float
    says: str
    finish: bool = False
    changes: str = ""
    owed: bool = False


def fetch(service: Service) -> Step:
    """Bring main and the tags that the remote has, and no tag else: a tag that is gone there would stand in the way of one below
    its name. Of another branch nothing is taken. No file of the checkout changes by it.
    """
    return Step(("sh", "-c", _FETCH, "sh", service.folder), 170, "git fetch")


def put_in_place(service: Service, release: Release, wanted: Release | None = None) -> Step:
    """Put the tag's commit, which is on the host, in place: by commit, so that a tag moved meanwhile changes nothing.

    A file edited by hand is overwritten: the release is what the remote says, not what a box was talked into. No setting of the
    host's or the account's has a say in what is written, or with which mode: no filter, no line ends, no sharedRepository.
    On a way back ``wanted`` is what the deploy wanted: what its checkout left, however it ended, goes too.
    """
    argv: tuple[str, ...] = ("git", "-C", service.folder, "checkout", "--quiet", "--force", "--detach", release.commit, "--")
    if wanted is not None and wanted.commit != release.commit:
        argv = ("sh", "-c", _PUT_BACK, "sh", service.folder, release.commit, wanted.commit)
    return Step((*_BY_ITSELF, *argv), 60, "git checkout", changes=CODE)


def is_checkout(service: Service) -> Step:
    """True (0) if the service's folder is a checkout, to fetch into."""
    return Step(("git", "-C", service.folder, "rev-parse", "--git-dir"), 10, "git rev-parse")


def has_commit(service: Service, release: Release) -> Step:
    """True (0) if the commit is on the host, so that going back needs no remote."""
    return Step(("git", "-C", service.folder, "cat-file", "-e", f"{release.commit}^{{commit}}"), 10, "git cat-file")


def intact_build(service: Service, release: Release) -> Step:
    """True (0) if the console's build of that commit is on the host, file by file as it was built."""
    return Step(("sh", "-c", _INTACT, "sh", service.folder, release.commit), 30, "check build")


def is_served(service: Service, release: Release) -> Step:
    """True (0) if the console's build of that commit is what is published."""
    return Step(("sh", "-c", _SERVED, "sh", service.folder, release.commit), 10, "readlink dist")


def way_back_is_here(service: Service, release: Release) -> Step:
    """True (0) if going back to the release needs neither the forge nor a registry."""
    if service.kind is Kind.STATIC:
        argv: tuple[str, ...] = ("sh", "-c", _REPUBLISHABLE, "sh", service.folder, release.commit)
    else:
        argv = (BUILDER, "prove", service.kind, service.build_name, release.commit)
    return Step(argv, 120, f"way back to {release}")


def builds_are_possible(service: Service, builder: str, unit: str) -> Step:
    """True (0) if a release can be built there; ``builder`` and ``unit`` are the sha256 of its two files."""
    spool = f"{BUILDS}/{service.build_name}/in"
    file = f"{UNITS}/{service.build_file}"
    argv = ("sh", "-c", _BUILDS, "sh", builder, BUILDER, unit, file, spool, service.build_unit, service.folder)
    return Step(argv, 15, "build")


def is_allowed(units: Sequence[str]) -> Step:
    """True (0) if the account may do all that a restart of these units needs."""
    return Step(("sh", "-c", _ALLOWED, "sh", *units), 60, "sudo")


def tools_are_here(service: Service, release: Release) -> Step:
    """True (0) if the programs that build it run where a build runs; says which they are, and of which version."""
    return Step((BUILDER, "tools", service.kind, service.build_name, release.commit), 120, "tools of a build")


def is_ready(service: Service) -> Step:
    """True (0) if the moves can write where they must, and the service's account can read what they make."""
    argv = (PYTHON, "-I", "-c", _READY, service.folder, service.user or "", STATE, f"{BUILDS}/{service.build_name}/in")
    return Step(argv, 60, "folders")


def install(service: Service, release: Release) -> tuple[Step, ...]:
    """Build what the lock says, by another account, in a sandbox, and take what came of it, as files; the console's goes into
    a folder of its own that nothing serves yet.
    """
    says = {Kind.PYTHON: "uv sync", Kind.STATIC: "npm ci, npm run build"}[service.kind]
    build = Step((BUILDER, "install", service.kind, service.build_name, release.commit), 700, says, changes=PACKAGES)
    match service.kind:
        case Kind.PYTHON:
            return (build,)
        case Kind.STATIC:
            manifest = ("sh", "-c", _MANIFEST, "sh", service.folder, release.commit)
            return (build, Step(manifest, 30, "manifest", changes=PACKAGES))


def offline(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The same installation from what is on the host already: no registry is asked."""
    return tuple(replace(one, argv=(*one.argv, "--offline")) if one.argv[0] == BUILDER else one for one in steps)


def publish(service: Service, release: Release) -> Step:
    """The console's restart: dist/ becomes the new build in one rename."""
    return Step(("sh", "-c", _PUBLISH, "sh", service.folder, release.commit), 30, "switch dist", finish=True, changes=DIST)


def systemctl(verb: str, unit: str) -> Step:
    """One exact sudo command: ``verb`` is restart, start (of what was stopped), stop or reset-failed."""
    argv, says = ("/usr/bin/sudo", "-n", _SYSTEMCTL, verb, unit), f"{verb} {unit.removesuffix('.service')}"
    return Step(argv, 120, says, finish=True, changes="" if verb == "reset-failed" else unit, owed=verb in _OWED)


def unlimited(unit: str, state: Mapping[str, str]) -> tuple[Step, ...]:
    """What goes before a restart, so that systemd does not refuse it: what was started five times in ten seconds it starts no
    more, also if it was another release that died as it started. An inactive unit may not be loaded, and only a loaded one
    can be reset; what is up, coming up or failed is.
    """
    return () if state.get("ActiveState", "inactive") == "inactive" else (systemctl("reset-failed", unit),)


def left_over(unit: str) -> Step:
    """Which processes are still in the unit's cgroup."""
    return Step(("sh", "-c", _LEFT_OVER, "sh", unit), 15, f"{unit.removesuffix('.service')} gone?")


def alive(unit: str, service: Service) -> Step:
    """Which processes are the unit's (``PID unit``), or say that they run code of the service's folder and may (``PID``), a line
    each.
    """
    accounts = [service.owner, *((service.user,) if service.user else ())]
    argv = ("sh", "-c", _ALIVE, "sh", unit, service.folder.strip("/"), *accounts)
    return Step(argv, 15, f"{unit.removesuffix('.service')} alive?")


def unit_state(unit: str) -> Step:
    """The few properties that tell a start from a failure."""
    names = "ActiveState,SubState,Result,NRestarts,MainPID,InvocationID,ExecMainStatus"
    return Step((_SYSTEMCTL, "show", f"--property={names}", "--", unit), 10, f"{unit.removesuffix('.service')}?")
