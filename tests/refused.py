"""``docs/REFUSED.md``: what an estate's file is refused for, in the words that a person reads, and what it says to do.

From the mistakes that the tests make in the lab's file. So each change of a word or a hint is a line of a page that is read
before it lands.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from tests.unit import test_estates, test_waivers
from tests.unit.suites import test_clients
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.errors import EstateError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "REFUSED.md"
HEAD = """\
# What an estate's file is refused for

Made by `make docs` from the mistakes that the tests make in the lab's file, `hosts/lab.toml`: for each the line that is said, and
what it says to do. Nothing is asked of a host before the file is an estate.
"""
LAB = (FOLDER / "lab.toml").read_text("utf-8")
SERVICES = (FOLDER / "services.toml").read_text("utf-8")
TODAY = date(2026, 11, 28)
OF_PYTHON = ("is not valid TOML", "is no url", "is in no home of this machine", "is no day")
"""What Python says there is another text in each version of it."""

Change = tuple[str | None, str]
"""What stands in the lab's file, and what stands there then; None: at its end."""

DATABASES = LAB[LAB.index("[databases.vox]") : LAB.index("[services.dialler]")]
SEEN = 'seen_from = "fleet-1"'
ONE_FLEET = ('roles = ["fleet"]\nworkers = 3', 'roles = ["data"]')


def _console(*lines: str) -> Change:
    return SEEN, "\n".join((SEEN, *lines))


def _agent(words: str) -> Change:
    return None, f"\n[agents]\nsip = [{{ {words} }}]\n"


MORE: dict[str, Change] = {
    "seen from no host": (SEEN, 'seen_from = "fleet-3"'),
    "called from no host": ('called_from = "sip-1"', 'called_from = "asterisk"'),
    "via no host": ('via = "data"', 'via = "date"'),
    "boot of nothing near": ('all = ["lab-network.service"]', 'zzz = ["lab-network.service"]'),
    "http and a port of its own": _console('url = "http://x.example"', "plain = 80"),
    "http and found elsewhere": _console('url = "http://x.example"', 'at = "lb.example"'),
    "http, a CA and a port of its own": _console('url = "http://x.example"', 'ca = "/x"', "plain = 80"),
    "a folder around several services": _console('web_roots = ["/srv/x/", "/opt"]'),
    "a folder of the console's": _console('web_roots = ["/srv/x", "/opt/vox-frontend"]'),
    "no database and a dialler": (DATABASES, ""),
    "no fleet": ONE_FLEET,
    "a srv address through a host": ("mongodb://127.0.0.1:27017/vox", "mongodb+srv://cluster0.example/vox"),
    "seen as a name of letters": ('via = "data"', 'via = "data"\nseen_as = ["cafe"]'),
    "seen as a network": ('via = "data"', 'via = "data"\nseen_as = ["203.0.113.0/31"]'),
    "seen as a host": ('via = "data"', 'via = "data"\nseen_as = ["203.0.113.9", "198.51.100.41"]'),
    "seen as everybody": ('via = "data"', 'via = "data"\nseen_as = ["::1"]'),
    "jobs of all the services' units": (None, '\n[jobs]\nsip = ["vox*.service: git"]\n'),
    "jobs of the services' units": (None, '\n[jobs]\nsip = ["voxdial*.service: git"]\n'),
    "programs of the services' units": (None, '\n[programs]\nsip = ["voxdial*.service"]\n'),
    "a program in a service's folder": (None, '\n[programs]\nsip = ["/opt/vox-dialler/x"]\n'),
    "a program of anybody": (None, '\n[programs]\nsip = ["/usr/local/bin/x", "/var/tmp/x"]\n'),
    "a library of anybody": (None, '\n[preload]\nsip = ["/tmp/x/x.so"]\n'),
    "a library of a device": (None, '\n[preload]\nsip = ["/dev/shm/x.so"]\n'),
    "an agent by the name of a service": _agent('image = "dialler", project = "x"'),
    "an agent by the name of a unit": _agent('image = "x/voxcore:2", project = "x"'),
    "an agent of a service's project": _agent('image = "a/b", project = "vox-agents"'),
    "an agent with all of /opt": _agent('image = "a/b", project = "x", mounts = ["/srv:/srv", "/opt/:/opt"]'),
    "an agent with a service's folder": _agent('image = "a/b", project = "x", mounts = ["/opt/vox-backend:/b"]'),
    "a client of no place": (None, '\n[clients]\nzzz = [{ unit = "x.service" }]\n'),
    "a client of a host nearly": (None, '\n[clients]\n"fleet-3" = [{ unit = "x.service" }]\n'),
    "a client of hosts that are none": (None, '\n[clients]\n"flet-*" = [{ unit = "x.service" }]\n'),
    "a client at an address by its account": (None, '\n[clients]\n"203.0.113.9" = [{ name = "x", account = "root" }]\n'),
    "a client at an address by its program": (None, '\n[clients]\n"203.0.113.9" = [{ name = "x", program = "/bin/x" }]\n'),
    "a client at an address by nothing": (None, '\n[clients]\n"203.0.113.9" = [{ user = "" }]\n'),
    "a client called as the backend": (None, '\n[clients]\n"203.0.113.9" = [{ name = "vox-backend" }]\n'),
    "clients of a network too large": (None, '\n[clients]\n"203.0.0.0/15" = [{ name = "x" }]\n'),
    "clients of a wide network of IPv6": (None, '\n[clients]\n"fd00::/47" = [{ name = "x" }]\n'),
    "clients of a network of several hosts": (None, '\n[clients]\n"198.51.100.0/24" = [{ name = "x" }]\n'),
    "a client called as several services": (None, '\n[clients]\nsip = [{ unit = "x.service", name = "vox-*" }]\n'),
    "a client at an address by two of it": (
        None,
        '\n[clients]\n"203.0.113.9" = [{ name = "x", unit = "x.service" }]\n"203.0.113.8" = [{ user = "x", account = "x" }]\n',
    ),
    "a client at an address of a host": (None, '\n[clients]\n"198.51.100.41" = [{ name = "x" }]\n'),
    "a client at every host's address": (None, '\n[clients]\n"::1" = [{ name = "x" }]\n'),
    "the same database by its hosts in another order": (
        "[services.dialler]",
        (
            '[hosts.sip-2]\naddress = "198.51.100.42"\nroles = ["sip"]\n'
            '[databases.one]\ndialler = "sip-2"\nuri = "mongodb://a.example,B.example/vox?x=1"\n'
            '[databases.two]\ndialler = "sip-1"\nuri = "mongodb://b.example,a.example/vox"\n[services.dialler]'
        ),
    ),
    "the same database by the same setting": (
        "[services.dialler]",
        (
            '[hosts.sip-2]\naddress = "198.51.100.42"\nroles = ["sip"]\n'
            '[databases.one]\ndialler = "sip-2"\nuri_env = "URI"\n[databases.two]\ndialler = "sip-1"\nuri_env = "URI"\n'
            "[services.dialler]"
        ),
    ),
    "two keys that are none": ("workers = 3", "zzz = 1\nworker = 3"),
    "words of services that are none": (None, '\n[services.web]\nfolder = "/opt/web"\n[services.api]\nfolder = "/opt/api"\n'),
    "a promotion that is none": ("[estate]", "promotion = 1\n[estate]"),
    "waivers that are none": ("[estate]", "waived = 1\n[estate]"),
    "a waiver that is none": ("[estate]", "waived = [1]\n[estate]"),
    "neither uri nor uri_env": ('uri = "mongodb://127.0.0.1:27017/vox"', ""),
    "nothing in the name of a key": ('known_hosts = "{cache}/lab/known_hosts"', 'known_hosts = ""'),
    "no fraction in a table": ("tick = 1.0", "tick = nan"),
    "no fraction in a list": (None, "\n[promotion]\nwindows = [{ from = 1.0 }, { from = inf }]\n"),
    "a role that is nearly one": ('roles = ["api"]', 'roles = ["fleets"]'),
    "a role that is none": ('roles = ["api"]', 'roles = ["web server"]'),
    "a service that is none": ('name = "lab"', 'name = "lab"\nservices = ["backend", "web"]'),
    "words of a service that is none": (None, '\n[services.web]\nfolder = "/opt/web"\n'),
    "a folder that is another's": (None, '\n[services.backend]\nfolder = "/opt/vox-agents/x"\n'),
    "a folder that is the system's": (None, '\n[services.backend]\nfolder = "/usr/share/backend"\n'),
    "a setting of sshd that nobody judges": (None, '\n[sshd.all]\nBanner = "/x"\n'),
}
PROMOTION = {
    "no such zone": 'zone = "Europe/Nowhere"\napprovals = 1\ninputs = ["a"]',
    "from itself": 'from = "lab"\nsigners = "x"',
    "from without signers": 'from = "staging"',
    "approvers without signers": 'approvals = 1\napprovers = ["a"]',
    "freezes that are none": "freezes = 1",
    "a freeze that is none": "freezes = [1]",
    "more approvals than may": 'approvals = 2\napprovers = ["a"]\nsigners = "x"\ninputs = ["a"]',
    "approvals and nobody": "approvals = 1",
    "inputs and no approvals": 'inputs = ["a"]',
    "approvers and no approvals": 'approvers = ["a"]\nsigners = "x"',
    "a window that ends before": 'windows = [{ from = "08:00", until = "09:00" }, { from = "16:00", until = "09:00" }]',
    "a window of no time": 'windows = [{ from = "09:00", until = "09:00" }]',
    "a window after the end of the day": 'windows = [{ from = "08:00", until = "24:01" }]',
    "a freeze that ends before": 'freezes = [{ from = 2026-12-20, until = 2026-12-19, reason = "x" }]',
    "a freeze of no day": 'freezes = [{ from = "2026-13-20", until = "2026-13-21", reason = "x" }]',
    "a freeze at a moment": 'freezes = [{ from = 2026-12-20T10:00:00, until = 2026-12-21, reason = "x" }]',
    "a freeze without a reason": "freezes = [{ from = 2026-12-20, until = 2026-12-21 }]",
}
WAIVED: dict[str, dict[str, str | None]] = {
    "of a rule that is nearly one": {"rule": "hosts-has-room"},
    "of a rule that is none": {"rule": "x"},
    "of the dialler's unit": {"rule": "unit-is-active", "subject": "sip-*"},
    "without two of its keys": {"reason": None, "by": None},
    "one day too far": {"until": "2027-02-27"},
    "of two letters": {"found": "*ab* cd*"},
}


def page() -> str:
    """All of them, by what they are in."""
    parts = {
        "the file": ((name, *change) for name, change in _of_the_file()),
        "[promotion]": ((name, None, f"\n[promotion]\n{words}\n") for name, words in PROMOTION.items()),
        "[clients]": ((name, None, f"\n[clients]\n{line}\n") for name, (line, _) in test_clients.MISTAKES.items()),
        "[[waived]]": ((name, None, test_waivers.table(**other)) for name, other in _of_waivers()),
    }
    said = [HEAD]
    for title, cases in parts.items():
        said.append(f"\n## {title}\n\n")
        said += [f"* {name}: {_refusal(old, new)}" for name, old, new in cases]
    return "".join(said).replace("](", "]\\(")  # an expression is no link


def _of_the_file() -> Iterator[tuple[str, Change]]:
    for name, (change, _, _) in test_estates.MISTAKES.items():
        yield name, change
    yield from MORE.items()


def _of_waivers() -> Iterator[tuple[str, dict[str, str | None]]]:
    for name, (other, _, _) in test_waivers.MISTAKES.items():
        yield name, other
    yield from WAIVED.items()


def _refusal(old: str | None, new: str) -> str:
    """What is said of the lab's file with this in it."""
    text = LAB.replace(old, new) if old else LAB + new
    if text == LAB:
        return "NOTHING OF THE FILE IS CHANGED\n"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(FOLDER / "services.toml", folder)
        (folder / "lab.toml").write_text(text, "utf-8")
        try:
            load_estate("lab", folder, today=TODAY)
        except EstateError as error:
            why = ".." if error.why and error.what.endswith(OF_PYTHON) else error.why
            line = EstateError(error.what, where=error.where, why=why).line
            return f"{line}\n" + (f"  * do: {error.hint}\n" if error.hint else "")
    return "NOT REFUSED\n"


if __name__ == "__main__":
    sys.stdout.write(page())
