"""The facts by testinfra: a test each, as its own documentation writes them."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import testinfra

FACTS: dict[str, dict[str, Any]] = json.loads(Path(os.environ["BENCH_FACTS"]).read_text())


@cache
def there(name: str) -> Any:
    """One host, by the backend that is measured; its connection is kept."""
    return testinfra.get_host(os.environ["BENCH_BACKEND"].replace("NAME", name))


def each(kind: str) -> Any:
    """A test for each fact of a kind."""
    rows = [(name, fact) for name, host in FACTS.items() for fact in host[kind]]
    return pytest.mark.parametrize(("name", "fact"), rows, ids=[f"{name}-{number}" for number, (name, _) in enumerate(rows)])


@each("units")
def test_unit_is_active(name: str, fact: str) -> None:
    """Its unit runs."""
    assert there(name).service(fact).is_running


@each("ports")
def test_port_listens(name: str, fact: dict[str, Any]) -> None:
    """Somebody listens."""
    assert there(name).socket(f"tcp://{fact['address']}:{fact['port']}").is_listening


@each("pages")
def test_page_answers(name: str, fact: str) -> None:
    """It says 200."""
    assert there(name).run("busybox wget -q -T 3 -O /dev/null %s", fact).rc == 0


@each("files")
def test_owner(name: str, fact: dict[str, str]) -> None:
    """Who owns it."""
    assert there(name).file(fact["path"]).user == fact["owner"]


@each("files")
def test_mode(name: str, fact: dict[str, str]) -> None:
    """Who may read it."""
    assert there(name).file(fact["path"]).mode == int(fact["mode"], 8)


@each("commits")
def test_commit(name: str, fact: dict[str, str]) -> None:
    """What is checked out."""
    assert there(name).check_output("git -C %s rev-parse HEAD", fact["folder"]).strip() == fact["commit"]
