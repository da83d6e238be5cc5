"""What each drill starts from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest

from lab.proving.byte_code import keep_byte_code
from tests.lab.conftest import fresh_lab, lab_command
from tests.lab.drills.drilling import NEW, OLD, RECOVER, Drill, goods, ledger_flaws, run
from tests.lab.serving import Serving
from tests.lab.sharing import turn_of_this_run

FOLDER = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With ``TURN=2/3`` only the drills of each file whose turn it is. Raises UsageError for what is no turn."""
    turn = turn_of_this_run()
    drills = [item for item in items if item.path.parent == FOLDER]
    files = [list(rows) for _, rows in groupby(drills, key=lambda item: item.path)]
    left = set(drills).difference(*map(turn.of, files))
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=list(left))


@pytest.fixture(scope="session", autouse=True)
def _fresh_lab() -> None:
    """In place of hosts on which nothing was ever deployed: a lab that is up, and in order or not."""
    lab_command("up")


@pytest.fixture(scope="session", autouse=True)
def _known_good(_fresh_lab: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every service has a last known good, the release before it is on the hosts, nothing is open, and all holds. So it may be
    after other tests; else the lab is raised anew, and all is deployed.
    """
    folder = tmp_path_factory.mktemp("known-good")
    if _is_in_order() and run(folder / "found", *RECOVER)[0] == 0:
        return
    fresh_lab()
    assert run(folder, "--deploy", "all")[0] == 0
    keep_byte_code()
    status, gate = run(folder / "first", *RECOVER)
    assert status == 0, gate.end


def _is_in_order() -> bool:
    """True where all was deployed, of the releases that the drills go between, and the ledgers have no flaw that a drill would be
    blamed for.
    """
    try:
        return all(tag.endswith((OLD, NEW)) for tag in goods().values()) and not ledger_flaws()
    except ValueError:  # something was never deployed
        return False


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Iterator[Drill]:
    """The drill of this test; who serves is asked all the time beside it."""
    name = request.node.name.removeprefix("test_")
    with Serving(name) as serving:
        yield Drill(name, "", serving=serving)
