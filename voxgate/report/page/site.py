"""``index.html`` and ``report.css`` in the folder of a run: what a person opens first.

The page shows whole under the strictest policy that it is served by, which is Jenkins' own: no script, no style in the page, and
nothing but its own style sheet and the pictures beside it. It says so itself, too, for where nobody else does.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from voxgate import __version__
from voxgate.model.estate import Estate
from voxgate.model.verdict import RunOutcome
from voxgate.report.folder import ReportFolder
from voxgate.report.page.changed import changed
from voxgate.report.page.findings import MANY, accepted, findings, moves, places
from voxgate.report.page.first import about, again_of, banner, brought, causes, compared, judgings, releases
from voxgate.report.page.markup import Element, document, el, folded, link
from voxgate.report.verdict.verdict_file import replace_file

STYLE = Path(__file__).resolve().parent / "report.css"

POLICY = "default-src 'none'; img-src 'self' file:; style-src 'self' file:; base-uri 'none'; form-action 'none'"
"""What the page may load, in the page itself: where it is opened as a file, ``'self'`` is not the folder it lies in."""


def write_page(folder: ReportFolder, outcome: RunOutcome, estate: Estate) -> None:
    """Write both files, the style sheet first: whole or not at all. Links to what is there by now. Expects an outcome without
    secrets (``verdict_file.cut``). Raises OSError where it cannot be written.
    """
    replace_file(folder.style, STYLE.read_bytes())
    replace_file(folder.page, page(outcome, estate, folder).encode())


def page(outcome: RunOutcome, estate: Estate, folder: ReportFolder) -> str:
    """The page, which says the same for the same run. ``folder`` is where it will lie: what is there is linked to."""
    title = f"{outcome.verdict.value} · {outcome.estate} · voxgate"
    head = [
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("title", title),
        el("link", rel="stylesheet", href=folder.style.name),
    ]
    body = [
        banner(outcome),
        el("main", list(_first(outcome, estate, folder)), list(_rest(outcome))),
        _footer(outcome),
    ]
    return document(head, body)


def _first(outcome: RunOutcome, estate: Estate, folder: ReportFolder) -> Iterator[Element | None]:
    """The first screen, and the pictures below it."""
    yield from judgings(outcome)
    why = list(causes(outcome))
    facts = [el("h2", "Releases"), releases(outcome, estate), about(outcome), list(compared(outcome)), list(brought(outcome))]
    yield el("div", el("section", why) if why else None, el("section", facts), class_="first" if why else "first alone")
    yield el("nav", el("strong", "More: "), list(_links(folder)), aria_label="Below, and the files of this run")
    pictures = (
        (folder.picture, f"The estate {outcome.estate}: each host with its services, what runs there and what holds."),
        (folder.timeline, "The steps of the deploy on each host over its seconds; in words they stand below."),
    )
    for path, words in pictures:
        if path.is_file():
            said = el("figcaption", words, " ", link("the picture alone", path.name))
            picture = el("figure", el("img", src=path.name, alt=words), said)
            yield picture if len(outcome.hosts) <= MANY else folded(f"{path.name}: {len(outcome.hosts)} hosts", picture)


def _rest(outcome: RunOutcome) -> Iterator[Element]:
    again = again_of(outcome)
    yield from moves(outcome)
    yield from accepted(outcome)
    yield from changed(outcome)
    for title, lines in (("Other gates at work meanwhile", outcome.at_work), ("Notes", outcome.notes)):
        if lines:
            yield el("h2", title)
            yield el("ul", [el("li", line) for line in lines])
    yield from places(again)
    if again is outcome:
        yield from findings(outcome, "All that does not hold", "findings")
        return
    yield from findings(again, "Second judging, of what runs now: all that does not hold", "findings")
    yield el("section", folded("First judging, of what was tried", *findings(outcome, "What did not hold of what was tried")))


def _links(folder: ReportFolder) -> Iterator[Element]:
    """What else there is of the run, as far as it is there."""
    known = (
        (folder.html, "Allure: what each rule was judged on (needs scripts)"),
        (folder.summary, "summary.md: for a chat"),
        (folder.verdict, "verdict.json: for machines"),
        (folder.changes, "changes.json: since done"),
        (folder.junit, "junit.xml"),
        (folder.evidence, "evidence"),
    )
    yield el("span", link("all that does not hold", "#findings"), class_="file")
    for path, words in known:
        if path.exists():
            tail = "/" if path.is_dir() else ""
            yield el("span", link(words, f"{path.relative_to(folder.path)}{tail}"), class_="file")


def _footer(outcome: RunOutcome) -> Element:
    return el(
        "footer",
        f"voxgate {__version__} · run {outcome.run} · holds: we looked, and it is so · violated: we looked, and it",
        " is not so · blind: we could not look, which is never green · waived: violated, and accepted in writing until a day",
    )
