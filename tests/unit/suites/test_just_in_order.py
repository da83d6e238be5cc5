"""What is just in order at the edge of each rule: it is said of nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from .conftest import Case
from .test_at_the_edge import (
    AGENT,
    LD,
    LOST,
    agents,
    any_free,
    called,
    clock_of,
    not_asked_before,
    of_code,
    one_more,
    preloaded,
    restarted,
    sent,
    slow,
    sudo,
    taken,
    with_disk,
    with_module,
)
from .test_calls import first_worker
from .test_each_message import FLEET, of_estate

FINE: dict[str, tuple[Callable[[Case], Case], str]] = {
    "restarted more than ten minutes ago": (lambda g: restarted(g, 600.5), "nothing-restarts-during-the-bake"),
    "younger than its code": (lambda g: of_code(g, 0.5), "process-is-the-new-code"),
    "a unit more that does nothing": (lambda g: one_more(g, "inactive/dead", "disabled"), "units-are-all-there-are"),
    "just as much room as must be": (with_disk, "host-has-room"),
    "a look that is nearly slow": (lambda g: slow(g, 2.5), "clock-is-right"),
    "a clock that is little ahead": (lambda g: clock_of(g, 0.5), "clock-is-right"),
    "its own builds": (
        lambda g: sudo(
            g,
            "/usr/bin/systemctl restart voxgate-build@vox-agents.service",
            "/bin/systemctl stop voxgate-build@vox-agents.service",
        ),
        "sudo-is-minimal",
    ),
    "what is taken away": (lambda g: sudo(g, "!/bin/su"), "sudo-is-minimal"),
    "sshd that was started as its files were changed": (
        lambda g: g.fact(FLEET, "keys", started=2.0, changed=2.0), "keys-are-known",
    ),
    "sshd of which that is not known": (lambda g: g.fact(FLEET, "keys", started=0.0, changed=2.0), "keys-are-known"),
    "an agent that the estate names": (lambda g: agents(g, AGENT), "only-livekit-in-containers"),
    "an agent that is not there": (agents, "only-livekit-in-containers"),
    "a call that began meanwhile": (lambda g: taken(g, 2, 0, 3), "capacity-adds-up"),
    "a call that ended meanwhile": (lambda g: taken(g, 2, 4, 1), "capacity-adds-up"),
    "a call, and a worker that was not asked": (lambda g: not_asked_before(g, 1), "capacity-adds-up"),
    "one is free": (lambda g: any_free(g, 5, available=True), "capacity-adds-up"),
    "none is free": (lambda g: any_free(g, 6, available=False), "capacity-adds-up"),
    "less than a quarter begins late": (lambda g: sent(g, 14, 3), "haproxy-sees-all-workers"),
    "one of two begins late": (lambda g: sent(g, 2, 1), "haproxy-sees-all-workers"),
    "workers that refuse in other ways": (
        lambda g: called(called(g, lambda one: one.method == "POST", status=499), first_worker, status=405),
        "haproxy-sees-all-workers",
    ),
    "a worker that forbids it": (lambda g: called(g, first_worker, status=403), "haproxy-sees-all-workers"),
    "a host that was not seen before": (
        lambda g: replace(
            g, evidence=replace(g.evidence, first=replace(g.evidence.first, hosts={**g.evidence.first.hosts, FLEET: LOST}))
        ),
        "clock-is-right",
    ),
    "what the estate lets it run": (
        lambda g: of_estate(sudo(g, "/bin/a"), sudo={"all": ((g.estate.host(FLEET).user, "/bin/a"),)}), "sudo-is-minimal",
    ),
    "a library in every program that the estate names": (lambda g: preloaded(g, named=True), "process-is-the-venvs"),
    "a library in one worker that the estate names": (lambda g: preloaded(g, named=True, **LD), "process-is-the-venvs"),
    "a library that the estate names, below /usr": (
        lambda g: of_estate(
            g.of_service(FLEET, "runtimes", "fleet", base=(("/usr/lib/a.so", "is run, and belongs to no package"),)),
            preload={"all": ("/lib/a.so",)},
        ),
        "process-is-the-venvs",
    ),
    "a module of another repository": (with_module, "tree-is-the-commit"),
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_what_is_just_in_order_is(green: Case, name: str) -> None:
    change, said_by = FINE[name]
    assert change(green).judge([said_by]) == {}
