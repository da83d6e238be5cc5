"""The programs that run on hosts as one file: the same bytes from the same modules, and nothing lost on the way."""

from __future__ import annotations

import ast
import builtins
import collections
import importlib
import subprocess
import sys
from graphlib import CycleError
from pathlib import Path

import pytest

from voxgate.one_file import joined, modules, program

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ["voxgate.probe", "voxgate.deploy.on_host", "voxgate.moves.builder"]
MODULES = [(package, path) for package in PACKAGES for path in modules(ROOT / package.replace(".", "/"))]


def whole(package: str) -> str:
    """The file as it travels."""
    return bytes(importlib.import_module(f"{package}.built").program()).decode()


def names_of(tree: ast.Module) -> list[str]:
    """What a module's top level binds."""
    found = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.append(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
    return found


def imported_by(tree: ast.Module) -> dict[str, str]:
    """The names that a module imports from outside, and what each stands for."""
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0]: one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("voxgate"):
            found |= {one.name: f"{node.module}.{one.name}" for one in node.names}
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_two_modules(package: str) -> None:
    """In one file the later one would stand for both, and what one imports stands for all."""
    trees = [ast.parse(path.read_text("utf-8")) for whose, path in MODULES if whose == package]
    meanings = {(name, said) for tree in trees for name, said in imported_by(tree).items()}
    counted = collections.Counter([*(name for name, _ in meanings), *(name for tree in trees for name in names_of(tree))])
    assert [name for name, count in counted.items() if count > 1 or hasattr(builtins, name)] == []


@pytest.mark.parametrize(("package", "path"), MODULES, ids=[f"{package}.{path.stem}" for package, path in MODULES])
def test_a_module_is_one_that_can_be_joined(package: str, path: Path) -> None:
    """Its imports stand first and by name, none is renamed, and all that is behind them is in the file."""
    source = path.read_text("utf-8")
    tree = ast.parse(source, feature_version=(3, 9))
    top = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert tree.body[1 : 1 + len(top)] == top, "an import stands behind something else"
    for node in top:
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert not (node.module or "").startswith("voxgate") or (node.module or "").startswith(f"{package}.")
        assert all(one.asname is None for one in node.names)
    assert f"{package}." not in ast.unparse(ast.Module([one for one in tree.body if one not in top], []))
    body = "\n".join(source.splitlines()[top[-1].end_lineno or 0 :]).strip()
    assert body
    assert body in whole(package)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_file_is_python_3_9_and_needs_nothing_but_it(package: str) -> None:
    tree = ast.parse(whole(package), feature_version=(3, 9))
    needed = {
        name
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names] if isinstance(node, ast.Import)
            else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        )
    }  # fmt: skip
    assert needed
    assert {name for name in needed if name.partition(".")[0] not in sys.stdlib_module_names} == set()


def test_it_has_one_subject_a_module() -> None:
    assert {path.name: lines for _, path in MODULES if (lines := len(path.read_text("utf-8").splitlines())) > 300} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_who_builds_it_changes_nothing(package: str) -> None:
    code = f"import sys; from {package}.built import program; sys.stdout.buffer.write(program())"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}, cwd=ROOT
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {whole(package).encode()}


def package_of(folder: Path, **sources: str) -> Path:
    """A package with these modules."""
    (folder / "__init__.py").write_text('"""What it is."""\n')
    (folder / "built.py").write_text("no part of it")
    for name, source in sources.items():
        (folder / f"{name}.py").write_text(f'"""A module."""\n\nfrom __future__ import annotations\n\n{source}')
    return folder


def test_what_is_used_stands_before_what_uses_it(tmp_path: Path) -> None:
    uses = "import os\nimport sys\n\nfrom voxgate.one.z import (\n    ROOT,\n)\n\nsys.stdout.write(os.path.join(ROOT, 'a'))\n"
    made = program(package_of(tmp_path, a=uses, z="import os\n\nROOT = os.sep\n"))
    assert made.startswith('"""What it is."""\n\nfrom __future__ import annotations\n\nimport os\nimport sys\n\n\n# ---- z.py')
    assert made.count("import os") == 1
    assert "voxgate.one" not in made
    said = subprocess.run([sys.executable, "-I", "-c", made], capture_output=True, check=True, text=True, timeout=60).stdout
    assert said == "/a"


def test_what_is_no_module_of_it_cannot_be_joined(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uses what is no module of it: errors"):
        joined(package_of(tmp_path, a="from voxgate.errors import Refused\n\nprint(Refused)\n"))


def test_modules_that_use_each_other_cannot_be_joined(tmp_path: Path) -> None:
    one, other = ("from voxgate.one.{} import {}\n\nX = 1\n".format(*names) for names in (("b", "B"), ("a", "A")))
    with pytest.raises(CycleError):
        joined(package_of(tmp_path, a=one, b=other))
