"""What an estate names may be there; whatever stands beside it, or is more than it names, is found as ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.suites.conftest import Case
from voxgate.model.estate import Containers, JobEntry
from voxgate.model.evidence import known
from voxgate.model.surroundings import DiskFact, JobFact
from voxgate.survey.collect import remarks

SIP, FOLDER = "sip-1", "/opt/vox-dialler"
RED = {"one-copy-only[sip-1]"}
NIGHTLY = "/etc/cron.d/recordings"
AT_HOME = "/home/deploy/.config/systemd/user/x.service.d"


def with_job(green: Case, where: str, runs: tuple[str, ...], jobs: Mapping[str, tuple[JobEntry, ...]]) -> Case:
    """One job on the SIP host, and what the estate says of jobs."""
    return replace(green.host(SIP, jobs=(JobFact(where, "root", runs),)), estate=replace(green.estate, jobs=jobs))


@pytest.mark.parametrize(
    ("place", "entry", "where", "runs", "red"),
    [
        ("sip", NIGHTLY, NIGHTLY, ("rsync",), set()),
        ("all", NIGHTLY, NIGHTLY, ("rsync",), set()),
        ("sip-1", "/etc/cron.d/rec*", NIGHTLY, ("rsync",), set()),
        ("sip", "backup.timer", "backup.timer starts backup.service", ("rsync",), set()),
        ("sip", "backup.service", "backup.timer starts backup.service", ("rsync",), set()),
        ("fleet", NIGHTLY, NIGHTLY, ("rsync",), RED),
        ("fleet-1", NIGHTLY, NIGHTLY, ("rsync",), RED),
        ("sip", NIGHTLY, f"{NIGHTLY}2", ("rsync",), RED),
        ("sip", NIGHTLY, NIGHTLY, ("git", "rsync"), RED),
        ("sip", NIGHTLY, NIGHTLY, (FOLDER, "rsync"), RED),
        ("sip", "backup.timer", "backup.service", ("rsync",), RED),
        ("sip", "backup.timer", "other.timer starts backup.service", ("rsync",), RED),
        # What lies in an account's folder is called as it likes.
        ("sip", "backup*", "/home/x/.config/systemd/user/a.service.d/b starts backup.conf", ("rsync",), RED),
        ("sip", "backup.timer", f"{AT_HOME}/x starts backup.timer starts y.conf", ("rsync",), RED),
        ("sip", "/etc/cron.d/rec*", f"{AT_HOME}/x starts /etc/cron.d/recordings.conf", ("rsync",), RED),
        ("sip", NIGHTLY, f"{AT_HOME}\n{NIGHTLY}", ("rsync",), RED),
        ("sip", "/home/deploy/*", f"{AT_HOME}/x.conf", ("rsync",), RED),
    ],
)
def test_a_job_that_is_named_may_run_what_is_named(
    green: Case, place: str, entry: str, where: str, runs: tuple[str, ...], red: set[str]
) -> None:
    assert set(with_job(green, where, runs, {place: (JobEntry(entry, ("rsync",)),)}).judge()) == red


@pytest.mark.parametrize(
    ("said", "runs", "red"),
    [
        ((FOLDER,), (FOLDER,), set()),
        ((FOLDER, "rsync"), (FOLDER, "rsync"), set()),
        (("/opt/vox-dialle",), (FOLDER,), RED),
        ((FOLDER, "git"), (FOLDER, "git"), RED),
        ((FOLDER, "pip3.13"), (FOLDER, "pip3.13"), RED),
        ((FOLDER, "uv"), (FOLDER, "uv"), RED),
    ],
)
def test_no_job_brings_code_to_a_service_whatever_the_estate_says(
    green: Case, said: tuple[str, ...], runs: tuple[str, ...], red: set[str]
) -> None:
    assert set(with_job(green, NIGHTLY, runs, {"sip": (JobEntry(NIGHTLY, said),)}).judge()) == red


DROP, GENERATED = "/etc/systemd/system/service.d/10-ops.conf", "/run/systemd/system/service.d/zzz-lxc-service.conf"
UNIT, OTHER = "voxdialler.service", "voxcore@1.service"
SHA = "a" * 64


def dropped(green: Case, host: str, unit: str, files: Mapping[str, str]) -> Case:
    """Drop-ins on a unit, which systemd has loaded."""
    fact = known(green.of(host).units)[unit]
    loaded = " ".join(filter(None, [fact.properties.get("DropInPaths", ""), *files]))
    return green.unit(host, unit, files={**fact.files, **files}, properties={"DropInPaths": loaded})


@pytest.mark.parametrize(
    ("said", "red"),
    [
        ({"all": ((DROP, SHA), (GENERATED, SHA))}, False),
        ({"sip": ((DROP, SHA),), "sip-1": ((GENERATED, SHA),)}, False),
        ({"all": ((DROP, SHA),)}, True),
        ({"all": ((DROP, "b" * 64), (GENERATED, SHA))}, True),
        ({"fleet": ((DROP, SHA), (GENERATED, SHA))}, True),
        ({}, True),
    ],
)
def test_a_drop_in_is_allowed_by_its_path_and_its_hash(
    green: Case, said: Mapping[str, tuple[tuple[str, str], ...]], *, red: bool
) -> None:
    case = dropped(green, SIP, UNIT, {DROP: SHA, GENERATED: SHA})
    found = replace(case, estate=replace(case.estate, units=said)).judge()
    assert set(found) == ({"unit-file-is-the-expected[sip-1-voxdialler]"} if red else set())


def test_a_drop_in_that_is_allowed_must_be_loaded_and_older_than_the_process(green: Case) -> None:
    estate = replace(green.estate, units={"all": ((DROP, SHA),)})
    fact = known(green.of(SIP).units)[UNIT]
    unloaded = green.unit(SIP, UNIT, files={**fact.files, DROP: SHA})
    young = dropped(green, SIP, UNIT, {DROP: SHA})
    young = young.unit(SIP, UNIT, changed=known(green.of(SIP).time))
    for case in (unloaded, young):
        assert set(replace(case, estate=estate).judge()) == {"unit-file-is-the-expected[sip-1-voxdialler]"}


def test_what_all_is_wrong_with_a_units_files_stands_in_one_line(green: Case) -> None:
    verdict, found = dropped(green, SIP, UNIT, {DROP: SHA, GENERATED: SHA}).judge()["unit-file-is-the-expected[sip-1-voxdialler]"]
    assert verdict == "violated"
    assert DROP in found
    assert GENERATED in found


@pytest.mark.parametrize(
    ("said", "strange", "red"),
    [
        ({"all": ("HTTPS_PROXY",)}, ("HTTPS_PROXY",), False),
        ({"sip-1": ("HTTPS_PROXY", "NO_PROXY")}, ("HTTPS_PROXY", "NO_PROXY"), False),
        ({"all": ("HTTPS_PROXY",)}, ("HTTPS_PROXY", "NODE_OPTIONS"), True),
        ({"fleet": ("HTTPS_PROXY",)}, ("HTTPS_PROXY",), True),
    ],
)
def test_a_variable_for_all_services_is_allowed_by_its_name(
    green: Case, said: Mapping[str, tuple[str, ...]], strange: tuple[str, ...], *, red: bool
) -> None:
    case = green.runtime(SIP, "dialler", strange=strange)
    found = replace(case, estate=replace(case.estate, environment=said)).judge()
    assert set(found) == ({"process-is-the-venvs[sip-1-voxdialler]"} if red else set())


AGENT, EVIL = "/opt/agent/lib64/libagent.so", "/opt/agent/lib64/libother.so"


@pytest.mark.parametrize(
    ("process", "service", "red"),
    [
        ({"loader": ("LD_PRELOAD",), "strange": ("LD_PRELOAD",), "loads": (AGENT,), "elsewhere": (AGENT,)}, {}, False),
        ({"elsewhere": (AGENT,)}, {"preload": True, "preloads": (AGENT,)}, False),
        ({"loader": ("LD_PRELOAD",), "loads": (AGENT, EVIL)}, {}, True),
        ({"loader": ("LD_PRELOAD",), "loads": ()}, {}, True),
        ({"loader": ("LD_PRELOAD", "LD_LIBRARY_PATH"), "loads": (AGENT,)}, {}, True),
        ({"strange": ("LD_PRELOAD",), "loads": (EVIL,)}, {}, True),
        ({"elsewhere": (AGENT, EVIL)}, {}, True),
        ({}, {"preload": True, "preloads": (AGENT, EVIL)}, True),
        ({}, {"preload": True, "preloads": ()}, True),
        ({}, {"preload": True, "preloads": (AGENT,), "loose": (AGENT,)}, True),
    ],
)
def test_a_library_of_an_agents_is_allowed_by_its_path(
    green: Case, process: dict[str, Any], service: dict[str, Any], *, red: bool
) -> None:
    case = green.runtime(SIP, "dialler", **process).of_service(SIP, "runtimes", "dialler", **service)
    if process:
        fact = known(case.of(SIP).runtimes["dialler"])
        case = case.of_service(SIP, "runtimes", "dialler", processes=tuple(replace(one, **process) for one in fact.processes))
    estate = replace(case.estate, preload={"sip": ("/opt/agent/lib64/libag*.so",)})
    assert set(replace(case, estate=estate).judge()) == ({"process-is-the-venvs[sip-1-voxdialler]"} if red else set())


@pytest.mark.parametrize("named", ["/lib/x86_64-linux-gnu/libone.so", "/usr/lib/x86_64-linux-gnu/libone.so", "/opt/libone.so"])
def test_a_library_of_an_agents_may_lie_among_the_systems(green: Case, named: str) -> None:
    """As a few agents put theirs; the kernel calls it by where it really lies."""
    path = "/usr/lib/x86_64-linux-gnu/libone.so"
    case = green.of_service(SIP, "runtimes", "dialler", base=((path, "is run, and no package of this host has it"),))
    red = set(replace(case, estate=replace(case.estate, preload={"sip": (named,)})).judge())
    assert red == ({"process-is-the-venvs[sip-1-voxdialler]"} if named.startswith("/opt") else set())


def test_what_a_package_has_replaced_is_noted_and_what_a_release_had_is_wrong(green: Case) -> None:
    library = "/usr/lib/x86_64-linux-gnu/libssl.so.3"
    case = green.runtime(SIP, "dialler", replaced=(library,))
    assert case.judge() == {}
    assert any("restart pending" in line and library in line for line in remarks(case.evidence.second.hosts))
    case = green.runtime(SIP, "dialler", replaced=(library,), gone=("/opt/vox-dialler/.venv/lib/x.so (deleted)",))
    assert set(case.judge()) == {"process-is-the-venvs[sip-1-voxdialler]"}


@pytest.mark.parametrize(("ours", "red"), [(True, {"host-has-room[sip-1]"}), (False, set())])
def test_a_full_file_system_counts_where_something_of_ours_is_on_it(green: Case, *, ours: bool, red: set[str]) -> None:
    disks = (*known(green.of(SIP).room).disks, DiskFact("/mnt/backup", 2**40, 0, 0, 0, ours=ours))
    assert set(green.fact(SIP, "room", disks=disks).judge()) == red


@pytest.mark.parametrize(("since", "red"), [(1.7e9, set()), (0.0, {"no-secret-leaks[dialler-sip-1]"})])
def test_a_journal_that_was_rotated_away_is_no_silence(green: Case, since: float, red: set[str]) -> None:
    assert set(green.of_service(SIP, "leaks", "dialler", lines=0, since=since).judge()) == red


AGENT_IMAGE = "gcr.io/datadoghq/agent:7.60"
SOCKET = "/var/run/docker.sock:/var/run/docker.sock"
DATADOG = Containers("datadog", ("gcr.io/datadoghq/agent",), pins={"gcr.io/datadoghq/agent": AGENT_IMAGE}, mounts=(SOCKET,))


@pytest.mark.parametrize(
    ("said", "parts", "made", "red"),
    [
        ({"sip": (DATADOG,)}, {}, {}, False),
        ({"all": (DATADOG,)}, {}, {}, False),
        ({}, {}, {}, True),
        ({"fleet": (DATADOG,)}, {}, {}, True),
        ({"sip": (DATADOG,)}, {"image": "gcr.io/datadoghq/agent:7.61"}, {}, True),
        ({"sip": (DATADOG,)}, {"image": "docker.io/x/agent:7.60"}, {}, True),
        ({"sip": (DATADOG,)}, {"project": "livekit"}, {}, True),
        ({"sip": (DATADOG,)}, {"project": "vox-backend"}, {}, True),
        ({"sip": (DATADOG,)}, {"name": "vox-backend-1"}, {}, True),
        ({"sip": (DATADOG,)}, {}, {"mounts": (SOCKET, "/opt:/opt")}, True),
        ({"sip": (DATADOG,)}, {}, {"rights": ("privileged",)}, True),
        ({"sip": (DATADOG,)}, {}, {"as_image": False, "command": ("sh",)}, True),
    ],
)
def test_an_agents_container_is_allowed_as_it_is_named_and_no_services_is(
    green: Case, said: Mapping[str, tuple[Containers, ...]], parts: dict[str, Any], made: dict[str, Any], *, red: bool
) -> None:
    engines = known(green.of(SIP).engines)
    like = engines.containers[0]
    assert like.made is not None
    plain = replace(like.made, mounts=(SOCKET,), rights=(), as_image=True)
    agent = replace(like, id="d" * 64, name="datadog-agent-1", image=AGENT_IMAGE, project="datadog", made=replace(plain, **made))
    case = green.fact(SIP, "engines", containers=(*engines.containers, replace(agent, **parts)))
    found = replace(case, estate=replace(case.estate, agents=said)).judge(["only-livekit-in-containers"])
    assert set(found) == ({"only-livekit-in-containers[sip-1]"} if red else set())


def test_two_containers_of_one_agent_are_one_too_many(green: Case) -> None:
    engines = known(green.of(SIP).engines)
    like = engines.containers[0]
    assert like.made is not None
    made = replace(like.made, mounts=(SOCKET,), rights=(), as_image=True)
    two = [replace(like, id=sign * 64, name=sign, image=AGENT_IMAGE, project="datadog", made=made) for sign in "de"]
    case = green.fact(SIP, "engines", containers=(*engines.containers, *two))
    _, found = replace(case, estate=replace(case.estate, agents={"sip": (DATADOG,)})).judge()["only-livekit-in-containers[sip-1]"]
    assert "2 containers of gcr.io/datadoghq/agent" in found


@pytest.mark.parametrize(
    ("host", "said", "exe", "unit", "red"),
    [
        ("api-1", {"api": ("/var/ossec/bin/*",)}, "/var/ossec/bin/wazuh-agentd", "wazuh-agent.service", False),
        ("api-1", {"api": ("/var/ossec/bin/*",)}, "/var/ossec/bin/wazuh-agentd (deleted)", "wazuh-agent.service", False),
        ("api-1", {"sip": ("/var/ossec/bin/*",)}, "/var/ossec/bin/wazuh-agentd", "wazuh-agent.service", True),
        ("api-1", {"api": ("/var/ossec/bin/*",)}, "/var/ossec/x/wazuh-agentd", "wazuh-agent.service", True),
        ("api-1", {"api": ("wazuh-agent.service",)}, "/var/ossec/bin/wazuh-agentd", "wazuh-agent.service", True),
        ("api-1", {}, "/var/ossec/bin/wazuh-agentd", "wazuh-agent.service", True),
        ("fleet-1", {}, "/var/ossec/bin/wazuh-agentd", "wazuh-agent.service", False),
        ("data", {"data": ("kibana.service",)}, "/usr/share/kibana/node/bin/node", "kibana.service", False),
        ("data", {"data": ("/usr/share/kibana/*/bin/node",)}, "/usr/share/kibana/node/bin/node", "", False),
        ("data", {"data": ("kibana.service",)}, "/usr/share/kibana/node/bin/node", "other.service", True),
        ("data", {}, "/usr/share/kibana/node/bin/node", "kibana.service", True),
        ("api-1", {"api": ("kibana.service",)}, "/usr/share/kibana/node/bin/node", "kibana.service", True),
        ("api-1", {"api": ("/usr/share/*/bin/node",)}, "/usr/share/kibana/bin/node", "kibana.service", True),
    ],
)
def test_a_program_is_allowed_by_its_path_and_node_by_its_unit_off_the_api_hosts(
    green: Case, host: str, said: Mapping[str, tuple[str, ...]], exe: str, unit: str, *, red: bool
) -> None:
    rows = known(green.of(host).processes)
    row = replace(rows[0], pid=4000, user="x", command="x", argv=("x",), unit=unit, container="", exe=exe, cwd="/", runs=())
    case = green.host(host, processes=(*rows, row))
    found = replace(case, estate=replace(case.estate, programs=said)).judge(["no-node-runs"])
    assert set(found) == ({f"no-node-runs[{host}]"} if red else set())
