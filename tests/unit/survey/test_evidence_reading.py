"""From a document to evidence: all of a good one, and of a bad one never an exception, only a Missing."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voxgate.contracts.schemas import FOLDER, best_fault
from voxgate.model.digits import natural_in, port_in
from voxgate.model.evidence import HostEvidence, Missing, SocketFact, UnitFact
from voxgate.model.installed import install_probe
from voxgate.model.surroundings import JobFact, KeysFact, SudoFact, SudoRule
from voxgate.survey.findings import is_loopback
from voxgate.survey.host_documents import host_evidence

GOOD: dict[str, Any] = {
    **json.loads((FOLDER / "examples/evidence/valid-fleet.json").read_text()),
    "gate": {"asked": 1795338240.1, "answered": 1795338240.9},
}
BLIND: dict[str, Any] = json.loads((FOLDER / "examples/evidence/valid-nothing-seen.json").read_text())
PER_SERVICE = ("checkouts", "venvs", "env_files", "dists", "packages", "leaks", "runtimes", "stores")


def facts(evidence: HostEvidence) -> list[object]:
    """Every fact, those of services one by one."""
    found: list[object] = []
    for field in fields(evidence):
        value = getattr(evidence, field.name)
        found.extend(value.values() if field.name in PER_SERVICE else [value])
    return found


def test_everything_of_a_good_document_is_read() -> None:
    evidence = host_evidence("fleet-1", GOOD)
    assert not [fact for fact in facts(evidence) if isinstance(fact, Missing)]
    assert not isinstance(evidence.units, Missing)
    assert evidence.units["voxcore@1.service"].links == ("/etc/systemd/system/multi-user.target.wants/voxcore@1.service",)
    assert evidence.units["voxcore@1.service"].package == "", "evidence of before says none"
    assert evidence.venvs["fleet"].declared["pipecat-ai"] == "==1.14.0"  # type: ignore[union-attr]
    assert not isinstance(evidence.processes, Missing)
    assert GOOD["probe"]["pid"] in {process.pid for process in evidence.processes}
    assert evidence.document == GOOD


def test_rules_of_others_come_with_their_groups_and_keys_with_principals() -> None:
    """As the schema has them: a document of another form would be no evidence at all."""
    document = copy.deepcopy(GOOD)
    rule = {"user": "anna", "groups": ["anna", "ops"], "as": "ALL", "options": "", "command": "ALL"}
    document["sections"]["sudo"]["value"]["others"] = [rule]
    keys = document["sections"]["keys"]["value"]
    keys["keys"] = [
        {"user": "root", "file": "/etc/ssh/p/root", "fingerprint": mark, "changed": 1.5}
        for mark in ("principal:on-call", "unreadable")
    ]
    document["sections"]["jobs"]["value"] = [{"where": "/etc/cron.d/a", "user": "root", "runs": ["git"], "changed": 1.5}]
    document["sections"]["units"]["value"]["voxcore@1.service"]["package"] = "vox"
    keys["settings"]["match User anna"] = "kbdinteractiveauthentication yes"
    assert best_fault("evidence", {key: value for key, value in document.items() if key != "gate"}) is None
    evidence = host_evidence("fleet-1", document)
    assert isinstance(evidence.sudo, SudoFact)
    assert evidence.sudo.others == (SudoRule("ALL", "", "ALL", "anna", ("anna", "ops")),)
    assert isinstance(evidence.keys, KeysFact)
    assert [key.fingerprint for key in evidence.keys.keys] == ["principal:on-call", "unreadable"]
    assert {key.changed for key in evidence.keys.keys} == {1.5}
    assert evidence.jobs == (JobFact("/etc/cron.d/a", "root", ("git",), 1.5),)
    assert not isinstance(evidence.units, Missing)
    assert evidence.units["voxcore@1.service"].package == "vox"


def test_every_error_of_the_probe_is_a_missing_that_names_it() -> None:
    evidence = host_evidence("fleet-1", BLIND)
    assert evidence.units == Missing("denied", "units: /proc hides processes from us (hidepid)", "fleet-1")
    assert (
        evidence.connections
        == evidence.listeners
        == Missing("denied", "sockets: /proc hides processes from us (hidepid)", "fleet-1")
    )
    assert evidence.checkouts["fleet"] == Missing(
        "missing", "checkouts of fleet: /opt/vox-agents: No such file or directory", "fleet-1"
    )
    assert isinstance(evidence.boot_id, Missing)


def test_what_is_denied_without_root_says_how_to_mend_it() -> None:
    document = copy.deepcopy(BLIND)
    document["probe"]["uid"] = 1000
    units = host_evidence("fleet-1", document).units
    assert isinstance(units, Missing)
    assert "voxgate probe | ssh" in units.hint


def test_a_wrong_type_costs_that_fact_alone_and_is_not_quoted() -> None:
    document = copy.deepcopy(GOOD)
    document["sections"]["processes"]["value"][0]["pid"] = "hunter2"
    evidence = host_evidence("fleet-1", document)
    assert evidence.processes == Missing("unparsable", "processes: [0].pid: int wanted, str found", "fleet-1", install_probe())
    assert not isinstance(evidence.units, Missing)


def test_a_list_of_processes_without_the_probe_hides_something() -> None:
    document = copy.deepcopy(GOOD)
    document["probe"]["pid"] += 1
    assert host_evidence("h", document).processes == Missing(
        "unparsable", "processes: the probe does not find itself", "h", install_probe()
    )


@pytest.mark.parametrize("value", [True, 1.5, -1, 65536, "80", None])
def test_a_port_is_a_whole_number_in_range(value: object) -> None:
    document = copy.deepcopy(GOOD)
    document["sections"]["sockets"]["value"]["listeners"][0]["port"] = value
    assert isinstance(host_evidence("h", document).listeners, Missing)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "1", True, None])
def test_a_time_is_a_finite_number(value: object) -> None:
    document = copy.deepcopy(GOOD)
    document["host"]["time"] = value
    assert isinstance(host_evidence("h", document).time, Missing)


def test_a_listener_has_no_remote_end() -> None:
    evidence = host_evidence("fleet-1", GOOD)
    assert not isinstance(evidence.listeners, Missing)
    assert evidence.listeners[0] == SocketFact("0.0.0.0", 22, None, None, evidence.listeners[0].pids)  # noqa: S104


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_nothing_is_raised_for_any_json(document: object) -> None:
    assert isinstance(host_evidence("h", document), HostEvidence)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a document."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [path, *(place for key in keys for place in places(value[key], (*path, key)))]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(GOOD)[1:]), JSON | st.just("<gone>"))
def test_nothing_is_raised_for_any_change_of_a_good_document(place: tuple[Any, ...], value: object) -> None:
    document = copy.deepcopy(GOOD)
    at = document
    for key in place[:-1]:
        at = at[key]
    if value == "<gone>":
        del at[place[-1]]
    else:
        at[place[-1]] = value
    for fact in facts(host_evidence("h", document)):
        if isinstance(fact, Missing):
            assert fact.kind in {"unparsable", "missing", "failed", "denied", "timeout"}
            assert fact.where == "h"


@pytest.mark.parametrize(
    "files",
    [
        {"index.html": [10**15, "0" * 64]},
        {f"{number}.js": [30 * 1024 * 1024, "0" * 64] for number in range(5)},
        {f"{number}.js": [1, "0" * 64] for number in range(5001)},
    ],
)
def test_a_site_that_is_said_to_be_huge_is_not_asked_for(files: dict[str, list[Any]]) -> None:
    document = copy.deepcopy(GOOD)
    dist = {"target": "builds/x", "files": files, "built": None, "changed": 1.0, "published": 1.0}
    document["sections"]["dists"]["value"] = {"console": {"value": dist}}
    found = host_evidence("api-1", document).dists["console"]
    assert isinstance(found, Missing)
    assert "not asked for" in found.why
    dist["files"] = {"index.html": [3 * 1024 * 1024, "0" * 64]}
    assert not isinstance(host_evidence("api-1", document).dists["console"], Missing)


def test_a_host_of_very_many_addresses_is_not_asked_by_each() -> None:
    document = copy.deepcopy(GOOD)
    document["sections"]["sockets"]["value"]["addresses"] = [f"10.0.{number // 256}.{number % 256}" for number in range(201)]
    assert isinstance(host_evidence("api-1", document).addresses, Missing)


@pytest.mark.parametrize(
    "value", ["", "x", "²", "1.2.3", "::1%eth0", "fe80::1%" + "x" * 300, "127.0.0.1/8", "localhost", "\u0661.1.1.1"]
)
def test_what_is_no_address_is_none(value: str) -> None:
    for list_of, key in (("listeners", "address"), ("connections", "remote_address")):
        document = copy.deepcopy(GOOD)
        document["sections"]["sockets"]["value"][list_of][0][key] = value
        assert isinstance(host_evidence("h", document).listeners, Missing)
    document = copy.deepcopy(GOOD)
    document["sections"]["sockets"]["value"]["addresses"] = ["127.0.0.1", "::1", "fe80::1", "::ffff:192.0.2.1"]
    assert not isinstance(host_evidence("h", document).addresses, Missing)
    document["sections"]["sockets"]["value"]["addresses"].append(value)
    assert isinstance(host_evidence("h", document).addresses, Missing)


@pytest.mark.parametrize("value", ["", "x", "²", "127.0.0.1/8", "localhost", "127.0.0"])
def test_what_is_no_address_is_no_loopback(value: str) -> None:
    assert not is_loopback(value)


@pytest.mark.parametrize("pid", ["9" * 5000, "²", "٣", "-1", "1 ", ""])
def test_a_pid_is_a_few_digits(pid: str) -> None:
    document = copy.deepcopy(GOOD)
    document["sections"]["runtimes"]["value"] = {"fleet": {"value": {"processes": {pid: {}}, "preload": True, "base": []}}}
    found = host_evidence("h", document).runtimes["fleet"]
    assert isinstance(found, Missing)
    assert found.why == "runtimes of fleet: processes: a number wanted as the key of each"
    assert UnitFact("u", {"MainPID": pid}, (), {}).main_pid == 0


@given(st.text(max_size=12) | st.text("0123456789²٣ +_", max_size=12) | st.just("9" * 5000))
@settings(deadline=None)
def test_a_number_in_text_is_ascii_digits_and_nothing_else(text: str) -> None:
    digits = bool(text) and len(text) <= 10 and all(letter in "0123456789" for letter in text)
    assert natural_in(text) == (int(text) if digits else None)
    assert port_in(text) == (int(text) if digits and int(text) < 65536 else None)


AT_ONCE = """
import json, sys, threading
from pathlib import Path
from voxgate.survey.host_documents import host_evidence

sys.setswitchinterval(1e-6)
document, begin, seen = json.loads(Path(sys.argv[1]).read_text()), threading.Event(), []

def read():
    begin.wait()
    seen.append(host_evidence("h", document))

threads = [threading.Thread(target=read) for _ in range(16)]
for one in threads:
    one.start()
begin.set()
for one in threads:
    one.join()
assert len(seen) == 16 and all(one == seen[0] for one in seen)
"""


def test_the_first_hosts_are_read_at_once() -> None:
    """What reads a type first learns it; a process that nobody had learned a type in was gone for a signal in nine of twelve."""
    for _ in range(4):
        subprocess.run(
            [sys.executable, "-c", AT_ONCE, str(FOLDER / "examples/evidence/valid-fleet.json")], check=True, timeout=60
        )


def test_what_was_cut_out_of_a_text_is_said_with_what_to_do() -> None:
    document = copy.deepcopy(GOOD)
    document["sections"]["sudo"]["value"]["rules"] = [{"as": "root", "options": "[cut], !authenticate", "command": "/bin/x"}]
    sudo = host_evidence("fleet-1", document).sudo
    assert isinstance(sudo, Missing)
    assert sudo.why == "sudo: rules[0].options: a value of .env was cut out of it"
    assert "take that key out of .env" in sudo.hint


def test_values_of_an_environment_are_never_taken() -> None:
    document = copy.deepcopy(GOOD)
    document["sections"]["units"]["value"]["voxcore@1.service"]["properties"]["Environment"] = "TOKEN=hunter2"
    units = host_evidence("fleet-1", document).units
    assert isinstance(units, Missing)
    assert "values of an environment are told" in units.why
    assert "hunter2" not in units.why


@pytest.mark.parametrize("place", ["links", "vouched", "changed"])
def test_what_every_probe_tells_has_no_default(place: str) -> None:
    """A field has one for those who make a fact by hand; a document without it tells less, and less is not good."""
    document = copy.deepcopy(GOOD)
    del document["sections"]["units"]["value"]["voxcore@1.service"][place]
    assert isinstance(host_evidence("fleet-1", document).units, Missing)
