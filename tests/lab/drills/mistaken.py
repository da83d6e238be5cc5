"""A plugin for drills: a mistake of the gate's own. ``VOXGATE_MISTAKEN=look`` fails in the first look after the moves."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from voxgate.deploy import gate as module

gate: Any = module


def pytest_configure() -> None:
    """Put the mistake where it shall be."""
    if os.environ.get("VOXGATE_MISTAKEN") == "look":
        _look = gate.take_look

        def mistaken(*words: Any, **named: Any) -> NoReturn:
            gate.take_look = _look
            del words, named
            raise ZeroDivisionError("a mistake for the drill")

        gate.take_look = mistaken
