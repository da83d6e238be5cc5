"""A check that asserts nothing: it passes whatever the host is like, so it is no rule that holds.

Said only where it is certain. A check is empty if it contains no ``assert`` (but of a constant) and no ``raise``, and calls
nothing but what ``host``, ``evidence`` and their like hand out, builtins that only compute, and functions that are as empty.
Whatever else it calls or is given - a library, a fixture of the team's own, a context as ``pytest.raises`` - might assert.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
from collections.abc import Callable, Iterable
from types import FunctionType, ModuleType
from typing import Any

import pytest

from voxgate.plugin.invariants import on

_GIVEN = frozenset({"host", "estate", "evidence", "moves", "capacity"})
"""Fixtures of voxgate whose own methods look, and assert nothing."""

_BEHIND = frozenset({*_GIVEN, "_connections", "deployment", "request", "pytestconfig"})
"""Those, and what they are made of."""

_COMPUTING = frozenset(
    {"abs", "all", "any", "bool", "bytes", "dict", "divmod", "enumerate", "float", "format", "frozenset", "hash", "hex", "int"}
    | {"isinstance", "len", "list", "max", "min", "ord", "print", "range", "repr", "reversed", "round", "set", "sorted", "str"}
    | {"sum", "tuple", "type", "zip"}
)
_ASSERTING = frozenset({"check_output", "run_expect", "run_test"})
"""What asserts among the methods of testinfra's ``host``."""

_PLAIN = (str, bytes, int, float, bool, type(None))


def is_empty(item: pytest.Item) -> bool:
    """True if it is certain that ``item`` asserts nothing."""
    if not isinstance(item, pytest.Function) or not isinstance(item.function, FunctionType):
        return False
    params = item.callspec.params if hasattr(item, "callspec") else {}
    plain = {name for name, value in params.items() if isinstance(value, _PLAIN)}
    if not set(item.fixturenames) <= _BEHIND | set(params) or not _ours(item):
        return False
    return not _may_assert(item.function, frozenset({*_GIVEN, *plain}), frozenset())


def _ours(item: pytest.Function) -> bool:
    """True if no fixture of a team's own stands in for one of voxgate's."""
    defined: dict[str, Any] = item._fixtureinfo.name2fixturedefs  # noqa: SLF001 - pytest tells it nowhere else
    nearest = [defined[name][-1].func.__module__ for name in _GIVEN if defined.get(name)]
    return all(module == "voxgate.plugin.fixtures" for module in nearest)


def _may_assert(function: Callable[..., Any], tame: frozenset[str], seen: frozenset[object]) -> bool:
    """False only if it is certain that a call with ``tame`` arguments asserts nothing."""
    try:
        (node,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return True
    names = getattr(function, "__globals__", {})
    if not isinstance(node, ast.FunctionDef) or not all(_is_mark(one, names) for one in node.decorator_list):
        return True
    reading = _Reading(names, {*seen, function}, _bound_to_tame(node, tame))
    return any(reading.may_assert(one) for statement in node.body for one in ast.walk(statement))


def _is_mark(decorator: ast.expr, names: dict[str, Any]) -> bool:
    """``@pytest.mark.x``, ``@pytest.mark.x(...)`` and our own ``@on(...)``, however it is imported; whatever else decorates may
    assert.
    """
    if ast.unparse(decorator).startswith("pytest.mark."):
        return True
    match decorator:
        case ast.Call(func=ast.Name(id=name)):
            return names.get(name) is on
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            return isinstance(names.get(module), ModuleType) and getattr(names[module], name, None) is on
    return False


def _bound_to_tame(node: ast.FunctionDef, tame: frozenset[str]) -> frozenset[str]:
    """``tame``, and the names that the function binds to nothing but what comes of these."""
    bound: dict[str, list[ast.expr]] = {}
    for one in ast.walk(node):
        match one:
            case ast.Assign(targets=targets, value=value):
                pairs: Iterable[tuple[ast.expr, ast.expr | None]] = [(target, value) for target in targets]
            case ast.AnnAssign(target=target, value=value) | ast.NamedExpr(target=target, value=value):
                pairs = [(target, value)]
            case ast.AugAssign(target=target, value=value):
                pairs = [(target, value)]
            case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
                pairs = [(target, value)]
            case ast.withitem(optional_vars=ast.expr() as target, context_expr=value):
                pairs = [(target, value)]
            case _:
                continue
        for target, value in pairs:
            for name in _names(target):
                bound.setdefault(name, []).extend([value] if value is not None else [])
    found = set(tame) - bound.keys()
    while more := {name for name, values in bound.items() if name not in found and all(_names(one) <= found for one in values)}:
        found |= more
    return frozenset(found)


def _names(node: ast.expr) -> set[str]:
    """Every name in it, but of builtins that only compute."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and one.id not in _COMPUTING}


class _Reading:
    """One function's source, asked node by node."""

    def __init__(self, names: dict[str, Any], seen: set[object], tame: frozenset[str]) -> None:
        """``names`` are the module's, ``seen`` the functions on the way here."""
        self._names = names
        self._seen = frozenset(seen)
        self._tame = tame

    def may_assert(self, node: ast.AST) -> bool:
        """True for what asserts, and for what nobody can be sure of."""
        match node:
            case ast.Assert(test=test):
                return not isinstance(test, ast.Constant)
            case ast.Call():
                return self._call(node)
            case ast.Raise() | ast.Import() | ast.ImportFrom() | ast.Await() | ast.Yield() | ast.YieldFrom():
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Lambda() | ast.AsyncFor() | ast.AsyncWith():
                return True
            case _:
                return False

    def _call(self, call: ast.Call) -> bool:
        """A call with anything but tame arguments may do anything."""
        given = [*call.args, *(keyword.value for keyword in call.keywords)]
        if not all(_names(one) <= self._tame for one in given):
            return True
        match call.func:
            case ast.Name(id=name) if name in _COMPUTING and name not in self._names:
                return False
            case ast.Name(id=name) if name not in self._tame:
                return self._function(self._names.get(name, getattr(builtins, name, None)))
            case ast.Attribute(attr=attr, value=value):
                return attr in _ASSERTING or not _names(value) <= self._tame
            case _:
                return True

    def _function(self, function: object) -> bool:
        """A function of the same or another module, whose source can be read."""
        if not isinstance(function, FunctionType):
            return True
        if function in self._seen:
            return False
        return _may_assert(function, frozenset(inspect.signature(function).parameters), self._seen)
