"""The page of a run: well-formed, alone in the world, true, and whole under the strictest policy that it is served by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from voxgate.model.content import Commit, Commits, Content, Direction, Package, Packages, Settings
from voxgate.model.estate import Estate, Host
from voxgate.model.run_facts import Compared, How
from voxgate.model.service import Role
from voxgate.model.verdict import Judgement, RunOutcome, RunVerdict, Verdict
from voxgate.model.waiver import Waiver
from voxgate.redaction.cutting import Redactor
from voxgate.report.folder import ReportFolder
from voxgate.report.page.markup import advised, el, link
from voxgate.report.page.site import STYLE, page, write_page
from voxgate.report.publish import publish
from voxgate.report.verdict.verdict_file import cut

from .chromium import opened
from .conftest import named

VOID = {"meta", "link", "img", "br"}
JENKINS = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';",
    "sandbox; default-src 'none'; img-src 'self'; style-src 'self';",
)
"""What Jenkins sends with each file of an archive or a published report where nobody has changed it, and what older ones send."""

HOSTILE = (
    "<script>alert(1)</script>",
    "</p></li></main><h1>DONE</h1>",
    "<img src=https://evil.example/x.png>",
    '" onmouseover="alert(1)" x="',
    "' style='position:fixed",
    "<style>*{display:none}</style>",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;b>",
    "]]><!-- evil",
    "\u202eevil\x00\x1b[31m",
)


@dataclass(slots=True)
class Node:
    """One element as a browser reads it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All words in it."""
        return "".join(one if isinstance(one, str) else one.text for one in self.inside)

    def all(self) -> Iterator[Node]:
        """Itself and all elements in it."""
        yield self
        for one in self.inside:
            if isinstance(one, Node):
                yield from one.all()

    def of(self, tag: str, kind: str = "") -> list[Node]:
        """The elements of a tag, and a class."""
        return [one for one in self.all() if one.tag == tag and (not kind or kind in one.attributes.get("class", "").split())]


class Strict(HTMLParser):
    """Reads a page; each tag must be closed where it was opened."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Go into it."""
        assert len({name for name, _value in attrs}) == len(attrs)
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        """Words."""
        self.open[-1].inside.append(data)

    def handle_comment(self, data: str) -> None:
        """None of ours."""
        pytest.fail(f"a comment: {data}")


def parsed(text: str) -> Node:
    reader = Strict()
    reader.feed(text)
    reader.close()
    assert [one.tag for one in reader.open] == [""], "something is open at the end"
    return reader.open[0]


@pytest.fixture
def folder(tmp_path: Path) -> ReportFolder:
    """A run's folder with all that there may be."""
    made = ReportFolder(tmp_path / "run")
    for path in (made.evidence, made.allure_report):
        path.mkdir(parents=True)
    for path in (made.summary, made.verdict, made.junit, made.html, made.picture, made.timeline):
        path.write_text('<svg xmlns="http://www.w3.org/2000/svg" width="50" height="20"><rect width="50" height="20"/></svg>')
    return made


@pytest.fixture
def broken(rolled_back: RunOutcome, told: RunOutcome) -> RunOutcome:
    """Something of everything: waived, let stand, other gates, two judgings of which none is green, all that is told besides."""
    waiver = Waiver("clock-is-right", "data", "data: 3 s off", "the new clock comes", "ops@example.com", date(2026, 12, 20))
    clock = replace(named(rolled_back, "clock-is-right[data]"), verdict=Verdict.WAIVED, found="data: 3 s off", waivers=(waiver,))
    node = replace(named(rolled_back, "no-node-runs[api-1]"), verdict=Verdict.VIOLATED, found="api-1: node", advice="end it")
    judged = tuple({clock.id: clock}.get(one.id, one) for one in rolled_back.judgements)
    again = tuple({clock.id: clock, node.id: node}.get(one.id, one) for one in rolled_back.rollback)
    return replace(
        rolled_back,
        judgements=judged,
        rollback=again,
        rollback_verdict=RunVerdict.VIOLATED,
        standing=(node,),
        allowed=(node.id,),
        reason="node is ours",
        at_work=("bob deploys the fleet",),
        services=tuple(
            replace(one, content=other.content) for one, other in zip(rolled_back.services, told.services, strict=True)
        ),
        how=told.how,
        by=told.by,
        build=told.build,
        rolled=told.rolled,
        gaps=told.gaps,
        compared=told.compared,
    )


def shown(outcome: RunOutcome, estate: Estate, folder: ReportFolder) -> Node:
    return parsed(page(outcome, estate, folder))


@pytest.mark.parametrize("name", ["done", "rolled_back", "looked", "broken"])
def test_it_stands_alone_and_has_no_script(
    name: str, estate: Estate, folder: ReportFolder, request: pytest.FixtureRequest
) -> None:
    root = shown(request.getfixturevalue(name), estate, folder)
    for one in root.all():
        assert one.tag not in {"script", "style", "iframe", "object", "embed", "form", "base"}
        assert not [key for key in one.attributes if key == "style" or key.startswith("on")]
        for key in ("src", "href"):
            if key in one.attributes and one.tag != "a":
                assert (folder.path / one.attributes[key]).is_file() or one.attributes[key] == "report.css"
            elif one.attributes.get(key, "").startswith("#"):
                assert [other for other in root.all() if other.attributes.get("id") == one.attributes[key][1:]]
            elif key in one.attributes and not one.attributes[key].startswith("https://"):
                assert (folder.path / one.attributes[key]).exists(), one.attributes[key]
    css = STYLE.read_text("utf-8")
    assert "url(" not in css
    assert "@import" not in css


def test_who_reads_aloud_is_told_what_is_what(broken: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    root = shown(broken, estate, folder)
    assert root.of("html")[0].attributes["lang"] == "en"
    assert [len(root.of(tag)) for tag in ("h1", "header", "main", "footer", "title")] == [1, 1, 1, 1, 1]
    assert all(one.attributes["alt"] for one in root.of("img"))
    for table in root.of("table"):
        assert {one.attributes["scope"] for one in table.of("th")} == {"col", "row"}
    for kind in ("violated", "blind", "missing", "waived", "holds"):
        for one in (node for node in root.all() if kind in node.attributes.get("class", "").split()):
            assert one.tag in {"table", "header"} or re.search(r"[✗?○~✓]|\d+ of \d+", one.text), f"{kind} by its colour alone"


def test_no_word_of_another_s_becomes_markup(broken: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    def saying(word: str) -> Node:
        def judged(one: Judgement) -> Judgement:
            if one.verdict is Verdict.HOLDS:
                return one
            waivers = tuple(replace(waiver, reason=word, by=word, found=word) for waiver in one.waivers)
            return replace(one, found=word, advice=word, reason=word, sentence=word, waivers=waivers)

        moves = tuple(replace(one, detail=word, error=word if one.error else "", hint=word) for one in broken.moves)
        commits = Commits(1, (Commit("0" * 40, word, word, 1, word),))
        packages = Packages(1, (Package(word, word, word, word),), (word,))
        content = Content(Direction.APART, word, commits, commits, packages=packages, settings=Settings(word, (word,), (word,)))
        services = tuple(
            replace(one, tried=replace(one.tried, tag=word), content=content) for one in broken.services if one.tried
        )
        compared = Compared(word, broken.how, word, (word,), (word,), ((word, (word,), (word,)),))
        said = replace(
            broken,
            judgements=tuple(map(judged, broken.judgements)),
            rollback=tuple(map(judged, broken.rollback)),
            moves=moves,
            services=services,
            summary=word,
            notes=(word,),
            at_work=(word,),
            reason=word,
            estate=word,
            by=word,
            build=word,
            gaps=tuple(replace(gap, service=word, host=word, unit=word) for gap in broken.gaps),
            compared=compared,
        )
        return shown(said, replace(estate, commits="https://forge.example"), folder)

    def shape(node: Node) -> list[tuple[str, str, list[str]]]:
        return [(one.tag, one.attributes.get("class", ""), sorted(one.attributes)) for one in node.all() if one.tag != "a"]

    plain = saying("word word")
    assert plain.text.count("word word") > 20
    for word in HOSTILE:
        hostile = saying(word)
        assert shape(hostile) == shape(plain), word
        for one in hostile.of("a"):
            assert (
                one.attributes["href"].startswith(("https://forge.example/", "#"))
                or (folder.path / one.attributes["href"]).exists()
            )
        if word.isprintable():
            assert hostile.text.count(word) == plain.text.count("word word"), word
        assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", hostile.text)


@pytest.mark.parametrize(
    "to", ["javascript:alert(1)", "//evil.example", "http://x.example", "https://a b", "../../etc/passwd", "/etc", "data:,", ""]
)
def test_a_link_leads_to_what_lies_here_or_to_https(to: str) -> None:
    assert link("x", to) == "x"


def test_what_a_browser_would_not_read_as_text_cannot_be_made() -> None:
    for tag in ("script", "style", "iframe", "svg"):
        with pytest.raises(ValueError, match="no element of the page"):
            el(tag, "x")
    for name in ("style", "onclick", "srcdoc"):
        with pytest.raises(ValueError, match="no element of the page"):
            el("p", "x", **{name: "x"})


FIRST = {
    RunVerdict.HOLDS: "✓ holds Everything that was asked for is as it must be.",
    RunVerdict.PARTIAL: "◐ partial What was looked at is as it must be. Not everything was looked at.",
    RunVerdict.DONE: "✓ done 4 new releases run, and everything is as it must be.",
    RunVerdict.VIOLATED: "✗ violated 2 things are not as they must be.",
    RunVerdict.BLIND: "? blind Nothing that was seen is wrong, but 1 thing could not be seen. Not seen is not green.",
    RunVerdict.INCOMPLETE: "○ incomplete Not everything was judged. What ran before runs again, and holds.",
    RunVerdict.REFUSED: "? refused No host was touched.",
    RunVerdict.ROLLED_BACK: "✗ rolled back The releases that were tried did not pass. What ran before runs again, and holds.",
    RunVerdict.BROKEN: "✗ broken It is not done, and was not put back whole. A person is needed.",
}


@pytest.mark.parametrize("verdict", RunVerdict)
def test_the_first_words_say_what_it_came_to(
    verdict: RunVerdict, done: RunOutcome, rolled_back: RunOutcome, estate: Estate, folder: ReportFolder
) -> None:
    base = done if verdict in {RunVerdict.HOLDS, RunVerdict.PARTIAL, RunVerdict.DONE} else rolled_back
    root = shown(replace(base, verdict=verdict), estate, folder)
    assert root.of("h1")[0].text == FIRST[verdict]
    green = root.of("header", "holds")
    assert bool(green) == (verdict in {RunVerdict.HOLDS, RunVerdict.DONE}), "only what is green for the gate is green"


def test_after_a_way_back_the_two_judgings_stand_apart(rolled_back: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    root = shown(rolled_back, estate, folder)
    first, second = root.of("ol", "judgings")[0].of("li")
    assert first.text.startswith("First judging: what was tried. ✓ 79 of 83 hold ✗ 2 violated ? 1 blind ○ 1 not judged")
    assert second.text.startswith("Second judging: what runs now, after going back. ✓ holds, ✓ 83 of 83 hold")
    heads = [one.text for one in root.of("h2")]
    assert heads.index("Why it went back") < heads.index("Releases")
    assert "Second judging, of what runs now: all that does not hold" in heads


def test_five_causes_each_with_what_to_do_and_what_follows(rolled_back: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    root = shown(rolled_back, estate, folder)
    told = root.of("ol", "causes")[0].of("li")
    assert len(told) <= 5
    assert told[0].text.startswith("✗ violated: fleet: health on fleet-2voxcore@2.service is failed: exit status 1")
    assert any("To do: put DEEPGRAM_API_KEY into /opt/vox-agents/.env" in one.text for one in told)
    assert "2 follow from it: all-workers-are-up, capacity-adds-up" in root.of("main")[0].text
    away = "data: could not look (unreachable): no answer"
    gone = tuple(replace(one, verdict=Verdict.BLIND, found=away) if one.host == "data" else one for one in rolled_back.rollback)
    blind = replace(rolled_back, judgements=gone, missing=(), moves=(), rollback=(), rollback_verdict=None)
    root = shown(replace(blind, verdict=RunVerdict.BLIND), estate, folder)
    assert "3 rules are blind for it: " in root.of("ol", "causes")[0].text


def test_a_way_back_that_was_asked_for_brings_no_new_release(done: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    back = shown(replace(done, how=How.ROLLBACK), estate, folder)
    assert "4 releases from before run again, and everything is as it must be." in back.text
    assert "as asked for" in back.of("table", "releases")[0].text
    assert "new" not in back.of("table", "releases")[0].text
    one = replace(done, how=How.ROLLBACK, services=done.services[:1])
    assert "The release from before runs again, and " in shown(one, estate, folder).text
    same = replace(done, services=tuple(replace(s, before=s.tried) for s in done.services))
    assert "4 releases were put there anew, and everything is as it must be." in shown(same, estate, folder).text


def test_many_causes_are_folded_and_not_dropped(done: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    bad = tuple(
        replace(one, verdict=Verdict.VIOLATED, found=f"{chr(97 + number)} is wrong")
        for number, one in enumerate([one for one in done.judgements if one.host and not one.service][:9])
    )
    root = shown(replace(done, verdict=RunVerdict.VIOLATED, judgements=bad), estate, folder)
    first, rest = root.of("ol", "causes")
    assert (len(first.of("li")), len(rest.of("li"))) == (5, 4)
    assert next(one.text for one in root.of("summary")) == "and 4 more causes"


def test_each_service_says_from_tried_and_running(rolled_back: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    table = shown(rolled_back, estate, folder).of("table", "releases")[0]
    assert [one.text for one in table.of("thead")[0].of("th")] == ["service", "from", "tried", "running now"]
    backend = table.of("tbody")[0].of("tr")[0]
    assert [one.text for one in backend.of("td")] == [
        "vox-backend-2026.11.20-2 534231201f0e",
        "vox-backend-2026.11.22-1 6f1d2c3b4a59",
        "vox-backend-2026.11.20-2 534231201f0e as before",
    ]
    assert backend.of("a")[0].attributes["href"].startswith("https://bitbucket.org/")
    lost = replace(rolled_back, services=tuple(replace(one, running=None) for one in rolled_back.services))
    assert "? not known: look at its hosts" in shown(lost, estate, folder).of("table", "releases")[0].text


def test_a_look_has_no_from_and_tried(looked: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    table = shown(looked, estate, folder).of("table", "releases")[0]
    assert [one.text for one in table.of("thead")[0].of("th")] == ["service", "running now"]


def test_who_when_and_what_it_cost(told: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    root = shown(replace(told, build="https://ci.example/job/voxgate/7/"), estate, folder)
    said = {one.of("dt")[0].text: one.of("dd")[0].text for one in root.of("dl", "about")[0].of("div")}
    assert said["how"] == "a deploy and a rollback that were asked for"
    assert said["by"] == "jenkins@agent-1"
    assert said["started"] == "2026-11-22 09:14:03 UTC"
    assert said["ended"] == "2026-11-22 09:14:44 UTC (41.2 s)"
    assert said["fleet"] == "5 of 6 workers served at the lowest, 1 call cut"
    assert said["fleet, back"] == "4 of 6 workers served at the lowest, 0 calls cut"
    assert said["no dialling"] == "; ".join(gap.line for gap in told.undialled) != ""
    assert said["fleet, away"] == "2 units were away, each for 1.2 to 1.5 s"
    assert said["backend, away"] == "1 unit was away, 1 not seen up again"
    assert [one.attributes["href"] for one in root.of("dl", "about")[0].of("a")] == ["https://ci.example/job/voxgate/7/"]


def test_what_is_in_it_and_what_differs(told: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    root = shown(told, estate, folder)
    for one in told.services:
        assert one.content is not None
        assert f"{one.service}: {one.content.line}" in root.text
        for commit in one.content.brought.shown:
            assert f"{commit.commit[:12]} {commit.subject} ({commit.author})" in root.text
            assert commit.url in {link.attributes["href"] for link in root.of("a")}
        for package in one.content.packages.shown:
            assert package.line in root.text
    assert told.compared is not None
    assert f"{told.compared.run} (violated): 1 no longer holds; 2 hold again; " in root.text
    for said in ("✗ no longer holds: a[b]", "✓ holds again: c[d]", "✓ holds again: e"):
        assert said in [one.text for one in root.of("li")]


def test_waivers_stand_with_their_end(broken: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    text = shown(broken, estate, folder).of("table", "waived")[0].text
    for said in ("clock is right [data]", "2026-12-20 (last day)", "the new clock comes", "ops@example.com"):
        assert said in text
    assert "node is ours" in shown(broken, estate, folder).text


def test_all_that_does_not_hold_is_there_and_what_holds_is_counted(
    rolled_back: RunOutcome, estate: Estate, folder: ReportFolder
) -> None:
    text = shown(rolled_back, estate, folder).text
    for one in rolled_back.judgements:
        assert one.verdict is Verdict.HOLDS or one.found in text
    assert rolled_back.missing[0] in text
    held = shown(rolled_back, estate, folder).of("details", "held")
    counted = [int(row.of("td")[0].text) for one in held for row in one.of("tbody")[0].of("tr")]
    assert sum(counted) == len(rolled_back.rollback) + sum(one.verdict is Verdict.HOLDS for one in rolled_back.judgements)


def test_a_refused_run_says_what_stood_in_the_way(broken: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    refused = replace(broken, verdict=RunVerdict.REFUSED, judgements=(), missing=(), moves=(), rollback=(), rollback_verdict=None)
    root = shown(refused, estate, folder)
    assert "What stood in the way" in [one.text for one in root.of("h2")]
    assert "api-1: node" in root.of("ol", "causes")[0].text


def test_it_is_the_same_for_the_same_run(broken: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    write_page(folder, cut(broken, Redactor()), estate)
    first = folder.page.read_bytes()
    write_page(folder, cut(broken, Redactor()), estate)
    assert first == folder.page.read_bytes()


def test_thirty_thousand_rows_are_still_a_page(done: RunOutcome, estate: Estate, folder: ReportFolder) -> None:
    """What holds is counted by rule, and what is found alike is said once: it grows with what is wrong."""
    rules = [one for one in done.judgements if one.host == "fleet-1"]
    hosts = tuple(Host(f"fleet-{n}", f"198.51.100.{n}", frozenset({Role.FLEET}), workers=20) for n in range(1, 101))
    many = [
        replace(rule, id=f"{rule.invariant}[{host.name}-{number}]", host=host.name)
        for host in hosts
        for number in range(300 // len(rules) + 1)
        for rule in rules
    ][:30_000]
    away = "fleet-7: could not look (unreachable): no answer"
    many = [replace(one, verdict=Verdict.BLIND, found=away) if one.host == "fleet-7" else one for one in many]
    names = tuple(host.name for host in hosts)
    big = replace(done, verdict=RunVerdict.BLIND, deploy=False, judgements=tuple(many), hosts=names, moves=())
    made = page(big, replace(estate, hosts=hosts), folder)
    assert not [one for one in parsed(made).of("main")[0].inside if isinstance(one, Node) and one.tag in {"figure", "table"}]
    assert len(many) == 30_000
    assert len(made) < 200_000
    assert made.count(away) < 10


def contrast(one: str, other: str) -> float:
    """By WCAG 2: 4.5 is readable."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_text_can_be_read_in_light_and_dark() -> None:
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", part)) for part in STYLE.read_text().split("@media screen"))
    for colours in (light, dark):
        pairs = [(f"{kind}-text", kind) for kind in ("holds", "violated", "blind", "waived")]
        pairs += [(f"{kind}-text", "card") for kind in ("holds", "violated", "blind", "waived")]
        pairs += [(text, ground) for text in ("text", "dim", "link") for ground in ("page", "card")]
        for text, ground in pairs:
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)


@contextmanager
def served(folder: Path, policy: str) -> Iterator[str]:
    """The folder over HTTP as Jenkins serves it."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def do_GET(self) -> None:
            if self.path == "/favicon.ico":
                self.send_response(204)
                self.end_headers()
            else:
                super().do_GET()

        def log_message(self, *_said: object) -> None:
            """Quiet."""

        def __init__(self, *given: object) -> None:
            super().__init__(*given, directory=str(folder))  # type: ignore[arg-type]

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_it_shows_whole_as_a_file_and_as_jenkins_serves_it(broken: RunOutcome, estate: Estate, tmp_path: Path) -> None:
    """Colours, pictures and what is folded, with no script, and nothing that the browser had to forbid."""
    folder = ReportFolder(tmp_path / "run")
    for path in (folder.evidence, folder.allure_results):
        path.mkdir(parents=True)
    assert publish(broken, estate, folder, Redactor(), html=False) == []
    shows_whole(folder.page.as_uri(), tmp_path / "alone")
    for number, policy in enumerate(JENKINS):
        with served(folder.path, policy) as address:
            shows_whole(f"{address}/index.html", tmp_path / f"profile-{number}")
            with opened(f"{address}/estate.svg", tmp_path / f"picture-{number}") as browser:
                browser.until("document.querySelectorAll('rect.page').length === 1")
                assert browser.read("getComputedStyle(document.querySelector('rect.page')).fill") == "rgb(246, 248, 250)"


def shows_whole(url: str, profile: Path) -> None:
    """Fails where something of the page is not there: a colour, a picture, what a click opens."""
    with opened(url, profile) as browser:
        browser.until("document.images.length === 2 && [...document.images].every(one => one.naturalWidth > 500)")
        assert browser.read("getComputedStyle(document.querySelector('header')).backgroundColor") == "rgb(251, 217, 215)"
        browser.click_once(browser.read("document.querySelector('.held summary').innerText"))
        browser.until("document.querySelectorAll('details[open]').length === 1")
        for width in (1440, 1280, 700):
            browser.send("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            browser.until(f"innerWidth === {width}")
            assert browser.read("document.documentElement.scrollWidth <= innerWidth"), width
        browser.send("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        assert browser.read("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "no black page on paper"
        assert browser.read("getComputedStyle(document.documentElement).colorScheme") == "light"
        assert browser.logged == []
        assert [asked for asked in browser.outside if not asked.startswith(url.rpartition("/")[0])] == []


def test_it_is_made_also_where_allure_cannot_be(
    done: RunOutcome, estate: Estate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_given: object, **_named: object) -> None:
        raise OSError("no node")

    monkeypatch.setattr("voxgate.report.publish.make_page", none)
    folder = ReportFolder(tmp_path / "run")
    for path in (folder.evidence, folder.allure_results):
        path.mkdir(parents=True)
    assert publish(done, estate, folder, Redactor(), html=True) == ["no allure-report: OSError: no node"]
    assert "allure-report" not in folder.page.read_text()
    folder.allure_report.mkdir()
    folder.html.write_text("x")
    write_page(folder, done, estate)
    assert 'href="allure-report/index.html"' in folder.page.read_text()


def test_a_command_is_seen_as_one_and_comes_along_without_backticks() -> None:
    """Who copies it has what is typed."""
    said = el("p", advised("stop it: `kill 1`; then `a <b>`, or `not closed"))
    assert [one.text for one in said.iter("code")] == ["kill 1", "a <b>"]
    assert "".join(said.itertext()) == "stop it: kill 1; then a <b>, or `not closed"
