"""What is said of a run as an in-toto statement (v1) of test results (predicate v0.1), and what a gate reads of one again.

A statement says nothing but what stands in the run's folder and in what judged it, so that anybody can make it anew and compare.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from voxgate.contracts.json_strict import loads
from voxgate.contracts.manifest import dir_hash, within
from voxgate.errors import ContractError
from voxgate.model.verdict import RunOutcome, RunVerdict, ServiceOutcome, Verdict

NAMESPACE = "voxgate"
"""For what a run is signed: no signature of anything else is one of a run."""

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"
VERDICT = "verdict.json"
_LIMIT = 12 << 20  # bytes of a statement: in an attestation they are a third more
_GREEN = frozenset({RunVerdict.DONE, RunVerdict.HOLDS, RunVerdict.PARTIAL})

Resource = Mapping[str, Any]
"""A ResourceDescriptor of in-toto: name, digest or uri, annotations."""


def statement(outcome: RunOutcome, digests: Mapping[str, str], configuration: Sequence[Resource]) -> dict[str, Any]:
    """The statement of a run. ``digests`` are the sha256 of the files in its folder, by their path; ``configuration`` is what
    it was judged with. Of a folder in the run's folder it says the ``dirHash``.
    """
    named = {name: [one.id for one in outcome.judgements if _kind(one.id, one.verdict, outcome) == name] for name in _KINDS}
    return {
        "_type": STATEMENT,
        "subject": [*(_release(one) for one in outcome.services if one.about.commit), *_files(outcome, digests)],
        "predicateType": PREDICATE,
        "predicate": {
            "result": _result(outcome, bool(named["warnedTests"])),
            "configuration": list(configuration),
            **({"url": outcome.build} if outcome.build.startswith(("https://", "http://")) else {}),
            **named,
        },
    }


_KINDS = ("passedTests", "warnedTests", "failedTests")


def _kind(key: str, verdict: Verdict, outcome: RunOutcome) -> str:
    """Waived, or let stand by a person, is a warning."""
    if verdict is Verdict.HOLDS:
        return "passedTests"
    return "warnedTests" if verdict is Verdict.WAIVED or key in outcome.allowed else "failedTests"


def _result(outcome: RunOutcome, warned: bool) -> str:  # noqa: FBT001 - one word of two
    if outcome.verdict not in _GREEN:
        return "FAILED"
    return "WARNED" if warned or outcome.partial or outcome.missing else "PASSED"


def _release(one: ServiceOutcome) -> Resource:
    """A service: the commit that the run is about, its tag, and if it was deployed."""
    said = {"tag": one.about.tag or "", "hosts": list(one.hosts), "deployed": one.deployed}
    return {"name": one.service, "digest": {"gitCommit": one.about.commit}, "annotations": said}


def _files(outcome: RunOutcome, digests: Mapping[str, str]) -> list[Resource]:
    top = dict.fromkeys(name.partition("/")[0] for name in digests)
    rows: list[Resource] = []
    for name in top:
        digest = {"sha256": digests[name]} if name in digests else {"dirHash": dir_hash(within(digests, name))}
        rows.append({"name": name, "digest": digest, **({"annotations": _of_run(outcome)} if name == VERDICT else {})})
    return rows


def _of_run(outcome: RunOutcome) -> dict[str, Any]:
    ended = datetime.fromtimestamp(outcome.started + outcome.seconds, UTC).isoformat(timespec="seconds")
    said = {"run": outcome.run, "estate": outcome.estate, "verdict": outcome.verdict.value, "how": outcome.how.value}
    return {**said, "ended": ended, "exit_status": outcome.exit_status, "by": outcome.by}


@dataclass(frozen=True, slots=True)
class Attested:
    """What a statement says of a run. ``ended`` is UTC; ``deployed`` are the commits that it put on hosts, by service;
    ``configuration`` is what it says that it was judged with.
    """

    run: str
    estate: str
    verdict: str
    ended: datetime
    deployed: Mapping[str, str] = field(default_factory=dict)
    configuration: Sequence[Resource] = ()


def read_statement(payload: bytes, where: str = "") -> Attested:
    """What a statement says. Raises ContractError for what is none of a run of voxgate's."""
    document = loads(payload, where=where, limit=_LIMIT)
    try:
        kind = document["_type"], document["predicateType"]
        said = next(one for one in document["subject"] if one.get("name") == VERDICT)["annotations"]
        commits = {
            str(one["name"]): str(one["digest"]["gitCommit"])
            for one in document["subject"]
            if "gitCommit" in one["digest"] and one["annotations"]["deployed"] is True
        }
        words = (str(said["run"]), str(said["estate"]), str(said["verdict"]))
        ended = datetime.fromisoformat(said["ended"]).astimezone(UTC)
        configuration = tuple(dict(one) for one in document["predicate"]["configuration"])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, StopIteration) as error:
        raise ContractError("this is no statement of a run", where=where, why=type(error).__name__) from None
    if kind != (STATEMENT, PREDICATE):
        raise ContractError("this is a statement of another kind", where=where)
    return Attested(*words, ended, commits, configuration)
