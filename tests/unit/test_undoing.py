"""How old the code of each placement is, as far as a look knows it."""

from __future__ import annotations

import pytest

from tests.unit.suites.conftest import Case
from tests.unit.suites.conftest import green as green  # noqa: PLC0414 - a fixture
from voxgate.contracts.estates import load_estate
from voxgate.deploy.hosts.state import Found
from voxgate.deploy.recovery.undoing import ages
from voxgate.model.evidence import Missing
from voxgate.model.release import PutBack

ESTATE = load_estate("lab")


@pytest.mark.parametrize(
    ("placement", "venv", "back", "wanted"),
    [
        ("backend-api-1", 30.0, None, (30.0, 30.0)),
        ("backend-api-1", 30.0, PutBack(25.0, 35.0, 20.0), (20.0, 30.0)),
        ("backend-api-1", 30.0, PutBack(31.0, 35.0, 20.0), (30.0, 30.0)),
        # Where not all of it was seen nobody knows how old it is; what has no units has no process that could be older.
        ("backend-api-1", Missing("failed", "no uv"), None, (None, None)),
        ("backend-api-1", None, PutBack(25.0, 35.0, 20.0), (None, None)),
        ("backend-api-1", "away", None, (None, None)),
        ("console-api-1", 30.0, None, (None, None)),
    ],
)
def test_how_old_code_is_by_all_that_a_process_is_made_of(
    green: Case,
    placement: str,
    venv: float | Missing | str | None,
    back: PutBack | None,
    wanted: tuple[float | None, float | None],
) -> None:
    """By files of 10 s, packages of 20 s and the virtual environment."""
    (one,) = (one for one in ESTATE.placements if one.id == placement)
    case = green.of_service("api-1", "checkouts", "backend", changed=10.0).of_service(
        "api-1", "packages", "backend", changed=20.0
    )
    if isinstance(venv, float):
        case = case.of_service("api-1", "venvs", "backend", changed=venv)
    else:
        case = case.host("api-1", venvs={"backend": venv} if venv else {})
    host = Missing("unreachable", "no route") if venv == "away" else case.of("api-1")
    told = ages([one], {"api-1": host}, {placement: Found(None, put_back=back)})
    assert told == {placement: {"code": wanted[0], "seen": wanted[1]}}
