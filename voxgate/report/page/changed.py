"""What hosts have otherwise than when a deploy was done last, on the page: what nobody explains first."""

from __future__ import annotations

from collections.abc import Iterator

from voxgate.model.counting import counted
from voxgate.model.fingerprints import UNEXPLAINED, HostChanges
from voxgate.model.verdict import RunOutcome
from voxgate.report.page.markup import Content, Element, el, folded, table


def changed(outcome: RunOutcome) -> Iterator[Element]:
    """By host: kind, name, how it changed, the candidates; nothing where nothing changed."""
    told = [one for one in outcome.changes if one.changes or one.note]
    if not told:
        return
    yield el("h2", "Changed since done")
    yield el("p", "Told beside the verdict: judged only where the estate says so (changes). A reason is a candidate, no proof.")
    for one in told:
        if one.note:
            yield el("p", el("strong", one.host), f": {one.note}")
        if one.changes:
            yield _host(one)


def _host(one: HostChanges) -> Element:
    unexplained = one.unexplained
    count = counted(len(one.changes) + one.more, "thing")
    summary: Content = [el("strong", one.host), f" {count} since {one.at} (run {one.run}), {len(unexplained)} unexplained"]
    rows: list[tuple[Content, ...]] = [
        (change.kind, change.name, change.how, "; ".join(change.why) or el("strong", UNEXPLAINED))
        for change in (*unexplained, *(change for change in one.changes if change.why))
    ]
    more = el("p", f"and {one.more} more") if one.more else None
    return folded(summary, table(("what", "name", "is", "why it may be"), rows, class_="changes"), more)
