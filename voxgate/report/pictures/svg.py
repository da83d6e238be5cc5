"""The few words of SVG that the pictures are written in: shapes, text, one palette for light and dark."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

SIGNS = {"holds": "✓", "violated": "✗", "blind": "?", "missing": "○", "waived": "~", "none": "·"}
"""What stands for a verdict beside its colour: a picture must read without colours too."""

_FONT = "system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif"

_FILLS = {
    "text": ("#1f2933", "#e6edf3"),
    "dim": ("#5f6c7b", "#9aa7b4"),
    "page": ("#f6f8fa", "#12171d"),
    "box": ("#ffffff", "#1b222b"),
    "gone": ("#e3e7eb", "#0a0d11"),
    "holds": ("#dcf5e3", "#12381f"),
    "violated": ("#fbd9d7", "#57181c"),
    "blind": ("#fdefc3", "#46360a"),
    "missing": ("#fdefc3", "#46360a"),
    "waived": ("#d7ecf7", "#123546"),
    "none": ("#eceff2", "#262e38"),
    "t-holds": ("#116329", "#7ee2a0"),
    "t-violated": ("#a40e26", "#ffb3ad"),
    "t-blind": ("#7a4d00", "#f5cf66"),
    "t-missing": ("#7a4d00", "#f5cf66"),
    "t-waived": ("#0b4f71", "#86cdf0"),
    "t-none": ("#5f6c7b", "#9aa7b4"),
    "fetch": ("#b6d7e4", "#33525e"),
    "checkout": ("#9ec5fe", "#1f4b87"),
    "install": ("#c5b3f6", "#4c3a8c"),
    "restart": ("#ffd08a", "#7a4a08"),
    "health": ("#a3e0b5", "#1c5c33"),
    "canary": ("#f3e08a", "#6b5d10"),
    "other": ("#c9d1d9", "#3d4753"),
    "failed": ("#f4a3a0", "#8e2b2b"),
    "bar": ("#1f2933", "#e6edf3"),
    "area": ("#a3e0b5", "#1c5c33"),
}
_STROKES = {
    "box": ("#d3dae1", "#36414d"),
    "gone": ("#7d8893", "#7d8893"),
    "line": ("#d3dae1", "#36414d"),
    "edge": ("#2da44e", "#57c77f"),
    "back": ("#a40e26", "#ffb3ad"),
}
_MORE = {
    "title": {"font-size": "17", "font-weight": "600"},
    "strong": {"font-weight": "600"},
    "small": {"font-size": "11"},
    "gone": {"stroke-dasharray": "6 4", "stroke-width": "1.5"},
    "back": {"stroke-dasharray": "3 2"},
    "area": {"fill-opacity": ".55"},
    "edge": {"fill": "none", "stroke-width": "1.5"},
}
"""What a class looks like: in light by attributes of each shape, in dark by the style sheet. Where a policy forbids a picture its
style sheet (Jenkins' does, where a picture is opened alone), it is as in light, and not black on black.
"""


def _dark() -> str:
    rules = [f".{name} {{ fill: {dark} }}" for name, (_light, dark) in _FILLS.items()]
    rules += [f".{name} {{ stroke: {dark} }}" for name, (_light, dark) in _STROKES.items()]
    return f"svg {{ color-scheme: light dark }} @media (prefers-color-scheme: dark) {{ {' '.join(rules)} }}"


_STYLE = _dark()


def _looks(kind: str) -> str:
    """The attributes of a class, or of several: what comes later counts."""
    found: dict[str, str] = {}
    for name in kind.split():
        found |= {"fill": _FILLS[name][0]} if name in _FILLS else {}
        found |= {"stroke": _STROKES[name][0]} if name in _STROKES else {}
        found |= _MORE.get(name, {})
    return "".join(f' {name}="{value}"' for name, value in found.items())


def picture(width: float, height: float, title: str, shapes: list[str]) -> str:
    """A whole SVG file. It names no font file and loads nothing; ``title`` is read aloud by screen readers."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" font-family="{_FONT}" font-size="13">'
    )
    page = f'<rect class="page"{_looks("page")} width="{width:g}" height="{height:g}" rx="10"/>'
    return "\n".join([head, f"<title>{_clean(title)}</title>", f"<style>{_STYLE}</style>", page, *shapes, "</svg>"]) + "\n"


def text(x: float, y: float, said: str, kind: str = "", *, anchor: str = "start", hint: str = "") -> str:
    """One line of text; ``hint`` is shown where a pointer rests."""
    title = f"<title>{_clean(hint)}</title>" if hint else ""
    place = f'x="{x:g}" y="{y:g}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    kind = f"text {kind}".strip()
    return f"<text {place} class={quoteattr(kind)}{_looks(kind)}>{_clean(said)}{title}</text>"


def box(x: float, y: float, width: float, height: float, kind: str, *, radius: float = 6, hint: str = "") -> str:
    """One rectangle with round corners."""
    size = f'x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{height:g}" rx="{radius:g}"'
    title = f"<title>{_clean(hint)}</title>" if hint else ""
    looks = f"class={quoteattr(kind)}{_looks(kind)}"
    return f"<rect {size} {looks}>{title}</rect>" if hint else f"<rect {size} {looks}/>"


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """One thin line."""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="line"{_looks("line")}/>'


def path(points: list[tuple[float, float]], kind: str) -> str:
    """One line through all points."""
    return f'<path d="M{" L".join(f"{x:g} {y:g}" for x, y in points)}" class={quoteattr(kind)}{_looks(kind)}/>'


def columns(said: str, each: float = 7.2) -> float:
    """About how wide a text is: enough for laying out boxes, on the wide side."""
    return len(said) * each


def shorten(said: str, width: float, each: float = 7.2) -> str:
    """The text, or as much of it as fits into ``width``."""
    fits = max(int(width / each), 1)
    return said if len(said) <= fits else f"{said[: max(fits - 1, 1)]}…"


def _clean(said: str) -> str:
    """Text that may stand in XML."""
    return escape(_CONTROL.sub("?", said))
