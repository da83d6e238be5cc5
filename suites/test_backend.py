"""Backend: it answers, cleanly, on both of its ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.plugin import invariant, say
from voxgate.survey.answers import read_page
from voxgate.survey.questions import of_placement, question_of

if TYPE_CHECKING:
    from voxgate.model.estate import PlacedUnit
    from voxgate.model.look import Evidence

SLOW = 2.0


@invariant(per="unit", services=("backend",), faults=("backend-dependency-down", "backend-health-lies"), severity="blocker")
def test_backend_health_is_clean(unit: PlacedUnit, evidence: Evidence) -> None:
    """Health is what load balancers and people trust: 200, by its schema, in time, direct and through nginx, and from the
    very process that the release started.
    """
    service = unit.service
    assert service.health is not None
    assert service.proxied_health is not None
    release = evidence.remote(service.name).release
    proxied = service.proxied_health
    ways = (
        ("direct", question_of(unit, service.health), service.health.schema),
        ("through nginx", of_placement(unit.placement, proxied), proxied.schema),
    )
    seen = []
    for way, question, schema in ways:
        page = read_page(evidence.second, question, schema)
        assert not page.problem, say(f"{page.place} ({way}) {page.problem}", f"journalctl -u {unit.unit}; is a store down?")
        assert page.answer.seconds < SLOW, say(
            f"{page.place} ({way}) took {page.answer.seconds:.1f} s", "one of its stores is slow: see its checks"
        )
        assert release is not None, say(f"{unit.host.name}: no release of the backend ever passed the gate", "make gate")
        assert page.document["commit"] == release.commit, say(
            f"{page.place} ({way}) reports {page.document['commit'][:12]}, not {release}", f"systemctl restart {unit.unit}"
        )
        seen.append(page.document["pid"])
    assert len(set(seen)) == 1, say(
        f"{unit.host.name}: nginx asks process {seen[-1]}, and :{service.health.port} is answered by {seen[0]}",
        "nginx must proxy /health to the backend of this host",
    )
