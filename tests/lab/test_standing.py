"""What was wrong before a deploy is not the release's fault: it is named, all at once, and nothing is touched."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.conftest import Gate, known_good, ledger, on_host
from tests.lab.serving import restarted, running
from tests.lab.test_gate import GOOD

PORT = 9100
IDS = {f"only-expected-listeners[{host}]" for host in ("fleet-1", "fleet-2")}
OLD = "vox-backend-2026.06.22-1"
REASON = "node_exporter, listed next week"
LETTING = [word for key in sorted(IDS) for word in ("--standing", key)] + ["--reason", REASON]


@pytest.fixture(scope="module")
def _stranger() -> Iterator[None]:
    """Something old and harmless listens on both fleet hosts, and nobody listed it: as a node_exporter."""
    for host in ("fleet-1", "fleet-2"):
        serve = ["/usr/bin/python3", "-m", "http.server", "--directory", "/run/systemd", str(PORT)]
        on_host(host, "systemd-run", "--quiet", "--unit=node-exporter", *serve)
        on_host(host, "sh", "-c", f"until ss -Hltn sport = :{PORT} | grep -q .; do sleep 0.05; done")
    yield
    for host in ("fleet-1", "fleet-2"):
        on_host(host, "systemctl", "stop", "node-exporter")


pytestmark = pytest.mark.usefixtures("_stranger")


def test_a_good_release_is_refused_and_nothing_is_touched(gate: Gate) -> None:
    before, lines = running(), len(ledger("api-1", "backend"))
    run = gate("--deploy", f"backend={OLD}")
    assert run.status == 10, run.said
    assert restarted(before) == []
    assert len(ledger("api-1", "backend")) == lines
    assert {one["id"] for one in run.verdict["standing"]["invariants"]} == IDS
    assert all(key in run.verdict["summary"] for key in IDS)
    assert run.verdict["moves"] == []


def test_a_plan_says_the_same(gate: Gate) -> None:
    plan = gate("--deploy", f"backend={OLD}", "--plan")
    assert plan.status == 0
    assert "this deploy would be refused" in plan.said
    assert all(f"{key} is violated" in plan.said for key in IDS)


def test_a_bad_release_goes_back_to_how_it_was(gate: Gate) -> None:
    run = gate("--deploy", "backend=vox-backend-2026.06.23-1", *LETTING)
    assert run.status == 11, run.said
    assert run.verdict["verdict"] == "rolled back"
    assert "as before; still standing" in run.verdict["summary"]
    assert {one["id"] for one in run.verdict["rollback"]["invariants"] if one["verdict"] != "holds"} == IDS
    closing = [one for one in ledger("api-1", "backend") if one["event"] == "rolled-back"][-1]
    assert all(key in closing["reason"] for key in IDS)


def test_what_a_person_let_stand_is_left_and_said(gate: Gate) -> None:
    run = gate("--deploy", f"backend={OLD}", *LETTING)
    assert run.status == 0, run.said
    assert run.verdict["verdict"] == "done"
    assert run.red == IDS
    assert (set(run.verdict["standing"]["allowed"]), run.verdict["standing"]["reason"]) == (IDS, REASON)
    assert REASON in run.verdict["summary"]
    promoted = [one for one in ledger("api-1", "backend") if one["event"] == "promoted"][-1]
    assert REASON in promoted["reason"]
    assert all(key in promoted["reason"] for key in IDS)


def test_a_rollback_is_stopped_by_nothing_that_stands(gate: Gate) -> None:
    assert known_good("api-1", "backend")["tag"] == OLD
    run = gate("--rollback", "backend")
    assert run.status == 0, run.said
    assert known_good("api-1", "backend")["tag"] == GOOD["backend"]
    assert set(run.verdict["standing"]["allowed"]) >= IDS
    assert run.red == IDS


def test_what_a_deploy_mends_does_not_stop_it(gate: Gate) -> None:
    on_host("fleet-1", "systemctl", "stop", "voxcore@2")
    run = gate("--deploy", "fleet", *LETTING)
    assert run.status == 0, run.said
    assert "unit-is-active[fleet-1-voxcore@2]" in {one["id"] for one in run.verdict["standing"]["invariants"]}


LIBRARY = "/usr/lib/x86_64-linux-gnu/libssl.so.3"


def test_a_library_replaced_at_night_is_no_release_s_fault(gate: Gate) -> None:
    """As unattended-upgrades do it: the backend runs with a file that is gone. Another deploy is refused, its own mends it."""
    on_host("api-1", "sh", "-ec", f"cp --archive {LIBRARY} {LIBRARY}.new; mv {LIBRARY}.new {LIBRARY}")
    before = running()
    other = gate("--deploy", "dialler=vox-dialler-2026.06.22-1", *LETTING)
    assert other.status == 10, other.said
    assert restarted(before) == []
    named = {one["id"] for one in other.verdict["standing"]["invariants"]} - IDS
    assert named
    assert all("api-1-voxbridge" in key for key in named), named
    assert all(key in other.verdict["summary"] for key in named)
    own = gate("--deploy", "backend", *LETTING)
    assert own.status == 0, own.said
    assert own.red == IDS
