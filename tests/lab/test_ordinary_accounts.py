"""The account that deploys as teams have it: what looks and what acts have one environment, and what does not work is refused in
one line, with a hint that was followed here as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from lab.hosts import execute, must
from tests.lab.conftest import Gate, head_of, on_host
from tests.lab.serving import restarted, running
from tests.lab.test_gate import GOOD
from voxgate.contracts.estates import load_estate
from voxgate.model.advice import commands_in
from voxgate.model.evidence import HostEvidence, Missing
from voxgate.model.installed import BUILDER
from voxgate.moves.steps import is_allowed
from voxgate.survey.collect import survey
from voxgate.survey.remedies import for_move
from voxgate.transport.ssh.connections import Connections

ESTATE = load_estate("lab")
HOST = "api-1"
OLD = "vox-backend-2026.06.22-1"
RC = "/home/deploy/.bashrc"
HABITS = """umask 027
echo "Welcome to api-1"; echo "stty: no terminal" >&2
export PATH=/nowhere LC_ALL=de_DE.UTF-8 GIT_DIR=/nowhere PYTHONPATH=/nowhere BASH_ENV=/nowhere
git() { echo no; return 1; }; sudo() { echo no; return 1; }; export -f git sudo
set -e"""
TO_HOME = """install -d -o deploy -g deploy /home/deploy/.local/bin
mv /usr/local/bin/uv /home/deploy/.local/bin/uv; chown -R deploy: /home/deploy/.local"""
FROM_HOME = """test -e /usr/local/bin/uv || install -m 0755 /home/deploy/.local/bin/uv /usr/local/bin/uv
rm -rf /home/deploy/.local"""
TO_NVM = """at=/home/deploy/.nvm/versions/node/v24.0.0; mkdir -p $at/bin $at/lib
mv /usr/local/bin/node /usr/local/bin/npm /usr/local/bin/npx $at/bin/; mv /usr/local/lib/node_modules $at/lib/
chown -R deploy: /home/deploy/.nvm"""
FROM_NVM = """if ! test -e /usr/local/bin/node; then
cp -a --no-preserve=ownership /home/deploy/.nvm/versions/node/v24.0.0/. /usr/local/; fi
rm -rf /home/deploy/.nvm"""


@contextmanager
def changed(breaking: str, mending: str) -> Iterator[None]:
    """A host as it is for a while."""
    on_host(HOST, "sh", "-ec", breaking)
    try:
        yield
    finally:
        on_host(HOST, "sh", "-ec", mending)


@contextmanager
def startup(text: str) -> Iterator[None]:
    """Lines at the head of the account's startup file for a while."""
    must(HOST, ["sh", "-ec", f"cp -p {RC} {RC}.kept; cat - {RC}.kept >{RC}"], stdin=f"{text}\n")
    try:
        yield
    finally:
        on_host(HOST, "mv", f"{RC}.kept", RC)


def seen() -> HostEvidence | Missing:
    """The host, as a look sees it by connections of its own."""
    with Connections(ESTATE) as connections:
        connections.open(ESTATE.hosts)
        return survey(connections, ESTATE, brief=True)[HOST]


def test_a_release_is_deployed_by_an_account_of_any_habits(gate: Gate) -> None:
    with startup(HABITS):
        run = gate("--deploy", f"backend={OLD}")
    assert run.status == 0, run.said
    said = " ".join(run.said.split())
    assert "api-1: a login prints something beside the probe's answer, which does no harm: Welcome to api-1" in said
    assert re.search(r"api-1: backend is built with uv [0-9.]+ in /usr/local/bin/uv", said)
    closed = on_host(HOST, "find", "/opt/vox-backend", "!", "-type", "l", "!", "-name", ".env", "!", "-perm", "-o=r")
    assert closed == ""


def test_a_release_is_built_by_the_uv_of_the_deploy_account_s_home(gate: Gate) -> None:
    """As uv's own installer leaves it; and the look holds, which asks the same one."""
    with changed(TO_HOME, FROM_HOME):
        assert execute(HOST, ["sh", "-c", "command -v uv"]).stdout == ""
        run = gate("--deploy", f"backend={GOOD['backend']}")
        assert run.status == 0, run.said
        said = " ".join(run.said.split())
        assert re.search(r"api-1: backend is built with uv [0-9.]+ in /home/deploy/.local/bin/uv", said)
    assert tools("python", "vox-backend").endswith(" in /usr/local/bin/uv")


def test_a_page_is_built_by_the_node_and_npm_of_nvm() -> None:
    commit, next_one = head_of(HOST, "vox-frontend"), "/opt/vox-frontend/builds/.next"
    with changed(TO_NVM, FROM_NVM):
        nvm = "/home/deploy/.nvm/versions/node/v24.0.0"
        said = tools("static", "vox-frontend")
        assert re.fullmatch(rf"node [\d.]+ in {nvm}/bin/node; npm [\d.]+ in {nvm}/lib/node_modules/npm/bin/npm-cli.js", said)
        build = ["runuser", "-u", "deploy", "--", BUILDER, "install", "static", "vox-frontend", commit, "--offline"]
        assert execute(HOST, build).returncode == 0
        was = on_host(HOST, "sh", "-c", "cd /opt/vox-frontend/dist && find . -type f | sort | xargs sha256sum")
        assert on_host(HOST, "sh", "-c", f"cd {next_one} && find . -type f | sort | xargs sha256sum") == was
    on_host(HOST, "rm", "-r", next_one)


def test_uv_that_others_can_change_is_refused_and_the_hint_works() -> None:
    before, head = running(), head_of(HOST, "vox-backend")
    with changed(f"{TO_HOME}; chmod 0777 /home/deploy/.local/bin", FROM_HOME):
        said = tools("python", "vox-backend")
        assert "uv is there for this account alone, in /home/deploy/.local/bin: builds run as voxbuild, who sees no home" in said
        assert "others can change /home/deploy/.local/bin" in said
        (typed,) = commands_in(for_move(said, ESTATE.host(HOST), "/opt/vox-backend"))
        assert typed.text == "sudo -u deploy cat /home/deploy/.local/bin/uv | sudo install -m 0755 /dev/stdin /usr/local/bin/uv"
        on_host(HOST, "sh", "-ec", typed.text)
    assert (restarted(before), head_of(HOST, "vox-backend")) == ([], head)
    assert tools("python", "vox-backend").startswith("uv ")


def tools(kind: str, name: str) -> str:
    """What the proof of a build's programs says, done as the account that deploys."""
    line = f"{BUILDER} tools {kind} {name} {'0' * 40} 2>&1 || true"
    return on_host(HOST, "runuser", "-u", "deploy", "--", "sh", "-c", line)


def test_node_by_nvm_that_others_can_change_is_told_and_the_hint_works() -> None:
    with changed(f"{TO_NVM}; chmod -R o+w /home/deploy/.nvm", FROM_NVM):
        said = tools("static", "vox-frontend")
        assert "node is there for this account alone, in /home/deploy/.nvm/versions/node/v24.0.0/bin" in said
        (typed,) = commands_in(for_move(said, ESTATE.host(HOST), "/opt/vox-frontend"))
        on_host(HOST, "sh", "-ec", typed.text)
    assert re.fullmatch(r"node [\d.]+ in /usr/local/bin/node; npm [\d.]+ in /usr/local/bin/npm", tools("static", "vox-frontend"))


RULES = "/etc/sudoers.d/voxgate"
_AWAY = f"cp -p {RULES} /root/rules; sed -i /voxgate-probe/d {RULES}"
_PASSWORD = "echo 'deploy ALL=(root) /usr/local/sbin/voxgate-probe' >/etc/sudoers.d/team"
_LECTURE = "echo Defaults lecture=always >>/etc/sudoers.d/team"
_BACK = f"rm -f /etc/sudoers.d/team /etc/sudoers.d/zz-*; if test -e /root/rules; then mv /root/rules {RULES}; fi"
SUDO = {
    "requiretty": ("echo Defaults requiretty >/etc/sudoers.d/team", "must have a tty"),
    "no rule": (_AWAY, "a password is required"),
    "a rule that wants a password, and a lecture": (f"{_AWAY}; {_PASSWORD}; {_LECTURE}", "a password is required"),
}


@pytest.mark.parametrize("kind", SUDO)
def test_sudo_s_own_reason_is_told_and_the_hint_works(kind: str) -> None:
    breaking, said = SUDO[kind]
    with changed(breaking, _BACK):
        found = seen()
        assert isinstance(found, Missing)
        assert (found.kind, said in found.why) == ("denied", True)
        (typed,) = commands_in(found.hint)
        on_host(HOST, "sh", "-ec", typed.text.replace("| sudo tee", "| tee"))  # as root, who has no terminal here either
        assert isinstance(seen(), HostEvidence), kind


def test_what_sudo_does_else_is_no_trouble() -> None:
    defaults = "Defaults use_pty, log_output, secure_path=/usr/bin:/bin, lecture=always, umask=0077"
    with changed(f"echo '{defaults}' >/etc/sudoers.d/team", "rm -f /etc/sudoers.d/team"):
        assert isinstance(seen(), HostEvidence)


_RESTART = "/usr/bin/systemctl restart voxbridge.service"
RIGHTS = {
    "no rule": f"sed -i.kept '/restart voxbridge/d' {RULES}",
    "a rule that wants a password": f"sed -i.kept '/restart voxbridge/s/NOPASSWD: //' {RULES}",
    "and says so": f"sed -i.kept '/restart voxbridge/s/NOPASSWD/PASSWD/' {RULES}",
}


@pytest.mark.parametrize("kind", RIGHTS)
def test_what_sudo_would_refuse_in_the_middle_is_told_before(kind: str) -> None:
    argv = ["runuser", "-u", "deploy", "--", *is_allowed(["voxbridge.service"]).argv]
    assert execute(HOST, argv).returncode == 0
    with changed(f"{RIGHTS[kind]}; mv {RULES}.kept /root/rules", _BACK):
        ended = execute(HOST, argv)
        assert (ended.returncode, ended.stderr.count("\n") <= 1) == (3, True)
        assert f"sudo does not allow: {_RESTART}: " in ended.stderr
        (typed,) = commands_in(for_move(ended.stderr, ESTATE.host(HOST), units=["voxbridge.service"]))
        assert typed.text == f"echo 'deploy ALL=(root) NOPASSWD: {_RESTART}' | sudo tee -a /etc/sudoers.d/zz-voxgate"
        on_host(HOST, "sh", "-ec", typed.text)
        assert execute(HOST, argv).returncode == 0


SHELLS = {
    "exec of tmux": ("", "exec sh -c 'echo open terminal failed: not a terminal >&2; exit 1'"),
    "an exit": ("", "exit 0"),
    "no login": ("/usr/sbin/nologin", ""),
    "restricted": ("/bin/rbash", ""),
}


@pytest.mark.parametrize("kind", SHELLS)
def test_a_shell_that_runs_nothing_is_told_in_one_line_and_the_hint_works(kind: str) -> None:
    shell, first = SHELLS[kind]
    with changed(f"usermod -s {shell or '/bin/bash'} deploy", "usermod -s /bin/bash deploy"), startup(first):
        found = seen()
        assert isinstance(found, Missing)
        assert found.why.startswith("the account's shell did not begin the command: ")
        assert "\n" not in found.why
        line = found.hint.partition("~/.bashrc: ")[2]
        follow = f"printf '%s\\n' '{line}' | cat - {RC} >/tmp/rc; cat /tmp/rc >{RC}" if line else commands_in(found.hint)[0].text
        on_host(HOST, "sh", "-ec", follow)
        assert isinstance(seen(), HostEvidence), found.hint


def test_another_shell_is_no_trouble() -> None:
    with changed("usermod -s /bin/dash deploy", "usermod -s /bin/bash deploy"):
        assert isinstance(seen(), HostEvidence)
