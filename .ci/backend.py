"""How voxgate becomes a package: uv's own build backend, on a tree where suites, schemas and unit files are inside ``voxgate/``.

uv's backend takes what is inside the module and nothing beside it, and follows no links; so wheel and sdist are built from a copy
that is arranged so. The lab and its command are left out. What is installed for work on voxgate itself is uv's as it is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
_HOSTS = ("services.toml", "staging.toml", "units")
"""Of ``hosts/``: what every estate needs, and the one that ``voxgate init`` begins with."""

_BACKEND = ["uv_build>=0.9,<2"]

_Settings = dict[str, Any] | None


def get_requires_for_build_wheel(config_settings: _Settings = None) -> list[str]:  # noqa: ARG001 - PEP 517's words
    """Nothing where uv builds: it is its own backend. Others fetch it."""
    return [] if "UV" in os.environ else _BACKEND


get_requires_for_build_sdist = get_requires_for_build_editable = get_requires_for_build_wheel


def build_wheel(folder: str, config_settings: _Settings = None, metadata: str | None = None) -> str:  # noqa: ARG001
    """Make the wheel in ``folder``; its name."""
    return _arranged("build-wheel", folder)


def build_sdist(folder: str, config_settings: _Settings = None) -> str:  # noqa: ARG001
    """Make the sdist in ``folder``: the arranged tree, which is uv's to build; its name."""
    return _arranged("build-sdist", folder)


def build_editable(folder: str, config_settings: _Settings = None, metadata: str | None = None) -> str:  # noqa: ARG001
    """Make the wheel that points here; its name."""
    return _uv("build-editable", folder, ROOT)


def _uv(hook: str, folder: str, tree: Path) -> str:
    """Have uv's backend do ``hook`` on ``tree``; the last line that it prints is the file's name."""
    uv = os.environ.get("UV")
    command = [uv, "build-backend"] if uv else ["uv-build"]
    argv = [*command, hook, str(Path(folder).resolve())]
    done = subprocess.run(argv, cwd=tree, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()[-1]


def _arranged(hook: str, folder: str) -> str:
    """Do ``hook`` on a copy as the package has to look."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    project["scripts"] = {name: where for name, where in project["scripts"].items() if where.startswith("voxgate.")}
    tables = {
        "project": project,
        "build-system": {"requires": _BACKEND, "build-backend": "uv_build"},
        "tool.uv.build-backend": {"module-root": "", "module-name": "voxgate"},
    }
    with tempfile.TemporaryDirectory() as made:
        tree = Path(made)
        data = tree / "voxgate/data"
        shutil.copytree(ROOT / "voxgate", tree / "voxgate", ignore=_LEFT_OUT)
        for name in ("suites", "schemas"):
            shutil.copytree(ROOT / name, data / name, ignore=_LEFT_OUT)
        (data / "hosts").mkdir()
        for name in _HOSTS:
            here = ROOT / "hosts" / name
            (shutil.copytree if here.is_dir() else shutil.copy2)(here, data / "hosts" / name)
        for name in ("README.md", "LICENSE"):
            shutil.copy2(ROOT / name, tree)
        (tree / "pyproject.toml").write_text("\n".join(line for name, table in tables.items() for line in _toml(name, table)))
        return _uv(hook, folder, tree)


def _toml(name: str, table: dict[str, Any]) -> Iterator[str]:
    """A table of texts, lists of texts and tables of these. JSON writes texts and lists as TOML does."""
    yield f"[{name}]"
    yield from (f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items() if not isinstance(value, dict))
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _toml(f"{name}.{key}", value)
