"""What was cut out of the evidence, or written to look so: it makes nothing green, and moves no terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.built import probe
from voxgate.model.evidence import HostEvidence, known
from voxgate.redaction.cutting import Redactor
from voxgate.survey.host_documents import host_evidence

from .conftest import Case

API, FLEET, SIP = "api-1", "fleet-1", "sip-1"
AGENTS = "/opt/vox-agents"
FAKE = "\x1b[2K\r\x1b[32mDONE\u202e\x07\u2028\x9b31m\nDONE  lab: done\u200b\ud800"


def with_stray(green: Case, **parts: Any) -> Case:
    """A process more on a fleet host, in no unit."""
    like = next(one for one in known(green.of(FLEET).processes) if one.unit == "voxcore@1.service")
    stray = replace(like, **{"pid": 4000, "unit": "", "cgroup": "/", "argv": ("[cut]",), "runs": (), **parts})
    return green.host(FLEET, processes=(*known(green.of(FLEET).processes), stray))


def read_again(green: Case, host: str, secrets: list[str], **changed: Any) -> HostEvidence:
    """A host's document with sections changed, as the probe would have cut it, read as always."""
    document = json.loads(json.dumps(green.of(host).document))
    for section, change in changed.items():
        change(document["sections"][section]["value"])
    return host_evidence(host, probe.Cutter(secrets, frozenset()).clean(document))


def judged(green: Case, host: HostEvidence) -> dict[str, str]:
    """Each judgement that does not hold."""
    case = green.look(lambda look: replace(look, hosts={**look.hosts, host.name: host}))
    return {key: verdict for key, (verdict, _) in case.judge().items()}


def test_code_is_found_by_what_the_probe_decided_not_by_words(green: Case) -> None:
    assert list(with_stray(green, runs=(AGENTS,)).judge()) == ["units-are-all-there-are[fleet-fleet-1]"]
    assert with_stray(green, argv=("/usr/bin/python3", f"{AGENTS}/x")).judge() == {}


def test_words_that_only_look_cut_are_words(green: Case) -> None:
    argv = ["/usr/bin/python3", "[cut]", "[cut-1]"]
    host = read_again(green, FLEET, [], processes=lambda rows: rows[0].update(argv=argv, command="[cut]"))
    assert judged(green, host) == {}
    assert known(host.processes)[0].command == "[cut!]"


def test_a_unit_whose_name_is_cut_is_blind(green: Case) -> None:
    extra = "voxcore@9-Xq.service"
    host = read_again(green, FLEET, [extra], units=lambda rows: rows.update({extra: rows["voxcore@1.service"]}))
    assert judged(green, host)["units-are-all-there-are[fleet-fleet-1]"] == "blind"


def test_an_option_of_sudo_that_is_cut_is_blind(green: Case) -> None:
    host = read_again(
        green, API, ["!authenticate, setenv"], sudo=lambda row: row["rules"][0].update(options="!authenticate, setenv")
    )
    assert judged(green, host) == {"sudo-is-minimal[api-1]": "blind"}


def test_a_container_s_command_that_is_cut_is_blind_where_the_estate_names_one(green: Case) -> None:
    def run_other(row: dict[str, Any]) -> None:
        row["containers"][0]["made"]["command"] = ["/bin/busybox", "sh -c evil"]

    host = read_again(green, SIP, ["sh -c evil"], engines=run_other)
    assert judged(green, host) == {"only-livekit-in-containers[sip-1]": "blind"}


def test_a_container_s_own_command_is_compared_before_it_is_cut(green: Case) -> None:
    def run_other(row: dict[str, Any]) -> None:
        row["containers"][0]["made"].update(command=["sh -c evil"], own_command=["sh -c good"], as_image=False)

    bare = replace(green.estate, containers=replace(green.estate.containers, commands={}))
    host = read_again(green, SIP, ["sh -c evil", "sh -c good"], engines=run_other)
    assert judged(replace(green, estate=bare), host)["only-livekit-in-containers[sip-1]"] == "violated"


def test_a_container_whose_name_is_cut_may_be_a_dialler(green: Case) -> None:
    containers = known(green.of(SIP).engines).containers
    case = green.fact(SIP, "engines", containers=(replace(containers[0], name="password=[cut-1]"), *containers[1:]))
    assert case.judge()["exactly-one-dialler-per-database[vox]"][0] == "blind"


def test_a_setting_that_nobody_knows_is_named_and_one_that_may_be_there_is_not(green: Case) -> None:
    keys = known(green.of(FLEET).env_files["fleet"]).keys
    case = green.of_service(FLEET, "env_files", "fleet", keys=(*keys, "LOG_LEVEL"))
    assert list(case.judge()) == ["env-file-holds-what-is-known[fleet-fleet-1]"]
    services = tuple(replace(one, optional_settings=("LOG_*",)) for one in case.estate.services)
    assert replace(case, estate=replace(case.estate, services=services)).judge() == {}


def test_a_process_s_words_are_all_seen_in_what_is_found(green: Case) -> None:
    found = with_stray(green, runs=(AGENTS,), argv=(FAKE,)).judge()
    said = found["units-are-all-there-are[fleet-fleet-1]"][1]
    assert said.partition("\n")[0].isprintable(), said
    assert "\\x1b[2K\\r\\x1b[32mDONE\\u202e" in said


@pytest.mark.parametrize("text", [FAKE, "\x1b]0;title\x07", "\x1b[3;1H", "a\u2066b\u2069", "\x7f\x85"])
def test_no_text_leaves_the_gate_that_cannot_be_seen(text: str) -> None:
    cut = Redactor().cut(f"found {text}")
    left = {letter for letter in cut if not letter.isprintable()}
    assert left <= {"\n", "\t"}, cut
    assert Redactor().cut("one\r\ntwo\tthree\n") == "one\r\ntwo\tthree\n"
