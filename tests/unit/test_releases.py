"""What may be deployed, and what runs where: told of a saved look and of what its remotes said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.state import Found, LastKnownGood
from voxgate.deploy.planning.releases import release_lines
from voxgate.model.evidence import HostEvidence, Missing, known
from voxgate.model.release import Release, RemoteView
from voxgate.survey.saving import load

SAVED = load(Path(__file__).parent / "evidence")
ESTATE = load_estate("lab")
SEEN = SAVED.second.hosts
HEAD = known(SAVED.second.host("api-1").checkouts["backend"]).head
OLD, NEVER, STRANGE = "a" * 40, "b" * 40, "c" * 40
NEW, OLDER, ASIDE = (f"vox-backend-2026.06.{day}-1" for day in (24, 22, 25))
VIEWS = dict(SAVED.remotes) | {
    "backend": RemoteView("backend", "the forge", HEAD, {OLDER: OLD, NEW: HEAD, ASIDE: NEVER}, frozenset({OLD, HEAD}))
}
GOOD = LastKnownGood(Release("backend", HEAD, NEW), Release("backend", OLD, OLDER))
FOUND = {placement.id: Found(GOOD if placement.service.name == "backend" else None) for placement in ESTATE.placements}


def of_backend(lines: list[str]) -> list[list[str]]:
    """The lines of one service, in words."""
    end = next(n for n, line in enumerate(lines) if line.startswith("fleet"))
    return [line.removeprefix("backend").split(maxsplit=2) for line in lines[:end]]


def test_the_newest_stands_first_with_where_it_is_and_what_was_before() -> None:
    lines, whole = release_lines(ESTATE, VIEWS, FOUND, SEEN)
    assert whole
    assert of_backend(lines) == [
        [NEW, HEAD[:12], "on api-1, last known good on api-1"],
        [OLDER, OLD[:12], "before it on api-1"],
        ["1", "more:", "not on main, may not be deployed"],
    ]
    assert all(any(line.startswith(service.name) for line in lines) for service in ESTATE.services)


def test_what_is_on_a_host_and_no_release_is_said() -> None:
    api = known(SEEN["api-1"])
    assert isinstance(api, HostEvidence)
    checkout = replace(known(api.checkouts["backend"]), head=STRANGE)
    seen = {**SEEN, "api-1": replace(api, checkouts={**api.checkouts, "backend": checkout})}
    lines, _ = release_lines(ESTATE, VIEWS, FOUND, seen)
    assert any(line.split() == ["no", "release", "on", "main", STRANGE[:12], "on", "api-1"] for line in lines)


def test_what_could_not_be_told_is_said_and_is_not_whole() -> None:
    lost = Missing("unreachable", "no route to host", "api-1")
    for views, found, seen, said in (
        (VIEWS, FOUND, {**SEEN, "api-1": lost}, "not known: what is on api-1: no route to host"),
        ({**VIEWS, "backend": lost}, FOUND, SEEN, "not known: the remote could not be asked: no route to host"),
        (VIEWS, {**FOUND, "backend-api-1": Found(lost)}, SEEN, "not known: what is last known good on api-1: no route to host"),
    ):
        lines, whole = release_lines(ESTATE, views, found, seen)
        assert (said in [line.strip() for line in lines], whole) == (True, False), lines


def of(view: RemoteView, found: dict[str, Found]) -> list[str]:
    """The lines of the backend, as they stand."""
    lines, _ = release_lines(ESTATE, {**VIEWS, "backend": view}, found, SEEN)
    return lines[: next(n for n, line in enumerate(lines) if line.startswith("fleet"))]


def test_of_many_releases_the_newest_are_told_and_all_that_there_is_anything_to_say_of() -> None:
    """As wide as the widest tag; an older one is told where it is what a host would go back to."""
    tags = {f"vox-backend-2026.06.{day:02}-1": f"{day:02}" * 20 for day in range(1, 16)}
    tags[NEW] = HEAD
    good = LastKnownGood(Release("backend", HEAD, NEW), Release("backend", "03" * 20, "vox-backend-2026.06.03-1"))
    found = {**FOUND, "backend-api-1": Found(good)}
    view = RemoteView("backend", "the forge", HEAD, tags, frozenset(tags.values()))
    newest = [f"          vox-backend-2026.06.{day:02}-1  {f'{day:02}' * 6}" for day in range(15, 6, -1)]
    assert of(view, found) == [
        f"backend   {NEW}  {HEAD[:12]}  on api-1, last known good on api-1",
        *newest,
        f"          vox-backend-2026.06.03-1  {'03' * 6}  before it on api-1",
    ]


def test_where_no_release_is_on_main_it_is_said() -> None:
    nothing = dict.fromkeys(FOUND, Found(None))
    empty = RemoteView("backend", "the forge", HEAD, {}, frozenset({HEAD}))
    assert of(empty, nothing) == [f"backend   no release on main  {HEAD[:12]}  on api-1"]
    aside = RemoteView("backend", "the forge", HEAD, {ASIDE: NEVER, "stable": HEAD}, frozenset({HEAD}))
    assert of(aside, nothing) == [
        f"backend   no release on main  {HEAD[:12]}  on api-1",
        "          1 more: not on main, may not be deployed",
    ]
    lost = {**SEEN, "api-1": Missing("unreachable", "no route", "api-1")}
    lines, whole = release_lines(ESTATE, {**VIEWS, "backend": empty}, nothing, lost)
    assert lines[:2] == ["backend   no release is on main yet", "          not known: what is on api-1: no route"]
    assert not whole
    lines, _ = release_lines(ESTATE, {**VIEWS, "backend": aside}, nothing, lost)
    assert lines[0].split() == ["backend", "1", "more:", "not", "on", "main,", "may", "not", "be", "deployed"]


def test_without_a_remote_what_is_on_hosts_is_told_by_its_commit() -> None:
    silent = {**VIEWS, "backend": Missing("failed", "no answer", "the forge")}
    lines, _ = release_lines(ESTATE, silent, FOUND, SEEN)
    assert lines[:3] == [
        f"backend     {HEAD[:12]}  on api-1, last known good on api-1",
        f"            {OLD[:12]}  before it on api-1",
        "          not known: the remote could not be asked: no answer",
    ]


def test_a_service_whose_checkout_is_gone_is_not_known() -> None:
    api = known(SEEN["api-1"])
    seen = {**SEEN, "api-1": replace(api, checkouts={name: one for name, one in api.checkouts.items() if name != "backend"})}
    lines, whole = release_lines(ESTATE, VIEWS, FOUND, seen)
    assert "          not known: what is on api-1: no checkout" in lines
    assert not whole
