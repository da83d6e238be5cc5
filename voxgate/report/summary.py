"""``summary.md``: a run in a few lines of Markdown, for a chat and for release notes.

Hosts, remotes and services have a say in what stands there, and whoever reads it in a chat must not be called or led anywhere by
them: all that is not the gate's own word stands in a code span, in which a chat makes no link, no mention and no markup.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from voxgate.deploy.hosts.state import Author
from voxgate.errors import visible
from voxgate.model.content import SHOWN
from voxgate.model.run_facts import away
from voxgate.model.verdict import Ran, RunOutcome, ServiceOutcome, Verdict
from voxgate.redaction.cutting import Redactor
from voxgate.report.causes.grouping import Cause, causes_of, how_many
from voxgate.report.tally import subject_of, unjudged, whole
from voxgate.report.told import served_lines, since_words

CAUSES = 5
"""Causes that are told; of the others only how many there are."""

_COMMITS = 20  # and packages, of each release
_NAMED = 10  # waivers, and rules that were not judged
_LONGEST = 300  # characters of one finding: verdict.json has it all
_MENTION = re.compile(r"(?<![A-Za-z0-9])@")
_LIKE = str.maketrans({"`": "'", "<": "\u2039", "|": "\u00a6"})
_URL = re.compile(r"https?://[A-Za-z0-9._:/%+-]{1,500}")


@dataclass(frozen=True, slots=True)
class Origin:
    """Who runs this gate (``user@machine``), and by which build: its address or name, empty where none is known."""

    by: str
    build: str = ""

    @classmethod
    def of(cls, run: str, redactor: Redactor, environ: Mapping[str, str] = os.environ) -> Self:
        """This process, with nothing secret in it."""
        build = environ.get("BUILD_URL") or environ.get("BUILD_TAG") or ""
        return cls(redactor.cut_string(Author(run).by), redactor.cut_string(build))


def quoted(text: str) -> str:
    """Somebody else's words as a code span of one line: in a table, a list or a message nothing in it becomes markup, a link or
    a mention, neither of Markdown nor of Slack. What could is shown by a letter that looks like it.
    """
    said = visible(" ".join(text.split()))
    if len(said) > _LONGEST:
        said = f"{said[:_LONGEST]} ..."
    said = _MENTION.sub("\uff20", said).translate(_LIKE)
    return f"`{said}`" if said else "-"


def summary(outcome: RunOutcome, origin: Origin) -> str:
    """The run as Markdown. Expects an outcome without secrets (``verdict_file.cut``)."""
    parts = [[_headline(outcome)], _table(outcome), [*_failures(outcome)], [*_waived(outcome)]]
    parts += [[*_contents(outcome)], [*_told(outcome)], [*_origin(outcome, origin)]]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def message(outcome: RunOutcome, origin: Origin, event: str) -> str:
    """The same in Slack's own marks, without a table: why it is told, the verdict, what was deployed, the causes."""
    lines = [_headline(outcome, "*")]
    if event != outcome.verdict.value:
        lines.insert(0, f"{event}:")
    for one in outcome.services:
        if one.tried:
            said = f"from {_named(one.before)}, tried {_named(one.tried)}, running {_running(one)}"
            brings = f": {quoted(one.content.line)}" if one.content else ""
            lines.append(f"- {quoted(one.service)}: {said}{brings}")
    return "\n".join([*lines, *_failures(outcome), *_waived(outcome), *_told(outcome), *_origin(outcome, origin)])


def _headline(outcome: RunOutcome, bold: str = "**") -> str:
    """The verdict, of which estate, why, what it counts and how long it took."""
    tally = whole(outcome)
    counts = [f"{tally.holds} of {tally.total} hold"] if tally.total else []
    rest = {"violated": tally.violated, "blind": tally.blind, "not judged": tally.missing, "waived": tally.waived}
    counts += [f"{count} {name}" for name, count in rest.items() if count]
    said = f"{bold}{outcome.verdict.value.upper()}{bold} {quoted(outcome.estate)}: {quoted(outcome.summary)}"
    return f"{said} ({', '.join([*counts, f'{outcome.seconds:.1f} s'])})"


def _table(outcome: RunOutcome) -> list[str]:
    rows = []
    for one in outcome.services:
        cells = (quoted(one.service), _named(one.before), _named(one.tried), _running(one))
        rows.append(f"| {' | '.join(cells)} |")
    return ["| service | from | tried | running |", "|---|---|---|---|", *rows] if rows else []


def _contents(outcome: RunOutcome) -> Iterator[str]:
    """What each release brings: by numbers, then its commits and packages by name, for release notes."""
    for service in outcome.services:
        if (content := service.content) is None:
            continue
        why = f" ({quoted(content.why)})" if content.why else ""
        yield f"- {quoted(service.service)}: {quoted(content.line)}{why}"
        for word, commits in (("", content.brought), ("taken away: ", content.taken)):
            for one in commits.shown[:_COMMITS]:
                commit = f"[{one.commit[:12]}]({one.url})" if _URL.fullmatch(one.url) else quoted(one.commit[:12])
                yield f"  - {word}{commit} {quoted(one.subject)} by {quoted(one.author)}"
            if (rest := commits.count - len(commits.shown[:_COMMITS])) > 0:
                yield f"  - {word}and {rest} more: verdict.json names up to {SHOWN}"
        for package in content.packages.shown[:_COMMITS]:
            yield f"  - {quoted(package.lock)}: {quoted(package.line)}"
        if (rest := content.packages.count - len(content.packages.shown[:_COMMITS])) > 0:
            yield f"  - and {rest} more {'packages' if rest > 1 else 'package'}"
        yield from (f"  - not read: {quoted(lock)}" for lock in content.packages.unread)
        settings = content.settings
        for words, names in (
            (f"settings new in {quoted(settings.of)}", settings.new),
            ("of these services.toml requires", settings.required),
            ("of these services.toml does not know", settings.unknown),
            (f"settings gone in {quoted(settings.of)}", settings.gone),
        ):
            if names:
                yield f"  - {words}: {_listed(names)}"


def _told(outcome: RunOutcome) -> Iterator[str]:
    """Who served and who did not dial meanwhile, and what differs from the run before."""
    yield from (f"- fleet: {line}" for line in served_lines(outcome))
    yield from (f"- {quoted(service)}: {said}" for service, said in away(outcome.gaps))
    yield from (f"- nobody dialled: {quoted(gap.line)}" for gap in outcome.undialled)
    if said := since_words(outcome):
        yield f"- since {quoted(said)}"


def _named(release: Ran | None) -> str:
    return quoted(release.name) if release else "-"


def _running(service: ServiceOutcome) -> str:
    return "not known" if service.tried and service.running is None else _named(service.running)


def _failures(outcome: RunOutcome) -> Iterator[str]:
    """The causes, what nobody judged, and what the rollback came to."""
    yield from _causes(causes_of(outcome.judgements, outcome.moves))
    if missing := unjudged(outcome):
        yield f"- not judged: {_listed(missing)}"
    if outcome.rollback_verdict is not None:
        holds = sum(one.verdict is Verdict.HOLDS for one in outcome.rollback)
        yield f"- after the rollback: {outcome.rollback_verdict.value}, {holds} of {len(outcome.rollback)} hold"
        yield from _causes(causes_of(outcome.rollback))


def told(advice: str) -> str:
    """What to do, each command a code span of its own as it is typed: a list may have the pipe that a table may not."""
    parts = advice.split("`")
    if len(parts) % 2 == 0:
        return quoted(advice)
    said = (quoted(part).replace("\u00a6", "|") if at % 2 else quoted(part) for at, part in enumerate(parts) if part.strip())
    return " ".join(said)


def _causes(causes: Sequence[Cause]) -> Iterator[str]:
    """The first of them, each with what to do; of the others how many there are."""
    for cause in causes[:CAUSES]:
        sign = "violated" if cause.verdict is Verdict.VIOLATED else "blind"
        yield f"- {sign}: {quoted(cause.label)}: {quoted(cause.found)}"
        if cause.advice.strip():
            yield f"  - to do: {told(cause.advice)}"
        if more := (cause.findings[1:] if cause.leads else cause.findings):
            yield f"  - {how_many(more, 'does', 'do')} not hold for it besides"
    if rest := len(causes[CAUSES:]):
        yield f"- and {rest} more {'causes' if rest > 1 else 'cause'}: the report has all of them"


def _waived(outcome: RunOutcome) -> Iterator[str]:
    waived = [one for one in outcome.judgements if one.verdict is Verdict.WAIVED]
    for one in waived[:_NAMED]:
        subject = subject_of(one.id)
        name = f"{one.sentence} [{subject}]" if subject else one.sentence
        yield f"- waived until {one.ends}: {quoted(name)}: " + ", ".join(
            quoted(f"{waiver.reason} ({waiver.by}, until {waiver.until})") for waiver in one.waivers
        )
    if len(waived) > _NAMED:
        yield f"- and {len(waived) - _NAMED} more are waived: the report has all of them"


def _listed(names: Sequence[str]) -> str:
    more = f", and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(quoted, names[:_NAMED])) + more


def _origin(outcome: RunOutcome, origin: Origin) -> Iterator[str]:
    build = origin.build if _URL.fullmatch(origin.build) else quoted(origin.build)
    by = f"{outcome.how} by {quoted(origin.by)}" + (f", build {build}" if origin.build else "")
    yield f"{by}, from {_moment(outcome.started)} to {_moment(outcome.started + outcome.seconds)}, run {quoted(outcome.run)}"


def _moment(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M:%S} UTC"
