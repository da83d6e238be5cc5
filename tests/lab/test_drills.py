"""Drills: the gate dies, sleeps, is cut off or raced at every point, and the next run finds the hosts in order or mends them."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pymongo
import pytest

import lab
from tests.lab.drilling import DATABASE, ESTATE, NEW, OLD, RECOVER, Drill, Gate, goods, other, record, run, states

# A host's power switch starts processes that outlive it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

SERVICES = ("backend", "fleet", "dialler", "console")
GROUPS = (("backend", "dialler", "console"), ("fleet",))
PLACEMENTS = ESTATE.placements
SERVICE_OF = {placement.id: placement.service.name for placement in PLACEMENTS}
FORWARD = [
    ("claimed", "done"), ("checkout", "begun"), ("checkout", "done"), ("install", "begun"), ("install", "done"),
    ("judging", "done"), ("promoting", "done"), ("done", "done"),
]  # fmt: skip


def count(group: tuple[str, ...]) -> int:
    """On how many places these services stand."""
    return sum(placement.service.name in group for placement in PLACEMENTS)


def back_points(group: tuple[str, ...]) -> list[str]:
    """Every state of the way back, in the order in which they come."""
    both = ("begun", "done")
    built = tuple(service for service in group if service != "console")  # its build is kept: there is nothing to install
    return [
        *(f"back-checkout:{moment}:all:KILL:{count(group)}" for moment in both),
        *(f"back-install:{moment}:all:KILL:{count(built)}" for moment in both),
        *(f"back-restart:{moment}:{service}:KILL" for service in group for moment in both),
        f"back-judging:done:all:KILL:{count(group)}",
        f"rolled-back:done:all:KILL:{count(group)}",
    ]


@pytest.fixture(scope="session", autouse=True)
def _known_good(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every service has a last known good, and the release before it is on the hosts."""
    folder = tmp_path_factory.mktemp("known-good")
    try:
        known = goods()
    except ValueError:
        known = {}
    if not known or not all(tag.endswith((OLD, NEW)) for tag in known.values()):
        assert run(folder, "--deploy", "all")[0] == 0
    status, gate = run(folder / "first", *RECOVER)
    assert status == 0, gate.said[-3000:]


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Drill:
    """The drill of this test."""
    return Drill(request.node.name.removeprefix("test_"), "")


def recovered(drill: Drill, folder: Path) -> Gate:
    """The next run: it says what it found, and ends well."""
    drill.states = states()
    status, gate = run(folder / "recover", *RECOVER)
    drill.found += gate.found
    drill.exit_status, drill.outcome = status, gate.verdict["summary"]
    if status != 0:
        drill.flaws.append(f"recover ended with {status}: {gate.said[-1500:]}")
    return gate


@pytest.mark.parametrize(("phase", "moment"), FORWARD, ids=[f"{phase}-{moment}" for phase, moment in FORWARD])
@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_killed_on_the_way(drill: Drill, tmp_path: Path, group: tuple[str, ...], phase: str, moment: str) -> None:
    """Several services at once, all at the same state; the next run abandons, goes back, judges again, or promotes."""
    before = goods()
    drill.point = f"{phase}:{moment}:all:KILL:{count(group)}"
    status, gate = run(tmp_path, *other(*group), point=drill.point)
    assert status == -signal.SIGKILL, gate.said[-2000:]
    recovered(drill, tmp_path)
    judged_good = phase in {"judging", "promoting", "done"}
    moved = {key: tag for key, tag in before.items() if SERVICE_OF[key] in group}
    if judged_good:
        drill.flaws += [f"{key} was good, and was not promoted" for key, tag in moved.items() if goods()[key] == tag]
    drill.check({} if judged_good else before)


@pytest.mark.parametrize("moment", ["begun", "done"])
@pytest.mark.parametrize("service", SERVICES)
def test_killed_while_restarting(drill: Drill, tmp_path: Path, service: str, moment: str) -> None:
    """One service alone, killed around its first restart."""
    before = goods()
    drill.point = f"restart:{moment}:{service}:KILL"
    status, gate = run(tmp_path, *other(service), point=drill.point)
    assert status == -signal.SIGKILL, gate.said[-2000:]
    recovered(drill, tmp_path)
    drill.check(before)


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_killed_on_the_way_back(drill: Drill, tmp_path: Path, group: tuple[str, ...]) -> None:
    """The recovery is killed too, again and again, at each of its states in turn; the last one comes through."""
    before = goods()
    drill.point = f"install:done:all:KILL:{count(group)}"
    assert run(tmp_path, *other(*group), point=drill.point)[0] == -signal.SIGKILL
    for point in back_points(group):
        began = time.monotonic()
        status, gate = run(tmp_path / "back", *RECOVER, point=point)
        one = Drill(f"{drill.name} at {point}", point, gate.found, states(), "killed", status)
        one.seconds = round(time.monotonic() - began, 1)
        record(one)
        assert status == -signal.SIGKILL, gate.said[-2000:]
    recovered(drill, tmp_path)
    drill.check(before)


@pytest.mark.parametrize("number", range(4))
def test_killed_at_a_random_moment(drill: Drill, tmp_path: Path, number: int) -> None:
    """Wherever it is."""
    before = goods()
    seconds = random.uniform(1.0, 14.0)  # noqa: S311 - no secret
    gate = Gate.start(tmp_path, *other("backend", "dialler", "console"))
    time.sleep(seconds)
    gate.process.kill()
    gate.wait()
    drill.point = f"after {seconds:.2f} s"
    recovered(drill, tmp_path)
    drill.check({key: tag for key, tag in before.items() if SERVICE_OF[key] == "fleet"})


SIGNALS = [
    ("checkout:begun:backend:TERM", 12), ("install:begun:console:INT", 12), ("restart:begun:dialler:TERM", 12),
    ("restart:done:backend:INT+INT", 12), ("judging:done:any:TERM:2", 12), ("promoting:done:any:INT+INT", 0),
    ("restart:begun:backend:HUP", 12), ("claimed:done:any:TERM", 12),
]  # fmt: skip


@pytest.mark.parametrize(("point", "wanted"), SIGNALS, ids=[point for point, _ in SIGNALS])
def test_interrupted(drill: Drill, tmp_path: Path, point: str, wanted: int) -> None:
    """A signal, or two: the run ends by itself, back on the last known good, and says so; never a promotion after it."""
    before = goods()
    drill.point = point
    drill.exit_status, gate = run(tmp_path, *other("backend", "dialler", "console"), point=point)
    verdict = gate.verdict
    drill.outcome = verdict["summary"]
    drill.states = states()
    if drill.exit_status != wanted or verdict["exit_status"] != wanted:
        drill.flaws.append(f"exit {drill.exit_status}, verdict {verdict['exit_status']}, not {wanted}: {gate.said[-2500:]}")
    drill.check(before if wanted else {})


def test_interrupted_on_the_way_back(drill: Drill, tmp_path: Path) -> None:
    """The first signal of a run may come while it goes back: that is not cut short, and it ends as it would have."""
    before = goods()
    drill.point = "back-checkout:begun:backend:TERM"
    drill.exit_status, gate = run(tmp_path, "--deploy", "backend=vox-backend-2026.06.23-1", point=drill.point)
    drill.outcome = gate.verdict["summary"]
    drill.states = states()
    if drill.exit_status != 11 or drill.states["backend-api-1"] != "rolled-back done":
        drill.flaws.append(f"exit {drill.exit_status}, {drill.states['backend-api-1']}: {gate.said[-2000:]}")
    drill.check(before)


def test_nobody_listens(drill: Drill, tmp_path: Path) -> None:
    """The terminal goes away in the midst of a deploy that goes wrong (a closed pipe): it goes back all the same, and says so
    in its verdict.
    """
    before = goods()
    drill.point = "stdout closed after its first move"
    gate = Gate.start(tmp_path, "--deploy", "backend=vox-backend-2026.06.23-1", piped=True)
    assert gate.process.stdout is not None
    while b"checkout" not in gate.process.stdout.readline():
        assert gate.process.poll() is None
    gate.process.stdout.close()
    drill.exit_status = gate.wait()
    drill.outcome = gate.verdict["summary"]
    if (drill.exit_status, gate.verdict["exit_status"]) != (11, 11):
        drill.flaws.append(f"exit {drill.exit_status}, verdict {gate.verdict['exit_status']}")
    drill.check(before)


def test_the_owner_on_the_host_is_killed(drill: Drill, tmp_path: Path) -> None:
    """What holds the host for the gate is killed there, as for want of memory: the gate holds it again, and goes back."""
    before = goods()
    drill.point = "restart:begun:backend, the owner killed on api-1"
    gate = Gate.start(tmp_path, *other("backend"), point="restart:begun:backend:NONE")
    gate.reached()
    assert lab.exec("api-1", ["pkill", "-KILL", "-f", "^python3 -I -c"]).returncode == 0
    drill.exit_status = gate.wait()
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.said[-1500:]}")
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


def until_it_answers(*urls: str) -> None:
    """A host that was booted has everything up again."""
    until = time.monotonic() + 60
    for url in urls:
        while True:
            with suppress(httpx.HTTPError):
                if httpx.get(url, timeout=3).status_code == httpx.codes.OK:
                    break
            assert time.monotonic() < until, url
            time.sleep(0.2)


def test_a_bad_release_left_at_its_judging(drill: Drill, tmp_path: Path) -> None:
    """The gate dies as it was about to judge what does not hold: the next run judges it, goes back, and says both."""
    before = goods()
    drill.point = "judging:done:fleet:KILL:2, of a release that does not hold"
    status, gate = run(tmp_path, "--deploy", "fleet=vox-agents-2026.06.23-1", point="judging:done:fleet:KILL:2")
    assert status == -signal.SIGKILL, gate.said[-1500:]
    drill.states = states()
    drill.exit_status, gate = run(tmp_path / "recover", *RECOVER)
    drill.found, drill.outcome = gate.found, gate.verdict["summary"]
    if (drill.exit_status, gate.verdict["verdict"], gate.verdict["rollback"]["verdict"]) != (11, "rolled back", "holds"):
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.said[-2000:]}")
    drill.check(before)


def test_one_bad_release_among_all(drill: Drill, tmp_path: Path) -> None:
    """All are deployed, three of them once more as they are, and one is bad: that one goes back, and all of it is in order."""
    before = goods()
    drill.point = "all again, and a bad backend"
    again = [f"{SERVICE_OF[key]}={tag}" for key, tag in before.items() if SERVICE_OF[key] != "backend"]
    words = [
        "--deploy",
        "backend=vox-backend-2026.06.23-1",
        *(word for one in dict.fromkeys(again) for word in ("--deploy", one)),
    ]
    drill.exit_status, gate = run(tmp_path, *words)
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.said[-2500:]}")
    drill.check(before)


def test_two_gates(drill: Drill, tmp_path: Path) -> None:
    """Exactly one works; the other says who holds it, and changes nothing."""
    first = Gate.start(tmp_path / "1", *other("backend"))
    second = Gate.start(tmp_path / "2", *other("backend"))
    ended = sorted([first.wait(), second.wait()])
    drill.exit_status = ended[1]
    loser = next(gate for gate in (first, second) if gate.process.returncode == 10)
    drill.outcome = next(line for line in loser.said.splitlines() if "another gate is at work" in line).strip()
    assert ended == [0, 10], first.said[-1500:] + second.said[-1500:]
    drill.check()


def test_a_gate_that_waits(drill: Drill, tmp_path: Path) -> None:
    """``--wait`` comes in when the other has ended, whatever way it ended."""
    first = Gate.start(tmp_path / "1", *other("console"), point="install:begun:console:STOP")
    first.reached()
    waiting = Gate.start(tmp_path / "2", *RECOVER)
    until = time.monotonic() + 15
    while "waiting: " not in waiting.said and time.monotonic() < until:
        time.sleep(0.1)
    first.process.kill()
    first.wait()
    drill.exit_status = waiting.wait()
    drill.found = waiting.found
    drill.outcome = waiting.verdict["summary"]
    assert drill.exit_status == 0, waiting.said[-2000:]
    assert "waiting: " in waiting.said
    drill.check()


def test_a_paused_gate(drill: Drill, tmp_path: Path) -> None:
    """It sleeps in the midst of a deploy, another one mends and deploys, it wakes up: it can change nothing any more."""
    drill.point = "restart:done:backend:STOP"
    zombie = Gate.start(tmp_path / "zombie", *other("backend", "console"), point=drill.point)
    zombie.reached()
    time.sleep(1)
    status, gate = run(tmp_path / "next", *other("backend"), "--wait", "60")
    drill.found = gate.found
    assert status == 0, gate.said[-2000:]
    mended, before = states(), goods()
    zombie.process.send_signal(signal.SIGCONT)
    drill.exit_status = zombie.wait()
    drill.outcome = zombie.verdict["summary"]
    if states() != mended:
        drill.flaws.append(f"the zombie changed the journals: {mended} -> {states()}")
    if drill.exit_status == 0:
        drill.flaws.append("the zombie called itself done")
    drill.check(before)


_CUT = """table ip drill {
  chain in { type filter hook input priority 0; tcp dport 22 drop; }
  chain out { type filter hook output priority 0; tcp sport 22 drop; }
}
"""


def ends_otherwise_than_done(drill: Drill, gate: Gate, tmp_path: Path) -> None:
    """The gate under the drill ends, and not as done; the run after it brings the hosts in order."""
    ended = gate.wait()
    outcome = gate.verdict["summary"]
    if ended == 0:
        drill.flaws.append("it called itself done")
    recovered(drill, tmp_path)
    drill.outcome, drill.exit_status = f"{outcome} | next run: {drill.outcome}", ended


def test_connection_cut_while_restarting(drill: Drill, tmp_path: Path) -> None:
    """The firewall eats everything between gate and host, and lets it through again half a minute later."""
    before = goods()
    drill.point = "restart:begun:backend, cut for 30 s"
    gate = Gate.start(tmp_path, *other("backend"), point="restart:begun:backend:NONE")
    gate.reached()
    assert lab.exec("api-1", ["nft", "-f", "-"], stdin=_CUT).returncode == 0
    try:
        time.sleep(30)
    finally:
        assert lab.exec("api-1", ["nft", "delete", "table", "ip", "drill"]).returncode == 0
    ends_otherwise_than_done(drill, gate, tmp_path)
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
            drill.flaws.append(f"a deploy without a forge ended with {status}: {gate.said[-800:]}")
    finally:
        lab.boot_host("forge")
    drill.check(before)


_SMALL = """set -e; cd /var/lib/voxgate; cp -a backend /run/kept; mount -t tmpfs -o size=64k,mode=755 full backend
cp -a /run/kept/. backend/; chown deploy:deploy backend; rm -rf /run/kept"""
_FILL = "dd if=/dev/zero of=/var/lib/voxgate/backend/filler bs=1k 2>/dev/null || true"
_FREE = "rm -f /var/lib/voxgate/backend/filler"
_LARGE = """set -e; cd /var/lib/voxgate; cp -a backend /run/kept; umount backend; cp -a /run/kept/. backend/; rm -rf /run/kept"""


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
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.said[-1500:]}")
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


_DROP_IN = "/run/systemd/system/voxbridge.service.d/drill.conf"
_BREAK = f"""mkdir -p {Path(_DROP_IN).parent}
printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' > {_DROP_IN}
systemctl daemon-reload"""


def test_a_failed_way_back_is_held(drill: Drill, tmp_path: Path) -> None:
    """Nothing can start the backend, neither the new release nor the last known good: a person must look, and say why it is
    in order again. Until then nothing is deployed.
    """
    before = goods()
    drill.point = "the unit cannot start"
    assert lab.exec("api-1", ["sh", "-ec", _BREAK]).returncode == 0
    try:
        drill.exit_status, gate = run(tmp_path, *other("backend"))
        drill.outcome = gate.verdict["summary"]
        refused, second = run(tmp_path / "refused", "--deploy", "console")
    finally:
        lab.exec("api-1", ["sh", "-c", f"rm {_DROP_IN}; systemctl daemon-reload; systemctl restart voxbridge"])
    if (drill.exit_status, refused) != (13, 10) or "--clear backend --reason" not in second.said:
        drill.flaws.append(f"{drill.exit_status} and {refused}: {gate.said[-1200:]} {second.said[-1200:]}")
    assert states()["backend-api-1"].startswith("held")
    assert run(tmp_path / "clear", "--clear", "backend")[0] == 10
    assert run(tmp_path / "clear", "--clear", "backend", "--reason", "drop-in removed")[0] == 0
    status, gate = run(tmp_path / "again", *RECOVER)
    drill.flaws += [] if status == 0 else [gate.said[-1500:]]
    drill.check(before)


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
        drill.flaws.append(f"{drill.exit_status}, {running}: {gate.said[-1500:]}")
    assert run(tmp_path / "clear", "--clear", "dialler", "--reason", "it is gone")[0] == 0
    status, gate = run(tmp_path / "again", "--deploy", f"dialler={before['dialler-sip-1']}")
    drill.flaws += [] if status == 0 else [gate.said[-1500:]]
    drill.check(before)


def test_a_bad_release_goes_back(drill: Drill, tmp_path: Path) -> None:
    """Each of the four is bad in its own way; the roll stops at the canary, and the way back covers what was touched."""
    before = goods()
    bad = [
        f"{one.service.name}={one.service.repository}-2026.06.23-1" for one in {p.service.name: p for p in PLACEMENTS}.values()
    ]
    drill.point = "bad releases"
    drill.exit_status, gate = run(tmp_path, *(word for one in bad for word in ("--deploy", one)))
    drill.outcome = gate.verdict["summary"]
    if drill.exit_status != 11:
        drill.flaws.append(f"it ended with {drill.exit_status}: {gate.said[-2500:]}")
    drill.check(before)


def test_a_busy_worker_comes_last(drill: Drill, tmp_path: Path) -> None:
    """Idle workers are restarted first; a call that is still up when the drain is over is counted, and said."""
    drill.point = "a call on fleet-1's first worker"
    address = ESTATE.host("fleet-1").address
    httpx.post(f"http://{address}:8101/calls", json={"seconds": 300}, timeout=5).raise_for_status()
    drill.exit_status, gate = run(tmp_path, *other("fleet"), "--drain", "5")
    verdict = gate.verdict
    drill.outcome = f"{verdict['summary']}; {'; '.join(verdict['notes'])}"
    order = [one["detail"] for one in verdict["moves"] if (one["host"], one["move"]) == ("fleet-1", "restart")]
    if [words.split(",")[0] for words in order] != ["voxcore@2", "voxcore@3", "voxcore@1"]:
        drill.flaws.append(f"order: {order}")
    if drill.exit_status != 0 or not any("1 calls were up" in note for note in verdict["notes"]):
        drill.flaws.append(f"{drill.exit_status}: {gate.said[-1500:]}")
    drill.check()
