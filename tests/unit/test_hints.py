"""Every command in a hint, wherever one is written: a shell reads it, it is of a program that the hosts have, and nothing in it
is left open. That hints mend what they are about is proved on the lab, where a fault's header says ``follow``.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.places import ROOT
from lab.proving.fault import all_faults
from lab.proving.following import KNOWN
from voxgate.model.advice import commands_in

SOURCES = [
    *sorted((ROOT / "suites").glob("*.py")),
    *sorted((ROOT / "voxgate" / "survey").glob("*.py")),
    *sorted((ROOT / "voxgate" / "transport").glob("*.py")),
    *sorted((ROOT / "voxgate" / "deploy").glob("*.py")),
]
PROGRAMS = frozenset(
    """
    apt-get cat certbot chmod chown crontab curl df dmesg docker dpkg du echo export find findmnt free git gpasswd grep
    haproxy head install iptables journalctl kill ls make mount mv namei nft nginx ps redis-cli rm sed setfacl setpriv sh sort ss
    ssh ssh-keygen ssh-keyscan sshd sudo sudoedit systemctl systemd-cgtop tail tar tee test timedatectl umount uptime usermod
    uv vipw visudo xx
    """.split()  # noqa: SIM905 - a list of one a line would be a page long
)
"""Those of Debian, of what the hosts run, and of the gate; ``xx`` stands for what is filled in."""
OF_A_SHELL = re.compile(r"(?:\|\||&&|[|;])(?=(?:[^'\"]|'[^']*'|\"[^\"]*\")*$)")
FIRST = re.compile(r"^(?:sudo (?:-u \S+ )?(?!-))?(?:env (?:\w+=\S* )*)?(\S+)")


def texts(path: Path) -> Iterator[str]:
    """Every string of a module, docstrings aside; what is filled in is ``xx``."""
    tree = ast.parse(path.read_text("utf-8"))
    docs = {id(one.value) for one in ast.walk(tree) if isinstance(one, ast.Expr)}
    within = {id(part) for one in ast.walk(tree) if isinstance(one, ast.JoinedStr) for part in one.values}
    for node in ast.walk(tree):
        if id(node) in docs or id(node) in within:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "xx" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def commands() -> list[tuple[str, str]]:
    """Each command once, with the module that it stands in."""
    return sorted({(one.text, path.name) for path in SOURCES for text in texts(path) for one in commands_in(text)})


def test_a_rule_that_is_blind_says_what_to_do() -> None:
    """Whoever is woken by it needs that as much as for what is violated. But for what a deploy did not come to: what stopped it
    stands beside that, and says it.
    """
    calls = [
        (path.name, one)
        for path in (ROOT / "suites").glob("*.py")
        for one in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "Blind"
    ]
    assert len(calls) > 15
    silent = [(name, ast.unparse(one)) for name, one in calls if not any(word.arg == "hint" for word in one.keywords)]
    assert [said for name, said in silent if (name, "the deploy stopped before" in said) != ("test_deploy.py", True)] == []


def test_hints_have_commands() -> None:
    """What is looked for below is there, in every suite that says what to do."""
    where = {name for _, name in commands()}
    assert len(commands()) > 60
    assert {path.name for path in SOURCES if path.parent.name == "suites"} - where <= {
        "test_changes.py",
        "test_contracts.py",
        "test_deploy.py",
        "test_exposed.py",
        "test_listeners.py",
        "test_routes.py",
        "test_settings.py",
    }


@pytest.mark.parametrize(("text", "where"), commands())
def test_a_command_of_a_hint_can_be_typed(text: str, where: str) -> None:
    read = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False)
    assert read.returncode == 0, f"{where}: {text}: {read.stderr}"
    (command,) = commands_in(f"`{text}`")
    assert set(command.to_fill) <= {*KNOWN, "TARGET"}, f"{where}: {text}"  # a column of findmnt's
    for part in OF_A_SHELL.split(text):
        found = FIRST.match(part.strip())
        assert found, f"{where}: {text}"
        program = found[1].strip("'")
        assert {program, program.removeprefix("xx")} & PROGRAMS, f"{where}: {found[1]} in {text}"


PROSE = re.compile(
    r"\b(?:systemctl (?:restart|start|stop|status|enable|disable|reload)|journalctl -u|journalctl --vacuum-size"
    r"|apt-get install|nginx -[tT]|ss -l|docker (?:logs|restart|start)|make gate|git config --show)\b"
)


@pytest.mark.parametrize("path", [one for one in SOURCES if one.parent.name == "suites"], ids=lambda path: path.name)
def test_what_is_a_command_is_marked_as_one(path: Path) -> None:
    """So that it is seen what is typed, and where it ends."""
    loose = [text for text in texts(path) if PROSE.search(re.sub(r"`[^`]*`", "", text)) and " refuses " not in text]
    assert loose == []


def test_vacuum_is_told_how_much_stays() -> None:
    """Known from a night: without a size journalctl only says that it wants one."""
    told = [text for text, _ in commands() if "--vacuum-size" in text]
    assert told
    assert all(re.search(r"--vacuum-size=\d+[MG]\b", text) for text in told)


def test_curl_is_installed_before_it_is_asked() -> None:
    """A plain Debian has none."""
    for path in SOURCES:
        for text in texts(path):
            typed = [one.text for one in commands_in(text)]
            for number, one in enumerate(typed):
                assert not re.search(r"\bcurl -", one) or "sudo apt-get install -y curl" in typed[:number], f"{path.name}: {one}"


FAULTS = {fault.name: fault for fault in all_faults()}


def test_each_hint_is_followed_on_its_fault() -> None:
    """Or its commands are those of one that is; where no command mends it, the header says why, and that is seldom."""
    followed = {name for name, fault in FAULTS.items() if fault.follow}
    alike = {name for name, fault in FAULTS.items() if fault.alike}
    by_hand = {name for name, fault in FAULTS.items() if fault.by_hand}
    others = FAULTS.keys() - followed - alike - by_hand
    assert not others
    counts = (len(followed), len(alike), len(by_hand), len({FAULTS[name].by_hand for name in by_hand}))
    assert counts[0] >= 140
    assert counts[2] <= 53
    assert counts[3] <= 30
    assert not {name for name in by_hand if "nobody has" in FAULTS[name].by_hand}  # it was followed, or cannot be


def test_what_is_followed_elsewhere_is_followed() -> None:
    alike = [fault for fault in FAULTS.values() if fault.alike]
    assert [one.name for one in alike if not FAULTS[one.alike].follow or one.fill or one.edit] == []
