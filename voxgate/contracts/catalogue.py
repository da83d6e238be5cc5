"""The catalogue of invariants, read from the suites themselves without running them.

What must be judged may not depend on what pytest happens to collect, so the decorators are read from the source: a suite
that fails to import, or that somebody deselects, leaves its invariants expected and missing.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from voxgate.contracts.places import bundled
from voxgate.contracts.whole import functions_of, names_all
from voxgate.errors import ContractError
from voxgate.model.estate import Host
from voxgate.model.invariant import Guards, Invariant, Need, Per, Threat
from voxgate.model.nearest import nearest
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


def _decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str = "invariant") -> ast.Call | None:
    """The call of ``@invariant``, or of another decorator of that name; None for a function that has none."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == name:
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
        threats = tuple(map(Threat, said.pop("threats", ())))
    except (ValueError, KeyError, TypeError) as error:
        allowed = {"per": Per, "roles": Role, "needs": Need, "guards": Guards, "threats": Threat}
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
        threats=threats,
    )


@dataclass(frozen=True, slots=True)
class Check:
    """A team's own test, without ``@invariant``: ``test_ours.py::test_x``, ``test_ours.py::TestSite::test_x``. By ``@on`` it is
    for hosts of these roles, or of these names; where it says neither, for all.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    hosts: frozenset[str] = frozenset()

    def is_on(self, host: Host) -> bool:
        """True where it is for that host."""
        return not (self.roles or self.hosts) or host.name in self.hosts or not self.roles.isdisjoint(host.roles)


@cache
def plain_tests(*folders: Path) -> tuple[Check, ...]:
    """A team's own tests in the suites of ``folders`` (default: those that come with voxgate). Each must be judged at least once.

    Raises ContractError for an ``@on`` that nobody can read.
    """
    return tuple(
        replace(check, name=f"{path.name}::{check.name}")
        for path in _suites(folders)
        for check in _plain(path, ast.parse(path.read_bytes(), filename=path.name).body)
    )


def _plain(path: Path, body: Iterable[ast.stmt], within: str = "") -> Iterator[Check]:
    for node in body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _plain(path, node.body, f"{within}{node.name}::")
        elif isinstance(node, ast.FunctionDef) and _decorator(node) is not None:
            continue
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield _on(path, node, f"{within}{node.name}")


def _on(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Check:
    """One of them, with the hosts that it is for."""
    call = _decorator(node, "on")
    if call is None:
        return Check(name)
    where = f"suites/{path.name}:{node.lineno}"
    try:
        said = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except ValueError:
        why = "@on takes literals: what must be judged is read from the source"
        raise ContractError("this check cannot be read", where=where, why=why) from None
    words = {key: frozenset([value] if isinstance(value, str) else value) for key, value in said.items()}
    if call.args or not words or words.keys() - {"role", "host"}:
        raise ContractError("this check cannot be read", where=where, why='@on takes role= and host=, as @on(role="fleet")')
    roles, known = words.get("role", frozenset()), [role.value for role in Role]
    for role in roles - set(known):
        near = nearest(str(role), known)
        hint = f"did you mean {near}?" if near else f"roles: {', '.join(known)}"
        raise ContractError(f"there is no role {role!r}", where=f"{where}, @on", hint=hint)
    return Check(name, frozenset(Role(role) for role in roles), words.get("host", frozenset()))


def find(catalogue: Sequence[Invariant], function: str, suite: str) -> Invariant | None:
    """The invariant that a collected test function is, None for a plain test."""
    name = invariant_name(function)
    return next((one for one in catalogue if one.name == name and one.suite == suite), None)
