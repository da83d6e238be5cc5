"""Drills: what the gate works on goes away under it: its connection, a host, the forge, the disk."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pymongo
import pytest

import lab
from tests.lab.drills.drilling import (
    Drill,
    Gate,
    ends_otherwise_than_done,
    goods,
    other,
    recovered,
    run,
    until_it_answers,
)
from tests.lab.serving import DATABASE

# A host's power switch starts processes that outlive it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


_CUT = """table ip drill {
  chain in { type filter hook input priority 0; tcp dport 22 drop; }
  chain out { type filter hook output priority 0; tcp sport 22 drop; }
}
"""


def test_connection_cut_while_restarting(drill: Drill, tmp_path: Path) -> None:
    """The firewall eats everything between gate and host, and lets it through again half a minute later."""
    before = goods()
    drill.point = "restart:begun:backend, cut for 30 s"
    gate = Gate.start(tmp_path, *other("backend"), point="restart:begun:backend:NONE")
    gate.reached()
    assert lab.exec("api-1", ["nft", "-f", "-"], stdin=_CUT).returncode == 0
    try:
        time.sleep(30)  # the cut itself: longer than the silence that ends an owner
    finally:
        assert lab.exec("api-1", ["nft", "delete", "table", "ip", "drill"]).returncode == 0
    ends_otherwise_than_done(drill, gate, tmp_path)
    drill.check(before)


_SLOW = """cd /opt/vox-backend
runuser -u deploy -- git config filter.slow.smudge 'test -n "$GIT_INDEX_FILE" || sleep 60; cat'
echo '* filter=slow' >.git/info/attributes"""
# A build's tree has an index of its own: it is not slow.
# The filter is out of the way before its git is killed: the gate goes back at once, and must not meet it again.
_KILL_GIT = """cd /opt/vox-backend
until [ -e .git/index.lock ]; do sleep 0.05; done
rm .git/info/attributes
runuser -u deploy -- git config --remove-section filter.slow
pkill -KILL -x git; pkill -KILL -x sleep
[ -e .git/index.lock ]"""


def test_a_git_is_killed_in_its_checkout(drill: Drill, tmp_path: Path) -> None:
    """Somebody (the kernel, out of memory) kills the host's git in the middle of the checkout: its lock file stays, and the way
    back of the same run takes it away.
    """
    before = goods()
    drill.point = "git checkout, killed with its lock file left"
    assert lab.exec("api-1", ["sh", "-ec", _SLOW]).returncode == 0
    gate = Gate.start(tmp_path, *other("backend"))
    assert lab.exec("api-1", ["sh", "-ec", _KILL_GIT]).returncode == 0
    drill.exit_status = gate.wait()
    drill.found, drill.outcome = gate.found, gate.verdict["summary"]
    removed = any(".git/index.lock of a git that is gone -> removed" in line for line in gate.found)
    if drill.exit_status != 11 or not removed:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    drill.check(before)


def test_host_dies_and_comes_back(drill: Drill, tmp_path: Path) -> None:
    """The power of a fleet host is cut in the middle of its roll, and comes back."""
    before = goods()
    drill.point = "restart:done:fleet, power cut on fleet-1"
    gate = Gate.start(tmp_path, *other("fleet"), point="restart:done:fleet:NONE")
    gate.reached()
    lab.kill_host("fleet-1")
    lab.boot_host("fleet-1")
    ends_otherwise_than_done(drill, gate, tmp_path)
    drill.check(before)


def test_forge_is_down(drill: Drill, tmp_path: Path) -> None:
    """It goes away after the checkout: the way back needs it not, nor does the next run. A deploy without it is refused."""
    before = goods()
    drill.point = "install:done, forge off"
    assert run(tmp_path, *other("backend", "console"), point="install:done:all:KILL:2")[0] == -signal.SIGKILL
    lab.kill_host("forge")
    try:
        recovered(drill, tmp_path)
        status, gate = run(tmp_path / "refused", "--deploy", "backend")
        if status != 10:
            drill.flaws.append(f"a deploy without a forge ended with {status}: {gate.end}")
    finally:
        lab.boot_host("forge")
    drill.check(before)


def test_the_owner_on_the_host_is_killed(drill: Drill, tmp_path: Path) -> None:
    """What holds the host for the gate is killed there, as for want of memory: the gate holds it again, and goes back."""
    before = goods()
    drill.point = "restart:begun:backend, the owner killed on api-1"
    gate = Gate.start(tmp_path, *other("backend"), point="restart:begun:backend:NONE")
    gate.reached()
    assert lab.exec("api-1", ["pkill", "-KILL", "-f", "^/usr/bin/python3 -I -c"]).returncode == 0
    drill.exit_status = gate.wait()
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    drill.check(before)


def test_booted_while_judging(drill: Drill, tmp_path: Path) -> None:
    """The gate dies while it judges, and the host is booted before the next run: what was seen on an earlier boot proves
    nothing, and is judged again on this one.
    """
    drill.point = "judging:done:backend:KILL, api-1 booted"
    before = goods()
    assert run(tmp_path, *other("backend"), point="judging:done:backend:KILL")[0] == -signal.SIGKILL
    lab.kill_host("api-1")
    lab.boot_host("api-1")
    until_it_answers("http://198.51.100.21:8080/health", "http://198.51.100.21:8100/health")  # the backend, and HAProxy's fleet
    gate = recovered(drill, tmp_path)
    if not any("booted since" in line and "judge again" in line for line in gate.found):
        drill.flaws.append(f"found: {gate.found}")
    drill.flaws += [] if goods() != before else ["it was good, and was not promoted"]
    drill.check()


# What is there (a ledger grows with each run before), and a little more.
_SMALL = """set -e; cd /var/lib/voxgate; cp -a backend /run/state-of-backend
mount -t tmpfs -o size=$(($(du -sk --apparent-size backend | cut -f1) / 4 * 4 + 64))k,mode=755 full backend
cp -a /run/state-of-backend/. backend/; chown deploy:deploy backend; rm -rf /run/state-of-backend"""
_FILL = "dd if=/dev/zero of=/var/lib/voxgate/backend/filler bs=1k 2>/dev/null || true"
_FREE = "rm -f /var/lib/voxgate/backend/filler"
_LARGE = """set -e; cd /var/lib/voxgate; cp -a backend /run/state-of-backend; umount backend
cp -a /run/state-of-backend/. backend/; rm -rf /run/state-of-backend"""


@pytest.fixture
def api_1() -> Iterator[Callable[[str], None]]:
    """Run a script on api-1, where the backend's state has a small file system of its own meanwhile."""

    def sh(script: str) -> None:
        assert lab.exec("api-1", ["sh", "-c", script]).returncode == 0, script

    sh(_SMALL)
    yield sh
    sh(_FREE)
    sh(_LARGE)


def test_disk_is_full(drill: Drill, tmp_path: Path, api_1: Callable[[str], None]) -> None:
    """Where nothing can be noted, nothing is begun."""
    before = goods()
    drill.point = "no room for the journal"
    api_1(_FILL)
    drill.exit_status, gate = run(tmp_path, *other("backend"))
    api_1(_FREE)
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 10:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.end}")
    drill.check(before)


@pytest.mark.parametrize(
    "point", ["claimed:done:backend", "restart:begun:backend", "judging:done:backend", "promoting:done:backend"]
)
def test_disk_fills_up(drill: Drill, tmp_path: Path, api_1: Callable[[str], None], point: str) -> None:
    """Where nothing more can be noted, nothing more is done, neither forth nor back; the next run, which has room, mends it."""
    before = goods()
    drill.point = f"{point}, no room from there on"
    gate = Gate.start(tmp_path, *other("backend"), point=f"{point}:STOP")
    gate.reached()
    api_1(_FILL)
    gate.process.send_signal(signal.SIGCONT)
    gate.wait()
    api_1(_FREE)
    ends_otherwise_than_done(drill, gate, tmp_path)
    drill.check(before if point.startswith(("claimed", "restart")) else {})


def test_somebody_else_dials(drill: Drill, tmp_path: Path) -> None:
    """A dialler that no host of the estate runs is on the database: ours is stopped, and not started beside it."""
    before = goods()
    drill.point = "a foreign client on the database"
    client: pymongo.MongoClient[dict[str, object]] = pymongo.MongoClient(DATABASE, appname="vox-dialler")
    with client:
        client.admin.command("ping")
        drill.exit_status, gate = run(tmp_path, *other("dialler"))
        drill.outcome = gate.verdict["summary"]
        running = lab.exec("sip-1", ["systemctl", "is-active", "voxdialler"]).stdout.strip()
    if drill.exit_status != 13 or running == "active" or "was not started" not in gate.said:
        drill.flaws.append(f"{drill.exit_status}, {running}: {gate.end}")
    assert run(tmp_path / "clear", "--clear", "dialler", "--reason", "it is gone")[0] == 0
    status, gate = run(tmp_path / "again", "--deploy", f"dialler={before['dialler-sip-1']}")
    drill.flaws += [] if status == 0 else [gate.end]
    drill.check(before)
