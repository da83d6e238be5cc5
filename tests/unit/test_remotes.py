"""What the remotes say, what will do where one says nothing, which release must be running, and what is asked of a plan."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import ESTATE, NEW, OLD, plan
from voxgate.contracts.estates import cache_folder
from voxgate.deploy.hosts.state import Found, Good, LastKnownGood
from voxgate.deploy.planning import asked, remotes
from voxgate.deploy.planning.plan import Request
from voxgate.deploy.planning.remotes import Remotes, must_be_judgeable, must_run
from voxgate.errors import Refused, VoxgateError
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.release import PutBack, Release, RemoteView
from voxgate.model.service import Service

BACKEND = ESTATE.service("backend")
FLEET = [one.id for one in ESTATE.placements if one.service.name == "fleet"]
HEAD = Release("backend", NEW["backend"].commit, None)
SILENT = Missing("unreachable", "no answer within 60 s", "https://forge", "look at the network")


def view_of(name: str) -> RemoteView:
    """What a remote says that has both releases."""
    tags = {str(one[name]): one[name].commit for one in (OLD, NEW)}
    return RemoteView(name, f"https://forge/{name}", NEW[name].commit, tags, frozenset(tags.values()))


class Mirror:
    """What the gate has of a repository; it notes what is asked of it."""

    def __init__(self, name: str, went: list[str], error: VoxgateError | None = None) -> None:
        self.name, self.went, self.error = name, went, error

    def _noted(self, line: str) -> None:
        self.went.append(f"{self.name}: {line}")
        if self.error:
            raise self.error

    def on_main(self, commits: Iterable[str]) -> frozenset[str]:
        """Those of the newer release."""
        self._noted(f"on main {len(list(commits))}")
        return frozenset({NEW[self.name].commit})

    def tree(self, commit: str) -> dict[str, tuple[str, str]]:
        """One file."""
        self._noted(f"tree {commit[:3]}")
        return {"app.py": ("100644", commit)}

    def push_tag(self, tag: str, commit: str, message: str) -> None:
        """Noted."""
        self._noted(f"push {tag} {commit[:3]} ({message})")


class There:
    """Remotes that say what they are told to, and what is in the mirrors."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: VoxgateError | None = None) -> None:
        self.went: list[str] = []
        self.now: dict[str, RemoteView | Missing] = {name: view_of(name) for name in NEW}
        self.last: dict[str, RemoteView | Missing] = {name: replace(view_of(name), main="m" * 40) for name in NEW}
        monkeypatch.setattr(remotes, "view", lambda *words: self._said("ask", self.now, *words))
        monkeypatch.setattr(remotes, "mirrored", lambda *words: self._said("remember", self.last, *words))
        self.remotes: Any = Remotes(ESTATE)
        self.remotes.mirrors = {name: Mirror(name, self.went, error) for name in NEW}  # type: ignore[misc]

    def _said(self, how: str, said: dict[str, RemoteView | Missing], estate: Estate, service: Service, folder: Path) -> Any:
        assert (estate, folder) == (ESTATE, cache_folder())
        self.went.append(f"{how} {service.name}")
        return said[service.name]


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> There:
    return There(monkeypatch)


def test_all_are_asked_and_a_silent_one_says_why(there: There) -> None:
    there.now["fleet"] = SILENT
    there.remotes.ask()
    assert there.remotes.views == there.now
    assert sorted(there.went) == ["ask backend", "ask console", "ask dialler", "ask fleet"]
    assert there.remotes.silent == {}


def test_no_thread_is_left_once_all_have_answered(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[tuple[int, bool]] = []

    class Noted(ThreadPoolExecutor):
        """A pool that notes how it is ended."""

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as a pool's
            """Nobody waits for it: other work is done meanwhile."""
            ended.append((self._max_workers, wait))
            super().shutdown(wait, cancel_futures=cancel_futures)

    monkeypatch.setattr(remotes, "ThreadPoolExecutor", Noted)
    there.remotes.ask()
    assert ended == [(4, False)]


@pytest.mark.parametrize("later", [False, True])
def test_where_old_words_will_do_a_silent_remote_says_what_it_said_last(there: There, *, later: bool) -> None:
    """And where it never said anything, it is silent."""
    there.now |= {"fleet": SILENT, "console": SILENT}
    there.last["console"] = Missing("failed", "no mirror")
    there.remotes.ask(stale=not later)
    if later:
        there.remotes.remember()
    assert there.remotes.views == {**there.now, "fleet": there.last["fleet"]}
    assert there.remotes.silent == {"fleet": "no answer within 60 s"}
    assert sorted(line for line in there.went if "remember" in line) == ["remember console", "remember fleet"]


def test_what_is_on_main_is_known_once_a_remote_was_asked(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    assert there.remotes.on_main("fleet", ["x"]) is None
    there.remotes.ask()
    assert there.remotes.on_main("fleet", ["x", "y"]) == {NEW["fleet"].commit}
    assert there.went[-1] == "fleet: on main 2"
    broken = There(monkeypatch, VoxgateError("no such mirror"))
    broken.remotes.ask()
    assert broken.remotes.on_main("fleet", ["x"]) is None


def test_a_head_that_passed_gets_the_next_tag_of_the_day_pushed(there: There) -> None:
    there.now["backend"] = replace(view_of("backend"), tags={})
    there.remotes.ask()
    tag = f"vox-backend-{datetime.now(UTC):%Y.%m.%d}-1"
    done = f"tagged backend: {tag} is {'b' * 12}, pushed"
    assert there.remotes.tag(BACKEND, HEAD, "r1") == (replace(HEAD, tag=tag), done)
    assert there.went[-1] == f"backend: push {tag} bbb ({tag}: passed the gate, run r1)"


NOT = "backend is done but was not tagged: "


@pytest.mark.parametrize(
    ("release", "view", "tagged", "said"),
    [
        (NEW["backend"], SILENT, NEW["backend"], ""),
        (HEAD, SILENT, HEAD, f"{NOT}no answer within 60 s"),
        (HEAD, view_of("backend"), NEW["backend"], f"backend has its tag: {NEW['backend']}"),
        (replace(HEAD, commit="c" * 40), view_of("backend"), replace(HEAD, commit="c" * 40), f"{NOT}{'c' * 12} is not on main"),
    ],
)
def test_nothing_is_pushed_where_there_is_nothing_to_tag(
    there: There, release: Release, view: RemoteView | Missing, tagged: Release, said: str
) -> None:
    there.now["backend"] = view
    there.remotes.ask()
    assert there.remotes.tag(BACKEND, release, "r1") == (tagged, said)
    assert not any("push" in line for line in there.went)


def test_of_two_tags_of_one_commit_the_last_is_its_own_and_what_is_no_release_s_is_none(there: There) -> None:
    commit = HEAD.commit
    tags = {
        "vox-backend-2026.06.24-9": commit,
        "vox-backend-2026.06.24-10": commit,
        "stable": commit,
        "vox-backend-2026.06.25-1": "d",
    }
    there.now["backend"] = replace(view_of("backend"), tags=tags)
    there.remotes.ask()
    assert there.remotes.has_tag(BACKEND, HEAD) == (
        replace(HEAD, tag="vox-backend-2026.06.24-10"),
        "backend has its tag: vox-backend-2026.06.24-10",
    )
    there.now["backend"] = replace(view_of("backend"), tags={"stable": commit})
    there.remotes.ask()
    assert there.remotes.has_tag(BACKEND, HEAD) == (HEAD, f"{NOT}--deploy backend=main tags it")


def test_a_tag_that_is_refused_is_a_line_and_the_deploy_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    there = There(monkeypatch, VoxgateError("no right to push", where="forge"))
    there.now["backend"] = replace(view_of("backend"), tags={})
    there.remotes.ask()
    assert there.remotes.tag(BACKEND, HEAD, "r1") == (HEAD, f"{NOT}forge: no right to push")


BACK = PutBack(1.0, 2.0, 0.5)


def test_each_view_has_what_must_run_its_tree_and_what_its_hosts_say(there: There) -> None:
    there.remotes.ask()
    found = {one.id: Found(None) for one in ESTATE.placements}
    found[FLEET[0]] = Found(None, put_back=BACK)
    found[FLEET[1]] = replace(Found(LastKnownGood(OLD["fleet"], content="d" * 64), put_back=BACK), journal=None)
    views = there.remotes.with_releases({**OLD, "console": None, "dialler": SILENT}, found)
    fleet = views["fleet"]
    assert (fleet.release, fleet.tree) == (OLD["fleet"], {"app.py": ("100644", "a" * 40)})
    assert (fleet.put_back, fleet.judged) == ({"fleet-1": BACK, "fleet-2": BACK}, {})
    assert views["console"] == there.now["console"]
    assert views["dialler"] == SILENT
    assert views["backend"].put_back == {}


def test_a_silent_remote_stays_silent_whatever_must_run(there: There) -> None:
    there.now["fleet"] = SILENT
    there.remotes.ask()
    found = {one.id: Found(None, put_back=BACK) for one in ESTATE.placements}
    views = there.remotes.with_releases(OLD, found)
    assert views["fleet"] == SILENT
    assert views["backend"].put_back == {"api-1": BACK}


@pytest.mark.parametrize("hint", ["", "fetch it"])
def test_a_commit_that_the_mirror_lacks_is_missing(monkeypatch: pytest.MonkeyPatch, hint: str) -> None:
    there = There(monkeypatch, VoxgateError("no such commit", where="mirror", hint=hint))
    there.remotes.ask()
    views = there.remotes.with_releases(OLD, {one.id: Found(None) for one in ESTATE.placements})
    wanted = hint or "the remote must have the commit that is deployed"
    assert views["backend"] == Missing("missing", "mirror: no such commit", "https://forge/backend", wanted)


def goods(**fleet: Good) -> dict[str, Good]:
    """Of all OLD, but of the fleet's two hosts what is said."""
    said: dict[str, Good] = {one.id: LastKnownGood(OLD[one.service.name]) for one in ESTATE.placements}
    return said | {key: fleet[name] for key, name in zip(FLEET, ("one", "two"), strict=True) if name in fleet}


LATER = LastKnownGood(NEW["fleet"])


def apart(said: str) -> Missing:
    """The fleet's two hosts say this."""
    return Missing("failed", f"its hosts disagree on last-known-good: {said}", "fleet", APART)


APART = "deploy fleet again, with --no-way-back: last-known-good moves on all its hosts at once"


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (goods(), OLD["fleet"]),
        (goods(one=None, two=None), None),
        (goods(one=SILENT), SILENT),
        (goods(one=SILENT, two=Missing("failed", "denied")), SILENT),
        (goods(one=LATER), apart(f"fleet-1: {NEW['fleet']}, fleet-2: {OLD['fleet']}")),
        (goods(two=None), apart(f"fleet-1: {OLD['fleet']}, fleet-2: none")),
        (goods(one=LastKnownGood(replace(OLD["fleet"], tag=None))), OLD["fleet"]),
    ],
)
def test_what_must_run_is_what_all_hosts_say(state: dict[str, Good], wanted: object) -> None:
    found = must_run(ESTATE, {}, state)
    assert found == {**OLD, "fleet": wanted}
    assert must_run(ESTATE, {"fleet": NEW["fleet"]}, state) == {**OLD, "fleet": NEW["fleet"]}


def test_of_a_service_without_a_host_that_was_reached_nothing_is_known_to_a_look_either() -> None:
    away = goods(one=SILENT, two=SILENT)
    assert must_run(ESTATE, {}, away, looking=True)["fleet"] == SILENT
    denied = Missing("failed", "denied")
    assert must_run(ESTATE, {}, goods(one=denied), looking=True)["fleet"] == denied
    assert must_run(ESTATE, {}, goods(one=SILENT), looking=True)["fleet"] == OLD["fleet"]


def test_nothing_is_deployed_that_could_not_be_judged() -> None:
    views: dict[str, RemoteView | Missing] = {name: view_of(name) for name in NEW}
    made = plan("backend")
    must_be_judgeable(ESTATE, made, views, goods())
    must_be_judgeable(ESTATE, plan("fleet"), views, goods(one=SILENT))  # it is what is deployed that must run then
    said = "https://forge: what must run of fleet is not known: nothing could be judged after a deploy: no answer within 60 s"
    for one, other in (({**views, "fleet": SILENT}, goods()), (views, goods(one=SILENT))):
        with pytest.raises(Refused) as caught:
            must_be_judgeable(ESTATE, made, one, other)
        assert caught.value.text == f"{said}\n  hint: look at the network"


class Noting:
    """The questions that are asked of a plan, noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.went: list[str] = []
        self.mirrors = dict.fromkeys(NEW, "mirror")
        self.views = {name: view_of(name) for name in NEW}
        for name in ("must_be_deployable", "must_spare_hosts", "must_break_nobody", "must_be_judgeable", "require_green"):
            monkeypatch.setattr(asked, name, self._noting(name))
        monkeypatch.setattr(asked, "contents_of", lambda *_: {"backend": "content"})

    def _noting(self, name: str) -> Any:
        def noting(*words: object, **more: object) -> None:
            releases = [str(word) for word in words if isinstance(word, Release)]
            told = [f"{key}={value}" for key, value in more.items() if isinstance(value, bool)]
            self.went.append(" ".join([name, *releases, *told]))

        return noting

    def remember(self) -> None:
        """Noted."""
        self.went.append("remember")


@pytest.fixture
def noting(monkeypatch: pytest.MonkeyPatch) -> Noting:
    return Noting(monkeypatch)


def test_each_release_that_is_asked_for_is_looked_into(noting: Noting) -> None:
    services = [(ESTATE.service(name), NEW[name]) for name in ("backend", "fleet")]
    asked.releases_must_be_deployable(services, noting)  # type: ignore[arg-type]
    assert noting.went == [f"must_be_deployable {NEW['backend']}", f"must_be_deployable {NEW['fleet']}"]


def planned(noting: Noting, *requests: Request) -> Any:
    """The plan, and what is in it."""
    state = {**goods(), "backend-api-1": LastKnownGood(NEW["backend"], OLD["backend"])}
    return asked.planned(ESTATE, requests, noting, state, str, no_way_back=True, breaking=False)  # type: ignore[arg-type]


PLANNED = ["must_spare_hosts no_way_back=True", "must_break_nobody breaking=False"]


def test_a_plan_is_made_by_what_the_remotes_say_now_but_for_one_that_only_goes_back(noting: Noting) -> None:
    there = planned(noting, Request("fleet"))
    assert ([one.release for one in there.plan.targets], there.contents) == ([NEW["fleet"]], {"backend": "content"})
    back = planned(noting, Request("backend", "previous", back=True))
    assert [one.release for one in back.plan.targets] == [OLD["backend"]]
    planned(noting, Request("backend", "previous", back=True), Request("fleet"))
    planned(noting)
    assert noting.went == [*PLANNED, "remember", *PLANNED, *PLANNED, *PLANNED]


@pytest.mark.parametrize("builds", [None, "bitbucket"])
def test_a_build_must_be_green_where_that_is_asked(noting: Noting, builds: Any) -> None:
    asked.must_be_allowed(ESTATE, plan("backend"), noting, goods(), builds)  # type: ignore[arg-type]
    assert noting.went == ["must_be_judgeable", *(["require_green"] if builds else [])]
