"""The Allure page: one HTML file, made by the pinned npm package ``allure``, that loads nothing from outside.

``transport.clients.npm`` installs Allure by the lock that ships here. Making the page may fail; that is one line for a person,
and never changes a verdict.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from voxgate.contracts.estates import cache_folder
from voxgate.errors import VoxgateError
from voxgate.report.allure.sealing import external_loads, sealed
from voxgate.report.verdict.verdict_file import replace_file
from voxgate.transport import local
from voxgate.transport.clients.npm import Recipe, Run, install, must, node_and_npm
from voxgate.transport.surroundings import environment

RECIPE = Recipe(
    name="allure",
    folder=Path(__file__).resolve().parent,
    cli=Path("node_modules/allure/cli.js"),
    beside=("allurerc.mjs",),
)

DEADLINE = 120.0
"""Seconds for all of it, the first installation included."""

# Allure selects the first failure and scrolls to it, past the verdict, before a person has read a word. It draws a ring of what
# passed, which is nearly whole and green also where a release was rolled back; it calls new what it has not seen, and shows tabs
# with nothing in them. What came of the run says its title, and our own page.
_FIRST_SIGHT = """<style>
      article:has([aria-label^="Success rate"]), [data-testid="metadata-item-new"], [data-testid="tree-leaf-transition-new"] {
        display: none !important;
      }
    </style>
    <script>
      new MutationObserver(() => {
        for (const tab of document.querySelectorAll('[data-testid^="nav-tab-"]')) {
          tab.style.display = tab.querySelector('[data-testid="counter"]')?.textContent === "0" ? "none" : "";
        }
      }).observe(document, { childList: true, characterData: true, subtree: true });
      (() => {
        let touched = location.hash.length > 1;
        for (const name of ["pointerdown", "keydown", "wheel", "touchstart", "hashchange"]) {
          addEventListener(name, () => { touched = true; }, { capture: true, once: true });
        }
        addEventListener("scroll", ({ target }) => {
          if (!touched) (target.scrollingElement ?? target).scrollTop = 0;
        }, { capture: true });
      })();
    </script>"""

_KEPT_HISTORY = 10


def make_page(
    results: Path,
    page: Path,
    *,
    title: str,
    history: Path,
    run: Run = local.run,
    cache: Path | None = None,
    deadline: float = DEADLINE,
    remember: bool = True,
) -> Path:
    """Make ``page`` (one HTML file) from Allure's raw ``results``, and add the run to ``history`` if ``remember``.

    Returns ``page``, which is there whole or not at all. Raises VoxgateError, in one line, for everything that can go wrong.
    """
    ends = time.monotonic() + deadline
    try:
        node, npm = node_and_npm()
        installed = install(RECIPE, cache or cache_folder(), node, npm, run=run, deadline=deadline)
        with tempfile.TemporaryDirectory(prefix="voxgate-allure-") as name:
            work = Path(name)
            past = work / "history.jsonl"
            past.write_text("".join(f"{line}\n" for line in _whole_lines(history)), "utf-8")
            env = {
                **environment(),
                "VOXGATE_ALLURE_NAME": title,
                "VOXGATE_ALLURE_OUTPUT": str(work / "out"),
                "VOXGATE_ALLURE_HISTORY": str(past),
            }
            argv = [str(node), str(installed / RECIPE.cli), "generate", "-c", str(installed / "allurerc.mjs")]
            argv += ["--cwd", str(work), str(results.resolve())]
            must(run, argv, what="allure could not make the page", left=ends - time.monotonic(), cwd=work, env=env)
            made = work / "out" / "index.html"
            if not made.is_file():
                raise VoxgateError("allure made no page", where=str(results), why="there may be no results in it")
            html = sealed(made.read_text("utf-8").replace("<head>", f"<head>\n    {_FIRST_SIGHT}", 1))
            if loads := external_loads(html):
                raise VoxgateError("allure's page loads from outside", where=str(results), why=loads[0])
            page.parent.mkdir(parents=True, exist_ok=True)
            replace_file(page, html.encode())
            if remember:
                replace_file(history, past.read_bytes())
    except (OSError, UnicodeError) as error:
        raise VoxgateError("cannot make the Allure page", where=str(page), why=str(error)) from None
    return page


def _whole_lines(history: Path) -> list[str]:
    """The last runs of the history. A line that is no JSON (a full disk, an old crash) is dropped: Allure would fail on it."""
    try:
        lines = history.read_text("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return []
    whole = []
    for line in lines:
        try:
            if isinstance(json.loads(line), dict):
                whole.append(line)
        except ValueError:
            continue
    return whole[-_KEPT_HISTORY:]
