"""``contract.toml`` in a service's checkout: how the service is asked for its contract, so that nobody has to type it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxgate.errors import Refused

NAME = "contract.toml"
_TEXTS = ("service", "at", "start", "answers")
_HINT = "service, at, start and answers are texts, [settings] has texts by their name"


@dataclass(frozen=True, slots=True)
class ContractFile:
    """What it says, empty for what it does not say. ``answers`` is the file of what the release before answers."""

    service: str = ""
    at: str = ""
    start: str = ""
    answers: str = ""
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)


def contract_file(folder: Path) -> ContractFile:
    """Raises Refused, in a line, for one that cannot be read or says what nobody knows."""
    path = folder / NAME
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return ContractFile()
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise Refused("cannot be read", where=NAME, why=str(error)) from None
    settings = said.pop("settings", {})
    wrong = [name for name, value in said.items() if name not in _TEXTS or not isinstance(value, str)]
    if not isinstance(settings, dict) or not all(isinstance(value, str) for value in settings.values()):
        wrong.append("settings")
    if wrong:
        raise Refused("says what nobody knows", where=NAME, why=wrong[0][:100], hint=_HINT)
    return ContractFile(**said, settings=settings)
