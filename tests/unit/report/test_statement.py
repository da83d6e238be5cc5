"""What is said of a run in an attestation, whole; what is read of one; and what is none, or written in another way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from voxgate.contracts import envelope, statement
from voxgate.contracts.envelope import TYPE, Envelope, canonical, decode, pae
from voxgate.contracts.manifest import dir_hash
from voxgate.contracts.statement import PREDICATE, STATEMENT, Attested, read_statement
from voxgate.errors import ContractError
from voxgate.model.run_facts import How
from voxgate.model.verdict import Ran, RunOutcome, RunVerdict, ServiceOutcome, Verdict

from .conftest import judgement

HELD, WAIVED, ALLOWED, BROKEN, BLIND = (
    judgement("clock-is-right", subject, None, subject, verdict=verdict)
    for subject, verdict in (
        ("a", Verdict.HOLDS),
        ("b", Verdict.WAIVED),
        ("c", Verdict.VIOLATED),
        ("d", Verdict.VIOLATED),
        ("e", Verdict.BLIND),
    )
)
RUN = RunOutcome(
    run="2026-11-22T09-14-03Z-lab-3fa2",
    estate="lab",
    verdict=RunVerdict.DONE,
    exit_status=0,
    started=1795338843.75,
    seconds=41.5,
    deploy=True,
    partial=False,
    summary="",
    services=(
        ServiceOutcome("backend", ("api-1", "api-2"), Ran("b-1", "1" * 40), Ran("b-2", "2" * 40), Ran("b-2", "2" * 40)),
        ServiceOutcome("fleet", ("fleet-1",), None, None, Ran(None, "3" * 40)),
        ServiceOutcome("console", ("api-1",), None),
    ),
    judgements=(HELD, WAIVED, ALLOWED),
    allowed=(ALLOWED.id,),
    how=How.DEPLOY,
    by="anna",
    build="https://jenkins.example/job/gate/42/",
)
DIGESTS = {"verdict.json": "v" * 64, "evidence/a": "a" * 64, "junit.xml": "j" * 64, "evidence/b/c": "c" * 64}
SETTINGS = [{"name": "voxgate", "digest": {"sha256": "e" * 64}}]
SAID: dict[str, Any] = {
    "_type": STATEMENT,
    "subject": [
        {
            "name": "backend",
            "digest": {"gitCommit": "2" * 40},
            "annotations": {"tag": "b-2", "hosts": ["api-1", "api-2"], "deployed": True},
        },
        {
            "name": "fleet",
            "digest": {"gitCommit": "3" * 40},
            "annotations": {"tag": "", "hosts": ["fleet-1"], "deployed": False},
        },
        {
            "name": "verdict.json",
            "digest": {"sha256": "v" * 64},
            "annotations": {
                "run": "2026-11-22T09-14-03Z-lab-3fa2",
                "estate": "lab",
                "verdict": "done",
                "how": "deploy",
                "ended": "2026-11-22T09:14:45+00:00",
                "exit_status": 0,
                "by": "anna",
            },
        },
        {"name": "evidence", "digest": {"dirHash": dir_hash({"a": "a" * 64, "b/c": "c" * 64})}},
        {"name": "junit.xml", "digest": {"sha256": "j" * 64}},
    ],
    "predicateType": PREDICATE,
    "predicate": {
        "result": "WARNED",
        "configuration": SETTINGS,
        "url": "https://jenkins.example/job/gate/42/",
        "passedTests": [HELD.id],
        "warnedTests": [WAIVED.id, ALLOWED.id],
        "failedTests": [],
    },
}


def test_a_run_is_said_whole() -> None:
    assert statement.statement(RUN, DIGESTS, SETTINGS) == SAID


@pytest.mark.parametrize(
    ("other", "result"),
    [
        ({"judgements": (HELD,)}, "PASSED"),
        ({"judgements": (HELD,), "verdict": RunVerdict.HOLDS}, "PASSED"),
        ({"judgements": (HELD,), "verdict": RunVerdict.PARTIAL}, "PASSED"),
        ({"judgements": (HELD, WAIVED)}, "WARNED"),
        ({"judgements": (HELD, ALLOWED)}, "WARNED"),
        ({"judgements": (HELD,), "partial": True}, "WARNED"),
        ({"judgements": (HELD,), "missing": ("x",)}, "WARNED"),
        ({"verdict": RunVerdict.VIOLATED}, "FAILED"),
        ({"verdict": RunVerdict.BLIND}, "FAILED"),
        ({"verdict": RunVerdict.ROLLED_BACK}, "FAILED"),
    ],
)
def test_the_result_of_a_run_is_one_of_three_words(other: dict[str, Any], result: str) -> None:
    assert statement.statement(replace(RUN, **other), DIGESTS, [])["predicate"]["result"] == result


def test_what_is_neither_kept_nor_let_stand_has_failed() -> None:
    run = replace(RUN, judgements=(BLIND, HELD, BROKEN, ALLOWED), verdict=RunVerdict.VIOLATED)
    found = statement.statement(run, DIGESTS, [])["predicate"]
    assert [found[name] for name in ("passedTests", "warnedTests", "failedTests")] == [
        [HELD.id],
        [ALLOWED.id],
        [BLIND.id, BROKEN.id],
    ]


@pytest.mark.parametrize(("build", "url"), [("", None), ("gate #42", None), ("javascript:x", None), ("http://x/1", "http://x/1")])
def test_only_the_address_of_a_build_is_one(build: str, url: str | None) -> None:
    assert statement.statement(replace(RUN, build=build), DIGESTS, [])["predicate"].get("url") == url


def test_what_a_statement_says_is_read_again() -> None:
    """Of its services only those that the run put on hosts."""
    ended = datetime(2026, 11, 22, 9, 14, 45, tzinfo=UTC)
    assert read_statement(canonical(SAID)) == Attested(RUN.run, "lab", "done", ended, {"backend": "2" * 40}, tuple(SETTINGS))


Edit = Callable[[dict[str, Any]], object]
NONE = "x: this is no statement of a run: "
OF_ANOTHER_KIND = "x: this is a statement of another kind"
REFUSED: dict[str, tuple[Edit, str]] = {
    "another type": (lambda said: said.update(_type="https://in-toto.io/Statement/v0.1"), OF_ANOTHER_KIND),
    "another predicate": (lambda said: said.update(predicateType="https://slsa.dev/provenance/v1"), OF_ANOTHER_KIND),
    "no type": (lambda said: said.pop("_type"), f"{NONE}KeyError"),
    "no verdict": (lambda said: said["subject"].pop(2), f"{NONE}StopIteration"),
    "a subject that is none": (lambda said: said["subject"].insert(0, 1), f"{NONE}AttributeError"),
    "a verdict of no run": (lambda said: said["subject"][2]["annotations"].pop("run"), f"{NONE}KeyError"),
    "a service that says nothing of itself": (lambda said: said["subject"][0].pop("annotations"), f"{NONE}KeyError"),
    "no moment": (lambda said: said["subject"][2]["annotations"].update(ended="soon"), f"{NONE}ValueError"),
    "no predicate": (lambda said: said.update(predicate=[]), f"{NONE}TypeError"),
    "settings that are none": (lambda said: said["predicate"].update(configuration=[1]), f"{NONE}TypeError"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_statement_of_a_run_is_a_line(what: str) -> None:
    edit, line = REFUSED[what]
    document = json.loads(canonical(SAID))
    edit(document)
    with pytest.raises(ContractError) as caught:
        read_statement(canonical(document), "x")
    assert caught.value.line == line


@pytest.mark.parametrize(("module", "limit", "read"), [(statement, "_LIMIT", read_statement), (envelope, "LIMIT", decode)])
def test_no_more_is_read_than_may_be(
    monkeypatch: pytest.MonkeyPatch, module: Any, limit: str, read: Callable[[bytes], object]
) -> None:
    body = Envelope(canonical(SAID)).encode() if read is decode else canonical(SAID)
    monkeypatch.setattr(module, limit, len(body))
    read(body)
    monkeypatch.setattr(module, limit, len(body) - 1)
    with pytest.raises(ContractError, match=f"{len(body)} bytes, at most {len(body) - 1} are read"):
        read(body)


SIGNED = Envelope(b"{}", "SHA256:k", b"\x00\xff")
WRITTEN = b'{"payload":"e30=","payloadType":"%s","signatures":[{"keyid":"SHA256:k","sig":"AP8="}]}\n' % TYPE.encode()


def test_an_envelope_is_written_in_one_way_and_read_again() -> None:
    assert SIGNED.encode() == WRITTEN
    assert SIGNED.signed == pae(b"{}") == b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
    assert decode(WRITTEN) == SIGNED
    unsigned = Envelope(b"{}")
    assert unsigned.encode() == WRITTEN.partition(b'"signatures"')[0] + b'"signatures":[]}\n'
    assert decode(unsigned.encode()) == unsigned
    assert canonical({"b": [1, 2], "a": "ä\n"}) == b'{"a":"\\u00e4\\n","b":[1,2]}\n'


NO_ENVELOPES = {
    "[]": "it is no envelope of DSSE (TypeError)",
    "{}": "it is no envelope of DSSE (KeyError)",
    '{"signatures": [], "payload": 1}': "it is no envelope of DSSE (TypeError)",
    '{"signatures": [], "payload": "e30"}': "it is no envelope of DSSE (ValueError)",
    '{"signatures": [], "payload": "é"}': "it is no envelope of DSSE (ValueError)",
    '{"signatures": {"x": 1}, "payload": "e30="}': "it is no envelope of DSSE (TypeError)",
    '{"signatures": [{"keyid": ""}], "payload": "e30="}': "it is no envelope of DSSE (KeyError)",
    WRITTEN.decode()[:-1]: "it is not written as voxgate writes it",
    WRITTEN.decode().replace(TYPE, "text/plain"): "it is not written as voxgate writes it",
    WRITTEN.decode().replace('"sig":"AP8="', '"sig":""'): "it is not written as voxgate writes it",
    WRITTEN.decode().replace("}]", '},{"keyid":"x","sig":"AP8="}]'): "it is no envelope of DSSE (ValueError)",
    WRITTEN.decode().replace("e30=", "e3=="): "it is not written as voxgate writes it",
}


@pytest.mark.parametrize("text", NO_ENVELOPES)
def test_what_is_no_envelope_is_a_line(text: str) -> None:
    with pytest.raises(ContractError) as caught:
        decode(text.encode(), "x")
    assert caught.value.line == f"x: this is no attestation: {NO_ENVELOPES[text]}"
