"""``voxgate enrol``: the script that makes a host ready, and the questions whether it is."""

from __future__ import annotations

import base64
import gzip
import io
import os
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.terminal import said_at_a_terminal
from voxgate.cli.enrol import as_root, enrol, heard, tell, update
from voxgate.contracts.estates import FOLDER, load_estate
from voxgate.contracts.unit_files import UnitFiles
from voxgate.errors import VoxgateError
from voxgate.model.estate import Estate
from voxgate.moves import enrolment
from voxgate.probe import built
from voxgate.redaction.cutting import Redactor
from voxgate.report.terminal.stream import CutStream

LAB = load_estate("lab")
FILES = UnitFiles(FOLDER).of_all(LAB.services)
HOSTS = [host.name for host in LAB.hosts]


def script_of(name: str, estate: Estate = LAB) -> str:
    return enrolment.script(estate, estate.host(name), FILES)


@pytest.mark.parametrize("name", HOSTS)
def test_each_host_has_its_script(name: str) -> None:
    """Bash takes it, and sh the questions; there are as many of these as needs."""
    host = LAB.host(name)
    asked = enrolment.checks(LAB, host, FILES)
    for shell, text in (("bash", script_of(name)), ("sh", asked)):
        subprocess.run([shell, "-n"], input=text.encode(), check=True, timeout=20)
    said = subprocess.run(["sh"], input=asked.encode(), check=True, timeout=60, capture_output=True).stdout.decode().split()
    assert len(said) == len(enrolment.needs(LAB, host, FILES))
    assert set(said) <= {"done", "left"}


def test_what_is_in_it_is_what_the_gate_compares() -> None:
    """The probe comes whole out of the script, and its sha256 is the gate's."""
    found = re.search(r"put 755 /usr/local/sbin/voxgate-probe ([0-9a-f]{64}) <<'END'\n(.*?)\nEND", script_of("api-1"), re.DOTALL)
    assert found is not None
    assert gzip.decompress(base64.b64decode(found[2])) == built.program()
    assert found[1] == built.digest()


def test_sudo_is_for_exact_commands_of_that_host() -> None:
    host = LAB.host("sip-1")
    placements = [one for one in LAB.placements if one.host == host]
    units = [one for one in LAB.placed_units if one.host == host]
    allowed = enrolment.commands(host, placements, units)
    assert set(allowed) == {
        *(f"/usr/bin/systemctl {verb} voxdialler.service" for verb in ("restart", "stop", "start", "reset-failed")),
        *(f"/usr/bin/systemctl {verb} voxgate-build@vox-dialler.service" for verb in ("restart", "stop")),
        '/usr/local/sbin/voxgate-probe ""',
    }
    for command in allowed:
        assert f"deploy ALL=(root) NOPASSWD: {command}\n" in script_of("sip-1")


def test_without_root_there_is_no_probe_to_install() -> None:
    """An estate that asks over stdin (``probe = "stdin"``) installs none, and allows none, on a host without services."""
    estate = replace(LAB, hosts=tuple(replace(one, probe="stdin") for one in LAB.hosts))
    assert "voxgate-probe" not in script_of("data", estate)


def test_a_host_that_is_none() -> None:
    out = CutStream(io.StringIO(), Redactor.of({}))
    with pytest.raises(VoxgateError, match="is no host of this estate") as wrong:
        enrol(LAB, ["api1"], check=False, out=out, raw=io.StringIO())
    assert wrong.value.hint == "did you mean api-1?"
    with pytest.raises(VoxgateError, match="one host at a time"):
        enrol(LAB, [], check=False, out=out, raw=io.StringIO())


def test_programs_alone_are_brought_by_root_and_found_by_deploy() -> None:
    """The probe everywhere, the builder and its unit where there are services; nothing else of an enrolment."""
    for name, puts in (("api-1", 3), ("data", 1)):
        script, is_there = enrolment.update(LAB, LAB.host(name), FILES)
        subprocess.run(["bash", "-n"], input=script.encode(), check=True, timeout=20)
        assert script.count("\nput ") == is_there.count("sha256sum") == puts
        assert not {"useradd", "sudoers", "git clone"} & set(re.findall(r"useradd|sudoers|git clone", script))


def test_nobody_brings_programs_where_the_estate_names_nobody() -> None:
    with pytest.raises(VoxgateError, match=r"hosts/lab\.toml: says nobody who may bring programs"):
        update(LAB, [], CutStream(io.StringIO(), Redactor.of({})))


def test_who_brings_programs_gives_the_host_nothing_of_his(tmp_path: Path) -> None:
    """Whatever his own settings of ssh say: ssh itself says what it would do."""
    config = tmp_path / "config"
    config.write_text("Host *\n  ForwardAgent yes\n  ForwardX11 yes\n  RemoteForward 2222 localhost:22\n"
                      "  GSSAPIDelegateCredentials yes\n  ControlPath /tmp/%h\n  StrictHostKeyChecking no\n")  # fmt: skip
    estate = replace(LAB, admin="ops", ssh_config=str(config))
    command, *words = as_root(estate, estate.host("api-1"))
    said = subprocess.run([command, "-G", *words], check=True, timeout=20, capture_output=True, text=True).stdout.splitlines()
    assert {"forwardagent no", "forwardx11 no", "gssapidelegatecredentials no", "stricthostkeychecking true"} <= set(said)
    assert not [line for line in said if line.startswith(("controlpath", "remoteforward"))]


def test_what_a_host_says_while_programs_are_brought_moves_no_terminal() -> None:
    said = heard(b"/x is new\n\x1b[1A\x1b[2K\rapi-1: is as this voxgate has it\n\n\xe2\x80\xae\n")
    assert said == ["/x is new", "\\x1b[1A\\x1b[2K\\rapi-1: is as this voxgate has it", "\\u202e"]


def test_a_host_that_answers_something_else_keeps_no_other_from_being_checked() -> None:
    out = io.StringIO()
    host = LAB.host("api-1")
    wanted = enrolment.needs(LAB, host, FILES)
    assert tell(LAB, host, wanted, b"done " * 3, CutStream(out, Redactor.of({}))) == 1
    assert out.getvalue() == "api-1: says something else than what was asked: 3 answers\n"
    assert tell(LAB, host, wanted, b"done " * len(wanted), CutStream(out, Redactor.of({}))) == 0


def test_who_clones_does_not_read_the_script() -> None:
    """It comes from stdin, and git starts whatever the account's settings say."""
    clones = [line for line in script_of("api-1").splitlines() if " git clone " in line]
    assert [" </dev/null " in line for line in clones] == [True] * 2


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_settings_are_put_where_no_link_of_deploys_leads(tmp_path: Path) -> None:
    """Where ``.env`` led to /etc/cron.hourly, a file of the service's account came to lie there, for cron to start as root. What
    is put there is not that account's: systemd's first process reads it, in a time of its square, and does nothing else then.
    """
    typed = next(line for line in script_of("api-1").splitlines() if " mv -T .env.new .env" in line)
    place = re.search(r"cd (\S+) ", typed)
    assert place is not None
    (tmp_path / "cron.hourly").mkdir()
    (tmp_path / "other").write_text("other")
    (tmp_path / ".env").symlink_to("cron.hourly")
    here = typed.partition(": ")[2].replace(place[1], str(tmp_path)).replace("-gn vox)", "-gn games)")
    subprocess.run(["sh", "-c", here], input=b"A=1\n", check=True)
    assert [*(tmp_path / "cron.hourly").iterdir()] == []
    assert not (tmp_path / ".env").is_symlink()
    found = tmp_path / ".env"
    assert (found.read_text(), found.owner(), found.group()) == ("A=1\n", "root", "games")
    assert found.stat().st_mode & 0o777 == 0o640
    (tmp_path / ".env.new").symlink_to("other")
    assert subprocess.run(["sh", "-c", here], input=b"A=2\n", check=False, capture_output=True).returncode != 0
    assert (tmp_path / "other").read_text() == "other"
    os.mkfifo(tmp_path / "pipe")  # as a device, which a shell's noclobber lets through too
    heard = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for is_link in (True, False):
        (tmp_path / ".env.new").unlink()
        if is_link:
            (tmp_path / ".env.new").symlink_to("pipe")
        else:
            os.mkfifo(tmp_path / ".env.new")
        assert subprocess.run(["bash", "-c", here], input=b"A=2\n", check=False, capture_output=True).returncode != 0
        assert os.read(heard, 100) == b""
    os.close(heard)
    assert (tmp_path / ".env").read_text() == "A=1\n"


AT_THE_TERMINAL = """#!/usr/bin/python3 -I
import fcntl, os, termios
for way in ("/dev/tty", "/proc/self/fd/1", "/proc/self/fd/2"):
    try:
        fcntl.ioctl(os.open(way, os.O_RDWR | os.O_NOCTTY), termios.TIOCSTI, b"x")
        print("typed at", way)
    except OSError:
        pass
print("\x1b[2Jdone")
raise SystemExit(1)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_who_clones_types_nothing_at_roots_terminal() -> None:
    """What the account's settings have git start could type a command there (TIOCSTI), or move it."""
    line = next(line for line in script_of("api-1").splitlines() if " git clone " in line).replace("-u deploy ", "-u games ")
    with tempfile.TemporaryDirectory(prefix="voxgate-", dir="/var/lib") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "git").write_text(AT_THE_TERMINAL)
        (Path(folder) / "git").chmod(0o755)
        env = {"PATH": f"{folder}:{os.environ['PATH']}"}
        said = said_at_a_terminal(["/bin/bash", "-euo", "pipefail", "-c", line], env)
    assert said.splitlines()[:1] == ["^[[2Jdone"]
    assert "do it by hand" in said
