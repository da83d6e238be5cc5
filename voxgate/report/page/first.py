"""The first screen: the verdict, both judgings, the causes, which release runs, who did it and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from voxgate.model.content import Commit
from voxgate.model.content import Content as Brought
from voxgate.model.counting import counted
from voxgate.model.estate import Estate
from voxgate.model.run_facts import How, away
from voxgate.model.verdict import Ran, RunOutcome, RunVerdict, ServiceOutcome, Verdict
from voxgate.report.causes.grouping import Cause, causes_of, what_follows
from voxgate.report.page.markup import Content, Element, advised, el, folded, link, table
from voxgate.report.page.words import KINDS, first_words
from voxgate.report.pictures import svg
from voxgate.report.tally import Tally, unjudged, whole

CAUSES = 5
"""Causes that are written out; the others are folded."""

_NAMED = 20  # judgements that never came, and hosts, that are named


def banner(outcome: RunOutcome) -> Element:
    """The verdict in plain words, and what the gate says of it."""
    kind = KINDS[outcome.verdict]
    return el(
        "header",
        el("p", "voxgate · ", el("strong", outcome.estate), f" · {outcome.run}", class_="run"),
        el("h1", el("span", f"{svg.SIGNS.get(kind, '◐')} {outcome.verdict.value}", class_="word"), " ", _words(outcome)),
        el("p", outcome.summary, class_="said") if outcome.summary != outcome.verdict else None,
        class_=f"banner {kind}",
    )


def _words(outcome: RunOutcome) -> str:
    return first_words(outcome, whole(outcome))


def judgings(outcome: RunOutcome) -> Iterator[Element]:
    """What was judged and what it came to. After a way back that is two judgings, of two releases, and they stand apart."""
    if outcome.rollback_verdict is None:
        tally = whole(outcome)
        if tally.total:
            yield el("p", _counts(tally), class_="counts")
        return
    again = whole(again_of(outcome))
    yield el(
        "ol",
        el("li", el("strong", "First judging: what was tried. "), _counts(whole(outcome)), class_="one"),
        el(
            "li",
            el("strong", "Second judging: what runs now, after going back. "),
            el("span", _sign(KINDS[outcome.rollback_verdict]), outcome.rollback_verdict.value, class_="verdict"),
            ", ",
            _counts(again),
            class_="two",
        ),
        class_="judgings",
    )


def again_of(outcome: RunOutcome) -> RunOutcome:
    """The run as it was judged again after a way back; the run itself where it was not."""
    if outcome.rollback_verdict is None:
        return outcome
    return replace(outcome, judgements=outcome.rollback, missing=(), moves=(), verdict=outcome.rollback_verdict)


def _counts(tally: Tally) -> Content:
    """Each count with its sign and its word."""
    names = (("holds", "hold"), ("violated", "violated"), ("blind", "blind"), ("missing", "not judged"), ("waived", "waived"))
    said: list[Content] = []
    for kind, word in names:
        if count := getattr(tally, kind):
            of = f" of {tally.total}" if kind == "holds" else ""
            said += [el("span", f"{svg.SIGNS[kind]} {count}{of} {word}", class_=f"count {kind}"), " "]
    return said or "nothing was judged"


def causes(outcome: RunOutcome) -> Iterator[Element]:
    """Why it is not green: at most five causes, each with what to do and what else is so for it; then what nobody judged."""
    if outcome.verdict is RunVerdict.REFUSED:
        yield from _list("What stood in the way", causes_of(outcome.standing))
    else:
        gone_back = outcome.rollback_verdict is not None
        yield from _list("Why it went back" if gone_back else "Why", causes_of(outcome.judgements, outcome.moves))
    if missing := unjudged(outcome):
        rest = f", and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        said = f"{svg.SIGNS['missing']} {len(missing)} not judged: {', '.join(missing[:_NAMED])}{rest}"
        yield el("p", said, class_="cause missing")
    if outcome.rollback_verdict is not None:
        yield from _list("What does not hold now, after going back", causes_of(outcome.rollback))


def _list(title: str, found: Sequence[Cause]) -> Iterator[Element]:
    if not found:
        return
    yield el("h2", title)
    yield el("ol", [_cause(one) for one in found[:CAUSES]], class_="causes")
    if rest := found[CAUSES:]:
        said = f"and {len(rest)} more {'causes' if len(rest) > 1 else 'cause'}"
        yield folded(said, el("ol", [_cause(one) for one in rest], class_="causes"))


def _cause(cause: Cause) -> Element:
    kind = "violated" if cause.verdict is Verdict.VIOLATED else "blind"
    follows = what_follows(cause)
    return el(
        "li",
        el("p", el("strong", f"{svg.SIGNS[kind]} {kind}: {cause.label}"), class_="what"),
        el("p", cause.found, class_="found"),
        el("p", el("strong", "To do: "), advised(cause.advice), class_="advice") if cause.advice.strip() else None,
        el("p", follows, class_="follows") if follows else None,
        class_=f"cause {kind}",
    )


def releases(outcome: RunOutcome, estate: Estate) -> Element | None:
    """Each service: what it came from, what was tried, what runs now."""
    if not outcome.services:
        return None
    moved = any(one.tried for one in outcome.services)
    rows: list[list[Content]] = []
    for one in outcome.services:
        now = _ran(one, one.running, estate) if one.running else el("strong", "? not known: look at its hosts")
        tried = [_ran(one, one.before, estate), _ran(one, one.tried, estate) if one.tried else "-"] if moved else []
        rows.append([one.service, *tried, [now, _running(one, outcome.how)]])
    return table(("service", *(("from", "tried") if moved else ()), "running now"), rows, class_="releases")


def _ran(service: ServiceOutcome, release: Ran | None, estate: Estate) -> Content:
    """Tag and commit, each a link where a person can read it."""
    if release is None or not release.name:
        return "nothing"
    about = next((one for one in estate.services if one.name == service.service), None)
    parts: list[Content] = []
    if release.tag:
        parts += [el("span", link(release.tag, estate.tag_url(about, release.tag) if about else ""), class_="tag"), " "]
    if release.commit:
        commit = el("code", release.commit[:12])
        parts.append(el("span", link(commit, estate.commit_url(about, release.commit) if about else ""), class_="commit"))
    return parts


def _running(service: ServiceOutcome, how: How) -> Content:
    """In a word which of the two runs; nothing where none was tried."""
    if service.tried is None or service.tried == service.before:
        return None
    if service.running == service.tried:
        return [" ", el("span", "as asked for" if how is How.ROLLBACK else "the new one", class_="mark")]
    return [" ", el("span", "as before", class_="mark")] if service.running == service.before else None


def about(outcome: RunOutcome) -> Element:
    """Who, by which build, how, from when to when, and what it cost those who were served."""
    hosts = f"{len(outcome.hosts)}: {', '.join(outcome.hosts)}" if len(outcome.hosts) <= _NAMED else str(len(outcome.hosts))
    rows: list[tuple[str, Content]] = [
        ("how", _HOW[outcome.how]),
        ("by", outcome.by or None),
        ("build", link(outcome.build, outcome.build) if outcome.build else None),
        ("started", _moment(outcome.started)),
        ("ended", [_moment(outcome.started + outcome.seconds), " ", el("span", f"({outcome.seconds:.1f} s)", class_="whole")]),
        ("hosts", hosts),
        ("fleet", outcome.rolled.line if outcome.rolled else None),
        ("fleet, back", outcome.rolled_back.line if outcome.rolled_back else None),
        ("no dialling", "; ".join(gap.line for gap in outcome.undialled) or None),
        *((f"{service}, away", said) for service, said in away(outcome.gaps)),
        ("exit status", str(outcome.exit_status)),
    ]
    return el("dl", [el("div", el("dt", name), el("dd", said)) for name, said in rows if said is not None], class_="about")


_HOW = {
    How.LOOK: "a look: nothing was to be changed",
    How.DEPLOY: "a deploy",
    How.ROLLBACK: "a rollback that was asked for",
    How.BOTH: "a deploy and a rollback that were asked for",
    How.RECOVER: "a recovery of what a run before left open",
}


def brought(outcome: RunOutcome) -> Iterator[Element]:
    """What each release that was tried brings: counted, and by name where it is opened."""
    told = [(one, one.content) for one in outcome.services if one.tried and one.content]
    if told:
        yield el("h2", "What is in it" if outcome.verdict is RunVerdict.DONE else "What was in it")
    for one, content in told:
        said: Content = [el("strong", one.service), f": {content.line}"]
        lines = list(_brought(content))
        yield folded(said, el("ul", lines)) if lines else el("p", said)


def _brought(content: Brought) -> Iterator[Element]:
    """Commits with their links, then the rest as everywhere."""
    for word, commits in (("", content.brought), ("taken away: ", content.taken)):
        for one in commits.shown:
            yield el("li", word, _commit(one))
        if (rest := commits.count - len(commits.shown)) > 0:
            yield el("li", f"{word}and {counted(rest, 'more commit')}")
    none = replace(content, brought=type(content.brought)(), taken=type(content.taken)())
    for line in none.lines():
        yield el("li", line)


def _commit(one: Commit) -> Content:
    return [link(el("code", one.commit[:12]), one.url), f" {one.subject} ({one.author})"]


def compared(outcome: RunOutcome) -> Iterator[Element]:
    """What differs from the run before."""
    then = outcome.compared
    if then is None:
        return
    words = list(then.words(outcome.seconds, outcome.rolled)) or ["nothing differs"]
    said: Content = [el("strong", "Since the last whole run"), f", {then.run} ({then.verdict}): {'; '.join(words)}"]
    rows = [
        el("li", f"{svg.SIGNS[kind]} {word}: {name}")
        for kind, word, names in (("violated", "no longer holds", then.red), ("holds", "holds again", then.green))
        for name in names
    ]
    yield folded(said, el("ul", rows)) if rows else el("p", said)


def _moment(epoch: float) -> Element:
    at = datetime.fromtimestamp(epoch, UTC)
    return el("time", f"{at:%Y-%m-%d %H:%M:%S} UTC", datetime=at.isoformat(timespec="seconds"))


def _sign(kind: str) -> str:
    return f"{svg.SIGNS.get(kind, '◐')} "
