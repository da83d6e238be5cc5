"""Exposed: what a web server must never hand out, and what browsers may keep of what it does."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from voxgate.errors import Blind
from voxgate.model.advice import quoted
from voxgate.model.digits import natural_in
from voxgate.model.entry import Entry
from voxgate.model.evidence import known
from voxgate.plugin import invariant, say_all
from voxgate.survey.codings import seen
from voxgate.survey.commands import NGINX_RELOADED, edit_where
from voxgate.survey.sending import sent_on
from voxgate.survey.serving import NGINX, dist_of, told
from voxgate.survey.sites import HIDDEN, MAPPED, STATUS, entrance_of, leading_ways, site_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxgate.model.answers import Answer
    from voxgate.model.estate import Estate, Placement
    from voxgate.model.evidence import DistFact
    from voxgate.model.look import Evidence
    from voxgate.model.service import Endpoint
    from voxgate.survey.sites import Way

OK = 200
GIVEN = range(200, 300)  # statuses by which something is handed out
# /.well-known/ is there to be seen (RFC 8615).
EXPOSED = re.compile(
    r"(^|/)(\.(?!well-known/)|package(-lock)?\.json$|vite\.config)|\.(map|sha256|env|key|pem|bak|orig|swp)$|~$|\.sql"
)
HASHED = re.compile(r"^assets/.+[-.][A-Za-z0-9_-]{8,128}\.[a-z0-9]+$")  # with a limit: whoever has the host names the files
PACKAGED = ("/usr/share/nginx",)  # the pages that nginx's own package brings, for errors
CAPTURED = re.compile(r"\$(?:[1-9]|uri)(?![A-Za-z0-9_])|\$\{(?:[1-9]|uri)\}")  # decoded and normalised by nginx: no way up
MONTH = 30 * 24 * 3600  # seconds: who may keep a file for less asks for it again too often


@invariant(
    per="placement",
    guards="secrets",
    services=("console",),
    faults=("console-env-exposed", "console-cached-index"),
    threats=("served",),
)
def test_console_exposes_nothing(placement: Placement, estate: Estate, evidence: Evidence) -> None:
    """A .env, a .git, a source map or a listing on a web server is found by strangers within hours. An index that browsers
    keep holds people on the old release; an asset that they may not keep makes each page slow.
    """
    found = dist_of(placement, evidence)
    where, site, entrance = placement.host.name, placement.service.site, entrance_of(estate, placement)
    assert site is not None and entrance is not None
    dist, way = f"{placement.service.folder}/dist", entrance.main
    wrong = [
        (f"{dist} holds {path}", "take it out of the build, in its repository, and make a release of that")
        for path in sorted(found.files)
        if EXPOSED.search(path)
    ]
    public = (dist, *PACKAGED, *placement.service.web_roots, *estate.web_roots)
    roots = [root for root in known(evidence.second.host(where).nginx).roots if not _is_public(root, public)]
    wrong += [
        (
            f"nginx is told to serve {root}, which is not {dist}",
            f"take it out: {edit_where(f'-rlF -- {quoted(root)}', NGINX)}, then {NGINX_RELOADED}",
        )
        for root in roots
    ]
    entries = [Entry(("console", "web_roots"), (root,)) for root in roots if _is_path(root)]
    index = evidence.second.answer(way.question(site, ""))
    if not wrong and (index.trouble or index.status != OK):
        why, lines = index.trouble or f"{index.status}", [entry.line for entry in sent_on([index], estate)]
        hint = f"add to [console] in hosts/{estate.name}.toml: {lines[0]}" if lines else ""
        raise Blind("nginx serves nothing that it could be judged by", where=where, why=why, hint=hint)
    page = found.files["index.html"][1] if "index.html" in found.files else ""
    maps = tuple(site_path(site, f"{path}.map") for path in found.files if path.endswith(MAPPED))
    asked = [(way, path) for path in (*HIDDEN, *maps)]
    if entrance.front is not None:
        known(evidence.second.host(where).listeners)
        asked += [(other, path) for other in leading_ways(evidence.second.host(where), entrance) for path in HIDDEN]
    for one, path in asked:
        answer = evidence.second.answer(one.asked(path))
        if answer.trouble and one == way and not wrong:
            raise Blind(
                "nginx gave no answer",
                where=f"{where} GET :{one.port}{path}",
                why=answer.trouble,
                hint="`systemctl status --no-pager nginx`",
            )
        if _is_another(answer, page) and path in STATUS:
            answer = evidence.second.answer(entrance.public.asked(path))
        if _is_another(answer, page):
            what = f"GET :{one.port}{path} is answered with {answer.status} and something that is not the page"
            wrong.append(
                (
                    what,
                    f"{_in_site(dist, 'deny it')}; and change whatever secret stood there",
                )
            )
    if index.status == OK and not index.trouble:
        wrong += [(f"GET :{way.port}/{path} {what}", do) for path, what, do in _kept(found, site, way, evidence, dist)]
    what_all, do_all = told(wrong)
    assert not wrong, say_all(where, what_all, do_all, estate=estate.name, entries=entries if len(entries) == len(wrong) else ())


def _is_another(answer: Answer, page: str) -> bool:
    """True for an answer that is given, and is not the page with this sha256."""
    return answer.status in GIVEN and seen(answer) != page


def _kept(found: DistFact, site: Endpoint, way: Way, evidence: Evidence, dist: str) -> Iterator[tuple[str, str, str]]:
    """Each file that browsers keep and may not, or may not keep and should: its path, what is so, what to do."""
    for path in ("", "index.html"):
        said = _caching(evidence.second.answer(way.question(site, path)))
        if not said & {"no-cache", "no-store", "max-age=0"}:
            what = f"may be kept by browsers: Cache-Control {', '.join(sorted(said)) or 'is not there'}"
            yield (
                path,
                what,
                _in_site(dist, 'add_header Cache-Control "no-cache" for index.html'),
            )
    for path in sorted(found.files):
        if HASHED.search(path):
            said = _caching(evidence.second.answer(way.question(site, path)))
            if "immutable" not in said or not any(_long(word) for word in said):
                what = f"may not be kept: Cache-Control {', '.join(sorted(said)) or 'is not there'}"
                yield (
                    path,
                    what,
                    _in_site(dist, 'add_header Cache-Control "public, max-age=31536000, immutable" for /assets/'),
                )


def _in_site(dist: str, what: str) -> str:
    """What to change where nginx is told to serve the build."""
    return f"{what}: {edit_where(f'-rlF -- {quoted(dist)}', NGINX)}, then {NGINX_RELOADED}"


def _is_path(root: str) -> bool:
    """True for a folder that an estate may name: one and the same for whoever asks."""
    return (
        root.startswith("/")
        and root.strip("/") != ""
        and not set("$ \t") & set(root)
        and posixpath.normpath(root) == root.rstrip("/")
    )


def _caching(answer: Answer) -> set[str]:
    """The words of Cache-Control."""
    return {word.strip().lower() for word in answer.headers.get("cache-control", "").split(",")} - {""}


def _long(word: str) -> bool:
    """True for a max-age of a month and more."""
    key, _, said = word.partition("=")
    seconds = natural_in(said)
    return key == "max-age" and seconds is not None and seconds >= MONTH


def _is_public(root: str, public: tuple[str, ...]) -> bool:
    """True for a folder or file that is, or lies in, one that may be on the web, whatever a visitor asks for."""
    path = posixpath.normpath(CAPTURED.sub("x", root))
    return "$" not in path and any(path == one or path.startswith(f"{one}/") for one in public)
