"""The catalogue of invariants, read from the suites themselves without running them.

What must be judged may not depend on what pytest happens to collect, so the decorators are read from the source: a suite
that fails to import, or that somebody deselects, leaves its invariants expected and missing.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from voxgate.contracts.places import bundled
from voxgate.contracts.whole import functions_of, names_all
from voxgate.errors import ContractError
from voxgate.model.invariant import Guards, Invariant, Need, Per
from voxgate.model.service import Role

FOLDER = bundled("suites")
_MARKERS = {
    "test_release.py": "release",
    "test_environment.py": "release",
    "test_contracts.py": "contract",
    "test_platform.py": "platform",
    "test_containers.py": "platform",
    "test_deploy.py": "deploy",
}


def invariant_name(function: str) -> str:
    """``test_head_is_the_release`` -> ``head-is-the-release``."""
    return function.removeprefix("test_").replace("_", "-")


@cache
def read_catalogue(*folders: Path) -> tuple[Invariant, ...]:
    """Every function below ``@invariant(...)`` in the suites of ``folders`` (default: those that come with voxgate), in the order
    of files and lines.

    Raises ContractError for a suite that is no Python, a decorator whose arguments are no literals, an invariant without
    a reason, and a name that stands twice.
    """
    found: dict[str, Invariant] = {}
    for path in _suites(folders):
        try:
            module = ast.parse(path.read_bytes(), filename=path.name)
        except (OSError, SyntaxError, ValueError) as error:
            raise ContractError("this suite cannot be read", where=f"suites/{path.name}", why=str(error)) from None
        functions = functions_of(module)
        for node in module.body:
            if isinstance(node, ast.FunctionDef) and (call := _decorator(node)) is not None:
                invariant = replace(_read(path, node, call), names_all=names_all(node, functions))
                if invariant.name in found:
                    where = f"suites/{path.name}:{node.lineno}"
                    raise ContractError("an invariant's name stands twice", where=where, why=invariant.name)
                found[invariant.name] = invariant
    return tuple(found.values())


def _suites(folders: Sequence[Path]) -> Iterator[Path]:
    """The files of suites, folder by folder."""
    for folder in folders or (FOLDER,):
        yield from sorted(folder.glob("test_*.py"))


def _decorator(node: ast.FunctionDef) -> ast.Call | None:
    """The call of ``@invariant``, None for a function that is none."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "invariant":
            return decorator
    return None


def _read(path: Path, node: ast.FunctionDef, call: ast.Call) -> Invariant:
    """One invariant from its decorator and docstring."""
    where = f"suites/{path.name}:{node.lineno}"
    try:
        said = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords if keyword.arg}
        per = Per(said.pop("per"))
        services = tuple(said.pop("services", ()))
        roles = frozenset(Role(role) for role in said.pop("roles", ()))
        faults = tuple(said.pop("faults", ()))
        needs = frozenset(Need(need) for need in said.pop("needs", ()))
        severity = str(said.pop("severity", "critical"))
        guards = Guards(said.pop("guards")) if "guards" in said else None
    except (ValueError, KeyError, TypeError) as error:
        allowed = {"per": Per, "roles": Role, "needs": Need, "guards": Guards}
        kinds = "; ".join(f"{key}= of {', '.join(words)}" for key, words in allowed.items())
        why = f"@invariant takes literals; {kinds}: {error}"
        raise ContractError("this invariant cannot be read", where=where, why=why) from None
    if said:
        raise ContractError("this invariant cannot be read", where=where, why=f"unknown argument {min(said)!r}")
    reason = inspect.cleandoc(ast.get_docstring(node) or "")
    if not reason:
        raise ContractError("an invariant needs a reason", where=where, hint="its docstring says why the rule exists")
    marker = _MARKERS.get(path.name)
    return Invariant(
        invariant_name(node.name),
        path.name,
        reason,
        per,
        services,
        (marker,) if marker else (),
        faults,
        severity,
        deploy=marker == "deploy",
        roles=roles,
        needs=needs,
        guards=guards,
    )


@cache
def plain_tests(*folders: Path) -> tuple[str, ...]:
    """A team's own tests, without ``@invariant``, in the suites of ``folders`` (default: those that come with voxgate):
    ``test_ours.py::test_x``, ``test_ours.py::TestSite::test_x``. Each must be judged at least once.
    """
    return tuple(
        f"{path.name}::{name}"
        for path in _suites(folders)
        for name in _plain(ast.parse(path.read_bytes(), filename=path.name).body)
    )


def _plain(body: Iterable[ast.stmt], within: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _plain(node.body, f"{within}{node.name}::")
        elif isinstance(node, ast.FunctionDef) and _decorator(node) is not None:
            continue
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield f"{within}{node.name}"


def find(catalogue: Sequence[Invariant], function: str, suite: str) -> Invariant | None:
    """The invariant that a collected test function is, None for a plain test."""
    name = invariant_name(function)
    return next((one for one in catalogue if one.name == name and one.suite == suite), None)
