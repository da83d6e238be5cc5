"""Whether a rule names all that it finds, read from its source: one assertion, the last thing that it does, by ``say_all``
or ``say_each``.

What fails behind an earlier assertion is not seen before that one is mended, so it would hide behind a waiver of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence


def functions_of(module: ast.Module) -> dict[str, ast.FunctionDef]:
    """The functions of a suite by name."""
    return {one.name: one for one in module.body if isinstance(one, ast.FunctionDef)}


def names_all(rule: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef]) -> bool:
    """True if on each way through ``rule``, and those of ``functions`` that it ends with, only the last statement asserts
    something, worded by ``say_all``. What else it calls of them asserts nothing.
    """
    ends = {id(one) for one in _ends(rule.body, functions, (rule.name,))}
    asserts = [node for function in _called(rule, functions) for node in ast.walk(function) if isinstance(node, ast.Assert)]
    return bool(asserts) and all(id(one) in ends and _by_say_all(one) for one in asserts)


def _by_say_all(one: ast.Assert) -> bool:
    match one.msg:
        case ast.Call(func=ast.Name(id="say_all" | "say_each")):
            return True
    return False


def _ends(body: Sequence[ast.stmt], functions: Mapping[str, ast.FunctionDef], within: tuple[str, ...]) -> Iterator[ast.stmt]:
    """What comes last on each way, also where that is another function of its suite."""
    match body[-1]:
        case ast.If(body=then, orelse=other):
            yield from _ends(then, functions, within)
            if other:
                yield from _ends(other, functions, within)
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in functions and name not in within:
            yield from _ends(functions[name].body, functions, (*within, name))
        case last:
            yield last


def _called(rule: ast.FunctionDef, functions: Mapping[str, ast.FunctionDef]) -> list[ast.FunctionDef]:
    """It, and all of ``functions`` that it comes to."""
    found = {rule.name: rule}
    todo = [rule]
    while todo:
        names = {one.func.id for one in ast.walk(todo.pop()) if isinstance(one, ast.Call) and isinstance(one.func, ast.Name)}
        new = [functions[name] for name in sorted(names & functions.keys() - found.keys())]
        found |= {one.name: one for one in new}
        todo += new
    return list(found.values())
