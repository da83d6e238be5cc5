"""What to go back to, by what each host of a service says: where they do not agree, and whom to believe. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from voxgate.deploy.hosts.state import Found, Good, LastKnownGood
from voxgate.model.estate import Estate
from voxgate.model.evidence import Missing
from voxgate.model.release import Release


def way_back(goods: Mapping[str, Good]) -> tuple[Release | None, str]:
    """The release to go back to, over all hosts of a service, and a line where they do not agree.

    A host that never knew one follows the others (it is new here); of several, the one promoted last counts.
    """
    known = [good for good in goods.values() if isinstance(good, LastKnownGood)]
    if not known:
        return None, ""
    last = max(known, key=lambda good: good.promoted_at)
    if len(known) == len(goods) and all(good.release.commit == last.release.commit for good in known):
        return last.release, ""
    said = ", ".join(f"{key}: {good.release if isinstance(good, LastKnownGood) else 'none'}" for key, good in goods.items())
    return last.release, f"its hosts disagree on last-known-good ({said}): {last.release}, promoted last, counts"


def credible(
    found: Mapping[str, Found], estate: Estate, on_main: Callable[[str, Collection[str]], frozenset[str] | None], latest: str
) -> dict[str, Found]:
    """The same without the last known goods that no host may decide on for another one. Each host writes its own: where all of
    a service say one commit nobody decides for anybody. Where they do not, what was promoted later than ``latest`` (by a gate,
    whose clocks are about right) counts for nothing, and so does a commit that ``on_main`` does not know of this service:
    it says which are main's, as the remote had it last, and None where nobody can say.
    """
    believed = dict(found)
    for service in estate.services:
        mine = [one.id for one in estate.placements if one.service.name == service.name]
        goods = {key: good for key in mine if isinstance(good := found[key].good, LastKnownGood)}
        commits = {good.release.commit for good in goods.values()}
        if not commits or (len(commits) == 1 and len(goods) == len(mine)):
            continue
        main = on_main(service.name, commits)
        for key, good in goods.items():
            why = ""
            if good.promoted_at > latest:
                why = f"it was promoted in the future, {good.promoted_at}"
            elif main is not None and good.release.commit not in main:
                why = f"{good.release.commit[:12]} is not on main"
            elif main is None and len(commits) > 1:
                why = "nobody can say which of them is on main"
            if why:
                hint = f"mend or remove /var/lib/voxgate/{service.name}/last-known-good.json there: it follows the others then"
                what = f"{good.release} is another one than on other hosts, and {why}"
                believed[key] = replace(found[key], good=Missing("failed", what, key, hint))
    return believed
