"""Settings: what stands in the .env of a service is what the estate says, what the others have, and leads to what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.installed import install_probe
from voxgate.plugin import invariant, say_each
from voxgate.survey.settings import not_as_elsewhere, not_as_said
from voxgate.survey.stores import wrong_addresses

if TYPE_CHECKING:
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.look import Evidence


@invariant(
    per="placement",
    guards="diallers",
    services=("backend", "fleet", "dialler"),
    faults=("backend-on-the-staging-database", "dialler-ticks-too-often", "dialler-on-another-trunk"),
    severity="blocker",
    threats=("settings",),
)
def test_settings_are_what_the_estate_says(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """One wrong letter, and a backend works on the staging database of the same server, or a dialler ticks ten times as often.
    The database of each service is one of the estate's, a dialler's its own; its tick is the one of the database's pace; and
    what ``values`` of a service say stands there. Compared by check digits: no value leaves its host.
    """
    wrong, unseen = not_as_said(placement, estate, evidence)
    if unseen and not wrong:
        raise Blind("; ".join(unseen), where=placement.host.name, hint=install_probe(placement.host.address))
    assert not wrong, say_each(placement.host.name, [*((one.said, one.do) for one in wrong), *((one, "") for one in unseen)])


@invariant(
    per="placement",
    guards="secrets",
    services=("backend", "fleet", "dialler"),
    faults=("fleet-another-key-on-one-host", "backend-another-livekit-key"),
    threats=("settings",),
)
def test_settings_are_the_same_everywhere(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A key of another account on one host of many shows at every third call. What has one name has one value: on all hosts of a
    service, and in all services that have it. Compared by check digits: no value leaves its host. What may differ,
    ``differing_settings`` say.
    """
    wrong = not_as_elsewhere(placement, estate, evidence)
    entries = [one.entry for one in wrong if one.entry is not None]
    rows = [(one.said, one.do) for one in wrong]
    assert not wrong, say_each(placement.host.name, rows, estate=estate.name, entries=entries)


@invariant(
    per="placement",
    guards="people",
    services=("fleet", "dialler"),
    faults=("fleet-livekit-url-answers-nobody", "fleet-on-anothers-redis"),
    threats=("settings",),
)
def test_settings_lead_to_what_is_there(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A worker whose LiveKit does not answer is well until its first call. From the service's own host each address in its
    settings is reached, and what is a store is the estate's own.
    """
    wrong, unseen = wrong_addresses(placement, estate, evidence)
    if unseen and not wrong:
        raise Blind("; ".join(unseen), where=placement.host.name, hint=install_probe(placement.host.address))
    assert not wrong, say_each(placement.host.name, [*wrong, *((one, "") for one in unseen)])
