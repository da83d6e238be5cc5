"""Where nginx leads the paths of a server: what it answers, passes on and changes, and whom it tells apart.

Of a configuration's words only that is told: where, what is done there, and the folder, address, type or variable that it is done
with. What an answer or a header says is not.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

ROUTES_AT_MOST = 200  # of one server
ROUTE_AT_MOST = 200  # characters of a word
# What differs from one who asks to the next, and is no part of what he asks for.
VARIES = re.compile(
    r"http_(?!(?:host|upgrade|connection|x_forwarded_(?:proto|host))\Z)\w+|cookie_\w+|(?:binary_)?remote_\w+|realip_\w+|geoip\w*"
    r"|proxy_protocol_\w+|ssl_(?:client|cipher|protocol|curve|session|early)\w*|time_\w+|msec|date_\w+|request_id|connection\w*"
    r"|tcpinfo_\w+|pid|request_time"
)
VARIABLE = re.compile(r"\$\{?(\w+)")
TYPES_BY_NAME = {
    "html": "text/html", "htm": "text/html", "shtml": "text/html", "js": "application/javascript", "css": "text/css",
    "mjs": "application/javascript", "svg": "image/svg+xml", "xml": "text/xml", "txt": "text/plain", "json": "application/json",
    "wasm": "application/wasm",
}  # fmt: skip
CHANGES = re.compile(r"sub_filter|add_before_body|add_after_body|xslt_stylesheet|image_filter|js_(?:body|header)_filter")
RUNS = re.compile(r"(?:content|rewrite|access|header_filter|body_filter|server_rewrite)_by_lua\w*|js_content|perl")
PASSES = re.compile(r"(?:proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass")
ORIGIN = re.compile(r"(?:(\w+)://)?(?:[^/@\s]*@)?([^/?#\s]*)")
PATH_OF_ALL = re.compile(r"\$(?:request_uri|uri|document_uri).*")
NO_BODY = {"204", "444"}


class Routes:
    """The configuration as a whole: its ``upstreams``, what is ``set`` once, and which variables differ by who asks."""

    def __init__(self, top: list[Any]) -> None:
        self.upstreams: dict[str, list[str]] = {}
        self.set: dict[str, str] = {}
        self.chosen: set[str] = set()
        self.outer: list[Any] = []  # what stands around all servers
        for words, block in top:
            if words == ["http"]:
                self.outer += [row for row in block if row[0] and row[0][0] not in {"server", "upstream", "map", "types"}]
        self.read(top)
        for _ in range(20):
            if not self.choose(top, chosen=False):
                break

    def read(self, rows: list[Any]) -> None:
        """The upstreams, and what is set."""
        for words, block in rows:
            if words[:1] == ["upstream"] and len(words) > 1:
                self.upstreams[words[1]] = [row[1] for row, _ in block if row[:1] == ["server"] and len(row) > 1]
            elif words[:1] == ["set"] and len(words) > 2:
                self.set[words[1].lstrip("$")] = words[2]
            self.read(block)

    def choose(self, rows: list[Any], chosen: bool) -> bool:  # noqa: FBT001
        """Whether a variable more is known to differ by who asks; ``chosen`` where that is so of the condition around."""
        found = False
        for words, block in rows:
            name, said = words[:1], words[1:]
            by = ""
            if name == ["map"] and len(said) > 1:
                by = said[1] if self.varied(said[0]) or any(self.varied(" ".join(row)) for row, _ in block) else ""
            elif name == ["geo"] and said:
                by = said[-1] if len(said) == 1 or self.varied(said[0]) else ""
            elif name == ["split_clients"] and len(said) > 1:
                by = said[1]
            elif name == ["set"] and len(said) > 1:
                by = said[0] if chosen or self.varied(said[1]) else ""
            if by and by.lstrip("$") not in self.chosen:
                self.chosen.add(by.lstrip("$"))
                found = True
            inner = chosen or (name == ["if"] and bool(self.varied(" ".join(said))))
            found = self.choose(block, inner) or found
        return found

    def varied(self, text: str) -> str:
        """The first variable of a text that differs by who asks; empty for none."""
        names = [name for name in VARIABLE.findall(text) if name in self.chosen or VARIES.fullmatch(name)]
        return f"${names[0]}" if names else ""

    def of(self, server: list[Any]) -> list[dict[str, str]]:
        """Each thing that a server does with what it is asked for."""
        rows = []
        for where, does, to in self.walk([*self.outer, *server], "server", "", ""):
            row = {"where": where[:ROUTE_AT_MOST], "does": does, "to": to[:ROUTE_AT_MOST]}
            if row not in rows:
                rows.append(row)
            if len(rows) > ROUTES_AT_MOST:
                return [*rows[:ROUTES_AT_MOST], {"where": "server", "does": "more", "to": ""}]
        return rows

    def walk(self, rows: list[Any], where: str, kind: str, by: str) -> Iterator[tuple[str, str, str]]:
        """The same below a block: ``kind`` is the type of what has none, ``by`` what tells apart who comes here."""
        kind = next((words[1] for words, _ in reversed(rows) if words[:1] == ["default_type"] and len(words) > 1), kind)
        for words, block in rows:
            name, said = (words[0], words[1:]) if words else ("", [])
            if name == "location":
                yield from self.walk(block, " ".join(said), kind, by)
            elif name == "if":
                yield from self.walk(block, where, kind, by or self.varied(" ".join(said)))
            else:
                for does, to, choice in self.does(name, said, where, kind):
                    if by or choice:
                        yield where, "tells apart", by or choice
                    elif does != "leads":
                        yield where, does, to

    def does(self, name: str, said: list[str], where: str, kind: str) -> Iterator[tuple[str, str, str]]:
        """What a statement does, with what, and what it chooses that by."""
        text = " ".join(said)
        if name in {"root", "alias"}:
            yield "serves", said[0] if said else "", self.varied(text)
        elif name == "try_files" and said:
            yield "leads", "", self.varied(said[-1])
        elif name == "return" and said:
            yield from self.returns(said, where, kind)
        elif name == "rewrite" and len(said) > 1:
            is_sent = re.match(r"https?://|\$scheme", said[1]) or said[-1] in {"redirect", "permanent"}
            yield ("sends", origin_of(said[1]), self.varied(said[1])) if is_sent else ("leads", "", self.varied(said[1]))
        elif PASSES.fullmatch(name) and said:
            for place in self.places(said[0]):
                yield "passes", place, self.varied(said[0])
        elif CHANGES.fullmatch(name) or ((name, text) in {("ssi", "on"), ("random_index", "on")}):
            yield "changes", name, ""
        elif RUNS.fullmatch(name):
            yield "runs", name, ""

    def returns(self, said: list[str], where: str, kind: str) -> Iterator[tuple[str, str, str]]:
        """The same of an answer of nginx's own: refusals are none."""
        code, text = (said[0], " ".join(said[1:])) if said[0].isdigit() else ("302", said[0])
        if code[:1] == "3" and text:
            yield "sends", origin_of(text), self.varied(text)
        elif code == "304":
            yield "leads", "", ""
        elif code[:1] == "2" and code not in NO_BODY and text:
            suffix = where.rpartition(".")[2] if where.startswith(("= ", "/", "^~ ")) else ""
            yield "answers", TYPES_BY_NAME.get(suffix) or kind or "text/plain", self.varied(text)

    def places(self, url: str, depth: int = 0) -> list[str]:
        """Whom a request is passed on to: addresses with their ports."""
        only = VARIABLE.match(url)
        if only and only.group(1) in self.set and only.group(1) not in self.chosen and depth < 5:
            return self.places(self.set[only.group(1)] + url[only.end() :].lstrip("}"), depth + 1)
        if re.match(r"(?:\w+://)?unix:", url):
            return [re.sub(r"^\w+://", "", url)]
        found = ORIGIN.match(url)
        scheme, place = (found.group(1) or "", found.group(2)) if found else ("", "")
        if place in self.upstreams and depth < 5:
            return [one for server in self.upstreams[place] for one in self.places(server, depth + 1)]
        has_port = re.search(r":\d+\Z", place) and not place.endswith("]")
        return [place if has_port else f"{place}:{443 if scheme in {'https', 'grpcs'} else 80}"]


def origin_of(url: str) -> str:
    """Where people are sent: ``https://name``, or ``/`` for another path of the same server."""
    found = ORIGIN.match(url)
    if found is None or not (found.group(1) or url.startswith("$scheme")):
        return "/"
    if url.startswith("$scheme"):
        return f"$scheme://{url.partition('://')[2].partition('/')[0]}"
    return f"{found.group(1)}://{PATH_OF_ALL.sub('', found.group(2))}"
