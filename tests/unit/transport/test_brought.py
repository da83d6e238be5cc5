"""Who brought a thing, asked of a real host over ssh: this one."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.suites.conftest import SAVED
from voxgate.model.entry import Entry
from voxgate.model.evidence import HostEvidence, known
from voxgate.model.surroundings import SudoRule
from voxgate.survey import brought
from voxgate.survey.brought import Packages, ask_each, packages_since, who_brought
from voxgate.survey.saving import load
from voxgate.transport.ssh.connection import Connection
from voxgate.transport.ssh.connections import Connections


def day(path: Path) -> str:
    """The day a file was written on, as the host says it: a run may begin before midnight and end after it."""
    return time.strftime("%Y-%m-%d", time.gmtime(path.stat().st_mtime))


@pytest.fixture
def host() -> HostEvidence:
    seen = load(SAVED).second.hosts["sip-1"]
    assert isinstance(seen, HostEvidence)
    return seen


def test_a_file_says_its_package_or_that_it_has_none(connection: Connection, host: HostEvidence, tmp_path: Path) -> None:
    """And since when it is there; of what is not there nothing is said, and no name is more than a name."""
    odd = tmp_path / "it's $(touch x) ;.so"
    odd.write_text("")
    entries = [
        Entry(("programs", "sip-1"), ("/usr/bin/dpkg",)),
        Entry(("preload", "sip-1"), (str(odd),)),
        Entry(("units", "sip-1"), {f"{tmp_path}/none.conf": "0" * 64}),
        Entry(("jobs", "sip-1"), ("/etc/cron.daily/dpkg: rsync",)),
        Entry(("clients", "sip-1"), ({"account": "root", "program": "/usr/bin/git"},)),
        Entry(("keys", "sip-1"), {"root": ("SHA256:unknown",)}),
        Entry(("sudo", "sip-1"), {"anna": ("(joe) /usr/bin/x -a",)}),
    ]
    rules = [SudoRule("joe", "", f"/usr/bin/{name}", "anna", (), path) for name, path in (("y", "/no"), ("x -a", str(odd)))]
    host = replace(host, sudo=replace(known(host.sudo), others=tuple(rules)))
    told = who_brought(entries, host, connection)
    assert told[0].startswith("package dpkg, since ")
    assert told[1] == f"since {day(odd)}"
    assert told[2] == ""
    assert told[3].startswith("package dpkg, since ")
    assert told[4].startswith("/usr/bin/git, package git, since ")
    assert told[5:] == ["", f"{odd}, {told[1]}"]


def test_settings_that_name_a_thing_are_found(
    connection: Connection, host: HostEvidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those that have it in a comment, as a part of another name, or with another value."""
    (tmp_path / "d").mkdir()
    files = {
        "d/ca.conf": "trustedUserCAKeys  /etc/ca.pub\n",
        "d/other.conf": "#TrustedUserCAKeys /etc/ca.pub\nTrustedUserCAKeys /etc/other.pub\n",
        "d/match.conf": "Match User anna\n    X11Forwarding yes\n",
        "d/docs": "server { server_name docs.example *.docs.example; }\n",
        "d/more": "server { server_name more-docs.example docs.example.org; root /srv/docs.example; }\n",
        "d/env": 'DefaultEnvironment="A=1" "HTTPS_PROXY=x"\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for word in ("sshd", "console", "environment"):
        monkeypatch.setitem(brought._SETTINGS, word, (str(tmp_path / "d"), "/no/such/folder"))
    entries = [
        Entry(("sshd", "sip-1"), {"trustedusercakeys": ("/etc/ca.pub",)}),
        Entry(("sshd", "sip-1"), {"match User anna": ("x11forwarding yes",)}),
        Entry(("console", "others"), ("docs.example",)),
        Entry(("environment", "sip-1"), ("HTTPS_PROXY",)),
        Entry(("environment", "sip-1"), ("PROXY",)),
        Entry(("environment", "sip-1"), ("A\0B\n.",)),
    ]
    found = [words.replace(f"{tmp_path}/", "") for words in who_brought(entries, host, connection)]
    named = [f"{name}, since {day(tmp_path / name)}" for name in ("d/ca.conf", "d/match.conf", "d/docs", "d/env")]
    assert found == [*named, "", ""]


def test_who_cannot_be_asked_says_nothing(connections: Connections, host: HostEvidence) -> None:
    """A host of no such name, and one that the look did not see."""
    rows = [("two", Entry(("programs", "two"), ("/usr/bin/dpkg",))), ("one", Entry(("programs", "one"), ("/usr/bin/dpkg",)))]
    told = ask_each(rows, {"one": host}, connections)
    assert (told[0], told[1].startswith("package dpkg")) == ("", True)


def test_a_package_that_came_since_then_explains_its_files(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By how old its list of files is: whoever edits one of these by hand is no package."""
    log = tmp_path / "it's dpkg.log"
    monkeypatch.setattr(brought, "_LOG", str(log))
    files, future = ["/usr/bin/dpkg", "/no/such", "/usr/bin/$(touch x)", "-x"], time.time() + 10**6
    found = packages_since(files, 0.0, connection)
    assert (found.brought, found.removed) == ({"/usr/bin/dpkg": "dpkg"}, ())
    assert "dpkg" in found.anew
    log.write_text("2026-01-01 10:00:00 remove a:amd64 1 <none>\n2026-01-01 10:00:00 status installed b 1\nx\n")
    with log.open("a") as file:
        file.write("2037-01-01 10:00:00 purge c:all 1 <none>\n2037-01-01 10:00:00 remove $(touch) 1\n")
    assert packages_since(files, time.time(), connection).removed == ("c",)
    assert packages_since([], 0.0, connection).removed == ("a", "c")
    assert packages_since(files, future, connection) == Packages({}, ("c",))
    assert packages_since(files, -1.0, connection).brought == {"/usr/bin/dpkg": "dpkg"}


def test_what_a_host_says_of_its_packages_is_names(connection: Connection) -> None:
    class Liar:
        """Answers what it likes."""

        def run(self, _line: str, **_: object) -> object:
            said = b"<b>.list\nnginx.list\0nginx: /etc/nginx/x\nnginx: /b\n<b>: /etc/nginx/y\0<i>\nc\n" + b"d\n" * 9999
            return type("Completed", (), {"stdout": said})()

    asked = ["/etc/nginx/x", "/etc/nginx/y"]
    assert packages_since(asked, 0.0, Liar()) == Packages({"/etc/nginx/x": "nginx"}, ("c", "d"), ("nginx",))  # type: ignore[arg-type]


def test_what_a_host_answers_is_believed_of_what_it_was_asked_alone(host: HostEvidence) -> None:
    """One that says something else has no say in an estate's file."""

    class Liar:
        """Answers what it likes."""

        def run(self, line: str, **_: object) -> object:
            said = (
                "/etc/nginx/x\n/root/y\0"
                if "grep" in line
                else "99999999999999999999 /etc/nginx/x\nnan /a\n1 /b\0/d\nx y: /etc/nginx/x\n"
            )
            return type("Completed", (), {"stdout": said.encode()})()

    entries = [Entry(("console", "others"), ("a.example",))]
    assert json.dumps(who_brought(entries, host, Liar())) == '[""]'  # type: ignore[arg-type]
