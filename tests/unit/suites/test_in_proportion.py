"""However much a host says, a rule takes time and room in proportion to it: other judgements, and the way back, wait for it."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.unit.suites.conftest import Case
from voxgate.model.evidence import ContainerFact, Missing, SocketFact, known
from voxgate.model.fingerprints import differences
from voxgate.model.forms import WORDS_AT_MOST
from voxgate.model.surroundings import CopiesFact, CopyFact
from voxgate.model.web_servers import MadeOfFact
from voxgate.survey.brought import Packages
from voxgate.survey.explaining import explained
from voxgate.survey.fingerprints import prints_of, rows_of

MANY = 4000
SECONDS, BYTES = 2.0, 64 * 1024 * 1024
LIARS = tuple(f"process {number} (nginx) of vox calls itself so" for number in range(1, MANY))
API, SIP, FLEET, WORKER = "api-1", "sip-1", "fleet-1", "voxcore@1.service"


def calling_themselves_nginx(green: Case) -> Case:
    return green.fact(API, "nginx", doubts=LIARS)


def making_a_unit(green: Case) -> Case:
    drop_ins = {f"/etc/systemd/system/{WORKER}.d/{number}.conf": "0" * 64 for number in range(MANY)}
    files = known(green.of(FLEET).units)[WORKER].files
    return green.unit(FLEET, WORKER, files={**files, **drop_ins})


def copies(green: Case) -> Case:
    found = (CopyFact(f"/srv/{number}", "checkout", ("vox-dialler",), ()) for number in range(5 * MANY))
    return green.host(FLEET, copies=CopiesFact(5 * MANY, tuple(found)))


def containers(green: Case) -> Case:
    rows = known(green.of(SIP).processes)
    boxed = (replace(rows[0], pid=10_000 + n, command="x", unit="", container=f"{n:064x}") for n in range(MANY))
    listed = (ContainerFact("docker", f"f{n:063x}", f"c{n}", "x:1", "running", "Up", "") for n in range(MANY))
    engines = known(green.of(SIP).engines)
    more = replace(engines, containers=(*engines.containers, *listed))
    return green.host(SIP, processes=(*rows, *boxed), engines=more)


def files_of_nginx(green: Case) -> Case:
    paths = [f"/etc/nginx/{number}" for number in range(3 * MANY)]
    made_of = MadeOfFact(dict.fromkeys(paths, "0" * 64), {}, tuple(reversed(paths)))
    return green.fact(API, "nginx", made_of=made_of)


def sockets_of_a_store(green: Case) -> Case:
    public = tuple(f"8.8.{number // 250}.{number % 250}" for number in range(190))
    rows = known(green.of(FLEET).listeners)
    more = (SocketFact("::", 27017, None, None, (number,)) for number in range(1, MANY))
    return green.host(FLEET, listeners=(*rows, *more), addresses=(*known(green.of(FLEET).addresses), *public))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (calling_themselves_nginx, "nginx-runs-its-config"),
        (making_a_unit, "unit-file-is-the-expected"),
        (copies, "one-copy-only"),
        (containers, "only-livekit-in-containers"),
        (sockets_of_a_store, "stores-are-private"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_a_host_says_takes_a_rule_no_more_than_its_share(green: Case, change: Callable[[Case], Case], rule: str) -> None:
    changed = change(green)
    tracemalloc.start()
    try:
        changed.judge([rule])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < BYTES
    began = time.process_time()
    assert changed.judge([rule])
    assert time.process_time() - began < SECONDS


def test_the_files_that_no_package_brought_are_found_in_one_pass(green: Case) -> None:
    made_of = known(files_of_nginx(green).of(API).nginx).made_of
    assert made_of is not None
    began = time.process_time()
    assert not made_of.own
    assert time.process_time() - began < 0.5


def test_why_anything_changed_is_found_in_one_pass(green: Case) -> None:
    """Each look asks for it that a deploy takes: after a deploy what is tried waits for it, and so does the way back."""
    folders = ("/etc/nginx", "/srv/nginx")
    made_of = MadeOfFact({f"{folder}/{number}": "0" * 64 for folder in folders for number in range(3 * MANY)})
    then, now = (rows_of(case.of(API)) for case in (green, green.fact(API, "nginx", made_of=made_of)))
    found = list(differences(prints_of(then), prints_of(now)))
    assert found
    began = time.process_time()
    assert explained(found, now, green.estate, green.estate.host(API), Packages(), {})
    assert time.process_time() - began < SECONDS


def test_why_a_host_was_not_seen_is_said_in_no_more_words_than_anybody_reads(green: Case) -> None:
    """Each rule says it, and what cannot be shown is spelled out letter by letter: a host has eight million of them."""
    why = Missing("unparsable", "\x01" * 50 * MANY, FLEET)
    case = green.look(lambda look: replace(look, hosts={**look.hosts, FLEET: why}))
    green.judge()  # what is imported and read once is no host's doing
    began = time.process_time()
    found = case.judge()
    assert time.process_time() - began < 2 * SECONDS
    assert len(found) > 50
    assert max(len(said) for _, said in found.values()) < 5 * WORDS_AT_MOST  # each of them as its code


def test_of_many_words_whole_ones_are_kept() -> None:
    said = Missing("failed", "see https://u:pw@h/x " * 300)
    assert len(said.why) < WORDS_AT_MOST
    assert said.why.partition(" .. ")[0].endswith("https://u:pw@h/x")
    assert Missing("failed", said.why) == said
    assert Missing("failed", "short").why == "short"
