"""Parts of an estate: which hosts they are, what they are judged by, how they are joined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from voxgate.contracts.catalogue import read_catalogue
from voxgate.contracts.estates import load_estate
from voxgate.deploy.deciding.decision import Judged, look_status, look_summary, look_verdict
from voxgate.errors import EstateError
from voxgate.model.evidence import Missing, known
from voxgate.model.fingerprints import HostChanges
from voxgate.model.invariant import Per, expected
from voxgate.model.look import Evidence, Look, Question
from voxgate.model.part import is_within, narrowed, part_of
from voxgate.model.release import PutBack, Release, RemoteView
from voxgate.model.verdict import Judgement, RunVerdict, Verdict
from voxgate.model.work import Work
from voxgate.survey.joining import disagreements, join
from voxgate.survey.saving import load

SAVED = Path(__file__).parent / "evidence"
LAB = load_estate("lab")
HOSTS = [host.name for host in LAB.hosts]
GONE = Missing("unreachable", "no route", "x")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_shards_are_disjoint_and_together_all(count: int) -> None:
    shards = [part_of(LAB, None, f"{number}/{count}") for number in range(1, count + 1)]
    assert sorted(name for shard in shards for name in shard or ()) == sorted(HOSTS)
    assert all(shards)


def test_databases_belong_to_one_part_each() -> None:
    for count in (2, 3, 5):
        parts = [narrowed(LAB, part_of(LAB, None, f"{number}/{count}")) for number in range(1, count + 1)]
        assert [one.name for part in parts for one in part.databases] == [one.name for one in LAB.databases]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1/6", "1", "a/b", "1/2/3", "-1/2", "1 /2", "٣/٤", ""])
def test_what_is_no_shard_is_refused(shard: str) -> None:
    if not shard:
        assert part_of(LAB, None, shard) is None
        return
    with pytest.raises(EstateError, match="shard"):
        part_of(LAB, None, shard)


def test_hosts_are_known_hosts() -> None:
    assert part_of(LAB, "api-1, sip-1", None) == frozenset({"api-1", "sip-1"})
    with pytest.raises(EstateError, match="no such host: api-9"):
        part_of(LAB, "api-1,api-9", None)
    with pytest.raises(EstateError, match="nothing"):
        part_of(LAB, " , ", None)
    with pytest.raises(EstateError, match="not both"):
        part_of(LAB, "api-1", "1/2")


def test_a_part_is_judged_by_what_is_local_to_its_hosts() -> None:
    part = frozenset({"api-1", "fleet-1"})
    whole = expected(read_catalogue(), LAB, (), deploying=frozenset())
    mine = [one for one in whole if is_within(one.invariant, one.subject, part)]
    assert mine
    assert {one.subject.host for one in mine} == part
    assert {one.invariant.per for one in mine} <= {Per.HOST, Per.PLACEMENT, Per.UNIT}


def test_a_part_that_holds_is_partial_and_no_better() -> None:
    good = Judgement("a[x]", "a", "a", "why", Verdict.HOLDS)
    judged = Judged(expected=["a[x]"], judgements=[good])
    assert look_verdict(judged, part=True) is RunVerdict.PARTIAL
    assert look_verdict(replace(judged, selected=True, expected=["a[x]", "b"]), part=True) is RunVerdict.PARTIAL
    assert look_verdict(replace(judged, interrupted="SIGTERM"), part=True) is RunVerdict.INCOMPLETE
    bad = replace(good, verdict=Verdict.VIOLATED)
    assert look_verdict(replace(judged, judgements=[bad]), part=True) is RunVerdict.VIOLATED
    assert (look_status(RunVerdict.PARTIAL, 0), look_status(RunVerdict.PARTIAL, 1)) == (0, 1)


WELL = Judgement("a[x]", "a", "a", "why", Verdict.HOLDS)
WAIVED = replace(WELL, id="b", verdict=Verdict.WAIVED)
MERGE = "`uv run voxgate merge` joins the parts"


@pytest.mark.parametrize(
    ("came", "verdict", "elsewhere", "said"),
    [
        (Judged(["a[x]"], [WELL]), RunVerdict.HOLDS, 0, "1 of 1 invariant holds"),
        (Judged(["a[x]", "c"], [WELL, replace(WELL, id="c")]), RunVerdict.HOLDS, 0, "all 2 invariants hold"),
        (Judged(["a[x]", "b"], [WELL, WAIVED]), RunVerdict.HOLDS, 0, "1 of 2 invariants hold"),
        (
            Judged(["a[x]", "c", "d"], [WELL], selected=True),
            RunVerdict.HOLDS,
            0,
            "1 of 1 invariant holds, a partial look: 2 of 3 were not asked",
        ),
        (
            Judged(["a[x]"], [WELL]),
            RunVerdict.PARTIAL,
            2,
            f"1 of 1 invariant of api-1, data holds, 2 more need the whole estate; {MERGE}",
        ),
        (Judged(["a[x]"], [WELL]), RunVerdict.PARTIAL, 0, f"1 of 1 invariant of api-1, data holds; {MERGE}"),
        (Judged(["a[x]", "c"], [WELL]), RunVerdict.INCOMPLETE, 0, "not everything was judged: 1 of 2 invariants not judged"),
        (Judged(["a[x]"], []), RunVerdict.INCOMPLETE, 0, "not everything was judged: 1 of 1 invariant not judged"),
        (Judged(["a[x]"], [], "SIGTERM"), RunVerdict.INCOMPLETE, 0, "not everything was judged: SIGTERM"),
        (Judged(["a[x]"], [WELL]), RunVerdict.VIOLATED, 0, "violated"),
        (Judged(["a[x]", "c"], [WELL]), RunVerdict.BLIND, 0, "blind, a partial look: 1 of 2 were not asked"),
    ],
)
def test_a_look_is_said_in_one_sentence(came: Judged, verdict: RunVerdict, elsewhere: int, said: str) -> None:
    assert look_summary(came, verdict, ["api-1", "data"], elsewhere) == said
    assert look_summary(came, verdict, ["api-1", "data"], elsewhere, ("one", "two")) == f"{said}; one; two"


def seen(*hosts: str, taken: float = 1000.0, commit: str = "") -> Evidence:
    answers = {Question(host, 80, "/"): GONE for host in hosts}
    look = Look(taken, dict.fromkeys(hosts, GONE), answers, {"vox": GONE} if "data" in hosts else {})
    release = Release("backend", commit, "vox-backend-2026.06.22-1") if commit else None
    view = RemoteView("backend", "git@h:x.git", COMMIT, {}, frozenset(), release)
    return Evidence(look, replace(look, taken=taken + 3), {"backend": view, "fleet": GONE})


def test_parts_together_are_the_whole() -> None:
    parts = {"a": seen(*HOSTS[:2], commit=COMMIT), "b": seen(*HOSTS[2:], taken=1010.0)}
    joined = join(parts)
    assert sorted(joined.second.hosts) == sorted(HOSTS)
    assert len(joined.first.answers) == len(HOSTS)
    assert set(joined.first.databases) == {"vox"}
    assert (joined.first.taken, joined.second.taken) == (1010.0, 1013.0)
    view = joined.remotes["backend"]
    assert isinstance(view, RemoteView)
    assert view.release is not None, "the later part did not know the release, the earlier one did"
    assert disagreements(LAB, parts) == ()


def test_what_was_judged_good_on_the_hosts_of_each_part_is_known_of_the_whole() -> None:
    """Each part asks its own hosts; else an environment that was exchanged with its RECORDs would be found in a part alone."""
    back = PutBack(1.0, 2.0, 3.0, None)

    def part(*hosts: str, said: str, taken: float) -> Evidence:
        one = seen(*hosts, taken=taken, commit=COMMIT)
        view = one.remotes["backend"]
        assert isinstance(view, RemoteView)
        told = dict.fromkeys((*hosts, "api-1"), said)  # of another's host nothing is believed
        return replace(one, remotes={"backend": replace(view, judged=told, put_back=dict.fromkeys(told, back))})

    parts = {"b": part("api-1", said="a", taken=1000.0), "a": part("fleet-1", said="b", taken=1010.0)}
    for each in (parts, dict(reversed(parts.items()))):
        view = join(each).remotes["backend"]
        assert isinstance(view, RemoteView)
        assert view.judged == {"api-1": "a", "fleet-1": "b"}
        assert view.put_back == {"api-1": back, "fleet-1": back}


def test_who_was_at_work_beside_a_part_was_so_beside_the_whole() -> None:
    work = Work("backend", "api-1", "ci@vm", "2026-11-28T10:00:00Z", "r-1")
    assert join({"a": replace(seen("api-1"), works=(work,)), "b": seen("data")}).works == (work,)


def test_what_changed_since_done_is_each_part_s_word_of_its_own_hosts() -> None:
    api, other, data = HostChanges("api-1", "r1"), HostChanges("api-1", "forged"), HostChanges("data", "r1")
    parts = {
        "a": replace(seen("api-1"), changes={"api-1": api}),
        "b": replace(seen("data"), changes={"data": data, "api-1": other}),
    }
    for each in (parts, dict(reversed(parts.items()))):
        assert join(each).changes == {"api-1": api, "data": data}


def test_a_lost_part_another_release_and_another_time_are_named() -> None:
    other = "f" * 40
    parts = {"a": seen("api-1", commit=COMMIT), "b": seen("fleet-1", taken=9000.0, commit=other)}
    said = disagreements(LAB, parts)
    assert said[0] == "no part looked at data, fleet-2, sip-1"
    assert said[1].startswith("the parts are of different releases of backend")
    assert said[2] == "the parts were looked at 133 minutes apart"


def test_a_host_that_knows_of_no_release_is_named_where_others_of_its_service_do() -> None:
    """A look at the whole is blind for it: its hosts disagree. A part without any of its hosts says nothing of it."""
    parts = {"a": seen("fleet-1", commit=COMMIT), "b": seen("fleet-2", "data"), "c": seen("api-1", "sip-1")}
    for name in ("a", "b", "c"):
        view = parts[name].remotes["backend"]
        parts[name] = replace(parts[name], remotes={"fleet": view})
    said = "no release of fleet passed the gate in b, and vox-backend-2026.06.22-1 in a did"
    assert disagreements(LAB, parts) == (said,)
    both = {**parts, "b": replace(parts["b"], remotes=parts["a"].remotes)}
    assert disagreements(LAB, both) == ()


def test_hosts_with_one_key_cannot_be_told_apart_in_different_parts_either() -> None:
    """Each part alone cannot see it, and a look at the whole is blind for both: root of one could answer for the other."""
    looked = load(SAVED)

    def part(*names: str, key: str) -> Evidence:
        first, second = (
            replace(one, hosts={name: replace(known(one.hosts[name]), signed_by=key) for name in names}, answers={}, databases={})
            for one in (looked.first, looked.second)
        )
        return Evidence(first, second, {})

    apart = join({"a": part("fleet-1", key="SHA256:a"), "b": part("fleet-2", "sip-1", key="")})
    assert not any(isinstance(host, Missing) for host in apart.second.hosts.values()), "what is not signed has no key"
    joined = join(
        {"a": part("fleet-1", key="SHA256:a"), "b": part("fleet-2", key="SHA256:a"), "c": part("sip-1", key="SHA256:b")}
    )
    for look in (joined.first, joined.second):
        lost = {name: host.why for name, host in look.hosts.items() if isinstance(host, Missing)}
        assert lost == {
            one: f"it has the same host key as {other}: nobody can say which of them signed"
            for one, other in (("fleet-1", "fleet-2"), ("fleet-2", "fleet-1"))
        }


def test_one_host_in_two_parts_is_refused() -> None:
    with pytest.raises(EstateError, match="api-1 is in two parts"):
        join({"a": seen("api-1"), "b": seen("api-1")})
    with pytest.raises(EstateError, match="no part"):
        join({})
