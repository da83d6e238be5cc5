"""Verdicts as earlier releases of voxgate wrote them, as today's schema has them: what changed since the last run is said also
over an update of voxgate.
"""

from __future__ import annotations

from typing import Any

from voxgate.model.run_facts import DIALLER, How
from voxgate.model.verdict import RunVerdict

FORMAT = 7
"""Raised with every change of the schema, which is closed: a reader knows all of what it reads or refuses."""

_FOUR, _FIVE, _SIX = 4, 5, 6
"""The formats before that are still read."""


def as_now(content: Any) -> Any:
    """A verdict of format 4 to 6 as format 7; anything else as it is. What the older one did not say is not known."""
    for older, lifted in ((_FOUR, _from_four), (_FIVE, _from_five), (_SIX, _from_six)):
        if isinstance(content, dict) and content.get("format") == older:
            content = lifted(content)
    return content


def _from_six(content: dict[str, Any]) -> dict[str, Any]:
    """Format 6 said for how long a dialler was away, and no other unit."""
    gaps = content.get("gaps")
    if isinstance(gaps, list):
        gaps = [{"service": DIALLER, **one} if isinstance(one, dict) else one for one in gaps]
    return {**content, "format": FORMAT, "gaps": gaps}


def _from_five(content: dict[str, Any]) -> dict[str, Any]:
    """Format 5 said neither what is in a release nor who ran it, and not apart if a run was a deploy or a rollback."""
    services = content.get("services")
    if isinstance(services, list):
        more = {"content": None, "required_settings": None}
        services = [{**one, **more} if isinstance(one, dict) else one for one in services]
    how = How.DEPLOY if content.get("deploy") else How.LOOK
    new: dict[str, Any] = {"ended": content.get("started"), "how": how.value, "by": "", "build": "", "compared": None, "gaps": []}
    return {**content, "format": _SIX, **new, "fleet": {"there": None, "back": None}, "services": services}


def _from_four(content: dict[str, Any]) -> dict[str, Any]:
    """Format 4 said of a service what was asked for and the last known good: what it came from is not known of a deploy that was
    done, and what runs is not known where it is neither done nor gone back.
    """
    services = content.get("services")
    if not isinstance(services, list) or not all(isinstance(one, dict) for one in services):
        return content
    done, back = (content.get("verdict") == verdict.value for verdict in (RunVerdict.DONE, RunVerdict.ROLLED_BACK))
    rows = []
    for one in services:
        row = {key: value for key, value in one.items() if key not in {"tag", "commit", "last_known_good", "deployed"}}
        asked, good = {"tag": one.get("tag"), "commit": one.get("commit")}, one.get("last_known_good")
        known = good if isinstance(good, dict) and good.get("commit") else None
        if not one.get("deployed"):
            rows.append({**row, "from": known, "tried": None, "running": known})
        else:
            running = asked if done else known if back else None
            rows.append({**row, "from": None if done else known, "tried": asked, "running": running})
    return {**content, "format": _FIVE, "services": rows}
