"""Console: what nginx serves is the build of the release, byte for byte, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.counting import counted
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.model.service import Kind
from voxgate.plugin import invariant, say_all
from voxgate.survey.codings import seen, size_of
from voxgate.survey.commands import NGINX_RELOADED, edit_where
from voxgate.survey.sending import ELSEWHERE, seen_as, sent_on
from voxgate.survey.serving import NGINX, dist_of, told
from voxgate.survey.sites import entrance_of, named_sites, page_ways, people_ask, site_ways

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxgate.model.answers import Answer
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import DistFact
    from voxgate.model.look import Evidence
    from voxgate.survey.sites import Entrance, Named, Way

OK, UNCHANGED, NOT_FOUND = 200, 304, 404
TYPES = {
    ".html": ("text/html",),
    ".js": ("text/javascript", "application/javascript"),
    ".css": ("text/css",),
    ".svg": ("image/svg+xml",),
    ".json": ("application/json",),
    ".png": ("image/png",),
    ".ico": ("image/x-icon", "image/vnd.microsoft.icon"),
    ".woff2": ("font/woff2",),
    ".txt": ("text/plain",),
}
OTHER_SERVER = (
    f"nginx has a server of its own for that name or address: {edit_where('-rlw server_name', NGINX)}, then {NGINX_RELOADED}"
)
# Words of a Content-Security-Policy by which nothing is loaded from the page's own address.
NOTHING_OF_OURS = {
    "'none'", "'unsafe-inline'", "'unsafe-eval'", "'wasm-unsafe-eval'", "'unsafe-hashes'", "'report-sample'", "data:", "blob:",
}  # fmt: skip


@invariant(
    per="placement",
    guards="releases",
    services=("console",),
    faults=(
        "console-asset-truncated",
        "console-old-root",
        "console-other-name",
        "console-seen-by-the-gate-only",
        "console-elsewhere-by-https",
        "console-by-who-asks",
        "console-kept-for-who-was-there",
        "console-sends-on",
        "console-knows-no-deep-link",
        "console-forbids-its-own-program",
    ),
    severity="blocker",
    threats=("served",),
)
def test_nginx_serves_exactly_dist(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """Under a single-page fallback every wrong path is 200 and HTML, so a status proves nothing: each file of the build is
    compared by bytes and type, over IPv4 and IPv6, by loopback and by the host's own addresses, plain and compressed, from the
    host itself and from another, and / is index.html, by whichever name it is asked for. Where the estate says what people type
    (url in [console]), it is asked as they ask: on that port, by that name, by TLS. From outside browsers ask, each in its own
    words: all see the same page, also who has an older one and asks whether it is that still, and who opens what the page shows
    by itself (deep_links in services.toml); and no header of it makes of the page something else than it is. Not seen: who is
    told apart by what none of these says, as by the network that he comes from.
    """
    found = dist_of(placement, evidence)
    where, site, entrance = placement.host.name, placement.service.site, entrance_of(estate, placement)
    assert site is not None and entrance is not None
    host = evidence.second.host(where)
    known(host.addresses)
    known(host.nginx)
    if entrance.outside is None:
        hint = f'[console] seen_from = "..." in hosts/{estate.name}.toml'
        raise Blind("the estate does not say from where people see the console", where=where, hint=hint)
    if entrance.front is not None:
        known(host.listeners)
    index = found.files.get("index.html")
    wrong: dict[tuple[str, str, str], list[Way]] = {}
    others: dict[str, Entry] = {}
    right: dict[str, Answer] = {}
    elsewhere: set[str] = set()
    said: list[Answer] = []
    for path, way, answer, flaws in _each(placement, estate, evidence, entrance):
        for what, do in flaws:
            wrong.setdefault((path, what, do), []).append(way)
            said.append(answer)
    for way in page_ways(host, entrance) if index else ():
        named = named_sites(host, way.port, entrance).get(dict(way.headers).get("Host", ""))
        answer = evidence.second.answer(way.question(site, ""))
        right.update({named.written: answer} if named else {})
        for what, do in _wrong_page(answer, index[1] if index else "", named, entrance):
            wrong.setdefault(("", what, do), []).append(way)
            if named is None:
                said.append(answer)
            else:
                others[named.written] = Entry(("console", "others"), (named.written.lower(),), "another page")
                elsewhere.add(seen(answer))
    rows = [(f"GET :{ways[0].port}/{path} ({_by(ways)}) {what}", do) for (path, what, do), ways in wrong.items()]
    rows += [] if index else [(f"{placement.service.folder}/dist has no index.html", "deploy the release again")]
    # Who asks by no name may get a site that is another's, by its name too.
    nobody = [one for one in said if one.trouble or one.status != OK or seen(one) not in elsewhere]
    url = sent_on(said, estate) or seen_as(nobody, {one: right[one] for one in right.keys() - others}, estate)
    # Entries are offered where they are all that there is to it: beside another finding they would hide that.
    what_all, do_all = told(rows)
    assert not rows, say_all(
        where, what_all, do_all, estate=estate.name, entries=(*url, *others.values()) if url or not said else ()
    )


def _each(
    placement: Placement, estate: Estate, evidence: Evidence, entrance: Entrance
) -> Iterator[tuple[str, Way, Answer, list[tuple[str, str]]]]:
    """Each file in each way, and the page as people ask for it: its path, the way, the answer, and what is wrong with that."""
    found, site = dist_of(placement, evidence), placement.service.site
    assert site is not None
    host, index = evidence.second.host(placement.host.name), found.files.get("index.html")
    for path, (_, sha256) in {**({"": index} if index else {}), **found.files}.items():
        for way in site_ways(host, entrance):
            answer = evidence.second.answer(way.question(site, path))
            yield path, way, answer, list(_wrong_file(answer, path, sha256))
    if index is None:
        return
    for way, path in people_ask(site, entrance, placement.service.deep_links):
        answer = evidence.second.answer(way.asked(path))
        yield path.removeprefix("/"), way, answer, list(_wrong_for_people(answer, index[1], _acting(found, estate)))


def _by(ways: Sequence[Way]) -> str:
    """The first of the ways in which it is so, and how many more there are."""
    return f"{ways[0]}" + (f", and {counted(len(ways) - 1, 'more way')}" if len(ways) > 1 else "")


def _wrong_file(answer: Answer, path: str, sha256: str) -> Iterator[tuple[str, str]]:
    """What is wrong with one answer to the question for a file, and what to do about it."""
    if answer.trouble:
        yield f"gave no answer: {answer.trouble}", "`systemctl status --no-pager nginx`; a firewall? `iptables -L -n`"
        return
    if answer.status != OK:
        look = edit_where("-rlwE 'root|allow|deny'", NGINX)
        yield f"answers {answer.status}", f"is its root dist/, and may everybody ask for it? {look}, then {NGINX_RELOADED}"
        return
    served = seen(answer)
    if served != sha256:
        yield (
            f"is not the file in dist/: {size_of(answer)} bytes with sha256 {served[:12]}, not {sha256[:12]}",
            f"nginx serves another folder, or an old file: {edit_where('-rlw root', NGINX)}, then {NGINX_RELOADED}",
        )
        return
    suffix = "." + (path or "index.html").rpartition(".")[2]
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if suffix in TYPES and kind not in TYPES[suffix]:
        look = edit_where("-rlw types", NGINX)
        yield f"has type {kind or 'none'}", f"nginx must serve {suffix} as {TYPES[suffix][0]}: {look}, then {NGINX_RELOADED}"


def _wrong_page(answer: Answer, index: str, named: Named | None, entrance: Entrance) -> Iterator[tuple[str, str]]:
    """What is wrong with the page that is seen by another name, or another address of the host."""
    has_files = named is None or named.serves
    if answer.trouble and (has_files or entrance.front is None):
        yield f"gave no answer: {answer.trouble}", "`systemctl status --no-pager nginx`; a firewall? `iptables -L -n`"
    elif answer.status in ELSEWHERE and answer.headers.get("location", "").startswith("https://"):
        return  # the same page, but for the lock in the address
    elif (answer.status == OK or has_files) and (answer.status, seen(answer)) != (OK, index):
        name = f" as {named.written}" if named else ""
        yield f"answers{name} {answer.status} and {size_of(answer)} bytes that are not dist/index.html", OTHER_SERVER


def _wrong_for_people(answer: Answer, index: str, acting: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is wrong with the page as a browser gets it; ``acting`` is what the page needs that a policy could forbid."""
    if answer.status == UNCHANGED and not answer.trouble:
        look = edit_where("-rlE 'if_none_match|if_modified_since|304'", NGINX)
        yield "answers 304 to a browser that has another page: it stays on that", f"take that out: {look}, then {NGINX_RELOADED}"
        return
    wrong = list(_wrong_file(answer, "", index))
    if answer.status == NOT_FOUND and not answer.trouble:
        look = edit_where("-rlw try_files", NGINX)
        do = f"what is no file is the page's to show: try_files $uri $uri/ /index.html: {look}, then {NGINX_RELOADED}"
        wrong = [(what, do) for what, _ in wrong]
    yield from wrong
    if not wrong:
        yield from _acts(answer, acting)


def _acting(found: DistFact, estate: Estate) -> list[str]:
    """What the page loads, as a Content-Security-Policy calls it: what it has files of, and what it asks the backend."""
    kinds = {".js": "script", ".css": "style"}
    loads = [kind for suffix, kind in kinds.items() if any(path.endswith(suffix) for path in found.files)]
    has_api = any(one.proxied_api is not None and one.kind is Kind.PYTHON for one in estate.services)
    return [*loads, *(["connect"] if has_api else [])]


def _acts(answer: Answer, acting: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Which headers make of the page something else than it is, by what browsers do on them."""

    def told_of(header: str, does: str) -> tuple[str, str]:
        return f"has {header}, {does}", f"take it out: {edit_where(f'-rliw {header}', NGINX)}, then {NGINX_RELOADED}"

    said = {name: value.strip().lower() for name, value in answer.headers.items()}
    if said.get("refresh"):
        yield told_of("Refresh", "which sends people elsewhere")
    if said.get("content-disposition", "").startswith("attachment"):
        yield told_of("Content-Disposition", "by which the page is kept as a file, and not shown")
    if said.get("clear-site-data"):
        yield told_of("Clear-Site-Data", "by which browsers forget who is logged in")
    if any("stylesheet" in part.partition("rel=")[2] for part in said.get("link", "").split(",")):
        yield told_of("Link", "which puts another style on the page")
    for policy in said.get("content-security-policy", "").split(","):
        for kind in _forbidden(policy, acting):
            yield told_of("Content-Security-Policy", f"which forbids the page its own {kind}")


def _forbidden(policy: str, acting: Sequence[str]) -> Iterator[str]:
    """What a policy forbids of that which the page needs."""
    rows = [words for part in policy.split(";") if (words := part.split())]
    said = {words[0]: words[1:] for words in reversed(rows)}  # the first of a name counts
    if "sandbox" in said and "allow-scripts" not in said["sandbox"] and "script" in acting:
        yield "scripts"
    for kind in acting:
        names = (f"{kind}-src-elem", f"{kind}-src", "default-src")
        sources = next((said[name] for name in names if name in said), None)
        if sources is not None and set(sources) <= NOTHING_OF_OURS:
            yield {"script": "scripts", "style": "styles", "connect": "questions to the backend"}[kind]
