"""Sealing an HTML page: what it would load from outside is taken out, and a policy in the page forbids the rest."""

from __future__ import annotations

import base64
import binascii
import re
from html.parser import HTMLParser

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' data:; style-src 'unsafe-inline' data:; img-src data: blob:; "
    "font-src data:; media-src data: blob:; connect-src data: blob:; frame-src data: blob:; worker-src blob:; "
    "form-action 'none'"
)
"""The browser itself refuses whatever a script in the page might still ask for. Links stay: a person follows them."""

_META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
_OUTSIDE = re.compile(r"\s*(?:https?:|wss?:|ftp:)?//", re.IGNORECASE)
_LOADED_SCRIPT = re.compile(r"<script\b[^>]{0,500}?\ssrc=[\"']?(?:https?:)?//[^>]{0,500}>\s*</script>", re.IGNORECASE)
_TAG_SCRIPT = re.compile(r"<script>(?:(?!</script>).){0,2000}?\bgtag\(.{0,2000}?</script>", re.IGNORECASE | re.DOTALL)
_CSS = re.compile(r"(?:@import\s+(?:url\()?|url\()\s*[\"']?(?P<url>(?:https?:)?//[^\"')\s]+)", re.IGNORECASE)
_DATA_CSS = re.compile(r"data:text/css;base64,([A-Za-z0-9+/=]+)")
_LOADING = {"src", "srcset", "poster", "data", "background", "manifest", "action", "formaction"}


def sealed(html: str) -> str:
    """The page without scripts from outside, without Google's tag, and with the policy in its head."""
    html = _TAG_SCRIPT.sub("", _LOADED_SCRIPT.sub("", html))
    return html if _META in html else html.replace("<head>", f"<head>\n    {_META}", 1)


def external_loads(html: str) -> list[str]:
    """Everything the page would load from outside, as ``<script src> https://...``; empty for a page that stands alone."""
    found = _Loads()
    found.feed(html)
    found.close()
    return found.loads


class _Loads(HTMLParser):
    """Collects what tags, style sheets and Google's tag would load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.loads: list[str] = []
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at every attribute that makes a browser load something at once."""
        self._inside = tag
        for name, value in attrs:
            if value is None:
                continue
            if (name in _LOADING or (name in {"href", "xlink:href"} and tag != "a")) and _OUTSIDE.match(value):
                self.loads.append(f"<{tag} {name}> {value.strip()[:200]}")
            if name == "style":
                self._css(value)
            elif value.startswith("data:text/css"):
                self._data_css(value)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's words
        """Leave a style sheet or script."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Look into inline style sheets, and for Google's tag in inline scripts."""
        if self._inside == "style":
            self._css(data)
        elif self._inside == "script" and "googletagmanager.com/gtag" in data:
            self.loads.append("<script> googletagmanager.com")

    def _css(self, text: str) -> None:
        """Every url() and @import that leads outside."""
        self.loads.extend(f"<style> {match['url'][:200]}" for match in _CSS.finditer(text))

    def _data_css(self, value: str) -> None:
        """The same in a style sheet that is a data URL."""
        for match in _DATA_CSS.finditer(value):
            try:
                self._css(base64.b64decode(match[1]).decode("utf-8", "replace"))
            except binascii.Error:
                self.loads.append("<link> a style sheet that cannot be read")
