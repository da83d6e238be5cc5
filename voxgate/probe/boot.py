"""What the next boot starts, read from the disk alone."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any, Iterable

from voxgate.probe.base import Trouble
from voxgate.probe.begun import begun_as_root
from voxgate.probe.dpkg import vouched_for
from voxgate.probe.starting import started_by_others
from voxgate.probe.text import behind, files_in, resolved, unit_lines
from voxgate.probe.unit_folders import LINKING, UNIT_FOLDERS, commands_in, folders_beside, specified, template_of

GENERATORS = tuple(f"{folder}/systemd/system-generators" for folder in ("/etc", "/usr/local/lib", "/usr/lib"))
RUNLEVELS = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d")
NEEDED = re.compile(r"^[ \t]*(?:Wants|Requires|BindsTo|Upholds)[ \t]*=[ \t]*(.*)$", re.MULTILINE)
ENDED = re.compile(r"^[ \t]*On(?:Success|Failure)[ \t]*=[ \t]*(.*)$", re.MULTILINE)
TRIGGERED = re.compile(r"^[ \t]*(?:Unit|Service)[ \t]*=[ \t]*(\S+)", re.MULTILINE)
ACCEPTING = re.compile(r"^[ \t]*Accept[ \t]*=[ \t]*(?:yes|true|on|1)[ \t]*$", re.MULTILINE | re.IGNORECASE)
ENVIRONMENT_SAID = re.compile(r"^[ \t]*Environment[ \t]*=(.*)$", re.MULTILINE)
KEYS_OF_UNIT = re.compile(r"^[ \t]*([A-Za-z]+)[ \t]*=", re.MULTILINE)
# What a drop-in may say without becoming another program: when and how often, with how much, with how few rights.
TUNING = re.compile(
    r"Description|Documentation|After|Before|Wants|Requires|Conflicts|PartOf|On(?:Success|Failure)|Condition\w+|Assert\w+|StartLimit\w+"
    r"|DefaultDependencies|Restart\w*|Timeout\w+|Watchdog\w+|Limit\w+|Memory\w+|CPU\w+|IO\w+|Tasks\w+|Nice|OOM\w+|Slice|Delegate"
    r"|Environment|Log\w+|Syslog\w+|Standard(?:Output|Error)|Private\w+|Protect\w+|Restrict\w+|NoNewPrivileges|LockPersonality"
    r"|CapabilityBoundingSet|SystemCall\w+|IPAddress\w+|UMask|KillMode|KillSignal|SendSIGKILL|Accuracy\w+|RandomizedDelay\w+"
)
# Variables that make no other program of one: what they say is no code, and no way to any.
PLAIN_COMMAND = re.compile(
    r"(?i:(?:https?|ftp|all|no)_proxy)=.*|(?:TZ|LANG|LANGUAGE|LC_[A-Z]+)=[\w.,:@/+-]*"
    r"|(?!LD_|PYTHON|PERL|RUBY|NODE|BASH|IFS=|\w*(?:PATH|DIR|FILE|CONF|OPT|ENV|HOME|INIT|MODULE|PLUGIN|SHELL))\w+="
    r"(?:[0-9]{0,18}[kKmMgG%]?|(?i:yes|no|true|false|on|off|trace|debug|info|notice|warn(?:ing)?|err(?:or)?))",
    re.ASCII,
)
BY_SNAP = re.compile(r"/usr/bin/snap run (?:--\S+ )*[a-z0-9][a-z0-9.-]*")


class Boot:
    """The unit folders as the next boot will find them: whatever systemd has loaded, and without /run, which is empty then."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.inside: dict[str, dict[str, str]] = {}
        self.same: dict[str, set[str]] = {}
        self.texts: dict[str, str] = {}
        for folder in dict.fromkeys(os.path.realpath(path) for path in UNIT_FOLDERS):
            if folder.startswith("/run/"):
                continue
            for path in files_in(folder):
                name = os.path.basename(path)
                if name.endswith((*LINKING, ".d")):
                    for inner in files_in(path):  # of one name the stronger folder's counts
                        self.inside.setdefault(name, {}).setdefault(os.path.basename(inner), inner)
                elif name not in self.files:
                    self.files[name] = path
                    self.same.setdefault(resolved(path), set()).add(name)

    def fragment(self, unit: str) -> str:
        """The file that makes a unit: its own, else its template's; empty for none."""
        return self.files.get(unit) or self.files.get(template_of(unit), "")

    def names(self, unit: str) -> list[str]:
        """Every name by which folders beside it speak to a unit: its own and its aliases', its template's, those of their
        beginnings, that of its kind.
        """
        aliases = sorted(self.same.get(resolved(self.files[unit]), ())) if unit in self.files else []
        return list(dict.fromkeys(name for one in (unit, *aliases) for name in folders_beside(one)))

    def beside(self, unit: str, ending: str) -> list[str]:
        """The files in the folders beside a unit, masked ones left out."""
        found: dict[str, str] = {}
        for name in self.names(unit):
            for inner, path in self.inside.get(f"{name}{ending}", {}).items():
                found.setdefault(inner, path)
        return [path for path in found.values() if not masked(path)]

    def paths(self, unit: str) -> list[str]:
        """What makes a unit, all of it: fragment and drop-ins."""
        drop_ins = [path for path in self.beside(unit, ".d") if path.endswith(".conf")]
        return [path for path in (self.fragment(unit), *drop_ins) if path]

    def text(self, path: str) -> str:
        """A unit file's rows, each file read once."""
        if path not in self.texts:
            self.texts[path] = unit_text(path)
        return self.texts[path]

    def commanding(self, unit: str) -> list[str]:
        """Those of its files that have rows of commands."""
        return [path for path in self.paths(unit) if commands_in(self.text(path).split("\n"))]

    def needed(self, unit: str) -> dict[str, str]:
        """The units that a unit starts, and the link or file that says so."""
        found: dict[str, str] = {}
        for path in (path for ending in LINKING for path in self.beside(unit, ending)):
            if os.path.islink(path):
                found.setdefault(os.path.basename(path), path)
        for path in self.paths(unit):
            for words in NEEDED.findall(self.text(path)):
                for word in words.split():
                    found.setdefault(specified(word, unit), path)
        return found

    def triggered(self, unit: str) -> dict[str, str]:
        """The units that start when one has ended, and the one that a timer, a path or a socket starts when its time comes."""
        stem, _, kind = unit.rpartition(".")
        texts = {path: self.text(path) for path in self.paths(unit)}
        rows = [(path, words) for path, text in texts.items() for words in ENDED.findall(text)]
        ended = {specified(word, unit): path for path, words in rows for word in words.split()}
        if kind not in {"timer", "path", "socket"}:
            return ended
        said = {specified(word, unit): path for path, text in texts.items() for word in TRIGGERED.findall(text)}
        each = any(ACCEPTING.search(text) for text in texts.values())
        return {**ended, **(said or {f"{stem}@.service" if each else f"{stem}.service": self.fragment(unit)})}

    def closure(self, waiting: dict[str, str], known: Iterable[str] = ()) -> dict[str, str]:
        """What the units that wait lead to, themselves too, each with the link or file that says so; nothing that is known
        already, masked, or not there.
        """
        waiting, found = dict(waiting), {}
        while waiting:
            unit, by = waiting.popitem()
            path = self.fragment(unit)
            if unit in found or unit in known or not path or masked(path):
                continue
            found[unit] = by
            waiting.update(self.needed(unit))
        return found


def masked(path: str) -> bool:
    """True for a link to nowhere by intent, or an empty file: systemd starts nothing by it."""
    try:
        return resolved(path) == "/dev/null" or os.stat(path).st_size == 0
    except OSError:
        return False


CONTINUED = re.compile(r"[\\\r\0]")
SAID_NOTHING = re.compile(r"^[ \t]*[#;].*$", re.MULTILINE)


def unit_text(path: str) -> str:
    """A unit file as systemd reads it, a line for each of its rows; empty where there is none."""
    try:
        text = behind(path)
    except OSError:
        return ""
    if CONTINUED.search(text):
        return "\n".join(unit_lines(text))
    return SAID_NOTHING.sub("", text)  # as most are, and fast


def tunes_only(path: str) -> bool:
    """True for a drop-in by which a service remains the program that it is."""
    text = unit_text(path)
    plain = all(plain_variables(said) for said in ENVIRONMENT_SAID.findall(text))
    return os.path.dirname(path).endswith(".d") and plain and all(map(TUNING.fullmatch, KEYS_OF_UNIT.findall(text)))


def plain_variables(said: str) -> bool:
    """True where all variables of a row are such."""
    try:
        return "\\" not in said and all(map(PLAIN_COMMAND.fullmatch, shlex.split(said)))
    except ValueError:
        return False


def of_snap(path: str) -> bool:
    """True for a service as snapd writes it, of a program that snapd confines."""
    commands = re.findall(r"^[ \t]*Exec\w+[ \t]*=[ \t]*(.*)$", unit_text(path), re.MULTILINE)
    return os.path.basename(path).startswith("snap.") and bool(commands) and all(map(BY_SNAP.fullmatch, map(str.strip, commands)))


def boot(by_root: set[str] | None = None, own: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the next boot starts, read from the disk alone: each service that the default target leads to, or that a timer, a
    path or a socket then waits to start, or that starts when another has ended; any other unit on that way that runs something
    by a file that nobody vouches for; the files that make it and that no package of the distribution vouches for; and programs
    that make units at boot, and scripts of old that are started, where nobody vouches for them.
    ``by_root`` as in ``started_by_others``, and what these units start as root, but for those that are ``own`` services'.
    """
    disk = Boot()
    target = disk.files.get("default.target", "")
    if not target:
        raise Trouble("missing", "no default.target in any unit folder")
    first = os.path.basename(os.path.realpath(target))
    started = disk.closure({first: target})
    whole, newest = dict(started), started
    while newest:
        newest = disk.closure({name: by for unit in newest for name, by in disk.triggered(unit).items()}, whole)
        whole.update(newest)
    services = {unit: by for unit, by in whole.items() if unit.endswith(".service")}
    makers = [path for folder in GENERATORS for path in files_in(folder) if not masked(path)]
    scripts = {
        f"{os.path.basename(path)[3:]}.service": path
        for folder in RUNLEVELS
        for path in files_in(folder)
        if re.match(r"S\d\d", os.path.basename(path)) and f"{os.path.basename(path)[3:]}.service" not in disk.files
    }
    made_of = {unit: disk.paths(unit) for unit in services}
    running = {unit: paths for unit in whole if unit not in services and (paths := disk.commanding(unit))}
    made_of |= running
    vouched = vouched_for({*(path for paths in made_of.values() for path in paths), *makers, *scripts.values()})
    services.update({unit: whole[unit] for unit, paths in running.items() if not vouched.issuperset(paths)})
    if by_root is not None:
        for paths in (paths for unit, paths in made_of.items() if unit not in own and not vouched.issuperset(paths)):
            by_root |= begun_as_root(line for path in paths for line in disk.text(path).split("\n"))
    return {
        "target": first,
        "services": {
            **{
                unit: {"by": path, "at_boot": True, "foreign": [] if path in vouched else [path]}
                for unit, path in scripts.items()
            },
            **{
                unit: {
                    "by": by,
                    "at_boot": unit in started,
                    "foreign": [
                        path for path in made_of[unit] if path not in vouched and not tunes_only(path) and not of_snap(path)
                    ],
                }
                for unit, by in services.items()
            },
        },
        "generators": [path for path in makers if path not in vouched],
        "others": started_by_others(by_root),
    }
