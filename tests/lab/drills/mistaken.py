"""A plugin for drills: a mistake of the gate's own. ``VOXGATE_MISTAKEN=look`` fails in the first look after the moves."""

from __future__ import annotations

import os
from typing import Any, NoReturn

from voxgate.deploy.judging import looks as module

looks: Any = module


def pytest_configure() -> None:
    """Put the mistake where it shall be."""
    if os.environ.get("VOXGATE_MISTAKEN") == "look":
        take = looks.Looks.take  # the look before a deploy is none of these

        def mistaken(*words: Any, **named: Any) -> NoReturn:
            looks.Looks.take = take
            del words, named
            raise ZeroDivisionError("a mistake for the drill")

        looks.Looks.take = mistaken
