"""Why a host could not do or note it: the gate's part there, as a real account on a real file system. Each hint is followed
as it is written, and works then.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from voxgate.contracts.estates import load_estate
from voxgate.model.advice import commands_in
from voxgate.model.installed import BUILDER, INSTALL_BUILDER
from voxgate.redaction.cutting import Redactor
from voxgate.survey import remedies
from voxgate.survey.remedies import for_look, for_move
from voxgate.transport.ssh import begin, sudo

from .test_on_host import WORD, source

DEPLOY = "daemon"
HOST = replace(load_estate("lab").host("api-1"), user=DEPLOY)


@pytest.fixture
def top() -> Iterator[Path]:
    """A file system of 1 MB, with the folder of the gate's state on it."""
    folder = Path(tempfile.mkdtemp(prefix="voxgate-causes-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", folder], check=True)
    subprocess.run(["install", "-d", "-m", "0700", "-o", DEPLOY, "-g", DEPLOY, folder / "state"], check=True)
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
    folder.rmdir()


def claimed(top: Path) -> dict[str, object]:
    """What the owner on the host says to a claim."""
    text = source(top / "state")
    request = {"id": 1, "op": "claim", "services": {"backend": "/nowhere"}, "owner": {"by": "me"}}
    ended = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", f"{text}\nmain({{'op': 'serve', 'mark': {WORD!r}}})"],
        input=json.dumps(request).encode() + b"\n", user=DEPLOY, group=DEPLOY, extra_groups=[], capture_output=True, check=True,
        cwd="/", env={"PATH": begin.PATH, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    word, _, said = ended.stdout.decode().partition(" ")
    assert word == WORD
    return dict(json.loads(said))


WRONG = {
    "the state's folder is not there": ("rmdir state", "Permission denied"),
    "it is root's": ("chown root: state", "Permission denied"),
    "what is in it is root's": ("mkdir -m 0700 state/backend", "Permission denied"),
    "a lock of root's": (
        f"install -d -o {DEPLOY} -g {DEPLOY} -m 0700 state/backend; install -m 0600 /dev/null state/backend/owner.lock",
        "Permission denied",
    ),
    "read-only": ("mount -o remount,ro .", "Read-only file system"),
    "no room": ("head -c 2000000 /dev/zero >fill || true", "No space left on device"),
    "a file has the folder's name": (f"install -o {DEPLOY} /dev/null state/backend", "File exists"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_the_hint_for_what_the_host_said_works(top: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remedies, "STATE", str(top / "state"))
    breaking, words = WRONG[kind]
    subprocess.run(["sh", "-ec", breaking], cwd=top, check=True)
    said = str(claimed(top).get("error"))
    assert words in said
    hint = for_move(said, HOST)
    assert Redactor().cut(hint) == hint
    typed = [one.text for one in commands_in(hint)]
    follow = typed[0].replace("sudo ", "").replace(f"-u {DEPLOY} ", "")
    if words == "No space left on device":
        assert hint.startswith("make room there")
        follow = f"{'; '.join(typed)}; rm fill"
    subprocess.run(["sh", "-ec", follow], cwd=top, check=True, stdout=subprocess.DEVNULL)
    assert "ok" in claimed(top), hint


def test_no_hint_gives_the_account_that_deploys_a_private_file_that_it_moved_there(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may move the settings of a service out of their place, as the folder is its own, and say that it may not write."""
    monkeypatch.setattr(remedies, "STATE", str(top / "state"))
    folder = top / "code"
    folder.mkdir()
    for place in (top / "state", folder):
        for name, mode in (("moved", 0o600), ("open", 0o644)):
            subprocess.run(["install", "-m", f"{mode:o}", "-o", "games", "/dev/null", place / name], check=True)
        subprocess.run(["install", "-m", "0600", "/dev/null", place / "roots"], check=True)
        subprocess.run(["install", "-m", "0640", "-g", "games", "/dev/null", place / "settings"], check=True)
        hint = for_move(f"PermissionError: [Errno 13] Permission denied: '{place}/x'", HOST, str(folder))
        subprocess.run(["sh", "-ec", commands_in(hint)[0].text.replace("sudo ", "")], check=True)
        owners = {"moved": "games", "open": DEPLOY, "roots": DEPLOY, "settings": "root"}
        assert {one.name: one.owner() for one in place.iterdir()} == owners


@pytest.mark.parametrize(
    "said",
    [
        "env: \u2018/usr/bin/python3\u2019: No such file or directory",
        "FileNotFoundError: [Errno 2] No such file or directory: 'git'",
    ],
)
def test_a_program_that_is_not_there_is_named_as_its_package(said: str) -> None:
    name = "git" if "git" in said else "python3"
    assert for_move(said, HOST) == f"`sudo apt-get install -y {name}`"
    simulated = subprocess.run(["apt-get", "-s", "install", name], capture_output=True, check=False)
    assert simulated.returncode == 0


def test_env_s_own_words_for_it_are_these() -> None:
    """What stands in the two lines above is what the programs say."""
    env = {"PATH": begin.PATH, "LC_ALL": "C.UTF-8"}
    ended = subprocess.run(["/usr/bin/env", "/nowhere/python3"], capture_output=True, text=True, check=False, env=env)
    assert ended.stderr.strip() == "/usr/bin/env: \u2018/nowhere/python3\u2019: No such file or directory"
    assert for_move(ended.stderr.strip(), HOST) == "`sudo apt-get install -y python3`"


def test_what_nobody_knows_has_no_hint() -> None:
    assert for_move("error: something of tomorrow", HOST) == ""
    assert sudo.refusal("bash: line 1: x: command not found") == ""


# What sudo would do, of an administrator's shell as root; nothing is mounted.
SUDO = """as_daemon() { setpriv --reuid daemon --regid daemon --clear-groups bash -c '"$@"' - "$@"; }
sudo() { case $1 in -u) shift 2; as_daemon "$@";; *) "$@";; esac; }
mount() { echo "mount $*"; }
setfacl() { touch "${@: -1}/changed"; }
export -f setfacl
"""


def typed(hint: str) -> str:
    """What an administrator types of a hint, and what it printed; it may fail."""
    command = commands_in(hint)[0].text
    return subprocess.run(["bash", "-c", SUDO + command], capture_output=True, text=True, check=False).stdout


@pytest.fixture
def led(top: Path) -> Iterator[Path]:
    """A checkout of the account that deploys, in which ``docs`` leads to another file system, of root's."""
    folder, other = top / "one", Path(tempfile.mkdtemp(prefix="voxgate-other-"))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0755", "tmpfs", other], check=True)
    subprocess.run(["install", "-d", "-o", DEPLOY, "-g", DEPLOY, folder], check=True)
    subprocess.run(["install", "-d", "-m", "0755", other / "d"], check=True)
    (other / "file").write_text("root's")
    subprocess.run(["install", "-d", "-o", DEPLOY, "-g", DEPLOY, folder / "own", folder / "own/d"], check=True)
    (folder / "docs").symlink_to(other)
    yield folder
    subprocess.run(["umount", "-l", other], check=True)
    other.rmdir()


def test_no_hint_has_root_follow_a_link_of_the_account_s(led: Path) -> None:
    other = (led / "docs").readlink()
    before = sorted(other.iterdir())
    typed(for_move(f"FileExistsError: [Errno 17] File exists: '{led}/docs/file'", HOST, str(led)))
    assert sorted(other.iterdir()) == before
    said = f"games could not read new files: getfacl '{led}/docs/d' has default:other without r"
    typed(for_move(said, HOST, str(led)))
    assert list((other / "d").iterdir()) == []
    typed(for_move(said.replace("/docs", "/own"), HOST, str(led)))
    assert [one.name for one in (led / "own/d").iterdir()] == ["changed"], "what is its own is changed"
    assert typed(for_move(f"Read-only file system: '{led}/docs/d'", HOST, str(led))) == f"mount -o remount,rw {led.parent}\n"


def test_no_folder_is_opened_to_all_by_a_link_on_the_way_to_a_service(led: Path) -> None:
    """A service may live below a folder of the account that deploys, which puts a link there, or in the middle of the way."""
    (led / "own/d").chmod(0o750)
    other = led / "docs/d"
    other.chmod(0o750)
    for place in (led / "docs", led / "docs/d", led / "own/d"):
        typed(for_move(f"vox cannot enter {place} (0750 of root)", HOST, f"{place}/vox-agents"))
    assert [stat.S_IMODE(one.stat().st_mode) for one in (other, led / "own/d")] == [0o750, 0o751]
    other.parent.resolve().chmod(0o750)
    typed(for_move(f"vox cannot enter {led}/docs (0750 of root)", HOST, f"{led}/docs/vox-agents"))
    assert stat.S_IMODE((led / "docs").stat().st_mode) == 0o750
    assert for_move("vox cannot enter /srv/voice (0750 of root)", HOST, "/srv/voice/agents") == "`sudo chmod o+x /srv/voice`"


def test_only_the_gate_s_own_places_are_mounted_anew(led: Path) -> None:
    for path in ("/any/where", "/etc", f"{led}/../x", f"{led}-other"):
        assert "remount" not in for_move(f"Read-only file system: '{path}'", HOST, str(led))


def test_a_program_in_a_home_is_read_by_its_account_alone() -> None:
    """A home that the host names may be anybody's, and the file there a link."""
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/home") as home, tempfile.TemporaryDirectory() as hidden:
        Path(home).chmod(0o755)
        (Path(hidden) / "bin").mkdir()
        for place in (Path(hidden) / "secret", Path(hidden) / "bin" / "node"):
            place.write_text("a secret of root's")
        (Path(home) / "uv").symlink_to(Path(hidden) / "secret")
        (Path(home) / ".nvm").symlink_to(hidden)
        for name, folder in (("uv", home), ("node", f"{home}/.nvm/bin")):
            said = f"{name} is there for this account alone, in {folder}: builds run as voxbuild"
            (command,) = commands_in(for_move(said, HOST, "/opt/one"))
            reads, _, installs = command.text.partition(" | ")
            assert installs.startswith("sudo ")
            assert home not in installs
            assert "secret" not in typed(f"`{reads}`")


@pytest.mark.parametrize(
    "what",
    ["node is there for this account alone, in {0}/bin", "npm is there for this account alone, in {0}/lib/node_modules/npm/bin"],
)
def test_of_a_node_in_a_home_nothing_else_comes_to_where_root_looks_for_programs(tmp_path: Path, what: str) -> None:
    """Its account may have anything beside it: a program that is called as one of root's, code for root's Python; and on a file
    system of its own (FUSE) a file that shows as the host's disk.
    """
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/home") as home:
        Path(home).chmod(0o755)
        folder = Path(home) / ".nvm/versions/node/v1"
        for name in ("bin/node", "bin/ls", "lib/node_modules/npm/bin/npm-cli.js", "lib/python3/dist-packages/sitecustomize.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch(mode=0o755)
        (folder / "bin/npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")
        os.mknod(folder / "bin/npx", stat.S_IFCHR | 0o644, os.makedev(1, 3))
        (command,) = commands_in(for_move(f"{what.format(folder)}: builds run as voxbuild", HOST, "/opt/one"))
        subprocess.run(["sh", "-c", command.text.replace("/usr/local", str(tmp_path))], check=False)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    assert found == {"bin/node", "bin/npm", "lib/node_modules/npm/bin/npm-cli.js"}


PLANTED = "/opt/one/x;touch ${IFS}planted;$(touch planted)`touch planted` #"
HOSTILE = [
    f"Permission denied: '{PLANTED}' ({PLANTED}, 0500 of {DEPLOY})",
    f"Permission denied: '{PLANTED}'",
    f"games cannot enter '{PLANTED}', 0700 of root",
    f"games cannot read '{PLANTED}', 0700 of root",
    f"games could not read new files: getfacl '{PLANTED}' has default:other without r",
    f"No space left on device: '{PLANTED}'",
    f"Read-only file system: '{PLANTED}'",
    f"No such file or directory: '{PLANTED}'",
    f"Not a directory: '{PLANTED}'",
    "uv is there for this account alone, in /home/one/$(touch${IFS}planted): builds run as voxbuild",
    "node is there for this account alone, in /home/one/.nvm/;touch${IFS}planted;/bin: builds run as voxbuild",
]


@pytest.mark.parametrize("said", HOSTILE)
@pytest.mark.parametrize("folder", ["/opt/one", ""])
def test_no_word_of_a_host_is_a_command_in_a_hint(tmp_path: Path, said: str, folder: str) -> None:
    """Whoever deploys, and what a release has run while it is built, chooses these words; an administrator types the hint."""
    hint = for_move(said, HOST, folder)
    harmless = 'for one in sudo df namei findmnt mount ls dmesg curl; do eval "$one() { :; }"; done\n'
    assert hint.count("`") == 2 * len(commands_in(hint)), "each backtick begins or ends a command"
    for command in commands_in(hint):
        subprocess.run(["bash", "-c", harmless + command.text], cwd=tmp_path, check=True, capture_output=True)
    assert list(tmp_path.iterdir()) == [], hint


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/opt/one/../../etc/shadow", "/opt/one-other/x", "/var/lib/voxgate/../x", "/root"]
)
@pytest.mark.parametrize(
    "said",
    ["Permission denied: '{0}'", "Permission denied: '{0}' ({0}, 0500 of {1})", "File exists: '{0}'",
     "games cannot read {0}, 0600", "games cannot enter {0}, 0600",
     "games could not read new files: getfacl {0} has default:other without r"],
)  # fmt: skip
def test_no_hint_gives_rights_at_what_is_not_the_gates(said: str, path: str) -> None:
    """A build that may not read /etc/shadow is no reason to give that away."""
    for folder in ("/opt/one", ""):
        assert "sudo" not in for_move(said.format(path, DEPLOY), HOST, folder)


@pytest.mark.parametrize(
    "command",
    ["restart one.service,ALL", "restart one.service,", "restart two.service", "link /tmp/one.service", "edit one.service",
     "restart one.service ALL", "restart *", "restart one.service\\,ALL", "restart one.service=ALL"],
)  # fmt: skip
def test_sudo_is_told_of_no_command_that_the_gate_does_not_ask_for(command: str) -> None:
    hint = for_move(
        f"sudo does not allow: /usr/bin/systemctl {command}: it wants a password for that", HOST, "/opt/one", ["one.service"]
    )
    assert "tee" not in hint or hint == (
        f"`echo '{DEPLOY} ALL=(root) NOPASSWD: /usr/bin/systemctl restart one.service' | sudo tee -a /etc/sudoers.d/zz-voxgate`"
    )
    assert "ALL" not in hint.replace(" ALL=(root)", "")


def test_the_command_that_is_wanting_is_told() -> None:
    said = "sudo does not allow: /usr/bin/systemctl reset-failed one@1.service: it wants a password for that"
    assert "systemctl reset-failed one@1.service' | sudo tee -a" in for_move(said, HOST, "/opt/one", ["one@1.service"])
    assert "tee" not in for_move(said, HOST, "/opt/one")


def test_no_build_has_its_own_program_made_everybodys() -> None:
    said = "uv is there for this account alone, in /var/lib/voxbuild/one/cache: builds run as voxbuild"
    assert "voxbuild/" not in for_move(said, HOST, "/opt/one")
    assert "/home" not in for_move(said.replace("/var/lib/voxbuild/one/cache", "/home/one/bin"), HOST)


def test_a_builder_that_is_not_there_is_installed_by_one_command() -> None:
    with pytest.raises(FileNotFoundError) as found:
        subprocess.run([BUILDER, "tools"], check=True)
    assert for_move(f"FileNotFoundError: {found.value}", HOST) == f"`{INSTALL_BUILDER}`"


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("checkouts of backend: git is not installed", "`apt-get install -y git`"),
        ("clock: /usr/bin/openssl is not installed", "`apt-get install -y openssl`"),
        (
            "units: systemctl list-units was not done after 9 s",
            "systemd does not answer there: look at the host's console, then `systemctl reboot --force`",
        ),
        (
            "keys: /proc/1/cgroup: No such file or directory",
            "/proc hides processes there, from root too: `mount -o remount,hidepid=0 /proc`; a unit or /etc/fstab says hidepid",
        ),
        (
            "engines: something is mounted over /proc/6398: it hides a process",
            "`umount /proc/6398`, and look for who mounted it",
        ),
        (
            "copies: 900000 folders were searched in 28 s, and that was not all of them",
            "look again: what was found out there is kept, and each look goes on from it; if it is no further then: `uptime`",
        ),
        ("units: anything else", ""),
        ("x; rm -rf / is not installed", ""),
        ("something is mounted over /proc/1;reboot: it hides a process", ""),
        ("something is mounted over /proc/\u0661: it hides a process", ""),
    ],
)
def test_what_mends_a_look(said: str, hint: str) -> None:
    assert for_look(said) == hint


_MANY = 30_000


@pytest.mark.parametrize(
    "said",
    [
        sudo.PROGRAM * _MANY,
        "Permission denied " + "\u2018/ " * _MANY,
        "No such file or directory" + ": '" * _MANY,
        "No such file or directory" + "env: ." * _MANY,
        "No such file or directory: '" * _MANY,
        "sudo does not allow: " * _MANY,
        "is not installed " * _MANY,
        "not allowed " * _MANY,
    ],
    ids=["sudo", "path", "quote", "env", "program", "rule", "package", "refused"],
)
def test_what_a_host_said_takes_a_time_in_proportion(said: str) -> None:
    """While it is matched nothing else of the gate goes on, and a host may say megabytes."""
    began = time.process_time()
    for_look(said)
    for_move(said, HOST)
    sudo.hint("x", said, DEPLOY)
    sudo.refusal(said)
    assert time.process_time() - began < 2


def test_that_sudo_is_not_there_is_said_behind_its_name_in_one_line() -> None:
    assert sudo.is_missing("sh: 1: /usr/bin/sudo: not found")
    assert sudo.is_missing("hello\nenv: \u2018/usr/bin/sudo\u2019: No such file or directory\n")
    assert not sudo.is_missing("/usr/bin/sudo: a password is required\nx: not found")
    assert not sudo.is_missing("x: not found /usr/bin/sudo")
