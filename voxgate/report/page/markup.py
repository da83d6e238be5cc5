"""The one door by which words come into the page: as text, never as markup.

The page is a tree of elements and strings, and the serializer of the standard library escapes every string when it is written.
Nothing here takes markup, and tags whose content a browser does not read as text (scripts, styles) cannot be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias
from xml.etree import ElementTree as ET

from voxgate.errors import visible

Element: TypeAlias = ET.Element
Content: TypeAlias = "str | Element | Sequence[Content] | None"

_TAGS = frozenset({
    *("html", "head", "meta", "title", "link", "body", "header", "main", "nav", "section", "footer", "div"),
    *("h1", "h2", "p", "span", "strong", "code", "br", "a", "time", "ol", "ul", "li", "dl", "dt", "dd"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "img", "details", "summary"),
})  # fmt: skip
_ATTRIBUTES = frozenset({
    *("charset", "http-equiv", "name", "content", "lang", "rel", "href", "src", "alt", "class", "scope", "datetime", "id"),
    "aria-label",
})  # fmt: skip
_TYPED = re.compile("`([^`]+)`")
_OUTSIDE = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::\d{1,5})?(?:/[A-Za-z0-9._~:/%+@,=&?-]{0,1000})?")
_INSIDE = re.compile(r"(?!.*\.\.)(?:#[a-z0-9-]{1,60}|[A-Za-z0-9][A-Za-z0-9._-]{0,60}(?:/[A-Za-z0-9._-]{0,60}){0,2})")


def el(tag: str, *content: Content, **attributes: str) -> Element:
    """One element with text, elements and lists of them in it. ``class_`` is ``class``, and ``http_equiv`` ``http-equiv``.

    Raises ValueError for a tag or an attribute that is none of the page's.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    if tag not in _TAGS or not named.keys() <= _ATTRIBUTES:
        raise ValueError(f"<{tag}> with {sorted(named)} is no element of the page")
    made = ET.Element(tag, {name: visible(value) for name, value in named.items() if value})
    _append(made, content)
    return made


def _append(element: Element, content: Iterable[Content]) -> None:
    for one in content:
        if one is None:
            continue
        if isinstance(one, ET.Element):
            element.append(one)
        elif not isinstance(one, str):
            _append(element, one)
        elif len(element):
            element[-1].tail = (element[-1].tail or "") + visible(one, "\n")
        else:
            element.text = (element.text or "") + visible(one, "\n")


def link(said: Content, to: str) -> Content:
    """A link to a file beside the page, a place in it, or an https address; only the words where it is none of these."""
    return el("a", said, href=to) if _INSIDE.fullmatch(to) or _OUTSIDE.fullmatch(to) else said


def advised(hint: str) -> Content:
    """A hint: words for people, and each command that stands in backticks as one."""
    return [el("code", part) if number % 2 else part for number, part in enumerate(_TYPED.split(hint))]


def table(heads: Sequence[str], rows: Iterable[Sequence[Content]], *, class_: str = "", caption: str = "") -> Element:
    """A table: the first cell of each row is its head."""
    return el(
        "table",
        el("caption", caption) if caption else None,
        el("thead", el("tr", [el("th", head, scope="col") for head in heads])),
        el("tbody", [el("tr", el("th", first, scope="row"), [el("td", one) for one in rest]) for first, *rest in rows]),
        class_=class_,
    )


def folded(summary: Content, *content: Content, class_: str = "") -> Element:
    """Something that a click opens; it needs no script."""
    return el("details", el("summary", summary), *content, class_=class_)


def document(head: Sequence[Element], body: Sequence[Element]) -> str:
    """The whole page as HTML."""
    root = el("html", el("head", head), el("body", body), lang="en")
    return f"<!DOCTYPE html>\n{ET.tostring(root, encoding='unicode', method='html')}\n"
