"""A team's own testinfra checks on the gate's connection."""

from __future__ import annotations

import getpass
from datetime import date
from typing import TYPE_CHECKING

import pytest
import testinfra

from voxgate.errors import Blind, CommandUnknown, Unreachable
from voxgate.plugin.own import words_of_own
from voxgate.plugin.words import words_of
from voxgate.transport.ssh.testinfra_backend import VoxgateBackend, host_for, register

from .conftest import Ground, Opened, host

if TYPE_CHECKING:
    from pathlib import Path

    from voxgate.transport.ssh.connection import Connection
    from voxgate.transport.ssh.connections import Connections


def test_files_commands_and_users_are_seen(connection: Connection, tmp_path: Path) -> None:
    seen = host_for(connection)
    path = tmp_path / "it's here"
    path.write_text("h\N{LATIN SMALL LETTER E WITH ACUTE}llo\n")
    path.chmod(0o640)
    file = seen.file(str(path))
    assert file.exists
    assert file.is_file
    assert file.mode == 0o640
    assert file.content_string == "h\N{LATIN SMALL LETTER E WITH ACUTE}llo\n"
    assert not seen.file(str(tmp_path / "not")).exists
    assert seen.run("printf %s; exit 3", "a b").rc == 3
    assert seen.check_output("echo %s", "$HOME; x") == "$HOME; x"
    assert seen.user().name == getpass.getuser()
    assert seen.backend.get_pytest_id() == "voxgate://one"


def test_a_host_by_its_name(connections: Connections) -> None:
    register()
    seen = testinfra.get_host("voxgate://one", connections=connections)
    assert seen.run("echo %s", "hi").stdout == "hi\n"
    with pytest.raises(RuntimeError, match=r"connections="):
        testinfra.get_host("voxgate://one").run("true")


def test_an_unknown_outcome_raises(ground: Ground, opened: Opened) -> None:
    server = ground.sshd()
    seen = host_for(opened(ground.estate(host(server.port)))["one"], deadline=1.0)
    with pytest.raises(CommandUnknown):
        seen.run("kill -9 $$")
    with pytest.raises(CommandUnknown, match=r"not done within 1 s"):
        seen.run("sleep 20")
    server.cut()
    with pytest.raises((CommandUnknown, Unreachable)):
        _ = seen.file("/etc/passwd").exists


@pytest.fixture
def sudo(ground: Ground, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """A connection to a host whose sudo is a script beside: it runs what it is given unless $REFUSE is in the command."""
    script = tmp_path / "bin" / "sudo"
    script.parent.mkdir()
    script.write_text(
        '#!/bin/sh\ncase "$*" in *REFUSE*) echo "sudo: a password is required" >&2; exit 1;; esac\n'
        'test "$1" = -n && shift\nif test "$1" = -u; then AS=$2; export AS; shift 2; fi\nshift\nexec "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(VoxgateBackend, "sudo_program", str(script))
    server = ground.sshd()
    return opened(ground.estate(host(server.port)))["one"]


def test_a_refused_sudo_is_blind_and_not_false(sudo: Connection) -> None:
    seen = host_for(sudo)
    with seen.sudo():
        assert seen.check_output("echo fine") == "fine"
        assert seen.run("echo %s >&2; exit 2", "a b").stderr == "a b\n"
        assert seen.run("exit 2").rc == 2
        assert seen.file("/etc/passwd").exists
        with pytest.raises(Blind, match=r"one: sudo was refused, so this check saw nothing: sudo: a password is required"):
            _ = seen.file("/REFUSE").exists
        with seen.sudo("someone"):
            assert seen.check_output("echo $AS") == "someone"
            with pytest.raises(Blind):
                seen.run("echo REFUSE")
    assert seen.check_output("echo plain") == "plain"


def test_the_real_sudo_takes_the_command(connection: Connection) -> None:
    seen = host_for(connection)
    with seen.sudo("nobody"):
        assert seen.check_output("id -un") == "nobody"
    with seen.sudo("no-such-user"), pytest.raises(Blind):
        seen.run("id -un")


pytest_plugins = ["pytester"]
CHECK = '''
def test_x(host):
    """Whatever asks for localhost
    gets this machine.

    More of it.
    """
    found = host.run("ls %s", "/nowhere/at all")
    assert found.rc == 0
    host.check_output("true")
'''


@pytest.mark.parametrize(
    ("failing", "said"),
    [
        ("assert found.rc == 0", "assert found.rc == 0: 2 == 0; "),
        ('assert found.rc == 0, "it is not there"', "it is not there; assert found.rc == 0; "),
        (
            'host.check_output("ls %s", "/nowhere/at all")',
            'Unexpected exit code 2; host.check_output("ls %s", "/nowhere/at all"); ',
        ),
    ],
)
def test_a_failing_check_says_its_expression_the_hosts_words_and_why_it_is_there(
    connection: Connection, failing: str, said: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:anyio -p no:pytest11.testinfra")
    item = pytester.getitem(CHECK.replace("assert found.rc == 0", failing), "test_x")
    assert isinstance(item, pytest.Function)
    item.funcargs["host"] = host_for(connection)
    with pytest.raises(AssertionError) as failure:
        item.function(item.funcargs["host"])
    words = words_of_own(item, failure, words_of(failure.value, None, None, date(2026, 1, 1)))
    assert words.found.startswith(f"{said}ls '/nowhere/at all': exit 2: ls: cannot access"), words
    assert words.advice == "it is there for this: Whatever asks for localhost gets this machine."


def test_where_a_check_breaks_it_says_at_which_line(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest -p no:anyio -p no:pytest11.testinfra")
    item = pytester.getitem("def test_x(host):\n    assert {}[\n        'nothing'\n    ]\n", "test_x")
    assert isinstance(item, pytest.Function)
    with pytest.raises(KeyError) as failure:
        item.function(None)
    words = words_of_own(item, failure, words_of(failure.value, None, None, date(2026, 1, 1)))
    assert words.found == "could not be judged: KeyError: 'nothing', at: assert {}['nothing']"
