"""The order of the rules: which cannot hold where another does not (``AFTER``). Each line was seen on a fault of the lab."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from voxgate.model.verdict import Judgement

Near: TypeAlias = Callable[[Judgement, Judgement], bool]


def _unit(one: Judgement, other: Judgement) -> bool:
    return one.id.partition("[")[2] == other.id.partition("[")[2] != ""


def _placement(one: Judgement, other: Judgement) -> bool:
    return one.service == other.service is not None and one.host == other.host is not None


def _host(one: Judgement, other: Judgement) -> bool:
    return one.host == other.host is not None


def _service(one: Judgement, other: Judgement) -> bool:
    return one.service == other.service is not None


def _told_of(one: Judgement, other: Judgement) -> bool:
    return one.host is not None and other.found.startswith(f"{one.host}: ")


def _anywhere(_one: Judgement, _other: Judgement) -> bool:
    return True


def _unwell(one: Judgement, _other: Judgement) -> bool:
    return " answers 503 " in one.found  # what a service says of itself while a store is away


def _still_before(one: Judgement, other: Judgement) -> bool:
    return _placement(one, other) and " reports " in one.found  # it answers, as the release that ran before


def _none_on(one: Judgement, other: Judgement) -> bool:
    return other.service == "dialler" and one.found.startswith(f"{other.host}: 0 dialler processes ")


def _diallers(one: Judgement, other: Judgement) -> bool:
    return other.service == "dialler" and "no connection of the dialler" in one.found


def _through_nginx(one: Judgement, other: Judgement) -> bool:
    return _host(one, other) and "(through nginx" in one.found and "(direct)" not in one.found


def _at_its_port(one: Judgement, other: Judgement) -> bool:
    port = _PORT.search(other.found)
    return port is not None and f":{port[1]}: connection refused" in one.found


def _for_livekit(one: Judgement, _other: Judgement) -> bool:
    return all(_OF_LIVEKIT.fullmatch(part) for part in one.found.split("; "))


@dataclass(frozen=True, slots=True)
class After:
    """A rule that explains another where it is as ``near``, and where ``when`` stands in what it found; ``blinds`` says that it
    explains why nobody could look, too, and ``away`` that it does so also where its own host could not be reached.
    """

    rule: str
    near: Near
    when: re.Pattern[str] = re.compile("")
    blinds: bool = False
    away: bool = False


_DOWN = re.compile(r" is (?!enabled|active/running|transient)\S+ ?\(|is masked|is not-found|is halted|restarted between")
_NOT_THERE = re.compile("does not listen")
_PORT = re.compile(r"does not listen on port (\d+)")
_OF_LIVEKIT = re.compile(
    r"(?:[\w.-]+: )?(?:GET \S+ \([^()]*\) answers 503 '[a-z]+': livekit [a-z ]+"
    r"|the address in LIVEKIT_URL could not be reached from here: [a-z ]+)"
)
_NO_LIVEKIT = After("livekit-is-healthy", _for_livekit, away=True)
STORES = "stores-are-private"
_STORE_AWAY = After(STORES, _unwell, _NOT_THERE)
_NO_NGINX = re.compile(r"\b0 nginx run here")
_STOPPED = After("unit-is-active", _unit, _DOWN)
_NOT_SET = After("env-file-is-complete", _placement, re.compile(r" lacks | is empty or a placeholder| are empty or "))
_RESTARTS = After("nothing-restarts-during-the-bake", _unit)  # a look may come between its end and its next start
_RESTARTED = replace(_RESTARTS, near=_placement)
_ANOTHERS = After("answers-come-from-the-unit", _unit, re.compile("answered by|elsewhere"))
_DIES = (_STOPPED, _NOT_SET, _RESTARTS, _ANOTHERS)
"""Why a unit does not do its work, the first reason first: it does not run, cannot run, or does not run for long."""

_CODE = tuple(
    After(rule, _placement)
    for rule in (
        "tree-is-the-commit",
        "no-foreign-files",
        "head-is-the-release",
        "pipecat-is-pinned",
        "venv-is-the-lock",
        "site-packages-are-intact",
        "python-is-3-12-or-newer",
    )
)
_PAGES = (After("backend-health-is-clean", _unit), After("all-workers-are-up", _unit))
_MADE_BY = After("unit-file-is-the-expected", _unit)
_FLEET = tuple(
    After(rule, _service, when)
    for rule, when in (
        ("unit-is-active", _DOWN),
        ("units-are-all-there-are", re.compile("")),
        ("each-worker-has-its-own-id", re.compile("")),
        ("all-workers-are-up", re.compile("")),
    )
)

ONE_DIALLER = "exactly-one-dialler-per-database"
_UNHEALTHY = After("service-became-healthy", _placement)
_NO_DIALLER = (After("service-became-healthy", _diallers), replace(_RESTARTS, near=_diallers))

AFTER: dict[str, tuple[After, ...]] = {
    ONE_DIALLER: (After("unit-is-active", _none_on, _DOWN),),
    "database-sees-one-dialler": (
        After(ONE_DIALLER, _unit),
        After(STORES, _at_its_port, _NOT_THERE, blinds=True),
        *_NO_DIALLER,
    ),
    "dialler-keeps-its-pace": (  # of two it is not the right one that is stopped
        After(ONE_DIALLER, _anywhere),
        After("database-sees-one-dialler", _anywhere, blinds=True),
        After(STORES, _at_its_port, _NOT_THERE, blinds=True),
    ),
    "settings-lead-to-what-is-there": (After(STORES, _anywhere, _NOT_THERE), _NO_LIVEKIT, _UNHEALTHY, _RESTARTED),
    "dialler-is-on-the-sip-host": (After(ONE_DIALLER, _told_of),),
    "one-copy-only": (After(ONE_DIALLER, _told_of),),
    "unit-is-active": (_MADE_BY, _NOT_SET, After("units-are-all-there-are", _placement)),
    "nothing-restarts-during-the-bake": (_STOPPED, _NOT_SET),
    "runs-as-its-user": (_STOPPED, _MADE_BY, _RESTARTS),
    "process-is-the-venvs": (_STOPPED, _MADE_BY, After("env-file-is-complete", _placement), _RESTARTS),
    "process-is-the-new-code": (_STOPPED, *_CODE, *_PAGES, _UNHEALTHY, _RESTARTS, _ANOTHERS),
    "backend-health-is-clean": (
        *_DIES,
        After(STORES, _anywhere, _NOT_THERE),
        After("nginx-runs-its-config", _through_nginx, _NO_NGINX),
        After("service-became-healthy", _still_before),
        _NO_LIVEKIT,
    ),
    "backend-reaches-its-stores": (
        After("unit-is-active", _placement, _DOWN),
        After("backend-health-is-clean", _placement),
        After(STORES, _anywhere, _NOT_THERE),
        _RESTARTED,
    ),
    "all-workers-are-up": (*_DIES, _STORE_AWAY),
    "each-worker-has-its-own-id": (After("all-workers-are-up", _service, re.compile("is answered by worker")),),
    "haproxy-sees-all-workers": _FLEET,
    "capacity-adds-up": _FLEET,
    "fleet-runs-one-release": (
        After("unit-is-active", _service, _DOWN),
        *(replace(one, near=_service) for one in _CODE),
        After("process-is-the-new-code", _service),
    ),
    "metrics-are-well-formed": (_STOPPED, _UNHEALTHY, _RESTARTS, _ANOTHERS),
    "answers-come-from-the-unit": (_STOPPED, _MADE_BY, _RESTARTS),
    "process-gets-what-its-unit-says": (_MADE_BY,),
    "tick-loop-is-alive": (*_DIES, After("metrics-are-well-formed", _unit), _UNHEALTHY, _STORE_AWAY),
    "venv-is-the-lock": (After("tree-is-the-commit", _placement), After("pipecat-is-pinned", _placement)),
    "site-packages-are-intact": (After("pipecat-is-pinned", _placement), After("venv-is-the-lock", _placement)),
    "pipecat-is-pinned": (After("unit-is-active", _placement, _DOWN), After("tree-is-the-commit", _placement)),
    "tree-is-the-commit": (After("head-is-the-release", _placement),),
    "dist-is-this-build": (After("release-was-installed", _placement), After("service-was-restarted", _placement)),
    "console-exposes-nothing": (After("nginx-runs-its-config", _placement, _NO_NGINX),),
    "nginx-serves-exactly-dist": (After("console-exposes-nothing", _placement), After("nginx-runs-its-config", _placement)),
    "people-reach-the-console-by-https": (After("nginx-runs-its-config", _placement),),
    "rolling-restart-kept-serving": (After("service-became-healthy", _service),),
    "service-became-healthy": (After("service-was-restarted", _placement),),
    "service-was-restarted": (After("release-was-installed", _placement),),
    "release-was-installed": (After("release-was-checked-out", _placement),),
    "livekit-is-healthy": (After("only-livekit-in-containers", _host),),
    "only-expected-listeners": (
        After("only-livekit-in-containers", _host, re.compile("engine")),
        After(STORES, _host, re.compile("listens on")),
    ),
}

OF_A_MOVE = frozenset({
    "release-was-checked-out",
    "release-was-installed",
    "service-was-restarted",
    "service-became-healthy",
    "rolling-restart-kept-serving",
})  # fmt: skip

STOPPED_BEFORE = "the deploy stopped before it"
STARTS = frozenset({"restart", "health"})
AT_WORK = frozenset(
    ["unit-is-active", "nothing-restarts-during-the-bake", "backend-health-is-clean", "all-workers-are-up", "tick-loop-is-alive"]
)
"""Where these do not hold, a unit does not do its work, and its own last words say why."""

OF_STRANGERS = (
    "exactly-one-dialler-per-database",
    "units-are-all-there-are",
    "dialler-is-on-the-sip-host",
    "only-livekit-in-containers",
    "database-sees-one-dialler",
    "one-copy-only",
    "boot-starts-only-what-is-known",
    "process-is-the-venvs",
    STORES,
    "only-expected-listeners",
)
"""The rules that find what should not be there; the first of them that found it leads."""

CALLS_PEOPLE = frozenset({ONE_DIALLER, "database-sees-one-dialler", "dialler-is-on-the-sip-host", "dialler-keeps-its-pace"})
"""What two diallers do to people cannot be undone: that stands first, however many rules another cause has."""

BESIDE = frozenset({"only-expected-listeners"})
"""Who listens besides is told after what does not do its work, where neither explains more."""
