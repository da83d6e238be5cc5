"""What a look costs its host, counted and not timed: the processes that it starts, each of which is milliseconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.built import PROBE
from tests.unit.survey.conftest import KeyPair, asked_of, service

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

# The real program; each process that it starts is told by Python itself. What else this machine has and runs costs nothing here.
LOADER = """
import os, re, sys
program, stubs, told = sys.argv[1:]
source = open(program, "rb").read()
names = {"PROGRAM": source, "__name__": "probe"}
exec(compile(source, "probe", "exec"), names)
names.update(PATH=f"{stubs}:{names['PATH']}", COPY_ROOTS=(), HOST_KEYS=(f"{stubs}/key",), LOCK=f"{stubs}/lock", NICE=0)
names.update(CACHE=f"{stubs}/cache", UNIT_FOLDERS=(), OPEN_PLACES=())
names.update(others_here=lambda *_: set(), claims_to_listen=lambda _: False)
log = os.open(told, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
sys.addaudithook(lambda event, of: event == "subprocess.Popen" and os.write(log, (" ".join(of[1]) + "\\0").encode()) and None)
os._exit(names["main"](re.compile("/.*")))
"""
# A host with one service, and with a timer.
SYSTEMCTL = """#!/bin/sh
if [ "$1" = list-units ]; then
	echo "voxbridge.service loaded active running Backend"
	echo "daily.service loaded inactive dead Daily"
	echo "daily.timer loaded active waiting Daily"
	exit
fi
while [ "$1" != -- ]; do shift; done
shift
read -r up _ </proc/uptime
for name; do
	printf 'Id=%s\\nActiveState=active\\nInvocationID=%032d\\nExecMainStartTimestampMonotonic=%s000000\\n' "$name" 7 "${up%.*}"
	case $name in *.timer) echo "Unit=${name%timer}service" ;; esac
	echo
done
"""


def test_a_look_starts_these_processes_and_no_more(checkout: Path, pair: KeyPair, tmp_path: Path) -> None:
    """One that is added has to be worth it: on a host of the fleet it is felt by calls."""
    for name, text in (
        ("systemctl", SYSTEMCTL),
        ("journalctl", "#!/bin/sh\necho here\n"),
        ("sudo", "#!/bin/sh\n"),
        ("uv", "#!/bin/sh\n"),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    for ending in ("", ".pub"):
        (tmp_path / f"key{ending}").write_bytes(pair.path.with_name(pair.path.name + ending).read_bytes())
        (tmp_path / f"key{ending}").chmod(0o600)
    told = tmp_path / "told"
    request = {"format": 1, "services": [asked_of(service(checkout))], "nonce": "0" * 64, "key": pair.fingerprint}
    ended = subprocess.run(
        [sys.executable, "-IS", "-c", LOADER, str(PROBE), str(tmp_path), str(told)], input=json.dumps(request).encode(),
        capture_output=True, timeout=60, check=True, env={**os.environ, "SUDO_USER": "deploy"},
    )  # fmt: skip
    head, document = ended.stdout.split(b"\n", 1)
    assert b"voxgate-evidence" in head
    sections = json.loads(document[: int(head.split()[3])])["sections"]
    assert [row["where"] for row in sections["jobs"]["value"] if row["where"].startswith("daily")] == [
        "daily.timer starts daily.service"
    ]
    assert not [row for row in sections["leaks"]["value"].values() if "error" in row]
    found = Counter(Path(row.split()[0]).name for row in told.read_text().split("\0") if row)
    assert found.pop("sshd", 0) <= 2  # as far as this machine has one
    assert found == {
        "systemctl": 2,  # what there is, and all of what there is
        "journalctl": 2,
        "sudo": 1,
        "sh": 1,  # three questions to git
        "env": 1,  # uv's comparison of the environment
        "ssh-keygen": 1,
    }, told.read_text().replace("\0", "\n")
