"""``voxgate init``: a folder for a team's own estates and checks, which depends on voxgate."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from voxgate import __version__
from voxgate.contracts.places import bundled
from voxgate.errors import VoxgateError
from voxgate.report.terminal.stream import CutStream

_TEMPLATE = Path(__file__).with_name("template")
_FILES = {
    "pyproject.toml": "project.toml",
    "Makefile": "Makefile",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "suites/test_ours.py": "suites/test_ours.py",
}
_ESTATE = re.compile(r"[a-z0-9][a-z0-9-]*", re.ASCII)


def init(folder: Path, estate: str, out: CutStream) -> int:
    """Make the files of a project in ``folder``, and say each. What is there already stays as it is. Raises VoxgateError for a
    name that no estate can have.
    """
    if not _ESTATE.fullmatch(estate) or estate == "services":
        raise VoxgateError("no estate can be called so", where=repr(estate), hint="small letters, digits and hyphens")
    texts = {name: (_TEMPLATE / source).read_text("utf-8") for name, source in _FILES.items()}
    texts[f"hosts/{estate}.toml"] = example_of(estate)
    texts["schemas/estate.schema.json"] = (bundled("schemas") / "estate.schema.json").read_text("utf-8")  # for editors
    words = {"name": _name_of(folder), "version": __version__, "estate": estate, "source": _source()}
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for key, value in words.items():
            text = text.replace(f"@{key}@", value)  # noqa: PLW2901 - the same text, a word later
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            out.write(f"  kept  {path}: it is there already\n")
        else:
            out.write(f"  made  {path}\n")
    out.write(f"next: say in {folder / 'hosts' / estate}.toml which hosts there are, or have it written; in {folder}:\n")
    out.write(f"  uv run voxgate draft --estate {estate} --host ROLE=ADDRESS --host ..\n")
    out.write(f"  uv run pytest --estate {estate}\n")
    return 0


def example_of(estate: str) -> str:
    """The estate's file as it is made here: an example, until somebody says more."""
    return (bundled("hosts") / "staging.toml").read_text("utf-8").replace('name = "staging"', f'name = "{estate}"', 1)


def _name_of(folder: Path) -> str:
    """A project's name, from its folder's."""
    return re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-") or "hosts"


def _source() -> str:
    """Where uv gets this voxgate from, as a table of ``pyproject.toml``; empty where it came from a package index."""
    text = distribution("voxgate").read_text("direct_url.json")
    if text is None:
        return ""
    came = json.loads(text)
    url = urlsplit(came["url"])
    if "vcs_info" in came:
        source = {"git": came["url"], "rev": came["vcs_info"]["commit_id"]}
    elif url.scheme == "file":
        source = {"path": unquote(url.path)}
    else:
        source = {"url": came["url"]}
    said = ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in source.items())
    return f"\n[tool.uv.sources]\nvoxgate = {{ {said} }}\n"
