"""Names as an estate writes them: an entry means what it says, whoever is called whatever."""

from __future__ import annotations

import pytest

from voxgate.model.where import Names


@pytest.mark.parametrize(
    ("entry", "name", "meant"),
    [
        ("agent.service", "agent.service", True),
        ("agent.service", "agent.service2", False),
        ("agent*.service", "agent.service", True),
        ("agent*.service", "agent-trace.service", True),
        ("agent*.service", "agent-trace.timer", False),
        ("agent*.service", "the-agent.service", False),
        ("a*b*b", "ab", False),
        ("a*b*b", "abb", True),
        ("a*ba*a", "aba", False),
        ("/opt/agent/*", "/opt/agent/bin", True),
        ("/opt/agent/*", "/opt/agent/", True),
        ("/opt/agent/*", "/opt/agent/bin/x", False),
        ("/opt/agent/*/x", "/opt/agent/bin/x", True),
        ("/opt/agent/*/x", "/opt/agent/bin/../x", False),
        ("/opt/agent/*", "/opt/agent/a\nb", True),
        ("*", "", True),
        ("", "", True),
    ],
)
def test_a_name_is_one_that_an_entry_says(entry: str, name: str, meant: bool) -> None:  # noqa: FBT001
    assert (name in Names((entry,))) is meant
    assert (name in Names(("another.service", entry))) is meant
    assert name not in Names(())


def test_no_name_makes_an_entry_take_time() -> None:
    """A host may say a megabyte where a name is meant."""
    assert "a" * 1_000_000 not in Names(("a*a*a*a*a*a*b",))
