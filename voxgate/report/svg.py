"""The few words of SVG that the pictures are written in: shapes, text, one palette for light and dark."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape, quoteattr

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

SIGNS = {"holds": "✓", "violated": "✗", "blind": "?", "missing": "○", "waived": "~", "none": "·"}
"""What stands for a verdict beside its colour: a picture must read without colours too."""

_STYLE = """
  svg { color-scheme: light dark }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1f2933 }
  .title { font-size: 17px; font-weight: 600 } .strong { font-weight: 600 } .small { font-size: 11px }
  .dim { fill: #5f6c7b } .page { fill: #f6f8fa } .box { fill: #ffffff; stroke: #d3dae1 } .line { stroke: #d3dae1 }
  .holds { fill: #dcf5e3 } .violated { fill: #fbd9d7 } .blind, .missing { fill: #fdefc3 } .none { fill: #eceff2 }
  .waived { fill: #d7ecf7 }
  .t-holds { fill: #116329 } .t-violated { fill: #a40e26 } .t-blind, .t-missing { fill: #7a4d00 } .t-none { fill: #5f6c7b }
  .t-waived { fill: #0b4f71 }
  .fetch { fill: #b6d7e4 }
  .checkout { fill: #9ec5fe } .install { fill: #c5b3f6 } .restart { fill: #ffd08a } .health { fill: #a3e0b5 }
  .canary { fill: #f3e08a }
  .other { fill: #c9d1d9 } .failed { fill: #f4a3a0 } .bar { fill: #1f2933 } .back { stroke: #a40e26; stroke-dasharray: 3 2 }
  .area { fill: #a3e0b5; fill-opacity: .55 } .edge { stroke: #2da44e; stroke-width: 1.5; fill: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .dim { fill: #9aa7b4 } .page { fill: #12171d } .box { fill: #1b222b; stroke: #36414d }
    .line { stroke: #36414d }
    .holds { fill: #12381f } .violated { fill: #57181c } .blind, .missing { fill: #46360a } .none { fill: #262e38 }
    .waived { fill: #123546 }
    .t-holds { fill: #7ee2a0 } .t-violated { fill: #ffb3ad } .t-blind, .t-missing { fill: #f5cf66 } .t-none { fill: #9aa7b4 }
    .t-waived { fill: #86cdf0 }
    .fetch { fill: #33525e }
    .checkout { fill: #1f4b87 } .install { fill: #4c3a8c } .restart { fill: #7a4a08 } .health { fill: #1c5c33 }
    .canary { fill: #6b5d10 }
    .other { fill: #3d4753 } .failed { fill: #8e2b2b } .bar { fill: #e6edf3 } .back { stroke: #ffb3ad }
    .area { fill: #1c5c33 } .edge { stroke: #57c77f }
  }
"""


def picture(width: float, height: float, title: str, shapes: list[str]) -> str:
    """A whole SVG file. It names no font file and loads nothing; ``title`` is read aloud by screen readers."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img">'
    )
    page = f'<rect class="page" width="{width:g}" height="{height:g}" rx="10"/>'
    return "\n".join([head, f"<title>{_clean(title)}</title>", f"<style>{_STYLE}</style>", page, *shapes, "</svg>"]) + "\n"


def text(x: float, y: float, said: str, kind: str = "", *, anchor: str = "start", hint: str = "") -> str:
    """One line of text; ``hint`` is shown where a pointer rests."""
    title = f"<title>{_clean(hint)}</title>" if hint else ""
    place = f'x="{x:g}" y="{y:g}"' + (f' text-anchor="{anchor}"' if anchor != "start" else "")
    return f"<text {place} class={quoteattr(kind)}>{_clean(said)}{title}</text>"


def box(x: float, y: float, width: float, height: float, kind: str, *, radius: float = 6, hint: str = "") -> str:
    """One rectangle with round corners."""
    size = f'x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{height:g}" rx="{radius:g}"'
    title = f"<title>{_clean(hint)}</title>" if hint else ""
    return f"<rect {size} class={quoteattr(kind)}>{title}</rect>" if hint else f"<rect {size} class={quoteattr(kind)}/>"


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    """One thin line."""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="line"/>'


def path(points: list[tuple[float, float]], kind: str) -> str:
    """One line through all points."""
    return f'<path d="M{" L".join(f"{x:g} {y:g}" for x, y in points)}" class={quoteattr(kind)}/>'


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
