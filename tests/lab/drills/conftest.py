"""What each drill starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.drills.drilling import NEW, OLD, RECOVER, Drill, goods, run
from tests.lab.serving import Serving


@pytest.fixture(scope="session", autouse=True)
def _known_good(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every service has a last known good, and the release before it is on the hosts."""
    folder = tmp_path_factory.mktemp("known-good")
    try:
        known = goods()
    except ValueError:
        known = {}
    if not known or not all(tag.endswith((OLD, NEW)) for tag in known.values()):
        assert run(folder, "--deploy", "all")[0] == 0
    status, gate = run(folder / "first", *RECOVER)
    assert status == 0, gate.said[-3000:]


@pytest.fixture
def drill(request: pytest.FixtureRequest) -> Iterator[Drill]:
    """The drill of this test; who serves is asked all the time beside it."""
    name = request.node.name.removeprefix("test_")
    with Serving(name) as serving:
        yield Drill(name, "", serving=serving)
